//! Several groups against each other: means, and variances.

use serde::{Deserialize, Serialize};

use super::error::at_least;
use super::special::fisher_upper;
use super::sum::sum;
use super::{Column, Error};

/// One-way analysis of variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anova {
    pub between_squares: f64,
    pub within_squares: f64,
    pub between_degrees: usize,
    pub within_degrees: usize,
    pub f: f64,
    pub p_value: f64,
    /// Share of the squares that lies between the groups.
    pub r_squared: f64,
    /// Root of the mean square within groups.
    pub residual_standard_deviation: f64,
}

/// Do the groups have one mean? Needs two groups, more values than groups, and spread within the groups.
pub fn one_way_anova(groups: &[Column]) -> Result<Anova, Error> {
    at_least(groups.len(), 2)?;
    let count: usize = groups.iter().map(Column::len).sum();
    at_least(count, groups.len() + 1)?;
    // Means are compared as distances from a value near all of them, so that leading digits that all share cost nothing.
    let origin = groups[0].pivot();
    let offset = sum(groups.iter().map(|group| group.mean_from(origin) * group.len() as f64)) / count as f64;
    let between_squares = sum(groups.iter().map(|group| (group.mean_from(origin) - offset).powi(2) * group.len() as f64));
    let within_squares = sum(groups.iter().map(Column::sum_of_squares));
    if within_squares <= 0.0 {
        return Err(Error::NoSpread);
    }
    let (between_degrees, within_degrees) = (groups.len() - 1, count - groups.len());
    let within = within_squares / within_degrees as f64;
    let f = between_squares / between_degrees as f64 / within;
    Ok(Anova {
        between_squares,
        within_squares,
        between_degrees,
        within_degrees,
        f,
        p_value: fisher_upper(between_degrees as f64, within_degrees as f64, f),
        r_squared: between_squares / (between_squares + within_squares),
        residual_standard_deviation: within.sqrt(),
    })
}

/// What the deviations of Levene's test are counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Centre {
    /// Levene 1960: for symmetric distributions.
    Mean,
    /// Brown & Forsythe 1974: for skewed ones; SciPy's default.
    Median,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Levene {
    pub w: f64,
    pub p_value: f64,
    pub centre: Centre,
}

/// Do the groups have one variance? The analysis of variance of the absolute deviations; needs what that needs.
pub fn levene(groups: &[Column], centre: Centre) -> Result<Levene, Error> {
    let deviations: Vec<Vec<f64>> = groups
        .iter()
        .map(|group| {
            let middle = match centre {
                Centre::Mean => group.mean(),
                Centre::Median => median(group.values()),
            };
            group.values().iter().map(|value| (value - middle).abs()).collect()
        })
        .collect();
    let columns = deviations.iter().map(|group| Column::new(group)).collect::<Result<Vec<_>, _>>()?;
    let anova = one_way_anova(&columns)?;
    Ok(Levene { w: anova.f, p_value: anova.p_value, centre })
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (lower, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if even { lower.iter().copied().fold(f64::NEG_INFINITY, f64::max).midpoint(upper) } else { upper }
}
