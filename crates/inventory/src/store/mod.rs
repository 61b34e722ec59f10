//! All SQL of this context; no rules.

pub mod balances;
pub mod checks;
pub mod lots;
pub mod movements;
pub mod places;
pub mod totals;
pub mod transit;

/// For names that a check constraint of the table bounds.
pub(crate) fn known<T: std::str::FromStr>(name: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    name.parse().expect("the table's check constraint admits only the names of the type")
}
