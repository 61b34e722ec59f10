#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod checker;
mod properties;
mod rules;
mod scores;
