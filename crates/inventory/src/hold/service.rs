//! Use cases of holds.

use std::collections::{BTreeSet, HashMap};

use kernel::{FieldError, HoldId, Page, PageRequest, Quantity, UserId};
use platform::auth::{Actor, Permission, roles};
use platform::database::Tx;
use platform::events::Event;
use platform::{Error, Result};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

pub use super::decide::decide;
use super::model::{Hold, HoldDecision, HoldFilter, HoldLine};
pub use super::place::place;
use super::store::{self, HoldQuery};
use crate::ledger::{Held, Key};
use crate::model::Labelled;
use crate::request::NumberText;
use crate::rules::MAX_TEXT_CHARS;
use crate::service::{STOCK_READ, cursor, item_of, label_one, label_page};
use crate::store::{balances, lots};
use crate::{reservation, serial};

/// Ends holds. What the goods become obeys the table of quality changes besides.
pub const HOLDS_DECIDE: Permission = Permission::new("holds:decide", roles::STAFF);

/// Decisions that the answer about one hold lists, newest first.
const SHOWN_DECISIONS: i64 = 500;
const MAX_PIECES: usize = 50_000;

/// A hold with everything about it.
#[derive(Clone, Debug)]
pub struct Whole {
    pub hold: Labelled<Hold>,
    pub lines: Vec<HoldLine>,
    /// Newest first, at most 500.
    pub decisions: Vec<HoldDecision>,
    /// Of those who placed it and decided about it.
    pub names: HashMap<UserId, String>,
}

/// Newest first.
pub async fn list(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &HoldFilter,
    page: &PageRequest,
) -> Result<(Page<Labelled<Hold>>, HashMap<UserId, String>)> {
    actor.require(STOCK_READ)?;
    let before: Option<Uuid> = cursor(page)?;
    let query = HoldQuery { id: None, item: item_of(connection, actor, &filter.item).await?, state: filter.state };
    let rows = store::select(connection, actor.tenant(), &query, before, page).await?;
    let people: BTreeSet<UserId> = rows.iter().map(|hold| hold.created_by).collect();
    let people: Vec<UserId> = people.into_iter().collect();
    let names = identity::service::names_of(connection, actor.tenant(), &people).await?;
    let page = Page::cut(rows, page, |hold| hold.hold_id.0);
    Ok((label_page(connection, actor.tenant(), page, |hold| hold.item_id).await?, names))
}

pub async fn one(connection: &mut PgConnection, actor: &Actor, id: HoldId) -> Result<Whole> {
    actor.require(STOCK_READ)?;
    whole(connection, actor, id).await
}

pub(super) async fn whole(connection: &mut PgConnection, actor: &Actor, id: HoldId) -> Result<Whole> {
    let tenant = actor.tenant();
    let query = HoldQuery { id: Some(id.0), ..HoldQuery::default() };
    let hold = store::select(connection, tenant, &query, None, &PageRequest::default()).await?.pop();
    let hold = hold.ok_or_else(|| Error::not_found(format_args!("hold {id}")))?;
    let lines = store::lines(connection, tenant, id).await?;
    let decisions = store::decisions(connection, tenant, id, SHOWN_DECISIONS).await?;
    let people: BTreeSet<UserId> = decisions.iter().map(|one| one.decided_by).chain([hold.created_by]).collect();
    let people: Vec<UserId> = people.into_iter().collect();
    let names = identity::service::names_of(connection, tenant, &people).await?;
    let hold = label_one(connection, tenant, hold, |hold| hold.item_id).await?;
    Ok(Whole { hold, lines, decisions, names })
}

pub(super) fn announce(tx: &mut Tx, actor: &Actor, hold: &Hold) {
    let payload = json!({ "item_id": hold.item_id, "state": hold.state, "remaining": hold.remaining });
    tx.publish(actor, Event::new("inventory.hold.changed", hold.hold_id, payload));
}

/// Locks what comes before balances in the order of the ledger: lots, then the pieces that lie in these places.
pub(super) async fn lock_goods(tx: &mut Tx, actor: &Actor, keys: &[Key], is_tracked: bool) -> Result<()> {
    let ids: BTreeSet<Uuid> = keys.iter().filter_map(|key| key.lot).map(|lot| lot.0).collect();
    if !ids.is_empty() {
        let ids: Vec<Uuid> = ids.into_iter().collect();
        lots::lock_by_id(tx, actor.tenant(), &ids).await?;
    }
    if let Some(first) = keys.first().filter(|_| is_tracked) {
        let locations: BTreeSet<Uuid> = keys.iter().map(|key| key.location.0).collect();
        let locations: Vec<Uuid> = locations.into_iter().collect();
        serial::lock_lying(tx, actor.tenant(), first.item, &locations, MAX_PIECES).await?;
    }
    Ok(())
}

/// Locks the balances as the ledger does: first makes the rows that the goods will come to, then locks those and the ones that
/// they come from together, in the order of keys. Doing it here for both keeps the posting that follows from waiting for anything.
pub(super) async fn lock_balances(tx: &mut Tx, actor: &Actor, from: &[Key], to: &BTreeSet<Key>) -> Result<HashMap<Key, Held>> {
    let all: BTreeSet<Key> = from.iter().chain(to).copied().collect();
    let (to, all): (Vec<Key>, Vec<Key>) = (to.iter().copied().collect(), all.into_iter().collect());
    if !to.is_empty() {
        balances::ensure(tx, actor.tenant(), &actor.env, &to).await?;
    }
    let mut held = balances::lock(tx, actor.tenant(), &all).await?;
    reservation::service::free_all_expired(tx, &actor.env, &mut held).await?;
    Ok(held.into_iter().map(|(key, (_, held))| (key, held)).collect())
}

/// What is wrong with the texts.
pub(super) fn texts(reason: &str, reference: Option<&str>) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if reason.trim().is_empty() {
        faults.push(FieldError::new("reason", "must say why"));
    }
    for (field, text) in [("reason", reason), ("reference", reference.unwrap_or_default())] {
        if text.trim().chars().count() > MAX_TEXT_CHARS {
            faults.push(FieldError::new(field, format!("must be at most {MAX_TEXT_CHARS} characters long")));
        } else if text.trim().chars().any(char::is_control) {
            faults.push(FieldError::new(field, "must not contain control characters"));
        }
    }
    faults
}

pub(super) fn quantity(given: Option<&NumberText>, faults: &mut Vec<FieldError>) -> Option<Quantity> {
    let text = given.map(|text| text.0.trim()).filter(|text| !text.is_empty())?;
    match text.parse::<Quantity>().and_then(Quantity::positive) {
        Ok(quantity) => Some(quantity),
        Err(invalid) => {
            faults.push(invalid.at("quantity"));
            None
        }
    }
}
