//! Orders, pick lists and move tasks.

use uuid::Uuid;
use warehouse::{
    MoveTaskDto, MoveTaskKind, MoveTaskState, OrderDto, OrderLineDto, OrderState, PickLineDto, PickLineState, PickListDto,
    PickListState,
};

use super::*;

pub fn add(samples: &mut Samples) {
    orders(samples);
    picking(samples);
    tasks(samples);
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

const LONG: &str = "Garden hose 25 m, half inch, with brass couplings and wall bracket";

fn order(state: OrderState) -> OrderDto {
    let line = |n: i32, name: &str, short: &str| OrderLineDto {
        line_id: id(n as u128),
        line_no: n,
        item_id: id(40),
        item_code: "MUG-BLU".into(),
        item_name: name.into(),
        unit: "EA".into(),
        quantity: "48".into(),
        allocated: "12".into(),
        picked: "24".into(),
        shipped: "0".into(),
        short: short.into(),
        short_reason: if short == "0" { String::new() } else { "36 of 48 EA were free in BER".into() },
    };
    OrderDto {
        order_id: id(1),
        code: "SO-251121-A1B2C3D4".into(),
        facility_id: id(2),
        facility_code: "BER".into(),
        customer: "Jonas <b>Weiß</b>, order 77".into(),
        due_at: Some(ago(60)),
        urgent: true,
        state,
        reason: if state == OrderState::Cancelled { "the customer changed <i>their</i> mind".into() } else { String::new() },
        history: false,
        first_picked_at: None,
        shipped_at: (state == OrderState::Shipped).then(|| ago(5)),
        version: 3,
        created_at: ago(400),
        updated_at: ago(3),
        lines_total: 2,
        lines_picked: 1,
        lines_uncovered: 1,
        lines: Some(vec![line(1, "Ceramic mug, blue", "0"), line(2, LONG, "12")]),
    }
}

fn orders(samples: &mut Samples) {
    let list = |orders, filter| OrderList {
        page: page("Orders", "/orders"),
        filter,
        facilities: facilities(),
        orders,
        pager: pager(),
        can_write: true,
    };
    let row = |state| OrderListRow { href: "/orders/SO-1".into(), picked_percent: 50.0, is_late: true, order: order(state) };
    let rows = OrderState::ALL.iter().map(|state| row(*state)).collect();
    samples.add("orders", &list(rows, OrderListFilter::default()));
    samples.add("orders-empty", &list(vec![], OrderListFilter::default()));
    samples.add("orders-none", &list(vec![], OrderListFilter { q: "zzz".into(), ..OrderListFilter::default() }));
    let form = |input, errors| OrderForm { page: page("New order", "/orders/new"), facilities: facilities(), input, errors };
    samples.add("order-new", &form(OrderInput::default(), Errors::none()));
    let line = OrderLineInput { item: "NOPE".into(), quantity: "many".into(), unit: String::new() };
    let typed = OrderInput { due_at: "soon".into(), lines: vec![line], ..OrderInput::default() };
    let faults = refused(&[
        ("due_at", "must be a time such as 2027-06-01T08:00"),
        ("lines[0].item", "item \"NOPE\" does not exist"),
        ("lines[0].quantity", "must be a number"),
    ]);
    samples.add("order-new-refused", &form(typed, faults));
    let names = ["order-draft", "order-open", "order-picking", "order-picked", "order-shipped", "order-cancelled"];
    for (name, state) in names.into_iter().zip(OrderState::ALL) {
        let one = OrderPage {
            page: page("SO-251121-A1B2C3D4", "/orders/SO-1"),
            href: "/orders/SO-1".into(),
            order: order(*state),
            picked_percent: 50.0,
            is_late: true,
            pick_lists: vec![list_row(PickListState::Open), list_row(PickListState::Done)],
            staging: vec![Choice::new("STAGE-1", "STAGE-1")],
            can_write: true,
        };
        samples.add(name, &one);
    }
}

fn pick_list(state: PickListState) -> PickListDto {
    PickListDto {
        pick_list_id: id(5),
        code: "P-251121-A1B2C3D4".into(),
        facility_id: id(2),
        facility_code: "BER".into(),
        order_id: id(1),
        order_code: "SO-251121-A1B2C3D4".into(),
        customer: "Jonas <b>Weiß</b>".into(),
        due_at: Some(ago(60)),
        urgent: true,
        state,
        to_location_code: (state == PickListState::Open).then(|| "STAGE-1".into()),
        created_at: ago(30),
        closed_at: None,
        lines_total: 4,
        lines_open: 2,
        lines: None,
    }
}

fn list_row(state: PickListState) -> PickListRow {
    PickListRow {
        href: "/picking/P-1".into(),
        order_href: "/orders/SO-1".into(),
        done_percent: 50.0,
        pick_list: pick_list(state),
    }
}

fn pick_line(n: u128, name: &str, state: PickLineState) -> PickLineDto {
    PickLineDto {
        line_id: id(n),
        order_line_id: id(9),
        item_id: id(40),
        item_code: "MUG-BLU".into(),
        item_name: name.into(),
        unit: "EA".into(),
        lot_number: n.is_multiple_of(2).then(|| "L2511-07".into()),
        location_id: id(3),
        location_code: "A-03-12-2".into(),
        aisle: if n == 1 { String::new() } else { "A".into() },
        pick_sequence: Some(12),
        quantity: "12".into(),
        picked: "4".into(),
        state,
        reason: if state == PickLineState::Short { "only <4> were there".into() } else { String::new() },
        decided_at: Some(ago(2)),
        decided_by: Some(id(8)),
    }
}

fn picking(samples: &mut Samples) {
    let lists = |pick_lists| PickLists {
        page: page("Picking", "/picking"),
        filter: PickListsFilter::default(),
        facilities: facilities(),
        pick_lists,
        pager: Pager::default(),
    };
    samples.add("pick-lists", &lists(PickListState::ALL.iter().map(|state| list_row(*state)).collect()));
    samples.add("pick-lists-empty", &lists(vec![]));
    let one = |open, state, input, errors, can_pick| PickListPage {
        page: page("P-251121-A1B2C3D4", "/picking/P-1"),
        href: "/picking/P-1".into(),
        order_href: "/orders/SO-1".into(),
        pick_list: pick_list(state),
        done_percent: 50.0,
        open,
        done: vec![
            pick_line(6, LONG, PickLineState::Picked),
            pick_line(7, "Mug <b>blue</b>", PickLineState::Short),
            pick_line(8, "Mug", PickLineState::Cancelled),
        ],
        input,
        errors,
        can_pick,
    };
    let open = || vec![pick_line(1, LONG, PickLineState::Open), pick_line(2, "Ceramic mug, blue", PickLineState::Open)];
    samples.add("pick-list", &one(open(), PickListState::Open, ShortInput::default(), Errors::none(), true));
    samples.add("pick-list-done", &one(vec![], PickListState::Done, ShortInput::default(), Errors::none(), true));
    samples.add("pick-list-reader", &one(open(), PickListState::Open, ShortInput::default(), Errors::none(), false));
    let typed = ShortInput { line_id: id(2).to_string(), picked: "40".into(), ..ShortInput::default() };
    let faults =
        Errors::from(&platform::Error::conflict("item \"MUG-BLU\" in \"A-03-12-2\" is PICKED already; somebody was faster"));
    samples.add("pick-list-refused", &one(open(), PickListState::Open, typed, faults, true));
}

fn tasks(samples: &mut Samples) {
    let row = |n: u128, state, kind| TaskRow {
        is_mine: n == 3,
        task: MoveTaskDto {
            task_id: id(n),
            facility_id: id(2),
            facility_code: "BER".into(),
            kind,
            state,
            plan_id: Some(id(70)),
            item_id: id(40),
            item_code: "MUG-BLU".into(),
            item_name: LONG.into(),
            unit: "EA".into(),
            lot_number: Some("L2511-07".into()),
            quantity: "12".into(),
            from_location_id: id(3),
            from_location_code: "A-03-12-2".into(),
            to_location_id: id(4),
            to_location_code: "B-01-01-1".into(),
            reason: "saves 14 m <each day>".into(),
            claimed_by: None,
            claimed_by_name: if state == MoveTaskState::Claimed { "Jonas <b>Weiß</b>".into() } else { String::new() },
            claimed_at: None,
            closed_at: None,
            closed_reason: if state == MoveTaskState::Cancelled { "not worth it".into() } else { String::new() },
            movement_id: None,
            version: 1,
            created_at: ago(60),
            updated_at: ago(6),
        },
    };
    let list = |tasks: Vec<TaskRow>, filter| TaskList {
        page: page("Move tasks", "/move-tasks"),
        filter,
        facilities: facilities(),
        proposed: tasks.len().min(1),
        tasks,
        pager: Pager::default(),
        can_work: true,
        can_approve: true,
    };
    let kinds = MoveTaskKind::ALL.iter().cycle();
    let rows = MoveTaskState::ALL.iter().zip(kinds).enumerate();
    let rows = rows.map(|(n, (state, kind))| row(n as u128 + 1, *state, *kind)).collect();
    samples.add("move-tasks", &list(rows, TaskListFilter::default()));
    samples.add("move-tasks-empty", &list(vec![], TaskListFilter::default()));
    samples.add("move-tasks-none", &list(vec![], TaskListFilter { kind: "RESLOT".into(), ..TaskListFilter::default() }));
}
