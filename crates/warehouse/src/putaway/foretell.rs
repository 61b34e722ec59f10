//! What is known of each new recommendation, written down with it, and the probability that people will accept it.

use chrono::{DateTime, Utc};
use kernel::TenantId;
use optimization::putaway::{LineResult, Method, Placement};
use platform::Result;
use platform::config::Switches;
use sqlx::PgConnection;

use super::answer::Placed;
use super::model::{PLACES_MAX, Recommendation};
use super::problem::Goods;
use crate::learning::features::{self, Known};
use crate::learning::{Champion, champion};
use crate::location::{Load, Loads, Location};

/// A solved batch and what it was made of.
pub(super) struct Solved<'a> {
    pub method: Method,
    pub placed: &'a Placed,
    pub places: &'a [Location],
    pub loads: &'a Loads,
    pub now: DateTime<Utc>,
}

/// The last of the recommendations are the batch's placements, line by line as the solution has them. What goes straight to
/// STAGING for an order is no choice that anybody accepts, so nothing is learnt from it.
pub(super) async fn foretell(
    connection: &mut PgConnection,
    tenant: &TenantId,
    switches: &Switches,
    solved: &Solved<'_>,
    recommendations: &mut [Recommendation],
) -> Result<()> {
    let placements = solved.placements().count();
    let known = recommendations.len() - placements;
    let new = &mut recommendations[known..];
    if new.is_empty() {
        return Ok(());
    }
    solved.write_down(new);
    let Some(champion) = champion(connection, tenant, switches).await? else { return Ok(()) };
    ask(&champion, new)
}

impl Solved<'_> {
    fn placements(&self) -> impl Iterator<Item = (&LineResult, &Goods, &Placement)> {
        let Placed { goods, mapped, solution } = self.placed;
        let lines = solution.lines.iter().zip(&mapped.lines);
        lines.flat_map(move |(line, index)| {
            line.placements.iter().take(PLACES_MAX).map(move |placement| (line, &goods[*index], placement))
        })
    }

    fn write_down(&self, new: &mut [Recommendation]) {
        let nothing = Load::default();
        for (made, (line, goods, placement)) in new.iter_mut().zip(self.placements()) {
            let location = &self.places[self.placed.mapped.bins[placement.bin]];
            let Some(item) = &goods.item else { continue };
            made.held.features = features::values(&Known {
                method: self.method,
                line,
                placement,
                item,
                location,
                load: self.loads.get(&location.location_id).unwrap_or(&nothing),
                quality_status: goods.quality_status,
                waits: goods.from.is_some(),
                volume_mm3: made.held.volume_mm3,
                weight_g: made.held.weight_g,
                now: self.now,
            });
        }
    }
}

fn ask(champion: &Champion, new: &mut [Recommendation]) -> Result<()> {
    let known = |one: &&mut Recommendation| !one.held.features.is_empty();
    let mut asked: Vec<&mut Recommendation> = new.iter_mut().filter(known).collect();
    let rows: Vec<&[f64]> = asked.iter().map(|one| one.held.features.as_slice()).collect();
    let probabilities = champion.probabilities(&rows)?;
    for (one, probability) in asked.iter_mut().zip(probabilities) {
        one.ml_adjusted_confidence = Some(probability);
        one.model_version = Some(champion.version);
    }
    Ok(())
}
