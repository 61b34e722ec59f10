//! Move tasks: approving, claiming, confirming.

use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use kernel::MoveTaskId;
use platform::database::Tx;
use platform::http::{Access, Api, Paging, Path, Query};
use platform::{Error, Result};
use uuid::Uuid;
use warehouse::{
    ApproveTasks, CancelTask, ConfirmTask, MoveTaskDto, MoveTaskKind, MoveTaskState, TASKS_APPROVE, TASKS_WRITE, TaskFilter,
    WAREHOUSE_READ, move_tasks as tasks,
};

use super::orders::facility_choices;
use super::typed;
use super::visitor::{Form, Visitor, done, failed, show};
use crate::view;

pub fn api() -> Api {
    Api::new()
        .page(Method::GET, "/move-tasks", Access::Needs(WAREHOUSE_READ), get(list))
        .page(Method::POST, "/move-tasks/approve", Access::Needs(TASKS_APPROVE), post(approve))
        .page(Method::POST, "/move-tasks/{task}", Access::Needs(TASKS_WRITE), post(act))
}

async fn list(visitor: Visitor, Query(filter): Query<view::TaskListFilter>, Query(paging): Query<Paging>) -> Result<Response> {
    let actor = &visitor.actor;
    let (state, unfinished) = match filter.state.as_str() {
        "" => (None, Some(true)),
        "ALL" => (None, None),
        word => (Some(word.parse::<MoveTaskState>().map_err(|invalid| invalid.at("state"))?), None),
    };
    let kind = typed::given(&filter.kind).map(str::parse::<MoveTaskKind>).transpose().map_err(|invalid| invalid.at("kind"))?;
    let wanted = TaskFilter { facility: typed::wanted(&filter.facility), state, kind, plan: None, unfinished };
    let request = paging.into();
    let read = async |connection: &mut _| tasks::list(connection, actor, &wanted, &request).await;
    let found = visitor.app.db.read(actor.tenant(), read).await?;
    let row = |task: MoveTaskDto| view::TaskRow { is_mine: task.claimed_by == Some(actor.principal.user.0), task };
    show(&view::TaskList {
        page: visitor.page("Move tasks"),
        facilities: facility_choices(&visitor).await?,
        pager: visitor.pager(found.next_cursor.as_ref()),
        proposed: found.items.iter().filter(|task| task.state == MoveTaskState::Proposed).count(),
        tasks: found.items.into_iter().map(row).collect(),
        filter,
        can_work: visitor.may(TASKS_WRITE),
        can_approve: visitor.may(TASKS_APPROVE),
    })
}

fn ended<T>(outcome: Result<T>, text: &str) -> Result<Response> {
    match outcome {
        Ok(_) => Ok(done("/move-tasks", text)),
        Err(error) if error.code.status() < 500 => Ok(failed("/move-tasks", &error)),
        Err(error) => Err(error),
    }
}

async fn approve(visitor: Visitor, form: Form<view::TaskInput>) -> Result<Response> {
    let tasks = form.input.tasks.iter().map(|task| Uuid::parse_str(&task.id).unwrap_or_default()).collect();
    let input = ApproveTasks { plan: None, tasks };
    let work = async |tx: &mut Tx| tasks::approve(tx, &visitor.actor, &input).await;
    ended(visitor.change(form.key.as_ref(), work).await, "Approved; whoever is free may claim them.")
}

async fn act(visitor: Visitor, Path(task): Path<Uuid>, form: Form<view::TaskInput>) -> Result<Response> {
    let (actor, id) = (&visitor.actor, MoveTaskId(task));
    let cancel = CancelTask { reason: typed::wanted(&form.input.reason) };
    let action = form.input.action.as_str();
    let work = async |tx: &mut Tx| match action {
        "claim" => tasks::claim(tx, actor, id).await,
        "unclaim" => tasks::unclaim(tx, actor, id).await,
        "confirm" => tasks::confirm(tx, actor, id, &ConfirmTask::default()).await,
        "cancel" => tasks::cancel(tx, actor, id, &cancel).await,
        _ => Err(Error::field("action", "must be claim, unclaim, confirm or cancel")),
    };
    let text = match action {
        "claim" => "It is yours.",
        "unclaim" => "Another may take it.",
        "confirm" => "The goods are moved.",
        _ => "The task is cancelled.",
    };
    ended(visitor.change(form.key.as_ref(), work).await, text)
}
