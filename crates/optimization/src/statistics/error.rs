use std::fmt;

/// Why a statistic has no value: what is wrong with the sample or the parameter, and how to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    TooFew {
        found: usize,
        needed: usize,
    },
    TooMany {
        found: usize,
        most: usize,
    },
    /// `row` counts from 0.
    NotFinite {
        row: usize,
    },
    /// `row` counts from 0.
    TooLarge {
        row: usize,
    },
    /// The spread to divide by (of all values, of the middle half, within groups) is zero.
    NoSpread,
    LengthMismatch {
        left: usize,
        right: usize,
    },
    Parameter {
        name: &'static str,
        rule: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { found, needed } => write!(f, "{found} values are too few: give at least {needed}"),
            Self::TooMany { found, most } => {
                write!(f, "{found} values are too many: give at most {most}, for instance a random part")
            }
            Self::NotFinite { row } => write!(f, "value {row} is not a finite number: leave it out"),
            Self::TooLarge { row } => write!(f, "value {row} is beyond ±1e100: choose a larger unit"),
            Self::NoSpread => write!(f, "values are equal where this statistic divides by their spread: give values that differ"),
            Self::LengthMismatch { left, right } => write!(f, "{left} values cannot be paired with {right}: give one for each"),
            Self::Parameter { name, rule } => write!(f, "{name} must be {rule}"),
        }
    }
}

impl std::error::Error for Error {}

pub(super) fn require(condition: bool, name: &'static str, rule: &'static str) -> Result<(), Error> {
    if condition { Ok(()) } else { Err(Error::Parameter { name, rule }) }
}

pub(super) fn at_least(found: usize, needed: usize) -> Result<(), Error> {
    if found >= needed { Ok(()) } else { Err(Error::TooFew { found, needed }) }
}

pub(super) fn same_length(left: usize, right: usize) -> Result<(), Error> {
    if left == right { Ok(()) } else { Err(Error::LengthMismatch { left, right }) }
}
