//! What single lists show, without any graph.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Anomaly, Finding, Index, Look, Op, Outcome, tail};

pub fn findings(index: &Index<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    duplicates(index, &mut findings);
    unfounded(index, &mut findings);
    lost_writes(index, &mut findings);
    lost_updates(index, &mut findings);
    incompatible_orders(index, &mut findings);
    intermediate_reads(index, &mut findings);
    for number in 0..index.history.len() {
        internal(index, number, &mut findings);
    }
    findings
}

fn finding(anomaly: Anomaly, transactions: Vec<usize>, text: String) -> Finding {
    Finding { anomaly, realtime: false, transactions, text }
}

fn duplicates(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let mut told = HashSet::new();
    for look in &index.looks {
        let mut seen = HashSet::new();
        for mark in look.list {
            if !seen.insert(mark) && told.insert((look.key, mark)) {
                let text = format!("{mark} stands twice in {}; {}", look.key, index.describe(look.transaction));
                findings.push(finding(Anomaly::Duplicate, vec![look.transaction], text));
            }
        }
    }
}

/// Marks that were refused or never written: for good when the last read still shows them, else for a while.
fn unfounded(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let mut told = HashSet::new();
    for look in &index.looks {
        for mark in look.list {
            let writer = index.writer.get(&(look.key, mark.as_str())).copied();
            let is_refused = writer.is_some_and(|writer| index.history[writer].outcome == Outcome::Refused);
            if (writer.is_some() && !is_refused) || !told.insert((look.key, mark)) {
                continue;
            }
            let stays = index.last.get(look.key).is_some_and(|(_, list)| list.contains(mark));
            let anomaly = if stays || writer.is_none() { Anomaly::PhantomWrite } else { Anomaly::G1a };
            let origin =
                writer.map_or_else(|| "nobody wrote it".to_owned(), |writer| format!("refused: {}", index.describe(writer)));
            let text = format!("{mark} in {}, seen by {}; {origin}", look.key, index.describe(look.transaction));
            findings.push(finding(anomaly, writer.into_iter().chain([look.transaction]).collect(), text));
        }
    }
}

/// Acknowledged, then looked for, and not there. A last read that is merely old is left to the cycles of real time.
fn lost_writes(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let present: BTreeMap<&str, HashSet<&str>> =
        index.last.iter().map(|(key, (_, list))| (*key, list.iter().map(String::as_str).collect())).collect();
    for (number, transaction) in index.history.iter().enumerate() {
        if transaction.outcome != Outcome::Committed {
            continue;
        }
        for op in &transaction.ops {
            let Op::Append { key, mark } = op else { continue };
            let Some((reader, list)) = index.last.get(key.as_str()) else { continue };
            let asked_later = index.history[*reader].invoked > transaction.completed;
            let is_missing = asked_later && !present[key.as_str()].contains(mark.as_str());
            let is_old = || {
                let order = index.order[key.as_str()];
                order.contains(mark) && order.starts_with(list)
            };
            if is_missing && !is_old() {
                let text = format!("{mark} of {} is not in {key} = {}", index.describe(number), tail(list));
                findings.push(finding(Anomaly::LostWrite, vec![number, *reader], text));
            }
        }
    }
}

/// Of all that read one version and appended to it, only one can have been next.
fn lost_updates(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let mut built_on: HashMap<(&str, &[String]), Vec<usize>> = HashMap::new();
    for (number, transaction) in index.history.iter().enumerate() {
        if transaction.outcome != Outcome::Committed {
            continue;
        }
        let mut touched = BTreeSet::new();
        let mut read: BTreeMap<&str, &[String]> = BTreeMap::new();
        for op in &transaction.ops {
            match op {
                Op::Read { key, list } if !touched.contains(key.as_str()) => {
                    read.insert(key, list);
                }
                Op::Append { key, .. } if touched.insert(key.as_str()) => {
                    if let Some(list) = read.get(key.as_str()) {
                        built_on.entry((key, *list)).or_default().push(number);
                    }
                }
                _ => {}
            }
        }
    }
    let mut built_on: Vec<_> = built_on.into_iter().filter(|(_, builders)| builders.len() > 1).collect();
    built_on.sort();
    for ((key, list), builders) in built_on {
        let told: Vec<_> = builders.iter().take(3).map(|&number| index.describe(number)).collect();
        let text = format!("{} transactions built on {key} = {}: {}", builders.len(), tail(list), told.join("; "));
        findings.push(finding(Anomaly::LostUpdate, builders, text));
    }
}

fn incompatible_orders(index: &Index<'_>, findings: &mut Vec<Finding>) {
    for look in &index.looks {
        let order = index.order[look.key];
        if !order.starts_with(look.list) {
            let place = look.list.iter().zip(order).take_while(|(a, b)| a == b).count();
            let text = format!(
                "{} has {} at place {place} where the longest read has {}; {}",
                look.key,
                look.list[place],
                order.get(place).map_or("nothing", String::as_str),
                index.describe(look.transaction)
            );
            findings.push(finding(Anomaly::IncompatibleOrder, vec![look.transaction], text));
        }
    }
}

/// A list holds some but not all of what another transaction appended to it.
fn intermediate_reads(index: &Index<'_>, findings: &mut Vec<Finding>) {
    let mut several: HashMap<(&str, usize), usize> = HashMap::new();
    for (number, transaction) in index.history.iter().enumerate() {
        for op in &transaction.ops {
            if let Op::Append { key, .. } = op {
                *several.entry((key, number)).or_default() += 1;
            }
        }
    }
    several.retain(|_, appends| *appends > 1);
    if several.is_empty() {
        return;
    }
    for look in &index.looks {
        for (writer, seen) in seen_by_writer(index, look) {
            let all = several.get(&(look.key, writer)).copied().unwrap_or(seen);
            if writer != look.transaction && index.history[writer].outcome != Outcome::Refused && seen < all {
                let text = format!(
                    "{seen} of the {all} appends of {} are in {}, seen by {}",
                    index.describe(writer),
                    look.key,
                    index.describe(look.transaction)
                );
                findings.push(finding(Anomaly::G1b, vec![writer, look.transaction], text));
            }
        }
    }
}

fn seen_by_writer(index: &Index<'_>, look: &Look<'_>) -> BTreeMap<usize, usize> {
    let mut seen = BTreeMap::new();
    for writer in look.list.iter().filter_map(|mark| index.writer.get(&(look.key, mark.as_str()))) {
        *seen.entry(*writer).or_default() += 1;
    }
    seen
}

/// A read must show what the transaction itself read before, followed by what it appended since.
fn internal(index: &Index<'_>, number: usize, findings: &mut Vec<Finding>) {
    let transaction = &index.history[number];
    if transaction.outcome != Outcome::Committed {
        return;
    }
    let mut known: BTreeMap<&str, (Option<&[String]>, Vec<&String>)> = BTreeMap::new();
    for op in &transaction.ops {
        let (before, own) = known.entry(op.key()).or_default();
        match op {
            Op::Append { mark, .. } => own.push(mark),
            Op::Read { key, list } => {
                let own_at_end = list.len() >= own.len() && list[list.len() - own.len()..].iter().eq(own.iter().copied());
                let as_before = before.is_none_or(|before| own_at_end && list[..list.len() - own.len()] == *before);
                if !own_at_end || !as_before {
                    let text =
                        format!("the read of {key} does not follow from what the transaction did; {}", index.describe(number));
                    findings.push(finding(Anomaly::Internal, vec![number], text));
                    return;
                }
                *before = Some(list);
                own.clear();
            }
        }
    }
}
