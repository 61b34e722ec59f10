//! Shapes of the API, the same in REST (snake_case) and GraphQL (camelCase). Quantities are strings in the item's base unit.

use async_graphql::SimpleObject;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::Quantity;
use platform::auth::Actor;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Accuracy, Count, CountPlace, CountState, Entered, LineState, LineView, PlaceState, may_count};
use super::{COUNTS_APPROVE, COUNTS_COUNT};
use crate::model::QualityStatus;

/// One cycle count.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = Count)]
#[graphql(name = "Count")]
pub struct CountDto {
    pub count_id: Uuid,
    pub code: String,
    pub facility_id: Uuid,
    pub facility_code: String,
    pub state: CountState,
    /// Those who count see neither what the ledger expects nor what others found.
    pub blind: bool,
    #[schema(example = "1")]
    pub tolerance_quantity: String,
    #[schema(example = "0.5")]
    pub tolerance_percent: String,
    /// Empty: every item.
    pub item_ids: Vec<Uuid>,
    pub note: String,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub progress: ProgressDto,
    /// Hidden from those who count blind, until the count is over.
    pub accuracy: Option<AccuracyDto>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = CountProgress)]
#[graphql(name = "CountProgress")]
pub struct ProgressDto {
    pub locations: i64,
    pub locations_started: i64,
    pub locations_counted: i64,
    pub lines: i64,
    /// Nobody has counted them.
    pub lines_open: i64,
    /// Somebody else must count them again.
    pub lines_recount: i64,
    pub lines_approval: i64,
}

/// How well the ledger agreed with what was found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = CountAccuracy)]
#[graphql(name = "CountAccuracy")]
pub struct AccuracyDto {
    /// Lines that were counted.
    pub lines: i64,
    /// Lines whose first count lay within the tolerance.
    pub lines_within: i64,
    /// `lines_within` per `lines`, 0 to 100; null when nothing was counted.
    pub percent: Option<f64>,
    /// Sum of the absolute variances, each in its item's base unit.
    pub absolute_variance: String,
    /// Counts that the figure is about; null on a count's own.
    pub counts: Option<i64>,
}

impl From<Accuracy> for AccuracyDto {
    fn from(figures: Accuracy) -> Self {
        let percent = (figures.lines > 0).then(|| (figures.within as f64 / figures.lines as f64 * 1_000.0).round() / 10.0);
        Self {
            lines: figures.lines,
            lines_within: figures.within,
            percent,
            absolute_variance: figures.absolute_variance.to_string(),
            counts: None,
        }
    }
}

impl CountDto {
    pub(super) fn of(actor: &Actor, count: Count) -> Self {
        let shows = count.shows_book_to(actor) || count.state.is_over();
        let progress = count.progress;
        Self {
            count_id: count.count_id.0,
            code: count.code,
            facility_id: count.facility_id.0,
            facility_code: count.facility_code,
            state: count.state,
            blind: count.blind,
            tolerance_quantity: count.tolerance.quantity.to_string(),
            tolerance_percent: count.tolerance.percent.to_string(),
            item_ids: count.items.into_iter().map(|id| id.0).collect(),
            note: count.note,
            version: count.version,
            created_at: count.created_at,
            updated_at: count.updated_at,
            closed_at: count.closed_at,
            progress: ProgressDto {
                locations: progress.locations,
                locations_started: progress.locations_started,
                locations_counted: progress.locations_counted,
                lines: progress.lines,
                lines_open: progress.lines_open,
                lines_recount: progress.lines_recount,
                lines_approval: progress.lines_approval,
            },
            accuracy: shows.then(|| count.accuracy.into()),
        }
    }
}

/// A place of a count.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = CountLocation)]
#[graphql(name = "CountLocation")]
pub struct CountLocationDto {
    pub location_id: Uuid,
    pub location_code: String,
    /// Order of walking, from 1.
    pub sequence: i32,
    pub state: PlaceState,
    pub lines: i64,
    /// To be counted, or counted again.
    pub lines_to_count: i64,
    pub started_at: Option<DateTime<Utc>>,
    pub counted_at: Option<DateTime<Utc>>,
    /// When any count last looked at all of it.
    pub last_counted_at: Option<DateTime<Utc>>,
}

