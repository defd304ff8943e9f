//! Rates of requests, per user and per address.

use std::net::IpAddr;
use std::num::NonZeroU32;

use docassist_model::{ErrorCode, UserId};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::problem::Problem;

/// So many seconds' worth of requests may come at once: opening a page asks for several things.
const BURST_SECONDS: u32 = 5;

/// Who may ask how often.
pub struct Limits {
    users: Option<DefaultKeyedRateLimiter<UserId>>,
    addresses: Option<DefaultKeyedRateLimiter<IpAddr>>,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(user_rate: u32, address_rate: u32) -> Self {
        let quota = |rate: u32| {
            let rate = NonZeroU32::new(rate)?;
            Some(
                Quota::per_second(rate)
                    .allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1))),
            )
        };
        Self {
            users: quota(user_rate).map(RateLimiter::keyed),
            addresses: quota(address_rate).map(RateLimiter::keyed),
            clock: DefaultClock::default(),
        }
    }

    pub(crate) fn check_user(&self, user: UserId) -> Result<(), Problem> {
        let Some(users) = &self.users else { return Ok(()) };
        users.check_key(&user).map_err(|until| self.too_many("you have", until.wait_time_from(self.clock.now())))
    }

    pub(crate) fn check_address(&self, address: IpAddr) -> Result<(), Problem> {
        let Some(addresses) = &self.addresses else { return Ok(()) };
        let address = network(address);
        addresses
            .check_key(&address)
            .map_err(|until| self.too_many("your address has", until.wait_time_from(self.clock.now())))
    }

    #[allow(clippy::unused_self, reason = "it is about these limits")]
    fn too_many(&self, who: &str, wait: std::time::Duration) -> Problem {
        Problem::new(ErrorCode::RateLimited, format!("{who} sent too many requests"))
            .hint(format!("Try again in {} ms.", wait.as_millis().max(1)))
    }

    /// Forgets those who have not asked for a while. To be called now and then.
    pub(crate) fn forget_idle(&self) {
        if let Some(users) = &self.users {
            users.retain_recent();
        }
        if let Some(addresses) = &self.addresses {
            addresses.retain_recent();
        }
    }
}

/// Somebody with IPv6 has a whole network of 2^64 addresses; it counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => IpAddr::V4(mapped),
            None => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_rate_of_their_own() {
        let limits = Limits::new(1, 2);
        let served = |check: &dyn Fn() -> bool| (0..100).filter(|_| check()).count();
        assert_eq!(served(&|| limits.check_user(UserId(1)).is_ok()), 5);
        assert_eq!(served(&|| limits.check_user(UserId(2)).is_ok()), 5);
        assert_eq!(served(&|| limits.check_address("10.0.0.1".parse().unwrap()).is_ok()), 10);
        let unlimited = Limits::new(0, 0);
        assert_eq!(served(&|| unlimited.check_user(UserId(1)).is_ok()), 100);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(network(one), network("2001:db8::ffff:1".parse().unwrap()));
        assert_ne!(network(one), network("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(network("::ffff:10.0.0.1".parse().unwrap()), network("10.0.0.1".parse().unwrap()));
    }
}
