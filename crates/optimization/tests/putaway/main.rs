#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod brute;
mod checker;
mod flips;
mod properties;
mod reference;
mod rules;
mod scores;
