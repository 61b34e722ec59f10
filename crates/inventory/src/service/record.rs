use std::collections::{BTreeSet, HashMap};

use catalog::Item;
use kernel::{ErrorCode, FieldError, Quantity, TenantId};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::lots::{LotBook, LotKey};
use super::places::References;
use super::post::{Entered, announce, book, explain, whole};
use super::{STOCK_MOVE, require_for};
use crate::model::{LocationKind, LotDates, MovementKind, Place, Posted, Posting, QualityStatus};
use crate::request::{Draft, MAX_MOVEMENTS, MovementRequest, Statuses, in_base};
use crate::reservation::BrokenReservation;
use crate::{quality, rules, serial};

/// Movements to record in one transaction.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MovementBatch {
    /// Whether one refused movement refuses all (the default); otherwise each stands for itself.
    #[serde(default = "yes")]
    pub atomic: bool,
    /// 1 to 10,000, decided in this order: a later one may use what an earlier one brought.
    pub movements: Vec<MovementRequest>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    Posted,
    Refused,
}

/// What became of one movement of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "MovementResult")]
pub struct MovementResult {
    /// Its place in the request, from 0.
    pub index: usize,
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement_id: Option<Uuid>,
    /// Why it was refused, a code of the error table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The first field at fault, relative to the movement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The promises that gave way, because the goods are missing, scrapped or no longer released.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released_reservations: Vec<BrokenReservation>,
}

/// What became of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "MovementBatchResult")]
pub struct Recorded {
    pub posted: usize,
    pub refused: usize,
    /// One per movement, in the order of the request.
    pub results: Vec<MovementResult>,
}

/// Why a movement is refused; the fields are relative to it.
pub(crate) type Refused = (ErrorCode, Vec<FieldError>);

fn refused(faults: Vec<FieldError>) -> Refused {
    (ErrorCode::Invalid, faults)
}

/// A movement as somebody asks for it, read as far as it can be without looking anything up.
pub(crate) struct Asked<'a> {
    pub actor: &'a Actor,
    pub draft: Result<Draft, Refused>,
}

/// Records movements as callers write them. Not atomic: refused ones are told in the answer and the others stand.
/// Atomic: a refusal is an error that names every refused movement, and nothing is recorded.
pub async fn record(tx: &mut Tx, actor: &Actor, batch: &MovementBatch) -> Result<Recorded> {
    actor.require(STOCK_MOVE)?;
    batch.check_size()?;
    serial::refuse_too_many(&batch.movements)?;
    let drafts: Vec<Result<Draft, Refused>> = batch.movements.iter().map(read).collect();
    require_for(actor, drafts.iter().flatten().map(|draft| draft.kind))?;
    quality::require(actor, drafts.iter().flatten().filter_map(|draft| draft.statuses.change()))?;
    let asked = drafts.into_iter().map(|draft| Asked { actor, draft }).collect();
    let (rows, mut lots) = prepare(tx, actor.tenant(), asked).await?;
    if batch.atomic && rows.iter().any(|row| row.ready.is_err()) {
        return Err(all_refused(rows.into_iter().map(|row| row.ready.err()).collect()));
    }
    lots.save(tx, actor.tenant()).await?;
    let outcomes = decide(tx, actor.tenant(), rows, &lots, batch.atomic).await?;
    if batch.atomic && outcomes.iter().any(Result::is_err) {
        return Err(all_refused(outcomes.into_iter().map(Result::err).collect()));
    }
    announce(tx, actor, &outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect::<Vec<_>>());
    Ok(answer(outcomes))
}

impl MovementBatch {
    pub(super) fn check_size(&self) -> Result<()> {
        let fits = (1..=MAX_MOVEMENTS).contains(&self.movements.len());
        fits.then_some(()).ok_or_else(|| Error::field("movements", format!("must hold 1 to {MAX_MOVEMENTS} movements")))
    }
}

pub(super) fn read(movement: &MovementRequest) -> Result<Draft, Refused> {
    movement.read().map_err(refused)
}

/// A movement on its way through the rules.
pub(crate) struct Row<'a> {
    actor: &'a Actor,
    pub ready: Result<Prepared, Refused>,
}

