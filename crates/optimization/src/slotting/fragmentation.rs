use serde::{Deserialize, Serialize};

use super::InvalidInput;

/// Σ free / largest free: how many locations of the roomiest kind the free space would fill. 1: all in one place; the higher, the
/// more scattered; 0: nothing is free.
pub fn fragmentation_index(free_mm3: &[i64]) -> f64 {
    let free = || free_mm3.iter().map(|free| (*free).max(0));
    match free().max() {
        Some(largest) if largest > 0 => free().map(|free| free as f64).sum::<f64>() / largest as f64,
        _ => 0.0,
    }
}

/// What one location holds of one item and lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    pub item: u32,
    pub lot: Option<u32>,
    /// Index into the free spaces.
    pub location: u32,
    pub volume_mm3: i64,
    pub weight_g: i64,
}

/// What a location has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreeSpace {
    pub volume_mm3: i64,
    pub weight_g: i64,
}

/// All stock of an item and lot goes from one location to another that holds the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Consolidation {
    pub item: u32,
    pub lot: Option<u32>,
    pub from: u32,
    pub to: u32,
    pub volume_mm3: i64,
    pub weight_g: i64,
}

/// Moves, in an order in which they can be carried out, that put the stock of each item and lot into fewer locations.
///
/// The smallest part goes whole into the location of the same item and lot that it leaves with the least free volume; the next
/// smallest follows. Lots are not mixed, so that first-expired-first-out stays right, and no capacity is exceeded. Every move
/// empties one location of the item and lot, so no part is moved without gain. Reserved or counted stock is the caller's to leave
/// out. Each pair of lot and location may be given once.
pub fn consolidate(stock: &[Stock], free: &[FreeSpace]) -> Result<Vec<Consolidation>, InvalidInput> {
    for (n, part) in stock.iter().enumerate() {
        let good = (part.location as usize) < free.len() && part.volume_mm3 >= 0 && part.weight_g >= 0;
        super::check(&format!("stock[{n}]"), good, "must be in a location with a free space, volume and weight 0 or more")?;
    }
    let mut free = free.to_vec();
    let mut parts = stock.to_vec();
    parts.sort_by_key(|part| (part.item, part.lot, part.volume_mm3, part.location));
    if let Some(twice) =
        parts.windows(2).find(|two| (two[0].item, two[0].lot, two[0].location) == (two[1].item, two[1].lot, two[1].location))
    {
        return Err(InvalidInput::new(
            "stock",
            format!("must hold item {} once in location {}", twice[0].item, twice[0].location),
        ));
    }
    let mut moves = Vec::new();
    for parts in parts.chunk_by_mut(|one, other| (one.item, one.lot) == (other.item, other.lot)) {
        for n in 0..parts.len() {
            let part = parts[n];
            let fits = |other: &&mut Stock| {
                let free = free[other.location as usize];
                free.volume_mm3 >= part.volume_mm3 && free.weight_g >= part.weight_g
            };
            let left = |other: &&mut Stock| (free[other.location as usize].volume_mm3 - part.volume_mm3, other.location);
            let Some(target) = parts[n + 1..].iter_mut().filter(fits).min_by_key(left) else { continue };
            target.volume_mm3 += part.volume_mm3;
            target.weight_g += part.weight_g;
            let to = target.location;
            for (location, sign) in [(part.location, 1), (to, -1)] {
                free[location as usize].volume_mm3 += sign * part.volume_mm3;
                free[location as usize].weight_g += sign * part.weight_g;
            }
            let (item, lot, volume_mm3, weight_g) = (part.item, part.lot, part.volume_mm3, part.weight_g);
            moves.push(Consolidation { item, lot, from: part.location, to, volume_mm3, weight_g });
        }
    }
    Ok(moves)
}
