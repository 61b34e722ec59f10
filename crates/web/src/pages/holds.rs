//! Holds: stock that somebody blocked, who, why and for how long.

use std::collections::HashMap;

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use inventory::holds::{self, Whole};
use inventory::{Decision, Disposition, HOLDS_DECIDE, Hold, HoldState, Labelled, NewHold, NumberText, STOCK_MOVE, STOCK_READ};
use kernel::{ErrorCode, HoldId, Page, UserId};
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use uuid::Uuid;
use warehouse::FacilityFilter;

use super::typed::{Typed, given, listed, unnumbered, wanted};
use super::visitor::{Form, Visitor, done, refuse, show};
use super::{items, locations};
use crate::view::{self, Choice, Errors, Flash, FlashKind};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/holds", Access::Needs(STOCK_READ), get(list))
        .page(Method::POST, "/holds", Access::Needs(STOCK_MOVE), post(place))
        .page(Method::GET, "/holds/new", Access::Needs(STOCK_MOVE), get(new))
        .page(Method::GET, "/holds/{hold}", Access::Needs(STOCK_READ), get(one))
        .page(Method::POST, "/holds/{hold}/release", Access::Needs(HOLDS_DECIDE), post(decide))
}

fn href(id: HoldId) -> String {
    format!("/holds/{id}")
}

async fn list(visitor: Visitor, Query(filter): Query<view::HoldFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let state = match filter.state.as_str() {
        "ALL" => None,
        "CLOSED" => Some(HoldState::Closed),
        _ => Some(HoldState::Active),
    };
    let narrowed = inventory::HoldFilter { item: wanted(&filter.item), state };
    let (actor, request) = (&visitor.actor, paging.into());
    let read = async |connection: &mut _| holds::list(connection, actor, &narrowed, &request).await;
    let mut page = visitor.page("Holds");
    let (found, names) = match visitor.app.db.read(actor.tenant(), read).await {
        Err(error) if error.code == ErrorCode::NotFound => {
            page.flash = Some(Flash { kind: FlashKind::Failed, text: super::visitor::sentence(&error) });
            (Page { items: Vec::new(), next_cursor: None }, HashMap::new())
        }
        found => found?,
    };
    let now = actor.env.now();
    show(&view::HoldList {
        page,
        filter,
        pager: visitor.pager(found.next_cursor.as_ref()),
        holds: found.items.into_iter().map(|hold| row(hold, &names, now)).collect(),
        can_hold: visitor.may(STOCK_MOVE),
    })
}

fn row(Labelled { row, item }: Labelled<Hold>, names: &HashMap<UserId, String>, now: DateTime<Utc>) -> view::HoldRow {
    view::HoldRow {
        href: href(row.hold_id),
        item_href: items::href(row.item_id, &item.code),
        item: item.code,
        item_name: item.name,
        unit: item.base_unit,
        is_active: row.state == HoldState::Active,
        is_overdue: row.is_overdue(now),
        by: names.get(&row.created_by).cloned().unwrap_or_else(|| "System".to_owned()),
        since: row.created_at,
        closed_at: row.closed_at,
        until: row.review_at,
        lot: row.lot_number,
        reason: row.reason,
        reference: row.reference,
        quantity: row.quantity.decimal(),
        remaining: row.remaining.decimal(),
        skipped_reserved: row.skipped_reserved.decimal(),
    }
}

async fn load(visitor: &Visitor, id: &str) -> Result<Whole> {
    let id = HoldId(Uuid::parse_str(id).map_err(|_| Error::not_found(format_args!("hold {id:?}")))?);
    let actor = &visitor.actor;
    visitor.app.db.read(actor.tenant(), async |connection| holds::one(connection, actor, id).await).await
}

fn page_of(visitor: &Visitor, whole: Whole, input: view::DecisionInput, errors: Errors) -> view::HoldPage {
    let Whole { hold, lines, decisions, names } = whole;
    let line = |line: inventory::HoldLine| view::HoldLine {
        location_href: locations::href(&line.facility_code, &line.location_code),
        location: line.location_code,
        facility: line.facility_code,
        lot: line.lot_number,
        former_status: line.former_status.to_string(),
        quantity: line.quantity.decimal(),
        remaining: line.remaining.decimal(),
    };
    let decision = |one: inventory::HoldDecision| view::HoldDecision {
        disposition: one.disposition.as_str().to_owned(),
        quantity: one.quantity.decimal(),
        missing: one.missing.decimal(),
        reason: one.reason,
        by: names.get(&one.decided_by).cloned().unwrap_or_else(|| "System".to_owned()),
        at: one.decided_at,
    };
    view::HoldPage {
        page: visitor.page(format!("Hold on {}", hold.item.code)),
        decisions: decisions.into_iter().map(decision).collect(),
        lines: lines.into_iter().map(line).collect(),
        hold: row(hold, &names, visitor.actor.env.now()),
        input,
        errors,
        can_decide: visitor.may(HOLDS_DECIDE),
    }
}

