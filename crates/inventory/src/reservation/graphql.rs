use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use kernel::{Cursor, ErrorCode, PageRequest, ReservationId};
use platform::Error;
use platform::database::Tx;
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use serde::Serialize;
use uuid::Uuid;

use super::dto::{FulfilledDto, ReservationDto, TransferredDto};
use super::model::{ReservationKind, ReservationState, Strategy};
use super::request::{
    ChangeReservation, FulfilReservation, HardenReservation, NewReservation, ReleaseReservation, TransferReservation,
};
use super::service::{self, ReservationFilter};
use crate::request::NumberText;

/// Which reservations; absent fields do not narrow.
#[derive(Debug, Default, InputObject)]
struct ReservationFilterInput {
    /// Id or code.
    item: Option<String>,
    state: Option<ReservationState>,
    /// Exactly as given.
    reference: Option<String>,
    /// Id or code: made for it, or binding goods there.
    facility: Option<String>,
    /// Only those of which something is open, or nothing.
    open: Option<bool>,
}

/// Goods to reserve.
#[derive(Debug, InputObject)]
pub struct NewReservationInput {
    /// HARD binds goods where they lie; SOFT promises a quantity of what is there or, with `neededAt`, will come.
    kind: Option<ReservationKind>,
    /// Id or code.
    item: String,
    /// A decimal number as a string.
    quantity: String,
    /// The base unit when absent.
    unit: Option<String>,
    /// Only goods of this facility.
    facility: Option<String>,
    /// HARD only: only goods in this place.
    location: Option<String>,
    /// HARD only: only goods of this lot.
    lot: Option<String>,
    /// FEFO when absent.
    strategy: Option<Strategy>,
    /// For NEAREST: the place to be near to.
    near: Option<String>,
    /// Whether less than asked is better than nothing.
    #[graphql(default)]
    allow_partial: bool,
    expires_at: Option<DateTime<Utc>>,
    expires_in_seconds: Option<i64>,
    needed_at: Option<DateTime<Utc>>,
    reference: Option<String>,
    /// 0 to 1000.
    priority: Option<i64>,
}

impl From<NewReservationInput> for NewReservation {
    fn from(input: NewReservationInput) -> Self {
        Self {
            kind: input.kind.map(|kind| kind.as_str().to_owned()),
            item: input.item,
            quantity: NumberText(input.quantity),
            unit: input.unit,
            facility: input.facility,
            location: input.location,
            lot: input.lot,
            strategy: input.strategy.map(|strategy| strategy.as_str().to_owned()),
            near: input.near,
            allow_partial: input.allow_partial,
            expires_at: input.expires_at.map(|at| at.to_rfc3339()),
            expires_in_seconds: input.expires_in_seconds,
            needed_at: input.needed_at.map(|at| at.to_rfc3339()),
            reference: input.reference,
            priority: input.priority,
        }
    }
}

/// A page of reservations.
#[derive(SimpleObject)]
struct ReservationPage {
    items: Vec<ReservationDto>,
    /// Pass it as `after` for the next page; null on the last.
    next_cursor: Option<String>,
}

fn id_of(given: &ID) -> Result<ReservationId, Error> {
    let unknown = |_| Error::new(ErrorCode::NotFound, format!("reservation {:?} does not exist", given.as_str()));
    Uuid::parse_str(given).map(ReservationId).map_err(unknown)
}

/// What an idempotency key stands for: which reservation, and what is to become of it.
#[derive(Serialize)]
struct Arguments<'a, T> {
    id: ReservationId,
    input: &'a T,
}

#[derive(Default)]
pub struct ReservationQuery;

