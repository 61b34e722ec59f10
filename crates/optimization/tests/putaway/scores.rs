use std::time::Instant;

use optimization::putaway::{
    Abc, Bin, Content, Ergonomic, Line, LocationType, Lost, MICRO, Method, Part, Placement, Problem, ReasonCode, ScoreParts,
    SecurityZone, Settings, Solution, confidence, lost_text, reason_text, solve,
};

const LITRE: i64 = 1_000_000;

fn units(item: u32, count: i64) -> Line {
    Line { unit_volume_mm3: LITRE, unit_weight_g: 1000, ..Line::new(item, count * MICRO) }
}

fn shelf(location: u32) -> Bin {
    Bin::new(location, LocationType::Reserve, 100 * LITRE, 100_000)
}

fn run(lines: Vec<Line>, bins: Vec<Bin>) -> Solution {
    solve(&Problem { lines, bins, settings: Settings::default() }, Method::Bfd).unwrap()
}

fn only(line: Line, bins: Vec<Bin>) -> Placement {
    let solution = run(vec![line], bins);
    assert_eq!(solution.lines[0].placements.len(), 1);
    solution.lines[0].placements[0].clone()
}

fn near(one: f64, two: f64) -> bool {
    (one - two).abs() < 1e-9
}

#[test]
fn the_parts_are_what_the_documentation_says() {
    let line = Line { abc: Abc::A, velocity: 15.0, unit_weight_g: 20_000, preferred_zone: Some(4), ..units(1, 1) };
    let far = Bin { abc: Abc::B, pick_sequence: Some(20), kind: LocationType::PickFace, ..shelf(1) };
    let bin = Bin {
        abc: Abc::B,
        kind: LocationType::PickFace,
        pick_sequence: Some(10),
        used_volume_mm3: 29 * LITRE,
        contents: vec![Content { item: 1, lot: None, hazard: None }],
        affinity: vec![(1, 0.25), (2, 1.0)],
        active_picks_in_aisle: 5,
        zone: Some(4),
        security: SecurityZone::HighSecurity,
        temperature: Some((150, 250)),
        ..shelf(2)
    };
    let placed = only(line, vec![far, bin]);
    assert_eq!((placed.bin, placed.nearness_rank, placed.fitting_bins), (1, 1, 2));
    let expected = ScoreParts {
        abc: 12.5,
        fill: 12.5,
        travel: 35.0 * (0.25 + 0.75 - 0.125),
        location_type: 15.0,
        consolidation: 10.0,
        affinity: 2.5,
        congestion: -7.5,
        ergonomics: 5.0,
        preferred_zone: 5.0,
        special_storage: -15.0,
        split: 0.0,
    };
    for part in Part::ALL {
        // Nearness 1, demand 15/(15+5), slow-mover reserve 0.5 × 0.25.
        assert!(near(placed.score.get(*part), expected.get(*part)) || *part == Part::Travel, "{part}: {placed:?}");
    }
    assert!(near(placed.score.travel, 35.0 * (1.0 - 0.5 * 0.25)), "{}", placed.score.travel);
    assert!(near(placed.confidence(), confidence(placed.score.total())));
    assert!(near(confidence(50.0), 0.75) && near(confidence(120.0), 1.0) && near(confidence(-3.0), 0.0));
}

#[test]
fn the_fill_is_best_inside_the_optimal_range() {
    let fill = |count| only(units(1, count), vec![shelf(1)]).score.fill;
    assert!(near(fill(30), 12.5) && near(fill(60), 25.0) && near(fill(85), 25.0) && near(fill(100), 12.5));
    assert!(fill(90) > fill(95));
    let total = ScoreParts { abc: 90.0, fill: 25.0, ..ScoreParts::default() }.total();
    assert_eq!((total, ScoreParts { split: -5.0, ..ScoreParts::default() }.total()), (100.0, 0.0));
}

#[test]
fn the_fill_counts_the_whole_batch() {
    let solution = run(vec![units(1, 40), units(2, 35)], vec![shelf(1)]);
    for line in &solution.lines {
        assert!(near(line.placements[0].fill_after, 0.75) && near(line.placements[0].score.fill, 25.0));
    }
    assert!(near(solution.optimality_gap, 0.0), "{}", solution.optimality_gap);
}

