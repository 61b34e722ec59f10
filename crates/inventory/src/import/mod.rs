//! Movements and opening stock from files. Both go through the same reading, resolving and deciding as movements of the API; what
//! they add is an id that the row determines, so that the same file again records nothing.

mod columns;
mod rows;
mod store;

use futures::future::BoxFuture;
use platform::Result;
use platform::auth::{Actor, Permission};
use platform::database::Tx;
use platform::imports::{Counts, Importer, Options};
use platform::tabular::{Column, Row};

use crate::service::{STOCK_ADJUST, STOCK_MOVE};

/// Records movements in the order of the file, with the times at which they happened.
pub struct MovementImporter;

impl Importer for MovementImporter {
    fn kind(&self) -> &'static str {
        "movements"
    }

    fn permission(&self) -> Permission {
        STOCK_MOVE
    }

    fn columns(&self) -> &'static [Column] {
        columns::MOVEMENTS
    }

    fn event(&self) -> &'static str {
        "inventory.movements.imported"
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        actor: &'a Actor,
        options: &'a Options,
        rows: &'a mut [Row],
    ) -> BoxFuture<'a, Result<Counts>> {
        Box::pin(async move {
            let wanted = columns::movements(rows, options.facility.as_deref());
            rows::record(tx, actor, rows, wanted).await
        })
    }
}

/// Records what lies where on the first day, as adjustments with the reason `opening stock`.
///
/// Opening stock comes before anything else: a place that has movements of the item, lot and status already is refused, unless
/// they began with the very same opening.
pub struct StockImporter;

impl Importer for StockImporter {
    fn kind(&self) -> &'static str {
        "stock"
    }

    fn permission(&self) -> Permission {
        STOCK_ADJUST
    }

    fn columns(&self) -> &'static [Column] {
        columns::STOCK
    }

    fn event(&self) -> &'static str {
        "inventory.stock.imported"
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        actor: &'a Actor,
        options: &'a Options,
        rows: &'a mut [Row],
    ) -> BoxFuture<'a, Result<Counts>> {
        Box::pin(async move {
            let wanted = columns::opening(rows, options.facility.as_deref());
            rows::record(tx, actor, rows, wanted).await
        })
    }
}
