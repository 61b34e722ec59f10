//! Where people walk now, aisle by aisle.

use std::collections::BTreeMap;

use kernel::FacilityId;
use optimization::putaway::Settings;
use platform::Result;
use platform::auth::Actor;
use platform::config::Switches;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::WAREHOUSE_READ;
use crate::facility::service as facilities;
use crate::location::Kept;
use crate::picking::service as picking;

/// How busy the aisles of a facility are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "AisleCongestionMetrics")]
#[schema(as = AisleCongestionMetrics)]
pub struct Congestion {
    pub facility_id: Uuid,
    pub facility_code: String,
    /// By aisle; those where nothing is to be done are there too.
    pub aisles: Vec<AisleCongestion>,
    /// False while CONGESTION_AVOIDANCE_ENABLED is off: then busy aisles cost no points.
    pub is_avoided: bool,
    /// Settings that are off.
    pub switched_off: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
pub struct AisleCongestion {
    pub aisle: String,
    /// Lines that wait to be picked there.
    pub active_picks: u32,
    /// Open recommendations into it.
    pub open_putaways: u32,
    /// 0 to 1: active picks over those at which an aisle counts as full.
    pub crowding: f64,
    /// What a location there loses of its score, in points.
    pub penalty: f64,
    /// LOW, MEDIUM (from a third) or HIGH (from two thirds).
    pub level: String,
}

/// `facility` is an id or a code.
pub async fn of_aisles(connection: &mut PgConnection, actor: &Actor, switches: &Switches, facility: &str) -> Result<Congestion> {
    actor.require(WAREHOUSE_READ)?;
    let facility = facilities::find(connection, actor.tenant(), facility).await.map_err(|error| error.at("facility"))?;
    let picks = picking::active_picks_by_aisle(connection, actor.tenant(), facility.facility_id).await?;
    let putaways = putaways_by_aisle(connection, actor, facility.facility_id).await?;
    let settings = Settings::default();
    let tell = |(aisle, open_putaways): (String, u32)| {
        let active_picks = picks.get(&aisle).copied().unwrap_or(0);
        let crowding = (f64::from(active_picks) / f64::from(settings.congestion_full_picks)).min(1.0);
        let penalty = if switches.congestion_avoidance { settings.congestion * crowding } else { 0.0 };
        AisleCongestion { level: level(crowding).to_owned(), aisle, active_picks, open_putaways, crowding, penalty }
    };
    Ok(Congestion {
        facility_id: facility.facility_id.0,
        facility_code: facility.code,
        aisles: putaways.into_iter().map(tell).collect(),
        is_avoided: switches.congestion_avoidance,
        switched_off: switches.off().into_iter().map(str::to_owned).collect(),
    })
}

/// Every aisle of the facility.
async fn putaways_by_aisle(connection: &mut PgConnection, actor: &Actor, facility: FacilityId) -> Result<BTreeMap<String, u32>> {
    let holds = store::holds_in_facility(connection, actor.tenant(), facility, actor.env.now()).await?;
    let mut found = BTreeMap::new();
    let mut aisle_of = BTreeMap::new();
    let kept = Kept::of_facility(connection, actor.tenant(), facility, &holds).await?;
    for location in kept.places.iter().filter(|location| !location.fields.aisle.is_empty()) {
        found.entry(location.fields.aisle.clone()).or_insert(0);
        aisle_of.insert(location.location_id, &location.fields.aisle);
    }
    for aisle in holds.iter().filter_map(|hold| aisle_of.get(&hold.location)) {
        *found.entry((*aisle).clone()).or_insert(0) += 1;
    }
    Ok(found)
}

fn level(crowding: f64) -> &'static str {
    match crowding * 3.0 {
        thirds if thirds >= 2.0 => "HIGH",
        thirds if thirds >= 1.0 => "MEDIUM",
        _ => "LOW",
    }
}