/// Looks up items, places and lots, each in one round trip, and judges each movement as far as it goes without stock.
/// The lots are locked; what is new in them is not saved yet.
pub(crate) async fn prepare<'a>(tx: &mut Tx, tenant: &TenantId, asked: Vec<Asked<'a>>) -> Result<(Vec<Row<'a>>, LotBook)> {
    let known = || asked.iter().filter_map(|one| one.draft.as_ref().ok());
    let items: Vec<String> = known().map(|draft| draft.item.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let items = catalog::service::resolve(tx, tenant, &items).await?;
    let references: BTreeSet<&str> =
        known().flat_map(|draft| [&draft.from, &draft.to]).filter_map(|side| side.as_deref()).collect();
    let places = References::load(tx, tenant, references).await?;
    let judge = |one: Asked<'a>| {
        let ready = one.draft.and_then(|draft| Prepared::of(draft, &items, &places).map_err(refused));
        Row { actor: one.actor, ready }
    };
    let mut rows: Vec<Row<'a>> = asked.into_iter().map(judge).collect();
    let lots = rows.iter().filter_map(|row| row.ready.as_ref().ok()?.lot.as_ref()).map(|lot| lot.key.clone());
    let mut lots = LotBook::load(tx, tenant, lots).await?;
    for Row { actor, ready } in &mut rows {
        if let Ok(prepared) = ready
            && let Err(faults) = prepared.complete(actor, &mut lots)
        {
            *ready = Err(refused(faults));
        }
    }
    Ok((rows, lots))
}

/// Decides on stock and writes what is accepted; the refused are explained.
pub(super) async fn decide(
    tx: &mut Tx,
    tenant: &TenantId,
    rows: Vec<Row<'_>>,
    lots: &LotBook,
    atomic: bool,
) -> Result<Vec<Result<Posted, Refused>>> {
    let resolved: Vec<(&Actor, Posting)> =
        rows.iter().filter_map(|row| Some((row.actor, row.ready.as_ref().ok()?.resolved(lots)))).collect();
    let entered: Vec<Entered> = resolved.iter().map(|(actor, posting)| Entered { actor, posting, id: None }).collect();
    let outcomes = book(tx, tenant, &entered, atomic).await?;
    let refusals: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    let told = if refusals.is_empty() { Vec::new() } else { explain(tx, tenant, &refusals).await? };
    let (mut outcomes, mut told) = (outcomes.into_iter(), told.into_iter());
    let decided = rows.into_iter().map(|row| {
        row.ready?;
        outcomes.next().expect("every prepared movement has an outcome").map_err(|_| {
            let (code, fault) = told.next().expect("every refusal is explained");
            (code, vec![fault])
        })
    });
    Ok(decided.collect())
}

pub(super) fn all_refused(rows: Vec<Option<Refused>>) -> Error {
    let rows = rows.into_iter().enumerate().filter_map(|(index, row)| row.map(|(code, faults)| (index, code, faults)));
    whole(rows.collect())
}

pub(super) fn answer(outcomes: Vec<Result<Posted, Refused>>) -> Recorded {
    let results: Vec<MovementResult> = outcomes
        .into_iter()
        .enumerate()
        .map(|(index, outcome)| match outcome {
            Ok(posted) => MovementResult {
                index,
                outcome: Outcome::Posted,
                movement_id: Some(posted.movement_id.0),
                code: None,
                detail: None,
                field: None,
                released_reservations: posted.released_reservations,
            },
            Err((code, faults)) => MovementResult {
                index,
                outcome: Outcome::Refused,
                movement_id: None,
                code: Some(code.name()),
                detail: Some(detail(&faults)),
                field: faults.first().map(|fault| fault.field.clone()),
                released_reservations: Vec::new(),
            },
        })
        .collect();
    let posted = results.iter().filter(|result| result.outcome == Outcome::Posted).count();
    Recorded { posted, refused: results.len() - posted, results }
}

fn detail(faults: &[FieldError]) -> String {
    match faults {
        [one] => one.message.clone(),
        many => many.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect::<Vec<_>>().join("; "),
    }
}

