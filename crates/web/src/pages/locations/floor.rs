use std::collections::{BTreeSet, HashMap};

use axum::response::Response;
use form_urlencoded::Serializer;
use kernel::{Cursor, LocationId, PageRequest};
use platform::auth::Actor;
use platform::http::{Paging, Query};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;
use warehouse::{Facility, FacilityFilter, FloorLocation, LOCATIONS_WRITE, Load, Location};

use super::super::items::largest_page;
use super::super::typed::wanted;
use super::super::visitor::{Visitor, show};
use super::{href, percent};
use crate::view::{Bin, Choice, FillCount, FloorMap, Heat, LocationFilter, LocationList, LocationRow, heat_map};

/// Over this a location counts as full; fill is given with one decimal.
const FULL_PERCENT: f64 = 95.0;
const FULL_FROM_PERCENT: f64 = 95.1;

/// What the page shows of the chosen facility.
#[derive(Default)]
struct Shown {
    total: u64,
    zones: Vec<String>,
    fill: Vec<FillCount>,
    map: Option<FloorMap>,
    rows: Vec<LocationRow>,
    next: Option<Cursor>,
}

pub async fn list(visitor: Visitor, Query(filter): Query<LocationFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let mut filter = filter;
    if filter.view != "list" {
        filter.view = "map".to_owned();
    }
    let (actor, request) = (&visitor.actor, PageRequest::from(paging));
    let (facilities, facility, shown) = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| {
            let active = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
            let facilities = warehouse::facilities::list(connection, actor, &active, &largest_page()).await?.items;
            let Some(facility) = chosen(&facilities, &filter.facility)? else {
                return Ok((facilities, None, Shown::default()));
            };
            let shown = match filter.view.as_str() {
                "list" => listed(connection, actor, &facility, &filter, &request).await?,
                _ => {
                    let floor = warehouse::floor(connection, actor, &facility.code).await?;
                    let (heat, values) = heat_of(connection, actor, &facility, &filter.heat, &floor).await?;
                    drawn(&floor, &facility, &filter, heat, &values)
                }
            };
            Ok((facilities, Some(facility), shown))
        })
        .await?;
    let code = facility.as_ref().map_or("", |facility| &facility.code);
    show(&LocationList {
        page: visitor.page("Locations"),
        map_href: address(&LocationFilter { view: "map".into(), ..filter.clone() }, code),
        list_href: address(&LocationFilter { view: "list".into(), ..filter.clone() }, code),
        facilities: facilities.iter().map(choice).collect(),
        facility: facility.as_ref().map(choice),
        filter,
        total: shown.total,
        fill: shown.fill,
        map: shown.map,
        zones: shown.zones,
        locations: shown.rows,
        pager: visitor.pager(shown.next.as_ref()),
        can_write: visitor.may(LOCATIONS_WRITE),
    })
}

pub fn choice(facility: &Facility) -> Choice {
    Choice::new(facility.code.as_str(), facility.name.as_str())
}

/// The facility with this code; the first one when none is named.
fn chosen(facilities: &[Facility], code: &str) -> Result<Option<Facility>> {
    let Some(code) = wanted(code) else { return Ok(facilities.first().cloned()) };
    let found = facilities.iter().find(|facility| facility.code == code || facility.facility_id.to_string() == code);
    found.cloned().map(Some).ok_or_else(|| Error::not_found(format_args!("an active facility {code:?}")))
}

