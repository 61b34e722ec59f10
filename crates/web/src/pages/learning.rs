//! What is learnt from decisions: the model in use, how good it is, its versions and its trainings.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use kernel::PageRequest;
use platform::Result;
use platform::database::PgConnection;
use platform::http::{Access, Api, Path, Query};
use serde::Deserialize;
use warehouse::learning::service::{self, Period};
use warehouse::{MODELS_WRITE, ModelState, WAREHOUSE_READ};

use super::visitor::{Form, Visitor, done, failed, show};
use crate::view;

const ROWS: u32 = 25;
const HERE: &str = "/model";

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, HERE, Access::Needs(WAREHOUSE_READ), get(overview))
        .page(Method::POST, "/model/train", Access::Needs(MODELS_WRITE), post(train))
        .page(Method::POST, "/model/{version}/roll-back", Access::Needs(MODELS_WRITE), post(roll_back))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    /// The version that is drawn; the one in use when absent.
    version: Option<i32>,
}

async fn overview(visitor: Visitor, Query(wanted): Query<Wanted>) -> Result<Response> {
    let (actor, switches) = (&visitor.actor, visitor.app.config.switches());
    let page = PageRequest { limit: Some(ROWS), cursor: None };
    let can_train = visitor.may(MODELS_WRITE);
    let read = async |connection: &mut PgConnection| {
        let accuracy = service::accuracy(connection, actor, &switches, &Period::default()).await?;
        let models = service::models(connection, actor, &page).await?.items;
        let shown = match wanted.version {
            Some(version) => Some(service::model(connection, actor, version).await?),
            None => accuracy.champion.clone().or_else(|| models.first().cloned()),
        };
        let trainings = service::trainings(connection, actor, &page).await?.items;
        Ok((accuracy, models, shown, trainings))
    };
    let (accuracy, models, shown, trainings) = visitor.app.db.read(actor.tenant(), read).await?;
    let is_shown = shown.as_ref().map(|model| model.version);
    let row = |model: warehouse::learning::ModelDto| view::ModelRow {
        href: format!("{HERE}?version={}", model.version),
        metrics: model.metrics().clone(),
        is_shown: is_shown == Some(model.version),
        can_roll_back: can_train && !matches!(model.state, ModelState::Champion | ModelState::Refused),
        model,
    };
    show(&view::ModelPage {
        page: visitor.page("Acceptance model"),
        can_train: can_train && accuracy.is_enabled,
        accuracy,
        shown: shown.map(view::ShownModel::new),
        models: models.into_iter().map(row).collect(),
        trainings,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nothing {}

async fn train(visitor: Visitor, form: Form<Nothing>) -> Result<Response> {
    let Nothing {} = form.input;
    let switches = visitor.app.config.switches();
    let asked = visitor.change(form.key.as_ref(), async |tx| service::train(tx, &visitor.actor, &switches).await);
    match asked.await {
        Ok(_) => Ok(done(HERE, "The training starts within seconds; this page shows how it goes.")),
        Err(error) if error.code.status() < 500 => Ok(failed(HERE, &error)),
        Err(error) => Err(error),
    }
}

async fn roll_back(visitor: Visitor, Path(version): Path<i32>, form: Form<Nothing>) -> Result<Response> {
    let Nothing {} = form.input;
    let back = visitor.change(form.key.as_ref(), async |tx| service::roll_back(tx, &visitor.actor, version).await);
    match back.await {
        Ok(model) => Ok(done(HERE, &format!("Version {} is in use from the next recommendation on.", model.version))),
        Err(error) if error.code.status() < 500 => Ok(failed(HERE, &error)),
        Err(error) => Err(error),
    }
}
