//! Two clicks at once.

use futures::future::join_all;
use serde_json::json;

use crate::harness::Warehouse;

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_buyers_of_the_last_unit_exactly_one_wins() {
    let warehouse = Warehouse::open(1, 20).await;
    for round in 0..20 {
        let item = format!("ITEM-{round:03}");
        warehouse.stock(&item, "F1/BIN-000", 1).await;
        let buy =
            json!({ "movements": [{ "kind": "ISSUE", "item": item, "quantity": 1, "from": "F1/BIN-000", "to": "CUSTOMER" }] });
        let answers = join_all((0..100).map(|_| warehouse.staff.post("/api/v1/inventory/movements", &buy))).await;
        let won = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(won, 1, "round {round}");
        for lost in answers.iter().filter(|answer| answer.status != 201) {
            assert_eq!((lost.status.as_u16(), lost.code()), (409, "STOCK_INSUFFICIENT"), "{:#}", lost.body);
        }
    }
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_increments_at_once_are_all_counted() {
    let warehouse = Warehouse::open(1, 1).await;
    let add = json!({ "movements": [{ "kind": "RECEIPT", "item": "ITEM-000", "quantity": 1, "from": "SUPPLIER", "to": "F1/BIN-000" }] });
    let answers = join_all((0..100).map(|_| warehouse.staff.post("/api/v1/inventory/movements", &add))).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    assert_eq!(warehouse.on_hand("ITEM-000").await, [("BIN-000".to_owned(), "100".to_owned())]);
    warehouse.server.assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_that_cross_each_other_never_deadlock() {
    let warehouse = Warehouse::open(4, 4).await;
    for item in 0..4 {
        for bin in 0..4 {
            warehouse.stock(&format!("ITEM-{item:03}"), &format!("F1/BIN-{bin:03}"), 100).await;
        }
    }
    let batches = (0..120_usize).map(|n| {
        // Each batch touches all four items, in an order of its own and in alternating directions.
        let movements: Vec<_> = (0..4)
            .map(|k| {
                let (from, to) = ((n + k) % 4, (n + k + 1 + n % 3) % 4);
                json!({ "kind": "TRANSFER", "item": format!("ITEM-{:03}", (n * 3 + k * 5) % 4), "quantity": 1,
                    "from": format!("F1/BIN-{from:03}"), "to": format!("F1/BIN-{to:03}") })
            })
            .collect();
        json!({ "movements": movements })
    });
    let batches: Vec<_> = batches.collect();
    let answers = join_all(batches.iter().map(|batch| warehouse.staff.post("/api/v1/inventory/movements", batch))).await;
    for answer in &answers {
        assert_eq!(answer.status.as_u16(), 201, "{:#}", answer.body);
    }
    for item in 0..4 {
        let total: u32 =
            warehouse.on_hand(&format!("ITEM-{item:03}")).await.iter().map(|(_, on_hand)| on_hand.parse::<u32>().unwrap()).sum();
        assert_eq!(total, 400);
    }
    warehouse.server.assert_invariants().await;
}
