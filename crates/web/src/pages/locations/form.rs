use axum::response::Response;
use kernel::Quantity;
use platform::http::{Path, Query};
use platform::{Error, Result};
use warehouse::{
    FacilityFilter, Location, LocationPatch, LocationType, MeasureInput, NewFacility, NewLocation, SizeInput, TemperatureInput,
    degrees,
};

use super::super::items::largest_page;
use super::super::typed::{Typed, for_form, renamed, wanted};
use super::super::visitor::{Form, Visitor, done, refuse, show};
use super::floor::choice;
use super::one::{load, reference};
use super::{href, list_href};
use crate::view::{Errors, FacilityForm, FacilityInput, LocationForm, LocationInput};

/// What the rules call the inputs of the form.
const NAMES: [(&str, &str); 15] = [
    ("dimensions", "length"),
    ("dimensions.length", "length"),
    ("dimensions.width", "width"),
    ("dimensions.height", "height"),
    ("dimensions.unit", "length_unit"),
    ("volume.value", "volume"),
    ("max_weight.value", "max_weight"),
    ("max_weight.unit", "weight_unit"),
    ("temperature", "temperature_min"),
    ("temperature.min", "temperature_min"),
    ("temperature.max", "temperature_max"),
    ("x_mm", "x"),
    ("y_mm", "y"),
    ("z_mm", "z"),
    ("kind", "type"),
];

pub async fn new_facility(visitor: Visitor) -> Result<Response> {
    show(&FacilityForm { page: visitor.page("New facility"), input: FacilityInput::default(), errors: Errors::none() })
}

pub async fn create_facility(visitor: Visitor, form: Form<FacilityInput>) -> Result<Response> {
    let new = NewFacility { code: form.input.code.clone(), name: form.input.name.clone() };
    let made = visitor.change(form.key.as_ref(), async |tx| warehouse::facilities::create(tx, &visitor.actor, &new).await).await;
    match made {
        Ok(facility) => {
            let text = format!("{} is there. Now add its locations, by hand or from a CSV file.", facility.name);
            Ok(done(&list_href(&facility.code), &text))
        }
        Err(error) => refuse(error, |errors| FacilityForm { page: visitor.page("New facility"), input: form.input, errors }),
    }
}

async fn form_for(visitor: &Visitor, location: Option<&Location>, input: LocationInput) -> Result<LocationForm> {
    let actor = &visitor.actor;
    let active = FacilityFilter { active: Some(true), ..FacilityFilter::default() };
    let facilities = visitor
        .app
        .db
        .read(actor.tenant(), async |connection| warehouse::facilities::list(connection, actor, &active, &largest_page()).await)
        .await?;
    Ok(LocationForm {
        page: visitor
            .page(location.map_or_else(|| "New location".to_owned(), |location| format!("Edit {}", location.fields.code))),
        href: location.map(|location| href(&location.facility_code, &location.fields.code)),
        list_href: wanted(&input.facility).map_or_else(|| "/locations".to_owned(), |facility| list_href(&facility)),
        facilities: facilities.items.iter().map(choice).collect(),
        input,
        errors: Errors::none(),
    })
}

/// The query may name the facility: `?facility=BER`.
pub async fn new(visitor: Visitor, Query(input): Query<LocationInput>) -> Result<Response> {
    show(&form_for(&visitor, None, input).await?)
}

pub async fn create(visitor: Visitor, form: Form<LocationInput>) -> Result<Response> {
    let made = async {
        let new = read(&form.input)?;
        visitor.change(form.key.as_ref(), async |tx| warehouse::locations::create(tx, &visitor.actor, &new).await).await
    };
    match made.await {
        Ok(location) => {
            let code = &location.fields.code;
            Ok(done(&href(&location.facility_code, code), &format!("Created {code}.")))
        }
        Err(error) => {
            let view = form_for(&visitor, None, form.input).await?;
            refuse(for_form(error, &NAMES), |errors| LocationForm { errors, ..view })
        }
    }
}

