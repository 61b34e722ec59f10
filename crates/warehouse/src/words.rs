//! The fixed words of this context, as the database and the API write them.

use std::fmt;
use std::str::FromStr;

use kernel::Invalid;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[derive(sqlx::Type, utoipa::ToSchema, async_graphql::Enum)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[sqlx(type_name = "text", rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let text = text.trim();
                Self::ALL.iter().copied().find(|word| word.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
                    let words: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    Invalid(format!("must be one of {}", words.join(", ")))
                })
            }
        }
    )+};
}

words! {
    /// What a location is for.
    LocationType {
        /// Where deliveries are unloaded and wait for putaway.
        Receiving "RECEIVING",
        Putaway "PUTAWAY",
        /// Where orders are picked from.
        PickFace "PICK_FACE",
        Reserve "RESERVE",
        Bulk "BULK",
        Staging "STAGING",
        Packing "PACKING",
        Shipping "SHIPPING",
        /// The only place for goods that are not released.
        Quarantine "QUARANTINE",
        Returns "RETURNS",
    }

    /// At which height hands reach: LOW below 760 mm, GOLDEN from 760 to 1520 mm, HIGH above.
    ErgonomicZone {
        Low "LOW",
        Golden "GOLDEN",
        High "HIGH",
    }

    /// What may lie together in one location.
    MixingPolicy {
        SingleItem "SINGLE_ITEM",
        /// One item, and of it one lot.
        SingleLot "SINGLE_LOT",
        Any "ANY",
    }

    /// Whether a delivery was announced.
    ReceiptKind {
        /// Created ahead, with the lines that should arrive.
        Expected "EXPECTED",
        /// Nothing was announced; lines appear as goods are counted.
        Blind "BLIND",
    }

    /// How far a delivery is.
    ReceiptState {
        /// Nothing has arrived yet.
        Open "OPEN",
        /// Something has arrived, more may.
        Receiving "RECEIVING",
        Closed "CLOSED",
        Cancelled "CANCELLED",
    }

    /// How far a transfer between facilities is.
    TransferState {
        /// Being written; nobody need act.
        Draft "DRAFT",
        /// The source may ship.
        Requested "REQUESTED",
        /// Something was shipped; more may be shipped and received.
        InTransit "IN_TRANSIT",
        /// Everything that was ordered has arrived.
        Received "RECEIVED",
        /// Ended although something was not shipped or did not arrive.
        ClosedShort "CLOSED_SHORT",
        Cancelled "CANCELLED",
    }

    /// What measuring an item showed.
    VerificationStatus {
        /// Everything that was measured is within tolerance of the master data.
        Verified "VERIFIED",
        /// Something differs by more than the tolerance; somebody must decide.
        Flagged "FLAGGED",
        /// There is nothing on record to compare with.
        NoMasterData "NO_MASTER_DATA",
    }

    /// What was decided about a verification that was not within tolerance.
    VerificationDecision {
        /// The master data was wrong: it becomes what was measured.
        TakeMeasured "TAKE_MEASURED",
        /// The measurement was wrong, or does not matter.
        KeepMaster "KEEP_MASTER",
    }

    /// What was done about goods that had found no place.
    FailureResolution {
        MasterDataCorrected "MASTER_DATA_CORRECTED",
        /// A location was added, enlarged or emptied.
        CapacityChanged "CAPACITY_CHANGED",
        StoredElsewhere "STORED_ELSEWHERE",
        NoActionNeeded "NO_ACTION_NEEDED",
    }

    /// What became of goods whose order no longer takes them straight from the dock.
    RelocationStatus {
        Pending "PENDING",
        Relocated "RELOCATED",
    }

    /// How well a location is used, by the fuller of volume and weight.
    UtilizationStatus {
        /// Below 30 percent.
        Underutilized "UNDERUTILIZED",
        Normal "NORMAL",
        /// From 60 to 85 percent.
        Optimal "OPTIMAL",
        /// Above 95 percent.
        Overutilized "OVERUTILIZED",
        /// Goods lie there whose size or weight nobody knows.
        Unmeasured "UNMEASURED",
    }

    /// How well a part of the optimisation is.
    HealthStatus {
        Healthy "HEALTHY",
        Degraded "DEGRADED",
        Unhealthy "UNHEALTHY",
        /// Switched off by a setting; does not lower the whole.
        Disabled "DISABLED",
    }

    /// How far an order is.
    OrderState {
        /// Being written; nobody need act.
        Draft "DRAFT",
        /// Wanted; nothing is bound for it yet.
        Open "OPEN",
        /// A pick list asks for goods that are bound for it.
        Picking "PICKING",
        /// Nothing waits to be picked; it may ship, short or whole.
        Picked "PICKED",
        Shipped "SHIPPED",
        Cancelled "CANCELLED",
    }

    /// How far a pick list is.
    PickListState {
        /// Something waits to be picked.
        Open "OPEN",
        Done "DONE",
        /// What was not picked was given back.
        Cancelled "CANCELLED",
    }

    /// What became of a line of a pick list.
    PickLineState {
        Open "OPEN",
        Picked "PICKED",
        /// Less was there than should have been.
        Short "SHORT",
        /// Given back.
        Cancelled "CANCELLED",
    }

    /// How soon goods that go straight to STAGING must leave.
    CrossDockUrgency {
        /// Today, or it is late already.
        Critical "CRITICAL",
        /// Tomorrow, or the order is urgent.
        High "HIGH",
        Medium "MEDIUM",
    }

    /// Why goods are to be moved.
    MoveTaskKind {
        /// A better place for how often the goods are picked now.
        Reslot "RESLOT",
        /// Bring together what lies in pieces.
        Consolidation "CONSOLIDATION",
        /// Refill a place that orders are picked from.
        Replenishment "REPLENISHMENT",
        /// Straight from receiving to where a due order needs the goods.
        CrossDock "CROSS_DOCK",
    }

    /// How far a move task is.
    MoveTaskState {
        /// Waits for somebody who answers for the site.
        Proposed "PROPOSED",
        /// Whoever is free may claim it.
        Approved "APPROVED",
        /// Somebody does it.
        Claimed "CLAIMED",
        Done "DONE",
        Cancelled "CANCELLED",
    }

    /// A figure that every recommendation has, or that its decision gives it.
    Metric {
        /// 0 to 100.
        Score "SCORE",
        /// 0 to 1.
        Confidence "CONFIDENCE",
        /// In base units.
        Quantity "QUANTITY",
        /// In cm³.
        Volume "VOLUME",
        /// In g.
        Weight "WEIGHT",
        /// From the recommendation to its decision.
        DecisionMinutes "DECISION_MINUTES",
        /// 1 when it was accepted, 0 when it was overridden or rejected.
        Acceptance "ACCEPTANCE",
    }

    /// What becomes of a value that stands apart.
    OutlierStatus {
        Open "OPEN",
        /// Somebody looks into it.
        Investigating "INVESTIGATING",
        /// Its cause was found and dealt with.
        Resolved "RESOLVED",
        /// It is as it should be.
        Dismissed "DISMISSED",
    }

    /// How far a value stands apart.
    OutlierSeverity {
        Mild "MILD",
        Moderate "MODERATE",
        Severe "SEVERE",
    }

    /// How far an experiment is.
    ExperimentState {
        /// Being written; nothing is assigned.
        Draft "DRAFT",
        /// Units are assigned, and the looks happen by their schedule.
        Running "RUNNING",
        /// Ended by hand, without a winner.
        Stopped "STOPPED",
        /// Ended by its rule.
        Decided "DECIDED",
    }

    /// What is assigned to one side of an experiment as a whole, and counts as one value in its analysis.
    ExperimentUnit {
        /// A delivery; goods that are asked for without one count as a delivery of their own.
        Receipt "RECEIPT",
        Facility "FACILITY",
    }

    /// The sides of an experiment.
    Arm {
        Control "CONTROL",
        Treatment "TREATMENT",
    }

    /// How an experiment ended, or that it goes on.
    ExperimentDecision {
        Continue "CONTINUE",
        Control "CONTROL",
        Treatment "TREATMENT",
        NoDifference "NO_DIFFERENCE",
    }

    /// What an acceptance model is used for.
    ModelState {
        /// Proved worse than the champion; may be rolled back to.
        Trained "TRAINED",
        /// Its probabilities stand in recommendations.
        Champion "CHAMPION",
        /// Not proved better than the champion yet; the next training compares them again.
        Challenger "CHALLENGER",
        /// Was replaced; may be rolled back to.
        Retired "RETIRED",
        /// Must not be used: it foretells nothing, or cannot be read.
        Refused "REFUSED",
    }

    /// How far a training is.
    TrainingState {
        Queued "QUEUED",
        Running "RUNNING",
        Done "DONE",
        Failed "FAILED",
    }

    /// What a training does now.
    TrainingPhase {
        Waiting "WAITING",
        Reading "READING",
        Training "TRAINING",
        Storing "STORING",
        Ended "ENDED",
    }

    /// What a training came to: there was not enough to learn from, or the state of the model that it made.
    TrainingOutcome {
        NotEnough "NOT_ENOUGH",
        Trained "TRAINED",
        Champion "CHAMPION",
        Challenger "CHALLENGER",
        Refused "REFUSED",
    }

    /// Why a model is trained.
    TrainingCause {
        ByHand "BY_HAND",
        Schedule "SCHEDULE",
        /// The watch over the optimisation's health found the champion wanting.
        PoorAccuracy "POOR_ACCURACY",
    }

    /// How far a plan of moves is.
    SlottingPlanState {
        /// Waits for a worker.
        Queued "QUEUED",
        /// Is being computed.
        Running "RUNNING",
        /// Waits for somebody who answers for the site.
        Ready "READY",
        /// Its moves are tasks now.
        Approved "APPROVED",
        Rejected "REJECTED",
        /// Stock moved meanwhile, or nobody decided in time.
        Expired "EXPIRED",
        /// It could not be computed.
        Failed "FAILED",
    }

    /// By what items are classed.
    ClassBy {
        /// Times that somebody took some.
        Picks "PICKS",
        /// What was taken, in base units.
        Quantity "QUANTITY",
        /// What was taken times the value of one base unit; an item without a value keeps its class, and that is told.
        Value "VALUE",
    }

    /// Of what the cut-offs of classes are a share.
    ShareOf {
        /// Of the number of items.
        Items "ITEMS",
        /// Of all picks, or all that was taken, or its value: the classical Pareto analysis.
        Total "TOTAL",
    }

    /// Why an item should lie elsewhere.
    TriggerKind {
        VelocitySpike "VELOCITY_SPIKE",
        VelocityDrop "VELOCITY_DROP",
        Promotion "PROMOTION",
        SeasonalChange "SEASONAL_CHANGE",
        NewProduct "NEW_PRODUCT",
    }

    /// How pressing that is.
    TriggerSeverity {
        Medium "MEDIUM",
        High "HIGH",
    }

    /// What would make better use of the locations.
    OptimizationKind {
        /// Bring together what lies in pieces.
        Consolidate "CONSOLIDATE",
        /// Put goods where their class belongs.
        Reslot "RESLOT",
        /// Take goods from a place that is too full to one that has room.
        Rebalance "REBALANCE",
    }

    /// What became of a putaway recommendation.
    RecommendationState {
        /// Holds its space until it is decided or expires.
        Open "OPEN",
        Accepted "ACCEPTED",
        /// The goods went to another location than the recommended one.
        Overridden "OVERRIDDEN",
        Rejected "REJECTED",
        Expired "EXPIRED",
    }
}

