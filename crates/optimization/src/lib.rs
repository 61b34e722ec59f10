//! Pure algorithms of the warehouse: numbers in, decisions with their reasons out.
//!
//! Owns: the search for the locations of received goods ([`putaway`]) with its engine ([`assignment`]); where goods should lie
//! and when to move them ([`slotting`]); which box goes where on a pallet or in a carton, container or vehicle ([`packing`]);
//! the model of what people accept ([`learning`]); tests and descriptions of samples ([`statistics`]).
//!
//! Invariants: no IO, no clock, no randomness but from a caller's seed, no order taken from a hash table: the same input gives
//! the same answer, byte for byte. Capacities are integers (mm, mm³, g, millionths of a base unit); only scores are floating point.
//! A proposal never exceeds a capacity and never breaks a compatibility rule, also between the lines of one batch.
//!
//! Absent on purpose: database rows, tenants, identifiers. Callers intern items, lots, zones and locations as numbers.

pub mod assignment;
pub mod learning;
pub mod packing;
pub mod putaway;
pub mod slotting;
pub mod statistics;
