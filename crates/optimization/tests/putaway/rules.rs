use optimization::putaway::{
    Abc, Bin, Content, Hazard, Line, LocationType, MICRO, Method, Miss, Mixing, Problem, ReasonCode, SecurityZone, Settings,
    Solution, failure_text, solve,
};

const LITRE: i64 = 1_000_000;

fn units(item: u32, count: i64) -> Line {
    Line { unit_volume_mm3: LITRE, unit_weight_g: 1000, ..Line::new(item, count * MICRO) }
}

/// 100 l, 100 kg.
fn shelf(location: u32) -> Bin {
    Bin::new(location, LocationType::Reserve, 100 * LITRE, 100_000)
}

fn run(lines: Vec<Line>, bins: Vec<Bin>) -> Solution {
    solve(&Problem { lines, bins, settings: Settings::default() }, Method::Bfd).unwrap()
}

/// The code and the miss of a single line that must fail whole.
fn refusal(line: Line, bins: Vec<Bin>) -> (ReasonCode, Option<Miss>, String) {
    let solution = run(vec![line], bins);
    let result = &solution.lines[0];
    assert!(result.placements.is_empty() && result.alternatives.is_empty(), "{result:?}");
    assert_eq!((solution.total_score, solution.upper_bound, solution.optimality_gap), (0.0, 0.0, 0.0));
    let failure = result.failure.unwrap();
    assert!(failure.code.is_failure());
    (failure.code, failure.nearest_miss.map(|nearest| nearest.miss), failure_text(&failure))
}

fn chosen(line: Line, bins: Vec<Bin>) -> usize {
    let solution = run(vec![line], bins);
    assert_eq!(solution.lines[0].unplaced_micro, 0, "{:?}", solution.lines[0].failure);
    solution.lines[0].placements[0].bin
}

#[test]
fn only_storage_takes_released_goods_and_only_quarantine_the_others() {
    for kind in LocationType::ALL {
        let bin = || vec![Bin { kind: *kind, ..shelf(1) }];
        let storage = [LocationType::Putaway, LocationType::PickFace, LocationType::Reserve, LocationType::Bulk].contains(kind);
        if storage {
            assert_eq!(chosen(units(1, 1), bin()), 0);
        } else {
            assert_eq!(refusal(units(1, 1), bin()).0, ReasonCode::NoLocation);
        }
        let held = Line { released: false, ..units(1, 1) };
        if *kind == LocationType::Quarantine {
            let solution = run(vec![held], bin());
            assert_eq!(solution.lines[0].placements[0].reason, ReasonCode::Quarantine);
        } else {
            assert_eq!(refusal(held, bin()).0, ReasonCode::QualityHold);
        }
    }
    assert_eq!(
        refusal(units(1, 1), vec![]),
        (ReasonCode::NoLocation, None, "no available location is of a type that stores goods".into())
    );
}

#[test]
fn the_kept_temperature_lies_within_what_the_goods_bear() {
    let cold = || Line { temperature: Some((20, 80)), ..units(1, 1) };
    let keeping = |range| Bin { temperature: range, ..shelf(1) };
    assert_eq!(chosen(cold(), vec![keeping(Some((20, 80)))]), 0);
    assert_eq!(chosen(units(1, 1), vec![keeping(Some((20, 80)))]), 0);
    let (code, miss, text) =
        refusal(cold(), vec![keeping(None), keeping(Some((-200, 100))).at(2), keeping(Some((20, 90))).at(3)]);
    assert_eq!(code, ReasonCode::Temperature);
    assert_eq!(miss, Some(Miss::Temperature { needed: (20, 80), available: Some((20, 90)) }));
    assert_eq!(
        text,
        "no location keeps the temperature that the item needs; needed are 2.0 to 8.0 °C, the nearest miss keeps 2.0 to 9.0 °C"
    );
}

trait At {
    fn at(self, location: u32) -> Self;
}
impl At for Bin {
    fn at(self, location: u32) -> Self {
        Self { location, ..self }
    }
}

