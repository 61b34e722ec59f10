//! The ledger: what moved, and movements by hand.

use std::collections::{BTreeSet, HashMap};

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use inventory::service::{MovementBatch, MovementFilter};
use inventory::{Labelled, LocationKind, MovementKind, MovementRequest, MovementRow, NumberText, STOCK_MOVE, STOCK_READ, Side};
use kernel::{ErrorCode, FieldError, LocationId, Page, PageRequest, Quantity, UserId};
use platform::auth::Actor;
use platform::database::PgConnection;
use platform::http::{Access, Api, Paging, Query};
use platform::{Error, Result};
use uuid::Uuid;
use warehouse::FacilityFilter;

use super::typed::{Typed, given, listed, renamed, wanted};
use super::visitor::{Form, Visitor, done, refuse, show};
use super::{items, locations};
use crate::view::{self, Choice, Errors, Flash, FlashKind, MovementForm, MovementInput, MovementList};

/// What the form offers; receipts and production come from elsewhere.
const BY_HAND: [MovementKind; 5] =
    [MovementKind::Transfer, MovementKind::Adjustment, MovementKind::StatusChange, MovementKind::Issue, MovementKind::Scrap];

const REASONS: [&str; 8] = ["Counted", "Damaged", "Expired", "Lost", "Found", "Wrong entry", "Quality check", "Sample"];

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/movements", Access::Needs(STOCK_READ), get(list))
        .page(Method::POST, "/movements", Access::Needs(STOCK_MOVE), post(record))
        .page(Method::GET, "/movements/new", Access::Needs(STOCK_MOVE), get(new))
}

/// What the page that lists movements is about; it decides what counts as in and out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Everything,
    Item,
    Location(LocationId),
}

/// One page of the ledger as it is shown, newest first.
pub async fn read(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &MovementFilter,
    page: &PageRequest,
    about: About,
) -> Result<Page<view::MovementRow>> {
    let found = inventory::service::movements(connection, actor, filter, page).await?;
    let people: BTreeSet<UserId> = found.items.iter().map(|movement| movement.row.recorded_by).collect();
    let people: Vec<UserId> = people.into_iter().collect();
    let names = identity::service::names_of(connection, actor.tenant(), &people).await?;
    Ok(found.map(|movement| shown(movement, &names, about)))
}

pub(super) fn shown(movement: Labelled<MovementRow>, names: &HashMap<UserId, String>, about: About) -> view::MovementRow {
    let Labelled { row, item } = movement;
    view::MovementRow {
        id: row.movement_id.to_string(),
        at: row.effective_at,
        kind: row.kind.to_string(),
        item_href: items::href(row.item_id, &item.code),
        item: item.code,
        item_name: item.name,
        direction: direction(&row, about),
        lot: row.lot_number,
        quantity: row.quantity.decimal(),
        unit: item.base_unit,
        from: place_name(&row.from),
        from_href: place_href(&row.from),
        from_status: row.from.status.to_string(),
        to: place_name(&row.to),
        to_href: place_href(&row.to),
        to_status: row.to.status.to_string(),
        reason: row.reason,
        reference: row.reference,
        by: names.get(&row.recorded_by).cloned().unwrap_or_else(|| "System".to_owned()),
    }
}

fn direction(row: &MovementRow, about: About) -> i8 {
    let is_physical = |side: &Side| side.kind == LocationKind::Physical;
    let (is_in, is_out) = match about {
        About::Everything => (false, false),
        About::Item => (!is_physical(&row.from), !is_physical(&row.to)),
        About::Location(id) => (row.to.location_id == id, row.from.location_id == id),
    };
    i8::from(is_in) - i8::from(is_out)
}

pub(super) fn place_name(side: &Side) -> String {
    let word = match side.kind {
        LocationKind::Physical => return side.code.clone(),
        LocationKind::Supplier => "Supplier",
        LocationKind::Customer => "Customer",
        LocationKind::Adjustment => "Adjustment",
        LocationKind::Scrap => "Scrap",
        LocationKind::Production => "Production",
    };
    word.to_owned()
}

pub(super) fn place_href(side: &Side) -> Option<String> {
    (side.kind == LocationKind::Physical).then(|| locations::href(&side.facility_code, &side.code))
}

