use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use kernel::{Code, ErrorCode, FieldError, ItemId, LotId, TenantId, UserId};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::STOCK_MOVE;
use crate::model::{Lot, LotDates, QualityStatus, WantedLot};
use crate::{rules, store};

/// New lots that one audit line names; the rest is counted.
const NAMED_LOTS: usize = 100;

/// For other contexts inside their transaction: the lot of the item with this number, made when it is new. Given dates fill
/// gaps of a lot that exists; contradicting ones are refused with the field `expires_on` or `manufactured_on`.
pub async fn find_or_create_lot(tx: &mut Tx, actor: &Actor, item: ItemId, number: &str, dates: LotDates) -> Result<Lot> {
    let wanted = WantedLot { item, number: number.to_owned(), dates };
    let mut lots = find_or_create(tx, actor, &[wanted], |_, field| field.to_owned()).await?;
    Ok(lots.pop().expect("one lot was asked for"))
}

/// As [`find_or_create_lot`] for many, in the order asked; the same lot may be asked for twice. Faults of all of them are
/// reported together, as `lots[i].expires_on` and so on.
pub async fn find_or_create_lots(tx: &mut Tx, actor: &Actor, wanted: &[WantedLot]) -> Result<Vec<Lot>> {
    find_or_create(tx, actor, wanted, |index, field| format!("lots[{index}].{field}")).await
}