#[test]
fn security_is_a_least_level() {
    let secret = || Line { security: SecurityZone::HighSecurity, ..units(1, 1) };
    let level = |security, location| Bin { security, ..shelf(location) };
    assert_eq!(chosen(secret(), vec![level(SecurityZone::Vault, 1)]), 0);
    assert_eq!(chosen(secret(), vec![level(SecurityZone::Vault, 1), level(SecurityZone::HighSecurity, 2)]), 1);
    assert_eq!(chosen(units(1, 1), vec![level(SecurityZone::Vault, 1), level(SecurityZone::Standard, 2)]), 1);
    let (code, miss, _) = refusal(secret(), vec![level(SecurityZone::Standard, 1), level(SecurityZone::Restricted, 2)]);
    assert_eq!(code, ReasonCode::Security);
    assert_eq!(miss, Some(Miss::Security { needed: SecurityZone::HighSecurity, available: SecurityZone::Restricted }));
}

#[test]
fn one_unit_must_go_in_turned_any_way() {
    let long = Line { unit_dims_mm: Some([900, 100, 200]), ..units(1, 1) };
    let inner = |dims| Bin { inner_dims_mm: Some(dims), ..shelf(1) };
    assert_eq!(chosen(long.clone(), vec![inner([200, 900, 100])]), 0);
    let (code, miss, text) = refusal(long, vec![inner([400, 400, 600])]);
    assert_eq!((code, miss), (ReasonCode::TooLarge, Some(Miss::Length { needed_mm: 900, available_mm: 600 })));
    assert_eq!(miss.unwrap().overflow_percent(), Some(50.0));
    assert!(text.ends_with("the nearest miss measures 600 mm where 900 mm are needed"), "{text}");

    let bulky = Line { unit_volume_mm3: 150 * LITRE, ..units(1, 2) };
    let (code, miss, _) = refusal(bulky, vec![shelf(1)]);
    assert_eq!((code, miss), (ReasonCode::TooLarge, Some(Miss::Volume { needed_mm3: 150 * LITRE, available_mm3: 100 * LITRE })));
}

#[test]
fn a_unit_too_heavy_for_an_empty_location_is_told_from_a_full_one() {
    let heavy = Line { unit_weight_g: 120_000, ..units(1, 2) };
    let (code, miss, _) = refusal(heavy, vec![shelf(1)]);
    assert_eq!((code, miss), (ReasonCode::TooHeavy, Some(Miss::Weight { needed_g: 120_000, available_g: 100_000 })));
    let full = Bin { used_weight_g: 99_500, ..shelf(1) };
    let (code, miss, text) = refusal(units(1, 2), vec![full]);
    assert_eq!((code, miss), (ReasonCode::NoCapacity, Some(Miss::Weight { needed_g: 1000, available_g: 500 })));
    assert_eq!(text, "no suitable location has enough room left; the nearest miss carries 0.5 kg of the 1 kg needed");
}

#[test]
fn what_other_batches_hold_is_not_free() {
    let held = Bin { used_volume_mm3: 95 * LITRE, ..shelf(1) };
    let (code, miss, _) = refusal(Line { step_micro: 6 * MICRO, ..units(1, 6) }, vec![held.clone()]);
    assert_eq!((code, miss), (ReasonCode::NoCapacity, Some(Miss::Volume { needed_mm3: 6 * LITRE, available_mm3: 5 * LITRE })));
    assert!(code.is_capacity());
    assert_eq!(chosen(units(1, 5), vec![held]), 0);
    let overfull = Bin { used_volume_mm3: 101 * LITRE, ..shelf(1) };
    assert_eq!(refusal(Line::new(1, MICRO), vec![overfull]).0, ReasonCode::NoCapacity);
}

