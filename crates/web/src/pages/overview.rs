//! What needs attention, and what happened lately.

use axum::http::Method;
use axum::response::Response;
use axum::routing::get;
use chrono::TimeDelta;
use inventory::service::LotFilter;
use kernel::{MAX_PAGE_SIZE, PageRequest};
use platform::Result;
use platform::audit::{AUDIT_READ, Record};
use platform::http::{Access, Api};
use platform::imports::{self, IMPORTS_READ, ImportState};
use warehouse::{
    LocationFilter, LocationType, ReceiptFilter, ReceiptState, ReceiptSummary, RecommendationFilter, RecommendationState,
    facilities, locations, putaways, receipts,
};

use super::audit::href;
use super::visitor::{Visitor, segment, show};
use crate::view::{Activity, Attention, Figure, Overview, Step};

/// A lot that expires within so many days is shown.
const EXPIRY_DAYS: u32 = 30;
/// A location fuller than this is shown.
const FULL_PERCENT: f64 = 95.0;
const EXPIRES_SOON: TimeDelta = TimeDelta::minutes(10);
const ACTIVITIES: u32 = 12;

pub fn api() -> Api {
    Api::new().page(Method::GET, "/", Access::SignedIn, get(overview))
}

/// What the page is made of, read in one go.
#[derive(Default)]
struct Facts {
    open: Vec<ReceiptSummary>,
    recommendations: usize,
    expiring_recommendations: usize,
    waiting: usize,
    full_locations: Vec<(String, usize)>,
    expiring_lots: usize,
    failed_imports: usize,
    activity: Vec<Activity>,
    has_facility: bool,
    has_item: bool,
    has_location: bool,
}

async fn overview(visitor: Visitor) -> Result<Response> {
    let facts = visitor.app.db.read(visitor.actor.tenant(), async |connection| read(connection, &visitor).await).await?;
    show(&Overview {
        page: visitor.page("Overview"),
        attention: attention(&facts),
        figures: figures(&facts),
        steps: steps(&facts),
        activity: facts.activity,
    })
}

async fn read(connection: &mut platform::database::PgConnection, visitor: &Visitor) -> Result<Facts> {
    let actor = &visitor.actor;
    let now = actor.env.now();
    let all = PageRequest { limit: Some(MAX_PAGE_SIZE), cursor: None };
    let one = PageRequest { limit: Some(1), cursor: None };
    let mut facts = Facts::default();
    for state in [ReceiptState::Open, ReceiptState::Receiving] {
        let filter = ReceiptFilter { state: Some(state), ..ReceiptFilter::default() };
        facts.open.extend(receipts::list(connection, actor, &filter, &all).await?.items);
    }
    let filter = RecommendationFilter { state: Some(RecommendationState::Open), ..RecommendationFilter::default() };
    let open = putaways::list(connection, actor, &filter, &all).await?.items;
    facts.recommendations = open.len();
    facts.expiring_recommendations = open.iter().filter(|one| one.expires_at - now < EXPIRES_SOON).count();
    for place in facilities::list(connection, actor, &Default::default(), &all).await?.items {
        facts.has_facility = true;
        let docks = LocationFilter {
            facility: Some(place.code.clone()),
            kind: Some(LocationType::Receiving),
            ..LocationFilter::default()
        };
        let docks: Vec<_> =
            locations::list(connection, actor, &docks, &all).await?.items.iter().map(|dock| dock.location_id).collect();
        facts.waiting += inventory::service::stock_at(connection, actor.tenant(), &docks).await?.len();
        let filter =
            LocationFilter { facility: Some(place.code.clone()), fill_min: Some(FULL_PERCENT), ..LocationFilter::default() };
        let full = locations::list(connection, actor, &filter, &all).await?.items.len();
        if full > 0 {
            facts.full_locations.push((place.code, full));
        }
    }
    facts.has_location = !locations::list(connection, actor, &LocationFilter::default(), &one).await?.items.is_empty();
    facts.has_item = !catalog::service::list(connection, actor, &Default::default(), &one).await?.items.is_empty();
    let filter = LotFilter { expires_within_days: Some(EXPIRY_DAYS), in_stock: true, ..LotFilter::default() };
    facts.expiring_lots = inventory::service::lots(connection, actor, &filter, &all).await?.items.len();
    if visitor.may(IMPORTS_READ) {
        let recent = imports::list(connection, actor, None, &PageRequest { limit: Some(20), cursor: None }).await?.items;
        let is_recent = |import: &imports::Import| now - import.created_at < TimeDelta::days(1);
        let failed = |import: &imports::Import| matches!(import.state, ImportState::Refused | ImportState::Failed);
        facts.failed_imports = recent.iter().filter(|import| failed(import) && is_recent(import)).count();
    }
    if visitor.may(AUDIT_READ) {
        let page = PageRequest { limit: Some(ACTIVITIES), cursor: None };
        let records = platform::audit::list(connection, actor, &Default::default(), &page).await?.items;
        facts.activity = records
            .into_iter()
            .map(|record| Activity {
                at: record.at,
                href: href(&record.entity, &record.entity_id),
                text: sentence(&record),
                actor: record.actor_name,
            })
            .collect();
    }
    Ok(facts)
}

