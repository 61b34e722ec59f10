//! Pick lists, worked through by keys.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use platform::Result;
use platform::database::Tx;
use platform::http::{Access, Api, Paging, Path, Query};
use uuid::Uuid;
use warehouse::{
    ConfirmLine, ConfirmPicks, PICK, PickLineState, PickListDto, PickListFilter, PickListState, ShortPick, WAREHOUSE_READ, picks,
};

use super::orders::{facility_choices, order_href};
use super::typed;
use super::visitor::{Form, Visitor, done, failed, refuse, segment, show};
use crate::view::{self, Errors};

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/picking", Access::Needs(WAREHOUSE_READ), get(list))
        .page(Method::GET, "/picking/{pick_list}", Access::Needs(WAREHOUSE_READ), get(one))
        .page(Method::POST, "/picking/{pick_list}/confirm", Access::Needs(PICK), post(confirm))
        .page(Method::POST, "/picking/{pick_list}/short", Access::Needs(PICK), post(short))
        .page(Method::POST, "/picking/{pick_list}/cancel", Access::Needs(PICK), post(cancel))
}

fn address(reference: &str) -> String {
    format!("/picking/{}", segment(reference))
}

pub(super) fn href(list: &PickListDto) -> String {
    address(&list.code)
}

fn share(list: &PickListDto) -> f64 {
    let done = list.lines_total - list.lines_open;
    if list.lines_total == 0 { 0.0 } else { done as f64 * 100.0 / list.lines_total as f64 }
}

pub(super) fn pick_list_row(list: PickListDto) -> view::PickListRow {
    view::PickListRow {
        href: href(&list),
        order_href: order_href(&list.order_code, &list.order_id),
        done_percent: share(&list),
        pick_list: list,
    }
}

async fn list(visitor: Visitor, Query(filter): Query<view::PickListsFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let actor = &visitor.actor;
    let state = match filter.state.as_str() {
        "" => Some(PickListState::Open),
        "ALL" => None,
        word => Some(word.parse::<PickListState>().map_err(|invalid| invalid.at("state"))?),
    };
    let wanted = PickListFilter { facility: typed::wanted(&filter.facility), state, order: None };
    let request = paging.into();
    let read = async |connection: &mut _| picks::list(connection, actor, &wanted, &request).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    show(&view::PickLists {
        page: visitor.page("Picking"),
        facilities: facility_choices(&visitor).await?,
        pager: visitor.pager(found.next_cursor.as_ref()),
        pick_lists: found.items.into_iter().map(pick_list_row).collect(),
        filter,
    })
}

fn page_of(visitor: &Visitor, mut list: PickListDto, input: view::ShortInput, errors: Errors) -> view::PickListPage {
    let lines = list.lines.take().unwrap_or_default();
    let (open, done) = lines.into_iter().partition(|line| line.state == PickLineState::Open);
    view::PickListPage {
        page: visitor.page(&list.code),
        href: href(&list),
        order_href: order_href(&list.order_code, &list.order_id),
        done_percent: share(&list),
        pick_list: list,
        open,
        done,
        input,
        errors,
        can_pick: visitor.may(PICK),
    }
}

async fn read_list(visitor: &Visitor, reference: &str) -> Result<PickListDto> {
    let actor = &visitor.actor;
    visitor.app.db.read(actor.tenant(), async |connection| picks::get(connection, actor, reference).await).await
}

async fn one(visitor: Visitor, Path(reference): Path<String>) -> Result<Response> {
    let list = read_list(&visitor, &reference).await?;
    show(&page_of(&visitor, list, view::ShortInput::default(), Errors::none()))
}

fn line_id(text: &str) -> Uuid {
    Uuid::parse_str(text.trim()).unwrap_or_default()
}

fn after(list: &PickListDto, text: &str) -> Response {
    let text = if list.state == PickListState::Open { text } else { "The pick list is done." };
    done(&href(list), text)
}

async fn confirm(visitor: Visitor, Path(reference): Path<String>, form: Form<view::ConfirmInput>) -> Result<Response> {
    let line = typed::given(&form.input.line_id);
    let input = ConfirmPicks {
        confirm_all: line.is_none(),
        lines: line.map(|id| ConfirmLine { line_id: line_id(id), ..ConfirmLine::default() }).into_iter().collect(),
    };
    let work = async |tx: &mut Tx| picks::confirm(tx, &visitor.actor, &reference, &input).await;
    match visitor.change(form.key.as_ref(), work).await {
        Ok(list) => Ok(after(&list, "Picked.")),
        Err(error) if error.code.status() < 500 => Ok(failed(&address(&reference), &error)),
        Err(error) => Err(error),
    }
}

async fn short(visitor: Visitor, Path(reference): Path<String>, form: Form<view::ShortInput>) -> Result<Response> {
    let input = ShortPick {
        line_id: line_id(&form.input.line_id),
        picked: typed::wanted(&form.input.picked),
        serials: Vec::new(),
        reason: form.input.reason.clone(),
    };
    let work = async |tx: &mut Tx| picks::short(tx, &visitor.actor, &reference, &input).await;
    match visitor.change(form.key.as_ref(), work).await {
        Ok(list) => Ok(after(&list, "Noted. What was found elsewhere is on the list.")),
        Err(error) => {
            let list = read_list(&visitor, &reference).await?;
            refuse(error, |errors| page_of(&visitor, list, form.input, errors))
        }
    }
}

async fn cancel(visitor: Visitor, Path(reference): Path<String>, form: Form<view::OrderActInput>) -> Result<Response> {
    let work = async |tx: &mut Tx| picks::cancel(tx, &visitor.actor, &reference).await;
    match visitor.change(form.key.as_ref(), work).await {
        Ok(list) => Ok(done(&order_href(&list.order_code, &list.order_id), "What was not picked is given back.")),
        Err(error) if error.code.status() < 500 => Ok(failed(&address(&reference), &error)),
        Err(error) => Err(error),
    }
}
