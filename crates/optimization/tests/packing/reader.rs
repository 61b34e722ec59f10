use optimization::packing::{Mode, Problem, Rules, pack, read_thpack, verify};

use crate::{carrier, item, problem};

const ONE: &str = " 1\n 1 2502505\n 587 233 220\n 2\n 1 108 0 76 0 30 1 4\n 2 110 0 43 1 25 1 3\n";

#[test]
fn the_format_is_read() {
    let read = read_thpack(ONE, &Rules::geometry_only(100)).unwrap();
    assert_eq!((read.len(), read[0].number), (1, 1));
    let items = &read[0].problem.items;
    assert_eq!((items[1].size_mm, items[1].upright, items[1].quantity), ([110, 43, 25], [false, true, true], 3));
    let plan = pack(&read[0].problem, Mode::Fast).unwrap();
    assert_eq!(verify(&read[0].problem, &plan.placements), vec![]);
    assert_eq!(plan.summary.boxes, 7);
}

#[test]
fn errors_name_the_line() {
    let error = |text: &str| read_thpack(text, &Rules::geometry_only(100)).unwrap_err().to_string();
    assert_eq!(error(""), "line 0: the text ends where the number of problems should follow");
    assert_eq!(
        error(&ONE.replace("233", "x")),
        "line 3: \"x\" is not a whole number, in the container's length, width and height"
    );
    assert_eq!(error(&ONE.replace(" 1 4\n", " 4\n")), "line 5: a box type is 8 numbers, not 7");
    assert_eq!(error(&ONE.replace("110 0", "110 2")), "line 6: whether a side may stand upright must be between 0 and 1, not 2");
    assert_eq!(error(&ONE.replace("43 1 25 1", "43 0 25 0")), "line 6: no side of the box may stand upright");
    assert_eq!(error(&ONE.replace("76", "-76")), "line 5: a side of a box must be between 1 and 100000, not -76");
    assert_eq!(error(&format!("{ONE}7")), "line 7: there is more than the 1 problems that the first line announces");
    assert_eq!(
        error(" 2\n 1\n 5 5 5\n 1\n 1 2 1 2 1 2 1 1\n"),
        "line 5: the text ends where the number of a problem should follow"
    );
}

#[test]
fn problems_are_json_too() {
    let short = r#"{"carrier": {"length_mm": 1200, "width_mm": 800, "height_mm": 1000},
        "items": [{"size_mm": [400, 300, 200], "quantity": 5, "bears": {"up_to": 20000}, "upright": [false, false, true]}]}"#;
    let read: Problem = serde_json::from_str(short).unwrap();
    assert_eq!((read.rules.support_percent, read.rules.centre_percent), (80, Some(20)));
    let plan = pack(&read, Mode::Fast).unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<optimization::packing::Plan>(&text).unwrap(), plan);
    assert!(serde_json::from_str::<Problem>(&short.replace("quantity", "quantitee")).is_err());
}

#[test]
fn bad_input_names_its_field() {
    let error = |change: &dyn Fn(&mut Problem)| {
        let mut bad = problem(carrier(100, 100, 100), vec![item([10, 10, 10], 1), item([10, 10, 10], 1)]);
        change(&mut bad);
        pack(&bad, Mode::Fast).unwrap_err().field
    };
    assert_eq!(error(&|bad| bad.items[1].size_mm[2] = 0), "items[1].size_mm");
    assert_eq!(error(&|bad| bad.items[1].quantity = 0), "items[1].quantity");
    assert_eq!(error(&|bad| bad.items[1].quantity = 20_000), "items[1].quantity");
    assert_eq!(error(&|bad| bad.items[1].weight_g = -1), "items[1].weight_g");
    assert_eq!(error(&|bad| bad.items[1].upright = [false; 3]), "items[1].upright");
    assert_eq!(error(&|bad| bad.items[1].value = Some(3)), "items[1].value");
    assert_eq!(error(&|bad| bad.items.clear()), "items");
    assert_eq!(error(&|bad| bad.items = vec![item([1, 1, 1], 1); 501]), "items");
    assert_eq!(error(&|bad| bad.carrier.width_mm = -5), "carrier.width_mm");
    assert_eq!(error(&|bad| bad.carrier.overhang.left_mm = -5), "carrier.overhang");
    assert_eq!(error(&|bad| bad.rules.support_percent = 101), "rules.support_percent");
    assert_eq!(error(&|bad| bad.rules.axle_window_mm = Some((5, 4))), "rules.axle_window_mm");
    assert_eq!(error(&|bad| bad.rules.incompatible = vec![(3, 3)]), "rules.incompatible");
}