/// "Receipt created: PO-1001" of the action `receipt.create` and the code that was recorded.
fn sentence(record: &Record) -> String {
    let (thing, verb) = record.action.split_once('.').unwrap_or((&record.action, ""));
    let done = match verb {
        "create" => "created",
        "update" | "edit" => "changed",
        "move" => "moved",
        "receive" => "received",
        "apply" => "applied",
        "close" => "closed",
        "cancel" => "cancelled",
        "block" => "blocked",
        "unblock" => "unblocked",
        "accept" => "accepted",
        "override" => "overridden",
        "reject" => "rejected",
        "revoke" => "revoked",
        "sign_in" => "signed in",
        "sign_out" => "signed out",
        "sign_in_failed" => "failed to sign in",
        other => &other.replace('_', " "),
    };
    let recorded = |field: &str| record.after.as_ref().or(record.before.as_ref())?.get(field)?.as_str().map(str::to_owned);
    let name = recorded("code").or_else(|| recorded("number")).or_else(|| recorded("file_name")).or_else(|| recorded("email"));
    let name = name.map_or_else(String::new, |name| format!(": {name}"));
    let thing = thing.replace('_', " ");
    let (first, rest) = thing.split_at(thing.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest} {done}{name}", first.to_uppercase())
}

fn attention(facts: &Facts) -> Vec<Attention> {
    let mut found = Vec::new();
    let mut add = |count: usize, title: &str, detail: String, href: String, icon: &'static str, tone: &'static str| {
        if count > 0 {
            found.push(Attention { title: title.to_owned(), detail, count: count as u64, href, icon, tone });
        }
    };
    let names: Vec<_> = facts.open.iter().take(3).map(|open| open.receipt.code.as_str()).collect();
    add(facts.open.len(), "Deliveries to receive", names.join(", "), "/receipts".into(), "receive", "info");
    add(facts.waiting, "Goods at the dock", "Received, not put away yet".into(), "/putaway".into(), "putaway", "warn");
    add(
        facts.recommendations,
        "Recommendations to decide",
        "Each holds its space until then".into(),
        "/putaway".into(),
        "compass",
        "info",
    );
    add(
        facts.expiring_recommendations,
        "Recommendations expire soon",
        "Within ten minutes".into(),
        "/putaway".into(),
        "clock",
        "warn",
    );
    for (facility, count) in &facts.full_locations {
        let href = format!("/locations?facility={}&view=list", segment(facility));
        add(*count, "Locations over 95 % full", facility.clone(), href, "full", "warn");
    }
    add(
        facts.expiring_lots,
        "Lots expire soon",
        format!("Within {EXPIRY_DAYS} days, or already"),
        "/items".into(),
        "calendar",
        "bad",
    );
    add(facts.failed_imports, "Imports took nothing", "In the last day".into(), "/imports".into(), "alert", "bad");
    found
}

fn figures(facts: &Facts) -> Vec<Figure> {
    let figure = |label: &str, value: usize, hint: &str, href: &str| Figure {
        label: label.into(),
        value: value.to_string(),
        hint: hint.into(),
        href: href.into(),
    };
    let lines: i64 = facts.open.iter().map(|open| open.lines_total - open.lines_complete).sum();
    vec![
        figure("Lines to receive", usize::try_from(lines).unwrap_or(0), "in open deliveries", "/receipts"),
        figure("Waiting at the dock", facts.waiting, "item, lot and status", "/putaway"),
        figure("To decide", facts.recommendations, "putaway recommendations", "/putaway"),
        figure("Expiring lots", facts.expiring_lots, "within 30 days", "/items"),
    ]
}

fn steps(facts: &Facts) -> Vec<Step> {
    if facts.has_facility && facts.has_location && facts.has_item {
        return Vec::new();
    }
    let step = |title: &str, detail: &str, href: &str, is_done: bool| Step {
        title: title.into(),
        detail: detail.into(),
        href: href.into(),
        is_done,
    };
    vec![
        step("Add your facility", "The building that the stock is in.", "/facilities/new", facts.has_facility),
        step("Add its locations", "Import them, or enter the first by hand.", "/imports", facts.has_location),
        step("Add your items", "Import your list of goods.", "/imports", facts.has_item),
    ]
}
