use async_graphql::{Context, Object, Result, SimpleObject};
use kernel::PageRequest;
use platform::graphql::{caller, key_of};
use platform::http::mutate;

use super::dto::{InTransitDto, TransferDto};
use super::input::{CancelTransfer, CloseTransfer, NewTransfer, ReceiveTransfer, ShipTransfer, TransferFilter, TransitFilter};
use super::service;
use crate::words::TransferState;

#[derive(Clone, Debug, SimpleObject)]
struct TransferPage {
    /// Without lines; ask for one transfer to see them.
    items: Vec<TransferDto>,
    next_cursor: Option<String>,
}

#[derive(Clone, Debug, SimpleObject)]
struct InTransitPage {
    items: Vec<InTransitDto>,
    next_cursor: Option<String>,
}

#[derive(Default)]
pub struct TransferQuery;

#[Object]
impl TransferQuery {
    /// Transfers between facilities, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a field are its filter")]
    async fn transfers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code, on either side")] facility: Option<String>,
        state: Option<TransferState>,
        #[graphql(desc = "id or code")] item: Option<String>,
        #[graphql(desc = "beginning of the code, or part of the reference")] q: Option<String>,
        unfinished: Option<bool>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<TransferPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let filter = TransferFilter { facility, state, item, q, unfinished };
        let found =
            app.db.read(actor.tenant(), async |connection| service::list(connection, actor, &filter, &page).await).await?;
        Ok(TransferPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// One transfer by id or code, with its lines.
    async fn transfer(&self, context: &Context<'_>, transfer: String) -> Result<TransferDto> {
        let (app, actor) = caller(context)?;
        Ok(app.db.read(actor.tenant(), async |connection| service::get(connection, actor, &transfer).await).await?)
    }

    /// What is between facilities, the longest under way first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn in_transit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] item: Option<String>,
        #[graphql(desc = "id or code of the facility that the goods go to")] facility: Option<String>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<InTransitPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let filter = TransitFilter { item, facility };
        let read = async |connection: &mut _| service::in_transit(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(InTransitPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }
}

#[derive(Default)]
pub struct TransferMutation;

#[Object]
impl TransferMutation {
    /// Orders goods of one facility for another.
    async fn create_transfer(&self, context: &Context<'_>, input: NewTransfer) -> Result<TransferDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::create(tx, actor, &input).await).await?)
    }

    /// Lets the source ship a draft.
    async fn request_transfer(&self, context: &Context<'_>, transfer: String) -> Result<TransferDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &transfer);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::request(tx, actor, &transfer).await).await?)
    }

    /// Moves goods of the source into transit, all or nothing.
    async fn ship_transfer(&self, context: &Context<'_>, transfer: String, input: ShipTransfer) -> Result<TransferDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&transfer, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::ship(tx, actor, &transfer, &input).await).await?)
    }

    /// Brings goods out of transit into a RECEIVING location, all or nothing.
    async fn receive_transfer(&self, context: &Context<'_>, transfer: String, input: ReceiveTransfer) -> Result<TransferDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&transfer, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::receive(tx, actor, &transfer, &input).await).await?)
    }

    /// Ends a transfer: what is still in transit is missing and leaves the books.
    async fn close_transfer(&self, context: &Context<'_>, transfer: String, input: CloseTransfer) -> Result<TransferDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&transfer, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::close(tx, actor, &transfer, &input).await).await?)
    }

    /// Ends a transfer of which nothing arrived; what was shipped goes back.
    async fn cancel_transfer(
        &self,
        context: &Context<'_>,
        transfer: String,
        #[graphql(default)] input: CancelTransfer,
    ) -> Result<TransferDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&transfer, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::cancel(tx, actor, &transfer, &input).await).await?)
    }
}
