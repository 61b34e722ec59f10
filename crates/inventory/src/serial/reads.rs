//! What is known of pieces.

use kernel::{Page, PageRequest, SerialId};
use platform::auth::Actor;
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::SerialRow;
use super::store::{self, SerialQuery};
use crate::model::{Labelled, MovementRow, QualityStatus};
use crate::service::{STOCK_READ, cursor, given, item_of, label_one, label_page, location_of};

/// The number's beginning that a list takes at most; longer ones name nothing.
const MAX_PREFIX_CHARS: usize = 64;

/// Which pieces; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct SerialFilter {
    /// Id or code.
    pub item: Option<String>,
    /// The number's beginning, upper and lower case as it stands.
    pub number: Option<String>,
    /// Id, `FACILITY/CODE`, an unambiguous code or a virtual place.
    pub location: Option<String>,
    /// Those that this movement moved.
    pub movement: Option<Uuid>,
    pub quality: Option<QualityStatus>,
    pub in_stock: Option<bool>,
}

/// One page of pieces, ordered by number.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &SerialFilter,
    page: &PageRequest,
) -> Result<Page<Labelled<SerialRow>>> {
    actor.require(STOCK_READ)?;
    let after: Option<(String, Uuid)> = cursor(page)?;
    let number_prefix = given(&filter.number).map(str::to_owned);
    if number_prefix.as_ref().is_some_and(|number| number.chars().count() > MAX_PREFIX_CHARS || number.contains('\0')) {
        return Err(Error::field("number", format!("must be at most {MAX_PREFIX_CHARS} characters without NUL")));
    }
    let query = SerialQuery {
        id: None,
        item: item_of(connection, actor, &filter.item).await?,
        number_prefix,
        location: location_of(connection, actor, &filter.location).await?,
        movement: filter.movement,
        quality: filter.quality,
        in_stock: filter.in_stock,
    };
    let rows = store::select(connection, actor.tenant(), &query, after, page).await?;
    let page = Page::cut(rows, page, |row| (row.number.clone(), row.serial_id.0));
    label_page(connection, actor.tenant(), page, |row| row.item_id).await
}

pub async fn one(connection: &mut PgConnection, actor: &Actor, id: SerialId) -> Result<Labelled<SerialRow>> {
    actor.require(STOCK_READ)?;
    let query = SerialQuery { id: Some(id.0), ..SerialQuery::default() };
    let row = store::select(connection, actor.tenant(), &query, None, &PageRequest::default()).await?.pop();
    let row = row.ok_or_else(|| Error::not_found(format_args!("serial number {id}")))?;
    label_one(connection, actor.tenant(), row, |row| row.item_id).await
}

/// One page of the movements of a piece, newest first.
pub async fn history(
    connection: &mut PgConnection,
    actor: &Actor,
    id: SerialId,
    page: &PageRequest,
) -> Result<Page<Labelled<MovementRow>>> {
    actor.require(STOCK_READ)?;
    let before: Option<i64> = cursor(page)?;
    let rows = store::history(connection, actor.tenant(), id, before, page).await?;
    let page = Page::cut(rows, page, |row| row.seq);
    label_page(connection, actor.tenant(), page, |row| row.item_id).await
}
