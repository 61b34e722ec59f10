//! The locations of a facility, kept in memory for as long as nobody changes one.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use kernel::{FacilityId, TenantId};
use moka::sync::Cache;
use platform::Result;
use sqlx::PgConnection;

use super::model::Location;
use super::{service, store};

const FACILITIES_KEPT: u64 = 32;

/// Every change of a location raises its version and sets its time, and none is ever deleted; so equal stamps mean equal locations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub locations: i64,
    pub versions: i64,
    pub updated_at: Option<DateTime<Utc>>,
}

type Kept = (Stamp, Arc<Vec<Location>>);

static KEPT: LazyLock<Cache<(TenantId, FacilityId), Kept>> = LazyLock::new(|| Cache::new(FACILITIES_KEPT));

/// As [`service::in_facility`], from memory when the database says that they are still the same. For transactions that change no
/// location themselves: what they were rolled back from must not be kept.
pub(crate) async fn in_facility(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<Arc<Vec<Location>>> {
    let key = (tenant.clone(), facility);
    // Read before the locations: should one change in between, then what is kept is newer than its stamp and found wanting.
    let stamp = store::stamp(connection, tenant, facility).await?;
    if let Some((_, kept)) = KEPT.get(&key).filter(|(kept, _)| *kept == stamp) {
        return Ok(kept);
    }
    let found = Arc::new(service::in_facility(connection, tenant, facility).await?);
    KEPT.insert(key, (stamp, found.clone()));
    Ok(found)
}
