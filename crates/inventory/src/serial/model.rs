//! Where pieces are and which movements they allow. No IO, so that it can be tried against a naive model.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kernel::{ErrorCode, FieldError, ItemId, LocationId, LotId, SerialId};
use rust_decimal::prelude::ToPrimitive as _;

use crate::ledger::Key;
use crate::model::{LocationKind, MovementKind, Place, Posting, QualityStatus, Side};

/// Pieces that one movement names.
pub const MAX_SERIALS: usize = 10_000;
/// Pieces that all movements of one request name together.
pub const MAX_SERIALS_TOGETHER: usize = 50_000;

/// Which pieces of a serial-tracked item a posting moves; of other items there are none to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serials {
    /// Exactly these, as many as the quantity.
    Named(Vec<String>),
    /// As many as the quantity of those that lie there, the lowest numbers first: for goods that move as they stand.
    InOrder,
}

impl Default for Serials {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}

impl Serials {
    pub fn numbers(&self) -> &[String] {
        match self {
            Self::Named(numbers) => numbers,
            Self::InOrder => &[],
        }
    }
}

/// A piece as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialRow {
    pub serial_id: SerialId,
    pub item_id: ItemId,
    pub number: String,
    pub lot_id: Option<LotId>,
    pub lot_number: Option<String>,
    /// Where its last movement brought it; virtual when it left.
    pub at: Side,
    pub created_at: DateTime<Utc>,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
}

/// Where a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    pub location: LocationId,
    pub lot: Option<LotId>,
    pub status: QualityStatus,
}

impl At {
    fn is_in_stock(&self) -> bool {
        LocationKind::of_virtual(self.location).is_none()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub id: SerialId,
    /// Absent for one that nobody has seen before.
    pub at: Option<At>,
    /// Its row was made for this batch.
    pub is_new: bool,
    pub has_moved: bool,
}

/// Why a piece cannot take part in a movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialRefusal {
    /// The balance that the movement takes from, or gives to when the piece comes in.
    pub key: Key,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is to leave a place, but nobody has seen it.
    Unknown { number: String },
    /// It is to leave a place where it is not.
    Elsewhere { number: String, at: At },
    /// It is to come in and is in stock already.
    InStock { number: String, at: At },
    /// It is to come in but was scrapped.
    Scrapped { number: String },
    /// It is to come in with another lot than the one it belongs to.
    OtherLot { number: String },
    /// Fewer pieces lie there than are to move.
    TooFew { found: usize, asked: usize },
}

impl SerialRefusal {
    /// Another place that the message names.
    pub fn place(&self) -> Option<LocationId> {
        match &self.cause {
            Cause::Elsewhere { at, .. } | Cause::InStock { at, .. } => Some(at.location),
            _ => None,
        }
    }

    /// What to tell the caller; `here` is the place of the key and `there` the one of [`SerialRefusal::place`].
    pub fn told(&self, goods: &str, here: &Place, there: Option<&Place>) -> (ErrorCode, FieldError) {
        let there = |at: &At| {
            let name = there.map_or_else(|| at.location.to_string(), Place::name);
            if at.is_in_stock() { format!("{name} as {}", at.status) } else { name }
        };
        let here = here.name();
        let (code, message) = match &self.cause {
            Cause::Unknown { number } => (ErrorCode::Invalid, format!("{goods}: nobody has seen serial number {number:?}")),
            Cause::Elsewhere { number, at } if at.lot != self.key.lot && at.location == self.key.location => {
                (ErrorCode::StockInsufficient, format!("{goods}: serial number {number:?} lies in {here} but in another lot"))
            }
            Cause::Elsewhere { number, at } => {
                let there = there(at);
                (ErrorCode::StockInsufficient, format!("{goods}: serial number {number:?} is not in {here}, it is at {there}"))
            }
            Cause::InStock { number, at } => {
                let there = there(at);
                (ErrorCode::Conflict, format!("{goods}: serial number {number:?} is in stock already, at {there}"))
            }
            Cause::Scrapped { number } => (
                ErrorCode::Conflict,
                format!("{goods}: serial number {number:?} was scrapped; an ADJUSTMENT brings it back if it was not"),
            ),
            Cause::OtherLot { number } => {
                (ErrorCode::Invalid, format!("{goods}: serial number {number:?} belongs to another lot; name that one"))
            }
            Cause::TooFew { found, asked } => (
                ErrorCode::StockInsufficient,
                format!("{goods}: {found} pieces lie in {here}, {asked} are asked; others may be moving them right now"),
            ),
        };
        (code, FieldError::new("serials", message))
    }
}

