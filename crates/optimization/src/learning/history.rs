use super::{InvalidInput, Table};

/// The most decisions that a model is trained on; take the newest.
pub const MAX_DECISIONS: usize = 4_000_000;

/// What was recommended and what people then decided. Times are microseconds since 1970-01-01 UTC.
#[derive(Clone, Debug)]
pub struct History {
    pub(super) table: Table,
    pub(super) decided_at_us: Vec<i64>,
    pub(super) accepted: Vec<bool>,
}

impl History {
    /// One row of `table` per decision, in any order. `recorded_at_us` says when the features were recorded: one column for
    /// all of them, or one per feature.
    ///
    /// Refuses a feature that was recorded after its decision: it may know the outcome, and nobody has it when recommending.
    pub fn new(
        table: Table,
        recorded_at_us: &[&[i64]],
        decided_at_us: Vec<i64>,
        accepted: Vec<bool>,
    ) -> Result<Self, InvalidInput> {
        let rows = table.rows();
        if rows > MAX_DECISIONS {
            let problem = format!("must be at most {MAX_DECISIONS} decisions, not {rows}: take the newest");
            return Err(InvalidInput::new("table", problem));
        }
        let features = table.schema().features();
        if recorded_at_us.len() != 1 && recorded_at_us.len() != features.len() {
            let problem = format!("must have one column, or one for each of {} features", features.len());
            return Err(InvalidInput::new("recorded_at_us", problem));
        }
        for (field, length) in recorded_at_us
            .iter()
            .map(|column| ("recorded_at_us", column.len()))
            .chain([("decided_at_us", decided_at_us.len()), ("accepted", accepted.len())])
        {
            if length != rows {
                return Err(InvalidInput::new(field, format!("must have {rows} rows like the table, not {length}")));
            }
        }
        for (column, times) in recorded_at_us.iter().enumerate() {
            let late = times.iter().zip(&decided_at_us).position(|(recorded, decided)| recorded > decided);
            if let Some(row) = late {
                let name = if recorded_at_us.len() == 1 { "features" } else { &features[column].name };
                let problem = format!(
                    "of decision {row} recorded after it was taken, at {} and {}: train on what was known when recommending",
                    times[row], decided_at_us[row]
                );
                return Err(InvalidInput::new(name, problem));
            }
        }
        Ok(Self { table, decided_at_us, accepted })
    }

    pub fn decisions(&self) -> usize {
        self.accepted.len()
    }

    pub fn accepted(&self) -> usize {
        self.accepted.iter().filter(|&&accepted| accepted).count()
    }

    /// Rows by the time of decision, then by place.
    pub(super) fn in_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.decisions() as u32).collect();
        if !self.decided_at_us.is_sorted() {
            order.sort_by_key(|&row| self.decided_at_us[row as usize]);
        }
        order
    }
}

/// Splits rows that are sorted by time: how many come before the cut that leaves about `share` of them behind it. Rows of one
/// moment stay together, so that what is before is strictly before; `None` when all are of one moment.
pub(super) fn time_split(rows: usize, time_us: impl Fn(usize) -> i64, share: f64) -> Option<usize> {
    let wanted = (((1.0 - share) * rows as f64).round() as usize).min(rows.saturating_sub(1));
    let begins = |&row: &usize| time_us(row - 1) != time_us(row);
    let below = (1..=wanted).rev().find(begins);
    let above = (wanted + 1..rows).find(begins);
    match (below, above) {
        (Some(below), Some(above)) if above - wanted < wanted - below => Some(above),
        (below, above) => below.or(above),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_moment_stay_together() {
        let split = |times: &[i64], share| time_split(times.len(), |row| times[row], share);
        assert_eq!(split(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.2), Some(8));
        assert_eq!(split(&[1, 2, 3, 3, 3, 3, 3, 3, 3, 10], 0.2), Some(9));
        assert_eq!(split(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 2], 0.2), Some(9));
        assert_eq!(split(&[1, 1, 1, 1, 1, 1, 2, 3, 3, 3], 0.2), Some(7));
        assert_eq!(split(&[5, 5, 5], 0.2), None);
        assert_eq!(split(&[], 0.2), None);
        assert_eq!(split(&[7], 0.5), None);
        assert_eq!(split(&[7, 8], 0.5), Some(1));
    }
}
