use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Page;

#[derive(Debug, Serialize)]
pub struct Overview {
    pub page: Page,
    pub attention: Vec<Attention>,
    pub figures: Vec<Figure>,
    pub activity: Vec<Activity>,
    /// First steps of an organisation that has not finished them; empty afterwards.
    pub steps: Vec<Step>,
}

/// Something that waits for somebody. `tone` is `bad`, `warn` or `info`; `icon` names a file of assets/icons.
#[derive(Debug, Serialize)]
pub struct Attention {
    pub title: String,
    pub detail: String,
    pub count: u64,
    pub href: String,
    pub icon: &'static str,
    pub tone: &'static str,
}

#[derive(Debug, Serialize)]
pub struct Figure {
    pub label: String,
    pub value: String,
    pub hint: String,
    pub href: String,
}

#[derive(Debug, Serialize)]
pub struct Activity {
    pub at: DateTime<Utc>,
    pub actor: String,
    pub text: String,
    pub href: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Step {
    pub title: String,
    pub detail: String,
    pub href: String,
    pub is_done: bool,
}
