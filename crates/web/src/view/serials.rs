use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{MovementRow, Page, Pager};

#[derive(Debug, Serialize)]
pub struct SerialList {
    pub page: Page,
    pub filter: SerialFilter,
    pub serials: Vec<SerialRow>,
    pub pager: Pager,
}

/// `q` is the number's beginning; `stock` is empty, `in` or `out`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SerialFilter {
    pub q: String,
    pub item: String,
    pub location: String,
    pub stock: String,
}

/// `place` is a location's code, or where the piece went in words: "Customer", "Scrap".
#[derive(Clone, Debug, Serialize)]
pub struct SerialRow {
    pub href: String,
    pub number: String,
    pub item: String,
    pub item_name: String,
    pub item_href: String,
    pub lot: Option<String>,
    pub facility: String,
    pub place: String,
    pub place_href: Option<String>,
    pub quality_status: String,
    pub is_in_stock: bool,
    /// When it last moved.
    pub moved_at: DateTime<Utc>,
    pub first_seen_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
pub struct SerialPage {
    pub page: Page,
    pub serial: SerialRow,
    /// Its life, newest first.
    pub movements: Vec<MovementRow>,
    pub pager: Pager,
}
