use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Anomaly, Finding, Op, Outcome, Transaction, check};

fn append(key: &str, mark: &str) -> Op {
    Op::Append { key: key.into(), mark: mark.into() }
}

fn read(key: &str, list: &[&str]) -> Op {
    Op::Read { key: key.into(), list: list.iter().map(|mark| (*mark).to_owned()).collect() }
}

/// All at once: real time orders nothing.
fn together(outcome: Outcome, ops: Vec<Op>) -> Transaction {
    Transaction { client: 0, ops, outcome, invoked: 0, completed: 1000 }
}

fn done(ops: Vec<Op>) -> Transaction {
    together(Outcome::Committed, ops)
}

fn at(invoked: u64, completed: u64, ops: Vec<Op>) -> Transaction {
    Transaction { client: 0, ops, outcome: Outcome::Committed, invoked, completed }
}

fn kinds(history: &[Transaction]) -> Vec<(Anomaly, bool)> {
    check(history).iter().map(|finding| (finding.anomaly, finding.realtime)).collect()
}

#[test]
fn nothing_is_found_where_nothing_is() {
    assert_eq!(check(&[]), []);
    let history = [
        at(0, 10, vec![append("x", "1")]),
        at(5, 20, vec![append("x", "2"), append("y", "1")]),
        at(15, 30, vec![read("x", &["1", "2"]), read("y", &["1"])]),
        at(0, 9, vec![read("x", &[])]),
        at(3, 40, vec![read("x", &["1"]), append("z", "1"), read("z", &["1"])]),
        together(Outcome::Refused, vec![append("x", "never")]),
        together(Outcome::Unknown, vec![append("x", "perhaps")]),
    ];
    assert_eq!(check(&history), []);
}

#[test]
fn what_was_never_answered_may_be_seen_at_any_later_time() {
    let history = [
        Transaction { client: 0, ops: vec![append("x", "late")], outcome: Outcome::Unknown, invoked: 0, completed: 0 },
        at(10, 20, vec![read("x", &[])]),
        at(30, 40, vec![read("x", &["late"])]),
    ];
    assert_eq!(check(&history), []);
}

#[test]
fn a_dirty_write_is_g0() {
    let history = [
        done(vec![append("x", "a"), append("y", "a")]),
        done(vec![append("x", "b"), append("y", "b")]),
        done(vec![read("x", &["a", "b"])]),
        done(vec![read("y", &["b", "a"])]),
    ];
    assert_eq!(kinds(&history), [(Anomaly::G0, false)]);
    let Finding { transactions, text, .. } = &check(&history)[0];
    assert_eq!(transactions, &[0, 1]);
    assert!(text.contains("overwritten in x") && text.contains("overwritten in y"), "{text}");
}

#[test]
fn seeing_what_was_refused_is_g1a_for_a_while_and_a_phantom_for_good() {
    let refused = together(Outcome::Refused, vec![append("x", "no")]);
    let history = [refused.clone(), at(1, 2, vec![read("x", &["no"])]), at(3, 4, vec![read("x", &[])])];
    assert!(kinds(&history).contains(&(Anomaly::G1a, false)), "{:?}", check(&history));
    let history = [refused, at(1, 2, vec![read("x", &[])]), at(3, 4, vec![read("x", &["no"])])];
    assert_eq!(kinds(&history), [(Anomaly::PhantomWrite, false)]);
    assert_eq!(kinds(&[done(vec![read("x", &["whose"])])]), [(Anomaly::PhantomWrite, false)]);
}

#[test]
fn seeing_half_of_a_transaction_is_g1b() {
    let history =
        [done(vec![append("x", "a"), append("x", "b")]), done(vec![read("x", &["a"])]), done(vec![read("x", &["a", "b"])])];
    assert!(kinds(&history).contains(&(Anomaly::G1b, false)), "{:?}", check(&history));
}

