use chrono::SecondsFormat;
use kernel::Invalid;
use platform::tabular::{Column, Row};
use uuid::Uuid;

use crate::model::{LocationKind, MovementKind};
use crate::request::{MovementRequest, NumberText};

const MAX_ID_CHARS: usize = 200;
pub const OPENING_REASON: &str = "opening stock";

pub const MOVEMENTS: &[Column] = &[
    Column::text("id", "your own unique id of the movement; a row whose id is recorded already is skipped").key(),
    Column::text("kind", "RECEIPT, ISSUE, TRANSFER, ADJUSTMENT, STATUS_CHANGE, SCRAP or PRODUCTION").required(),
    Column::text("item", "the item's code or id").required(),
    Column::text("quantity", "greater than 0, such as 12.5; an ADJUSTMENT may be negative and then takes away").required(),
    Column::text("unit", "one of the item's units; the base unit when empty"),
    Column::text("from", "the place that gives: FACILITY/CODE, id or unambiguous code"),
    Column::text("to", "the place that takes"),
    Column::text("location", "instead of from and to, the one physical place of a movement that has only one"),
    Column::text("lot", "number of the lot, exactly when the item is lot-tracked"),
    Column::text("expires_on", "best-before day of the lot: 2027-01-31"),
    Column::text("manufactured_on", "day of manufacture of the lot"),
    Column::text("quality_status", "QUARANTINE, PENDING_INSPECTION, RELEASED, REJECTED or HOLD"),
    Column::text("from_status", "for a STATUS_CHANGE"),
    Column::text("to_status", "for a STATUS_CHANGE"),
    Column::text("reason", "at most 200 characters; required for an ADJUSTMENT"),
    Column::text("reference", "your own document, at most 200 characters"),
    Column::text("effective_at", "when it happened: 2011-06-01T08:26:00Z, or 2011-06-01 08:26 in UTC; now when empty"),
];

pub const STOCK: &[Column] = &[
    Column::text("item", "the item's code or id").required().key(),
    Column::text("location", "where it lies: FACILITY/CODE, id or unambiguous code").required().key(),
    Column::text("lot", "number of the lot, exactly when the item is lot-tracked").key(),
    Column::text("quality_status", "QUARANTINE, PENDING_INSPECTION, RELEASED, REJECTED or HOLD; the lot's when empty").key(),
    Column::text("quantity", "greater than 0, such as 12.5").required(),
    Column::text("unit", "one of the item's units; the base unit when empty"),
    Column::text("expires_on", "best-before day of the lot: 2027-01-31"),
    Column::text("manufactured_on", "day of manufacture of the lot"),
    Column::text("reference", "your own document, at most 200 characters"),
    Column::text("effective_at", "since when it lies there: 2011-06-01T08:26:00Z or 2011-06-01; now when empty"),
];

/// What makes a row one that was recorded before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nothing: each time it is another movement.
    None,
    /// The caller's own id.
    Own(String),
    /// There is one opening of an item, lot and status in a place.
    Opening,
}

/// One good row as a movement to record.
#[derive(Debug)]
pub struct Wanted {
    /// Its index among the rows.
    pub row: usize,
    pub request: MovementRequest,
    pub identity: Identity,
    /// Which column `from` and `to` were read from, when not from their own.
    pub side_column: Option<&'static str>,
}

impl Wanted {
    /// The column that a fault of the movement is to be told at.
    pub fn column<'a>(&self, field: &'a str) -> &'a str {
        match (field, self.side_column) {
            ("from" | "to", Some(column)) => column,
            _ => field,
        }
    }
}

