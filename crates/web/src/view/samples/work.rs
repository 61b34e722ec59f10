use super::*;

pub fn add(samples: &mut Samples) {
    receipts(samples);
    receipt(samples);
    putaway(samples);
    moving(samples);
}

fn receipts(samples: &mut Samples) {
    let row = |code: &str, kind: &str, state: &str, received, is_late| ReceiptRow {
        href: format!("/receipts/{code}"),
        code: code.into(),
        kind: kind.into(),
        state: state.into(),
        facility: "Berlin".into(),
        supplier: if kind == "BLIND" { String::new() } else { "Nordwind Handel GmbH & Co. KG".into() },
        expected_at: (kind != "BLIND").then(|| ago(if is_late { 180 } else { -300 })),
        is_late,
        line_count: 50,
        received_line_count: received,
        received_percent: received as f64 * 2.0,
    };
    let list = |receipts, filter| ReceiptList {
        page: page("Receipts", "/receipts"),
        filter,
        facilities: facilities(),
        receipts,
        pager: Pager::default(),
        can_receive: true,
    };
    let rows = vec![
        row("RCV-2041", "EXPECTED", "OPEN", 0, true),
        row("RCV-2040", "EXPECTED", "RECEIVING", 12, false),
        row("RCV-2039", "BLIND", "CLOSED", 50, false),
        row("RCV-2038", "EXPECTED", "CANCELLED", 0, false),
    ];
    samples.add("receipts", &list(rows, ReceiptFilter::default()));
    samples.add("receipts-none", &list(vec![], ReceiptFilter { q: "zzz".into(), ..ReceiptFilter::default() }));
    samples.add("receipts-empty", &list(vec![], ReceiptFilter::default()));
}

fn line(number_: i32, item: &str, name: &str, expected: &str, received: &str, tracked: bool) -> ReceiptLine {
    ReceiptLine {
        line_id: format!("0192f0c1-0000-7000-8000-{number_:012}"),
        line_no: number_,
        item: item.into(),
        item_name: name.into(),
        item_href: format!("/items/{item}"),
        unit: "EA".into(),
        is_lot_tracked: tracked,
        is_serial_tracked: tracked,
        has_shelf_life: tracked,
        expected: number(expected),
        received: number(received),
        outcome: LineOutcome::of(number(expected), number(received), false),
        lot: if tracked { "L2511-07".into() } else { String::new() },
        expires_on: tracked.then(|| in_days(400)),
    }
}

fn receipt(samples: &mut Samples) {
    let lines = || {
        vec![
            line(1, "MUG-BLU", "Ceramic mug, blue", "1248.500000", "0", true),
            line(2, "HOSE-25", "Garden hose 25 m, half inch, with brass couplings and wall bracket", "40", "10", false),
            line(3, "LAMP-12", "Desk lamp", "12", "12", false),
            line(4, "BOLT-M8", "Bolt M8 × 40, zinc", "500", "520", false),
        ]
    };
    let show = |state: &str, lines: Vec<ReceiptLine>, errors| ReceiptPage {
        page: page("RCV-2041", "/receipts/RCV-2041"),
        href: "/receipts/RCV-2041".into(),
        code: "RCV-2041".into(),
        kind: "EXPECTED".into(),
        state: state.into(),
        facility: Choice::new("BER", "Berlin"),
        supplier: "Nordwind Handel".into(),
        expected_at: Some(ago(180)),
        closed_at: (state == "CLOSED").then(|| ago(5)),
        version: 3,
        received_line_count: 2,
        received_percent: 50.0,
        cross_docks: if state == "RECEIVING" { vec![cross_dock("CRITICAL")] } else { vec![] },
        to_put_away_count: if state == "OPEN" { 0 } else { 2 },
        putaway_href: "/putaway?facility=BER".into(),
        receiving_locations: vec![Choice::new("RCV-01", "RCV-01"), Choice::new("RCV-02", "RCV-02")],
        input: ReceiveInput::proposed(&lines),
        lines,
        errors,
        can_receive: true,
        can_put_away: true,
    };
    samples.add("receipt-open", &show("OPEN", lines(), Errors::none()));
    let mut refused_page = show(
        "RECEIVING",
        lines(),
        refused(&[("lines[0].quantity", "must be a number, for instance 12 or 0.5"), ("lines[1].lot", "is too long")]),
    );
    refused_page.input.lines[0].quantity = "twelve".into();
    refused_page.input.lines[1].lot = "L".repeat(70);
    samples.add("receipt-refused", &refused_page);
    samples.add("receipt-closed", &show("CLOSED", lines(), Errors::none()));
    samples.add("receipt-no-lines", &show("OPEN", vec![], Errors::none()));
    let blind = |lines, errors| BlindReceipt {
        page: page("Receive without notice", "/receipts/new"),
        facilities: facilities(),
        input: BlindReceiptInput { facility: "BER".into(), lines, ..BlindReceiptInput::default() },
        errors,
    };
    samples.add("receipt-new", &blind(vec![], Errors::none()));
    let typed = NewLineInput { item: "UNKNOWN-1".into(), quantity: "0".into(), ..NewLineInput::default() };
    samples.add(
        "receipt-new-refused",
        &blind(vec![typed; 5], refused(&[("lines[0].item", "does not exist"), ("lines[0].quantity", "must be greater than 0")])),
    );
}

