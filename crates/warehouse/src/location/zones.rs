use platform::Result;
use platform::auth::Actor;
use sqlx::PgConnection;

use super::store;
use crate::facility::service as facilities;

/// How many locations a facility has, and the names of its zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones {
    /// Active and inactive ones, in a zone or not.
    pub locations: u64,
    /// In alphabetical order.
    pub names: Vec<String>,
}

/// `facility` is an id or a code.
pub async fn zones(connection: &mut PgConnection, actor: &Actor, facility: &str) -> Result<Zones> {
    actor.require(crate::WAREHOUSE_READ)?;
    let facility = facilities::find(connection, actor.tenant(), facility).await?;
    let counts = store::count_by_zone(connection, actor.tenant(), facility.facility_id).await?;
    let locations = counts.iter().map(|(_, count)| count.unsigned_abs()).sum();
    Ok(Zones { locations, names: counts.into_iter().map(|(zone, _)| zone).filter(|zone| !zone.is_empty()).collect() })
}