#[test]
fn hazard_classes_are_kept_apart_also_within_a_batch() {
    let of = |item, hazard| Line { hazard, ..units(item, 1) };
    let holding = |hazard| Bin { contents: vec![Content { item: 9, lot: None, hazard }], ..shelf(1) };
    let (code, miss, text) = refusal(of(1, Some(Hazard::FlammableLiquid)), vec![holding(Some(Hazard::Oxidizer))]);
    assert_eq!(code, ReasonCode::Hazard);
    assert_eq!(miss, Some(Miss::Hazard { needed: Hazard::FlammableLiquid, present: Hazard::Oxidizer }));
    assert!(text.ends_with("class 3 may not lie with class 5.1"), "{text}");
    assert_eq!(chosen(of(1, Some(Hazard::FlammableLiquid)), vec![holding(Some(Hazard::Corrosive))]), 0);
    assert_eq!(chosen(of(1, None), vec![holding(Some(Hazard::Oxidizer))]), 0);
    assert_eq!(chosen(of(9, Some(Hazard::Unlisted)), vec![holding(Some(Hazard::Unlisted))]), 0);

    let batch = run(vec![of(1, Some(Hazard::FlammableLiquid)), of(2, Some(Hazard::Oxidizer))], vec![shelf(1)]);
    assert_eq!(batch.lines[0].placements.len(), 1);
    assert_eq!(batch.lines[1].failure.unwrap().code, ReasonCode::Hazard);
}

#[test]
fn mixing_policies_bind_stock_and_batch() {
    let lot = |item, lot| Line { lot: Some(lot), ..units(item, 1) };
    let policy = |mixing| Bin { mixing, contents: vec![Content { item: 1, lot: Some(1), hazard: None }], ..shelf(1) };
    for (line, mixing, fits) in [
        (lot(1, 1), Mixing::SingleLot, true),
        (lot(1, 2), Mixing::SingleLot, false),
        (units(1, 1), Mixing::SingleLot, false),
        (lot(1, 2), Mixing::SingleItem, true),
        (lot(2, 1), Mixing::SingleItem, false),
        (lot(2, 1), Mixing::Any, true),
    ] {
        if fits {
            assert_eq!(chosen(line, vec![policy(mixing)]), 0);
        } else {
            assert_eq!(refusal(line, vec![policy(mixing)]).1, Some(Miss::Mixing { policy: mixing }));
        }
    }
    let batch = run(vec![lot(1, 1), lot(1, 2)], vec![Bin { mixing: Mixing::SingleLot, ..shelf(1) }]);
    assert_eq!(batch.lines[1].failure.unwrap().code, ReasonCode::Mixing);
}

#[test]
fn the_failure_names_the_rule_that_was_reached_last() {
    let line = Line { temperature: Some((20, 80)), unit_dims_mm: Some([500, 100, 100]), ..units(1, 1) };
    let warm = shelf(1);
    let small = Bin { temperature: Some((30, 70)), inner_dims_mm: Some([400, 400, 400]), ..shelf(2) };
    let solution = run(vec![line], vec![warm, small]);
    let failure = solution.lines[0].failure.unwrap();
    assert_eq!((failure.code, failure.nearest_miss.unwrap().bin), (ReasonCode::TooLarge, 1));
}

#[test]
fn a_line_is_split_only_when_no_location_takes_it_whole() {
    let whole = run(vec![units(1, 60)], vec![Bin { abc: Abc::A, ..shelf(1) }, shelf(2), shelf(3)]);
    assert_eq!(whole.lines[0].placements.len(), 1);

    let split = run(vec![units(1, 250)], vec![shelf(1), shelf(2), Bin { used_volume_mm3: 40 * LITRE, ..shelf(3) }]);
    let amounts: Vec<i64> = split.lines[0].placements.iter().map(|placed| placed.quantity_micro / MICRO).collect();
    assert_eq!(amounts, [100, 100, 50]);
    for placed in &split.lines[0].placements {
        assert_eq!((placed.reason, placed.score.split), (ReasonCode::Split, -5.0));
    }

    let short = run(vec![units(1, 250)], vec![shelf(1)]);
    assert_eq!(short.lines[0].unplaced_micro, 150 * MICRO);
    let failure = short.lines[0].failure.unwrap();
    assert_eq!(failure.code, ReasonCode::NoCapacity);
    assert_eq!(failure.nearest_miss.unwrap().miss, Miss::Weight { needed_g: 1000, available_g: 0 });
}

