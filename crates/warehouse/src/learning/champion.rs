//! The model in use. Which one that is is read each time; the model itself is read once for each process.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kernel::TenantId;
use moka::sync::Cache;
use optimization::learning::Model;
use platform::config::Switches;
use platform::{Error, Result};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::store::InUse;
use super::{features, model, store};
use crate::words::ModelState;

type Read = Result<Arc<Model>, String>;

/// By digest: what a stored text means never changes, so nothing here ever becomes wrong.
static READ: LazyLock<Cache<Vec<u8>, Arc<Model>>> = LazyLock::new(|| Cache::new(256));

type Place = (TenantId, i32, Vec<u8>);

/// Why a stored model cannot be used. Somebody may mend it, so it is looked at again after a while.
static BROKEN: LazyLock<Cache<Place, String>> =
    LazyLock::new(|| Cache::builder().max_capacity(256).time_to_live(Duration::from_secs(30)).build());

/// A model that can be asked.
pub(crate) struct Champion {
    pub version: i32,
    model: Arc<Model>,
}

impl Champion {
    /// The probability of acceptance of each row, 0 to 1, three decimals as it is stored.
    pub fn probabilities(&self, rows: &[&[f64]]) -> Result<Vec<Decimal>> {
        let table = features::table(rows).map_err(|invalid| Error::internal(invalid.to_string()))?;
        let found = self.model.predict(&table).map_err(|invalid| Error::internal(invalid.to_string()))?;
        Ok(found.into_iter().map(|probability| Decimal::new((probability * 1_000.0).round() as i64, 3)).collect())
    }
}

/// The tenant's champion; nothing when it is switched off, there is none, or it cannot be read.
pub(crate) async fn champion(connection: &mut PgConnection, tenant: &TenantId, switches: &Switches) -> Result<Option<Champion>> {
    if !switches.ml_model {
        return Ok(None);
    }
    let Some(found) = store::in_state(connection, tenant, ModelState::Champion).await? else { return Ok(None) };
    let model = usable(connection, tenant, &found).await?;
    Ok(model.ok().map(|model| Champion { version: found.version, model }))
}

/// A stored model, or why it cannot be used.
pub(super) async fn usable(connection: &mut PgConnection, tenant: &TenantId, found: &InUse) -> Result<Read> {
    if let Some(model) = READ.get(&found.digest) {
        return Ok(Ok(model));
    }
    let place = (tenant.clone(), found.version, found.digest.clone());
    if let Some(problem) = BROKEN.get(&place) {
        return Ok(Err(problem));
    }
    let Some(text) = store::text(connection, tenant, found.version).await? else { return Ok(Err("is not stored".into())) };
    let (digest, feature_schema) = (found.digest.clone(), found.feature_schema);
    let read = move || model::read(&text, &digest, feature_schema).map(Arc::new);
    let read = tokio::task::spawn_blocking(read).await.map_err(Error::internal)?;
    match &read {
        Ok(model) => READ.insert(found.digest.clone(), Arc::clone(model)),
        Err(problem) => {
            tracing::warn!(%tenant, version = found.version, problem, "an acceptance model cannot be used; the rule score stands alone");
            BROKEN.insert(place, problem.clone());
        }
    }
    Ok(read)
}
