//! The past of an item, and the ages of all stock.

use axum::http::Method;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use inventory::STOCK_READ;
use inventory::history::service::{self as past, AsOfFilter, Period};
use inventory::history::{Aged, Axis, BUCKETS, NotOffered};
use kernel::PageRequest;
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::visitor::{Visitor, show};
use super::{items, locations};
use crate::view::{AgeBar, AgeingRow, HistoryFilter, ItemHistory, OrderRow, StockAgeing, ThenRow, TurnoverFigures, line_chart};

/// Points of the line.
const POINTS: u32 = 121;
const DEFAULT_DAYS: i64 = 90;
const MAX_DAYS: i64 = 3_660;

pub fn api() -> Api {
    Api::new().page(Method::GET, "/items/{item}/history", Access::Needs(STOCK_READ), get(one)).page(
        Method::GET,
        "/stock-ageing",
        Access::Needs(STOCK_READ),
        get(ageing),
    )
}

/// What the picker sends, with or without a time; a day means its end.
fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(now);
    }
    let exact = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"].iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let end = NaiveTime::from_hms_opt(23, 59, 59).expect("a second of the day");
    let found = exact.or_else(|| text.parse::<NaiveDate>().ok().map(|day| day.and_time(end)));
    found.map(|at| at.and_utc()).ok_or_else(|| Error::field("at", "must be a day or a time such as 2027-01-31T08:00"))
}

fn axis(text: &str) -> Axis {
    if text == "recorded_at" { Axis::RecordedAt } else { Axis::EffectiveAt }
}

async fn one(visitor: Visitor, Path(reference): Path<String>, Query(filter): Query<HistoryFilter>) -> Result<Response> {
    let actor = &visitor.actor;
    let (at, by) = (moment(&filter.at, actor.env.now())?, axis(&filter.by));
    let days = filter.days.parse().unwrap_or(DEFAULT_DAYS).clamp(1, MAX_DAYS);
    let period = Period { from: Some(at - TimeDelta::days(days)), to: Some(at) };
    let read = async |connection: &mut _| {
        let item = catalog::service::get(connection, actor, &reference).await?;
        let id = item.item_id.to_string();
        let wanted = AsOfFilter { at: Some(at), by, item: Some(id.clone()), ..AsOfFilter::default() };
        let then = past::balances_as_of(connection, actor, &wanted, &items::largest_page()).await?;
        let line = past::stock_over_time(connection, actor, (&id, by), period, Some(POINTS)).await?;
        let turnover = past::turnover(connection, actor, &id, period).await?;
        let aged = past::ageing(connection, actor, &Some(id.clone()), &PageRequest::default()).await?;
        let order = past::fefo(connection, actor, &id, &items::largest_page()).await?;
        Ok((item, then, line, turnover, aged, order))
    };
    let (item, then, line, turnover, aged, order) = visitor.app.db.read(actor.tenant(), read).await?;
    let (_, turnover) = turnover.row;
    let points = line.row.points;
    show(&ItemHistory {
        page: visitor.page(format!("History of {}", item.name)),
        href: items::href(item.item_id, &item.code),
        code: item.code,
        name: item.name,
        unit: item.base_unit,
        filter,
        at,
        on_hand: points.last().map(|(_, on_hand)| *on_hand).unwrap_or_default(),
        is_cut: then.next_cursor.is_some(),
        then: then.items.into_iter().map(|balance| then_row(balance.row)).collect(),
        from: at - TimeDelta::days(days),
        chart: line_chart(&points),
        ages: bars(aged.items.first().map(|aged| aged.row.1).unwrap_or_default()),
        turnover: TurnoverFigures {
            turns: turnover.turns(),
            days_of_cover: turnover.days_of_cover(),
            issued: turnover.issued,
            received: turnover.received,
            average: turnover.average,
        },
        order: order.items.into_iter().map(|stock| order_row(stock.row)).collect(),
    })
}

fn then_row(row: past::BalanceThen) -> ThenRow {
    let (facility, location) = row.place.map(|place| (place.facility_code, place.code)).unwrap_or_default();
    ThenRow {
        location_href: locations::href(&facility, &location),
        location,
        facility,
        expires_on: row.lot.as_ref().and_then(|lot| lot.expires_on),
        lot: row.lot.map(|lot| lot.number),
        quality_status: row.spot.status.to_string(),
        on_hand: row.on_hand,
    }
}

fn order_row(stock: inventory::history::InUse) -> OrderRow {
    let reason = |reason| match reason {
        NotOffered::Expired => "EXPIRED",
        NotOffered::NotReleased => "NOT_RELEASED",
        NotOffered::Reserved => "RESERVED",
    };
    let balance = stock.balance;
    OrderRow {
        location_href: locations::href(&balance.facility_code, &balance.location_code),
        available: balance.available().decimal(),
        location: balance.location_code,
        facility: balance.facility_code,
        lot: balance.lot_number,
        expires_on: balance.expires_on,
        not_offered: stock.not_offered.map(|why| reason(why).to_owned()),
    }
}

fn bars(aged: Aged) -> Vec<AgeBar> {
    let total = aged.total();
    let share = |quantity: Decimal| {
        if total.is_zero() { 0.0 } else { (quantity * Decimal::ONE_HUNDRED / total).round_dp(1).to_f64().unwrap_or_default() }
    };
    let pairs = BUCKETS.iter().zip(aged.buckets);
    pairs.map(|(days, quantity)| AgeBar { days: (*days).to_owned(), quantity, percent: share(quantity) }).collect()
}

async fn ageing(visitor: Visitor, Query(paging): Query<Paging>) -> Result<Response> {
    let (actor, request) = (&visitor.actor, paging.into());
    let read = async |connection: &mut _| {
        let (total, count) = past::ageing_in_all(connection, actor).await?;
        Ok((total, count, past::ageing(connection, actor, &None, &request).await?))
    };
    let (total, item_count, found) = visitor.app.db.read(actor.tenant(), read).await?;
    show(&StockAgeing {
        page: visitor.page("Stock ageing"),
        item_count,
        total: bars(total),
        pager: visitor.pager(found.next_cursor.as_ref()),
        items: found
            .items
            .into_iter()
            .map(|inventory::Labelled { row: (id, aged), item }| AgeingRow {
                href: items::href(id, &item.code),
                code: item.code,
                name: item.name,
                unit: item.base_unit,
                on_hand: aged.total(),
                quantities: aged.buckets.to_vec(),
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picker_is_read_with_or_without_a_time() {
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let read = |text: &str| moment(text, now).map(|at| at.to_rfc3339()).map_err(|error| error.fields[0].field.clone());
        assert_eq!(read("2011-06-01T08:30"), Ok("2011-06-01T08:30:00+00:00".into()));
        assert_eq!(read("2011-06-01"), Ok("2011-06-01T23:59:59+00:00".into()));
        assert_eq!(read(" "), Ok(now.to_rfc3339()));
        assert_eq!(read("yesterday"), Err("at".into()));
    }
}