#[test]
fn only_whole_steps_are_split_off_and_one_part_takes_the_odd_rest() {
    let cartons = Line { step_micro: 6 * MICRO, ..units(1, 20) };
    let small = |location| Bin { volume_mm3: 11 * LITRE, ..shelf(location) };
    let solution = run(vec![cartons], vec![small(1), small(2), small(3)]);
    let mut amounts: Vec<i64> = solution.lines[0].placements.iter().map(|placed| placed.quantity_micro / MICRO).collect();
    amounts.sort_unstable();
    assert_eq!((amounts, solution.lines[0].unplaced_micro), (vec![6, 6, 8], 0));
}

#[test]
fn a_bad_problem_is_refused_with_its_field() {
    let of = |line: Line, bins: Vec<Bin>| {
        let problem = Problem { lines: vec![line], bins, settings: Settings::default() };
        solve(&problem, Method::Bfd).unwrap_err().to_string()
    };
    assert_eq!(of(Line::new(1, 0), vec![]), "lines[0].quantity_micro must be from 1 to 1000000000000000000, not 0");
    assert_eq!(
        of(Line { step_micro: 0, ..units(1, 1) }, vec![]),
        "lines[0].step_micro must be from 1 to 1000000000000000000, not 0"
    );
    assert_eq!(
        of(Line { velocity: f64::NAN, ..units(1, 1) }, vec![]),
        "lines[0].velocity must be a number of picks per day, 0 or more"
    );
    assert_eq!(of(Line { temperature: Some((5, 1)), ..units(1, 1) }, vec![]), "lines[0].temperature must have its low end first");
    assert_eq!(of(units(1, 1), vec![shelf(7), shelf(8), shelf(7)]), "bins must name each location once; 7 is there twice");
    let negative = Bin { used_weight_g: -1, ..shelf(2) };
    assert_eq!(of(units(1, 1), vec![shelf(1), negative]), "bins[1].used_weight_g must be from 0 to 1000000000000000000, not -1");
    let strong = Bin { affinity: vec![(1, 1.5)], ..shelf(1) };
    assert_eq!(of(units(1, 1), vec![strong]), "bins[0].affinity must have strengths from 0 to 1");
    let settings = Settings { travel: 50.0, ..Settings::default() };
    let problem = Problem { settings, ..Problem::default() };
    assert!(solve(&problem, Method::Bfd).unwrap_err().field.starts_with("settings."));
    assert_eq!("bfd".parse(), Ok(Method::Bfd));
    assert_eq!("best".parse::<Method>().unwrap_err().to_string(), "method must be one of FFD, BFD, HYBRID, OPTIMAL");
}

#[test]
fn absurd_amounts_neither_overflow_nor_fit() {
    let vast = Line {
        unit_volume_mm3: 1_000_000_000_000_000,
        unit_weight_g: 1_000_000_000_000,
        ..Line::new(1, 1_000_000_000_000_000_000)
    };
    let result = run(vec![vast.clone(), vast], vec![shelf(1)]);
    assert!(result.lines.iter().all(|line| line.failure.unwrap().code == ReasonCode::TooLarge));
}

/// A thread of a server has two megabytes of stack, and a hall has many thousand places.
#[test]
fn a_hall_of_twenty_thousand_places_needs_little_stack() {
    let bins = (0..20_000).map(|n| Bin::new(n, LocationType::Reserve, 1_000_000_000, 500_000)).collect();
    let line = |item| Line { unit_volume_mm3: 1_000_000, unit_weight_g: 1_000, ..Line::new(item, 5_000_000) };
    let problem = Problem { lines: vec![line(1), line(2)], bins, ..Problem::default() };
    for method in [Method::Ffd, Method::Bfd, Method::Hybrid, Method::Optimal] {
        let problem = problem.clone();
        let thread = std::thread::Builder::new().stack_size(256 * 1024);
        let solution = thread.spawn(move || solve(&problem, method).unwrap()).unwrap().join().unwrap();
        assert!(solution.lines.iter().all(|line| line.unplaced_micro == 0), "{method}");
    }
}