impl RecommendationState {
    /// Whether the goods may no longer be moved by this recommendation.
    pub fn is_closed(self) -> bool {
        self != Self::Open
    }
}

impl OrderState {
    /// The one table of changes of an order's state.
    pub fn may_become(self, next: Self) -> bool {
        use OrderState::{Cancelled, Draft, Open, Picked, Picking, Shipped};
        match self {
            Draft => matches!(next, Open | Cancelled),
            Open => matches!(next, Picking | Cancelled),
            // Without a pick the goods go back and the order is open again.
            Picking => matches!(next, Open | Picked | Cancelled),
            // What was short may be tried again.
            Picked => matches!(next, Picking | Shipped | Cancelled),
            Shipped | Cancelled => false,
        }
    }
}

impl MoveTaskState {
    /// The one table of changes of a move task's state.
    pub fn may_become(self, next: Self) -> bool {
        use MoveTaskState::{Approved, Cancelled, Claimed, Done, Proposed};
        match self {
            Proposed => matches!(next, Approved | Cancelled),
            Approved => matches!(next, Claimed | Cancelled),
            // Who cannot do it gives it back.
            Claimed => matches!(next, Approved | Done | Cancelled),
            Done | Cancelled => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_changes_no_more_and_everything_can_end() {
        for state in OrderState::ALL {
            let is_over = matches!(state, OrderState::Shipped | OrderState::Cancelled);
            assert_eq!(state.may_become(OrderState::Cancelled), !is_over, "{state}");
            assert!(!is_over || OrderState::ALL.iter().all(|next| !state.may_become(*next)));
            assert!(!state.may_become(*state) && !state.may_become(OrderState::Draft));
        }
        for state in MoveTaskState::ALL {
            let is_over = matches!(state, MoveTaskState::Done | MoveTaskState::Cancelled);
            assert_eq!(state.may_become(MoveTaskState::Cancelled), !is_over, "{state}");
            assert_eq!(state.may_become(MoveTaskState::Done), *state == MoveTaskState::Claimed, "{state}");
        }
    }

    #[test]
    fn words_are_the_same_in_json_and_in_the_database() {
        for one in LocationType::ALL {
            assert_eq!(serde_json::to_string(one).unwrap(), format!("\"{one}\""));
            assert_eq!(one.as_str().to_lowercase().parse::<LocationType>().unwrap(), *one);
        }
        assert!("SHELF".parse::<LocationType>().unwrap_err().0.contains("PICK_FACE"));
    }
}
