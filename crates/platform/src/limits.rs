//! How often somebody may call: per signed-in caller, per address of those who are not, and per address and account for sign-ins.
//! GCRA (the generic cell rate algorithm, as the governor crate has it): a steady rate and a burst.

use std::error::Error as StdError;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use kernel::ErrorCode;

use crate::auth::Principal;
use crate::config::Config;
use crate::{App, Error, Result};

/// Callers fall into so many slots by a hash with a random key: memory stays below 20 MiB whoever calls. Two of them share a
/// slot, and with it a limit, once in a quarter of a million.
const SLOTS: u64 = 1 << 18;

/// The limits of this process; each process of several counts for itself.
pub struct Limits {
    hasher: RandomState,
    callers: Option<Limit>,
    anonymous: Option<Limit>,
    sign_ins: Option<Limit>,
    trusted_proxies: Vec<IpNet>,
}

struct Limit {
    slots: DefaultKeyedRateLimiter<u32>,
    clock: DefaultClock,
    burst: u32,
}

/// The source of an error that a limit made: what the RateLimit fields of the answer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Calls that may come at once.
    pub limit: u32,
    /// Seconds until the next call is allowed.
    pub reset: u32,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the limit of {} is used up for {} s", self.limit, self.reset)
    }
}

impl StdError for Exceeded {}

impl Limit {
    fn new(quota: Quota, burst: u32) -> Self {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        Self { slots: RateLimiter::keyed(quota.allow_burst(burst)), clock: DefaultClock::default(), burst: burst.get() }
    }

    fn per_second(rate: u32, burst: u32) -> Self {
        Self::new(Quota::per_second(NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN)), burst)
    }

    fn charge(&self, slot: u32) -> Result<(), Exceeded> {
        self.slots.check_key(&slot).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            // A whole second at least: nobody should come back within the same one.
            let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1);
            Exceeded { limit: self.burst, reset: seconds }
        })
    }
}

impl Limits {
    /// `trusted_proxies` was checked when the settings were read.
    pub fn new(config: &Config) -> Self {
        let on = config.enable_rate_limiting;
        let per_minute = NonZeroU32::new(config.sign_in_limit_per_minute).unwrap_or(NonZeroU32::MIN);
        Self {
            hasher: RandomState::new(),
            callers: on.then(|| Limit::per_second(config.rate_limit_per_second, config.rate_limit_burst)),
            anonymous: on.then(|| Limit::per_second(config.anonymous_limit_per_second, config.anonymous_limit_burst)),
            sign_ins: on.then(|| Limit::new(Quota::per_minute(per_minute), per_minute.get())),
            trusted_proxies: config.trusted_proxies.iter().filter_map(|text| parse_network(text)).collect(),
        }
    }

    fn charge(&self, limit: Option<&Limit>, who: impl Hash, what: &'static str) -> Result<()> {
        let Some(limit) = limit else { return Ok(()) };
        let slot = self.hasher.hash_one(who) % SLOTS;
        limit.charge(u32::try_from(slot).unwrap_or_default()).map_err(|exceeded| {
            metrics::counter!("http_rate_limited_total", "limit" => what).increment(1);
            let detail = format!("too many {what}; the next is answered in {} s", exceeded.reset);
            Error {
                retry_after: Some(exceeded.reset),
                source: Some(Box::new(exceeded)),
                ..Error::new(ErrorCode::TooManyRequests, detail)
            }
        })
    }

    /// One call of somebody who proved who they are.
    pub fn caller(&self, principal: &Principal) -> Result<()> {
        self.charge(self.callers.as_ref(), (principal.tenant.as_str(), principal.user.0), "calls of this user")
    }

    /// One call of somebody who did not.
    pub fn anonymous(&self, address: ClientAddress) -> Result<()> {
        self.charge(self.anonymous.as_ref(), address.0, "calls without a sign-in from this address")
    }

    /// One attempt to sign in, in addition to the lock-out of the account.
    pub fn sign_in(&self, address: ClientAddress, account: &str) -> Result<()> {
        let account = account.trim().to_lowercase();
        self.charge(self.sign_ins.as_ref(), (address.0, account), "attempts to sign in to this account")
    }

    /// One attempt of a signed-in user to prove with a password or a code that it is still them.
    pub fn proof(&self, principal: &Principal) -> Result<()> {
        self.charge(
            self.sign_ins.as_ref(),
            (principal.tenant.as_str(), principal.user.0),
            "proofs of this user's password or code",
        )
    }

