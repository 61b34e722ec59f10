//! The one integration-test binary: every test talks HTTP to a router on a real PostgreSQL, which the harness starts itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod binary;
mod group_commit;
#[expect(dead_code, reason = "the benches use what the tests do not")]
mod harness;

mod bad_input;
mod between_forms;
mod browser;
mod catalogue;
mod concurrency;
mod console;
mod console_forms;
mod counts;
mod demo;
mod documents;
mod events;
mod faults;
mod fuzz_findings;
mod health;
mod history;
mod holds;
mod idempotency;
mod identity;
mod imports;
mod items;
mod ledger;
mod migrations;
mod putaway;
mod race;
mod rate_limits;
mod receiving;
mod reservations;
mod retail;
mod routes;
mod second_factor;
mod serials;
mod server;
mod sign_in;
mod sign_in_pages;
mod tenancy;
mod transfers;
mod ws;
