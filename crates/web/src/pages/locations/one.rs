use std::collections::HashMap;

use axum::response::{IntoResponse as _, Redirect, Response};
use inventory::service::{BalanceFilter, MovementFilter};
use inventory::{BalanceRow, Labelled, STOCK_MOVE};
use kernel::{ItemId, Page, PageRequest, UserId};
use platform::Result;
use platform::auth::Actor;
use platform::http::{Paging, Path, Query};
use rust_decimal::prelude::ToPrimitive as _;
use serde::Deserialize;
use sqlx::PgConnection;
use warehouse::{
    Block, Facility, LOCATIONS_WRITE, Load, Location, LocationPatch, Recommendation, RecommendationFilter, RecommendationState,
    degrees,
};

use super::super::items::{self, HISTORY, expires_soon, history_page, largest_page, not_changed};
use super::super::movements::{self, About};
use super::super::visitor::{Form, Visitor, done, refuse, segment, show};
use super::floor::choice;
use super::{href, list_href, percent};
use crate::view::{Content, Errors, HeldSpace, LocationPage, MovementRow, PastRecommendation};

/// By id, by `FACILITY/CODE` as one part of the address, or by a code that only one facility has.
pub async fn find(visitor: Visitor, Path(reference): Path<String>) -> Result<Response> {
    let location = load(&visitor, &reference).await?;
    Ok(Redirect::to(&href(&location.facility_code, &location.fields.code)).into_response())
}

pub async fn load(visitor: &Visitor, reference: &str) -> Result<Location> {
    let actor = &visitor.actor;
    visitor.app.db.read(actor.tenant(), async |connection| warehouse::locations::get(connection, actor, reference).await).await
}

pub fn reference((facility, code): &(String, String)) -> String {
    format!("{facility}/{code}")
}

/// The pages are those of the past recommendations.
pub async fn one(visitor: Visitor, Path(place): Path<(String, String)>, Query(paging): Query<Paging>) -> Result<Response> {
    let past = PageRequest { limit: Some(HISTORY), ..paging.into() };
    show(&page(&visitor, &reference(&place), &past).await?)
}

/// Everything that the page tells of a location.
struct Facts {
    location: Location,
    facility: Facility,
    load: Load,
    contents: Vec<Labelled<BalanceRow>>,
    held: Vec<Recommendation>,
    units: HashMap<ItemId, String>,
    past: Page<Recommendation>,
    names: HashMap<UserId, String>,
    history: Vec<MovementRow>,
}

async fn facts(connection: &mut PgConnection, actor: &Actor, reference: &str, page: &PageRequest) -> Result<Facts> {
    let location = warehouse::locations::get(connection, actor, reference).await?;
    let id = location.location_id;
    let facility = warehouse::facilities::get(connection, actor, &location.facility_id.to_string()).await?;
    let load = warehouse::locations::loads_of(connection, actor, &[id]).await?.remove(&id).unwrap_or_default();
    let filter = BalanceFilter { location: Some(id.to_string()), ..BalanceFilter::default() };
    let contents = inventory::service::balances(connection, actor, &filter, &largest_page()).await?.items;
    let open = RecommendationFilter {
        location: Some(id.to_string()),
        state: Some(RecommendationState::Open),
        ..RecommendationFilter::default()
    };
    let held = warehouse::putaways::list(connection, actor, &open, &largest_page()).await?.items;
    let past = warehouse::putaways::past_at(connection, actor, id, page).await?;
    let deciders: Vec<UserId> = past.items.iter().filter_map(|one| one.decided_by).collect();
    let names = identity::service::names_of(connection, actor.tenant(), &deciders).await?;
    let ids: Vec<ItemId> = held.iter().chain(&past.items).map(|one| one.item_id).collect();
    let items = catalog::service::items_by_ids(connection, actor.tenant(), &ids).await?;
    let units = items.into_iter().map(|(id, item)| (id, item.base_unit)).collect();
    let filter = MovementFilter { location: Some(id.to_string()), ..MovementFilter::default() };
    let history = movements::read(connection, actor, &filter, &history_page(), About::Location(id)).await?.items;
    Ok(Facts { location, facility, load, contents, held, units, past, names, history })
}

async fn page(visitor: &Visitor, reference: &str, past: &PageRequest) -> Result<LocationPage> {
    let actor = &visitor.actor;
    let read = async |connection: &mut PgConnection| facts(connection, actor, reference, past).await;
    let Facts { location, facility, load, contents, held, units, past, names, history } =
        visitor.app.db.read(actor.tenant(), read).await?;
    let now = actor.env.now();
    let own = href(&location.facility_code, &location.fields.code);
    let movements_href = format!("/movements?location={}", segment(&location.reference()));
    let fields = location.fields;
    let [length_mm, width_mm, height_mm] = [0, 1, 2].map(|axis| fields.dimensions_mm.map(|sides| i64::from(sides[axis])));
    Ok(LocationPage {
        page: visitor.page(&fields.code),
        edit_href: format!("{own}/edit"),
        href: own,
        list_href: list_href(&location.facility_code),
        movements_href,
        facility: choice(&facility),
        r#type: fields.kind.to_string(),
        length_mm,
        width_mm,
        height_mm,
        volume_cm3: fields.volume_cm3,
        used_volume_cm3: load.stock_volume_mm3 / 1_000,
        fill_percent: load.fill_percent(fields.volume_cm3),
        max_weight_g: fields.max_weight_g,
        used_weight_g: load.stock_weight_g,
        weight_percent: percent(load.stock_weight_g, fields.max_weight_g),
        held_percent: percent(load.held_volume_mm3 / 1_000, fields.volume_cm3),
        held: held.into_iter().map(|one| held_space(one, &units)).collect(),
        abc_class: fields.abc_class.to_string(),
        pick_sequence: fields.pick_sequence.map(i64::from),
        security_zone: fields.security_zone.to_string(),
        ergonomic_zone: fields.ergonomic_zone.to_string(),
        mixing_policy: fields.mixing_policy.to_string(),
        temperature_min_c: fields.temperature_dc.map(|(min, _)| degrees(min)),
        temperature_max_c: fields.temperature_dc.map(|(_, max)| degrees(max)),
        code: fields.code,
        zone: fields.zone,
        aisle: fields.aisle,
        rack: fields.rack,
        shelf: fields.shelf,
        position: fields.position,
        is_active: location.is_active,
        is_available: location.is_available,
        blocked_reason: location.blocked_reason,
        version: location.version,
        contents: contents
            .into_iter()
            .map(|balance| Content { expires_soon: expires_soon(balance.row.expires_on, now), ..content(balance) })
            .collect(),
        pager: visitor.pager(past.next_cursor.as_ref()),
        past: past.items.into_iter().map(|one| past_row(one, &units, &names)).collect(),
        movements: history,
        can_write: visitor.may(LOCATIONS_WRITE),
        can_move: visitor.may(STOCK_MOVE),
        errors: Errors::none(),
    })
}

