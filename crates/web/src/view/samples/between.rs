//! Counts and transfers.

use inventory::QualityStatus;
use inventory::counting::{
    AccuracyDto, CountDto, CountEntryDto, CountLineDto, CountLocationDto, CountState, LineState, PlaceState, ProgressDto,
};
use uuid::Uuid;
use warehouse::{InTransitDto, TransferDto, TransferLineDto, TransferState};

use super::*;

pub fn add(samples: &mut Samples) {
    counts(samples);
    sheets(samples);
    transfers(samples);
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn figures(percent: Option<f64>) -> AccuracyDto {
    AccuracyDto { lines: 412, lines_within: 397, percent, absolute_variance: "38.5".into(), counts: Some(6) }
}

fn count(state: CountState, blind: bool) -> CountDto {
    CountDto {
        count_id: id(1),
        code: "C-251121-A1B2C3".into(),
        facility_id: id(2),
        facility_code: "BER".into(),
        state,
        blind,
        tolerance_quantity: "1".into(),
        tolerance_percent: "0.5".into(),
        item_ids: vec![],
        note: "aisle 3 <quarterly>".into(),
        version: 4,
        created_at: ago(400),
        updated_at: ago(3),
        closed_at: None,
        progress: ProgressDto {
            locations: 24,
            locations_started: 10,
            locations_counted: 9,
            lines: 61,
            lines_open: 4,
            lines_recount: 2,
            lines_approval: 3,
        },
        accuracy: Some(figures(Some(94.2))),
    }
}

fn place(code: &str, state: PlaceState) -> CountLocationDto {
    CountLocationDto {
        location_id: id(3),
        location_code: code.into(),
        sequence: 3,
        state,
        lines: 4,
        lines_to_count: 2,
        started_at: Some(ago(9)),
        counted_at: None,
        last_counted_at: (state == PlaceState::Counted).then(|| ago(90_000)),
    }
}

fn line(n: u128, name: &str, state: LineState, variance: &str, shows: bool) -> CountLineDto {
    let shown = |text: &str| shows.then(|| text.to_owned());
    let entry = CountEntryDto {
        attempt: 1,
        round: 1,
        counted: "46".into(),
        book: "48".into(),
        variance: variance.into(),
        counted_by: id(9),
        counted_by_name: "Jonas <b>Weiß</b>".into(),
        counted_at: ago(12),
    };
    CountLineDto {
        line_id: id(n),
        location_id: id(3),
        location_code: "A-03-12-2".into(),
        line_no: n as i32,
        item_id: id(4),
        item_code: "MUG-BLU".into(),
        item_name: name.into(),
        unit: "EA".into(),
        lot_id: None,
        lot_number: n.is_multiple_of(2).then(|| "L2511-07".into()),
        expires_on: None,
        quality_status: if n == 3 { QualityStatus::Hold } else { QualityStatus::Released },
        state,
        is_unexpected: n == 3,
        may_count: matches!(state, LineState::Open | LineState::Recount),
        may_approve: state == LineState::Approval && n != 3,
        book: shown("48"),
        counted: shown("46"),
        variance: shown(variance),
        within_tolerance: shows.then_some(false),
        entries: if shows { vec![entry.clone(), entry] } else { vec![] },
        movement_id: None,
        decided_at: None,
        reason: String::new(),
    }
}

const LONG: &str = "Garden hose 25 m, half inch, with brass couplings and wall bracket";

fn counts(samples: &mut Samples) {
    let list = |counts, filter, percent| CountList {
        page: page("Counts", "/counts"),
        filter,
        counts,
        figures: figures(percent),
        pager: Pager::default(),
        can_plan: true,
    };
    let row = |state, blind| CountRow { href: "/counts/C-1".into(), counted_percent: 37.5, count: count(state, blind) };
    let rows = vec![row(CountState::Review, true), row(CountState::Open, false), row(CountState::Cancelled, true)];
    samples.add("counts", &list(rows, CountListFilter::default(), Some(96.4)));
    samples.add("counts-empty", &list(vec![], CountListFilter::default(), None));
    samples.add("counts-none", &list(vec![], CountListFilter { q: "zzz".into(), ..CountListFilter::default() }, None));
    let form = |input, errors| CountForm { page: page("New count", "/counts/new"), facilities: facilities(), input, errors };
    samples.add("count-new", &form(CountInput { blind: true, ..CountInput::default() }, Errors::none()));
    let typed = CountInput { locations: "A-1, NOWHERE".into(), tolerance_percent: "120".into(), ..CountInput::default() };
    let faults = refused(&[("locations", "location \"NOWHERE\" does not exist"), ("tolerance_percent", "must be 0 to 100")]);
    samples.add("count-new-refused", &form(typed, faults));
    let review = |n, name: &str, variance: &str, bar_percent, is_loss| ReviewRow {
        line: line(n, name, LineState::Approval, variance, true),
        bar_percent,
        is_loss,
    };
    let one = |state, review, recounts| CountPage {
        page: page("C-251121-A1B2C3", "/counts/C-1"),
        href: "/counts/C-1".into(),
        counted_percent: 37.5,
        places: [PlaceState::Waiting, PlaceState::Started, PlaceState::Counted]
            .map(|state| CountPlaceRow { href: "/counts/C-1/at/A-03-12-2".into(), place: place("A-03-12-2", state) })
            .into(),
        pager: pager(),
        review,
        recounts,
        errors: Errors::none(),
        can_count: true,
        can_plan: true,
        can_approve: true,
        count: count(state, true),
    };
    let rows = vec![
        review(1, "Ceramic mug, blue", "-48", 100.0, true),
        review(2, LONG, "12.5", 26.0, false),
        review(3, "Desk lamp", "-1", 2.1, true),
    ];
    let again = vec![
        line(5, "Desk lamp", LineState::Recount, "-2", false),
        CountLineDto { may_count: false, ..line(6, LONG, LineState::Recount, "1", false) },
    ];
    samples.add("count-review", &one(CountState::Review, rows, again));
    samples.add("count-closed", &one(CountState::Closed, vec![], vec![]));
}

fn sheets(samples: &mut Samples) {
    let sheet = |state, open: Vec<CountLineDto>, done, errors| CountSheet {
        page: page("A-03-12-2", "/counts/C-1/at/A-03-12-2"),
        count_href: "/counts/C-1".into(),
        href: "/counts/C-1/at/A-03-12-2".into(),
        count: count(CountState::Counting, true),
        place: place("A-03-12-2", state),
        input: SheetInput {
            lines: open.iter().map(|line| SheetLineInput { line_id: line.line_id.to_string(), counted: "x".into() }).collect(),
            ..SheetInput::default()
        },
        open,
        done,
        errors,
        next_href: Some("/counts/C-1/at/A-03-12-3".into()),
        next_code: "A-03-12-3".into(),
        can_count: true,
        is_over: false,
    };
    samples.add("count-sheet-waiting", &sheet(PlaceState::Waiting, vec![], vec![], Errors::none()));
    let open = || vec![line(1, "Ceramic mug, blue", LineState::Open, "0", false), line(2, LONG, LineState::Recount, "0", false)];
    samples.add("count-sheet", &sheet(PlaceState::Started, open(), vec![], Errors::none()));
    let done = vec![line(3, "Desk lamp", LineState::Approved, "0", false)];
    let faults = refused(&[("lines[0].counted", "must be a number, for instance 12 or 0.5"), ("found_item", "does not exist")]);
    samples.add("count-sheet-refused", &sheet(PlaceState::Started, open(), done, faults));
    let open_count = vec![line(3, "Desk lamp", LineState::Approval, "-2", true)];
    let over = CountSheet { next_href: None, ..sheet(PlaceState::Counted, vec![], open_count, Errors::none()) };
    samples.add("count-sheet-done", &over);
    samples.add("count-sheet-over", &CountSheet { is_over: true, ..sheet(PlaceState::Counted, vec![], vec![], Errors::none()) });
}

pub fn travelling() -> Vec<InTransitDto> {
    vec![InTransitDto {
        transfer_id: id(1),
        transfer_code: "T-251121-A1B2C3D4".into(),
        from_facility_code: "BER".into(),
        to_facility_code: "HAM".into(),
        location_id: id(2),
        item_id: id(3),
        item_code: "MUG-BLU".into(),
        item_name: "Ceramic mug, blue".into(),
        unit: "EA".into(),
        lot_number: Some("L2511-07".into()),
        quantity: "48".into(),
        since: ago(600),
    }]
}

fn transfer(state: TransferState, lines: Option<Vec<TransferLineDto>>) -> TransferDto {
    TransferDto {
        transfer_id: id(1),
        code: "T-251121-A1B2C3D4".into(),
        from_facility_id: id(2),
        from_facility_code: "BER".into(),
        to_facility_id: id(3),
        to_facility_code: "HAM".into(),
        state,
        reference: "weekly <restock>".into(),
        reason: if state == TransferState::ClosedShort { "fell off the truck".into() } else { String::new() },
        shipped_at: (state != TransferState::Draft).then(|| ago(600)),
        closed_at: (state == TransferState::ClosedShort).then(|| ago(5)),
        version: 3,
        created_at: ago(900),
        updated_at: ago(5),
        lines_total: 2,
        lines_received: 1,
        lines_in_transit: 1,
        lines,
    }
}

fn transfers(samples: &mut Samples) {
    let list = |transfers, in_transit, filter| TransferList {
        page: page("Transfers", "/transfers"),
        filter,
        facilities: facilities(),
        transfers,
        in_transit,
        pager: Pager::default(),
        can_transfer: true,
    };
    let row = |state| TransferRow { href: "/transfers/T-1".into(), received_percent: 50.0, transfer: transfer(state, None) };
    let filter = TransferListFilter { item: "MUG-BLU".into(), ..TransferListFilter::default() };
    let rows = TransferState::ALL.iter().map(|state| row(*state)).collect();
    samples.add("transfers", &list(rows, travelling(), filter.clone()));
    samples.add("transfers-none", &list(vec![], vec![], filter));
    samples.add("transfers-empty", &list(vec![], vec![], TransferListFilter::default()));
    let form = |lines, errors| TransferForm {
        page: page("New transfer", "/transfers/new"),
        facilities: facilities(),
        input: TransferInput { from: "BER".into(), to: "BER".into(), request: true, lines, ..TransferInput::default() },
        errors,
    };
    samples.add("transfer-new", &form(vec![], Errors::none()));
    let typed = TransferLineInput { item: "UNKNOWN".into(), quantity: "0".into(), lot: String::new() };
    samples.add(
        "transfer-new-refused",
        &form(vec![typed; 5], refused(&[("to", "must be another facility"), ("lines[0].item", "does not exist")])),
    );
    let line = |n: u128, name: &str, in_transit: &str, missing: &str| TransferLineDto {
        line_id: id(n),
        line_no: n as i32,
        item_id: id(4),
        item_code: "MUG-BLU".into(),
        item_name: name.into(),
        unit: "EA".into(),
        lot_number: (n == 2).then(|| "L2511-07".into()),
        quantity: "48".into(),
        shipped: "48".into(),
        received: "12".into(),
        in_transit: in_transit.into(),
        missing: missing.into(),
        returned: "0".into(),
        in_transit_since: (in_transit != "0").then(|| ago(600)),
    };
    let one = |state, errors| TransferPage {
        page: page("T-251121-A1B2C3D4", "/transfers/T-1"),
        href: "/transfers/T-1".into(),
        transfer: transfer(state, Some(vec![line(1, "Ceramic mug, blue", "36", "0"), line(2, LONG, "0", "36")])),
        received_percent: 50.0,
        receiving_locations: vec![Choice::new("IN-1", "IN-1"), Choice::new("IN-2", "IN-2")],
        input: TransferMoveInput {
            lines: vec![TransferMoveLine { receive: "99".into(), ..TransferMoveLine::default() }, TransferMoveLine::default()],
            ..TransferMoveInput::default()
        },
        errors,
        can_transfer: true,
    };
    samples.add("transfer-draft", &one(TransferState::Draft, Errors::none()));
    samples.add(
        "transfer",
        &one(TransferState::InTransit, refused(&[("lines[0].receive", "line 1 has 36 EA in transit, not more")])),
    );
    samples.add("transfer-short", &one(TransferState::ClosedShort, Errors::none()));
}
