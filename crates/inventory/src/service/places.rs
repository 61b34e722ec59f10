use std::collections::HashMap;

use kernel::{ErrorCode, FacilityId, FieldError, LocationId, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{Place, StockLocation};
use crate::store;

/// Candidates that an error about an ambiguous code lists.
const CANDIDATES: usize = 5;

/// Makes the five virtual places of the actor's tenant; harmless when they exist. The caller has authorised: it founds the tenant.
pub async fn open_books(tx: &mut Tx, actor: &Actor) -> Result<()> {
    store::places::insert_virtual(tx, actor.tenant()).await
}

/// Founds a tenant with open books; `tx` and `actor` are of that tenant.
pub async fn found_tenant(tx: &mut Tx, actor: &Actor, tenant: &identity::NewTenant) -> Result<identity::Tenant> {
    let founded = identity::service::create_tenant(tx, actor, tenant).await?;
    open_books(tx, actor).await?;
    Ok(founded)
}

/// For the context that manages locations, inside its transaction: makes them known to the ledger, or takes over their new
/// codes. The virtual places cannot be replaced.
pub async fn register_locations(tx: &mut Tx, tenant: &TenantId, locations: &[StockLocation]) -> Result<()> {
    if locations.is_empty() {
        return Ok(());
    }
    store::places::upsert(tx, tenant, locations).await.map_err(|error| {
        error.on_constraint("stock_locations_code_key", || {
            Error::new(ErrorCode::AlreadyExists, "another location of the facility has this code").at("code")
        })
    })
}

/// For the context that manages locations: inactive places give stock but take none.
pub async fn set_location_active(tx: &mut Tx, tenant: &TenantId, location: LocationId, is_active: bool) -> Result<()> {
    let exists = store::places::set_active(tx, tenant, location, is_active).await?;
    exists.then_some(()).ok_or_else(|| Error::not_found(format_args!("location {location}")))
}

/// For the context that manages facilities: takes over a facility's new code for all its places.
pub async fn rename_facility(tx: &mut Tx, tenant: &TenantId, facility: FacilityId, code: &str) -> Result<()> {
    store::places::rename_facility(tx, tenant, facility, code).await
}

/// For other contexts: the place that a reference names (see [`References`]).
pub async fn place(connection: &mut PgConnection, tenant: &TenantId, reference: &str) -> Result<Place> {
    let references = References::load(connection, tenant, [reference]).await?;
    references.get(reference).cloned().map_err(|(code, message)| Error::new(code, message))
}

/// Places named by callers: by id, by `FACILITY/CODE`, by the name of a virtual place, or by a bare code that one facility has.
#[derive(Debug, Default)]
pub struct References {
    by_id: HashMap<Uuid, Place>,
    by_name: HashMap<String, Place>,
    by_code: HashMap<String, Vec<Place>>,
}

impl References {
    /// One round trip for all of them, and a second one where a code looks like an id or a facility's place.
    pub async fn load<'a>(
        connection: &mut PgConnection,
        tenant: &TenantId,
        references: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        let references: Vec<&str> = references.into_iter().collect();
        let (mut ids, mut codes) = (Vec::new(), Vec::new());
        for reference in &references {
            if let Ok(id) = Uuid::parse_str(reference) {
                ids.push(id);
            } else if reference.contains('/') {
                // Codes may contain slashes, so the facility may end at any of them.
                codes.extend(reference.match_indices('/').map(|(at, _)| reference[at + 1..].to_owned()));
            } else {
                codes.push((*reference).to_owned());
            }
        }
        let mut places = find(connection, tenant, ids, codes).await?;
        let known = Self::of(places.clone());
        let bare: Vec<String> = references.iter().filter(|one| known.exact(one).is_none()).map(|&one| one.to_owned()).collect();
        if bare.iter().all(|reference| known.by_code.contains_key(reference)) {
            return Ok(known);
        }
        places.extend(find(connection, tenant, Vec::new(), bare).await?);
        Ok(Self::of(places))
    }

    /// The same place may come more than once.
    pub fn of(mut places: Vec<Place>) -> Self {
        places.sort_unstable_by(|a, b| (&a.facility_code, &a.code, a.id).cmp(&(&b.facility_code, &b.code, b.id)));
        places.dedup_by_key(|place| place.id);
        let mut known = Self::default();
        for place in places {
            known.by_name.insert(place.name(), place.clone());
            known.by_code.entry(place.code.clone()).or_default().push(place.clone());
            known.by_id.insert(place.id.0, place);
        }
        known
    }

    /// The place, or what to tell the caller: `NOT_FOUND`, or `INVALID` when the code is ambiguous.
    pub fn get(&self, reference: &str) -> Result<&Place, (ErrorCode, String)> {
        if let Some(place) = self.exact(reference) {
            return Ok(place);
        }
        match self.by_code.get(reference).map(Vec::as_slice) {
            Some([place]) => Ok(place),
            Some(places @ [_, _, ..]) => {
                let names: Vec<String> = places.iter().take(CANDIDATES).map(Place::name).collect();
                let more = if places.len() > CANDIDATES { " and more" } else { "" };
                let message =
                    format!("location {reference:?} exists in several facilities; say which: {}{more}", names.join(", "));
                Err((ErrorCode::Invalid, message))
            }
            _ => Err((ErrorCode::NotFound, format!("location {reference:?} does not exist"))),
        }
    }

    fn exact(&self, reference: &str) -> Option<&Place> {
        let by_id = Uuid::parse_str(reference).ok().and_then(|id| self.by_id.get(&id));
        by_id.or_else(|| self.by_name.get(reference))
    }

    /// As [`References::get`] for a field that may be absent. Goods in transit are not for movements by hand: what is on its
    /// way by transfer orders must stay what their place holds.
    pub fn field(&self, field: &str, reference: Option<&str>) -> Result<Option<Place>, FieldError> {
        let Some(reference) = reference else { return Ok(None) };
        let place = self.get(reference).map_err(|(_, message)| FieldError::new(field, message))?;
        if place.is_transit {
            let message = format!("{:?} holds goods in transit; ship and receive them by their transfer order", place.name());
            return Err(FieldError::new(field, message));
        }
        Ok(Some(place.clone()))
    }
}