fn content(balance: Labelled<BalanceRow>) -> Content {
    let Labelled { row, item } = balance;
    Content {
        item_href: items::href(row.item_id, &item.code),
        item: item.code,
        item_name: item.name,
        lot: row.lot_number,
        expires_on: row.expires_on,
        expires_soon: false,
        quality_status: row.quality_status.to_string(),
        on_hand: row.on_hand.decimal(),
        reserved: row.reserved.decimal(),
        unit: item.base_unit,
    }
}

fn held_space(one: Recommendation, units: &HashMap<ItemId, String>) -> HeldSpace {
    HeldSpace {
        unit: units.get(&one.item_id).cloned().unwrap_or_default(),
        item: one.item_code,
        item_name: one.item_name,
        quantity: one.quantity.decimal(),
        expires_at: one.expires_at,
    }
}

fn past_row(one: Recommendation, units: &HashMap<ItemId, String>, names: &HashMap<UserId, String>) -> PastRecommendation {
    let by = one.decided_by.map(|user| names.get(&user).cloned().unwrap_or_else(|| "System".to_owned()));
    PastRecommendation {
        at: one.created_at,
        item_href: items::href(one.item_id, &one.item_code),
        unit: units.get(&one.item_id).cloned().unwrap_or_default(),
        item: one.item_code,
        item_name: one.item_name,
        lot: one.lot_number,
        quantity: one.quantity.decimal(),
        confidence_percent: one.ml_adjusted_confidence.unwrap_or(one.confidence_score).to_f64().unwrap_or_default() * 100.0,
        instead: one.actual_location_code.filter(|_| one.state == RecommendationState::Overridden),
        state: one.state.to_string(),
        feedback: one.user_feedback,
        decided_at: one.decided_at,
        by: by.unwrap_or_default(),
    }
}

/// What the buttons of the page send; `version` is the one that the page showed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Pressed {
    version: String,
    reason: String,
}

pub async fn block(visitor: Visitor, Path(place): Path<(String, String)>, form: Form<Pressed>) -> Result<Response> {
    let reference = reference(&place);
    let input = Block { reason: form.input.reason };
    let blocked = visitor
        .change(form.key.as_ref(), async |tx| warehouse::locations::block(tx, &visitor.actor, &reference, &input).await)
        .await;
    match blocked {
        Ok(_) => Ok(done(&href(&place.0, &place.1), "Blocked: nothing is recommended to it any more.")),
        Err(error) => {
            let first = PageRequest { limit: Some(HISTORY), cursor: None };
            let view = page(&visitor, &reference, &first).await?;
            refuse(error, |errors| LocationPage { errors, ..view })
        }
    }
}

pub async fn unblock(visitor: Visitor, Path(place): Path<(String, String)>, form: Form<Pressed>) -> Result<Response> {
    let (reference, back) = (reference(&place), href(&place.0, &place.1));
    let freed =
        visitor.change(form.key.as_ref(), async |tx| warehouse::locations::unblock(tx, &visitor.actor, &reference).await).await;
    Ok(match freed {
        Ok(_) => done(&back, "No longer blocked."),
        Err(error) => not_changed(&back, error),
    })
}

pub async fn activate(visitor: Visitor, Path(place): Path<(String, String)>, form: Form<Pressed>) -> Result<Response> {
    set_active(&visitor, &place, &form, true).await
}

pub async fn deactivate(visitor: Visitor, Path(place): Path<(String, String)>, form: Form<Pressed>) -> Result<Response> {
    set_active(&visitor, &place, &form, false).await
}

async fn set_active(visitor: &Visitor, place: &(String, String), form: &Form<Pressed>, is_active: bool) -> Result<Response> {
    let (reference, back) = (reference(place), href(&place.0, &place.1));
    // A version that is missing is none that the location ever had.
    let version = form.input.version.parse().unwrap_or(0);
    let patch = LocationPatch { version, is_active: Some(is_active), ..LocationPatch::default() };
    let changed =
        visitor.change(form.key.as_ref(), async |tx| warehouse::locations::edit(tx, &visitor.actor, &reference, &patch).await);
    Ok(match changed.await {
        Ok(_) => done(&back, if is_active { "Active again." } else { "Deactivated: it takes no goods any more." }),
        Err(error) => not_changed(&back, error),
    })
}
