use async_graphql::{Context, Object, Result, SimpleObject};
use kernel::PageRequest;
use platform::graphql::{caller, key_of};
use platform::http::mutate;

use super::dto::{
    CapacityFailureDto, CrossDockCancellationDto, DataQualityDto, RemediationDto, UnmeasuredItemDto, VerificationDto,
};
use super::input::{
    CancelCrossDock, CancellationFilter, DecideVerification, FailureFilter, Relocate, RemediationFilter, ResolveFailure,
    VerificationFilter, VerificationState, VerifyDimensions,
};
use super::service;
use crate::check::refuse_foreign_tenant;
use crate::words::RelocationStatus;

#[derive(Clone, Debug, SimpleObject)]
struct CapacityFailurePage {
    items: Vec<CapacityFailureDto>,
    next_cursor: Option<String>,
}

#[derive(Clone, Debug, SimpleObject)]
struct VerificationPage {
    items: Vec<VerificationDto>,
    next_cursor: Option<String>,
}

#[derive(Clone, Debug, SimpleObject)]
struct UnmeasuredPage {
    items: Vec<UnmeasuredItemDto>,
    next_cursor: Option<String>,
}

#[derive(Clone, Debug, SimpleObject)]
struct CancellationPage {
    items: Vec<CrossDockCancellationDto>,
    next_cursor: Option<String>,
}

#[derive(Clone, Debug, SimpleObject)]
struct RemediationPage {
    items: Vec<RemediationDto>,
    next_cursor: Option<String>,
}

fn page_of(first: Option<u32>, after: Option<String>) -> PageRequest {
    PageRequest { limit: first, cursor: after.map(kernel::Cursor) }
}

#[derive(Default)]
pub struct QualityQuery;

#[Object]
impl QualityQuery {
    /// How far the data can be trusted that capacities are checked with, counted now.
    async fn get_data_quality_metrics(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "the caller's own organisation, or absent")] tenant_id: Option<String>,
        #[graphql(desc = "id or code; the whole organisation when absent")] facility_id: Option<String>,
    ) -> Result<DataQualityDto> {
        let (app, actor) = caller(context)?;
        refuse_foreign_tenant(actor, tenant_id.as_deref())?;
        let switches = app.config.switches();
        let read = async |connection: &mut _| service::metrics(connection, actor, &switches, facility_id.as_deref()).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }

    /// Goods that found no place for want of capacity, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn get_capacity_validation_failures(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: Option<String>,
        #[graphql(desc = "VOLUME, WEIGHT or DIMENSION")] failure_type: Option<String>,
        #[graphql(desc = "only unresolved ones when absent")] resolved: Option<bool>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<CapacityFailurePage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (FailureFilter { facility: facility_id, failure_type, resolved }, page_of(first, after));
        let read = async |connection: &mut _| service::failures(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(CapacityFailurePage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// Measurements of items against their master data, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn dimension_verifications(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] material_id: Option<String>,
        state: Option<VerificationState>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<VerificationPage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (VerificationFilter { material: material_id, state }, page_of(first, after));
        let read = async |connection: &mut _| service::verifications(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(VerificationPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// Active items whose size or weight nobody has entered, by code.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn unmeasured_materials(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<UnmeasuredPage> {
        let (app, actor) = caller(context)?;
        let page = page_of(first, after);
        let read = async |connection: &mut _| service::unmeasured(connection, actor, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(UnmeasuredPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// Goods in STAGING whose order no longer takes them, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn cross_dock_cancellations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility_id: Option<String>,
        status: Option<RelocationStatus>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<CancellationPage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (CancellationFilter { facility: facility_id, status }, page_of(first, after));
        let read = async |connection: &mut _| service::cancellations(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(CancellationPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// What was done about findings, by people and by the program, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn remediations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "for instance DIMENSIONS_CORRECTED")] action: Option<String>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<RemediationPage> {
        let (app, actor) = caller(context)?;
        let (filter, page) = (RemediationFilter { action }, page_of(first, after));
        let read = async |connection: &mut _| service::remediations(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(RemediationPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }
}

#[derive(Default)]
pub struct QualityMutation;

#[Object]
impl QualityMutation {
    /// Compares what was measured of an item with its master data; more than 10 % apart is flagged and changes nothing.
    async fn verify_material_dimensions(&self, context: &Context<'_>, input: VerifyDimensions) -> Result<VerificationDto> {
        let (app, actor) = caller(context)?;
        let (key, guard) = (key_of(context, &input), inventory::stock_guard());
        let run = async |tx: &mut _| service::verify(tx, actor, guard.as_ref(), &input).await;
        Ok(mutate(app, actor, key.as_ref(), run).await?)
    }

    /// Takes what was measured into the item, or keeps its master data.
    async fn decide_dimension_verification(
        &self,
        context: &Context<'_>,
        verification_id: String,
        input: DecideVerification,
    ) -> Result<VerificationDto> {
        let (app, actor) = caller(context)?;
        let (key, guard) = (key_of(context, &(&verification_id, &input)), inventory::stock_guard());
        let run = async |tx: &mut _| service::decide(tx, actor, guard.as_ref(), &verification_id, &input).await;
        Ok(mutate(app, actor, key.as_ref(), run).await?)
    }

    /// Ends a failure with what was done about it, and tries the goods again.
    async fn resolve_capacity_failure(
        &self,
        context: &Context<'_>,
        failure_id: String,
        input: ResolveFailure,
    ) -> Result<CapacityFailureDto> {
        let (app, actor) = caller(context)?;
        let (key, switches) = (key_of(context, &(&failure_id, &input)), app.config.switches());
        let run = async |tx: &mut _| service::resolve(tx, actor, &switches, &failure_id, &input).await;
        Ok(mutate(app, actor, key.as_ref(), run).await?)
    }

    /// Says that an order no longer takes goods that wait in STAGING, and advises where to store them.
    async fn cancel_cross_docking(&self, context: &Context<'_>, input: CancelCrossDock) -> Result<CrossDockCancellationDto> {
        let (app, actor) = caller(context)?;
        let (key, switches) = (key_of(context, &input), app.config.switches());
        let run = async |tx: &mut _| service::cancel(tx, actor, &switches, &input).await;
        Ok(mutate(app, actor, key.as_ref(), run).await?)
    }

    /// Moves goods of a cancelled cross-docking into storage.
    async fn relocate_cancelled_cross_dock(
        &self,
        context: &Context<'_>,
        cancellation_id: String,
        #[graphql(default)] input: Relocate,
    ) -> Result<CrossDockCancellationDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(&cancellation_id, &input));
        let run = async |tx: &mut _| service::relocate(tx, actor, &cancellation_id, &input).await;
        Ok(mutate(app, actor, key.as_ref(), run).await?)
    }
}
