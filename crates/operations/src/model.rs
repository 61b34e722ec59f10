use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How well something is; ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    Up,
    /// Works, but somebody should look.
    Degraded,
    Down,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Up => "UP",
            State::Degraded => "DEGRADED",
            State::Down => "DOWN",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckResult {
    pub name: String,
    pub state: State,
    /// Absent for anonymous callers on a public listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// Since when the state is what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
}

/// Memory of this process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Memory {
    /// Resident set.
    pub rss_bytes: u64,
    /// Private data: heap and stacks as the kernel counts them (VmData).
    pub heap_bytes: u64,
    /// What the control group allows, else what the machine has.
    pub limit_bytes: u64,
    /// Resident set as a share of the limit, 0 to 100.
    pub percent: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Performance {
    pub memory: Memory,
    pub database: DatabasePerformance,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatabasePerformance {
    pub pool: Pool,
}

/// Connections of this process to the database.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Pool {
    pub max: usize,
    pub open: usize,
    pub idle: usize,
    pub waiting: usize,
}

/// Everything that is known, in one answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Comprehensive {
    pub status: State,
    pub version: String,
    pub uptime_seconds: u64,
    pub checks: Vec<CheckResult>,
    /// Absent for anonymous callers on a public listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance: Option<Performance>,
}

/// What was built, from which commit and when.
#[derive(Clone, Copy, Debug)]
pub struct BuildInfo {
    pub version: &'static str,
    pub git_commit: &'static str,
    pub build_time: &'static str,
}