/// This page with another filter.
fn address(filter: &LocationFilter, facility: &str) -> String {
    let mut query = Serializer::new(String::new());
    let pairs = [
        ("facility", facility),
        ("view", &filter.view),
        ("q", &filter.q),
        ("type", &filter.r#type),
        ("zone", &filter.zone),
        ("state", &filter.state),
        ("heat", &filter.heat),
    ];
    query.extend_pairs(pairs.into_iter().filter(|(_, text)| !text.is_empty()));
    format!("/locations?{}", query.finish())
}

async fn listed(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: &Facility,
    filter: &LocationFilter,
    request: &PageRequest,
) -> Result<Shown> {
    let narrowed = warehouse::LocationFilter {
        facility: Some(facility.code.clone()),
        kind: filter.r#type.parse().ok(),
        zone: wanted(&filter.zone),
        q: wanted(&filter.q),
        available: (filter.state == "blocked").then_some(false),
        fill_min: (filter.state == "full").then_some(FULL_FROM_PERCENT),
        fill_max: (filter.state == "empty").then_some(0.0),
        ..warehouse::LocationFilter::default()
    };
    let found = warehouse::locations::list(connection, actor, &narrowed, request).await?;
    let ids: Vec<LocationId> = found.items.iter().map(|location| location.location_id).collect();
    let mut loads = warehouse::locations::loads_of(connection, actor, &ids).await?;
    let zones = warehouse::zones(connection, actor, &facility.code).await?;
    // The counts need the whole floor; they stand on the first page only.
    let is_first = request.cursor.as_ref().is_none_or(|cursor| cursor.0.is_empty());
    let floor = if is_first { warehouse::floor(connection, actor, &facility.code).await? } else { Vec::new() };
    let active: Vec<&FloorLocation> = floor.iter().filter(|location| location.is_active).collect();
    let fill = if is_first { fill_counts(&active, facility) } else { Vec::new() };
    let rows = found.items.into_iter().map(|location| row(loads.remove(&location.location_id).unwrap_or_default(), location));
    Ok(Shown {
        total: zones.locations,
        zones: zones.names,
        fill,
        rows: rows.collect(),
        next: found.next_cursor,
        ..Shown::default()
    })
}

fn row(load: Load, location: Location) -> LocationRow {
    let fields = location.fields;
    LocationRow {
        href: href(&location.facility_code, &fields.code),
        r#type: fields.kind.to_string(),
        abc_class: fields.abc_class.to_string(),
        fill_percent: load.fill_percent(fields.volume_cm3),
        weight_percent: percent(load.stock_weight_g, fields.max_weight_g),
        item_count: load.items.into(),
        is_active: location.is_active,
        is_available: location.is_available,
        code: fields.code,
        zone: fields.zone,
        aisle: fields.aisle,
    }
}

/// What the colours stand for, and the value of each location.
async fn heat_of(
    connection: &mut PgConnection,
    actor: &Actor,
    facility: &Facility,
    wanted: &str,
    floor: &[FloorLocation],
) -> Result<(Heat, HashMap<Uuid, f64>)> {
    match wanted {
        "velocity" => {
            let values = warehouse::slotting::service::location_velocities(connection, actor, &facility.code).await?;
            Ok((Heat::Velocity, values))
        }
        "congestion" => {
            let waiting = warehouse::slotting::service::congestion(connection, actor, &facility.code).await?;
            let value = |place: &FloorLocation| Some((place.location_id.0, f64::from(*waiting.get(&place.aisle)?)));
            Ok((Heat::Congestion, floor.iter().filter_map(value).collect()))
        }
        _ => Ok((Heat::Fill, HashMap::new())),
    }
}

/// The map shows active locations only: the others are not there any more.
fn drawn(
    floor: &[FloorLocation],
    facility: &Facility,
    filter: &LocationFilter,
    heat: Heat,
    values: &HashMap<Uuid, f64>,
) -> Shown {
    let mut active: Vec<&FloorLocation> = floor.iter().filter(|location| location.is_active).collect();
    let zones: BTreeSet<&str> = active.iter().map(|location| location.zone.as_str()).filter(|zone| !zone.is_empty()).collect();
    let zones = zones.into_iter().map(str::to_owned).collect();
    let fill = fill_counts(&active, facility);
    let beginning = filter.q.trim().to_lowercase();
    active.retain(|location| {
        location.code.to_lowercase().starts_with(&beginning)
            && (filter.r#type.is_empty() || location.kind.as_str() == filter.r#type)
            && (filter.zone.is_empty() || location.zone == filter.zone)
            && is_in(location, &filter.state)
    });
    let hot = |location: &FloorLocation| values.get(&location.location_id.0).copied().unwrap_or(0.0);
    let bins: Vec<Bin> = active.into_iter().map(|location| Bin { heat: hot(location), ..bin(location, facility) }).collect();
    Shown { total: bins.len() as u64, zones, fill, map: Some(heat_map(&bins, heat)), ..Shown::default() }
}

/// How many active locations are in each state, whatever else the filters say.
fn fill_counts(active: &[&FloorLocation], facility: &Facility) -> Vec<FillCount> {
    let counts = [("Empty", "empty"), ("Over 95% full", "full"), ("Blocked", "blocked")].map(|(label, state)| FillCount {
        label: label.to_owned(),
        count: active.iter().filter(|location| is_in(location, state)).count() as u64,
        href: address(&LocationFilter { view: "list".into(), state: state.into(), ..LocationFilter::default() }, &facility.code),
    });
    counts.into()
}

fn is_in(location: &FloorLocation, state: &str) -> bool {
    match state {
        "empty" => location.fill_percent <= 0.0,
        "full" => location.fill_percent > FULL_PERCENT,
        "blocked" => !location.is_available,
        _ => true,
    }
}

pub fn bin(location: &FloorLocation, facility: &Facility) -> Bin {
    Bin {
        code: location.code.clone(),
        href: href(&facility.code, &location.code),
        r#type: location.kind.to_string(),
        zone: location.zone.clone(),
        aisle: location.aisle.clone(),
        rack: location.rack.clone(),
        shelf: location.shelf.clone(),
        position: location.position.clone(),
        x_mm: location.x_mm.map(i64::from),
        y_mm: location.y_mm.map(i64::from),
        z_mm: location.z_mm.map(i64::from),
        fill_percent: location.fill_percent,
        heat: 0.0,
        is_blocked: !location.is_available,
    }
}

#[cfg(test)]
mod tests {
    use catalog::AbcClass;
    use chrono::DateTime;
    use kernel::FacilityId;
    use warehouse::LocationType;

    use super::*;

    fn facility(code: &str) -> Facility {
        Facility {
            facility_id: FacilityId(Uuid::nil()),
            code: code.into(),
            name: format!("Hall {code}"),
            is_active: true,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn location(code: &str, zone: &str, fill_percent: f64) -> FloorLocation {
        FloorLocation {
            location_id: LocationId(Uuid::nil()),
            code: code.into(),
            kind: LocationType::Reserve,
            zone: zone.into(),
            aisle: String::new(),
            rack: String::new(),
            shelf: String::new(),
            position: String::new(),
            x_mm: None,
            y_mm: None,
            z_mm: None,
            abc_class: AbcClass::A,
            is_active: true,
            is_available: true,
            blocked_reason: String::new(),
            volume_cm3: 1_000,
            max_weight_g: 1_000,
            used_volume_cm3: 0,
            used_weight_g: 0,
            held_volume_cm3: 0,
            held_weight_g: 0,
            fill_percent,
            weight_percent: 0.0,
            open_recommendations: 0,
            items: 0,
            is_unmeasured: false,
        }
    }

    #[test]
    fn the_map_shows_what_the_filters_leave_and_counts_the_whole_floor() {
        let blocked = FloorLocation { is_available: false, ..location("B-02", "Cold", 40.0) };
        let gone = FloorLocation { is_active: false, ..location("Z-01", "Old", 0.0) };
        let floor = [location("A-01", "Dry", 0.0), location("A-02", "Dry", 95.1), location("B-01", "", 95.0), blocked, gone];
        let all = drawn(&floor, &facility("BER"), &LocationFilter::default(), Heat::Fill, &HashMap::new());
        assert_eq!((all.total, all.zones.as_slice()), (4, ["Cold".to_owned(), "Dry".to_owned()].as_slice()));
        assert_eq!(all.fill.iter().map(|count| count.count).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(all.fill[2].href, "/locations?facility=BER&view=list&state=blocked");
        let of = |filter: LocationFilter| drawn(&floor, &facility("BER"), &filter, Heat::Fill, &HashMap::new()).total;
        assert_eq!(of(LocationFilter { q: " a-".into(), ..LocationFilter::default() }), 2);
        assert_eq!(of(LocationFilter { zone: "Dry".into(), state: "empty".into(), ..LocationFilter::default() }), 1);
        assert_eq!(of(LocationFilter { r#type: "BULK".into(), ..LocationFilter::default() }), 0);
        let map = drawn(&floor, &facility("BER"), &LocationFilter::default(), Heat::Fill, &HashMap::new()).map.unwrap();
        assert!(map.svg.contains("/locations/BER/A-01") && !map.svg.contains("Z-01"));
    }

    #[test]
    fn the_first_facility_is_shown_unless_another_is_named() {
        let both = [facility("BER"), facility("HAM")];
        assert_eq!(chosen(&both, "").unwrap().map(|facility| facility.code).as_deref(), Some("BER"));
        assert_eq!(chosen(&both, "HAM").unwrap().map(|facility| facility.code).as_deref(), Some("HAM"));
        assert!(chosen(&both, "ROM").is_err());
        assert!(chosen(&[], "").unwrap().is_none());
    }

    #[test]
    fn addresses_keep_the_filters_and_are_encoded() {
        let filter = LocationFilter { view: "map".into(), q: "A&B".into(), zone: "Zone 1".into(), ..LocationFilter::default() };
        assert_eq!(address(&filter, "BER 1"), "/locations?facility=BER+1&view=map&q=A%26B&zone=Zone+1");
    }
}
