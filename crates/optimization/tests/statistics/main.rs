#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod exact;
mod nist;
mod properties;
mod scipy;

/// Even numbers in (0, 1), from a fixed start.
fn uniform(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 + 0.5) / f64::from(1u32 << 31)
    }
}