#[Object]
impl ReservationQuery {
    /// Promises of goods, the newest first.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn reservations(
        &self,
        context: &Context<'_>,
        filter: Option<ReservationFilterInput>,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<ReservationPage> {
        let (app, actor) = caller(context)?;
        let ReservationFilterInput { item, state, reference, facility, open } = filter.unwrap_or_default();
        let filter = ReservationFilter { item, state, reference, facility, open };
        let page = PageRequest { limit: first, cursor: after.map(Cursor) };
        let read = async |connection: &mut _| service::reservations(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?.map(ReservationDto::from);
        Ok(ReservationPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    async fn reservation(&self, context: &Context<'_>, id: ID) -> async_graphql::Result<ReservationDto> {
        let (app, actor) = caller(context)?;
        let id = id_of(&id)?;
        let read = async |connection: &mut _| service::reservation(connection, actor, id).await;
        Ok(app.db.read(actor.tenant(), read).await?.into())
    }
}

#[derive(Default)]
pub struct ReservationMutation;

#[Object]
impl ReservationMutation {
    /// Gives a reservation back, all that is open or a part.
    async fn release_reservation(
        &self,
        context: &Context<'_>,
        id: ID,
        quantity: Option<String>,
    ) -> async_graphql::Result<ReservationDto> {
        let (app, actor) = caller(context)?;
        let (id, input) = (id_of(&id)?, ReleaseReservation { quantity: quantity.map(NumberText) });
        let key = key_of(context, &Arguments { id, input: &input });
        let release = async |tx: &mut Tx| service::release(tx, actor, id, &input).await.map(ReservationDto::from);
        Ok(mutate(app, actor, key.as_ref(), release).await?)
    }

    /// Issues reserved goods to the customer.
    async fn fulfil_reservation(
        &self,
        context: &Context<'_>,
        id: ID,
        quantity: Option<String>,
        reference: Option<String>,
    ) -> async_graphql::Result<FulfilledDto> {
        let (app, actor) = caller(context)?;
        let (id, input) = (id_of(&id)?, FulfilReservation { quantity: quantity.map(NumberText), reference });
        let key = key_of(context, &Arguments { id, input: &input });
        let fulfil = async |tx: &mut Tx| {
            let done = service::fulfil(tx, actor, id, &input).await?;
            Ok(FulfilledDto { reservation: done.0.into(), movement_ids: done.1 })
        };
        Ok(mutate(app, actor, key.as_ref(), fulfil).await?)
    }

    /// Moves reserved goods to another place, where the reservation binds them.
    async fn transfer_reservation(
        &self,
        context: &Context<'_>,
        id: ID,
        to: String,
        from: Option<String>,
        reference: Option<String>,
    ) -> async_graphql::Result<TransferredDto> {
        let (app, actor) = caller(context)?;
        let (id, input) = (id_of(&id)?, TransferReservation { to, from, reference });
        let key = key_of(context, &Arguments { id, input: &input });
        let transfer = async |tx: &mut Tx| {
            let done = service::transfer(tx, actor, id, &input).await?;
            Ok(TransferredDto { reservation: done.0.into(), movement_ids: done.1 })
        };
        Ok(mutate(app, actor, key.as_ref(), transfer).await?)
    }

    /// Binds goods for a SOFT reservation.
    async fn harden_reservation(
        &self,
        context: &Context<'_>,
        id: ID,
        strategy: Option<Strategy>,
        near: Option<String>,
        #[graphql(default)] allow_partial: bool,
    ) -> async_graphql::Result<ReservationDto> {
        let (app, actor) = caller(context)?;
        let strategy = strategy.map(|strategy| strategy.as_str().to_owned());
        let (id, input) = (id_of(&id)?, HardenReservation { strategy, near, allow_partial });
        let key = key_of(context, &Arguments { id, input: &input });
        let harden = async |tx: &mut Tx| service::harden(tx, actor, id, &input).await.map(ReservationDto::from);
        Ok(mutate(app, actor, key.as_ref(), harden).await?)
    }

    /// Sets when a reservation expires; null means never.
    async fn change_reservation_expiry(
        &self,
        context: &Context<'_>,
        id: ID,
        expires_at: Option<DateTime<Utc>>,
    ) -> async_graphql::Result<ReservationDto> {
        let (app, actor) = caller(context)?;
        let (id, input) = (id_of(&id)?, ChangeReservation { expires_at: Some(expires_at.map(|at| at.to_rfc3339())) });
        let key = key_of(context, &Arguments { id, input: &input });
        let change = async |tx: &mut Tx| service::change(tx, actor, id, &input).await.map(ReservationDto::from);
        Ok(mutate(app, actor, key.as_ref(), change).await?)
    }
}