#[test]
fn seeing_each_other_is_g1c() {
    let history = [done(vec![append("x", "a"), read("y", &["b"])]), done(vec![append("y", "b"), read("x", &["a"])])];
    assert_eq!(kinds(&history), [(Anomaly::G1c, false)]);
}

#[test]
fn a_skewed_read_is_g_single() {
    let history = [
        done(vec![append("x", "a"), append("y", "a")]),
        done(vec![read("x", &[]), read("y", &["a"])]),
        done(vec![read("x", &["a"])]),
    ];
    assert_eq!(kinds(&history), [(Anomaly::GSingle, false)]);
}

#[test]
fn building_on_the_same_version_is_a_lost_update_and_g_single() {
    let history = [
        done(vec![read("x", &[]), append("x", "a")]),
        done(vec![read("x", &[]), append("x", "b")]),
        done(vec![read("x", &["a", "b"])]),
    ];
    assert_eq!(kinds(&history), [(Anomaly::LostUpdate, false), (Anomaly::GSingle, false)]);
}

#[test]
fn an_overwritten_list_is_a_lost_write_and_orders_that_contradict() {
    let history = [
        at(0, 10, vec![read("x", &[]), append("x", "a")]),
        at(1, 12, vec![read("x", &[]), append("x", "b")]),
        at(11, 13, vec![read("x", &["a"])]),
        at(20, 21, vec![read("x", &["b"])]),
    ];
    let found = kinds(&history);
    for anomaly in [Anomaly::LostWrite, Anomaly::LostUpdate, Anomaly::IncompatibleOrder] {
        assert!(found.contains(&(anomaly, false)), "{anomaly:?}: {:?}", check(&history));
    }
}

#[test]
fn write_skew_is_g2() {
    let history = [
        done(vec![read("x", &[]), append("y", "a")]),
        done(vec![read("y", &[]), append("x", "b")]),
        done(vec![read("x", &["b"]), read("y", &["a"])]),
    ];
    assert_eq!(kinds(&history), [(Anomaly::G2, false)]);
}

#[test]
fn an_old_answer_is_found_by_real_time_alone() {
    let stale = [at(0, 10, vec![append("x", "a")]), at(20, 30, vec![read("x", &[])]), at(15, 35, vec![read("x", &["a"])])];
    assert_eq!(kinds(&stale), [(Anomaly::GSingle, true)]);
    let in_time = [at(0, 25, vec![append("x", "a")]), at(20, 30, vec![read("x", &[])]), at(15, 35, vec![read("x", &["a"])])];
    assert_eq!(check(&in_time), []);
    let order_against_time =
        [at(0, 10, vec![append("x", "a")]), at(20, 30, vec![append("x", "b")]), at(0, 50, vec![read("x", &["b", "a"])])];
    assert_eq!(kinds(&order_against_time), [(Anomaly::G0, true)]);
}

#[test]
fn a_last_read_that_is_merely_old_is_no_lost_write() {
    let history = [
        at(0, 10, vec![append("x", "a")]),
        at(11, 20, vec![append("x", "b")]),
        at(21, 30, vec![read("x", &["a", "b"])]),
        at(31, 40, vec![read("x", &["a"])]),
    ];
    assert_eq!(kinds(&history), [(Anomaly::GSingle, true)]);
}

#[test]
fn what_an_acknowledged_append_left_behind_is_missed() {
    let history = [at(0, 10, vec![append("x", "a")]), at(20, 30, vec![read("x", &[])])];
    assert_eq!(kinds(&history), [(Anomaly::LostWrite, false)]);
}

#[test]
fn the_same_mark_twice_is_a_duplicate() {
    let history = [done(vec![append("x", "a")]), done(vec![read("x", &["a", "a"])]), done(vec![read("x", &["a", "a"])])];
    assert_eq!(kinds(&history), [(Anomaly::Duplicate, false)]);
}

