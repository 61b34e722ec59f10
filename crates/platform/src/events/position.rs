//! How far a listener has come, so that it can leave and be told exactly the rest when it comes back.
//!
//! An event gets its number before its transaction commits: a lower one may become visible after a higher one. So a position is
//! not one number but three things: the highest number told; the low-water mark, a transaction number below which every
//! transaction had ended and was told; and what was told already of the transactions from there on. Missed is what was written
//! by a transaction from the mark on, or has a higher number, less what was told.

use std::fmt;
use std::str::FromStr;

/// More runs of told numbers are not remembered: what falls out may be told a second time, nothing is lost.
const RUNS_MAX: usize = 64;
/// The longest text that [`Position`] makes: 64 runs of two numbers, and two more.
const TEXT_MAX: usize = 4096;

/// More told numbers than this in a text are refused, so that a forged one cannot have the whole outbox read only to skip it:
/// who comes back with more loads everything anew.
const TOLD_MAX: i64 = 100_000;

/// As text `SEQ`, `SEQ.LOW` or `SEQ.LOW.RUNS`, where a run is `OFFSET` or `OFFSET-OFFSET` below SEQ and runs are joined by `_`.
/// Opaque to clients. A bare number is what releases before the low-water mark sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    seq: i64,
    low: Option<u64>,
    /// In ascending order, neither touching nor overlapping.
    told: Vec<Run>,
}

/// Consecutive numbers, all told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: i64,
    last: i64,
    /// The highest transaction that wrote one of them: below the mark, the run is of no more use.
    txid: u64,
}

impl Position {
    /// Where somebody stands who begins now: `seq` is the highest number there is, `low` the oldest transaction under way.
    pub(super) fn new(seq: i64, low: u64) -> Self {
        Self { seq, low: Some(low), told: Vec::new() }
    }

    pub(super) fn seq(&self) -> i64 {
        self.seq
    }

    pub(super) fn low(&self) -> Option<u64> {
        self.low
    }

    /// First and last numbers of the runs told.
    pub(super) fn told(&self) -> (Vec<i64>, Vec<i64>) {
        self.told.iter().map(|run| (run.first, run.last)).unzip()
    }

    pub(super) fn was_told(&self, seq: i64) -> bool {
        let after = self.told.partition_point(|run| run.first <= seq);
        after > 0 && self.told[after - 1].last >= seq
    }

    /// The event `seq` of transaction `txid` is told. Events from before the mark was known have no transaction.
    pub(super) fn tell(&mut self, seq: i64, txid: Option<u64>) {
        self.seq = self.seq.max(seq);
        let (Some(low), Some(txid)) = (self.low, txid) else { return };
        if txid < low || self.was_told(seq) {
            return;
        }
        let at = self.told.partition_point(|run| run.first < seq);
        self.told.insert(at, Run { first: seq, last: seq, txid });
        self.join(at + 1);
        self.join(at);
        if self.told.len() > RUNS_MAX {
            self.told.remove(0);
        }
    }

    /// Makes one run of the one at `at` and the one before when they touch.
    fn join(&mut self, at: usize) {
        let Some(right) = self.told.get(at).copied() else { return };
        let Some(left) = at.checked_sub(1).and_then(|before| self.told.get_mut(before)) else { return };
        if left.last + 1 == right.first {
            left.last = right.last;
            left.txid = left.txid.max(right.txid);
            self.told.remove(at);
        }
    }

    /// Every transaction below `low` has ended, and what it wrote is told.
    pub(super) fn raise(&mut self, low: u64) {
        if self.low.is_none_or(|before| before < low) {
            self.low = Some(low);
            self.told.retain(|run| run.txid >= low);
        }
    }

    /// What was told before this position was read from its text was written by transactions below `high`.
    pub(super) fn bound(&mut self, high: u64) {
        for run in &mut self.told {
            run.txid = run.txid.min(high);
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seq)?;
        let Some(low) = self.low else { return Ok(()) };
        write!(f, ".{low}")?;
        for (place, run) in self.told.iter().enumerate() {
            f.write_str(if place == 0 { "." } else { "_" })?;
            write!(f, "{}", self.seq - run.first)?;
            if run.last > run.first {
                write!(f, "-{}", self.seq - run.last)?;
            }
        }
        Ok(())
    }
}

