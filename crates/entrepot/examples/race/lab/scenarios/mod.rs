//! What is raced for. Each scenario has one claim; what contradicts it is a violation.

mod expiring;
mod idempotency;
mod increments;
mod last_unit;
mod ledger;
mod mixed;
mod reservations;
mod reserve;
mod transfers;

use super::Lab;
use super::client::{Answer, CannotRun, Session};
use super::report::{Faults, Outcome, Progress};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    LastUnit,
    Increments,
    Transfers,
    Reservations,
    Expiring,
    Idempotency,
    Mixed,
    History,
}

impl Scenario {
    pub const ALL: [Self; 8] = [
        Self::LastUnit,
        Self::Increments,
        Self::Transfers,
        Self::Reservations,
        Self::Expiring,
        Self::Idempotency,
        Self::Mixed,
        Self::History,
    ];

    /// As `--only` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LastUnit => "last-unit",
            Self::Increments => "increments",
            Self::Transfers => "transfers",
            Self::Reservations => "reservations",
            Self::Expiring => "expiring",
            Self::Idempotency => "idempotency",
            Self::Mixed => "mixed",
            Self::History => "history",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::LastUnit => "last unit",
            Self::Increments => "increments",
            Self::Transfers => "hot transfers",
            Self::Reservations => "reservation storm",
            Self::Expiring => "expiring reservations",
            Self::Idempotency => "idempotency storm",
            Self::Mixed => "mixed group",
            Self::History => "history",
        }
    }

    /// What must be true.
    pub fn claim(self) -> &'static str {
        match self {
            Self::LastUnit => "exactly one winner in every round and nothing left",
            Self::Increments => "every increment counted once, and no reader saw a number that could not have been",
            Self::Transfers => "the sum conserved at every look, nothing negative, every place as the answers say, no deadlock",
            Self::Reservations => {
                "never more promised than there is, reserved is the sum of the promises, release gives all back"
            }
            Self::Expiring => "never more promised than there is, and everything free again at the end",
            Self::Idempotency => "one effect for each key, the same answer to everybody then and later, another body refused",
            Self::Mixed => "a refused request never affects another, and who hangs up cancels nothing",
            Self::History => "strictly serializable: no cycle of dependencies, nothing lost, nothing that was refused",
        }
    }

    pub async fn run(self, lab: &Lab, session: &Session, progress: &Progress) -> Result<Outcome, CannotRun> {
        if matches!(self, Self::Reservations | Self::Expiring) && !reserve::is_offered(session).await? {
            return Ok(Outcome::NotRun("this server has no reservations".into()));
        }
        match self {
            Self::LastUnit => last_unit::run(lab, session, progress).await,
            Self::Increments => increments::run(lab, session, progress).await,
            Self::Transfers => transfers::run(lab, session, progress).await,
            Self::Reservations => reservations::run(lab, session, progress).await,
            Self::Expiring => expiring::run(lab, session, progress).await,
            Self::Idempotency => idempotency::run(lab, session, progress).await,
            Self::Mixed => mixed::run(lab, session, progress).await,
            Self::History => ledger::run(lab, session, progress).await,
        }
    }
}

/// An answer that this request can never rightly get.
fn unexpected(faults: &mut Faults, round: usize, answer: &Answer) {
    faults.add(format!("round {round}: an answer that nobody should get: {}", answer.story()));
}

fn is_short(answer: &Answer) -> bool {
    answer.is(409, "STOCK_INSUFFICIENT")
}
