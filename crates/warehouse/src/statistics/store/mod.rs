pub(crate) mod comparison;
pub(super) mod history;
pub(super) mod outlier;
pub(super) mod results;
pub(super) mod run;
