#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod comparison;
mod data;
mod leak;
mod measures;
mod stored;
mod training;
