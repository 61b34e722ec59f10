use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use kernel::PageRequest;
use platform::graphql::{caller, key_of};
use platform::http::mutate;

use super::dto::OrderDto;
use super::input::{CancelOrder, NewOrder, OrderFilter, ReleaseOrder};
use super::service;
use crate::picking::{ReleasedDto, service as picking};
use crate::words::OrderState;

#[derive(Clone, Debug, SimpleObject)]
struct OrderPage {
    /// Without lines; ask for one order to see them.
    items: Vec<OrderDto>,
    next_cursor: Option<String>,
}

#[derive(Default)]
pub struct OrderQuery;

#[Object]
impl OrderQuery {
    /// Orders of customers, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a field are its filter")]
    async fn orders(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility: Option<String>,
        state: Option<OrderState>,
        #[graphql(desc = "id or code")] item: Option<String>,
        #[graphql(desc = "beginning of the code, or part of the customer's words")] q: Option<String>,
        urgent: Option<bool>,
        due_before: Option<DateTime<Utc>>,
        unfinished: Option<bool>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<OrderPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let filter = OrderFilter { facility, state, item, q, urgent, due_before, unfinished };
        let read = async |connection: &mut _| service::list(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(OrderPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// One order by id or code, with its lines.
    async fn order(&self, context: &Context<'_>, order: String) -> Result<OrderDto> {
        let (app, actor) = caller(context)?;
        Ok(app.db.read(actor.tenant(), async |connection| service::get(connection, actor, &order).await).await?)
    }
}

#[derive(Default)]
pub struct OrderMutation;

#[Object]
impl OrderMutation {
    /// Writes down what a customer wants.
    async fn create_order(&self, context: &Context<'_>, input: NewOrder) -> Result<OrderDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::create(tx, actor, &input).await).await?)
    }

    /// Lets a draft be released.
    async fn open_order(&self, context: &Context<'_>, order: String) -> Result<OrderDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &order);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::open(tx, actor, &order).await).await?)
    }

    /// Binds goods for what is not covered yet and makes a pick list of them.
    async fn release_order(
        &self,
        context: &Context<'_>,
        order: String,
        #[graphql(default)] input: ReleaseOrder,
    ) -> Result<ReleasedDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&order, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| picking::release(tx, actor, &order, &input).await).await?)
    }

    /// Closes a picked order: what waits in a staging place goes to the customer.
    async fn ship_order(&self, context: &Context<'_>, order: String) -> Result<OrderDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &order);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::ship(tx, actor, &order).await).await?)
    }

    /// Ends an order of which nothing has gone to the customer; what is bound for it becomes free.
    async fn cancel_order(
        &self,
        context: &Context<'_>,
        order: String,
        #[graphql(default)] input: CancelOrder,
    ) -> Result<OrderDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&order, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::cancel(tx, actor, &order, &input).await).await?)
    }
}
