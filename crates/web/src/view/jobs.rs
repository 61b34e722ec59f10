use platform::jobs::ScheduledJob;
use serde::Serialize;

use super::Page;

#[derive(Debug, Serialize)]
pub struct JobList {
    pub page: Page,
    pub jobs: Vec<ScheduledJob>,
    pub can_run: bool,
}