async fn one(visitor: Visitor, Path(id): Path<String>) -> Result<Response> {
    let whole = load(&visitor, &id).await?;
    show(&page_of(&visitor, whole, view::DecisionInput::default(), Errors::none()))
}

async fn decide(visitor: Visitor, Path(id): Path<String>, form: Form<view::DecisionInput>) -> Result<Response> {
    let whole = load(&visitor, &id).await?;
    let hold = whole.hold.row.hold_id;
    let input = &form.input;
    let decision = Decision {
        disposition: Disposition::of(&input.disposition),
        to_status: None,
        quantity: given(&input.quantity).map(|text| NumberText(text.to_owned())),
        serials: listed(&input.serials),
        reason: input.reason.clone(),
    };
    let decided = visitor.change(form.key.as_ref(), async |tx| {
        holds::decide(tx, &visitor.actor, hold, &decision).await.map(inventory::HoldDto::from)
    });
    match decided.await {
        Ok(after) if after.state == HoldState::Closed => Ok(done(&href(hold), "Decided. Nothing is blocked any more.")),
        Ok(after) => Ok(done(&href(hold), &format!("Decided. {} {} are still blocked.", after.remaining, after.unit))),
        Err(error) => refuse(unnumbered(error), |errors| page_of(&visitor, whole, form.input, errors)),
    }
}

async fn form_for(visitor: &Visitor, input: view::HoldInput) -> Result<view::HoldForm> {
    let actor = &visitor.actor;
    let active = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let read = async |connection: &mut _| warehouse::facilities::list(connection, actor, &active, &items::largest_page()).await;
    let facilities = visitor.app.db.read(actor.tenant(), read).await?;
    Ok(view::HoldForm {
        page: visitor.page("Block stock"),
        facilities: facilities.items.into_iter().map(|facility| Choice::new(facility.code, facility.name)).collect(),
        input,
        errors: Errors::none(),
    })
}

/// The query may fill the form: `?item=A-1&lot=L7`.
async fn new(visitor: Visitor, Query(input): Query<view::HoldInput>) -> Result<Response> {
    show(&form_for(&visitor, input).await?)
}

async fn place(visitor: Visitor, form: Form<view::HoldInput>) -> Result<Response> {
    let placed = async {
        let wanted = read(&form.input)?;
        visitor
            .change(form.key.as_ref(), async |tx| holds::place(tx, &visitor.actor, &wanted).await.map(inventory::HoldDto::from))
            .await
    };
    match placed.await {
        Ok(hold) => {
            let skipped = if hold.skipped_reserved == "0" {
                String::new()
            } else {
                format!(" {} are reserved and were left alone.", hold.skipped_reserved)
            };
            Ok(done(&format!("/holds/{}", hold.hold_id), &format!("Blocked {} {}.{skipped}", hold.quantity, hold.unit)))
        }
        Err(error) => {
            let view = form_for(&visitor, form.input).await?;
            refuse(unnumbered(error), |errors| view::HoldForm { errors, ..view })
        }
    }
}

fn read(input: &view::HoldInput) -> Result<NewHold> {
    let mut typed = Typed::default();
    let until = given(&input.until).and_then(|text| {
        let day = text.parse::<NaiveDate>().ok();
        if day.is_none() {
            typed.refuse("until", "must be a day, such as 2027-01-31");
        }
        day.map(|day| day.and_time(NaiveTime::MIN).and_utc())
    });
    let (facility, location) = (wanted(&input.facility), wanted(&input.location));
    // A code alone means the one in the chosen facility.
    let location = match (&facility, location) {
        (Some(facility), Some(code)) if !code.contains('/') => Some(format!("{facility}/{code}")),
        (_, location) => location,
    };
    let hold = NewHold {
        item: input.item.clone(),
        lot: wanted(&input.lot),
        location,
        facility,
        quantity: given(&input.quantity).map(|text| NumberText(text.to_owned())),
        serials: listed(&input.serials),
        reason: input.reason.clone(),
        reference: wanted(&input.reference),
        until,
    };
    typed.done(Vec::new()).map(|()| hold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_read_as_it_was_meant() {
        let input = view::HoldInput {
            facility: "F1".into(),
            location: "A-1".into(),
            serials: "S1\r\nS2, S3\n".into(),
            until: "2027-01-31".into(),
            ..view::HoldInput::default()
        };
        let hold = read(&input).unwrap();
        assert_eq!(hold.location.as_deref(), Some("F1/A-1"));
        assert_eq!(hold.serials.unwrap(), ["S1", "S2", "S3"]);
        assert_eq!(hold.until.unwrap().to_string(), "2027-01-31 00:00:00 UTC");
        assert_eq!(read(&view::HoldInput { until: "soon".into(), ..input }).unwrap_err().fields[0].field, "until");
    }
}
