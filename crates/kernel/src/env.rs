use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use uuid::{Builder, Uuid};

/// The clock and the source of randomness: the only way to the time, to a new id or to secret bytes.
#[derive(Clone)]
pub struct Env {
    clock: Clock,
    random: Arc<Mutex<StdRng>>,
}

#[derive(Clone)]
enum Clock {
    System,
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Env {
    /// The machine's clock and the operating system's randomness.
    pub fn system() -> Self {
        Self { clock: Clock::System, random: Arc::new(Mutex::new(StdRng::from_os_rng())) }
    }

    /// A clock that stands still until [`Env::advance`], and randomness that repeats for the same seed.
    pub fn fixed(now: DateTime<Utc>, seed: u64) -> Self {
        Self { clock: Clock::Fixed(Arc::new(Mutex::new(now))), random: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))) }
    }

    /// The current time, to the microsecond, which is what PostgreSQL stores.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.clock {
            Clock::System => Utc::now().trunc_subsecs(6),
            Clock::Fixed(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a fixed clock; the machine's clock is left alone.
    pub fn advance(&self, by: TimeDelta) {
        if let Clock::Fixed(now) = &self.clock {
            *now.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// A new UUID version 7 (RFC 9562): ordered by time, so that indexes grow at their end.
    pub fn new_id(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &self.random_bytes::<10>()).into_uuid()
    }

    /// `N` random bytes; cryptographically strong, because the generator behind it is ChaCha.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_env_repeats_and_advances() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let (a, b) = (Env::fixed(start, 7), Env::fixed(start, 7));
        assert_eq!(a.new_id(), b.new_id());
        a.advance(TimeDelta::seconds(5));
        assert_eq!(a.now() - start, TimeDelta::seconds(5));
        assert_eq!(a.new_id().get_version_num(), 7);
    }
}