pub async fn edit_form(visitor: Visitor, Path(place): Path<(String, String)>) -> Result<Response> {
    let location = load(&visitor, &reference(&place)).await?;
    show(&form_for(&visitor, Some(&location), input_of(&location)).await?)
}

pub async fn edit(visitor: Visitor, Path(place): Path<(String, String)>, form: Form<LocationInput>) -> Result<Response> {
    let location = load(&visitor, &reference(&place)).await?;
    let id = location.location_id.to_string();
    let changed = async {
        let patch = patch(&form.input, &location)?;
        visitor.change(form.key.as_ref(), async |tx| warehouse::locations::edit(tx, &visitor.actor, &id, &patch).await).await
    };
    match changed.await {
        Ok(after) => Ok(done(&href(&after.facility_code, &after.fields.code), &format!("Saved {}.", after.fields.code))),
        Err(error) => {
            let view = form_for(&visitor, Some(&location), form.input).await?;
            refuse(for_form(error, &NAMES), |errors| LocationForm { errors, ..view })
        }
    }
}

/// The location that the form describes; all that is wrong with it is told together.
fn read(input: &LocationInput) -> Result<NewLocation> {
    let mut typed = Typed::default();
    let new = described(input, &mut typed);
    typed.done(renamed(new.faults(), &NAMES)).map(|()| new)
}

fn described(input: &LocationInput, typed: &mut Typed) -> NewLocation {
    let sides = typed.together([("length", &input.length), ("width", &input.width), ("height", &input.height)]);
    let range = typed.together([("temperature_min", &input.temperature_min), ("temperature_max", &input.temperature_max)]);
    let weight = typed.needed_number("max_weight", &input.max_weight);
    let kind = typed.word("type", &input.r#type);
    if kind.is_none() && input.r#type.trim().is_empty() {
        typed.refuse("type", "must not be empty");
    }
    NewLocation {
        facility: input.facility.clone(),
        code: input.code.clone(),
        kind: kind.unwrap_or(LocationType::Reserve),
        zone: input.zone.clone(),
        aisle: input.aisle.clone(),
        rack: input.rack.clone(),
        shelf: input.shelf.clone(),
        position: input.position.clone(),
        dimensions: sides.map(|sides| {
            let [length, width, height] = sides.map(Quantity::decimal);
            SizeInput { length, width, height, unit: wanted(&input.length_unit) }
        }),
        volume: typed.number("volume", &input.volume).map(|volume| MeasureInput { value: volume.decimal(), unit: None }),
        max_weight: MeasureInput { value: weight.unwrap_or_default().decimal(), unit: wanted(&input.weight_unit) },
        abc_class: typed.word("abc_class", &input.abc_class),
        pick_sequence: typed.whole("pick_sequence", &input.pick_sequence),
        x_mm: typed.whole("x", &input.x),
        y_mm: typed.whole("y", &input.y),
        z_mm: typed.whole("z", &input.z),
        security_zone: typed.word("security_zone", &input.security_zone),
        temperature: range.map(|range| {
            let [min, max] = range.map(Quantity::decimal);
            TemperatureInput { min, max }
        }),
        ergonomic_zone: typed.word("ergonomic_zone", &input.ergonomic_zone),
        mixing_policy: typed.word("mixing_policy", &input.mixing_policy),
    }
}

/// The form says everything about the location, so that what it leaves empty is cleared.
fn patch(input: &LocationInput, location: &Location) -> Result<LocationPatch> {
    let mut typed = Typed::default();
    let new = described(input, &mut typed);
    if new.code.trim() != location.fields.code {
        typed.refuse("code", format!("must stay {}: it stands on the rack; make another location instead", location.fields.code));
    }
    typed.done(renamed(new.faults(), &NAMES))?;
    let version = input.version.parse().map_err(|_| Error::field("version", "is missing; load the page again"))?;
    Ok(LocationPatch {
        version,
        kind: Some(new.kind),
        zone: Some(new.zone),
        aisle: Some(new.aisle),
        rack: Some(new.rack),
        shelf: Some(new.shelf),
        position: Some(new.position),
        dimensions: Some(new.dimensions),
        volume: new.volume,
        max_weight: Some(new.max_weight),
        abc_class: new.abc_class,
        pick_sequence: Some(new.pick_sequence),
        x_mm: Some(new.x_mm),
        y_mm: Some(new.y_mm),
        z_mm: Some(new.z_mm),
        security_zone: new.security_zone,
        temperature: Some(new.temperature),
        ergonomic_zone: new.ergonomic_zone,
        mixing_policy: new.mixing_policy,
        is_active: None,
    })
}