async fn list(visitor: Visitor, Query(filter): Query<view::MovementFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let (actor, request) = (&visitor.actor, paging.into());
    let found = async {
        let narrowed = narrowed(&filter)?;
        let read = async |connection: &mut PgConnection| read(connection, actor, &narrowed, &request, About::Everything).await;
        visitor.app.db.read(actor.tenant(), read).await
    };
    let mut page = visitor.page("Movements");
    let found = match found.await {
        // A slip in a filter, such as an item that does not exist, is told above the empty list.
        Err(error) if matches!(error.code, ErrorCode::Invalid | ErrorCode::NotFound) => {
            page.flash = Some(Flash { kind: FlashKind::Failed, text: told(&error) });
            Page { items: Vec::new(), next_cursor: None }
        }
        found => found?,
    };
    show(&MovementList {
        page,
        filter,
        pager: visitor.pager(found.next_cursor.as_ref()),
        movements: found.items,
        can_move: visitor.may(STOCK_MOVE),
    })
}

fn told(error: &Error) -> String {
    let errors = Errors::from(error);
    let fields = errors.fields.iter().map(|field| format!("{} {}.", field.label, field.message));
    errors.summary.into_iter().chain(fields).collect::<Vec<_>>().join(" ")
}

fn narrowed(filter: &view::MovementFilter) -> Result<MovementFilter> {
    let mut typed = Typed::default();
    let mut day = |field: &str, text: &str, and: Days| -> Option<DateTime<Utc>> {
        let day = given(text)?.parse::<NaiveDate>().ok().and_then(|day| day.checked_add_days(and));
        if day.is_none() {
            typed.refuse(field, "must be a day, such as 2027-01-31");
        }
        day.map(|day| day.and_time(NaiveTime::MIN).and_utc())
    };
    let (from, to) = (day("since", &filter.since, Days::new(0)), day("until", &filter.until, Days::new(1)));
    let narrowed = MovementFilter {
        item: wanted(&filter.item),
        location: wanted(&filter.location),
        lot: wanted(&filter.lot),
        kind: typed.word("kind", &filter.kind),
        reference: None,
        from,
        to,
    };
    typed.done(Vec::new()).map(|()| narrowed)
}

async fn form_for(visitor: &Visitor, input: MovementInput, errors: Errors) -> Result<MovementForm> {
    let actor = &visitor.actor;
    let active = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let facilities = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| {
            warehouse::facilities::list(connection, actor, &active, &items::largest_page()).await
        })
        .await?;
    Ok(MovementForm {
        page: visitor.page("New movement"),
        facilities: facilities.items.into_iter().map(|facility| Choice::new(facility.code, facility.name)).collect(),
        reasons: REASONS.map(str::to_owned).to_vec(),
        input,
        errors,
    })
}

/// The query may fill the form: `?item=A-1&from=R-01&facility=BER`.
async fn new(visitor: Visitor, Query(input): Query<MovementInput>) -> Result<Response> {
    show(&form_for(&visitor, input, Errors::none()).await?)
}

async fn record(visitor: Visitor, form: Form<MovementInput>) -> Result<Response> {
    let input = form.input;
    let recorded = async {
        let request = request(&input)?;
        visitor
            .change(form.key.as_ref(), async |tx| {
                let item = item_named(tx, &visitor.actor, &request.item).await?;
                let batch = MovementBatch { atomic: true, movements: vec![MovementRequest { item, ..request.clone() }] };
                inventory::service::record(tx, &visitor.actor, &batch).await
            })
            .await
    };
    match recorded.await {
        Ok(_) => Ok(done("/movements", "The movement is recorded.")),
        Err(error) => {
            let fields = beside_inputs(error.fields, is_found(&input));
            let view = form_for(&visitor, input, Errors::none()).await?;
            refuse(Error { fields, ..error }, |errors| MovementForm { errors, ..view })
        }
    }
}

/// Goods found come to the location, which all other kinds take them from.
fn is_found(input: &MovementInput) -> bool {
    input.kind == MovementKind::Adjustment.as_str() && input.direction == "found"
}

