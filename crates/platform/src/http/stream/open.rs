use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{ErrorCode, TenantId, UserId};
use tokio::sync::watch;

use crate::auth::Principal;
use crate::config::Config;
use crate::{Error, Result};

const RETRY_AFTER_SECONDS: u32 = 10;

type Caller = (TenantId, UserId);

/// The event streams that are open in this process, counted by caller.
#[derive(Clone)]
pub struct Streams(Arc<Counts>);

struct Counts {
    by_caller: Mutex<HashMap<Caller, u32>>,
    total: watch::Sender<u32>,
    most_by_caller: u32,
    most: u32,
}

/// Held by a stream as long as it is open.
pub(super) struct Seat {
    streams: Streams,
    caller: Caller,
}

impl Streams {
    pub fn new(config: &Config) -> Self {
        Self(Arc::new(Counts {
            by_caller: Mutex::default(),
            total: watch::channel(0).0,
            most_by_caller: config.streams_per_user,
            // Ordinary calls need connections too.
            most: config.streams.min(config.max_connections / 2),
        }))
    }

    /// A seat for one more stream, or `TOO_MANY_REQUESTS`.
    pub(super) fn take(&self, principal: &Principal) -> Result<Seat> {
        let counts = &self.0;
        let mut by_caller = counts.by_caller.lock().unwrap_or_else(PoisonError::into_inner);
        if *counts.total.borrow() >= counts.most {
            return Err(full(format!("this process has {} event streams open, as many as it may", counts.most)));
        }
        let caller = (principal.tenant.clone(), principal.user);
        let count = by_caller.entry(caller.clone()).or_default();
        if *count >= counts.most_by_caller {
            return Err(full(format!("this user has {count} event streams open; close one first")));
        }
        *count += 1;
        counts.total.send_modify(|total| *total += 1);
        Ok(Seat { streams: self.clone(), caller })
    }

    pub fn open(&self) -> u32 {
        *self.0.total.borrow()
    }

    /// Ends when no stream is open any more: after the shutdown began, when the last one said goodbye.
    pub async fn closed(&self) {
        // The sender lives in `self`.
        let _ = self.0.total.subscribe().wait_for(|total| *total == 0).await;
    }
}

fn full(detail: String) -> Error {
    Error { retry_after: Some(RETRY_AFTER_SECONDS), ..Error::new(ErrorCode::TooManyRequests, detail) }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let counts = &self.streams.0;
        let mut by_caller = counts.by_caller.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = by_caller.entry(self.caller.clone()) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        counts.total.send_modify(|total| *total -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

    fn somebody(user: u128) -> Principal {
        Principal {
            tenant: "acme".parse().unwrap(),
            user: UserId(uuid::Uuid::from_u128(user)),
            name: String::new(),
            email: String::new(),
            role: Role::Viewer,
            expires_at: None,
        }
    }

    #[test]
    fn streams_leave_half_of_the_connections_to_others() {
        let streams = Streams::new(&Config { streams: 5_000, max_connections: 4, ..Config::default() });
        let _two = (streams.take(&somebody(1)).unwrap(), streams.take(&somebody(2)).unwrap());
        assert!(streams.take(&somebody(3)).is_err());
    }

    #[tokio::test]
    async fn seats_are_bounded_by_caller_and_altogether_and_given_back() {
        let streams = Streams::new(&Config { streams_per_user: 2, streams: 3, ..Config::default() });
        let (one, two) = (streams.take(&somebody(1)).unwrap(), streams.take(&somebody(1)).unwrap());
        let refused = streams.take(&somebody(1)).err().unwrap();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::TooManyRequests, Some(RETRY_AFTER_SECONDS)));
        let other = streams.take(&somebody(2)).unwrap();
        assert!(streams.take(&somebody(3)).is_err(), "the process is full");
        drop(one);
        drop(streams.take(&somebody(3)).unwrap());
        drop((two, other));
        assert_eq!(streams.open(), 0);
        assert!(streams.0.by_caller.lock().unwrap().is_empty());
        streams.closed().await;
    }
}