/// A movement whose item and places are known.
#[derive(Debug)]
pub(crate) struct Prepared {
    posting: Posting,
    from: Place,
    to: Place,
    statuses: Statuses,
    pub(crate) lot: Option<PreparedLot>,
}

#[derive(Debug)]
pub(crate) struct PreparedLot {
    pub(crate) key: LotKey,
    dates: LotDates,
    may_create: bool,
}

impl Prepared {
    fn of(draft: Draft, items: &HashMap<String, Item>, places: &References) -> Result<Self, Vec<FieldError>> {
        let item = items.get(&draft.item);
        let mut faults = Vec::new();
        if item.is_none() {
            faults.push(FieldError::new("item", format!("item {:?} does not exist", draft.item)));
        }
        let mut side = |field: &str, reference: &Option<String>| {
            places.field(field, reference.as_deref()).unwrap_or_else(|fault| {
                faults.push(fault);
                None
            })
        };
        let (from, to) = (side("from", &draft.from), side("to", &draft.to));
        let Some(item) = item.filter(|_| faults.is_empty()) else { return Err(faults) };
        let quantity = base_quantity(&draft, item).map_err(|fault| vec![fault])?;
        let serials = serial::named(draft.serials.clone(), item, quantity).map_err(|fault| vec![fault])?;
        let sides = rules::complete(draft.kind, quantity, from, to).map_err(|fault| vec![fault])?;
        let comes_in = sides.from.kind != LocationKind::Physical;
        if comes_in && !item.is_active {
            faults.push(FieldError::new("item", format!("item {:?} is not active and cannot be taken in", item.code)));
        }
        let lot = lot_of(&draft, item, comes_in).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut posting =
            Posting::transfer(item.item_id, None, sides.quantity, sides.from.id, sides.to.id, QualityStatus::Released)
                .with_reason(draft.reason)
                .with_reference(draft.reference);
        posting.kind = draft.kind;
        posting.effective_at = draft.effective_at;
        posting.serials = serials;
        Ok(Self { posting, from: sides.from, to: sides.to, statuses: draft.statuses, lot })
    }

    /// Takes the lot's status where none was given, applies the rules that need all of the posting, and finds or plans the lot.
    fn complete(&mut self, actor: &Actor, lots: &mut LotBook) -> Result<(), Vec<FieldError>> {
        let usual = self.lot.as_ref().map_or(QualityStatus::Released, |lot| lots.usual_status(&lot.key, &lot.dates));
        let (from, to) = match self.statuses {
            Statuses::Keep(status) => (status.unwrap_or(usual), status.unwrap_or(usual)),
            Statuses::Change { from, to } => (from, to),
        };
        (self.posting.from_status, self.posting.to_status) = (from, to);
        let faults = rules::check(&self.posting, &self.from, &self.to, actor.env.now());
        if !faults.is_empty() {
            return Err(faults);
        }
        let Some(lot) = &self.lot else { return Ok(()) };
        lots.want(actor, &lot.key, &lot.dates, lot.may_create).map_err(|fault| vec![fault])
    }

    pub(crate) fn resolved(&self, lots: &LotBook) -> Posting {
        let lot = self.lot.as_ref().and_then(|lot| lots.get(&lot.key)).map(|lot| lot.lot_id);
        Posting { lot, ..self.posting.clone() }
    }
}

fn base_quantity(draft: &Draft, item: &Item) -> Result<Quantity, FieldError> {
    let Some(unit) = &draft.unit else { return Ok(draft.quantity) };
    let factor = item.factor_of(unit).ok_or_else(|| {
        let others = item.units.iter().map(|unit| unit.unit.as_str());
        let known: Vec<&str> = std::iter::once(item.base_unit.as_str()).chain(others).collect();
        FieldError::new("unit", format!("item {:?} is handled in {}, not in {unit:?}", item.code, known.join(", ")))
    })?;
    in_base(draft.quantity, factor)
}

