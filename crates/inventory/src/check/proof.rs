use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::store::checks::{Finding, Group, StoredBalance};

/// Tenant, item, place, lot and status, the names as small numbers: there may be millions.
type Key = (u32, Uuid, Uuid, Option<Uuid>, u32);

/// What movements and balances say, gathered in one pass over each; then the findings.
#[derive(Default)]
pub struct Proof {
    names: Names,
    moved: HashMap<Key, Decimal>,
    /// What the virtual places gained, per tenant and item, and later what the physical ones hold beside it.
    books: HashMap<(u32, Uuid), Decimal>,
    pub ledger: Finding,
    pub negative: Finding,
    pub reserved: Finding,
    pub references: Finding,
    pub lots: Finding,
    pub kinds: Finding,
}

#[derive(Default)]
struct Names {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn number(&mut self, name: String) -> u32 {
        match self.numbers.entry(name) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                let number = self.names.len() as u32;
                self.names.push(free.key().clone());
                *free.insert(number)
            }
        }
    }
}

const PHYSICAL: &str = "PHYSICAL";

impl Proof {
    pub fn movements(&mut self, group: Group) {
        let tenant = &group.tenant_id;
        self.references.checked += group.movements;
        self.kinds.checked += group.movements;
        let (from, to) = (group.from_kind.as_deref(), group.to_kind.as_deref());
        let no_lot = group.lot_id.is_some() && group.lot_item_id.is_none();
        if from.is_none() || to.is_none() || no_lot {
            let what = if no_lot { "lot" } else { "location" };
            self.references.wrong(group.movements, || format!("{tenant}: movement no. {} names an unknown {what}", group.seq));
        }
        if !fits(&group) {
            let (kind, from, to) = (&group.kind, from.unwrap_or("nowhere"), to.unwrap_or("nowhere"));
            self.kinds.wrong(group.movements, || format!("{tenant}: movement no. {} is a {kind} from {from} to {to}", group.seq));
        }
        if let Some(lot) = group.lot_id {
            self.lots.checked += group.movements;
            if group.lot_item_id.is_some_and(|item| item != group.item_id) {
                self.lots
                    .wrong(group.movements, || format!("{tenant}: movement no. {} uses lot {lot} of another item", group.seq));
            }
        }
        self.add(group);
    }

    fn add(&mut self, group: Group) {
        let tenant = self.names.number(group.tenant_id);
        let sides = [
            (group.from_kind, group.from_location_id, group.from_status, -group.quantity),
            (group.to_kind, group.to_location_id, group.to_status, group.quantity),
        ];
        for (kind, location, status, quantity) in sides {
            match kind.as_deref() {
                Some(PHYSICAL) => {
                    let status = self.names.number(status);
                    *self.moved.entry((tenant, group.item_id, location, group.lot_id, status)).or_default() += quantity;
                }
                Some(_) => *self.books.entry((tenant, group.item_id)).or_default() += quantity,
                None => {}
            }
        }
        // Every item that moved is looked up, also one whose sides cancel out.
        self.books.entry((tenant, group.item_id)).or_default();
    }

    /// After all movements.
    pub fn balance(&mut self, balance: StoredBalance) {
        let StoredBalance { tenant_id: name, balance_id, item_id, location_id, lot_id, on_hand, reserved, .. } = balance;
        self.negative.checked += 1;
        self.reserved.checked += 1;
        self.ledger.checked += 1;
        if on_hand < Decimal::ZERO {
            self.negative.wrong(1, || format!("{name}: balance {balance_id} holds {on_hand}"));
        }
        if reserved < Decimal::ZERO || reserved > on_hand {
            self.reserved.wrong(1, || format!("{name}: balance {balance_id} reserves {reserved} of {on_hand}"));
        }
        if let Some(lot) = lot_id {
            self.lots.checked += 1;
            if balance.lot_item_id.is_some_and(|item| item != item_id) {
                self.lots.wrong(1, || format!("{name}: balance {balance_id} uses lot {lot} of another item"));
            }
        }
        let (tenant, status) = (self.names.number(name), self.names.number(balance.quality_status));
        *self.books.entry((tenant, item_id)).or_default() += on_hand;
        let key = (tenant, item_id, location_id, lot_id, status);
        let moved = self.moved.remove(&key).unwrap_or_default();
        if moved != on_hand {
            self.differs(key, moved, on_hand);
        }
    }

    fn differs(&mut self, (tenant, item, location, _, status): Key, moved: Decimal, on_hand: Decimal) {
        let name = |number: u32| &self.names.names[number as usize];
        let (tenant, status) = (name(tenant).clone(), name(status).clone());
        self.ledger.wrong(1, || {
            format!("{tenant}: item {item} in location {location}, {status}: movements say {moved}, the balance says {on_hand}")
        });
    }

    /// After all balances: what moved and has none.
    pub fn without_balance(&mut self) {
        for (key, moved) in std::mem::take(&mut self.moved) {
            self.ledger.checked += 1;
            if !moved.is_zero() {
                self.differs(key, moved, Decimal::ZERO);
            }
        }
    }

    /// Per item: what physical places hold (as stored) and what virtual places gained (as moved) cancel out.
    pub fn books_close(&self) -> Finding {
        let mut finding = Finding { checked: self.books.len() as i64, ..Finding::default() };
        for ((tenant, item), total) in self.books.iter().filter(|(_, total)| !total.is_zero()) {
            finding.wrong(1, || format!("{}: item {item} is off by {total}", self.names.names[*tenant as usize]));
        }
        finding
    }

