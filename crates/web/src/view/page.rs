use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What every page of somebody signed in carries.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    pub title: String,
    /// Path and query of this page, where a form that changes only the view returns to.
    pub path: String,
    pub theme: Theme,
    pub nav: Vec<NavItem>,
    pub user: User,
    pub flash: Option<Flash>,
    /// A fresh UUID; each form derives its idempotency key from it.
    pub key: String,
    /// The session's token, which each form that changes something sends along; empty for who came with a bearer token.
    pub csrf: String,
    pub now: DateTime<Utc>,
    pub version: String,
}

/// What a page without sign-in carries.
#[derive(Clone, Debug, Serialize)]
pub struct PublicPage {
    pub title: String,
    pub path: String,
    pub theme: Theme,
    pub key: String,
    pub now: DateTime<Utc>,
    pub version: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NavItem {
    pub title: &'static str,
    pub href: &'static str,
    pub icon: &'static str,
    pub group: &'static str,
    pub is_current: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct User {
    pub name: String,
    pub role: String,
    pub tenant_name: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Flash {
    pub kind: FlashKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlashKind {
    Done,
    Note,
    Failed,
}

#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// Where a list goes on; both addresses keep the filters.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pager {
    /// The first page, when this is not it.
    pub first: Option<String>,
    pub next: Option<String>,
}

const NAV: &[(&str, &str, &str, &str)] = &[
    ("Overview", "/", "overview", ""),
    ("Receipts", "/receipts", "receive", "Work"),
    ("Putaway", "/putaway", "putaway", "Work"),
    ("Orders", "/orders", "list", "Work"),
    ("Picking", "/picking", "check", "Work"),
    ("Move tasks", "/move-tasks", "forward", "Work"),
    ("Movements", "/movements", "move", "Work"),
    ("Reservations", "/reservations", "lock", "Work"),
    ("Transfers", "/transfers", "swap", "Work"),
    ("Counts", "/counts", "list", "Work"),
    ("Holds", "/holds", "lock", "Work"),
    ("Items", "/items", "item", "Stock"),
    ("Serial numbers", "/serials", "list", "Stock"),
    ("Locations", "/locations", "location", "Stock"),
    ("Slotting", "/slotting", "compass", "Stock"),
    ("Stock ageing", "/stock-ageing", "clock", "Stock"),
    ("Data quality", "/quality", "check", "Stock"),
    ("Statistics", "/statistics", "overview", "Stock"),
    ("Experiments", "/experiments", "compass", "Stock"),
    ("Acceptance model", "/model", "compass", "Stock"),
    ("Imports", "/imports", "upload", "Stock"),
    ("Users", "/users", "users", "Administration"),
    ("API tokens", "/tokens", "key", "Administration"),
    ("Jobs", "/jobs", "clock", "Administration"),
    ("Audit", "/audit", "audit", "Administration"),
];

/// The navigation for somebody at `path`, of the addresses that `may_open` says they may open.
pub fn nav(path: &str, may_open: impl Fn(&str) -> bool) -> Vec<NavItem> {
    let path = path.split('?').next().unwrap_or(path);
    let is_within =
        |href: &str| path == href || (href != "/" && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')));
    NAV.iter()
        .filter(|(_, href, _, _)| may_open(href))
        .map(|(title, href, icon, group)| NavItem { title, href, icon, group, is_current: is_within(href) })
        .collect()
}