/// What the good rows of a file of movements ask for; rows that cannot be read are marked.
pub fn movements(rows: &mut [Row], facility: Option<&str>) -> Vec<Wanted> {
    good(rows, |row| {
        let mut request = common(row);
        request.kind = owned(row, "kind").unwrap_or_default();
        request.from = owned(row, "from").map(|place| within(facility, place));
        request.to = owned(row, "to").map(|place| within(facility, place));
        for (field, slot) in
            [("from_status", &mut request.from_status), ("to_status", &mut request.to_status), ("reason", &mut request.reason)]
        {
            *slot = owned(row, field);
        }
        let side_column = place_one_sided(row, &mut request, facility);
        let id = row.parse("id", |text| {
            let fits = text.chars().count() <= MAX_ID_CHARS && !text.chars().any(char::is_control);
            fits.then(|| text.to_owned()).ok_or_else(|| Invalid(format!("must be 1 to {MAX_ID_CHARS} printable characters")))
        });
        (request, id.map_or(Identity::None, Identity::Own), side_column)
    })
}

/// What the good rows of a file of opening stock ask for.
pub fn opening(rows: &mut [Row], facility: Option<&str>) -> Vec<Wanted> {
    good(rows, |row| {
        let mut request = common(row);
        request.kind = MovementKind::Adjustment.as_str().to_owned();
        request.from = Some(LocationKind::Adjustment.as_str().to_owned());
        request.to = owned(row, "location").map(|place| within(facility, place));
        request.reason = Some(OPENING_REASON.to_owned());
        (request, Identity::Opening, Some("location"))
    })
}

fn good(rows: &mut [Row], read: impl Fn(&mut Row) -> (MovementRequest, Identity, Option<&'static str>)) -> Vec<Wanted> {
    let mut wanted = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter_mut().enumerate().filter(|(_, row)| !row.is_bad()) {
        let (request, identity, side_column) = read(row);
        if !row.is_bad() {
            wanted.push(Wanted { row: index, request, identity, side_column });
        }
    }
    wanted
}

fn owned(row: &Row, column: &str) -> Option<String> {
    row.text(column).map(str::to_owned)
}

fn common(row: &mut Row) -> MovementRequest {
    MovementRequest {
        item: owned(row, "item").unwrap_or_default(),
        quantity: NumberText(owned(row, "quantity").unwrap_or_default()),
        unit: owned(row, "unit"),
        lot: owned(row, "lot"),
        expires_on: owned(row, "expires_on"),
        manufactured_on: owned(row, "manufactured_on"),
        quality_status: owned(row, "quality_status"),
        reference: owned(row, "reference"),
        effective_at: row.time("effective_at").map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        ..MovementRequest::default()
    }
}

/// A bare code means a place of the facility that the caller named for the whole file.
fn within(facility: Option<&str>, place: String) -> String {
    let is_virtual = LocationKind::VIRTUAL.iter().any(|kind| kind.as_str() == place);
    match facility {
        Some(facility) if !is_virtual && !place.contains('/') && Uuid::parse_str(&place).is_err() => {
            format!("{facility}/{place}")
        }
        _ => place,
    }
}

/// Puts `location` on the physical side of a movement that has only one.
fn place_one_sided(row: &mut Row, request: &mut MovementRequest, facility: Option<&str>) -> Option<&'static str> {
    let place = within(facility, owned(row, "location")?);
    if request.from.is_some() || request.to.is_some() {
        row.refuse_with("location", "stands beside from or to", "give either location, or from and to");
        return None;
    }
    match request.kind.parse::<MovementKind>() {
        Ok(MovementKind::Issue | MovementKind::Scrap | MovementKind::StatusChange) => request.from = Some(place),
        Ok(MovementKind::Receipt | MovementKind::Adjustment | MovementKind::Production) => request.to = Some(place),
        Ok(MovementKind::Transfer) => {
            row.refuse_with("location", "a TRANSFER has two places", "name them in the columns from and to");
        }
        // The kind itself is refused when the movement is read.
        Err(_) => request.to = Some(place),
    }
    Some("location")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_code_is_of_the_facility_and_other_names_stay() {
        let within = |place: &str| within(Some("WH1"), place.to_owned());
        assert_eq!(within("A-1"), "WH1/A-1");
        for kept in ["WH2/A-1", "SUPPLIER", "019a0000-0000-7000-8000-000000000001"] {
            assert_eq!(within(kept), kept);
        }
    }
}
