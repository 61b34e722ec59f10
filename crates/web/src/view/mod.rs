//! What each template is given: one struct per page, plain text, numbers and times, made by the page handlers.
//!
//! Shapes that hold everywhere: a time is UTC and shown relative to [`Page::now`]; a `Decimal` is a quantity in the item's
//! base unit; a `…_percent` is 0 to 100 and may exceed it; an `href` is a finished address of this site; a code such as
//! `PICK_FACE` is given as it stands and put into words by the template.

mod account;
mod audit;
mod counts;
mod demand;
mod errors;
mod experiments;
mod floor;
mod form;
mod history;
mod holds;
mod imports;
mod items;
mod jobs;
mod learning;
mod locations;
mod movements;
mod overview;
mod page;
mod people;
mod plot;
pub mod plots;
mod putaway;
mod quality;
mod receipts;
mod reservations;
#[cfg(test)]
mod samples;
mod serials;
mod setup;
mod slotting;
mod statistics;
mod status;
#[cfg(test)]
mod tests;
mod transfers;

use serde::Serialize;

pub use account::{Account, AccountInput, CodeStep, CodeStepInput, SecondFactorInput, SecondFactorPage, SessionRow, TotpCodes};
pub use audit::{AuditFilter, AuditList, AuditRow, Change, changes};
pub use counts::{
    CountForm, CountInput, CountList, CountListFilter, CountPage, CountPlaceRow, CountRow, CountSheet, ReviewInput,
    ReviewLineInput, ReviewRow, SheetInput, SheetLineInput,
};
pub use demand::{
    ConfirmInput, OrderActInput, OrderForm, OrderInput, OrderLineInput, OrderList, OrderListFilter, OrderListRow, OrderPage,
    PickListPage, PickListRow, PickLists, PickListsFilter, ShortInput, TaskChoice, TaskInput, TaskList, TaskListFilter, TaskRow,
};
pub use errors::{Errors, FieldProblem};
pub use experiments::{ExperimentForm, ExperimentInput, ExperimentList, ExperimentPage, StopInput};
pub use floor::{Bin, FloorMap, Heat, LegendStep, floor_map, heat_map};
pub use form::{read, ticked};
pub use history::{AgeBar, AgeingRow, HistoryFilter, ItemHistory, OrderRow, StockAgeing, ThenRow, TurnoverFigures, line_chart};
pub use holds::{DecisionInput, HoldDecision, HoldFilter, HoldForm, HoldInput, HoldLine, HoldList, HoldPage, HoldRow};
pub use imports::{Column, ImportInput, ImportKind, ImportList, ImportPage, ImportRow, RowProblem, columns};
pub use items::{
    Barcode, BarcodeInput, ItemFilter, ItemForm, ItemInput, ItemList, ItemPage, ItemRow, ItemUnit, StockRow, UnitInput,
};
pub use jobs::JobList;
pub use learning::{ModelPage, ModelRow, ShownModel, confusion_chart, importance_chart, reliability_chart};
pub use locations::{
    Content, FacilityForm, FacilityInput, FillCount, HeldSpace, LocationFilter, LocationForm, LocationInput, LocationList,
    LocationPage, LocationRow, PastRecommendation,
};
pub use movements::{MovementFilter, MovementForm, MovementInput, MovementList, MovementRow};
pub use overview::{Activity, Attention, Figure, Overview, Step};
pub use page::{Choice, Flash, FlashKind, NavItem, Page, Pager, PublicPage, Theme, User, nav};
pub use people::{SignIn, SignInInput, TokenInput, TokenList, TokenRow, UserForm, UserInput, UserList, UserRow};
pub use plot::{forecast, pareto};
pub use putaway::{Alternative, CrossDock, PutawayBoard, Recommendation, ScorePart, Unplaced, WaitingLine};
pub use quality::{DecideInput, DecidePage, FailureInput, FailurePage, MeasureInput, MeasurePage, QualityFilter, QualityInbox};
pub use receipts::{
    BlindReceipt, BlindReceiptInput, LineOutcome, NewLineInput, ReceiptFilter, ReceiptLine, ReceiptList, ReceiptPage, ReceiptRow,
    ReceiveInput, ReceivedLineInput,
};
pub use reservations::{
    AllocationRow, ItemPromise, PartInput, PromiseDay, ReservationFilter, ReservationForm, ReservationInput, ReservationList,
    ReservationPage, ReservationRow,
};
pub use serials::{SerialFilter, SerialList, SerialPage, SerialRow};
pub use setup::{Setup, SetupInput};
pub use slotting::{ClassInput, ForecastPage, PlanInput, PlanPage, SlottingFilter, SlottingPage, VelocityView};
pub use statistics::{OutlierInput, OutlierPage, StatisticsFilter, StatisticsFound, StatisticsPage, SummaryRow, VersionPanel};
pub use status::{CheckState, ErrorPage, HealthPage};
pub use transfers::{
    TransferEndInput, TransferForm, TransferInput, TransferLineInput, TransferList, TransferListFilter, TransferMoveInput,
    TransferMoveLine, TransferPage, TransferRow,
};

