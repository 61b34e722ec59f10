use catalog::{AbcClass, SecurityZone};
use chrono::{DateTime, Utc};
use kernel::{FacilityId, FieldError, LocationId};
use platform::Result;
use serde::{Deserialize, Serialize};

use crate::check::{Checks, present};
use crate::measure::{MeasureInput, SizeInput, TemperatureInput};
use crate::words::{ErgonomicZone, LocationType, MixingPolicy};

pub(crate) const MAX_SIDE_MM: i64 = 1_000_000;
pub(crate) const MAX_BASE: i64 = 1_000_000_000_000;
const WORD_MAX: usize = 40;
pub(crate) const REASON_MAX: usize = 200;

/// A place inside a facility. Its code never changes: it is printed on the rack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub location_id: LocationId,
    pub facility_id: FacilityId,
    pub facility_code: String,
    pub fields: Fields,
    /// Inactive locations are not used any more.
    pub is_active: bool,
    /// Blocked locations take nothing for the time being.
    pub is_available: bool,
    pub blocked_reason: String,
    /// Counts the changes; a change must name the version it saw.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What describes a location, in mm, cm³, g and tenths of a degree Celsius.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// Unique in the facility.
    pub code: String,
    pub kind: LocationType,
    pub zone: String,
    pub aisle: String,
    pub rack: String,
    pub shelf: String,
    pub position: String,
    /// Inner length, width, height.
    pub dimensions_mm: Option<[i32; 3]>,
    pub volume_cm3: i64,
    pub max_weight_g: i64,
    pub abc_class: AbcClass,
    pub pick_sequence: Option<i32>,
    /// x, y, z from the facility's origin; each known or not.
    pub position_mm: [Option<i32>; 3],
    pub security_zone: SecurityZone,
    pub temperature_dc: Option<(i32, i32)>,
    pub ergonomic_zone: ErgonomicZone,
    pub mixing_policy: MixingPolicy,
}

impl Location {
    /// `FACILITY/CODE`, by which every API finds it.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.facility_code, self.fields.code)
    }

    /// Whether goods may be brought there now.
    pub fn takes_goods(&self) -> bool {
        self.is_active && self.is_available
    }
}

/// A location as the caller describes it. Either `dimensions` or `volume` is required; with both, the volume is the usable one.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
pub struct NewLocation {
    /// Id or code of the facility.
    pub facility: String,
    /// 1 to 64 characters, unique in the facility, without '/'.
    pub code: String,
    #[serde(rename = "type")]
    #[graphql(name = "type")]
    pub kind: LocationType,
    #[serde(default)]
    #[graphql(default)]
    pub zone: String,
    #[serde(default)]
    #[graphql(default)]
    pub aisle: String,
    #[serde(default)]
    #[graphql(default)]
    pub rack: String,
    #[serde(default)]
    #[graphql(default)]
    pub shelf: String,
    #[serde(default)]
    #[graphql(default)]
    pub position: String,
    /// Inner dimensions.
    pub dimensions: Option<SizeInput>,
    pub volume: Option<MeasureInput>,
    pub max_weight: MeasureInput,
    /// C when absent.
    pub abc_class: Option<AbcClass>,
    /// The order in which a picker passes.
    pub pick_sequence: Option<i32>,
    pub x_mm: Option<i32>,
    pub y_mm: Option<i32>,
    pub z_mm: Option<i32>,
    /// STANDARD when absent.
    pub security_zone: Option<SecurityZone>,
    /// The range that the location keeps.
    pub temperature: Option<TemperatureInput>,
    /// From the height `z_mm` when absent, else GOLDEN.
    pub ergonomic_zone: Option<ErgonomicZone>,
    /// ANY when absent.
    pub mixing_policy: Option<MixingPolicy>,
}

/// Members that are absent stay as they are; `null` clears.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationPatch {
    /// The version that was loaded.
    pub version: i32,
    #[serde(rename = "type")]
    pub kind: Option<LocationType>,
    pub zone: Option<String>,
    pub aisle: Option<String>,
    pub rack: Option<String>,
    pub shelf: Option<String>,
    pub position: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SizeInput>)]
    pub dimensions: Option<Option<SizeInput>>,
    pub volume: Option<MeasureInput>,
    pub max_weight: Option<MeasureInput>,
    pub abc_class: Option<AbcClass>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>)]
    pub pick_sequence: Option<Option<i32>>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>)]
    pub x_mm: Option<Option<i32>>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>)]
    pub y_mm: Option<Option<i32>>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i32>)]
    pub z_mm: Option<Option<i32>>,
    pub security_zone: Option<SecurityZone>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TemperatureInput>)]
    pub temperature: Option<Option<TemperatureInput>>,
    pub ergonomic_zone: Option<ErgonomicZone>,
    pub mixing_policy: Option<MixingPolicy>,
    /// Only an empty location without open recommendations can be made inactive.
    pub is_active: Option<bool>,
}