    /// The peer's address, or what the last proxy added to X-Forwarded-For when the peer is a proxy of ours. Earlier hops are the
    /// client's own claim.
    pub fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> ClientAddress {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let Some(peer) = peer else { return ClientAddress(None) };
        if !self.trusted_proxies.iter().any(|network| network.contains(&peer)) {
            return ClientAddress::of(peer);
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
        let last = forwarded.and_then(|value| value.rsplit(',').next()).and_then(|hop| parse_hop(hop.trim()));
        ClientAddress::of(last.unwrap_or(peer))
    }
}

/// `203.0.113.7`, `2001:db8::1`, `[2001:db8::1]:4711` or `203.0.113.7:4711`.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let address = hop.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

/// An address or a network such as `10.0.0.0/8`.
pub fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Where a call comes from, as the limits count it: an IPv4 address, or the /64 of an IPv6 one, because a customer has all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(Option<IpAddr>);

impl ClientAddress {
    pub fn ip(self) -> Option<IpAddr> {
        self.0
    }

    fn of(address: IpAddr) -> Self {
        let network = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & (u128::MAX << 64))),
        };
        Self(Some(network))
    }
}

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        Ok(app.limits().address(&parts.extensions, &parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn limits(config: &Config) -> Limits {
        Limits::new(config)
    }

    fn address_of(limits: &Limits, peer: &str, forwarded: &[&'static str]) -> ClientAddress {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4711)));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(value));
        }
        limits.address(&extensions, &headers)
    }

    fn of(text: &str) -> ClientAddress {
        ClientAddress::of(text.parse().unwrap())
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_its_own_hop() {
        let trusting = limits(&Config { trusted_proxies: vec!["10.0.0.0/8".into(), "2001:db8::1".into()], ..Config::default() });
        assert_eq!(address_of(&trusting, "203.0.113.9", &["198.51.100.1"]), of("203.0.113.9"), "a stranger's claim");
        assert_eq!(address_of(&trusting, "10.1.2.3", &["1.2.3.4, 198.51.100.1"]), of("198.51.100.1"));
        assert_eq!(address_of(&trusting, "10.1.2.3", &["198.51.100.1", "198.51.100.2"]), of("198.51.100.2"));
        assert_eq!(address_of(&trusting, "::ffff:10.1.2.3", &["[2001:db8:1:2::3]:80"]), of("2001:db8:1:2::9"));
        assert_eq!(address_of(&trusting, "2001:db8::1", &["unknown"]), of("2001:db8::"), "an unreadable hop is none");
        assert_eq!(address_of(&trusting, "10.1.2.3", &[]), of("10.1.2.3"));
        assert_eq!(address_of(&limits(&Config::default()), "10.1.2.3", &["198.51.100.1"]), of("10.1.2.3"));
    }

    #[test]
    fn a_burst_is_allowed_then_refused_with_a_whole_second_and_off_is_off() {
        let few = Config { anonymous_limit_per_second: 1, anonymous_limit_burst: 3, ..Config::default() };
        let on = limits(&few);
        for _ in 0..3 {
            on.anonymous(of("203.0.113.9")).unwrap();
        }
        let refused = on.anonymous(of("203.0.113.9")).unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::TooManyRequests, Some(1)));
        let exceeded = refused.source.unwrap().downcast::<Exceeded>().unwrap();
        assert_eq!(*exceeded, Exceeded { limit: 3, reset: 1 });
        on.anonymous(of("203.0.113.10")).unwrap();
        let off = limits(&Config { enable_rate_limiting: false, ..few });
        for _ in 0..1000 {
            off.anonymous(of("203.0.113.9")).unwrap();
            off.sign_in(of("203.0.113.9"), "a@b").unwrap();
        }
    }

    #[test]
    fn sign_ins_count_by_address_and_account_whatever_its_case() {
        let limits = limits(&Config { sign_in_limit_per_minute: 2, ..Config::default() });
        limits.sign_in(of("203.0.113.9"), "Ann@Example.com").unwrap();
        limits.sign_in(of("203.0.113.9"), " ann@example.com").unwrap();
        let refused = limits.sign_in(of("203.0.113.9"), "ann@example.com").unwrap_err();
        assert!((1..=30).contains(&refused.retry_after.unwrap()), "{:?}", refused.retry_after);
        limits.sign_in(of("203.0.113.9"), "bob@example.com").unwrap();
        limits.sign_in(of("203.0.113.10"), "ann@example.com").unwrap();
    }

    /// The bound is generous, because the machine of a test is busy and the build is not optimised; the figure is printed.
    #[test]
    fn a_check_costs_next_to_nothing() {
        let limits = limits(&Config { rate_limit_burst: u32::MAX, ..Config::default() });
        let principal = Principal {
            tenant: "acme".parse().unwrap(),
            user: kernel::UserId(uuid::Uuid::from_u128(7)),
            name: String::new(),
            email: String::new(),
            role: crate::auth::Role::Staff,
            expires_at: None,
        };
        let (rounds, started) = (100_000, std::time::Instant::now());
        for _ in 0..rounds {
            limits.caller(&principal).unwrap();
        }
        let each = started.elapsed().as_nanos() / rounds;
        println!("a check of a caller's limit: {each} ns");
        assert!(each < 20_000, "{each} ns");
    }
}