/// What the form asks for; what can be seen to be wrong without looking anything up is told together.
fn request(input: &MovementInput) -> Result<MovementRequest> {
    let mut typed = Typed::default();
    let kind = BY_HAND.into_iter().find(|kind| kind.as_str() == input.kind);
    if kind.is_none() {
        typed.refuse("kind", format!("must be one of {}", BY_HAND.map(MovementKind::as_str).join(", ")));
    }
    let counts_itself = given(&input.quantity).is_none() && given(&input.serials).is_some();
    if !counts_itself && typed.needed_number("quantity", &input.quantity).is_some_and(|quantity| quantity <= Quantity::ZERO) {
        typed.refuse("quantity", "must be greater than 0");
    }
    if matches!(kind, Some(MovementKind::Adjustment | MovementKind::Scrap)) && given(&input.reason).is_none() {
        typed.refuse("reason", "must say why");
    }
    let here = place(&input.facility, &input.from);
    if here.is_none() {
        typed.refuse("from", "must not be empty");
    }
    let (from, to) = match kind {
        Some(MovementKind::Transfer) => {
            let to = place(&input.facility, &input.to);
            if to.is_none() {
                typed.refuse("to", "must not be empty");
            }
            (here, to)
        }
        _ if is_found(input) => (None, here),
        _ => (here, None),
    };
    let is_change = kind == Some(MovementKind::StatusChange);
    let status = wanted(&input.status);
    let request = MovementRequest {
        kind: input.kind.clone(),
        item: input.item.clone(),
        lot: wanted(&input.lot),
        quantity: NumberText(input.quantity.trim().to_owned()),
        unit: wanted(&input.unit),
        from,
        to,
        quality_status: status.clone().filter(|_| !is_change),
        from_status: status.filter(|_| is_change),
        to_status: wanted(&input.to_status).filter(|_| is_change),
        reason: wanted(&input.reason),
        reference: wanted(&input.reference),
        serials: listed(&input.serials),
        ..MovementRequest::default()
    };
    let more = request.read().err().unwrap_or_default();
    typed.done(beside_inputs(more, is_found(input)))?;
    Ok(request)
}

/// A code alone means the one in the chosen facility.
fn place(facility: &str, code: &str) -> Option<String> {
    let code = given(code)?;
    let is_complete = code.contains('/') || Uuid::parse_str(code).is_ok() || facility.trim().is_empty();
    Some(if is_complete { code.to_owned() } else { format!("{}/{code}", facility.trim()) })
}

/// The code of the item that the text names by code, id or barcode; what names nothing stays, and the ledger refuses it.
async fn item_named(connection: &mut PgConnection, actor: &Actor, text: &str) -> Result<String> {
    let text = text.trim().to_owned();
    if text.is_empty() || !catalog::service::resolve(connection, actor.tenant(), std::slice::from_ref(&text)).await?.is_empty() {
        return Ok(text);
    }
    match catalog::service::lookup(connection, actor, &text).await {
        Ok(item) => Ok(item.code),
        Err(error) if error.code == ErrorCode::NotFound => Ok(text),
        Err(error) => Err(error),
    }
}

fn beside_inputs(mut fields: Vec<FieldError>, is_found: bool) -> Vec<FieldError> {
    for fault in &mut fields {
        if let Some(field) = fault.field.strip_prefix("movements[0].") {
            fault.field = field.to_owned();
        }
        if fault.field.starts_with("serials[") {
            fault.field = "serials".to_owned();
        }
    }
    let mut fields = renamed(fields, &[("quality_status", "status"), ("from_status", "status")]);
    if is_found {
        fields = renamed(fields, &[("to", "from")]);
    }
    fields
}

#[cfg(test)]
mod tests {
    use inventory::{ItemLabel, QualityStatus, SUPPLIER};
    use kernel::{ItemId, MovementId};

    use super::*;

    fn input(kind: &str) -> MovementInput {
        MovementInput {
            kind: kind.into(),
            facility: "BER".into(),
            item: "A-1".into(),
            quantity: "3".into(),
            from: "R-01".into(),
            reason: "Counted".into(),
            ..MovementInput::default()
        }
    }

