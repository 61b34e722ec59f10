//! Judges an assignment by the rules as a person would write them down. Shares no code with the solver.

use optimization::putaway::{Bin, Content, Hazard, Line, LocationType, Mixing, Problem, Solution};

pub type Assignment = Vec<Vec<(usize, i64)>>;

pub fn assignment(solution: &Solution) -> Assignment {
    let of_line = |line: &optimization::putaway::LineResult| line.placements.iter().map(|p| (p.bin, p.quantity_micro)).collect();
    solution.lines.iter().map(of_line).collect()
}

/// Every rule that the assignment breaks.
pub fn violations(problem: &Problem, assignment: &Assignment) -> Vec<String> {
    let mut found = Vec::new();
    for (n, shares) in assignment.iter().enumerate() {
        let line = &problem.lines[n];
        for (bin, _) in shares {
            found.extend(unsuitable(line, &problem.bins[*bin]).into_iter().map(|why| format!("line {n} in bin {bin}: {why}")));
        }
        found.extend(bad_amounts(line, shares).into_iter().map(|why| format!("line {n}: {why}")));
    }
    for bin in 0..problem.bins.len() {
        found.extend(overfull(problem, assignment, bin).into_iter().map(|why| format!("bin {bin}: {why}")));
        found.extend(bad_company(problem, assignment, bin).into_iter().map(|why| format!("bin {bin}: {why}")));
    }
    found
}

fn unsuitable(line: &Line, bin: &Bin) -> Vec<&'static str> {
    let mut found = Vec::new();
    let good = ["PUTAWAY", "PICK_FACE", "RESERVE", "BULK"].contains(&bin.kind.as_str());
    if line.released != good || (!line.released && bin.kind != LocationType::Quarantine) {
        found.push("type");
    }
    if let Some((low, high)) = line.temperature {
        match bin.temperature {
            Some((from, to)) if from >= low && to <= high => {}
            _ => found.push("temperature"),
        }
    }
    let level =
        |name: &str| ["STANDARD", "RESTRICTED", "HIGH_SECURITY", "VAULT"].iter().position(|known| *known == name).unwrap();
    if level(bin.security.as_str()) < level(line.security.as_str()) {
        found.push("security");
    }
    if let (Some([a, b, c]), Some(inner)) = (line.unit_dims_mm, bin.inner_dims_mm) {
        let turned = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]];
        if !turned.iter().any(|unit| (0..3).all(|axis| unit[axis] <= inner[axis])) {
            found.push("size");
        }
    }
    found
}

fn bad_amounts(line: &Line, shares: &[(usize, i64)]) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut bins: Vec<_> = shares.iter().map(|(bin, _)| bin).collect();
    bins.sort();
    bins.dedup();
    if bins.len() != shares.len() {
        found.push("twice in one bin");
    }
    if shares.iter().any(|(_, quantity)| *quantity <= 0)
        || shares.iter().map(|(_, quantity)| quantity).sum::<i64>() > line.quantity_micro
    {
        found.push("quantity");
    }
    let odd: Vec<i64> = shares.iter().map(|(_, quantity)| quantity % line.step_micro).filter(|odd| *odd != 0).collect();
    if odd.len() > 1 || odd.iter().any(|odd| *odd != line.quantity_micro % line.step_micro) {
        found.push("split below the step");
    }
    found
}

fn overfull(problem: &Problem, assignment: &Assignment, bin: usize) -> Vec<&'static str> {
    let (mut volume, mut weight, mut touched) = (0_i128, 0_i128, false);
    for (line, shares) in problem.lines.iter().zip(assignment) {
        for (_, quantity) in shares.iter().filter(|(at, _)| *at == bin) {
            let up = |per_unit: i64| (i128::from(*quantity) * i128::from(per_unit) + 999_999) / 1_000_000;
            volume += up(line.unit_volume_mm3);
            weight += up(line.unit_weight_g);
            touched = true;
        }
    }
    let place = &problem.bins[bin];
    let mut found = Vec::new();
    if touched && volume + i128::from(place.used_volume_mm3) > i128::from(place.volume_mm3) {
        found.push("volume");
    }
    if touched && weight + i128::from(place.used_weight_g) > i128::from(place.max_weight_g) {
        found.push("weight");
    }
    found
}

fn bad_company(problem: &Problem, assignment: &Assignment, bin: usize) -> Vec<&'static str> {
    let mut new = Vec::new();
    for (line, shares) in problem.lines.iter().zip(assignment) {
        if shares.iter().any(|(at, _)| *at == bin) {
            new.push(Content { item: line.item, lot: line.lot, hazard: line.hazard });
        }
    }
    let all: Vec<&Content> = problem.bins[bin].contents.iter().chain(&new).collect();
    let mut found = Vec::new();
    for one in &new {
        for other in &all {
            let broken = match problem.bins[bin].mixing {
                Mixing::Any => false,
                Mixing::SingleItem => one.item != other.item,
                Mixing::SingleLot => one.item != other.item || one.lot != other.lot,
            };
            if broken {
                found.push("mixing");
            }
            if one.item != other.item && apart(one.hazard, other.hazard) {
                found.push("hazard");
            }
        }
    }
    found
}

/// For the classes that the tests use, written out by hand.
fn apart(one: Option<Hazard>, other: Option<Hazard>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    if one == Hazard::Unlisted || other == Hazard::Unlisted {
        return true;
    }
    let pair = (one.as_str(), other.as_str());
    [("3", "5.1"), ("5.1", "3"), ("5.1", "8"), ("8", "5.1")].contains(&pair)
}