/// Goods that come in name a lot, which may be new, exactly when the item is lot-tracked. Goods that are here already keep what
/// they came with: the item may have become lot-tracked, or ceased to be, and its stock must stay movable.
fn lot_of(draft: &Draft, item: &Item, comes_in: bool) -> Result<Option<PreparedLot>, FieldError> {
    match &draft.lot {
        Some(_) if comes_in && !item.lot_tracked => {
            Err(FieldError::new("lot", format!("item {:?} is not lot-tracked; leave the lot empty", item.code)))
        }
        None if comes_in && item.lot_tracked => {
            Err(FieldError::new("lot", format!("item {:?} is lot-tracked; name the lot", item.code)))
        }
        None if draft.dates.expires_on.is_some() => {
            Err(FieldError::new("expires_on", "is a date of a lot; only lot-tracked items have it"))
        }
        None if draft.dates.manufactured_on.is_some() => {
            Err(FieldError::new("manufactured_on", "is a date of a lot; only lot-tracked items have it"))
        }
        None => Ok(None),
        Some(number) => {
            let may_create = comes_in && draft.kind != MovementKind::StatusChange;
            Ok(Some(PreparedLot { key: (item.item_id, number.clone()), dates: draft.dates, may_create }))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::ItemId;

    use super::*;
    use crate::request::NumberText;

    fn item(lot_tracked: bool) -> Item {
        let mut item = Item::new(ItemId(Uuid::from_u128(9)), "A-1".into(), DateTime::UNIX_EPOCH);
        item.lot_tracked = lot_tracked;
        item.units = vec![catalog::ItemUnit { unit: "CTN".into(), factor: Quantity::from(12) }];
        item
    }

    fn draft(change: impl FnOnce(&mut MovementRequest)) -> Draft {
        let mut request = MovementRequest {
            kind: "RECEIPT".into(),
            item: "A-1".into(),
            quantity: NumberText("2".into()),
            ..Default::default()
        };
        change(&mut request);
        request.read().unwrap()
    }

    #[test]
    fn a_lot_is_named_exactly_when_the_item_is_lot_tracked() {
        let bare = draft(|_| ());
        let with_lot = draft(|request| request.lot = Some("L1".into()));
        assert!(lot_of(&bare, &item(false), true).unwrap().is_none());
        assert_eq!(lot_of(&bare, &item(true), true).unwrap_err().field, "lot");
        assert_eq!(lot_of(&with_lot, &item(false), true).unwrap_err().field, "lot");
        assert!(lot_of(&with_lot, &item(true), true).unwrap().unwrap().may_create);
        assert!(!lot_of(&with_lot, &item(true), false).unwrap().unwrap().may_create);
        assert!(!lot_of(&with_lot, &item(false), false).unwrap().unwrap().may_create, "stock from before keeps its lot");
        assert!(lot_of(&bare, &item(true), false).unwrap().is_none(), "stock from before has none");
        let dated = draft(|request| request.expires_on = Some("2027-01-31".into()));
        assert_eq!(lot_of(&dated, &item(false), true).unwrap_err().field, "expires_on");
    }

    #[test]
    fn quantities_are_converted_to_the_base_unit() {
        let cartons = draft(|request| request.unit = Some("CTN".into()));
        assert_eq!(base_quantity(&cartons, &item(false)).unwrap(), Quantity::from(24));
        let pallets = draft(|request| request.unit = Some("PAL".into()));
        let fault = base_quantity(&pallets, &item(false)).unwrap_err();
        assert!(fault.message.contains("EA, CTN"), "{}", fault.message);
    }

    #[test]
    fn the_answer_counts_and_keeps_the_order() {
        let fault = || refused(vec![FieldError::new("quantity", "must not be 0"), FieldError::new("to", "does not exist")]);
        let recorded = answer(vec![Err(fault()), Err((ErrorCode::StockInsufficient, vec![FieldError::new("quantity", "none")]))]);
        assert_eq!((recorded.posted, recorded.refused), (0, 2));
        assert_eq!(recorded.results[0].detail.as_deref(), Some("quantity: must not be 0; to: does not exist"));
        assert_eq!(recorded.results[1].code.as_deref(), Some("STOCK_INSUFFICIENT"));
        let error = all_refused(vec![None, Some(fault())]);
        assert_eq!(error.code, ErrorCode::Invalid);
        assert_eq!(error.fields[0].field, "movements[1].quantity");
    }
}