async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    mut ids: Vec<Uuid>,
    mut codes: Vec<String>,
) -> Result<Vec<Place>> {
    ids.sort_unstable();
    ids.dedup();
    codes.sort_unstable();
    codes.dedup();
    if ids.is_empty() && codes.is_empty() {
        return Ok(Vec::new());
    }
    store::places::find(connection, tenant, &ids, &codes).await
}

/// All places with these ids, keyed by id; an unknown one is an error.
pub async fn places_by_ids(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[LocationId],
) -> Result<HashMap<LocationId, Place>> {
    let mut wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut places: HashMap<LocationId, Place> = HashMap::with_capacity(wanted.len());
    for place in store::places::find(connection, tenant, &wanted, &[]).await? {
        places.insert(place.id, place);
    }
    match wanted.iter().find(|id| !places.contains_key(&LocationId(**id))) {
        Some(missing) => Err(Error::not_found(format_args!("location {missing}"))),
        None => Ok(places),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LocationKind, SUPPLIER};
    use crate::rules::virtual_place;

    fn place(n: u128, facility: &str, code: &str) -> Place {
        Place {
            id: LocationId(Uuid::from_u128(n)),
            kind: LocationKind::Physical,
            facility_id: Some(FacilityId(Uuid::from_u128(1000))),
            facility_code: facility.into(),
            code: code.into(),
            is_active: true,
            is_transit: false,
        }
    }

    #[test]
    fn a_place_is_found_by_each_of_its_names() {
        let id = Uuid::from_u128(77);
        let known = References::of(vec![
            virtual_place(LocationKind::Supplier, SUPPLIER),
            place(77, "WH1", "A-1"),
            place(78, "WH2", "A-1"),
            place(79, "WH2", "B/2"),
            place(80, "WH2", "SUPPLIER"),
        ]);
        let name = |reference: &str| known.get(reference).map(Place::name);
        assert_eq!(name(&id.to_string()), Ok("WH1/A-1".into()));
        assert_eq!(name("WH2/A-1"), Ok("WH2/A-1".into()));
        assert_eq!(name("WH2/B/2"), Ok("WH2/B/2".into()));
        assert_eq!(name("B/2"), Ok("WH2/B/2".into()));
        assert_eq!(name("SUPPLIER"), Ok("SUPPLIER".into()));
        assert_eq!(name("WH2/SUPPLIER"), Ok("WH2/SUPPLIER".into()));
        let (code, message) = name("A-1").unwrap_err();
        assert_eq!(code, ErrorCode::Invalid);
        assert!(message.contains("WH1/A-1, WH2/A-1"), "{message}");
        assert_eq!(name("C-1").unwrap_err().0, ErrorCode::NotFound);
    }
}
