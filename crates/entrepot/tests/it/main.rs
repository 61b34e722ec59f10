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
mod classes;
mod concurrency;
mod console;
mod console_forms;
mod contract_sql;
mod counts;
mod cross_dock;
mod demo;
mod documents;
mod events;
mod experiments;
mod faults;
mod flags;
mod fuzz_findings;
mod health;
mod history;
mod holds;
mod idempotency;
mod identity;
mod imports;
mod items;
mod kept;
mod learning;
mod ledger;
mod migrations;
mod optimization_graphql;
mod optimization_health;
mod orders;
mod picking;
mod putaway;
mod putaway_proof;
mod quality;
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
mod slotting;
mod statistics;
mod tasks;
mod tenancy;
mod transfers;
mod ws;