fn cross_dock(urgency: &str) -> CrossDock {
    CrossDock {
        urgency: urgency.into(),
        order: "SO-7731".into(),
        due_at: ago(-300),
        item: "HOSE-25".into(),
        item_name: "Garden hose 25 m, half inch, with brass couplings and wall bracket".into(),
        lot: "L2511-07".into(),
        quantity: number("12"),
        from: "RCV-01".into(),
    }
}

fn recommendation(n: u32, item: (&str, &str), quantity: &str, location: &str, score: f64) -> Recommendation {
    let part = |label: &str, points, max| ScorePart { label: label.into(), points, max };
    let other = |location: &str, score, why: &str| Alternative {
        location: location.into(),
        location_href: format!("/locations/{location}?facility=BER"),
        score,
        fill_after_percent: 91.0,
        why_not: why.into(),
    };
    Recommendation {
        id: format!("0192f0c1-0000-7000-8000-{n:012}"),
        item: item.0.into(),
        item_name: item.1.into(),
        item_href: format!("/items/{}", item.0),
        lot: if n == 2 { String::new() } else { "L2511-07".into() },
        quality_status: if n == 3 { "QUARANTINE".into() } else { "RELEASED".into() },
        quantity: number(quantity),
        unit: "EA".into(),
        from: "RCV-01".into(),
        location: location.into(),
        location_href: format!("/locations/{location}?facility=BER"),
        location_detail: "Zone A, aisle 3, rack 12, shelf 2".into(),
        fill_before_percent: 48.2,
        fill_after_percent: 71.6,
        score,
        parts: vec![
            part("Class match", 25.0, 25.0),
            part("Fill after", 22.75, 25.0),
            part("Travel", 27.1, 35.0),
            part("Location type", 15.0, 15.0),
            part("Bought together", 2.5, 10.0),
            part("Busy aisle", -3.25, 0.0),
        ],
        confidence_percent: 84.0,
        acceptance_percent: (n != 2).then_some(91.3),
        reason:
            "Class A item in a class A pick face near the dock; joins the same lot and ends at 72% full, inside the best range."
                .into(),
        alternatives: vec![
            other("A-03-13-1", 81.4, "Would end at 91% full, above the best range of 60–85%."),
            other("A-04-02-2", 77.9, "18 m farther from the dock for an item picked 14 times a day."),
            other("B-01-01-1", 64.0, "Class C location; this is a class A item."),
        ],
        would_change: vec!["With 12.5 l less room at A-03-12-2, A-03-13-1 would be the choice.".into()],
        order: if n == 2 { "SO-7731".into() } else { String::new() },
        urgency: if n == 2 { "CRITICAL".into() } else { String::new() },
        algorithm: if n == 2 { "CROSS_DOCK".into() } else { "OPTIMAL".into() },
        expires_at: ago(if n == 2 { -4 } else { -26 }),
        expires_soon: n == 2,
        error: None,
        typed_location: String::new(),
        typed_feedback: String::new(),
    }
}

