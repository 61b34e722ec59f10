use super::*;

pub fn add(samples: &mut Samples) {
    item(samples);
    ageing(samples);
}

fn bars(quantities: [&str; 6]) -> Vec<AgeBar> {
    let days = ["0-30", "31-60", "61-90", "91-180", "181-365", "over 365"];
    let percents = [62.0, 20.0, 0.2, 0.0, 17.8, 0.0];
    let rows = days.into_iter().zip(quantities).zip(percents);
    rows.map(|((days, quantity), percent)| AgeBar { days: days.into(), quantity: number(quantity), percent }).collect()
}

fn then(location: &str, lot: Option<&str>, status: &str, on_hand: &str) -> ThenRow {
    ThenRow {
        location: location.into(),
        location_href: format!("/locations/BER/{location}"),
        facility: "BER".into(),
        lot: lot.map(str::to_owned),
        expires_on: lot.map(|_| in_days(300)),
        quality_status: status.into(),
        on_hand: number(on_hand),
    }
}

fn order(location: &str, days: Option<u64>, not_offered: Option<&str>) -> OrderRow {
    OrderRow {
        location: location.into(),
        location_href: format!("/locations/BER/{location}"),
        facility: "BER".into(),
        lot: days.map(|days| format!("L-{days}")),
        expires_on: days.map(in_days),
        available: number("40"),
        not_offered: not_offered.map(str::to_owned),
    }
}

fn item(samples: &mut Samples) {
    let points: Vec<_> = (0..121_i64)
        .map(|n| (now() - TimeDelta::hours((120 - n) * 18), rust_decimal::Decimal::from(800 + (n * 37) % 211 - 4 * n)))
        .collect();
    let full = ItemHistory {
        page: page("History of Ceramic mug, blue", "/items/MUG-BLU/history"),
        href: "/items/MUG-BLU".into(),
        code: "MUG-BLU".into(),
        name: "Ceramic mug, blue <b>".into(),
        unit: "EA".into(),
        filter: HistoryFilter { at: "2025-11-01T08:00".into(), by: "recorded_at".into(), days: String::new() },
        at: now(),
        on_hand: number("1236.5"),
        then: vec![then("A-03-12-2", Some("L2511-07"), "RELEASED", "1196.5"), then("QA-01", None, "QUARANTINE", "40")],
        is_cut: true,
        from: now() - TimeDelta::days(90),
        chart: line_chart(&points),
        ages: bars(["766.5", "247", "2.5", "0", "220.5", "0"]),
        turnover: TurnoverFigures {
            issued: number("4210"),
            received: number("4400"),
            average: number("612.25"),
            turns: Some(number("6.8763")),
            days_of_cover: Some(number("26.4")),
        },
        order: vec![
            order("A-03-12-2", Some(11), None),
            order("A-03-13-1", Some(120), None),
            order("QA-01", None, Some("NOT_RELEASED")),
            order("A-04-01-1", Some(0), Some("EXPIRED")),
        ],
    };
    samples.add("item-history", &full);
    let nothing =
        TurnoverFigures { issued: number("0"), received: number("0"), average: number("0"), turns: None, days_of_cover: None };
    let bare = ItemHistory {
        then: vec![],
        order: vec![],
        is_cut: false,
        on_hand: number("0"),
        filter: HistoryFilter::default(),
        chart: line_chart(&[(now() - TimeDelta::days(90), number("0")), (now(), number("0"))]),
        turnover: nothing,
        page: page("History of Desk lamp", "/items/LAMP/history"),
        ..full
    };
    samples.add("item-history-bare", &bare);
}

fn ageing(samples: &mut Samples) {
    let row = |code: &str, name: &str| AgeingRow {
        href: format!("/items/{code}"),
        code: code.into(),
        name: name.into(),
        unit: "EA".into(),
        on_hand: number("1236.5"),
        quantities: ["766.5", "247", "2.5", "0", "220.5", "0"].map(number).to_vec(),
    };
    let list = |items: Vec<AgeingRow>, pager| StockAgeing {
        page: page("Stock ageing", "/stock-ageing"),
        item_count: items.len() as u64,
        total: bars(["1533", "494", "5", "0", "441", "0"]),
        items,
        pager,
    };
    let rows = vec![row("MUG-BLU", "Ceramic mug, blue"), row("HOSE-25", "Garden hose 25 m, half inch <script>alert(1)</script>")];
    samples.add("stock-ageing", &list(rows, pager()));
    samples.add("stock-ageing-empty", &list(vec![], Pager::default()));
}