/// Why a location takes nothing for the time being.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// 1 to 200 characters.
    pub reason: String,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LocationFilter {
    /// Id or code of the facility.
    pub facility: Option<String>,
    #[serde(rename = "type")]
    #[param(inline)]
    pub kind: Option<LocationType>,
    pub zone: Option<String>,
    pub aisle: Option<String>,
    /// Beginning of the code.
    pub q: Option<String>,
    /// ABC class.
    #[param(inline)]
    pub class: Option<AbcClass>,
    pub active: Option<bool>,
    /// `false` finds the blocked ones.
    pub available: Option<bool>,
    /// Filled to at least so many percent of the volume; needs `facility`.
    pub fill_min: Option<f64>,
    /// Filled to at most so many percent of the volume; needs `facility`.
    pub fill_max: Option<f64>,
}

impl NewLocation {
    /// Everything that is not acceptable whatever else exists; empty when there is nothing.
    pub fn faults(&self) -> Vec<FieldError> {
        self.checked().err().map_or_else(Vec::new, |error| error.fields)
    }

    pub(crate) fn checked(&self) -> Result<Fields> {
        let mut checks = Checks::default();
        let fields = self.check(&mut checks);
        checks.done()?;
        Ok(fields)
    }

    /// What is wrong goes to `checks`; the fields count only when nothing was.
    pub(crate) fn check(&self, checks: &mut Checks) -> Fields {
        let code = checks.code("code", &self.code);
        checks.require(!code.contains('/'), "code", "must not contain '/', which separates facility and location");
        let dimensions_mm = self.dimensions.as_ref().and_then(|size| size.to_mm(checks, "dimensions", MAX_SIDE_MM));
        let volume_cm3 = match (&self.volume, dimensions_mm) {
            (Some(volume), _) => volume.to_cm3(checks, "volume", MAX_BASE),
            (None, Some(sides)) => Some(capped_volume(checks, sides)),
            (None, None) if self.dimensions.is_some() => None,
            (None, None) => {
                checks.refuse("dimensions", "either dimensions or a volume is required");
                None
            }
        };
        if let (Some(_), Some(sides), Some(volume)) = (&self.volume, dimensions_mm, volume_cm3) {
            checks.require(volume <= box_volume_cm3(sides), "volume", "must not exceed length x width x height");
        }
        let pick_sequence = self.pick_sequence;
        checks.require(pick_sequence.is_none_or(|place| place >= 0), "pick_sequence", "must not be negative");
        Fields {
            code,
            kind: self.kind,
            zone: checks.text("zone", &self.zone, WORD_MAX),
            aisle: checks.text("aisle", &self.aisle, WORD_MAX),
            rack: checks.text("rack", &self.rack, WORD_MAX),
            shelf: checks.text("shelf", &self.shelf, WORD_MAX),
            position: checks.text("position", &self.position, WORD_MAX),
            dimensions_mm,
            volume_cm3: volume_cm3.unwrap_or(0),
            max_weight_g: self.max_weight.to_g(checks, "max_weight", MAX_BASE).unwrap_or(0),
            abc_class: self.abc_class.unwrap_or(AbcClass::C),
            pick_sequence,
            position_mm: [self.x_mm, self.y_mm, self.z_mm],
            security_zone: self.security_zone.unwrap_or(SecurityZone::Standard),
            temperature_dc: self.temperature.as_ref().and_then(|range| range.to_tenths(checks, "temperature")),
            ergonomic_zone: self.ergonomic_zone.unwrap_or_else(|| reach(self.z_mm)),
            mixing_policy: self.mixing_policy.unwrap_or(MixingPolicy::Any),
        }
    }
}

/// The product of the sides in cm³, rounded down: what does not fit is never promised.
fn box_volume_cm3(sides: [i32; 3]) -> i64 {
    let volume_mm3: i128 = sides.into_iter().map(i128::from).product();
    i64::try_from(volume_mm3 / 1_000).unwrap_or(i64::MAX)
}

fn capped_volume(checks: &mut Checks, sides: [i32; 3]) -> i64 {
    let volume = box_volume_cm3(sides);
    checks.require(volume <= MAX_BASE, "dimensions", "the volume is above 1,000,000 m3");
    volume
}

/// LOW below 760 mm, GOLDEN up to 1520 mm, HIGH above; an unknown height counts as golden.
fn reach(z_mm: Option<i32>) -> ErgonomicZone {
    match z_mm {
        Some(z) if z < 760 => ErgonomicZone::Low,
        Some(z) if z > 1520 => ErgonomicZone::High,
        _ => ErgonomicZone::Golden,
    }
}

