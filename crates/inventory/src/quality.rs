//! Which changes of quality status are allowed, and for whom: the one table that movements, lots and holds obey.
//!
//! | from \ to          | QUARANTINE | PENDING_INSPECTION | RELEASED | REJECTED | HOLD  |
//! |--------------------|------------|--------------------|----------|----------|-------|
//! | QUARANTINE         |            | STAFF              | ADMIN    | STAFF    | STAFF |
//! | PENDING_INSPECTION | STAFF      |                    | STAFF    | STAFF    | STAFF |
//! | RELEASED           | STAFF      | STAFF              |          | STAFF    | STAFF |
//! | REJECTED           | ADMIN      | ADMIN              | ADMIN    |          | ADMIN |
//! | HOLD               | STAFF      | STAFF              | ADMIN    | STAFF    |       |
//!
//! STAFF stands for [`STOCK_MOVE`], ADMIN for [`QUALITY_RELEASE`]. Whoever works on the floor may take goods from sale at any
//! time and release what passed an inspection. Nothing that was rejected comes back without somebody who answers for it, by
//! whatever detour; quarantine and HOLD end by an inspection or by that person's word. A decision about a hold gives its stock
//! back what it was before and obeys the row of that former status; other changes may not take what a hold claims.

use platform::Result;
use platform::auth::{Actor, Permission, roles};

use crate::model::{MovementKind, Posting, QualityStatus};
use crate::service::STOCK_MOVE;

/// Brings back what was rejected, and ends a quarantine without an inspection.
pub const QUALITY_RELEASE: Permission = Permission::new("quality:release", roles::ADMIN);

/// What the change needs.
pub fn needed(from: QualityStatus, to: QualityStatus) -> Permission {
    use QualityStatus::{Hold, Quarantine, Rejected, Released};
    match (from, to) {
        (Rejected, to) if to != Rejected => QUALITY_RELEASE,
        (Quarantine | Hold, Released) => QUALITY_RELEASE,
        _ => STOCK_MOVE,
    }
}

/// Refuses unless the actor may make all of the changes.
pub fn require(actor: &Actor, changes: impl IntoIterator<Item = (QualityStatus, QualityStatus)>) -> Result<()> {
    for (from, to) in changes {
        actor.require(needed(from, to)).map_err(|mut error| {
            error.detail = format!("{}; it is needed to change {from} to {to}", error.detail);
            error
        })?;
    }
    Ok(())
}

/// From what to what a posting changes the status.
pub fn change_of(posting: &Posting) -> Option<(QualityStatus, QualityStatus)> {
    (posting.kind == MovementKind::StatusChange).then_some((posting.from_status, posting.to_status))
}

#[cfg(test)]
mod tests {
    use platform::auth::Role;

    use super::*;

    /// Everything that the role reaches from a status, by any number of changes.
    fn reach(role: Role, from: QualityStatus) -> Vec<QualityStatus> {
        let mut reached = vec![from];
        let mut next = 0;
        while let Some(at) = reached.get(next).copied() {
            for to in QualityStatus::ALL {
                if needed(at, *to).held_by(role) && !reached.contains(to) {
                    reached.push(*to);
                }
            }
            next += 1;
        }
        reached
    }

    #[test]
    fn rejected_goods_come_back_by_no_detour() {
        assert_eq!(reach(Role::Staff, QualityStatus::Rejected), [QualityStatus::Rejected]);
        assert_eq!(reach(Role::Admin, QualityStatus::Rejected).len(), QualityStatus::ALL.len());
    }

    #[test]
    fn goods_may_be_taken_from_sale_by_staff_and_by_no_viewer() {
        for to in QualityStatus::ALL {
            assert!(needed(QualityStatus::Released, *to).held_by(Role::Staff));
            assert!(!needed(QualityStatus::Released, *to).held_by(Role::Viewer));
        }
        for blocked in [QualityStatus::Quarantine, QualityStatus::Hold] {
            assert!(!needed(blocked, QualityStatus::Released).held_by(Role::Staff));
        }
    }
}
