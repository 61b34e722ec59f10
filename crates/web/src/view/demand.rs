//! Orders, pick lists and move tasks.

use serde::{Deserialize, Serialize};
use warehouse::{MoveTaskDto, OrderDto, PickLineDto, PickListDto};

use super::{Choice, Errors, Page, Pager, ticked};

#[derive(Debug, Serialize)]
pub struct OrderList {
    pub page: Page,
    pub filter: OrderListFilter,
    pub facilities: Vec<Choice>,
    pub orders: Vec<OrderListRow>,
    pub pager: Pager,
    pub can_write: bool,
}

/// `state` is empty (all that is not finished), a state of an order, or `ALL`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderListFilter {
    pub q: String,
    pub state: String,
    pub facility: String,
    pub item: String,
}

#[derive(Debug, Serialize)]
pub struct OrderListRow {
    pub href: String,
    pub picked_percent: f64,
    pub is_late: bool,
    pub order: OrderDto,
}

#[derive(Debug, Serialize)]
pub struct OrderForm {
    pub page: Page,
    pub facilities: Vec<Choice>,
    pub input: OrderInput,
    pub errors: Errors,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderInput {
    pub idempotency_key: String,
    pub facility: String,
    pub code: String,
    pub customer: String,
    /// As a browser's input for a moment sends it, in UTC.
    pub due_at: String,
    #[serde(deserialize_with = "ticked")]
    pub urgent: bool,
    #[serde(deserialize_with = "ticked")]
    pub draft: bool,
    pub lines: Vec<OrderLineInput>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderLineInput {
    pub item: String,
    pub quantity: String,
    pub unit: String,
}

#[derive(Debug, Serialize)]
pub struct OrderPage {
    pub page: Page,
    pub href: String,
    pub order: OrderDto,
    pub picked_percent: f64,
    pub is_late: bool,
    /// Newest first.
    pub pick_lists: Vec<PickListRow>,
    /// Where picked goods may be staged.
    pub staging: Vec<Choice>,
    pub can_write: bool,
}

/// `to` and `reason` belong to different buttons of the page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderActInput {
    pub idempotency_key: String,
    pub to: String,
    pub reason: String,
}

#[derive(Debug, Serialize)]
pub struct PickLists {
    pub page: Page,
    pub filter: PickListsFilter,
    pub facilities: Vec<Choice>,
    pub pick_lists: Vec<PickListRow>,
    pub pager: Pager,
}

/// `state` is empty (those that wait), a state of a pick list, or `ALL`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PickListsFilter {
    pub state: String,
    pub facility: String,
}

#[derive(Debug, Serialize)]
pub struct PickListRow {
    pub href: String,
    pub order_href: String,
    pub done_percent: f64,
    pub pick_list: PickListDto,
}

#[derive(Debug, Serialize)]
pub struct PickListPage {
    pub page: Page,
    pub href: String,
    pub order_href: String,
    pub pick_list: PickListDto,
    pub done_percent: f64,
    /// What waits, in the order of the way.
    pub open: Vec<PickLineDto>,
    pub done: Vec<PickLineDto>,
    pub input: ShortInput,
    pub errors: Errors,
    pub can_pick: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ShortInput {
    pub idempotency_key: String,
    pub line_id: String,
    pub picked: String,
    pub reason: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfirmInput {
    pub idempotency_key: String,
    /// Empty for all that wait.
    pub line_id: String,
}

#[derive(Debug, Serialize)]
pub struct TaskList {
    pub page: Page,
    pub filter: TaskListFilter,
    pub facilities: Vec<Choice>,
    pub tasks: Vec<TaskRow>,
    pub pager: Pager,
    /// Proposed tasks that are shown.
    pub proposed: usize,
    pub can_work: bool,
    pub can_approve: bool,
}

/// `state` is empty (all that is not finished), a state of a task, or `ALL`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskListFilter {
    pub state: String,
    pub kind: String,
    pub facility: String,
}

#[derive(Debug, Serialize)]
pub struct TaskRow {
    pub task: MoveTaskDto,
    pub is_mine: bool,
}

/// `action` is `claim`, `unclaim`, `confirm`, `cancel` or `approve`; `tasks` are those to approve.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskInput {
    pub idempotency_key: String,
    pub action: String,
    pub reason: String,
    pub tasks: Vec<TaskChoice>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskChoice {
    pub id: String,
}