    fn fields(input: &MovementInput) -> Vec<String> {
        request(input).unwrap_err().fields.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn each_kind_names_the_sides_that_it_has() {
        let sides = |input: &MovementInput| {
            let request = request(input).unwrap();
            (request.from, request.to)
        };
        let here = || Some("BER/R-01".to_owned());
        for kind in ["ISSUE", "SCRAP", "STATUS_CHANGE", "ADJUSTMENT"] {
            assert_eq!(sides(&input(kind)), (here(), None), "{kind}");
        }
        assert_eq!(sides(&MovementInput { direction: "found".into(), ..input("ADJUSTMENT") }), (None, here()));
        assert_eq!(sides(&MovementInput { to: "HAM/B-2".into(), ..input("TRANSFER") }), (here(), Some("HAM/B-2".into())));
        assert_eq!(sides(&MovementInput { facility: String::new(), ..input("ISSUE") }).0.as_deref(), Some("R-01"));
    }

    #[test]
    fn a_change_of_status_names_both_and_others_the_one() {
        let change = request(&input("STATUS_CHANGE")).unwrap();
        assert_eq!((change.from_status.as_deref(), change.to_status.as_deref()), (Some("RELEASED"), Some("HOLD")));
        assert_eq!(change.quality_status, None);
        let issue = request(&input("ISSUE")).unwrap();
        assert_eq!((issue.quality_status.as_deref(), issue.to_status), (Some("RELEASED"), None));
    }

    #[test]
    fn everything_wrong_is_told_beside_its_input() {
        let bad = MovementInput {
            item: String::new(),
            quantity: "-3".into(),
            from: " ".into(),
            reason: String::new(),
            ..input("SCRAP")
        };
        assert_eq!(fields(&bad), ["quantity", "reason", "from", "item"]);
        assert_eq!(fields(&input("TRANSFER")), ["to"]);
        assert_eq!((fields(&input("RECEIPT")), fields(&input("GIFT"))), (vec!["kind".to_owned()], vec!["kind".to_owned()]));
        let bad = MovementInput { status: "FINE".into(), direction: "found".into(), ..input("ADJUSTMENT") };
        assert_eq!(fields(&bad), ["status"]);
        let from_ledger = beside_inputs(vec![FieldError::new("movements[0].to", "is not active")], true);
        assert_eq!(from_ledger[0].field, "from");
    }

    #[test]
    fn both_days_of_a_filter_are_included() {
        let filter =
            |since: &str, until: &str| view::MovementFilter { since: since.into(), until: until.into(), ..Default::default() };
        let narrowed_days = narrowed(&filter("2027-01-31", "2027-01-31")).unwrap();
        assert_eq!(narrowed_days.from.unwrap().to_string(), "2027-01-31 00:00:00 UTC");
        assert_eq!(narrowed_days.to.unwrap().to_string(), "2027-02-01 00:00:00 UTC");
        let error = narrowed(&filter("yesterday", "")).unwrap_err();
        assert_eq!(told(&error), "Since must be a day, such as 2027-01-31.");
    }

    fn movement(from: (LocationId, LocationKind), to: (LocationId, LocationKind)) -> MovementRow {
        let side = |(location_id, kind): (LocationId, LocationKind)| Side {
            location_id,
            kind,
            facility_code: "BER".into(),
            code: "R-01".into(),
            status: QualityStatus::Released,
        };
        MovementRow {
            movement_id: MovementId(Uuid::nil()),
            seq: 1,
            kind: MovementKind::Transfer,
            item_id: ItemId(Uuid::nil()),
            lot_id: None,
            lot_number: None,
            quantity: Quantity::from(1),
            from: side(from),
            to: side(to),
            reason: String::new(),
            reference: String::new(),
            effective_at: DateTime::UNIX_EPOCH,
            recorded_at: DateTime::UNIX_EPOCH,
            recorded_by: UserId(Uuid::nil()),
            request_id: String::new(),
        }
    }

    #[test]
    fn the_direction_is_that_of_the_page() {
        let [a, b] = [1, 2].map(|n| (LocationId(Uuid::from_u128(n + 100)), LocationKind::Physical));
        let supplier = (SUPPLIER, LocationKind::Supplier);
        let of = |from, to, about| direction(&movement(from, to), about);
        assert_eq!([of(supplier, a, About::Item), of(a, supplier, About::Item), of(a, b, About::Item)], [1, -1, 0]);
        let here = About::Location(a.0);
        assert_eq!([of(b, a, here), of(a, b, here), of(a, a, here), of(supplier, a, here)], [1, -1, 0, 1]);
        assert_eq!(of(supplier, a, About::Everything), 0);
    }

    #[test]
    fn only_real_places_are_links() {
        let row = movement((SUPPLIER, LocationKind::Supplier), (LocationId(Uuid::from_u128(9)), LocationKind::Physical));
        let shown = shown(Labelled { row, item: ItemLabel::default() }, &HashMap::new(), About::Everything);
        assert_eq!((shown.from.as_str(), shown.from_href), ("Supplier", None));
        assert_eq!((shown.to.as_str(), shown.to_href.as_deref()), ("R-01", Some("/locations/BER/R-01")));
        assert_eq!(shown.by, "System");
    }
}
