use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use kernel::{Cursor, ErrorCode, PageRequest, SerialId};
use platform::Error;
use platform::graphql::caller;
use uuid::Uuid;

use super::dto::{SerialDto, SerialHistoryDto};
use super::reads::{self, SerialFilter};
use crate::model::QualityStatus;

/// Which serial numbers; absent fields do not narrow.
#[derive(Debug, Default, InputObject)]
struct SerialFilterInput {
    /// Id or code.
    item: Option<String>,
    /// The number's beginning.
    number: Option<String>,
    /// Id, `FACILITY/CODE`, an unambiguous code, or a virtual place.
    location: Option<String>,
    /// Those that this movement moved.
    movement: Option<Uuid>,
    quality_status: Option<QualityStatus>,
    in_stock: Option<bool>,
}

/// A page of serial numbers.
#[derive(SimpleObject)]
struct SerialPage {
    items: Vec<SerialDto>,
    /// Pass it as `after` for the next page; null on the last.
    next_cursor: Option<String>,
}

#[derive(Default)]
pub struct SerialQuery;

#[Object]
impl SerialQuery {
    /// Single pieces, ordered by number.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn serials(
        &self,
        context: &Context<'_>,
        filter: Option<SerialFilterInput>,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<SerialPage> {
        let (app, actor) = caller(context)?;
        let SerialFilterInput { item, number, location, movement, quality_status, in_stock } = filter.unwrap_or_default();
        let filter = SerialFilter { item, number, location, movement, quality: quality_status, in_stock };
        let page = PageRequest { limit: first, cursor: after.map(Cursor) };
        let read = async |connection: &mut _| reads::list(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?.map(SerialDto::from);
        Ok(SerialPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    /// One piece with its movements, newest first.
    #[graphql(complexity = "1 + first.unwrap_or(50).min(500) as usize * child_complexity")]
    async fn serial(
        &self,
        context: &Context<'_>,
        id: ID,
        first: Option<u32>,
        after: Option<String>,
    ) -> async_graphql::Result<SerialHistoryDto> {
        let (app, actor) = caller(context)?;
        let unknown = || Error::new(ErrorCode::NotFound, format!("serial number {:?} does not exist", id.as_str()));
        let id = SerialId(Uuid::parse_str(&id).map_err(|_| unknown())?);
        let page = PageRequest { limit: first, cursor: after.map(Cursor) };
        let found = app.db.read(actor.tenant(), async |connection| {
            let serial = reads::one(connection, actor, id).await?;
            Ok((serial, reads::history(connection, actor, id, &page).await?))
        });
        let (serial, history) = found.await?;
        Ok(SerialHistoryDto {
            serial: serial.into(),
            movements: history.items.into_iter().map(|movement| movement.into()).collect(),
            next_cursor: history.next_cursor.map(|cursor| cursor.0),
        })
    }
}
