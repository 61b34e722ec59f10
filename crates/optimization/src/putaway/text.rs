use super::{CapacityFlip, Failure, Lost, MICRO, Miss, Part, Placement, ReasonCode, WeightFlip};

/// One sentence for the person at the shelf: "already holds this item and lot; 72 % full afterwards; 3rd nearest of 412 that fit".
pub fn reason_text(placement: &Placement) -> String {
    let why = match placement.reason {
        ReasonCode::Consolidation if !placement.joins_stock => "joins the same item and lot of this batch",
        code => plain(code),
    };
    let mut text = format!("{why}; {:.0} % full afterwards", placement.fill_after * 100.0);
    if placement.fitting_bins > 1 {
        let rank = if placement.nearness_rank == 1 { String::new() } else { format!("{} ", ordinal(placement.nearness_rank)) };
        text.push_str(&format!("; {rank}nearest of {} that fit", placement.fitting_bins));
    }
    text
}

/// One sentence on why goods found no place, with what the nearest location lacked; the caller names the location.
pub fn failure_text(failure: &Failure) -> String {
    let lacking = failure.nearest_miss.map(|nearest| format!("; {}", miss_text(&nearest.miss)));
    format!("{}{}", plain(failure.code), lacking.unwrap_or_default())
}

/// One sentence on why an alternative was not chosen.
pub fn lost_text(lost: &Lost) -> String {
    match *lost {
        Lost::LowerScore { part, points } => format!("{points:.1} points less, mostly for {}", part_text(part)),
        Lost::LooserFit => "scores the same, but leaves more space unused".into(),
        Lost::Equal => "equally good".into(),
        Lost::TakesPart { quantity_micro } => format!("takes only {}", decimal(quantity_micro, MICRO)),
        Lost::OtherLines { points } => format!("{points:.1} points more for this line alone, but other lines would lose more"),
        Lost::LaterLines { points } => format!("{points:.1} points more now that the rest of the batch is placed"),
    }
}

/// What would have to change about a location, which the caller names, to make the best alternative the choice.
pub fn capacity_flip_text(flip: &CapacityFlip) -> String {
    let more = |change: i64| if change > 0 { "more" } else { "less" };
    match *flip {
        CapacityFlip::Volume { change_mm3, .. } => format!("{} l {} room", decimal(change_mm3.abs(), MICRO), more(change_mm3)),
        CapacityFlip::Weight { change_g, .. } => format!("{} kg {} load", decimal(change_g.abs(), 1000), more(change_g)),
    }
}

/// Which weight of the settings would make the best alternative the choice.
pub fn weight_flip_text(flip: &WeightFlip) -> String {
    format!("a weight of {:.1} instead of {:.1} for {}", flip.to, flip.from, flip.part)
}

fn plain(code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::Quarantine => "waits in quarantine until it is released",
        ReasonCode::Consolidation => "already holds this item and lot",
        ReasonCode::Split => "takes a part, because no single location takes the whole line",
        ReasonCode::OnlyLocation => "the only location that fits",
        ReasonCode::AbcMatch => "its ABC class suits the item's",
        ReasonCode::BestFit => "best filled by this line",
        ReasonCode::Nearest => "near, as the item is picked often",
        ReasonCode::SlowMover => "leaves nearer places to items that are picked more often",
        ReasonCode::LocationType => "its type suits the item",
        ReasonCode::Affinity => "near items that are picked together with this one",
        ReasonCode::QuietAisle => "its aisle is quieter",
        ReasonCode::Ergonomics => "its height suits the item",
        ReasonCode::PreferredZone => "lies in the item's preferred zone",
        ReasonCode::PlainStorage => "leaves special storage to goods that need it",
        ReasonCode::NoLocation => "no available location is of a type that stores goods",
        ReasonCode::QualityHold => "not released, and no quarantine location is available",
        ReasonCode::Temperature => "no location keeps the temperature that the item needs",
        ReasonCode::Security => "no location is secure enough for the item",
        ReasonCode::TooLarge => "one piece is larger than every suitable location",
        ReasonCode::TooHeavy => "one piece is heavier than every suitable location carries",
        ReasonCode::Hazard => "every suitable location holds goods of a hazard class that must be kept apart",
        ReasonCode::Mixing => "every suitable location is kept for another item or lot",
        ReasonCode::NoCapacity => "no suitable location has enough room left",
    }
}

fn miss_text(miss: &Miss) -> String {
    match *miss {
        Miss::Volume { needed_mm3, available_mm3 } => {
            format!("the nearest miss has {} l of the {} l needed", decimal(available_mm3, MICRO), decimal(needed_mm3, MICRO))
        }
        Miss::Weight { needed_g, available_g } => {
            format!("the nearest miss carries {} kg of the {} kg needed", decimal(available_g, 1000), decimal(needed_g, 1000))
        }
        Miss::Length { needed_mm, available_mm } => {
            format!("the nearest miss measures {available_mm} mm where {needed_mm} mm are needed")
        }
        Miss::Temperature { needed, available } => {
            let kept = available.map_or("does not control it".into(), |range| format!("keeps {}", degrees(range)));
            format!("needed are {}, the nearest miss {kept}", degrees(needed))
        }
        Miss::Security { needed, available } => format!("needed is {needed}, the nearest miss is {available}"),
        Miss::Hazard { needed, present } => format!("class {needed} may not lie with class {present}"),
        Miss::Mixing { policy } => format!("the nearest miss takes {policy} only"),
    }
}

fn part_text(part: Part) -> &'static str {
    match part {
        Part::Abc => "its ABC class",
        Part::Fill => "how full it would be",
        Part::Travel => "the way to it",
        Part::LocationType => "its type",
        Part::Consolidation => "not holding this item and lot",
        Part::Affinity => "lying far from items picked together with this one",
        Part::Congestion => "its busy aisle",
        Part::Ergonomics => "its height",
        Part::PreferredZone => "its zone",
        Part::SpecialStorage => "being special storage",
        Part::Split => "taking only a part",
    }
}

fn degrees((low, high): (i32, i32)) -> String {
    format!("{:.1} to {:.1} °C", f64::from(low) / 10.0, f64::from(high) / 10.0)
}

/// `value / scale` without trailing zeros; `scale` is a power of ten.
fn decimal(value: i64, scale: i64) -> String {
    let digits = scale.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / scale, value % scale);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn ordinal(n: u32) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 101, 111].map(ordinal).join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 101st 111th"
        );
        assert_eq!(decimal(12_500_000, MICRO), "12.5");
        assert_eq!(decimal(0, MICRO), "0");
        assert_eq!(decimal(30_000, 1000), "30");
        assert_eq!(decimal(1, MICRO), "0.000001");
    }
}
