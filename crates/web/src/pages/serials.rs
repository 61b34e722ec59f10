//! Serial numbers: where a piece is, and its life.

use std::collections::{BTreeSet, HashMap};

use axum::http::Method;
use axum::response::Response;
use axum::routing::get;
use inventory::{ItemLabel, Labelled, LocationKind, STOCK_READ, SerialFilter, SerialRow};
use kernel::{ErrorCode, Page, SerialId, UserId};
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use uuid::Uuid;

use super::items;
use super::movements::{self, About};
use super::typed::wanted;
use super::visitor::{Visitor, show};
use crate::view::{self, Flash, FlashKind};

pub fn api() -> Api {
    Api::new().page(Method::GET, "/serials", Access::Needs(STOCK_READ), get(list)).page(
        Method::GET,
        "/serials/{serial}",
        Access::Needs(STOCK_READ),
        get(one),
    )
}

async fn list(visitor: Visitor, Query(filter): Query<view::SerialFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let narrowed = SerialFilter {
        item: wanted(&filter.item),
        number: wanted(&filter.q),
        location: wanted(&filter.location),
        movement: None,
        quality: None,
        in_stock: match filter.stock.as_str() {
            "in" => Some(true),
            "out" => Some(false),
            _ => None,
        },
    };
    let (actor, request) = (&visitor.actor, paging.into());
    let read = async |connection: &mut _| inventory::serials(connection, actor, &narrowed, &request).await;
    let mut page = visitor.page("Serial numbers");
    let found = match visitor.app.db.read(actor.tenant(), read).await {
        // A slip in a filter, such as an item that does not exist, is told above the empty list.
        Err(error) if matches!(error.code, ErrorCode::Invalid | ErrorCode::NotFound) => {
            page.flash = Some(Flash { kind: FlashKind::Failed, text: super::visitor::sentence(&error) });
            Page { items: Vec::new(), next_cursor: None }
        }
        found => found?,
    };
    show(&view::SerialList {
        page,
        filter,
        pager: visitor.pager(found.next_cursor.as_ref()),
        serials: found.items.into_iter().map(row).collect(),
    })
}

fn row(Labelled { row, item }: Labelled<SerialRow>) -> view::SerialRow {
    let ItemLabel { code, name, .. } = item;
    view::SerialRow {
        href: format!("/serials/{}", row.serial_id),
        number: row.number,
        item_href: items::href(row.item_id, &code),
        item: code,
        item_name: name,
        lot: row.lot_number,
        place: movements::place_name(&row.at),
        place_href: movements::place_href(&row.at),
        facility: row.at.facility_code.clone(),
        quality_status: row.at.status.to_string(),
        is_in_stock: row.at.kind == LocationKind::Physical,
        moved_at: row.updated_at,
        first_seen_at: row.created_at,
    }
}

async fn one(visitor: Visitor, Path(id): Path<String>, Query(paging): Query<Paging>) -> Result<Response> {
    let unknown = || Error::not_found(format_args!("serial number {id:?}"));
    let id = SerialId(Uuid::parse_str(&id).map_err(|_| unknown())?);
    let (actor, request) = (&visitor.actor, paging.into());
    let read = visitor.app.db.read(actor.tenant(), async |connection| {
        let serial = inventory::serial(connection, actor, id).await?;
        let history = inventory::serial_history(connection, actor, id, &request).await?;
        let people: BTreeSet<UserId> = history.items.iter().map(|movement| movement.row.recorded_by).collect();
        let people: Vec<UserId> = people.into_iter().collect();
        let names: HashMap<UserId, String> = identity::service::names_of(connection, actor.tenant(), &people).await?;
        Ok((serial, history, names))
    });
    let (serial, history, names) = read.await?;
    show(&view::SerialPage {
        page: visitor.page(&serial.row.number),
        serial: row(serial),
        pager: visitor.pager(history.next_cursor.as_ref()),
        movements: history.items.into_iter().map(|movement| movements::shown(movement, &names, About::Item)).collect(),
    })
}