impl LocationPatch {
    /// The location after the change, by the same rules as a new one.
    pub(crate) fn apply(&self, location: &Location) -> Result<Location> {
        let old = &location.fields;
        let size = match &self.dimensions {
            Some(size) => size.clone(),
            None => old.dimensions_mm.map(SizeInput::from_mm),
        };
        // New dimensions bring a new volume, unless one is given with them.
        let volume = match (&self.volume, &self.dimensions) {
            (Some(volume), _) => Some(volume.clone()),
            (None, Some(Some(_))) => None,
            (None, _) => Some(MeasureInput::plain(old.volume_cm3)),
        };
        let temperature = match &self.temperature {
            Some(range) => range.clone(),
            None => old.temperature_dc.map(|(min, max)| TemperatureInput::from_tenths(min, max)),
        };
        let text = |new: &Option<String>, old: &String| new.as_ref().unwrap_or(old).clone();
        let whole = NewLocation {
            facility: String::new(),
            code: old.code.clone(),
            kind: self.kind.unwrap_or(old.kind),
            zone: text(&self.zone, &old.zone),
            aisle: text(&self.aisle, &old.aisle),
            rack: text(&self.rack, &old.rack),
            shelf: text(&self.shelf, &old.shelf),
            position: text(&self.position, &old.position),
            dimensions: size,
            volume,
            max_weight: self.max_weight.clone().unwrap_or_else(|| MeasureInput::plain(old.max_weight_g)),
            abc_class: self.abc_class.or(Some(old.abc_class)),
            pick_sequence: self.pick_sequence.unwrap_or(old.pick_sequence),
            x_mm: self.x_mm.unwrap_or(old.position_mm[0]),
            y_mm: self.y_mm.unwrap_or(old.position_mm[1]),
            z_mm: self.z_mm.unwrap_or(old.position_mm[2]),
            security_zone: self.security_zone.or(Some(old.security_zone)),
            temperature,
            ergonomic_zone: self.ergonomic_zone.or(Some(old.ergonomic_zone)),
            mixing_policy: self.mixing_policy.or(Some(old.mixing_policy)),
        };
        let fields = whole.checked()?;
        Ok(Location { fields, is_active: self.is_active.unwrap_or(location.is_active), ..location.clone() })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample() -> NewLocation {
        NewLocation {
            facility: "HALL".into(),
            code: "A-01-01".into(),
            kind: LocationType::Reserve,
            zone: String::new(),
            aisle: "A".into(),
            rack: "01".into(),
            shelf: "01".into(),
            position: String::new(),
            dimensions: Some(SizeInput { length: 120.into(), width: 80.into(), height: 100.into(), unit: Some("cm".into()) }),
            volume: None,
            max_weight: MeasureInput { value: 500.into(), unit: Some("kg".into()) },
            abc_class: None,
            pick_sequence: Some(7),
            x_mm: None,
            y_mm: None,
            z_mm: Some(1_800),
            security_zone: None,
            temperature: None,
            ergonomic_zone: None,
            mixing_policy: None,
        }
    }

    fn location() -> Location {
        Location {
            location_id: LocationId(uuid::Uuid::nil()),
            facility_id: FacilityId(uuid::Uuid::nil()),
            facility_code: "HALL".into(),
            fields: sample().checked().unwrap(),
            is_active: true,
            is_available: true,
            blocked_reason: String::new(),
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_volume_comes_from_the_dimensions_and_the_reach_from_the_height() {
        let fields = sample().checked().unwrap();
        assert_eq!((fields.volume_cm3, fields.max_weight_g), (960_000, 500_000));
        assert_eq!(fields.ergonomic_zone, ErgonomicZone::High);
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let bad = NewLocation { code: "a/b".into(), dimensions: None, pick_sequence: Some(-1), ..sample() };
        let fields: Vec<_> = bad.checked().unwrap_err().fields.into_iter().map(|field| field.field).collect();
        assert_eq!(fields, ["code", "dimensions", "pick_sequence"]);
        let too_much = NewLocation { volume: Some(MeasureInput { value: 1.into(), unit: Some("m3".into()) }), ..sample() };
        assert_eq!(too_much.checked().unwrap_err().fields[0].field, "volume");
    }

    #[test]
    fn an_empty_patch_changes_nothing_and_null_clears() {
        let location = location();
        assert_eq!(LocationPatch { version: 1, ..Default::default() }.apply(&location).unwrap(), location);
        let patch: LocationPatch = serde_json::from_str(r#"{"version":1,"z_mm":null,"dimensions":null}"#).unwrap();
        let after = patch.apply(&location).unwrap();
        assert_eq!(after.fields.position_mm[2], None);
        assert_eq!((after.fields.dimensions_mm, after.fields.volume_cm3), (None, 960_000));
    }

    #[test]
    fn new_dimensions_bring_a_new_volume() {
        let size = SizeInput::from_mm([100, 100, 100]);
        let after = LocationPatch { version: 1, dimensions: Some(Some(size)), ..Default::default() }.apply(&location()).unwrap();
        assert_eq!(after.fields.volume_cm3, 1_000);
    }
}