/// A page's context and the template that shows it.
pub trait View: Serialize {
    const TEMPLATE: &'static str;
}

macro_rules! templates {
    ($($view:ident $template:literal;)+) => {
        $(impl View for $view {
            const TEMPLATE: &'static str = $template;
        })+

        /// Every template that is a page by itself.
        #[cfg(test)]
        const PAGES: &[&str] = &[$($template),+];
    };
}

templates! {
    Account "account.html";
    AuditList "audit.html";
    BlindReceipt "receipt_new.html";
    CodeStep "sign_in_code.html";
    CountForm "count_new.html";
    CountList "counts.html";
    CountPage "count.html";
    CountSheet "count_sheet.html";
    ErrorPage "error.html";
    ExperimentForm "experiment_new.html";
    ExperimentList "experiments.html";
    ExperimentPage "experiment.html";
    FacilityForm "facility_form.html";
    HealthPage "health.html";
    HoldForm "hold_new.html";
    HoldList "holds.html";
    HoldPage "hold.html";
    ImportList "imports.html";
    ImportPage "import.html";
    ItemForm "item_form.html";
    ItemHistory "item_history.html";
    ItemList "items.html";
    ItemPage "item.html";
    JobList "jobs.html";
    ModelPage "model.html";
    LocationForm "location_form.html";
    LocationList "locations.html";
    LocationPage "location.html";
    MovementForm "movement_new.html";
    MovementList "movements.html";
    OrderForm "order_new.html";
    OrderList "orders.html";
    OrderPage "order.html";
    OutlierPage "outlier.html";
    Overview "overview.html";
    PickListPage "pick_list.html";
    PickLists "pick_lists.html";
    PlanPage "slotting_plan.html";
    PutawayBoard "putaway.html";
    DecidePage "quality_decide.html";
    FailurePage "quality_failure.html";
    ForecastPage "forecast.html";
    MeasurePage "quality_measure.html";
    QualityInbox "quality.html";
    ReceiptList "receipts.html";
    ReceiptPage "receipt.html";
    ReservationForm "reservation_new.html";
    ReservationList "reservations.html";
    ReservationPage "reservation.html";
    SecondFactorPage "second_factor.html";
    SerialList "serials.html";
    SerialPage "serial.html";
    Setup "setup.html";
    SignIn "sign_in.html";
    StatisticsPage "statistics.html";
    SlottingPage "slotting.html";
    StockAgeing "stock_ageing.html";
    TaskList "move_tasks.html";
    TokenList "tokens.html";
    TransferForm "transfer_new.html";
    TransferList "transfers.html";
    TransferPage "transfer.html";
    UserForm "user_form.html";
    UserList "users.html";
    VelocityView "velocity.html";
}
