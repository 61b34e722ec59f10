use catalog::{Dimensions, Item};

use crate::words::VerificationStatus;

/// What differs by more is flagged.
pub const TOLERANCE_PERCENT: f64 = 10.0;
/// A verification holds for so long; then the item is to be measured again.
pub const REVERIFY_DAYS: i64 = 90;

/// What one base unit measures and weighs, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// In any order.
    pub sides_mm: Option<[i32; 3]>,
    /// Only where the sides are not known.
    pub volume_mm3: Option<i64>,
    pub weight_g: Option<i64>,
}

impl Figures {
    pub fn of(item: &Item) -> Self {
        let sides = |size: Dimensions| [size.length_mm, size.width_mm, size.height_mm];
        Self {
            sides_mm: item.dimensions.map(sides),
            volume_mm3: item.volume_cm3.map(|volume| volume * 1_000),
            weight_g: item.weight_g,
        }
    }

    pub fn volume(&self) -> Option<i64> {
        self.sides_mm.map(|sides| sides.into_iter().map(i64::from).product()).or(self.volume_mm3)
    }
}

/// How far a measurement is from the master data: (measured - master) / master, in percent; nothing where there is nothing to
/// compare with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Variance {
    /// Of the side that differs most; sides are compared from long to short, because goods are put on a scale any way up.
    pub dimension: Option<f64>,
    pub volume: Option<f64>,
    pub weight: Option<f64>,
}

impl Variance {
    pub fn between(measured: &Figures, master: &Figures) -> Self {
        let sides = measured.sides_mm.zip(master.sides_mm).map(|(measured, master)| (sorted(measured), sorted(master)));
        let worst = sides.and_then(|(measured, master)| {
            let each = measured.into_iter().zip(master).filter_map(|(a, b)| percent(a.into(), b.into()));
            each.max_by(|a, b| a.abs().total_cmp(&b.abs()))
        });
        Self {
            dimension: worst,
            volume: measured.volume().zip(master.volume()).and_then(|(a, b)| percent(a, b)),
            weight: measured.weight_g.zip(master.weight_g).and_then(|(a, b)| percent(a, b)),
        }
    }

    fn is_beyond(&self) -> bool {
        [self.dimension, self.volume, self.weight].into_iter().flatten().any(|percent| percent.abs() > TOLERANCE_PERCENT)
    }

    /// What was measured but cannot be compared counts as absent master data, unless something else is beyond the tolerance.
    pub fn status(&self, measured: &Figures) -> VerificationStatus {
        let lacks_size = measured.sides_mm.is_some() && self.volume.is_none();
        let lacks_weight = measured.weight_g.is_some() && self.weight.is_none();
        match (self.is_beyond(), lacks_size || lacks_weight) {
            (true, _) => VerificationStatus::Flagged,
            (false, true) => VerificationStatus::NoMasterData,
            (false, false) => VerificationStatus::Verified,
        }
    }
}

fn sorted(mut sides: [i32; 3]) -> [i32; 3] {
    sides.sort_unstable_by(|a, b| b.cmp(a));
    sides
}

/// Beyond this the exact figure tells nobody more, and the column holds no more.
const MOST_PERCENT: f64 = 9_999_999_999.0;

/// A master figure of nought says that nobody knows it.
fn percent(measured: i64, master: i64) -> Option<f64> {
    (master > 0).then(|| ((measured - master) as f64 / master as f64 * 100.0).min(MOST_PERCENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(sides: Option<[i32; 3]>, weight_g: Option<i64>) -> Figures {
        Figures { sides_mm: sides, volume_mm3: None, weight_g }
    }

    fn judged(measured: Figures, master: Figures) -> (Variance, VerificationStatus) {
        let variance = Variance::between(&measured, &master);
        (variance, variance.status(&measured))
    }

    #[test]
    fn exactly_the_tolerance_is_within_it() {
        let master = figures(Some([100, 100, 100]), Some(1_000));
        let (variance, status) = judged(figures(None, Some(1_100)), master);
        assert_eq!((variance.weight, status), (Some(10.0), VerificationStatus::Verified));
        assert_eq!(judged(figures(None, Some(1_101)), master).1, VerificationStatus::Flagged);
        assert_eq!(judged(figures(None, Some(899)), master).1, VerificationStatus::Flagged);
    }

    #[test]
    fn sides_are_compared_whichever_way_up_and_their_product_too() {
        let master = figures(Some([300, 200, 100]), None);
        assert_eq!(judged(figures(Some([100, 300, 200]), None), master).0.dimension, Some(0.0));
        // Each side within tolerance, the volume not.
        let (variance, status) = judged(figures(Some([324, 216, 108]), None), master);
        assert!((variance.dimension.unwrap() - 8.0).abs() < 1e-9 && (variance.volume.unwrap() - 25.9712).abs() < 1e-9);
        assert_eq!(status, VerificationStatus::Flagged);
    }

    #[test]
    fn absent_master_data_is_no_variance_of_nought() {
        let (variance, status) = judged(figures(Some([1, 2, 3]), Some(5)), Figures::default());
        assert_eq!((variance, status), (Variance::default(), VerificationStatus::NoMasterData));
        assert_eq!(judged(figures(None, Some(5)), figures(None, Some(0))).1, VerificationStatus::NoMasterData);
        let half = judged(figures(Some([10, 10, 10]), Some(500)), figures(Some([20, 10, 10]), None));
        assert_eq!(half.1, VerificationStatus::Flagged, "the size is wrong, whatever is known of the weight");
    }

    #[test]
    fn a_volume_alone_is_compared_with_the_product_of_the_sides() {
        let master = Figures { volume_mm3: Some(1_000_000), ..Figures::default() };
        let (variance, status) = judged(figures(Some([100, 100, 105]), None), master);
        assert_eq!((variance.dimension, status), (None, VerificationStatus::Verified));
        assert!((variance.volume.unwrap() - 5.0).abs() < 1e-9);
    }
}