async fn find_or_create(
    tx: &mut Tx,
    actor: &Actor,
    wanted: &[WantedLot],
    path: impl Fn(usize, &str) -> String,
) -> Result<Vec<Lot>> {
    actor.require(STOCK_MOVE)?;
    let mut keys = Vec::with_capacity(wanted.len());
    let mut errors = Vec::new();
    for (index, one) in wanted.iter().enumerate() {
        match Code::parse(&one.number) {
            Ok(number) => keys.push((one.item, number.into_string())),
            Err(invalid) => errors.push(invalid.at(path(index, "number"))),
        }
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    let mut book = LotBook::load(tx, actor.tenant(), keys.iter().cloned()).await?;
    for (index, (key, one)) in keys.iter().zip(wanted).enumerate() {
        if let Err(fault) = book.want(actor, key, &one.dates, true) {
            errors.push(FieldError::new(path(index, &fault.field), fault.message));
        }
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    book.save(tx, actor.tenant()).await?;
    Ok(keys.iter().map(|key| book.get(key).cloned().expect("every wanted lot is in the book")).collect())
}

/// For other contexts: the lots with these ids; unknown ids are absent.
pub async fn lots_by_ids(connection: &mut PgConnection, tenant: &TenantId, ids: &[LotId]) -> Result<HashMap<LotId, Lot>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    Ok(store::lots::by_ids(connection, tenant, &ids).await?.into_iter().map(|lot| (lot.lot_id, lot)).collect())
}

/// For other contexts inside their transaction: the lots with these numbers, each of its item; what does not exist is absent.
pub async fn find_lots(tx: &mut Tx, tenant: &TenantId, keys: &[(ItemId, String)]) -> Result<HashMap<(ItemId, String), LotId>> {
    let book = LotBook::load(tx, tenant, keys.iter().cloned()).await?;
    Ok(book.lots.into_iter().map(|(key, lot)| (key, lot.lot_id)).collect())
}

pub type LotKey = (ItemId, String);

/// The lots that one request is about: loaded and locked together, completed in memory, saved together.
#[derive(Debug, Default)]
pub struct LotBook {
    lots: BTreeMap<LotKey, Lot>,
    /// Who makes them.
    new: HashMap<LotKey, Actor>,
    changed: BTreeSet<LotKey>,
}

impl LotBook {
    pub async fn load(tx: &mut Tx, tenant: &TenantId, keys: impl Iterator<Item = LotKey>) -> Result<Self> {
        let mut keys: Vec<LotKey> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        let mut book = Self::default();
        book.fetch(tx, tenant, &keys).await?;
        Ok(book)
    }

    async fn fetch(&mut self, tx: &mut Tx, tenant: &TenantId, keys: &[LotKey]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let items: Vec<Uuid> = keys.iter().map(|(item, _)| item.0).collect();
        let numbers: Vec<String> = keys.iter().map(|(_, number)| number.clone()).collect();
        for lot in store::lots::lock_by_number(tx, tenant, &items, &numbers).await? {
            self.lots.insert((lot.item_id, lot.number.clone()), lot);
        }
        Ok(())
    }

    pub fn get(&self, key: &LotKey) -> Option<&Lot> {
        self.lots.get(key)
    }

    /// The status of goods of the lot for which none is given; `dates` are those of a lot that is new.
    pub fn usual_status(&self, key: &LotKey, dates: &LotDates) -> QualityStatus {
        self.get(key).map(|lot| lot.quality_status).or(dates.quality_status).unwrap_or_default()
    }

    /// Makes sure that the lot is there and agrees with `dates`; the error's field is `lot`, `expires_on` or `manufactured_on`.
    pub fn want(&mut self, actor: &Actor, key: &LotKey, dates: &LotDates, may_create: bool) -> Result<(), FieldError> {
        if let Some(lot) = self.lots.get_mut(key) {
            if rules::agree(lot, dates)? && !self.new.contains_key(key) {
                self.changed.insert(key.clone());
            }
            return Ok(());
        }
        if !may_create {
            return Err(FieldError::new("lot", format!("lot {:?} of this item does not exist", key.1)));
        }
        let now = actor.env.now();
        let mut lot = Lot {
            lot_id: LotId(actor.env.new_id()),
            item_id: key.0,
            number: key.1.clone(),
            quality_status: dates.quality_status.unwrap_or_default(),
            received_at: now,
            manufactured_on: None,
            expires_on: None,
            created_at: now,
        };
        rules::agree(&mut lot, dates)?;
        self.lots.insert(key.clone(), lot);
        self.new.insert(key.clone(), actor.clone());
        Ok(())
    }

    /// Inserts new lots, in key order so that two requests never wait for each other, and fills dates of known ones.
    pub async fn save(&mut self, tx: &mut Tx, tenant: &TenantId) -> Result<()> {
        let new: Vec<&Lot> = self.lots.iter().filter(|(key, _)| self.new.contains_key(*key)).map(|(_, lot)| lot).collect();
        if !new.is_empty() {
            let inserted: HashSet<LotId> = store::lots::insert(tx, tenant, &new).await?.into_iter().collect();
            self.audit(tx, &new.iter().copied().filter(|lot| inserted.contains(&lot.lot_id)).collect::<Vec<_>>());
            let lost: Vec<Lot> = new.iter().filter(|lot| !inserted.contains(&lot.lot_id)).map(|lot| (*lot).clone()).collect();
            self.adopt(tx, tenant, &lost).await?;
        }
        let changed: Vec<&Lot> = self.changed.iter().filter_map(|key| self.lots.get(key)).collect();
        if !changed.is_empty() {
            store::lots::fill_dates(tx, tenant, &changed).await?;
        }
        self.new.clear();
        self.changed.clear();
        Ok(())
    }

    /// One audit line for each request that made lots. Callers choose the ids of requests, so two people may use the same.
    fn audit(&self, tx: &mut Tx, made: &[&Lot]) {
        let mut by_request: BTreeMap<(UserId, &str), (&Actor, Vec<&Lot>)> = BTreeMap::new();
        for lot in made {
            if let Some(actor) = self.new.get(&(lot.item_id, lot.number.clone())) {
                let request = (actor.principal.user, actor.request_id.as_str());
                by_request.entry(request).or_insert_with(|| (actor, Vec::new())).1.push(lot);
            }
        }
        by_request.values().for_each(|(actor, lots)| audit(tx, actor, lots));
    }

    /// Somebody else made these lots a moment ago: theirs count, if they agree with ours.
    async fn adopt(&mut self, tx: &mut Tx, tenant: &TenantId, lost: &[Lot]) -> Result<()> {
        let keys: Vec<LotKey> = lost.iter().map(|lot| (lot.item_id, lot.number.clone())).collect();
        self.fetch(tx, tenant, &keys).await?;
        for (key, ours) in keys.iter().zip(lost) {
            let theirs = self.lots.get_mut(key).filter(|theirs| theirs.lot_id != ours.lot_id);
            let theirs =
                theirs.ok_or_else(|| Error::new(ErrorCode::Conflict, format!("lot {:?} is being made right now", key.1)))?;
            if theirs.quality_status != ours.quality_status {
                let detail = format!("lot {:?} was made right now as {}; try again", key.1, theirs.quality_status);
                return Err(Error::new(ErrorCode::Conflict, detail));
            }
            let dates = LotDates { manufactured_on: ours.manufactured_on, expires_on: ours.expires_on, quality_status: None };
            if rules::agree(theirs, &dates)? {
                self.changed.insert(key.clone());
            }
        }
        Ok(())
    }
}

fn audit(tx: &mut Tx, actor: &Actor, made: &[&Lot]) {
    match made {
        [] => {}
        [lot] => tx.audit(actor, Entry::new("lot.create", "lot", lot.lot_id).after(lot)),
        [first, ..] => {
            let lots: Vec<_> =
                made.iter().take(NAMED_LOTS).map(|lot| json!({ "lot_id": lot.lot_id, "number": lot.number })).collect();
            let summary = json!({ "count": made.len(), "lots": lots });
            tx.audit(actor, Entry::new("lot.create", "lot batch", first.lot_id).after(&summary));
        }
    }
}