impl From<CountPlace> for CountLocationDto {
    fn from(place: CountPlace) -> Self {
        Self {
            location_id: place.location_id.0,
            location_code: place.location_code,
            sequence: place.sequence,
            state: place.state,
            lines: place.lines,
            lines_to_count: place.lines_to_count,
            started_at: place.started_at,
            counted_at: place.counted_at,
            last_counted_at: place.last_counted_at,
        }
    }
}

/// A place of a count and everything to count there.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = CountSheet)]
#[graphql(name = "CountSheet")]
pub struct CountSheetDto {
    pub location: CountLocationDto,
    pub lines: Vec<CountLineDto>,
}

/// Goods of one item, lot and quality status in one place. `book`, `counted`, `variance`, `within_tolerance`, `entries` and
/// `movement_id` are hidden from those who count blind.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = CountLine)]
#[graphql(name = "CountLine")]
pub struct CountLineDto {
    pub line_id: Uuid,
    pub location_id: Uuid,
    pub location_code: String,
    pub line_no: i32,
    pub item_id: Uuid,
    pub item_code: String,
    pub item_name: String,
    pub unit: String,
    pub lot_id: Option<Uuid>,
    pub lot_number: Option<String>,
    pub expires_on: Option<NaiveDate>,
    pub quality_status: QualityStatus,
    pub state: LineState,
    /// The ledger knew nothing of it when the place was started.
    pub is_unexpected: bool,
    /// Whether the caller may count it now.
    pub may_count: bool,
    /// Whether the caller may approve it now.
    pub may_approve: bool,
    /// What the ledger held when it was last counted; before that, what it holds now.
    pub book: Option<String>,
    /// The last count.
    pub counted: Option<String>,
    /// Counted less book.
    pub variance: Option<String>,
    /// Of the first count.
    pub within_tolerance: Option<bool>,
    /// In the order of counting.
    pub entries: Vec<CountEntryDto>,
    /// The adjustment.
    pub movement_id: Option<Uuid>,
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was rejected or closed.
    pub reason: String,
}

/// What one person counted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, SimpleObject)]
#[schema(as = CountEntered)]
#[graphql(name = "CountEntered")]
pub struct CountEntryDto {
    /// From 1.
    pub attempt: i32,
    /// Grows with each rejection; only the counts of the present round decide.
    pub round: i32,
    pub counted: String,
    pub book: String,
    pub variance: String,
    pub counted_by: Uuid,
    pub counted_by_name: String,
    pub counted_at: DateTime<Utc>,
}

impl From<Entered> for CountEntryDto {
    fn from(entry: Entered) -> Self {
        Self {
            attempt: entry.attempt,
            round: entry.round,
            variance: entry.finding().variance().to_string(),
            counted: entry.counted.to_string(),
            book: entry.book.to_string(),
            counted_by: entry.by.0,
            counted_by_name: entry.by_name,
            counted_at: entry.counted_at,
        }
    }
}

impl CountLineDto {
    pub(super) fn of(actor: &Actor, count: &Count, view: LineView) -> Self {
        let (shows, me) = (count.shows_book_to(actor), actor.principal.user);
        let is_mine = view.entries.iter().any(|entry| entry.by == me);
        let may = actor.may(COUNTS_COUNT) && !count.state.is_over() && may_count(view.line.state, &view.findings(), me).is_ok();
        let LineView { line, item, entries } = view;
        let shown = |quantity: Option<Quantity>| quantity.filter(|_| shows).map(|quantity| quantity.to_string());
        Self {
            line_id: line.count_line_id.0,
            location_id: line.location_id.0,
            location_code: line.location_code,
            line_no: line.line_no,
            item_id: line.item_id.0,
            item_code: item.code,
            item_name: item.name,
            unit: item.base_unit,
            lot_id: line.lot_id.map(|lot| lot.0),
            lot_number: line.lot_number,
            expires_on: line.expires_on,
            quality_status: line.quality_status,
            state: line.state,
            is_unexpected: line.is_unexpected,
            may_count: may,
            may_approve: actor.may(COUNTS_APPROVE) && line.state == LineState::Approval && !is_mine,
            book: shown(line.book.or(Some(line.on_hand))),
            counted: shown(line.counted),
            variance: shown(line.variance),
            within_tolerance: line.first_within.filter(|_| shows),
            entries: entries.into_iter().filter(|_| shows).map(CountEntryDto::from).collect(),
            movement_id: line.movement_id.filter(|_| shows).map(|id| id.0),
            decided_at: line.decided_at,
            reason: line.reason,
        }
    }
}
