use super::*;

pub fn add(samples: &mut Samples) {
    items(samples);
    item(samples);
    locations(samples);
    location(samples);
    imports(samples);
}

fn items(samples: &mut Samples) {
    let item = |code: &str, name: &str, category: &str, class: &str, on_hand: &str, is_active| ItemRow {
        href: format!("/items/{code}"),
        code: code.into(),
        name: name.into(),
        category: category.into(),
        abc_class: class.into(),
        base_unit: "EA".into(),
        on_hand: number(on_hand),
        location_count: 3,
        is_active,
    };
    let list = |items, filter, pager| ItemList {
        page: page("Items", "/items"),
        filter,
        categories: vec!["Kitchen".into(), "Garden".into()],
        items,
        pager,
        can_write: true,
    };
    let rows = vec![
        item("MUG-BLU", "Ceramic mug, blue", "Kitchen", "A", "1248.500000", true),
        item(
            "HOSE-25",
            "Garden hose 25 m, half inch, with brass couplings and wall bracket, anthracite",
            "Garden",
            "B",
            "40",
            true,
        ),
        item("X-<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "", "C", "0", true),
        item("LAMP-OLD", "Desk lamp (discontinued)", "Office", "C", "3", false),
    ];
    samples.add("items", &list(rows, ItemFilter::default(), pager()));
    samples.add(
        "items-none",
        &list(
            vec![],
            ItemFilter { q: "\"quoted\" & odd".into(), active: "yes".into(), ..ItemFilter::default() },
            Pager::default(),
        ),
    );
    samples.add("items-empty", &list(vec![], ItemFilter::default(), Pager::default()));
}

fn item(samples: &mut Samples) {
    let stock = |location: &str, lot: Option<&str>, status: &str, on_hand: &str, days: Option<u64>| StockRow {
        facility: "Berlin".into(),
        location: location.into(),
        location_href: format!("/locations/{location}?facility=BER"),
        lot: lot.map(str::to_owned),
        expires_on: days.map(in_days),
        expires_soon: days.is_some_and(|days| days < 30),
        quality_status: status.into(),
        on_hand: number(on_hand),
        reserved: number("0"),
    };
    let full = ItemPage {
        page: Page {
            flash: Some(Flash { kind: FlashKind::Done, text: "Saved MUG-BLU.".into() }),
            ..page("Ceramic mug, blue", "/items/MUG-BLU")
        },
        href: "/items/MUG-BLU".into(),
        code: "MUG-BLU".into(),
        name: "Ceramic mug, blue".into(),
        description: "Stoneware, 330 ml, dishwasher-proof.".into(),
        category: "Kitchen".into(),
        abc_class: "A".into(),
        base_unit: "EA".into(),
        length_mm: Some(120),
        width_mm: Some(90),
        height_mm: Some(100),
        volume_cm3: Some(1080),
        weight_g: Some(310),
        picks_per_day: number("14.5"),
        unit_value: Some(number("4.90")),
        shelf_life_days: Some(730),
        is_lot_tracked: true,
        is_serial_tracked: true,
        serials_href: "/serials?item=MUG".into(),
        temperature_min_c: Some(number("5")),
        temperature_max_c: None,
        hazard_class: Some("3".into()),
        security_zone: "RESTRICTED".into(),
        max_stack: Some(6),
        is_active: true,
        version: 4,
        updated_at: ago(4000),
        units: vec![ItemUnit { unit: "CASE".into(), factor: number("12") }],
        barcodes: vec![Barcode { barcode: "4006381333931".into(), unit: "EA".into() }],
        on_hand: number("1248.5"),
        reserved: number("40"),
        available: number("1196.5"),
        in_transit_quantity: number("48"),
        in_transit: between::travelling(),
        not_released: number("12"),
        promise: promises::promise(),
        stock: vec![
            stock("A-03-12-2", Some("L2511-07"), "RELEASED", "1196.5", Some(600)),
            stock("A-03-13-1", Some("L2509-01"), "RELEASED", "40", Some(11)),
            stock("QA-01", None, "QUARANTINE", "12", None),
        ],
        movements: movements(),
        movements_href: "/movements?item=MUG-BLU".into(),
        can_write: true,
        can_move: true,
        can_reserve: true,
    };
    samples.add("item", &full);
    let bare = ItemPage {
        in_transit_quantity: number("0"),
        in_transit: vec![],
        promise: ItemPromise { reservations_href: "/reservations?item=BOLT-M8".into(), ..ItemPromise::default() },
        can_reserve: false,
        stock: vec![],
        movements: vec![],
        units: vec![],
        barcodes: vec![],
        length_mm: None,
        volume_cm3: None,
        weight_g: None,
        unit_value: None,
        temperature_min_c: None,
        hazard_class: None,
        shelf_life_days: None,
        max_stack: None,
        is_active: false,
        can_move: false,
        can_write: false,
        page: page("Desk lamp", "/items/LAMP"),
        ..full
    };
    samples.add("item-bare", &bare);
    let form = |href: Option<&str>, input, errors| ItemForm {
        page: page(if href.is_some() { "Edit MUG-BLU" } else { "New item" }, "/items/new"),
        href: href.map(str::to_owned),
        categories: vec!["Kitchen".into()],
        input,
        errors,
    };
    samples.add("item-new", &form(None, ItemInput::default(), Errors::none()));
    let typed = ItemInput {
        code: "MUG-BLU".into(),
        name: "Ceramic mug".into(),
        weight: "heavy".into(),
        lot_tracked: true,
        serial_tracked: true,
        units: vec![UnitInput { unit: "CASE".into(), factor: "0".into() }],
        barcodes: vec![BarcodeInput { barcode: "4006381333931".into(), unit: "EA".into() }],
        ..ItemInput::default()
    };
    let errors = refused(&[
        ("code", "is used by another item"),
        ("weight", "must be a number, for instance 1.25"),
        ("units[0].factor", "must be greater than 0"),
    ]);
    samples.add("item-refused", &form(Some("/items/MUG-BLU"), typed, errors));
}

/// Twelve aisles with two sides and four levels by coordinates, and a few places without any.
fn bins() -> Vec<Bin> {
    let mut bins = Vec::new();
    for aisle in 1..=6_i64 {
        for side in 0..2_i64 {
            for bay in 1..=20_i64 {
                for level in 1..=4_i64 {
                    let odd = (aisle * 31 + side * 17 + bay * 7 + level * 13) % 23;
                    let code = format!("A-{aisle:02}-{:02}-{level}", bay * 2 - side);
                    bins.push(Bin {
                        href: format!("/locations/{code}?facility=BER"),
                        code,
                        r#type: if level == 1 { "PICK_FACE" } else { "RESERVE" }.into(),
                        zone: "A".into(),
                        aisle: format!("A-{aisle:02}"),
                        rack: bay.to_string(),
                        shelf: level.to_string(),
                        position: String::new(),
                        x_mm: Some(bay * 1350),
                        y_mm: Some(aisle * 5200 + side * 2600),
                        z_mm: Some(level * 1600),
                        fill_percent: if odd < 5 { 0.0 } else { odd as f64 * 4.6 },
                        heat: odd as f64,
                        is_blocked: odd == 22 && level == 4,
                    });
                }
            }
        }
    }
    for (code, kind, fill) in
        [("RCV-01", "RECEIVING", 40.0), ("RCV-02", "RECEIVING", 0.0), ("QA-01", "QUARANTINE", 12.0), ("SHIP-1", "SHIPPING", 0.0)]
    {
        bins.push(Bin {
            code: code.into(),
            href: format!("/locations/{code}"),
            r#type: kind.into(),
            zone: "Dock".into(),
            fill_percent: fill,
            ..Bin::default()
        });
    }
    bins
}

fn locations(samples: &mut Samples) {
    let row = |code: &str, fill_percent, is_active, is_available| LocationRow {
        href: format!("/locations/{code}?facility=BER"),
        code: code.into(),
        r#type: "PICK_FACE".into(),
        zone: "A".into(),
        aisle: "03".into(),
        abc_class: "A".into(),
        fill_percent,
        weight_percent: 22.4,
        item_count: 2,
        is_active,
        is_available,
    };
    let list = |map, locations, facility: Option<Choice>| LocationList {
        page: page("Locations", "/locations"),
        facilities: facilities(),
        filter: LocationFilter { view: if map { "map" } else { "list" }.into(), ..LocationFilter::default() },
        map_href: "/locations?facility=BER&view=map".into(),
        list_href: "/locations?facility=BER&view=list".into(),
        total: if facility.is_some() { 964 } else { 0 },
        facility,
        fill: vec![FillCount { label: "Over 95%".into(), count: 9, href: "/locations?state=full".into() }],
        map: map.then(|| floor_map(&bins())),
        zones: vec!["A".into(), "Dock".into()],
        locations,
        pager: Pager::default(),
        can_write: true,
    };
    let berlin = || Some(Choice::new("BER", "Berlin"));
    samples.add("locations-map", &list(true, vec![], berlin()));
    let rows = vec![
        row("A-03-12-2", 62.5, true, true),
        row("A-03-12-3", 97.2, true, true),
        row("A-03-13-1", 104.0, true, false),
        row("A-03-13-2", 0.0, false, true),
    ];
    samples.add("locations-list", &list(false, rows, berlin()));
    samples.add("locations-none", &list(false, vec![], berlin()));
    samples.add("locations-empty", &list(false, vec![], None));
    let input = LocationInput { code: "A-03-12-2".into(), max_weight: "-4".into(), ..LocationInput::default() };
    let form = |href: Option<&str>, errors| LocationForm {
        page: page(if href.is_some() { "Edit A-03-12-2" } else { "New location" }, "/locations/new"),
        href: href.map(str::to_owned),
        list_href: "/locations?facility=BER".into(),
        facilities: facilities(),
        input: input.clone(),
        errors,
    };
    samples.add("location-new", &form(None, refused(&[("max_weight", "must not be negative")])));
    samples.add("location-edit", &form(Some("/locations/BER/A-03-12-2"), Errors::none()));
    samples.add(
        "facility-new",
        &FacilityForm { page: page("New facility", "/facilities/new"), input: FacilityInput::default(), errors: Errors::none() },
    );
}

fn location(samples: &mut Samples) {
    let content = |item: &str, name: &str, on_hand: &str, status: &str| Content {
        item: item.into(),
        item_name: name.into(),
        item_href: format!("/items/{item}"),
        lot: Some("L2511-07".into()),
        expires_on: Some(in_days(12)),
        expires_soon: true,
        quality_status: status.into(),
        on_hand: number(on_hand),
        reserved: number("4"),
        unit: "EA".into(),
    };
    let full = LocationPage {
        page: page("A-03-12-2", "/locations/A-03-12-2"),
        href: "/locations/BER/A-03-12-2".into(),
        edit_href: "/locations/BER/A-03-12-2/edit".into(),
        list_href: "/locations?facility=BER".into(),
        code: "A-03-12-2".into(),
        facility: Choice::new("BER", "Berlin"),
        r#type: "PICK_FACE".into(),
        zone: "A".into(),
        aisle: "03".into(),
        rack: "12".into(),
        shelf: "2".into(),
        position: String::new(),
        length_mm: Some(1200),
        width_mm: Some(800),
        height_mm: Some(1400),
        volume_cm3: 1_344_000,
        used_volume_cm3: 840_000,
        fill_percent: 62.5,
        max_weight_g: 800_000,
        used_weight_g: 214_500,
        weight_percent: 26.8,
        held: vec![HeldSpace {
            item: "HOSE-25".into(),
            item_name: "Garden hose 25 m".into(),
            quantity: number("12"),
            unit: "EA".into(),
            expires_at: ago(-18),
        }],
        held_percent: 14.0,
        past: ["ACCEPTED", "OVERRIDDEN", "REJECTED", "EXPIRED"].map(recommended).into(),
        pager: Pager { first: None, next: Some("/locations/BER/A-03-12-2?cursor=x".into()) },
        abc_class: "A".into(),
        pick_sequence: Some(1204),
        security_zone: "STANDARD".into(),
        ergonomic_zone: "GOLDEN".into(),
        mixing_policy: "SINGLE_ITEM".into(),
        temperature_min_c: None,
        temperature_max_c: Some(number("25.5")),
        is_active: true,
        is_available: true,
        blocked_reason: String::new(),
        version: 1,
        contents: vec![
            content("MUG-BLU", "Ceramic mug, blue", "1196.5", "RELEASED"),
            content("MUG-RED", "Ceramic mug, red", "12", "PENDING_INSPECTION"),
        ],
        movements: movements(),
        movements_href: "/movements?location=A-03-12-2".into(),
        can_write: true,
        can_move: true,
        errors: Errors::none(),
    };
    samples.add("location", &full);
    let blocked = LocationPage {
        is_available: false,
        blocked_reason: "Beam bent by a truck, wait for the fitter.".into(),
        contents: vec![],
        movements: vec![],
        held: vec![],
        past: vec![],
        pager: Pager::default(),
        length_mm: None,
        temperature_max_c: None,
        pick_sequence: None,
        fill_percent: 104.0,
        page: page("A-03-12-2", "/locations/A-03-12-2"),
        ..full
    };
    samples.add("location-blocked", &blocked);
}

fn recommended(state: &str) -> PastRecommendation {
    PastRecommendation {
        at: ago(300),
        item: "HOSE-25".into(),
        item_name: "Garden hose 25 m".into(),
        item_href: "/items/HOSE-25".into(),
        lot: if state == "ACCEPTED" { "L2511-07".into() } else { String::new() },
        quantity: number("12.5"),
        unit: "EA".into(),
        confidence_percent: 91.3,
        state: state.into(),
        instead: (state == "OVERRIDDEN").then(|| "A-03-12-3".into()),
        feedback: if state == "REJECTED" { "too high".into() } else { String::new() },
        decided_at: (state != "EXPIRED").then(|| ago(290)),
        by: if state == "EXPIRED" { String::new() } else { "Ada Berg".into() },
    }
}

fn imports(samples: &mut Samples) {
    let row = |file: &str, state: &str, is_dry_run| ImportRow {
        href: "/imports/1".into(),
        file_name: file.into(),
        kind: "items".into(),
        state: state.into(),
        is_dry_run,
        rows_total: 32_951,
        rows_bad: 12,
        by: "Ada Berg".into(),
        at: ago(70),
    };
    let list = |imports, errors| ImportList {
        page: page("Imports", "/imports"),
        facilities: facilities(),
        kinds: vec![
            ImportKind {
                kind: "items",
                hint: "Codes, names, sizes, weights",
                columns: columns(&[
                    ("code", "Code", true, "", "unique"),
                    ("name", "Name", false, "", ""),
                    ("weight", "Weight", false, "weight", "of one base unit"),
                ]),
            },
            ImportKind {
                kind: "locations",
                hint: "Codes, types, sizes, coordinates",
                columns: columns(&[("code", "Code", true, "", ""), ("length", "Length", false, "length", "inside")]),
            },
        ],
        input: ImportInput { map: "code=product_id".into(), ..ImportInput::default() },
        errors,
        imports,
        pager: Pager::default(),
        can_import: true,
    };
    let rows = vec![
        row("items-2025.csv", "DONE", true),
        row("locations.csv.gz", "REFUSED", false),
        row("x.csv", "RUNNING", false),
        row("y.csv", "FAILED", false),
    ];
    samples.add("imports", &list(rows, Errors::none()));
    samples.add("imports-refused", &list(vec![], refused(&[("file", "is empty; choose a CSV file with a header line")])));
    let problem = |line, column: &str, value: &str, reason: &str, mend: &str| RowProblem {
        line,
        column: column.into(),
        value: value.into(),
        reason: reason.into(),
        mend: mend.into(),
    };
    let result = |state: &str, is_dry_run, problems: Vec<RowProblem>| ImportPage {
        page: page("items-2025.csv", "/imports/1"),
        file_name: "items-2025.csv".into(),
        kind: "items".into(),
        state: state.into(),
        is_running: matches!(state, "QUEUED" | "RUNNING"),
        is_dry_run,
        is_skip_bad: false,
        rows_total: 32_951,
        rows_done: 14_200,
        rows_bad: problems.len() as u64,
        done_percent: 43.1,
        created_count: 32_939,
        updated_count: 0,
        problems_left_out: problems.len() as u64 * 10,
        problems,
        failure: (state == "FAILED").then(|| "The database did not answer; upload the file again.".into()),
        by: "Ada Berg".into(),
        at: ago(2),
        finished_at: (state == "DONE").then(|| ago(1)),
        apply_href: is_dry_run.then(|| "/imports/1/apply".into()),
    };
    let bad = || {
        vec![
            problem(106, "product_weight_g", "", "has no weight", "enter the weight in grams, or leave the column out"),
            problem(1290, "product_height_cm", "abc", "is not a number", "write 12.5 or 12,5"),
        ]
    };
    samples.add("import-running", &result("RUNNING", false, vec![]));
    samples.add("import-trial", &result("DONE", true, vec![]));
    samples.add("import-done", &result("DONE", false, bad()));
    samples.add("import-refused", &result("REFUSED", false, bad()));
    samples.add("import-failed", &result("FAILED", false, vec![]));
}