fn putaway(samples: &mut Samples) {
    let board = |waiting, recommendations: Vec<Recommendation>, unplaced| PutawayBoard {
        page: page("Putaway", "/putaway"),
        facilities: facilities(),
        facility: Some(Choice::new("BER", "Berlin")),
        waiting_total: 23,
        waiting,
        open_total: recommendations.len() as u64,
        recommendations,
        unplaced,
        cross_docks: vec![cross_dock("CRITICAL"), cross_dock("MEDIUM")],
        method: "OPTIMAL".into(),
        switched_off: vec!["SKU_AFFINITY_ENABLED".into(), "ML_MODEL_ENABLED".into()],
        errors: Errors::none(),
        can_decide: true,
    };
    let waiting = || {
        vec![WaitingLine {
            receipt: "RCV-2041".into(),
            receipt_href: "/receipts/RCV-2041".into(),
            item: "MUG-BLU".into(),
            item_name: "Ceramic mug, blue".into(),
            lot: "L2511-07".into(),
            quantity: number("48"),
            unit: "EA".into(),
            from: "RCV-01".into(),
            received_at: ago(34),
        }]
    };
    let unplaced = Unplaced {
        item: "KAYAK".into(),
        item_name: "Kayak, two seats".into(),
        item_href: "/items/KAYAK".into(),
        lot: String::new(),
        quantity: number("3"),
        unit: "EA".into(),
        reason_code: "TOO_LARGE".into(),
        reason: "No location is 4,900 mm long inside.".into(),
        nearest_miss: Some("BULK-02 is short by 300 mm.".into()),
        mend: "Add a location that is long enough, or correct the item's dimensions.".into(),
    };
    let some = vec![
        recommendation(1, ("MUG-BLU", "Ceramic mug, blue"), "48", "A-03-12-2", 88.6),
        recommendation(
            2,
            ("HOSE-25", "Garden hose 25 m, half inch, with brass couplings and wall bracket"),
            "12",
            "A-05-04-1",
            79.2,
        ),
        Recommendation { alternatives: vec![], ..recommendation(3, ("LAMP-12", "Desk lamp"), "6", "QA-01", 61.0) },
    ];
    samples.add("putaway", &board(vec![], some, vec![]));
    let refused = Recommendation {
        error: Some("The goods do not fit A-01-01-1: 12% of the volume is missing. Choose another location.".into()),
        typed_location: "A-01-01-1".into(),
        typed_feedback: "nearer".into(),
        ..recommendation(4, ("MUG-RED", "Ceramic mug, red"), "24", "A-03-12-3", 84.0)
    };
    samples.add("putaway-mixed", &board(waiting(), vec![refused], vec![unplaced]));
    samples.add("putaway-waiting", &board(waiting(), vec![], vec![]));
    samples.add("putaway-empty", &PutawayBoard { waiting_total: 0, cross_docks: vec![], ..board(vec![], vec![], vec![]) });
    let viewer = PutawayBoard {
        can_decide: false,
        ..board(waiting(), vec![recommendation(1, ("MUG-BLU", "Ceramic mug, blue"), "48", "A-03-12-2", 88.6)], vec![])
    };
    samples.add("putaway-viewer", &viewer);
    samples.add(
        "putaway-no-facility",
        &PutawayBoard { facility: None, facilities: vec![], waiting_total: 0, ..board(vec![], vec![], vec![]) },
    );
}

fn moving(samples: &mut Samples) {
    let list = |movements, filter| MovementList {
        page: page("Movements", "/movements"),
        filter,
        movements,
        pager: pager(),
        can_move: true,
    };
    samples.add("movements", &list(movements(), MovementFilter::default()));
    samples.add("movements-none", &list(vec![], MovementFilter { kind: "SCRAP".into(), ..MovementFilter::default() }));
    samples.add("movements-empty", &list(vec![], MovementFilter::default()));
    let form = |input, errors| MovementForm {
        page: page("New movement", "/movements/new"),
        facilities: facilities(),
        reasons: vec!["count".into(), "damaged".into()],
        input,
        errors,
    };
    samples.add("movement-new", &form(MovementInput::default(), Errors::none()));
    let adjustment = MovementInput {
        kind: "ADJUSTMENT".into(),
        item: "MUG-BLU".into(),
        quantity: "1e309".into(),
        from: "A-03-12-2".into(),
        ..MovementInput::default()
    };
    samples.add(
        "movement-refused",
        &form(adjustment, refused(&[("quantity", "must be below 1,000,000,000,000"), ("reason", "must say why")])),
    );
}
