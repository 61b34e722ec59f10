use async_graphql::{Context, Object, Result, SimpleObject};
use kernel::PageRequest;
use platform::graphql::{caller, key_of};
use platform::http::mutate;

use super::dto::{AccuracyDto, CountDto, CountLineDto, CountLocationDto, CountSheetDto};
use super::input::{ApproveLines, CancelCount, CountFilter, FinishLocation, LineFilter, NewCount, RejectLines, SubmitEntries};
use super::model::{CountState, LineState};
use super::service;

#[derive(Clone, Debug, SimpleObject)]
struct CountPage {
    items: Vec<CountDto>,
    next_cursor: Option<String>,
}

#[derive(Clone, Debug, SimpleObject)]
struct CountLocationPage {
    items: Vec<CountLocationDto>,
    next_cursor: Option<String>,
}

#[derive(Clone, Debug, SimpleObject)]
struct CountLinePage {
    items: Vec<CountLineDto>,
    next_cursor: Option<String>,
}

fn page(first: Option<u32>, after: Option<String>) -> PageRequest {
    PageRequest { limit: first, cursor: after.map(kernel::Cursor) }
}

#[derive(Default)]
pub struct CountQuery;

#[Object]
impl CountQuery {
    /// Cycle counts, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a field are its filter")]
    async fn counts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility: Option<String>,
        state: Option<CountState>,
        #[graphql(desc = "the code's beginning")] q: Option<String>,
        unfinished: Option<bool>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<CountPage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (CountFilter { facility, state, q, unfinished }, page(first, after));
        let found =
            app.db.read(actor.tenant(), async |connection| service::list(connection, actor, &filter, &page).await).await?;
        Ok(CountPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// One count by id or code.
    async fn count(&self, context: &Context<'_>, count: String) -> Result<CountDto> {
        let (app, actor) = caller(context)?;
        Ok(app.db.read(actor.tenant(), async |connection| service::get(connection, actor, &count).await).await?)
    }

    /// The locations of a count in the order of walking.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn count_locations(
        &self,
        context: &Context<'_>,
        count: String,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<CountLocationPage> {
        let (app, actor) = caller(context)?;
        let page = page(first, after);
        let found =
            app.db.read(actor.tenant(), async |connection| service::places(connection, actor, &count, &page).await).await?;
        Ok(CountLocationPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// The lines of a count, in the order of walking or the largest variance first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a field are its filter")]
    async fn count_lines(
        &self,
        context: &Context<'_>,
        count: String,
        #[graphql(desc = "id or code")] location: Option<String>,
        state: Option<LineState>,
        #[graphql(default)] by_variance: bool,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<CountLinePage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (LineFilter { location, state, by_variance }, page(first, after));
        let read = async |connection: &mut _| service::lines(connection, actor, &count, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(CountLinePage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// How well the ledger agreed with what was counted, in one facility or all, over the last days.
    async fn count_accuracy(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility: Option<String>,
        #[graphql(desc = "1 to 3,660, default 90")] days: Option<u32>,
    ) -> Result<AccuracyDto> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::accuracy(connection, actor, facility.as_deref(), days).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }
}

#[derive(Default)]
pub struct CountMutation;

#[Object]
impl CountMutation {
    /// Plans a cycle count.
    async fn create_count(&self, context: &Context<'_>, input: NewCount) -> Result<CountDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::create(tx, actor, &input).await).await?)
    }

    /// Starts counting a location: what the ledger expects there becomes the lines to count.
    async fn start_count_location(&self, context: &Context<'_>, count: String, location: String) -> Result<CountSheetDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&count, &location));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::start(tx, actor, &count, &location).await).await?)
    }

    /// Tells what was counted.
    async fn submit_count_entries(
        &self,
        context: &Context<'_>,
        count: String,
        input: SubmitEntries,
    ) -> Result<Vec<CountLineDto>> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&count, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::submit(tx, actor, &count, &input).await).await?)
    }

    /// Ends the count of a location.
    async fn finish_count_location(
        &self,
        context: &Context<'_>,
        count: String,
        location: String,
        #[graphql(default)] input: FinishLocation,
    ) -> Result<CountSheetDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&count, &location, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::finish(tx, actor, &count, &location, &input).await).await?)
    }

    /// Posts variances as adjustments, all or none.
    async fn approve_count_lines(&self, context: &Context<'_>, count: String, input: ApproveLines) -> Result<Vec<CountLineDto>> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&count, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::approve(tx, actor, &count, &input).await).await?)
    }

    /// Sends variances back to be counted again, or ends the lines without adjustment.
    async fn reject_count_lines(&self, context: &Context<'_>, count: String, input: RejectLines) -> Result<Vec<CountLineDto>> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&count, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::reject(tx, actor, &count, &input).await).await?)
    }

    /// Ends a count: what is not decided is not adjusted.
    async fn cancel_count(&self, context: &Context<'_>, count: String, input: CancelCount) -> Result<CountDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&count, &input));
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::cancel(tx, actor, &count, &input).await).await?)
    }
}
