use async_graphql::{Context, ID, Object, SimpleObject};
use kernel::{Cursor, ErrorCode, HoldId, PageRequest};
use platform::Error;
use platform::database::Tx;
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use uuid::Uuid;

use super::dto::HoldDto;
use super::model::{Decision, HoldFilter, HoldState, NewHold};
use super::service;

/// A page of holds.
#[derive(SimpleObject)]
struct HoldPage {
    items: Vec<HoldDto>,
    /// Pass it as `after` for the next page; null on the last.
    next_cursor: Option<String>,
}

fn hold_id(id: &ID) -> Result<HoldId, Error> {
    let unknown = || Error::new(ErrorCode::NotFound, format!("hold {:?} does not exist", id.as_str()));
    Uuid::parse_str(id).map(HoldId).map_err(|_| unknown())
}

#[derive(Default)]
pub struct HoldQuery;

#[Object]
impl HoldQuery {
    /// Blocked stock, newest first; without lines and decisions.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn holds(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] item: Option<String>,
        state: Option<HoldState>,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<HoldPage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (HoldFilter { item, state }, PageRequest { limit: first, cursor: after.map(Cursor) });
        let read = async |connection: &mut _| service::list(connection, actor, &filter, &page).await;
        let (found, names) = app.db.read(actor.tenant(), read).await?;
        let found = found.map(|hold| HoldDto::listed(hold, &names));
        Ok(HoldPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    async fn hold(&self, context: &Context<'_>, id: ID) -> async_graphql::Result<HoldDto> {
        let (app, actor) = caller(context)?;
        let id = hold_id(&id)?;
        let read = async |connection: &mut _| service::one(connection, actor, id).await;
        Ok(app.db.read(actor.tenant(), read).await?.into())
    }
}

#[derive(Default)]
pub struct HoldMutation;

#[Object]
impl HoldMutation {
    /// Blocks stock for a reason and remembers what it was.
    async fn place_hold(&self, context: &Context<'_>, input: NewHold) -> async_graphql::Result<HoldDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        let place = async |tx: &mut Tx| service::place(tx, actor, &input).await.map(HoldDto::from);
        Ok(mutate(app, actor, key.as_ref(), place).await?)
    }

    /// Gives held stock back, rejects or scraps it.
    async fn release_hold(&self, context: &Context<'_>, id: ID, input: Decision) -> async_graphql::Result<HoldDto> {
        let (app, actor) = caller(context)?;
        let id = hold_id(&id)?;
        let key = key_of(context, &(id, &input));
        let decide = async |tx: &mut Tx| service::decide(tx, actor, id, &input).await.map(HoldDto::from);
        Ok(mutate(app, actor, key.as_ref(), decide).await?)
    }
}
