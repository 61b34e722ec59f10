use std::collections::HashMap;

use futures::future::BoxFuture;
use kernel::LocationId;
use platform::Result;
use platform::auth::{Actor, Permission};
use platform::database::Tx;
use platform::imports::{Counts, Importer, Options};
use platform::tabular::{Column, MeasureKind, Row};

use super::model::{Location, LocationPatch, MAX_BASE, MAX_SIDE_MM, NewLocation};
use super::{service, store};
use crate::LOCATIONS_WRITE;
use crate::check::Checks;
use crate::facility::{Facility, service as facilities};
use crate::measure::{MeasureInput, SizeInput, TemperatureInput};
use crate::words::LocationType;

const COLUMNS: &[Column] = &[
    Column::text("code", "the location's own code, unique in the facility: A-01-02").required().key(),
    Column::text("type", "RECEIVING, PUTAWAY, PICK_FACE, RESERVE, BULK, STAGING, PACKING, SHIPPING, QUARANTINE or RETURNS"),
    Column::text("zone", "a part of the facility: AMBIENT"),
    Column::text("aisle", "A"),
    Column::text("rack", "01"),
    Column::text("shelf", "02"),
    Column::text("position", "1"),
    Column::measure("length", MeasureKind::Length, "inner length; length, width and height come together"),
    Column::measure("width", MeasureKind::Length, "inner width"),
    Column::measure("height", MeasureKind::Length, "inner height"),
    Column::measure("volume", MeasureKind::Volume, "usable volume; from the dimensions when empty"),
    Column::measure("max_weight", MeasureKind::Weight, "what the location carries"),
    Column::text("abc_class", "A, B or C; C for a new location when empty"),
    Column::text("pick_sequence", "the order in which a picker passes: 120"),
    Column::text("x_mm", "from the facility's origin, in whole millimetres"),
    Column::text("y_mm", "from the facility's origin, in whole millimetres"),
    Column::text("z_mm", "height above the floor, in whole millimetres"),
    Column::text("security_zone", "STANDARD, RESTRICTED, HIGH_SECURITY or VAULT"),
    Column::text("temperature_min", "the coldest that the location gets, in degrees Celsius: 2"),
    Column::text("temperature_max", "the warmest that the location gets, in degrees Celsius: 8"),
    Column::text("ergonomic_zone", "LOW, GOLDEN or HIGH; from z_mm when empty"),
    Column::text("mixing_policy", "SINGLE_ITEM, SINGLE_LOT or ANY"),
];

/// Imports locations of one facility by code; creates nothing else.
pub struct LocationImporter;

impl Importer for LocationImporter {
    fn kind(&self) -> &'static str {
        "locations"
    }

    fn permission(&self) -> Permission {
        LOCATIONS_WRITE
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn event(&self) -> &'static str {
        "warehouse.locations.imported"
    }

    fn needs_facility(&self) -> bool {
        true
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        actor: &'a Actor,
        options: &'a Options,
        rows: &'a mut [Row],
    ) -> BoxFuture<'a, Result<Counts>> {
        Box::pin(apply(tx, actor, options, rows))
    }
}

async fn apply(tx: &mut Tx, actor: &Actor, options: &Options, rows: &mut [Row]) -> Result<Counts> {
    let reference = options.facility.as_deref().unwrap_or_default();
    let facility = facilities::find(tx, actor.tenant(), reference).await.map_err(|error| error.at("facility"))?;
    let codes: Vec<String> = rows.iter().filter_map(|row| row.text("code").map(str::to_owned)).collect();
    let stored = store::by_codes(tx, actor.tenant(), facility.facility_id, &codes).await?;
    let stored: HashMap<String, Location> = stored.into_iter().map(|location| (location.fields.code.clone(), location)).collect();
    let (mut created, mut updated, mut counts) = (Vec::new(), Vec::new(), Counts::default());
    for row in rows.iter_mut().filter(|row| !row.is_bad()) {
        match row.text("code").and_then(|code| stored.get(code)) {
            None => created.extend(new_location(actor, &facility, row)),
            Some(before) => match changed(row, before) {
                Some(after) if after.fields == before.fields => counts.unchanged += 1,
                Some(after) => updated.push(Location { version: before.version + 1, updated_at: actor.env.now(), ..after }),
                None => {}
            },
        }
    }
    if !created.is_empty() {
        service::insert_all(tx, actor.tenant(), &created).await?;
    }
    if !updated.is_empty() {
        store::update_all(tx, actor.tenant(), &updated).await?;
        service::register(tx, actor.tenant(), &updated).await?;
    }
    Ok(Counts { created: created.len() as u64, updated: updated.len() as u64, ..counts })
}

