use chrono::{DateTime, Utc};
use serde::Serialize;

use super::PublicPage;

/// States only: what anybody may know.
#[derive(Debug, Serialize)]
pub struct HealthPage {
    pub page: PublicPage,
    /// `UP`, `DEGRADED` or `DOWN`.
    pub status: String,
    pub checks: Vec<CheckState>,
    pub checked_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
pub struct CheckState {
    pub name: String,
    pub state: String,
}

/// A problem as a page. It is shown to anybody, so it holds no navigation.
#[derive(Debug, Serialize)]
pub struct ErrorPage {
    pub page: PublicPage,
    pub status: u16,
    pub code: String,
    pub title: String,
    pub detail: String,
    pub mend: String,
    pub fields: Vec<super::FieldProblem>,
    pub request_id: String,
    pub retry_after_seconds: Option<u32>,
}