    /// Every item that moved or has a balance, by tenant.
    pub fn items(&self) -> BTreeMap<&str, BTreeSet<Uuid>> {
        let mut items: BTreeMap<&str, BTreeSet<Uuid>> = BTreeMap::new();
        for (tenant, item) in self.books.keys() {
            items.entry(&self.names.names[*tenant as usize]).or_default().insert(*item);
        }
        items
    }
}

/// Whether the movements stand between places that their kind allows; unknown places are told elsewhere.
fn fits(group: &Group) -> bool {
    let (Some(from), Some(to)) = (group.from_kind.as_deref(), group.to_kind.as_deref()) else { return true };
    let is_one_place = group.from_location_id == group.to_location_id;
    let between = |a: &str, b: &str| (from, to) == (a, b) || (from, to) == (b, a);
    let stands = match group.kind.as_str() {
        "RECEIPT" => (from, to) == ("SUPPLIER", PHYSICAL),
        "ISSUE" => (from, to) == (PHYSICAL, "CUSTOMER"),
        "TRANSFER" => (from, to) == (PHYSICAL, PHYSICAL) && !is_one_place,
        "STATUS_CHANGE" => from == PHYSICAL && is_one_place,
        "SCRAP" => (from, to) == (PHYSICAL, "SCRAP"),
        "ADJUSTMENT" => group.has_reason && between(PHYSICAL, "ADJUSTMENT"),
        _ => between(PHYSICAL, "PRODUCTION"),
    };
    stands && (group.kind == "STATUS_CHANGE") == (group.from_status != group.to_status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(kind: &str, from: (&str, u128), to: (&str, u128), quantity: i64) -> Group {
        Group {
            tenant_id: "acme".into(),
            kind: kind.into(),
            item_id: Uuid::from_u128(9),
            lot_id: None,
            from_location_id: Uuid::from_u128(from.1),
            from_status: "RELEASED".into(),
            to_location_id: Uuid::from_u128(to.1),
            to_status: "RELEASED".into(),
            has_reason: false,
            quantity: Decimal::from(quantity),
            movements: 2,
            seq: 1,
            from_kind: Some(from.0.into()),
            to_kind: Some(to.0.into()),
            lot_item_id: None,
        }
    }

    fn balance(location: u128, on_hand: i64, reserved: i64) -> StoredBalance {
        StoredBalance {
            tenant_id: "acme".into(),
            balance_id: Uuid::from_u128(77),
            item_id: Uuid::from_u128(9),
            location_id: Uuid::from_u128(location),
            lot_id: None,
            quality_status: "RELEASED".into(),
            on_hand: Decimal::from(on_hand),
            reserved: Decimal::from(reserved),
            lot_item_id: None,
        }
    }

    fn proof(groups: Vec<Group>, balances: Vec<StoredBalance>) -> Proof {
        let mut proof = Proof::default();
        groups.into_iter().for_each(|group| proof.movements(group));
        balances.into_iter().for_each(|balance| proof.balance(balance));
        proof.without_balance();
        proof
    }

    #[test]
    fn sound_books_have_no_violation() {
        let groups = vec![
            group("RECEIPT", ("SUPPLIER", 1), (PHYSICAL, 11), 10),
            group("TRANSFER", (PHYSICAL, 11), (PHYSICAL, 12), 4),
            group("ISSUE", (PHYSICAL, 12), ("CUSTOMER", 2), 3),
        ];
        let proof = proof(groups, vec![balance(11, 6, 1), balance(12, 1, 0)]);
        let findings =
            [&proof.ledger, &proof.negative, &proof.reserved, &proof.references, &proof.lots, &proof.kinds, &proof.books_close()];
        assert!(findings.iter().all(|finding| finding.violations == 0), "{findings:?}");
        assert_eq!((proof.references.checked, proof.ledger.checked, proof.books_close().checked), (6, 2, 1));
    }

    #[test]
    fn each_fault_is_found_and_told() {
        let receipt = || group("RECEIPT", ("SUPPLIER", 1), (PHYSICAL, 11), 10);
        let off = proof(vec![receipt()], vec![balance(11, 9, 10)]);
        assert_eq!((off.ledger.violations, off.reserved.violations, off.books_close().violations), (1, 1, 1));
        assert!(off.ledger.examples[0].contains("movements say 10, the balance says 9"), "{:?}", off.ledger.examples);
        let missing = proof(vec![receipt()], vec![]);
        assert_eq!((missing.ledger.violations, missing.ledger.checked), (1, 1));
        let below = proof(vec![], vec![balance(11, -1, 0)]);
        assert_eq!((below.negative.violations, below.ledger.violations), (1, 1));
        let unknown = proof(vec![Group { from_kind: None, ..receipt() }], vec![balance(11, 10, 0)]);
        assert_eq!((unknown.references.violations, unknown.kinds.violations), (2, 0));
        let foreign = Group { lot_id: Some(Uuid::from_u128(5)), lot_item_id: Some(Uuid::from_u128(8)), ..receipt() };
        assert_eq!(proof(vec![foreign], vec![]).lots.violations, 2);
        for wrong in [
            group("ISSUE", ("SUPPLIER", 1), (PHYSICAL, 11), 1),
            group("TRANSFER", (PHYSICAL, 11), (PHYSICAL, 11), 1),
            group("ADJUSTMENT", ("ADJUSTMENT", 3), (PHYSICAL, 11), 1),
            Group { to_status: "HOLD".into(), ..receipt() },
        ] {
            assert_eq!(proof(vec![wrong.clone()], vec![]).kinds.violations, 2, "{wrong:?}");
        }
    }
}
