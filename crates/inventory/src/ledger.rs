//! The decision core of the ledger: balances and entries in, outcomes out. No IO, so that it can be tried against a naive model.

use std::collections::HashMap;

use kernel::{ItemId, LocationId, LotId, Quantity};

use crate::model::{LocationKind, MovementKind, Posting, QualityStatus};
use crate::serial::SerialRefusal;

/// Where one quantity is counted: an item, its lot and quality status in one physical place.
/// The order of keys is the order in which their rows are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub item: ItemId,
    pub location: LocationId,
    pub lot: Option<LotId>,
    pub status: QualityStatus,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub on_hand: Quantity,
    pub reserved: Quantity,
}

/// What one posting does to stored balances; a virtual side has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub quantity: Quantity,
    pub take: Option<Key>,
    pub give: Option<Key>,
    /// The goods are gone, or may not be promised any more, whatever was promised: promises give way, the movement does not.
    pub may_break_reservations: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Less than asked is on hand and not reserved.
    Insufficient { key: Key, available: Quantity, asked: Quantity },
    /// The balance would no longer fit NUMERIC(18,6).
    Overflow { key: Key },
    /// Holds claim stock that it takes out of HOLD.
    Claimed { key: Key, free: Quantity, asked: Quantity },
    /// A piece that it names cannot take part.
    Serial(SerialRefusal),
}

impl Refusal {
    /// Another place that the message about it names.
    pub fn other_place(&self) -> Option<LocationId> {
        match self {
            Self::Serial(refusal) => refusal.place(),
            _ => None,
        }
    }

    /// The balance that it is about.
    pub fn key(&self) -> Key {
        match self {
            Self::Insufficient { key, .. } | Self::Claimed { key, .. } | Self::Overflow { key } => *key,
            Self::Serial(refusal) => refusal.key,
        }
    }
}

impl Entry {
    pub fn of(posting: &Posting) -> Self {
        let side = |location: LocationId, status| {
            let is_physical = LocationKind::of_virtual(location).is_none();
            is_physical.then_some(Key { item: posting.item, location, lot: posting.lot, status })
        };
        Self {
            quantity: posting.quantity,
            take: side(posting.from, posting.from_status),
            give: side(posting.to, posting.to_status),
            may_break_reservations: breaks_reservations(posting),
        }
    }
}

/// Goods that are missing or scrapped, and goods that are no longer released, cannot be delivered to whom they were promised.
fn breaks_reservations(posting: &Posting) -> bool {
    match posting.kind {
        MovementKind::Adjustment | MovementKind::Scrap => true,
        MovementKind::StatusChange => posting.from_status == QualityStatus::Released,
        MovementKind::Receipt | MovementKind::Issue | MovementKind::Transfer | MovementKind::Production => false,
    }
}

/// The keys that the entries touch, each once, in locking order: all of them, and those that receive.
pub fn keys(entries: &[Entry]) -> (Vec<Key>, Vec<Key>) {
    let sorted = |keys: &mut Vec<Key>| {
        keys.sort_unstable();
        keys.dedup();
    };
    let mut receiving: Vec<Key> = entries.iter().filter_map(|entry| entry.give).collect();
    let mut all: Vec<Key> = entries.iter().filter_map(|entry| entry.take).chain(receiving.iter().copied()).collect();
    sorted(&mut all);
    sorted(&mut receiving);
    (all, receiving)
}

/// Balances as they were read under lock, and as the accepted entries leave them.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    opening: HashMap<Key, Held>,
    now: HashMap<Key, Held>,
}

impl Ledger {
    /// A key that is missing holds nothing.
    pub fn new(opening: HashMap<Key, Held>) -> Self {
        Self { now: opening.clone(), opening }
    }

    pub fn held(&self, key: &Key) -> Held {
        self.now.get(key).copied().unwrap_or_default()
    }