#[test]
fn fast_movers_go_near_and_slow_ones_leave_room() {
    let row = || (0..10).map(|n| Bin { pick_sequence: Some(n64(n) * 10), ..shelf(n) }).collect::<Vec<_>>();
    let fast = only(Line { velocity: 60.0, ..units(1, 60) }, row());
    assert_eq!((fast.bin, fast.reason), (0, ReasonCode::Nearest));
    assert_eq!(reason_text(&fast), "near, as the item is picked often; 60 % full afterwards; nearest of 10 that fit");
    let slow = only(Line { velocity: 0.1, ..units(1, 60) }, row());
    assert_eq!((slow.bin, slow.reason, slow.nearness_rank), (9, ReasonCode::SlowMover, 10));
    assert!(reason_text(&slow).ends_with("10th nearest of 10 that fit"));
}

fn n64(n: u32) -> i64 {
    n.into()
}

#[test]
fn without_a_pick_sequence_the_distance_counts_and_height_costs_more() {
    let at = |location, place| Bin { position_mm: Some(place), ..shelf(location) };
    let fast = || Line { velocity: 60.0, ..units(1, 60) };
    assert_eq!(only(fast(), vec![at(1, [9000, 0, 0]), at(2, [4000, 4000, 0])]).bin, 1);
    assert_eq!(only(fast(), vec![at(1, [0, 0, 3000]), at(2, [4000, 4000, 0])]).bin, 1);
    let settings = Settings { dock_mm: [9000, 0, 0], ..Settings::default() };
    let bins = vec![at(1, [9000, 0, 0]), at(2, [4000, 4000, 0])];
    let solution = solve(&Problem { lines: vec![fast()], bins, settings }, Method::Bfd).unwrap();
    assert_eq!(solution.lines[0].placements[0].bin, 0);
}

/// Each property alone decides between two otherwise equal locations, and is named as the reason.
#[test]
fn the_reason_names_what_decided() {
    let a_item = || Line { abc: Abc::A, ..units(1, 60) };
    let stocked = |lot| Bin { contents: vec![Content { item: 1, lot, hazard: None }], ..shelf(2) };
    let lot_two = Line { lot: Some(2), ..units(1, 60) };
    for (line, better, reason) in [
        (a_item(), Bin { abc: Abc::A, ..shelf(2) }, ReasonCode::AbcMatch),
        (a_item(), Bin { kind: LocationType::PickFace, ..shelf(2) }, ReasonCode::LocationType),
        (lot_two, stocked(Some(2)), ReasonCode::Consolidation),
        (units(1, 60), Bin { affinity: vec![(1, 0.5)], ..shelf(2) }, ReasonCode::Affinity),
        (Line { preferred_zone: Some(3), ..units(1, 60) }, Bin { zone: Some(3), ..shelf(2) }, ReasonCode::PreferredZone),
        (units(1, 40), Bin { used_volume_mm3: 30 * LITRE, ..shelf(2) }, ReasonCode::BestFit),
        (units(1, 60), Bin { volume_mm3: 80 * LITRE, ..shelf(2) }, ReasonCode::BestFit),
    ] {
        let placed = only(line, vec![shelf(1), better]);
        assert_eq!((placed.bin, placed.reason), (1, reason));
        assert!(placed.joins_stock == (reason == ReasonCode::Consolidation));
    }
    let busy = Bin { active_picks_in_aisle: 10, ..shelf(1) };
    assert_eq!(only(units(1, 60), vec![busy, shelf(2)]).reason, ReasonCode::QuietAisle);
    let high = Bin { ergonomic: Ergonomic::High, ..shelf(1) };
    assert_eq!(only(a_item(), vec![high, shelf(2)]).reason, ReasonCode::Ergonomics);
    let vault = Bin { security: SecurityZone::Vault, ..shelf(1) };
    assert_eq!(only(units(1, 60), vec![vault, shelf(2)]).reason, ReasonCode::PlainStorage);
    let single = only(units(1, 60), vec![shelf(1)]);
    assert_eq!(single.score.preferred_zone, 0.0);
    assert_eq!(reason_text(&single), "the only location that fits; 60 % full afterwards");
}

#[test]
fn another_lot_of_the_item_is_no_consolidation() {
    let other_lot = Bin { contents: vec![Content { item: 1, lot: Some(1), hazard: None }], ..shelf(1) };
    let placed = only(Line { lot: Some(2), ..units(1, 60) }, vec![other_lot, shelf(2)]);
    assert_eq!(placed.score.consolidation, 0.0);
}

#[test]
fn lines_of_one_lot_join_each_other() {
    let solution = run(vec![units(1, 40), units(1, 30)], vec![shelf(1), shelf(2)]);
    let placed: Vec<&Placement> = solution.lines.iter().map(|line| &line.placements[0]).collect();
    assert_eq!(placed[0].bin, placed[1].bin);
    assert!(placed.iter().all(|placed| placed.reason == ReasonCode::Consolidation && !placed.joins_stock));
    assert!(reason_text(placed[0]).starts_with("joins the same item and lot of this batch; 70 % full"));
}

