use super::model::{Bears, Problem, Rotation};

/// A box type as the search sees it. Coordinates of the search start at the corner of what goods may take, overhang included.
pub(super) struct Kind {
    pub quantity: u32,
    pub weight: i64,
    pub volume: i64,
    pub worth: i64,
    /// g on its top; `i64::MAX` for any.
    pub bears: i64,
    pub fragile: bool,
    /// Those that the item allows and that fit, without duplicates from equal sides.
    pub turns: Vec<(Rotation, [i32; 3])>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Support {
    None,
    /// A share of the base in percent, 1 to 99.
    Share(i64),
    /// Spaces are cut off to what is supported, so that nothing needs testing.
    Full,
}

/// A problem prepared for the search.
pub(super) struct Case {
    pub size: [i32; 3],
    /// Where the carrier's own corner lies in coordinates of the search.
    pub corner: [i32; 2],
    /// The carrier's floor.
    pub floor: [i32; 2],
    pub kinds: Vec<Kind>,
    pub support: Support,
    /// Whether each box must be looked at alone: a share of support, loads on boxes, or fragile goods.
    pub physical: bool,
    pub loads: bool,
    pub max_weight: i64,
    pub max_volume: i64,
    /// Per kind, those that must not share the carrier with it.
    pub conflicts: Vec<Vec<u16>>,
    /// Half the width of what the centre of gravity may take, in mm of x and y; `None` when it is free.
    pub centre: Option<[f64; 2]>,
    pub axle: Option<(f64, f64)>,
}

impl Case {
    pub fn new(problem: &Problem) -> Case {
        let (carrier, rules) = (&problem.carrier, &problem.rules);
        let support = match rules.support_percent {
            0 => Support::None,
            100 => Support::Full,
            percent => Support::Share(i64::from(percent)),
        };
        let mut height = carrier.height_mm;
        for limit in [carrier.max_stack_height_mm, rules.max_height_mm].into_iter().flatten() {
            height = height.min(limit);
        }
        let over = if support == Support::Full { Default::default() } else { carrier.overhang };
        let floor = [carrier.length_mm, carrier.width_mm];
        let size = [floor[0] + over.front_mm + over.rear_mm, floor[1] + over.left_mm + over.right_mm, height];
        let kinds: Vec<Kind> = problem.items.iter().map(|item| Kind::new(item, size)).collect();
        let loads = kinds.iter().any(|kind| kind.bears < i64::MAX);
        let share = |percent: u8| floor.map(|length| f64::from(length) * f64::from(percent) / 100.0);
        let with = |one: usize| {
            let apart = |other: &usize| rules.apart(problem.items[one].class, problem.items[*other].class);
            (0..kinds.len()).filter(apart).map(|other| other as u16).collect()
        };
        Case {
            size,
            corner: [over.front_mm, over.left_mm],
            floor,
            support,
            physical: loads
                || kinds.iter().any(|kind| kind.fragile)
                || matches!(support, Support::Share(_))
                || size[..2] != floor,
            loads,
            max_weight: carrier.max_load_g.min(rules.max_weight_g.unwrap_or(i64::MAX)),
            max_volume: rules.max_volume_mm3.unwrap_or(i64::MAX),
            conflicts: (0..kinds.len()).map(with).collect(),
            centre: rules.centre_percent.map(share),
            axle: rules.axle_window_mm.map(|(low, high)| (f64::from(low), f64::from(high))),
            kinds,
        }
    }
}

impl Kind {
    fn new(item: &super::Item, size: [i32; 3]) -> Kind {
        let volume = item.size_mm.iter().map(|side| i64::from(*side)).product();
        let mut turns: Vec<(Rotation, [i32; 3])> = Vec::new();
        for rotation in Rotation::ALL {
            let extents = rotation.turn(item.size_mm);
            let allowed = item.upright[usize::from(rotation.axes()[2])];
            let fits = item.quantity > 0 && (0..3).all(|axis| extents[axis] <= size[axis]);
            if allowed && fits && turns.iter().all(|(_, known)| *known != extents) {
                turns.push((rotation, extents));
            }
        }
        let bears = match item.bears {
            Bears::Nothing => 0,
            Bears::UpTo(load) => load,
            Bears::Unlimited => i64::MAX,
        };
        let worth = item.value.unwrap_or(volume);
        Kind { quantity: item.quantity, weight: item.weight_g, volume, worth, bears, fragile: item.fragile, turns }
    }
}
