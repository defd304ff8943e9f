//! The cache as its users see it, over a Redis that the tests start themselves.

mod interleaving;
mod million;
mod outage;
mod redis_server;
mod replicas;
mod room;
mod single_flight;
mod store;