fn input_of(location: &Location) -> LocationInput {
    fn text(value: Option<impl ToString>) -> String {
        value.map_or_else(String::new, |value| value.to_string())
    }
    let fields = &location.fields;
    let side = |axis: usize| text(fields.dimensions_mm.map(|sides| sides[axis]));
    let whole_box = fields.dimensions_mm.map(|sides| sides.into_iter().map(i64::from).product::<i64>() / 1_000);
    LocationInput {
        version: location.version.to_string(),
        facility: location.facility_code.clone(),
        code: fields.code.clone(),
        r#type: fields.kind.to_string(),
        zone: fields.zone.clone(),
        aisle: fields.aisle.clone(),
        rack: fields.rack.clone(),
        shelf: fields.shelf.clone(),
        position: fields.position.clone(),
        length: side(0),
        width: side(1),
        height: side(2),
        length_unit: "mm".into(),
        // The volume that follows from the sides stays empty, so that it follows when they change.
        volume: text(Some(fields.volume_cm3).filter(|volume| whole_box != Some(*volume))),
        max_weight: fields.max_weight_g.to_string(),
        weight_unit: "g".into(),
        abc_class: fields.abc_class.to_string(),
        pick_sequence: text(fields.pick_sequence),
        x: text(fields.position_mm[0]),
        y: text(fields.position_mm[1]),
        z: text(fields.position_mm[2]),
        security_zone: fields.security_zone.to_string(),
        ergonomic_zone: fields.ergonomic_zone.to_string(),
        mixing_policy: fields.mixing_policy.to_string(),
        temperature_min: text(fields.temperature_dc.map(|(min, _)| degrees(min))),
        temperature_max: text(fields.temperature_dc.map(|(_, max)| degrees(max))),
        idempotency_key: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> LocationInput {
        LocationInput {
            facility: "BER".into(),
            code: "A-01".into(),
            length: "120".into(),
            width: "80".into(),
            height: "100".into(),
            length_unit: "cm".into(),
            max_weight: "500".into(),
            z: "900".into(),
            temperature_min: "2".into(),
            temperature_max: "8".into(),
            ..LocationInput::default()
        }
    }

    fn fields(result: Result<impl Sized>) -> Vec<String> {
        let error = result.map(drop).unwrap_err();
        let mut fields: Vec<_> = error.fields.into_iter().map(|fault| fault.field).collect();
        fields.sort();
        fields
    }

    #[test]
    fn a_filled_form_is_read() {
        let new = read(&filled()).unwrap();
        assert_eq!((new.z_mm, new.x_mm, new.volume), (Some(900), None, None));
        assert_eq!(new.max_weight, MeasureInput { value: 500.into(), unit: Some("kg".into()) });
        assert_eq!(new.temperature, Some(TemperatureInput { min: 2.into(), max: 8.into() }));
    }

    #[test]
    fn everything_wrong_is_told_beside_its_input() {
        let bad = LocationInput {
            code: "A/1".into(),
            width: String::new(),
            max_weight: String::new(),
            x: "far".into(),
            r#type: "CELLAR".into(),
            temperature_min: "9".into(),
            ..filled()
        };
        assert_eq!(fields(read(&bad)), ["code", "max_weight", "temperature_max", "type", "width", "x"]);
        let nothing = LocationInput { length: String::new(), width: String::new(), height: String::new(), ..filled() };
        assert_eq!(fields(read(&nothing)), ["length"]);
        assert_eq!(fields(read(&LocationInput { temperature_max: String::new(), ..filled() })), ["temperature_max"]);
    }
}