#[test]
fn alternatives_say_why_they_lost() {
    let a_item = Line { abc: Abc::A, ..units(1, 60) };
    let small = Bin { volume_mm3: 30 * LITRE, ..shelf(5) };
    let bins = vec![Bin { abc: Abc::A, ..shelf(1) }, shelf(2), Bin { abc: Abc::B, ..shelf(3) }, small];
    let solution = run(vec![a_item], bins);
    let others = &solution.lines[0].alternatives;
    assert_eq!(others.iter().map(|other| other.bin).collect::<Vec<_>>(), [2, 1, 3]);
    assert_eq!(others[0].lost, Lost::LowerScore { part: Part::Abc, points: 12.5 });
    assert_eq!(lost_text(&others[0].lost), "12.5 points less, mostly for its ABC class");
    assert_eq!(others[2].lost, Lost::TakesPart { quantity_micro: 30 * MICRO });
    assert_eq!(lost_text(&others[2].lost), "takes only 30");

    let equal = run(vec![units(1, 60)], vec![shelf(1), shelf(2), Bin { volume_mm3: 99 * LITRE, ..shelf(3) }]);
    assert_eq!(equal.lines[0].placements[0].bin, 2);
    assert!(equal.lines[0].alternatives.iter().all(|other| other.lost == Lost::LooserFit));
    let twins = run(vec![units(1, 60)], vec![shelf(2), shelf(1)]);
    assert_eq!((twins.lines[0].placements[0].bin, twins.lines[0].alternatives[0].lost), (1, Lost::Equal));
}

#[test]
fn settings_read_from_a_part_of_them() {
    let settings: Settings = serde_json::from_str(r#"{"split": 9}"#).unwrap();
    assert_eq!(settings, Settings { split: 9.0, ..Settings::default() });
    assert!(serde_json::from_str::<Settings>(r#"{"spilt": 9}"#).is_err());
    let line: Line = serde_json::from_str(r#"{"item": 1, "quantity_micro": 5, "hazard": "2.1", "abc": "A"}"#).unwrap();
    assert_eq!((line.step_micro, line.abc, line.released), (MICRO, Abc::A, true));
}

/// 5,000 locations, a third in use, and 50 lines with everything that costs time: lots, hazards, affinity, splits.
fn large() -> Problem {
    let bins = (0..5000_u32)
        .map(|n| Bin {
            kind: [LocationType::PickFace, LocationType::Reserve, LocationType::Bulk, LocationType::Putaway][(n % 4) as usize],
            abc: Abc::ALL[(n % 3) as usize],
            pick_sequence: (n % 5 > 0).then(|| n64(n * 7919 % 5000)),
            position_mm: Some([n64(n % 97) * 1000, n64(n % 53) * 1000, n64(n % 4) * 1500]),
            used_volume_mm3: if n % 3 == 0 { n64(n % 90) * LITRE } else { 0 },
            contents: if n % 3 == 0 { vec![Content { item: n % 200, lot: Some(n % 7), hazard: None }] } else { vec![] },
            affinity: if n % 6 == 0 { vec![(n % 50, 0.5)] } else { vec![] },
            inner_dims_mm: Some([1200, 800, n64(n % 9) * 100 + 300]),
            ..shelf(n)
        })
        .collect();
    let line = |n: u32| Line {
        abc: Abc::ALL[(n % 3) as usize],
        velocity: f64::from(n % 11),
        lot: Some(n % 7),
        unit_dims_mm: Some([300, 200, n64(n % 8) * 60 + 50]),
        ..units(n, n64(n % 16) * 9 + 1)
    };
    Problem { lines: (0..50).map(line).collect(), bins, settings: Settings::default() }
}

#[test]
fn fifty_lines_over_five_thousand_locations_are_quick() {
    let problem = large();
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            let solution = solve(&problem, Method::Bfd).unwrap();
            assert!(solution.lines.iter().all(|line| line.unplaced_micro == 0));
            (start.elapsed(), solution.optimality_gap)
        })
        .min_by_key(|(time, _)| *time)
        .unwrap();
    println!("50 lines over 5,000 locations: {:?}, gap {:.4}", best.0, best.1);
    assert!(best.0.as_millis() < 1000, "{:?}: generous, because other tests run beside", best.0);
}
