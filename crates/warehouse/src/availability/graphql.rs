use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};
use inventory::reservation::{NewReservation, NewReservationInput, ReservationDto};
use platform::database::Tx;
use platform::graphql::{caller, key_of};
use platform::http::mutate;

use super::http::AvailabilityDto;
use super::service;

#[derive(Default)]
pub(crate) struct AvailabilityQuery;

#[Object]
impl AvailabilityQuery {
    /// What there is of an item, what comes, and what may be promised, in one facility or all of them.
    async fn availability(
        &self,
        context: &Context<'_>,
        item: String,
        facility: Option<String>,
        at: Option<DateTime<Utc>>,
    ) -> Result<AvailabilityDto> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::availability(connection, actor, &item, facility.as_deref(), at).await;
        Ok(app.db.read(actor.tenant(), read).await?.into())
    }
}

#[derive(Default)]
pub(crate) struct AvailabilityMutation;

#[Object]
impl AvailabilityMutation {
    /// Reserves goods; not enough of them is an error, and nothing is kept.
    async fn reserve(&self, context: &Context<'_>, input: NewReservationInput) -> Result<ReservationDto> {
        let (app, actor) = caller(context)?;
        let input = NewReservation::from(input);
        let key = key_of(context, &input);
        let reserve = async |tx: &mut Tx| service::reserve(tx, actor, &input).await.map(ReservationDto::from);
        Ok(mutate(app, actor, key.as_ref(), reserve).await?)
    }
}
