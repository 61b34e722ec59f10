use chrono::{DateTime, TimeDelta, Utc};
use platform::Hidden;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::CredentialKind;

/// A refresh token is good for this long after it was made; a session that is not refreshed ends with it.
pub(crate) const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(30);
/// An answer that got lost may be asked for again within this time.
pub(crate) const GRACE: TimeDelta = TimeDelta::seconds(10);

/// Where somebody is signed in: a browser, or a program with its access and refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub session_id: Uuid,
    pub(crate) kind: CredentialKind,
    pub user_agent: Option<String>,
    /// The network that it was opened from.
    pub address: Option<String>,
    pub created_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    /// The one that asks.
    pub is_current: bool,
}

impl Session {
    pub fn is_page(&self) -> bool {
        self.kind == CredentialKind::Session
    }
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshInput {
    /// The newest refresh token of the session; it works once.
    #[schema(value_type = String)]
    pub refresh_token: Hidden,
}

/// What the second use of a refresh token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Two requests at the same time: the other one has the answer.
    Concurrent,
    /// The answer got lost: it may be given again.
    Repeated,
    /// Somebody has a token that should be forgotten.
    Theft,
}

/// `asked_at` is when the request came in, before it waited for anything.
pub(crate) fn judge_reuse(used_at: DateTime<Utc>, asked_at: DateTime<Utc>, now: DateTime<Utc>, is_successor_used: bool) -> Reuse {
    if now - used_at > GRACE {
        Reuse::Theft
    } else if asked_at <= used_at {
        Reuse::Concurrent
    } else if is_successor_used {
        Reuse::Theft
    } else {
        Reuse::Repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_use_is_judged_by_time_and_by_what_happened_to_the_answer() {
        let used = DateTime::from_timestamp(1_000, 0).unwrap();
        let judge = |asked: i64, now: i64, is_successor_used| {
            judge_reuse(used, used + TimeDelta::milliseconds(asked), used + TimeDelta::milliseconds(now), is_successor_used)
        };
        assert_eq!(judge(-5, 3, false), Reuse::Concurrent);
        assert_eq!(judge(-5, 3, true), Reuse::Concurrent, "the winner was quick to go on");
        assert_eq!(judge(5, 6, false), Reuse::Repeated);
        assert_eq!(judge(10_000, 10_000, false), Reuse::Repeated);
        assert_eq!(judge(5, 6, true), Reuse::Theft, "whoever got the answer goes on with it");
        assert_eq!(judge(10_001, 10_001, false), Reuse::Theft);
        assert_eq!(judge(-864_000_000, -864_000_000, false), Reuse::Concurrent, "a clock that was put back gives nothing away");
    }
}
