//! Statistics of samples that fit in memory.
//!
//! A [`Column`] is a sample whose values were found finite, with its moments. A [`Sorted`] column has been put in order once,
//! and serves percentiles, outliers, ranks and all tests that are built on ranks. Everything else is a function of these,
//! named as the field names it.
//!
//! No function returns a NaN: where a statistic has no value, it is an [`Error`] or `None`, and the function says which.
//! p-values are computed, not looked up; relative to SciPy they agree to 1e-9 (see the tests). Random numbers come from the
//! caller's seed.

mod anova;
mod autocorrelation;
mod column;
mod compare;
mod contingency;
mod correlation;
mod descriptive;
mod error;
mod exact;
mod inversions;
mod isolation;
mod outliers;
mod power;
mod radix;
mod random;
mod sequential;
mod shapiro;
mod sorted;
mod special;
mod sum;
mod trend;

pub use anova::{Anova, Centre, Levene, levene, one_way_anova};
pub use autocorrelation::{DurbinWatson, autocorrelation, durbin_watson};
pub use column::{Column, MAX_ROWS};
pub use compare::{MannWhitney, RankMethod, Welch, cohen_d, mann_whitney, mann_whitney_samples, welch};
pub use contingency::{ChiSquare, Fisher, chi_square, fisher_exact};
pub use correlation::{Correlation, Kendall, kendall, pearson, spearman};
pub use descriptive::{Description, Interval, PERCENTS, bootstrap_mean_interval, describe, mean_interval};
pub use error::Error;
pub use isolation::{FOREST_THRESHOLD, ForestSettings, isolation_scores};
pub use outliers::{Outlier, OutlierRule, Outliers, Severity, outliers};
pub use power::{t_test_power, t_test_sample_size};
pub use sequential::{Look, MAX_LOOKS, Spending, boundaries};
pub use shapiro::{MAX_SHAPIRO, ShapiroWilk, shapiro_wilk};
pub use sorted::Sorted;
pub use special::normal_quantile;
pub use trend::{Direction, Line, MannKendall, least_squares, mann_kendall};