fn new_location(actor: &Actor, facility: &Facility, row: &mut Row) -> Option<Location> {
    let patch = said(row);
    let code = row.text("code").unwrap_or_default().to_owned();
    for column in ["type", "max_weight"] {
        if row.text(column).is_none() {
            row.refuse_with(column, "is required for a new location", "fill in the cell");
        }
    }
    let (kind, max_weight) = (patch.kind?, patch.max_weight?);
    let new = NewLocation {
        facility: facility.code.clone(),
        code,
        kind,
        zone: patch.zone.unwrap_or_default(),
        aisle: patch.aisle.unwrap_or_default(),
        rack: patch.rack.unwrap_or_default(),
        shelf: patch.shelf.unwrap_or_default(),
        position: patch.position.unwrap_or_default(),
        dimensions: patch.dimensions.flatten(),
        volume: patch.volume,
        max_weight,
        abc_class: patch.abc_class,
        pick_sequence: patch.pick_sequence.flatten(),
        x_mm: patch.x_mm.flatten(),
        y_mm: patch.y_mm.flatten(),
        z_mm: patch.z_mm.flatten(),
        security_zone: patch.security_zone,
        temperature: patch.temperature.flatten(),
        ergonomic_zone: patch.ergonomic_zone,
        mixing_policy: patch.mixing_policy,
    };
    let mut checks = Checks::default();
    let fields = new.check(&mut checks);
    refuse(row, checks.done());
    let now = actor.env.now();
    (!row.is_bad()).then(|| Location {
        location_id: LocationId(actor.env.new_id()),
        facility_id: facility.facility_id,
        facility_code: facility.code.clone(),
        fields,
        is_active: true,
        is_available: true,
        blocked_reason: String::new(),
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

fn changed(row: &mut Row, before: &Location) -> Option<Location> {
    let patch = said(row);
    if row.is_bad() {
        return None;
    }
    match patch.apply(before) {
        Ok(after) => Some(after),
        Err(error) => {
            refuse(row, Err(error));
            None
        }
    }
}

/// Brings the fields of an error to the columns of the file.
fn refuse(row: &mut Row, outcome: Result<()>) {
    let Err(error) = outcome else { return };
    for field in error.fields {
        let column = match field.field.as_str() {
            "dimensions" | "dimensions.length" => "length",
            "dimensions.width" => "width",
            "dimensions.height" => "height",
            "max_weight.value" => "max_weight",
            "volume.value" => "volume",
            other => other,
        };
        row.refuse(column, field.message);
    }
}

/// What a row says, blank cells left out. Faults are left in the row.
fn said(row: &mut Row) -> LocationPatch {
    let word = |row: &Row, column: &str| row.text(column).map(str::to_owned);
    let millimetres = |row: &mut Row, column: &str| row.integer(column, -1_000_000_000, 1_000_000_000).map(|mm| Some(mm as i32));
    LocationPatch {
        kind: row.parse("type", |text| text.parse::<LocationType>()),
        zone: word(row, "zone"),
        aisle: word(row, "aisle"),
        rack: word(row, "rack"),
        shelf: word(row, "shelf"),
        position: word(row, "position"),
        dimensions: dimensions(row).map(Some),
        volume: row.measure("volume", MAX_BASE).map(MeasureInput::plain),
        max_weight: row.measure("max_weight", MAX_BASE).map(MeasureInput::plain),
        abc_class: row.parse("abc_class", str::parse),
        pick_sequence: row.integer("pick_sequence", 0, i64::from(i32::MAX)).map(|place| Some(place as i32)),
        x_mm: millimetres(row, "x_mm"),
        y_mm: millimetres(row, "y_mm"),
        z_mm: millimetres(row, "z_mm"),
        security_zone: row.parse("security_zone", str::parse),
        temperature: temperature(row).map(Some),
        ergonomic_zone: row.parse("ergonomic_zone", str::parse),
        mixing_policy: row.parse("mixing_policy", str::parse),
        ..LocationPatch::default()
    }
}

fn dimensions(row: &mut Row) -> Option<SizeInput> {
    let sides = ["length", "width", "height"].map(|column| row.measure(column, MAX_SIDE_MM));
    let given = ["length", "width", "height"].map(|column| row.text(column).is_some());
    if given.contains(&true) && given.contains(&false) {
        let missing =
            ["length", "width", "height"].into_iter().zip(given).find(|(_, given)| !given).map_or("length", |(name, _)| name);
        row.refuse_with(missing, "length, width and height come together", "fill in all three, or leave all three empty");
        return None;
    }
    let [length, width, height] = sides;
    Some(SizeInput { length: length?.into(), width: width?.into(), height: height?.into(), unit: None })
}

fn temperature(row: &mut Row) -> Option<TemperatureInput> {
    let range = ["temperature_min", "temperature_max"].map(|column| row.decimal(column));
    let given = ["temperature_min", "temperature_max"].map(|column| row.text(column).is_some());
    if given[0] != given[1] {
        let missing = if given[0] { "temperature_max" } else { "temperature_min" };
        row.refuse_with(missing, "minimum and maximum come together", "fill in both, or leave both empty");
        return None;
    }
    let [min, max] = range;
    let range = TemperatureInput { min: min?, max: max? };
    let mut checks = Checks::default();
    range.to_tenths(&mut checks, "temperature");
    if let Err(error) = checks.done() {
        for field in error.fields {
            row.refuse(if field.field.ends_with("min") { "temperature_min" } else { "temperature_max" }, field.message);
        }
        return None;
    }
    Some(range)
}
