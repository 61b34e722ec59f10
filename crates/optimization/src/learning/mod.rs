//! Whether people will accept a recommendation, learnt from what they decided before.
//!
//! [`train`] boosts binary trees over binned features (Friedman 2001; the histograms of Ke et al. 2017) on a [`History`],
//! strictly by time: what is learnt from is before what decides when to stop, and that is before what the report is about.
//! Features must have been recorded no later than the decision. [`Model::predict`] gives probabilities, [`Model::explain`]
//! takes one apart, [`compare`] says whether a new model should replace the present one.
//!
//! Missing values are learnt: each split sends them to the side where they cost less. The same history, settings and seed
//! give the same model, byte for byte: sums are of integers, and the rest is rounded the same way everywhere but in `ln` and
//! `exp` of the platform, which only decide when to stop and how to scale.

mod bins;
mod boost;
mod calibration;
mod compare;
mod format;
mod gradient;
mod grow;
mod history;
mod metrics;
mod model;
mod random;
mod schema;
mod settings;
mod split;
mod train;
mod tree;

pub use crate::putaway::InvalidInput;
pub use compare::{Comparison, MIN_HELD_OUT, Verdict, compare};
pub use history::{History, MAX_DECISIONS};
pub use metrics::{Metrics, RELIABILITY_BINS, ReliabilityBin};
pub use model::{Contribution, Explanation, Importance, Model};
pub use schema::{Feature, Kind, MAX_FEATURES, MAX_LEVELS, Schema, Table, Value};
pub use settings::Settings;
pub use train::{MIN_DECISIONS, NotEnough, Outcome, Report, Trained, Want, evaluate, train};
