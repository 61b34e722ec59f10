//! Compares what the writers were told with what is in the ledger, the audit, the outbox and the table of keys.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::Report;
use super::load::{MOVEMENTS, Operation, Outcome, RESERVATIONS, Shared};
use super::world::World;

/// Requests that are repeated and looked up over HTTP at the end; the rest is compared by SQL.
const SAMPLE: usize = 200;

/// What must and must not be there, by the words of the answers.
#[derive(Default)]
struct Expected<'a> {
    /// Movement id by reference.
    movements: HashMap<&'a str, &'a str>,
    /// First movement of each acknowledged request that moved something: its audit row and its event bear it.
    firsts: HashSet<&'a str>,
    keys: HashSet<&'a str>,
}

fn expected(operations: &[Operation]) -> Expected<'_> {
    let mut expected = Expected::default();
    for operation in operations {
        let Outcome::Acknowledged { body, .. } = &operation.outcome else { continue };
        expected.keys.insert(&operation.key);
        if operation.path != MOVEMENTS {
            continue;
        }
        let results = body["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        let posted: Vec<(&str, &str)> = results
            .iter()
            .filter_map(|result| {
                let index = usize::try_from(result["index"].as_u64()?).ok()?;
                Some((operation.references.get(index)?.as_str(), result["movement_id"].as_str()?))
            })
            .collect();
        expected.firsts.extend(posted.first().map(|(_, id)| *id));
        expected.movements.extend(posted);
    }
    expected
}

/// As [`all`], where the process lived all the time: it owes each request an answer.
pub async fn all_answered(world: &World, shared: &Shared, operations: &[Operation], report: &mut Report) {
    let unanswered = shared.unanswered();
    report.promise(unanswered == 0, || format!("{unanswered} requests got no answer though the process lived"));
    all(world, shared, operations, report).await;
}

/// Everything that was promised for every acknowledged and every refused request.
pub async fn all(world: &World, shared: &Shared, operations: &[Operation], report: &mut Report) {
    let expected = expected(operations);
    let acknowledged = operations.iter().filter(|operation| operation.is_acknowledged()).count();
    let refused = operations.iter().filter(|operation| matches!(operation.outcome, Outcome::Refused)).count();
    report.figure("requests acknowledged", acknowledged);
    report.figure("requests refused", refused);
    report.figure("sent again with the same key", shared.retried.load(Ordering::Relaxed));
    report.promise(acknowledged > 0, || "nothing was acknowledged: the load did not work".into());
    ledger(world, &expected, report);
    rows_beside(world, &expected, report);
    over_http(world, shared, operations, report).await;
    report.figure("answers repeated identically", shared.replayed.load(Ordering::Relaxed));
    for strange in shared.strange() {
        report.broken(strange);
    }
    for line in world.panics() {
        report.broken(line);
    }
    match world.complaint() {
        None => report.figure("entrepot check", "clean"),
        Some(complaint) => report.broken(format!("entrepot check: {complaint}")),
    }
}

fn ledger(world: &World, expected: &Expected<'_>, report: &mut Report) {
    let rows = world.rows("SELECT reference, movement_id FROM inventory.movements WHERE reference <> ''");
    let mut found: HashMap<&str, Vec<&str>> = HashMap::new();
    for row in &rows {
        found.entry(&row[0]).or_default().push(&row[1]);
    }
    let (mut lost, mut doubled, mut other, mut unasked) = (0, 0, 0, 0);
    for (reference, id) in &expected.movements {
        match found.get(reference).map(Vec::as_slice) {
            None | Some([]) => lost += 1,
            Some([only]) if only == id => {}
            Some([_]) => other += 1,
            Some(_) => doubled += 1,
        }
    }
    for reference in found.keys().filter(|reference| !expected.movements.contains_key(*reference)) {
        unasked += 1;
        if unasked <= 3 {
            report.broken(format!("{reference} is in the ledger but was refused or never acknowledged"));
        }
    }
    report.figure("movements acknowledged", expected.movements.len());
    report.figure("movements found in the ledger", rows.len());
    for (what, count) in [
        ("acknowledged and lost", lost),
        ("doubled", doubled),
        ("recorded under another id than told", other),
        ("refused and yet recorded", unasked),
    ] {
        report.figure(what, count);
        report.promise(count == 0, || format!("{count} movements {what}"));
    }
}

