use async_graphql::{Context, Object, Result, SimpleObject};
use kernel::{MoveTaskId, PageRequest};
use platform::graphql::{caller, key_of};
use platform::http::mutate;
use uuid::Uuid;

use super::dto::MoveTaskDto;
use super::input::{ApproveTasks, CancelTask, ConfirmTask, ProposeTasks, TaskFilter};
use super::service;
use crate::words::{MoveTaskKind, MoveTaskState};

#[derive(Clone, Debug, SimpleObject)]
struct MoveTaskPage {
    items: Vec<MoveTaskDto>,
    next_cursor: Option<String>,
}

#[derive(Default)]
pub struct TaskQuery;

#[Object]
impl TaskQuery {
    /// Move tasks, newest first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a field are its filter")]
    async fn move_tasks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "id or code")] facility: Option<String>,
        state: Option<MoveTaskState>,
        kind: Option<MoveTaskKind>,
        plan: Option<Uuid>,
        unfinished: Option<bool>,
        #[graphql(desc = "1 to 500, default 50")] first: Option<u32>,
        after: Option<String>,
    ) -> Result<MoveTaskPage> {
        let (app, actor) = caller(context)?;
        let page = PageRequest { limit: first, cursor: after.map(kernel::Cursor) };
        let filter = TaskFilter { facility, state, kind, plan, unfinished };
        let read = async |connection: &mut _| service::list(connection, actor, &filter, &page).await;
        let found = app.db.read(actor.tenant(), read).await?;
        Ok(MoveTaskPage { items: found.items, next_cursor: found.next_cursor.map(|cursor| cursor.0) })
    }

    async fn move_task(&self, context: &Context<'_>, task: Uuid) -> Result<MoveTaskDto> {
        let (app, actor) = caller(context)?;
        let read = async |connection: &mut _| service::get(connection, actor, MoveTaskId(task)).await;
        Ok(app.db.read(actor.tenant(), read).await?)
    }
}

#[derive(Default)]
pub struct TaskMutation;

#[Object]
impl TaskMutation {
    /// Proposes moves inside one facility, all or nothing.
    async fn propose_move_tasks(&self, context: &Context<'_>, input: ProposeTasks) -> Result<Vec<MoveTaskDto>> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::create(tx, actor, &input).await).await?)
    }

    /// Lets proposed tasks be claimed, all that are named or none.
    async fn approve_move_tasks(&self, context: &Context<'_>, input: ApproveTasks) -> Result<Vec<MoveTaskDto>> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &input);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::approve(tx, actor, &input).await).await?)
    }

    /// Takes an approved task for oneself.
    async fn claim_move_task(&self, context: &Context<'_>, task: Uuid) -> Result<MoveTaskDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &task);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::claim(tx, actor, MoveTaskId(task)).await).await?)
    }

    /// Gives a claimed task back.
    async fn unclaim_move_task(&self, context: &Context<'_>, task: Uuid) -> Result<MoveTaskDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &task);
        Ok(mutate(app, actor, key.as_ref(), async |tx| service::unclaim(tx, actor, MoveTaskId(task)).await).await?)
    }

    /// Says that the goods were brought, which moves them in the ledger in the same moment.
    async fn confirm_move_task(
        &self,
        context: &Context<'_>,
        task: Uuid,
        #[graphql(default)] input: ConfirmTask,
    ) -> Result<MoveTaskDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(task, &input));
        let run = async |tx: &mut _| service::confirm(tx, actor, MoveTaskId(task), &input).await;
        Ok(mutate(app, actor, key.as_ref(), run).await?)
    }

    /// Ends a task that is not done; nothing moves.
    async fn cancel_move_task(
        &self,
        context: &Context<'_>,
        task: Uuid,
        #[graphql(default)] input: CancelTask,
    ) -> Result<MoveTaskDto> {
        let (app, actor) = caller(context)?;
        let key = key_of(context, &(task, &input));
        let run = async |tx: &mut _| service::cancel(tx, actor, MoveTaskId(task), &input).await;
        Ok(mutate(app, actor, key.as_ref(), run).await?)
    }
}