/// The pieces that a batch of postings is about, as they are and as the accepted postings leave them.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    known: BTreeMap<(ItemId, String), Piece>,
}

impl Pieces {
    pub fn new(known: BTreeMap<(ItemId, String), Piece>) -> Self {
        Self { known }
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The numbers that the posting moves, or why it may not; nothing changes.
    pub fn judge(&self, posting: &Posting) -> Result<Vec<String>, SerialRefusal> {
        let numbers = match &posting.serials {
            Serials::Named(numbers) => numbers.clone(),
            Serials::InOrder => return self.lowest(posting),
        };
        let comes_in = LocationKind::of_virtual(posting.from).is_some();
        let key = Key {
            item: posting.item,
            location: if comes_in { posting.to } else { posting.from },
            lot: posting.lot,
            status: if comes_in { posting.to_status } else { posting.from_status },
        };
        for number in &numbers {
            let piece = self.known.get(&(posting.item, number.clone())).and_then(|piece| piece.at);
            let fault = if comes_in { may_come_in(posting, number, piece) } else { may_leave(&key, number, piece) };
            if let Some(cause) = fault {
                return Err(SerialRefusal { key, cause });
            }
        }
        Ok(numbers)
    }

    fn lowest(&self, posting: &Posting) -> Result<Vec<String>, SerialRefusal> {
        let asked = posting.quantity.decimal().to_usize().unwrap_or(usize::MAX);
        let here = At { location: posting.from, lot: posting.lot, status: posting.from_status };
        let first = (posting.item, String::new());
        let of_item = self.known.range(first..).take_while(|((item, _), _)| *item == posting.item);
        let lying = of_item.filter(|(_, piece)| piece.at == Some(here));
        let numbers: Vec<String> = lying.map(|((_, number), _)| number.clone()).take(asked).collect();
        if numbers.len() < asked {
            let key = Key { item: posting.item, location: here.location, lot: here.lot, status: here.status };
            return Err(SerialRefusal { key, cause: Cause::TooFew { found: numbers.len(), asked } });
        }
        Ok(numbers)
    }

    /// Moves the pieces that [`Pieces::judge`] answered; the posting as it stands in the ledger.
    pub fn apply(&mut self, posting: &Posting, numbers: Vec<String>) -> Posting {
        let at = At { location: posting.to, lot: posting.lot, status: posting.to_status };
        for number in &numbers {
            if let Some(piece) = self.known.get_mut(&(posting.item, number.clone())) {
                piece.at = Some(at);
                piece.has_moved = true;
            }
        }
        Posting { serials: Serials::Named(numbers), ..posting.clone() }
    }

    pub fn id(&self, item: ItemId, number: &str) -> Option<SerialId> {
        self.known.get(&(item, number.to_owned())).map(|piece| piece.id)
    }

    pub fn moved(&self) -> impl Iterator<Item = (&(ItemId, String), SerialId, At)> {
        let moved = self.known.iter().filter(|(_, piece)| piece.has_moved);
        moved.filter_map(|(number, piece)| Some((number, piece.id, piece.at?)))
    }

    /// Those whose rows were made for this batch.
    pub fn made(&self) -> impl Iterator<Item = SerialId> {
        self.known.values().filter(|piece| piece.is_new).map(|piece| piece.id)
    }

    /// Those made for postings that were refused.
    pub fn unused(&self) -> impl Iterator<Item = SerialId> {
        self.known.values().filter(|piece| piece.is_new && !piece.has_moved).map(|piece| piece.id)
    }
}

fn may_leave(key: &Key, number: &str, piece: Option<At>) -> Option<Cause> {
    let Some(at) = piece else { return Some(Cause::Unknown { number: number.to_owned() }) };
    let is_there = at.location == key.location && at.lot == key.lot && at.status == key.status;
    (!is_there).then(|| Cause::Elsewhere { number: number.to_owned(), at })
}

/// New ones come in, and those that had left, for instance as a return; what was scrapped only as a correction.
fn may_come_in(posting: &Posting, number: &str, piece: Option<At>) -> Option<Cause> {
    let at = piece?;
    let number = number.to_owned();
    if at.is_in_stock() {
        return Some(Cause::InStock { number, at });
    }
    if at.location == crate::model::SCRAP && posting.kind != MovementKind::Adjustment {
        return Some(Cause::Scrapped { number });
    }
    (at.lot.is_some() && at.lot != posting.lot).then_some(Cause::OtherLot { number })
}

#[cfg(test)]
mod tests;
