use super::*;

pub fn add(samples: &mut Samples) {
    serials(samples);
    holds(samples);
}

fn serials(samples: &mut Samples) {
    let row = |number: &str, place: &str, is_in_stock: bool| SerialRow {
        href: "/serials/1".into(),
        number: number.into(),
        item: "PUMP-7".into(),
        item_name: "Circulation pump <b>7</b>, stainless".into(),
        item_href: "/items/PUMP-7".into(),
        lot: is_in_stock.then(|| "L2511-07".into()),
        facility: if is_in_stock { "BER".into() } else { String::new() },
        place: place.into(),
        place_href: is_in_stock.then(|| format!("/locations/BER/{place}")),
        quality_status: if number.ends_with('2') { "HOLD".into() } else { "RELEASED".into() },
        is_in_stock,
        moved_at: ago(50),
        first_seen_at: ago(90_000),
    };
    let list = |serials, filter| SerialList { page: page("Serial numbers", "/serials"), filter, serials, pager: pager() };
    let rows =
        || vec![row("SN-000001", "A-03-12-2", true), row("SN-000002", "A-03-12-2", true), row("SN-000003", "Customer", false)];
    samples.add("serials", &list(rows(), SerialFilter::default()));
    samples.add("serials-none", &list(vec![], SerialFilter { q: "zzz".into(), ..SerialFilter::default() }));
    samples.add("serials-empty", &list(vec![], SerialFilter::default()));
    let one =
        |serial, movements| SerialPage { page: page("SN-000001", "/serials/1"), serial, movements, pager: Pager::default() };
    samples.add("serial", &one(row("SN-000001", "A-03-12-2", true), movements()));
    samples.add("serial-gone", &one(row("SN-000003", "Customer", false), vec![]));
}

fn hold(reason: &str, is_active: bool, is_overdue: bool) -> HoldRow {
    HoldRow {
        href: "/holds/1".into(),
        item: "MUG-BLU".into(),
        item_name: "Ceramic mug, blue".into(),
        item_href: "/items/MUG-BLU".into(),
        unit: "EA".into(),
        lot: Some("L2511-07".into()),
        is_active,
        reason: reason.into(),
        reference: "QA-2041".into(),
        by: "Ada Berg".into(),
        since: ago(4_000),
        closed_at: (!is_active).then(|| ago(5)),
        until: is_overdue.then(|| ago(60)),
        is_overdue,
        quantity: number("48"),
        remaining: number(if is_active { "12.5" } else { "0" }),
        skipped_reserved: number(if is_overdue { "4" } else { "0" }),
    }
}

fn holds(samples: &mut Samples) {
    let list = |holds, filter| HoldList { page: page("Holds", "/holds"), filter, holds, pager: pager(), can_hold: true };
    let rows = vec![
        hold("Customer says it leaks", true, true),
        hold("Sample for the laboratory", true, false),
        hold("Wet <carton>", false, false),
    ];
    samples.add("holds", &list(rows, HoldFilter::default()));
    samples.add("holds-none", &list(vec![], HoldFilter { item: "zzz".into(), ..HoldFilter::default() }));
    samples.add("holds-empty", &list(vec![], HoldFilter::default()));
    let line = |location: &str, former: &str, remaining: &str| HoldLine {
        location: location.into(),
        location_href: format!("/locations/BER/{location}"),
        facility: "BER".into(),
        lot: Some("L2511-07".into()),
        former_status: former.into(),
        quantity: number("24"),
        remaining: number(remaining),
    };
    let decision = |disposition: &str, missing: &str| HoldDecision {
        disposition: disposition.into(),
        quantity: number("11.5"),
        missing: number(missing),
        reason: "the seal was only dirty".into(),
        by: "Jonas Weiß".into(),
        at: ago(30),
    };
    let one = |hold, decisions, errors| HoldPage {
        page: page("Hold on MUG-BLU", "/holds/1"),
        hold,
        lines: vec![line("A-03-12-2", "RELEASED", "12.5"), line("A-03-12-3", "QUARANTINE", "0")],
        decisions,
        input: DecisionInput::default(),
        errors,
        can_decide: true,
    };
    samples.add("hold", &one(hold("Customer says it leaks", true, true), vec![decision("RELEASE", "0")], Errors::none()));
    samples
        .add("hold-refused", &one(hold("Customer says it leaks", true, false), vec![], refused(&[("reason", "must say why")])));
    samples.add(
        "hold-decided",
        &one(hold("Wet carton", false, false), vec![decision("SCRAP", "1"), decision("REJECT", "0")], Errors::none()),
    );
    let form = |input, errors| HoldForm { page: page("Block stock", "/holds/new"), facilities: facilities(), input, errors };
    samples.add("hold-new", &form(HoldInput::default(), Errors::none()));
    let typed = HoldInput { item: "MUG-BLU".into(), quantity: "1e9".into(), serials: "A\nB".into(), ..HoldInput::default() };
    samples
        .add("hold-new-refused", &form(typed, refused(&[("quantity", "must be a decimal number"), ("reason", "must say why")])));
}