/// Audit row, event and key of each request that was acknowledged: exactly one of each.
fn rows_beside(world: &World, expected: &Expected<'_>, report: &mut Report) {
    let audit = "SELECT entity_id, count(*) FROM platform.audit WHERE action = 'stock.move' GROUP BY 1";
    let events = "SELECT entity_id, count(*) FROM platform.outbox WHERE kind = 'inventory.stock.changed' GROUP BY 1";
    for (what, sql) in [("audit row", audit), ("event", events)] {
        let rows = world.rows(sql);
        let found: HashMap<&str, &str> = rows.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
        let wrong = expected.firsts.iter().filter(|first| found.get(**first) != Some(&"1")).count();
        report.figure(format!("acknowledged requests without exactly one {what}"), wrong);
        report.promise(wrong == 0, || format!("{wrong} acknowledged requests have not exactly one {what}"));
    }
    let rows = world.rows("SELECT key FROM platform.idempotency WHERE answer IS NOT NULL");
    let found: HashSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let without = expected.keys.difference(&found).count();
    report.figure("acknowledged requests without their key", without);
    report.promise(without == 0, || format!("{without} acknowledged requests have no stored answer"));
    let half = world.rows("SELECT count(*) FROM platform.idempotency WHERE answer IS NULL");
    report.promise(half[0][0] == "0", || format!("{} keys without an answer block their requests", half[0][0]));
}

/// A sample, those that had to be repeated first: the same answer again, the movement by its reference, the audit by its entity.
async fn over_http(world: &World, shared: &Shared, operations: &[Operation], report: &mut Report) {
    let mut sample: Vec<&Operation> = operations.iter().filter(|operation| operation.is_acknowledged()).collect();
    sample.sort_by_key(|operation| std::cmp::Reverse(operation.attempts));
    let reservations: Vec<&Operation> = sample.iter().filter(|operation| operation.path == RESERVATIONS).copied().collect();
    sample.truncate(SAMPLE);
    let caller = world.caller();
    for operation in &sample {
        shared.replay(operation).await;
    }
    for operation in sample.iter().filter(|operation| operation.path == MOVEMENTS).take(SAMPLE / 4) {
        let Outcome::Acknowledged { body, .. } = &operation.outcome else { continue };
        let Some(result) = body["results"].as_array().and_then(|results| results.first()) else { continue };
        let listed = caller.get(&format!("{MOVEMENTS}?reference={}", operation.references[0])).await;
        let ids: Vec<&Value> = listed.body["items"].as_array().into_iter().flatten().map(|row| &row["movement_id"]).collect();
        report.promise(ids == [&result["movement_id"]], || format!("{}: REST lists {ids:?}", operation.references[0]));
        let audit = caller.get(&format!("/api/v1/audit?entity_id={}", result["movement_id"].as_str().unwrap_or("?"))).await;
        let lines = audit.body["items"].as_array().map_or(0, Vec::len);
        report.promise(lines == 1, || format!("{}: REST lists {lines} audit rows", operation.references[0]));
    }
    for operation in reservations.iter().take(SAMPLE) {
        let Outcome::Acknowledged { body, .. } = &operation.outcome else { continue };
        let listed = caller.get(&format!("{RESERVATIONS}?reference={}", operation.key)).await;
        let ids: Vec<&Value> = listed.body["items"].as_array().into_iter().flatten().map(|row| &row["reservation_id"]).collect();
        report.promise(ids == [&body["reservation_id"]], || format!("reservation {}: REST lists {ids:?}", operation.key));
    }
    if !reservations.is_empty() {
        report.figure("reservations acknowledged", reservations.len());
    }
}
