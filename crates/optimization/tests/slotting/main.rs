#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod analysis;
mod forecast;
mod moves;
mod plans;
mod replay;
mod retail;
mod routes;
mod triggers;
