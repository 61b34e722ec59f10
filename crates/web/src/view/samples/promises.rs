use super::*;

pub fn add(samples: &mut Samples) {
    let row = |reference: &str, kind: &str, state: &str, open: &str, shortage: &str| ReservationRow {
        href: "/reservations/0192".into(),
        item: "MUG-BLU".into(),
        item_name: "Ceramic mug, <b>blue</b>".into(),
        unit: "EA".into(),
        reference: reference.into(),
        kind: kind.into(),
        state: state.into(),
        quantity: number("40"),
        open: number(open),
        fulfilled: number("12"),
        shortage: number(shortage),
        fulfilled_percent: 30.0,
        expires_at: (kind == "HARD").then(|| ago(-90)),
        created_at: ago(200),
    };
    let list = |reservations, filter, pager| ReservationList {
        page: page("Reservations", "/reservations"),
        filter,
        reservations,
        pager,
        can_reserve: true,
    };
    let rows = vec![
        row("SO-1044", "HARD", "ACTIVE", "28", "0"),
        row("", "SOFT", "ACTIVE", "40", "0"),
        row("SO-1039 <script>", "HARD", "SHORT", "20", "8"),
        row("SO-1012", "HARD", "FULFILLED", "0", "0"),
    ];
    samples.add("reservations", &list(rows, ReservationFilter::default(), pager()));
    let odd = ReservationFilter { item: "\"odd\" & <b>".into(), ..ReservationFilter::default() };
    samples.add("reservations-none", &list(vec![], odd, Pager::default()));
    samples.add("reservations-empty", &list(vec![], ReservationFilter::default(), Pager::default()));
    one(samples, row("SO-1044", "HARD", "ACTIVE", "28", "0"), row("", "SOFT", "ACTIVE", "40", "0"));
    let form = |input, errors| ReservationForm {
        page: page("New reservation", "/reservations/new"),
        facilities: vec![Choice::new("BER", "Berlin"), Choice::new("HAM", "Hamburg")],
        input,
        errors,
    };
    samples.add("reservation-new", &form(ReservationInput::default(), Errors::none()));
    let typed =
        ReservationInput { item: "MUG".into(), quantity: "many".into(), allow_partial: true, ..ReservationInput::default() };
    let errors = refused(&[("item", "item \"MUG\" does not exist"), ("quantity", "must be a decimal number such as 12.5")]);
    samples.add("reservation-refused", &form(typed, errors));
}

fn one(samples: &mut Samples, hard: ReservationRow, soft: ReservationRow) {
    let place = |location: &str, lot: Option<&str>| AllocationRow {
        facility: "BER".into(),
        location: location.into(),
        location_href: format!("/locations/{location}?facility=BER"),
        lot: lot.map(str::to_owned),
        quantity: number("14"),
    };
    let page_of = |reservation, allocations, errors| ReservationPage {
        page: page("Reservation SO-1044", "/reservations/0192"),
        href: "/reservations/0192".into(),
        reservation,
        item_href: "/items/MUG-BLU".into(),
        facility: Some("BER".into()),
        strategy: "FEFO".into(),
        priority: 5,
        released: number("0"),
        needed_at: Some(ago(-3000)),
        updated_at: ago(5),
        allocations,
        input: PartInput::default(),
        errors,
        can_reserve: true,
    };
    let bound = vec![place("A-03-12-2", Some("L2511-07")), place("A-03-13-1", None)];
    samples.add("reservation", &page_of(hard, bound, refused(&[("quantity", "only 28 of the reservation are open")])));
    samples.add("reservation-soft", &page_of(soft, vec![], Errors::none()));
}

/// For the page of an item.
pub fn promise() -> ItemPromise {
    let day = |days: u64, receipts: &str, commitments: &str, left: &str, percent| PromiseDay {
        date: (ago(0) + Days::new(days)).date_naive(),
        receipts: number(receipts),
        commitments: number(commitments),
        projected: number(left),
        available_to_promise: number(left),
        percent,
    };
    ItemPromise {
        available_to_promise: number("1096.5"),
        reserved_soft: number("100"),
        overdue: number("48"),
        undated: number("12"),
        days: vec![day(3, "0", "100", "1096.5", 64.6), day(9, "600", "0", "1696.5", 100.0)],
        reservations_href: "/reservations?item=MUG-BLU".into(),
    }
}
