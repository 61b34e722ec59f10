use kernel::ItemId;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn item() -> Item {
    Item::new(ItemId(uuid::Uuid::from_u128(1)), "A-1".into(), DateTime::from_timestamp(0, 0).unwrap())
}

/// Applies a body as REST would send it; the paths of its faults.
fn apply(item: &mut Item, body: Value) -> Vec<String> {
    let changes: ItemChanges = serde_json::from_value(body).unwrap();
    changes.apply(item).into_iter().map(|fault| fault.field).collect()
}

#[test]
fn sizes_are_converted_once_at_the_edge() {
    let mut item = item();
    let body = json!({
        "dimensions": { "length": 12, "width": "2.5", "height": 1, "unit": "in" },
        "weight": { "value": "1.5", "unit": "kg" },
    });
    assert!(apply(&mut item, body).is_empty());
    assert_eq!(item.dims_mm(), Some([305, 64, 25]));
    assert_eq!((item.weight_g, item.unit_volume_mm3()), (Some(1_500), Some(305 * 64 * 25)));
    assert!(apply(&mut item, json!({ "dimensions": { "length": "0.2", "width": 1, "height": 1 } })).is_empty());
    assert_eq!(item.dims_mm(), Some([1, 1, 1]));
}

#[test]
fn null_clears_and_absent_leaves() {
    let mut item = item();
    item.weight_g = Some(5);
    assert!(apply(&mut item, json!({ "name": "Bolt" })).is_empty());
    assert_eq!(item.weight_g, Some(5));
    assert!(apply(&mut item, json!({ "weight": null })).is_empty());
    assert_eq!(item.weight_g, None);
}

#[test]
fn every_fault_is_told_at_once_by_its_path() {
    let body = json!({
        "code": "  ", "name": "", "weight": { "value": 0, "unit": "g" }, "volume": { "value": 1, "unit": "furlong" },
        "dimensions": { "length": -1, "width": 1, "height": 1_000_000 },
        "picks_per_day": "-1", "shelf_life_days": 0, "max_stack": 1001,
        "temperature_min_c": "8.05", "hazard_class": "",
        "units": [{ "unit": "CTN", "factor": "0" }, { "unit": "EA", "factor": 2 }],
        "barcodes": [{ "barcode": "4006381333932" }, { "barcode": "x", "unit": "PAL" }],
    });
    let mut found = apply(&mut item(), body);
    found.sort();
    let expected = [
        "barcodes[0].barcode",
        "barcodes[1].unit",
        "code",
        "dimensions.height",
        "dimensions.length",
        "hazard_class",
        "max_stack",
        "name",
        "picks_per_day",
        "shelf_life_days",
        "temperature_min_c",
        "units[0].factor",
        "units[1].unit",
        "volume",
        "weight",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_volume_stands_only_where_dimensions_do_not() {
    let mut item = item();
    assert!(apply(&mut item, json!({ "volume": { "value": 2, "unit": "l" } })).is_empty());
    assert_eq!(item.unit_volume_mm3(), Some(2_000_000));
    assert!(apply(&mut item, json!({ "dimensions": { "length": 10, "width": 10, "height": 10 } })).is_empty());
    assert_eq!((item.volume_cm3, item.unit_volume_mm3()), (None, Some(1_000)));
    assert_eq!(apply(&mut item, json!({ "volume": { "value": 2, "unit": "l" } })), ["volume"]);
}

#[test]
fn temperatures_are_ordered_also_against_what_is_stored() {
    let mut item = item();
    assert!(apply(&mut item, json!({ "temperature_min_c": "-18.5", "temperature_max_c": 8 })).is_empty());
    assert_eq!((item.temperature_min_dc, item.temperature_max_dc), (Some(-185), Some(80)));
    assert_eq!(apply(&mut item, json!({ "temperature_max_c": -20 })), ["temperature_min_c"]);
}

#[test]
fn a_unit_that_a_barcode_stands_on_stays() {
    let mut item = item();
    let body = json!({ "units": [{ "unit": "CTN", "factor": 12 }], "barcodes": [{ "barcode": "c1", "unit": "CTN" }, { "barcode": "e1" }] });
    assert!(apply(&mut item, body).is_empty());
    assert_eq!(item.factor_of("CTN"), Some(Quantity::from(12)));
    assert_eq!(item.factor_of("EA"), Some(Quantity::from(1)));
    assert_eq!(item.factor_of("PAL"), None);
    assert_eq!(apply(&mut item, json!({ "units": [] })), ["units"]);
}

#[test]
fn check_digits_of_published_examples() {
    // GS1's own examples and a common pencil.
    for right in ["4006381333931", "6291041500213", "036000291452", "96385074", "10614141543219"] {
        check_gtin(right).unwrap();
    }
    assert_eq!(check_gtin("4006381333932").unwrap_err().0.rsplit_once("must be ").unwrap().1, "1, not 2");
    for other in ["ABC-123", "1234567", "123456789", "１２３４５６７８"] {
        check_gtin(other).unwrap();
    }
}

#[test]
fn a_scanner_may_add_or_drop_leading_zeros() {
    let spellings = barcode_spellings("0036000291452");
    assert_eq!(spellings[0], "0036000291452");
    assert!(spellings.contains(&"036000291452".to_owned()) && spellings.contains(&"00036000291452".to_owned()));
    assert_eq!(barcode_spellings(" A-1 "), ["A-1"]);
}

proptest! {
    #[test]
    fn one_wrong_digit_is_always_noticed(digits in "[0-9]{12}", place in 0_usize..13, shift in 1_u8..10) {
        let check = (0..10).find(|check| check_gtin(&format!("{digits}{check}")).is_ok()).unwrap();
        let mut code = format!("{digits}{check}").into_bytes();
        code[place] = b'0' + (code[place] - b'0' + shift) % 10;
        prop_assert!(check_gtin(std::str::from_utf8(&code).unwrap()).is_err());
    }

    #[test]
    fn an_answer_can_be_sent_back_as_it_came(mm in prop::array::uniform3(1_i64..=100_000), grams in 1_i64..=100_000_000) {
        let mut item = item();
        let size = |side: i64| Quantity::from_db(side.into());
        let changes = ItemChanges {
            dimensions: Some(Some(Size { length: size(mm[0]), width: size(mm[1]), height: size(mm[2]), unit: "mm".into() })),
            weight: Some(Some(Measure { value: size(grams), unit: "g".into() })),
            ..ItemChanges::default()
        };
        prop_assert!(changes.apply(&mut item).is_empty());
        prop_assert_eq!((item.dims_mm(), item.weight_g), (Some(mm), Some(grams)));
        let read: ItemChanges = serde_json::from_value(serde_json::to_value(&changes).unwrap()).unwrap();
        prop_assert_eq!(read, changes);
    }
}
