//! The service as its callers see it: every request goes through the router with all its layers, most of them without a
//! connection. Modules are named like what they are about.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod accounts;
mod audit;
mod call;
mod contract;
mod edge;
mod equality;
mod foreign;
mod isolation;
mod keys;
mod limits;
mod members;
mod ops;
mod postgres;
mod qdrant;
mod search;
mod sessions;
mod sources;
mod table;
mod webhooks;
mod world;