    /// Applies the entry, or refuses it and changes nothing. Answers how much of what it takes was reserved and is not any
    /// more; whoever writes the balances takes that from the promises.
    pub fn decide(&mut self, entry: &Entry) -> Result<Quantity, Refusal> {
        let mut broken = Quantity::ZERO;
        if let Some(key) = entry.take {
            let held = self.held(&key);
            let free = held.on_hand - held.reserved;
            let available = if entry.may_break_reservations { held.on_hand } else { free };
            if available < entry.quantity {
                return Err(Refusal::Insufficient { key, available, asked: entry.quantity });
            }
            broken = (entry.quantity - free).max(Quantity::ZERO);
        }
        if let Some(key) = entry.give
            && Quantity::new((self.held(&key).on_hand + entry.quantity).decimal()).is_err()
        {
            return Err(Refusal::Overflow { key });
        }
        if let Some(key) = entry.take {
            let held = self.now.entry(key).or_default();
            held.on_hand -= entry.quantity;
            held.reserved -= broken;
        }
        if let Some(key) = entry.give {
            self.now.entry(key).or_default().on_hand += entry.quantity;
        }
        Ok(broken)
    }

    /// The keys whose quantity on hand is not what it was, in locking order.
    pub fn changes(&self) -> Vec<(Key, Quantity)> {
        let before = |key| self.opening.get(key).copied().unwrap_or_default().on_hand;
        let mut changes: Vec<_> =
            self.now.iter().filter(|(key, held)| held.on_hand != before(key)).map(|(key, held)| (*key, held.on_hand)).collect();
        changes.sort_unstable();
        changes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const PLACES: usize = 6;

    fn key(n: usize) -> Key {
        let status = if n.is_multiple_of(2) { QualityStatus::Released } else { QualityStatus::Hold };
        let lot = (n > 3).then(|| LotId(Uuid::from_u128(7)));
        Key { item: ItemId(Uuid::from_u128(9)), location: LocationId(Uuid::from_u128(100 + n as u128)), lot, status }
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let side = || prop::option::of(0..PLACES);
        let entry = (side(), side(), 1_i64..5_000_000, prop::bool::weighted(0.3));
        let entry = entry.prop_filter("both sides differ", |(from, to, ..)| from != to);
        let entry = entry.prop_map(|(from, to, micro, may_break_reservations)| Entry {
            quantity: Quantity::from_micro(micro),
            take: from.map(key),
            give: to.map(key),
            may_break_reservations,
        });
        prop::collection::vec(entry, 0..60)
    }

    fn opening() -> impl Strategy<Value = Vec<(i64, i64)>> {
        prop::collection::vec((0_i64..10_000_000).prop_flat_map(|on_hand| (Just(on_hand), 0..=on_hand)), PLACES)
    }

    /// The same in plain integers, one array cell per place; what is asked of the real one, said as simply as possible.
    /// Free and promised goods lie in two heaps; a movement takes from the free one, and from the other only if it may.
    fn naive(opening: &[(i64, i64)], entries: &[Entry]) -> (Vec<i64>, Vec<i64>, Vec<Option<i64>>) {
        let index = |wanted: Key| (0..PLACES).find(|n| key(*n) == wanted).unwrap();
        let mut free: Vec<i64> = opening.iter().map(|(on_hand, reserved)| on_hand - reserved).collect();
        let mut promised: Vec<i64> = opening.iter().map(|(_, reserved)| *reserved).collect();
        let outcomes = entries
            .iter()
            .map(|entry| {
                let asked = entry.quantity.micro();
                let mut broken = 0;
                if let Some(place) = entry.take.map(index) {
                    broken = 0.max(asked - free[place]);
                    if broken > 0 && (!entry.may_break_reservations || broken > promised[place]) {
                        return None;
                    }
                    promised[place] -= broken;
                    free[place] -= asked - broken;
                }
                entry.give.into_iter().for_each(|key| free[index(key)] += asked);
                Some(broken)
            })
            .collect();
        let on_hand = free.iter().zip(&promised).map(|(free, promised)| free + promised).collect();
        (on_hand, promised, outcomes)
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_naive_model_and_conserves_every_quantity(opening in opening(), entries in entries()) {
            let start: HashMap<Key, Held> = opening.iter().enumerate().map(|(n, (on_hand, reserved))| {
                (key(n), Held { on_hand: Quantity::from_micro(*on_hand), reserved: Quantity::from_micro(*reserved) })
            }).collect();
            let mut ledger = Ledger::new(start);
            let outcomes: Vec<Option<i64>> = entries.iter().map(|entry| ledger.decide(entry).ok().map(Quantity::micro)).collect();
            let (expected, promised, expected_outcomes) = naive(&opening, &entries);
            prop_assert_eq!(&outcomes, &expected_outcomes);
            for (n, expected) in expected.iter().enumerate().take(PLACES) {
                let held = ledger.held(&key(n));
                prop_assert_eq!((held.on_hand.micro(), held.reserved.micro()), (*expected, promised[n]));
                prop_assert!(held.on_hand >= held.reserved && held.reserved >= Quantity::ZERO);
            }
            let accepted = || entries.iter().zip(&outcomes).filter(|(_, posted)| posted.is_some()).map(|(entry, _)| entry);
            let entered: i64 = accepted().filter(|entry| entry.take.is_none()).map(|entry| entry.quantity.micro()).sum();
            let left: i64 = accepted().filter(|entry| entry.give.is_none()).map(|entry| entry.quantity.micro()).sum();
            let before: i64 = opening.iter().map(|(on_hand, _)| on_hand).sum();
            prop_assert_eq!(before + entered - left, expected.iter().sum::<i64>());
        }

        #[test]
        fn changes_are_exactly_the_differences_in_locking_order(opening in opening(), entries in entries()) {
            let start: HashMap<Key, Held> = opening.iter().enumerate()
                .map(|(n, (on_hand, _))| (key(n), Held { on_hand: Quantity::from_micro(*on_hand), reserved: Quantity::ZERO }))
                .collect();
            let mut ledger = Ledger::new(start.clone());
            entries.iter().for_each(|entry| { let _ = ledger.decide(entry); });
            let changes = ledger.changes();
            prop_assert!(changes.is_sorted_by(|a, b| a.0 < b.0));
            for n in 0..PLACES {
                let listed = changes.iter().find(|(changed, _)| *changed == key(n)).map(|(_, on_hand)| *on_hand);
                let differs = ledger.held(&key(n)).on_hand != start[&key(n)].on_hand;
                prop_assert_eq!(listed, differs.then(|| ledger.held(&key(n)).on_hand));
            }
        }

        #[test]
        fn every_touched_key_is_locked_once_and_in_order(entries in entries()) {
            let (all, receiving) = keys(&entries);
            prop_assert!(all.is_sorted_by(|a, b| a < b) && receiving.is_sorted_by(|a, b| a < b));
            for entry in &entries {
                prop_assert!(entry.take.is_none_or(|key| all.contains(&key)));
                prop_assert!(entry.give.is_none_or(|key| all.contains(&key) && receiving.contains(&key)));
            }
        }
    }

    #[test]
    fn the_order_of_a_batch_decides() {
        let one = Quantity::from(1);
        let receive = Entry { quantity: one, take: None, give: Some(key(0)), may_break_reservations: false };
        let issue = Entry { take: Some(key(0)), give: None, ..receive };
        let mut ledger = Ledger::default();
        assert!(ledger.decide(&issue).is_err());
        assert!(ledger.decide(&receive).is_ok());
        assert!(ledger.decide(&issue).is_ok());
        assert_eq!(ledger.decide(&issue), Err(Refusal::Insufficient { key: key(0), available: Quantity::ZERO, asked: one }));
        assert!(ledger.changes().is_empty());
    }

    #[test]
    fn a_balance_never_outgrows_its_column() {
        let largest = Quantity::from_micro(999_999_999_999_999_999);
        let mut ledger = Ledger::new(HashMap::from([(key(0), Held { on_hand: largest, reserved: Quantity::ZERO })]));
        let quantity = Quantity::from_micro(1);
        let drop = Entry { quantity, take: Some(key(1)), give: Some(key(0)), may_break_reservations: false };
        assert!(matches!(ledger.decide(&drop), Err(Refusal::Insufficient { .. })));
        assert_eq!(ledger.decide(&Entry { take: None, ..drop }), Err(Refusal::Overflow { key: key(0) }));
        assert_eq!(ledger.held(&key(0)).on_hand, largest);
    }
}
