use async_graphql::{Context, Object, Result, SimpleObject};
use kernel::PageRequest;
use platform::graphql::{caller, key_of};
use platform::http::mutate;

use super::dto::PickListDto;
use super::input::{ConfirmPicks, PickListFilter, ShortPick};
use super::service;
use crate::words::PickListState;

#[derive(Clone, Debug, SimpleObject)]
struct PickListPage {
    /// Without lines; ask for one list to see them.
    items: Vec<PickListDto>,
    next_cursor: Option<String>,
}

#[derive(Default)]
pub struct PickingQuery;

#[Object]
impl PickingQuery {
    /// Pick lists, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn pick_lists(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility: Option<String>,
        state: Option<PickListState>,
        #[graphql(desc = "id or code")] order: Option<String>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<PickListPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let filter = PickListFilter { facility, state, order };
        let read = async |connection: &mut _| service::list(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(PickListPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// One pick list by id or code, with its lines in the order of the pickers' way.
    async fn pick_list(&self, context: &Context<'_>, pick_list: String) -> Result<PickListDto> {
        let (app, actor) = caller(context)?;
        Ok(app.db.read(actor.tenant(), async |connection| service::get(connection, actor, &pick_list).await).await?)
    }
}

#[derive(Default)]
pub struct PickingMutation;

#[Object]
impl PickingMutation {
    /// Takes goods as the list says, all that is asked or nothing.
    async fn confirm_picks(&self, context: &Context<'_>, pick_list: String, input: ConfirmPicks) -> Result<PickListDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&pick_list, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::confirm(tx, actor, &pick_list, &input).await).await?)
    }

    /// Takes what is there and says why that is less; the rest is bound elsewhere where that is possible.
    async fn short_pick(&self, context: &Context<'_>, pick_list: String, input: ShortPick) -> Result<PickListDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&pick_list, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::short(tx, actor, &pick_list, &input).await).await?)
    }

    /// Gives back what is not picked yet.
    async fn cancel_pick_list(&self, context: &Context<'_>, pick_list: String) -> Result<PickListDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &pick_list);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::cancel(tx, actor, &pick_list).await).await?)
    }
}