#[test]
fn a_transaction_that_contradicts_itself_is_found() {
    for ops in [
        vec![append("x", "a"), read("x", &[])],
        vec![read("x", &["b"]), append("x", "a"), read("x", &["a"])],
        vec![read("x", &[]), read("x", &["b"])],
    ] {
        let history = [done(vec![append("x", "b")]), done(ops)];
        assert!(kinds(&history).contains(&(Anomaly::Internal, false)), "{:?}", check(&history));
    }
}

/// Transactions one after another on real lists, each with an interval of time around its moment, so that they overlap as
/// the answers of a serializable database do; some are refused and some never answered.
fn serial(rng: &mut SmallRng) -> Vec<Transaction> {
    let keys: Vec<String> = (0..rng.random_range(1..5)).map(|n| format!("k{n}")).collect();
    let mut lists: Vec<Vec<String>> = vec![Vec::new(); keys.len()];
    let mut history = Vec::new();
    for number in 0..rng.random_range(1..120_u64) {
        let outcome = match rng.random_range(0..10) {
            0 => Outcome::Refused,
            1 => Outcome::Unknown,
            _ => Outcome::Committed,
        };
        // What is never answered may have happened or not.
        let happens = match outcome {
            Outcome::Committed => true,
            Outcome::Refused => false,
            Outcome::Unknown => rng.random(),
        };
        let mut after = lists.clone();
        let ops = (0..rng.random_range(1..5))
            .map(|step| {
                let at = rng.random_range(0..keys.len());
                if rng.random() {
                    let mark = format!("{number}.{step}");
                    after[at].push(mark.clone());
                    Op::Append { key: keys[at].clone(), mark }
                } else {
                    Op::Read { key: keys[at].clone(), list: after[at].clone() }
                }
            })
            .collect();
        if happens {
            lists = after;
        }
        let moment = 1000 + number * 10;
        let (invoked, completed) = (moment - rng.random_range(0..200), moment + 1 + rng.random_range(0..200));
        history.push(Transaction { client: rng.random_range(0..9), ops, outcome, invoked, completed });
    }
    history
}

#[test]
fn serial_histories_have_no_finding() {
    for seed in 0..400 {
        let history = serial(&mut SmallRng::seed_from_u64(seed));
        assert_eq!(check(&history), [], "seed {seed}");
    }
}

/// A read that is made to miss the newest mark, of which it had to know: a fault planted into a sound history is found.
#[test]
fn a_fault_planted_into_a_serial_history_is_found() {
    let mut planted = 0;
    for seed in 0..400 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut history = serial(&mut rng);
        let end = history.iter().map(|transaction| transaction.completed).max().unwrap() + 1;
        // The whole lists are read at the end, so that what is cut off below was acknowledged and seen before.
        let longest =
            super::Index::new(&history).order.iter().map(|(key, list)| ((*key).to_owned(), list.to_vec())).collect::<Vec<_>>();
        let Some((key, list)) = longest.into_iter().find(|(_, list)| list.len() > 1) else { continue };
        let read = |list: &[String]| vec![Op::Read { key: key.clone(), list: list.to_vec() }];
        history.push(at(end, end + 1, read(&list)));
        let mut torn = list.clone();
        match seed % 3 {
            0 => drop(torn.pop()),
            1 => torn.swap(0, 1),
            _ => torn.push(list[0].clone()),
        }
        history.push(at(end + 2, end + 3, read(&torn)));
        planted += 1;
        assert!(!check(&history).is_empty(), "seed {seed}: nothing found");
    }
    assert!(planted > 200, "only {planted} histories could carry a fault");
}

#[test]
fn a_large_history_is_checked_in_linear_time() {
    let mut history = Vec::new();
    let mut list = Vec::new();
    for number in 0..20_000_u64 {
        let mark = format!("m{number}");
        list.push(mark.clone());
        history.push(at(number * 10, number * 10 + 25, vec![Op::Append { key: "x".into(), mark }]));
    }
    history.push(at(300_000, 300_001, vec![Op::Read { key: "x".into(), list }]));
    let started = std::time::Instant::now();
    assert_eq!(check(&history), []);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
