use chrono::{DateTime, Utc};
use kernel::FacilityId;
use platform::Result;
use serde::{Deserialize, Serialize};

use crate::check::Checks;

const NAME_MAX: usize = 200;

/// A building or site. Its code never changes: it stands on labels and in front of every location's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facility {
    pub facility_id: FacilityId,
    /// Unique per tenant.
    pub code: String,
    pub name: String,
    pub is_active: bool,
    /// Counts the changes; a change must name the version it saw.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
pub struct NewFacility {
    /// 1 to 64 characters, unique.
    pub code: String,
    /// 1 to 200 characters.
    pub name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FacilityPatch {
    /// The version that was loaded.
    pub version: i32,
    pub name: Option<String>,
    /// Only an empty facility can be made inactive.
    pub is_active: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FacilityFilter {
    /// Beginning of the code, or part of the name.
    pub q: Option<String>,
    pub active: Option<bool>,
}

impl NewFacility {
    /// The same with white space trimmed; an error names every field at fault.
    pub(crate) fn checked(&self) -> Result<Self> {
        let mut checks = Checks::default();
        let checked = Self { code: checks.code("code", &self.code), name: checks.name("name", &self.name, NAME_MAX) };
        if checked.code.contains('/') {
            checks.refuse("code", "must not contain '/', which separates facility and location");
        }
        checks.done().map(|()| checked)
    }
}

impl FacilityPatch {
    pub(crate) fn apply(&self, facility: &Facility) -> Result<Facility> {
        let mut checks = Checks::default();
        let name = match &self.name {
            Some(name) => checks.name("name", name, NAME_MAX),
            None => facility.name.clone(),
        };
        checks.done()?;
        Ok(Facility { name, is_active: self.is_active.unwrap_or(facility.is_active), ..facility.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_never_holds_the_separator() {
        let new = NewFacility { code: " A/B ".into(), name: String::new() };
        let fields: Vec<_> = new.checked().unwrap_err().fields.into_iter().map(|field| field.field).collect();
        assert_eq!(fields, ["name", "code"]);
    }
}
