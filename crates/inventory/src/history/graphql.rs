use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use kernel::{Cursor, PageRequest};
use platform::graphql::caller;

use super::dto::{AgeingDto, AgeingTotalDto, BalanceAsOfDto, FefoDto, SeriesDto, StockAsOfDto, TurnoverDto};
use super::model::Axis;
use super::service::{self, AsOfFilter, Period};
use crate::model::QualityStatus;

/// Which stock as of a moment; absent fields do not narrow.
#[derive(Debug, Default, InputObject)]
struct AsOfInput {
    /// Now when absent.
    at: Option<DateTime<Utc>>,
    /// EFFECTIVE_AT when absent.
    by: Option<Axis>,
    /// Id or code.
    item: Option<String>,
    /// Id or code.
    facility: Option<String>,
}

/// Which balances as of a moment; absent fields do not narrow.
#[derive(Debug, Default, InputObject)]
struct BalancesAsOfInput {
    /// Now when absent.
    at: Option<DateTime<Utc>>,
    /// EFFECTIVE_AT when absent.
    by: Option<Axis>,
    /// Id or code.
    item: Option<String>,
    /// Id or code.
    facility: Option<String>,
    /// Id, `FACILITY/CODE` or an unambiguous code.
    location: Option<String>,
    /// Id or number.
    lot: Option<String>,
    quality_status: Option<QualityStatus>,
}

/// A page of items with their stock as of a moment.
#[derive(SimpleObject)]
struct StockAsOfPage {
    items: Vec<StockAsOfDto>,
    /// Pass it as `after` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A page of balances as of a moment.
#[derive(SimpleObject)]
struct BalanceAsOfPage {
    items: Vec<BalanceAsOfDto>,
    next_cursor: Option<String>,
}

/// A page of items with the ages of their stock.
#[derive(SimpleObject)]
struct StockAgeingPage {
    items: Vec<AgeingDto>,
    next_cursor: Option<String>,
}

/// A page of stock in the order of use.
#[derive(SimpleObject)]
struct FefoPage {
    items: Vec<FefoDto>,
    next_cursor: Option<String>,
}

fn page(first: Option<u32>, after: Option<String>) -> PageRequest {
    PageRequest { limit: first, cursor: after.map(Cursor) }
}

#[derive(Default)]
pub struct HistoryQuery;

#[Object]
impl HistoryQuery {
    /// Stock of each item as of any moment; a page may be short and still name the next one.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn stock_as_of(
        &self,
        context: &Context<'_>,
        filter: Option<AsOfInput>,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<StockAsOfPage> {
        let (app, actor) = caller(context)?;
        let AsOfInput { at, by, item, facility } = filter.unwrap_or_default();
        let filter = AsOfFilter { at, by: by.unwrap_or_default(), item, facility, ..AsOfFilter::default() };
        let page = page(first, after);
        let read = async |connection: &mut _| service::stock_as_of(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?.map(StockAsOfDto::from);
        Ok(StockAsOfPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// What was where as of any moment, the rows of one item together.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn balances_as_of(
        &self,
        context: &Context<'_>,
        filter: Option<BalancesAsOfInput>,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<BalanceAsOfPage> {
        let (app, actor) = caller(context)?;
        let BalancesAsOfInput { at, by, item, facility, location, lot, quality_status } = filter.unwrap_or_default();
        let by = by.unwrap_or_default();
        let filter = AsOfFilter { at, by, item, facility, location, lot, quality: quality_status };
        let page = page(first, after);
        let read = async |connection: &mut _| service::balances_as_of(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?.map(BalanceAsOfDto::from);
        Ok(BalanceAsOfPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// An item's stock at 2 to 400 moments of equal distance; of the last 90 days when no period is given.
    #[graphql(complexity = "1 + points.unwrap_or(60).min(400) as usize * child_complexity")]
    async fn stock_over_time(
        &self,
        context: &Context<'_>,
        item: String,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
        by: Option<Axis>,
        points: Option<u32>,
    ) -> async_graphql::Result<SeriesDto> {
        let (app, actor) = caller(context)?;
        let (period, by) = (Period { from, to }, by.unwrap_or_default());
        let read = async |connection: &mut _| service::stock_over_time(connection, actor, (&item, by), period, points).await;
        Ok(app.db.read(actor.tenant(), read).await?.into())
    }

    /// How long present stock has lain, per item.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn stock_ageing(
        &self,
        context: &Context<'_>,
        item: Option<String>,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<StockAgeingPage> {
        let (app, actor) = caller(context)?;
        let page = page(first, after);
        let read = async |connection: &mut _| service::ageing(connection, actor, &item, &page).await;
        let found = app.db.read(actor.tenant(), read).await?.map(AgeingDto::from);
        Ok(StockAgeingPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// How long present stock has lain, all items together.
    async fn stock_ageing_total(&self, context: &Context<'_>) -> async_graphql::Result<AgeingTotalDto> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::ageing_in_all(connection, actor).await;
        Ok(app.db.read(actor.tenant(), read).await?.into())
    }

    /// How fast an item turned over; in the last 90 days when no period is given.
    async fn stock_turnover(
        &self,
        context: &Context<'_>,
        item: String,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) -> async_graphql::Result<TurnoverDto> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::turnover(connection, actor, &item, Period { from, to }).await;
        Ok(app.db.read(actor.tenant(), read).await?.into())
    }

    /// An item's stock in the order of use: first expired, first out.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn fefo(
        &self,
        context: &Context<'_>,
        item: String,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<FefoPage> {
        let (app, actor) = caller(context)?;
        let page = page(first, after);
        let read = async |connection: &mut _| service::fefo(connection, actor, &item, &page).await;
        let found = app.db.read(actor.tenant(), read).await?.map(FefoDto::from);
        Ok(FefoPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }
}
