use super::{InvalidInput, Layout, Slotting, check};

/// Which slots are interchangeable: goods move only between slots of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Kinds<'a> {
    /// Of each slot; `None`: what lies there stays, and nothing comes. Without any entry all slots are of one kind.
    of_slots: &'a [Option<u32>],
}

impl<'a> Kinds<'a> {
    /// All slots are interchangeable.
    pub const ONE: Kinds<'static> = Kinds { of_slots: &[] };

    /// One entry for each slot of the layout.
    pub fn new(layout: &Layout, of_slots: &'a [Option<u32>]) -> Result<Self, InvalidInput> {
        check("kinds", of_slots.len() == layout.slots.len(), "must have one entry for each slot")?;
        Ok(Self { of_slots })
    }

    pub(super) fn of_slot(&self, slot: u32) -> Option<u32> {
        if self.of_slots.is_empty() { Some(0) } else { self.of_slots[slot as usize] }
    }

    /// Where an item may go. What lies in the far reserve may go to any slot when all are of one kind, else it stays.
    pub(super) fn of_item(&self, slotting: &Slotting, item: usize) -> Option<u32> {
        match slotting[item] {
            Some(slot) => self.of_slot(slot),
            None if self.of_slots.is_empty() => Some(0),
            None => None,
        }
    }
}