/// The text is none that [`Position`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPosition;

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        if text.len() > TEXT_MAX {
            return Err(NotAPosition);
        }
        let mut parts = text.splitn(3, '.');
        let seq: i64 = number(parts.next())?;
        let Some(low) = parts.next() else { return Ok(Self { seq, ..Self::default() }) };
        let low = number(Some(low))?;
        let mut told: Vec<Run> = Vec::new();
        let mut numbers: i64 = 0;
        for run in parts.next().into_iter().flat_map(|runs| runs.split('_')) {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            let (first, last): (i64, i64) = (seq - number::<i64>(Some(first))?, seq - number::<i64>(Some(last))?);
            if first > last || told.len() >= RUNS_MAX || told.last().is_some_and(|before| before.last >= first) {
                return Err(NotAPosition);
            }
            numbers = numbers.saturating_add(last.saturating_sub(first)).saturating_add(1);
            if numbers > TOLD_MAX {
                return Err(NotAPosition);
            }
            told.push(Run { first, last, txid: u64::MAX });
        }
        Ok(Self { seq, low: Some(low), told })
    }
}

/// Digits only: no sign, so that a subtraction cannot overflow.
fn number<T: FromStr>(text: Option<&str>) -> Result<T, NotAPosition> {
    let text = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())).ok_or(NotAPosition)?;
    text.parse().map_err(|_| NotAPosition)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_position_survives_being_text() {
        let mut position = Position::new(10, 100);
        for (seq, txid) in [(12, 101), (13, 101), (11, 90), (17, 103), (16, 104), (20, 100)] {
            position.tell(seq, Some(txid));
        }
        assert_eq!(position.to_string(), "20.100.8-7_4-3_0");
        let read: Position = position.to_string().parse().unwrap();
        assert_eq!((read.told(), read.low(), read.seq()), (position.told(), Some(100), 20));
        position.raise(103);
        assert_eq!(position.to_string(), "20.103.4-3");
        assert_eq!("42".parse::<Position>().unwrap(), Position { seq: 42, ..Position::default() });
    }

    #[test]
    fn what_is_no_position_is_refused() {
        let huge = "9".repeat(30);
        let long = format!("1.1.{}", "0_".repeat(5000));
        for bad in ["", "x", "-1", "1.", "1.x", "1.2.", "1.2.3-", "1.2.1-2", "1.2.0_1", "1.2.3.4", " 1", "1é", &huge, &long] {
            assert_eq!(bad.parse::<Position>(), Err(NotAPosition), "{bad}");
        }
    }

    #[test]
    fn a_forged_position_cannot_skip_the_whole_outbox() {
        for forged in ["9223372036854775807.0.9223372036854775807-0", "300000.0.100000-0", "300000.0.200000-150000_90000-1"] {
            assert_eq!(forged.parse::<Position>(), Err(NotAPosition), "{forged}");
        }
        assert!("300000.0.99999-0".parse::<Position>().is_ok());
    }

    proptest! {
        /// Whatever the order of commits and wherever the mark stands: told is never forgotten above the mark, and the rest is missed.
        #[test]
        fn nothing_is_lost_and_nothing_repeated(events in prop::collection::vec((1..60_i64, 1..40_u64), 0..60), raises in prop::collection::vec(0..40_u64, 0..60)) {
            let mut position = Position::new(0, 0);
            let mut told: BTreeSet<(i64, u64)> = BTreeSet::new();
            let mut mark = 0;
            let mut numbers = BTreeSet::new();
            for (place, (seq, txid)) in events.into_iter().enumerate() {
                if !numbers.insert(seq) || txid < mark {
                    continue;
                }
                position.tell(seq, Some(txid));
                told.insert((seq, txid));
                if let Some(low) = raises.get(place) {
                    mark = mark.max(*low);
                    position.raise(*low);
                }
            }
            let read: Position = position.to_string().parse().unwrap();
            for (seq, txid) in &told {
                prop_assert!(*txid < mark || read.was_told(*seq));
            }
            for seq in 1..60 {
                if told.iter().all(|(one, _)| *one != seq) {
                    prop_assert!(!read.was_told(seq));
                }
            }
        }
    }
}
