//! Each rule broken on purpose.

use optimization::packing::{Bears, Fault, Item, Opening, Placement, Problem, Rotation, Rules, verify};

use crate::{AS_IS, carrier, item, problem};

fn at(item: u32, position_mm: [i32; 3]) -> Placement {
    Placement { item, position_mm, rotation: AS_IS, size_mm: [10, 10, 10] }
}

fn faults(problem: &Problem, placements: &[Placement]) -> Vec<(Fault, Vec<usize>)> {
    verify(problem, placements).into_iter().map(|violation| (violation.fault, violation.boxes)).collect()
}

fn cubes(change: impl Fn(&mut Problem)) -> Problem {
    let mut problem = problem(carrier(40, 40, 40), vec![item([10, 10, 10], 4), item([10, 10, 10], 4)]);
    change(&mut problem);
    problem
}

#[test]
fn a_valid_plan_has_none() {
    let stack = [at(0, [0, 0, 0]), at(0, [10, 0, 0]), at(1, [5, 0, 10])];
    assert_eq!(faults(&cubes(|_| ()), &stack), vec![]);
}

#[test]
fn a_shifted_box_overlaps_or_leaves() {
    let problem = cubes(|_| ());
    assert_eq!(faults(&problem, &[at(0, [0, 0, 0]), at(0, [9, 0, 0])]), vec![(Fault::Overlap, vec![1, 0])]);
    assert_eq!(verify(&problem, &[at(0, [0, 0, 0]), at(0, [9, 9, 0])])[0].found, 10.0);
    assert_eq!(faults(&problem, &[at(0, [31, 0, 0])])[0], (Fault::Outside, vec![0]));
    assert_eq!(faults(&problem, &[at(0, [0, -1, 0])])[0], (Fault::Outside, vec![0]));
    let lower = cubes(|problem| problem.rules.max_height_mm = Some(15));
    assert_eq!(faults(&lower, &[at(0, [0, 0, 0]), at(0, [0, 0, 10])]), vec![(Fault::Height, vec![1])]);
}

#[test]
fn what_does_not_stand_is_named_with_its_share() {
    let mut problem = cubes(|_| ());
    let leaning = [at(0, [0, 0, 0]), at(0, [3, 0, 10])];
    let found = verify(&problem, &leaning);
    assert_eq!((found[0].fault, found[0].found, found[0].limit), (Fault::Support, 70.0, 100.0));
    problem.rules.support_percent = 70;
    assert_eq!(faults(&problem, &leaning), vec![]);
    assert_eq!(faults(&problem, &[at(0, [0, 0, 5])]), vec![(Fault::Support, vec![0])]);
    problem.carrier.overhang.front_mm = 4;
    assert_eq!(faults(&problem, &[at(0, [-3, 0, 0])]), vec![]);
    assert_eq!(faults(&problem, &[at(0, [-4, 0, 0])]), vec![(Fault::Support, vec![0])]);
    assert_eq!(faults(&problem, &[at(0, [-5, 0, 0])])[0], (Fault::Outside, vec![0]));
}

#[test]
fn loads_go_through_to_the_floor() {
    let tower = [at(0, [0, 0, 0]), at(1, [0, 0, 10]), at(1, [0, 0, 20])];
    let bears = |load: i64| cubes(|problem| problem.items[0].bears = Bears::UpTo(load));
    assert_eq!(faults(&bears(2000), &tower), vec![]);
    assert_eq!(faults(&bears(1999), &tower), vec![(Fault::Load, vec![0])]);
    let bridge = [at(0, [0, 0, 0]), at(0, [10, 0, 0]), at(1, [5, 0, 10])];
    assert_eq!(faults(&bears(500), &bridge), vec![]);
    assert_eq!(faults(&bears(499), &bridge).len(), 2);
    let nothing = cubes(|problem| {
        problem.items[0].bears = Bears::Nothing;
        problem.items[1].weight_g = 0;
    });
    assert_eq!(faults(&nothing, &tower[..2]), vec![(Fault::Load, vec![0, 1])]);
}

#[test]
fn fragile_goods_carry_only_fragile_goods() {
    let fragile = |both: bool| {
        cubes(|problem| {
            problem.items[0].fragile = true;
            problem.items[1].fragile = both;
        })
    };
    let stack = [at(0, [0, 0, 0]), at(1, [0, 0, 10])];
    assert_eq!(faults(&fragile(false), &stack), vec![(Fault::Fragile, vec![0, 1])]);
    assert_eq!(faults(&fragile(true), &stack), vec![]);
}

#[test]
fn classes_weights_and_volumes_are_limited() {
    let pair = [at(0, [0, 0, 0]), at(1, [20, 0, 0])];
    let classes = cubes(|problem| {
        problem.items[0].class = Some(1);
        problem.items[1].class = Some(2);
        problem.rules.incompatible = vec![(2, 1)];
    });
    assert_eq!(faults(&classes, &pair), vec![(Fault::Incompatible, vec![1, 0])]);
    assert_eq!(faults(&cubes(|problem| problem.carrier.max_load_g = 1999), &pair), vec![(Fault::Weight, vec![])]);
    assert_eq!(faults(&cubes(|problem| problem.rules.max_weight_g = Some(1999)), &pair), vec![(Fault::Weight, vec![])]);
    assert_eq!(faults(&cubes(|problem| problem.rules.max_volume_mm3 = Some(1999)), &pair), vec![(Fault::Volume, vec![])]);
}

#[test]
fn the_centre_of_gravity_has_its_place() {
    let centred = |percent: u8| cubes(|problem| problem.rules.centre_percent = Some(percent));
    let corner = [at(0, [0, 15, 0])];
    let found = verify(&centred(20), &corner);
    assert_eq!((found[0].fault, found[0].found, found[0].limit), (Fault::CentreOfGravity, 37.5, 20.0));
    assert_eq!(faults(&centred(38), &corner), vec![]);
    let axle = |low: i32, high: i32| cubes(|problem| problem.rules.axle_window_mm = Some((low, high)));
    assert_eq!(faults(&axle(6, 40), &corner), vec![(Fault::Axle, vec![])]);
    assert_eq!(faults(&axle(5, 40), &corner), vec![]);
    assert_eq!(faults(&axle(0, 4), &corner), vec![(Fault::Axle, vec![])]);
}

#[test]
fn rotations_and_quantities_are_the_items_own() {
    let flat = Item { upright: [false, false, true], ..item([30, 20, 10], 1) };
    let problem = Problem { carrier: carrier(40, 40, 40), items: vec![flat], rules: Rules::geometry_only(100) };
    let turned = |rotation: Rotation| Placement { item: 0, position_mm: [0; 3], rotation, size_mm: rotation.turn([30, 20, 10]) };
    assert_eq!(faults(&problem, &[turned(Rotation::ALL[1])]), vec![]);
    assert_eq!(faults(&problem, &[turned(Rotation::ALL[2])]), vec![(Fault::Rotation, vec![0])]);
    let shrunk = Placement { size_mm: [30, 20, 9], ..turned(AS_IS) };
    assert_eq!(faults(&problem, &[shrunk]), vec![(Fault::Rotation, vec![0])]);
    let second = Placement { position_mm: [0, 20, 0], ..turned(AS_IS) };
    assert_eq!(faults(&problem, &[turned(AS_IS), second]), vec![(Fault::Quantity, vec![0, 1])]);
    assert_eq!(faults(&problem, &[Placement { item: 7, ..turned(AS_IS) }]), vec![(Fault::Quantity, vec![0])]);
}

#[test]
fn the_sequence_needs_a_way_and_a_footing() {
    let door = |opening: Opening| cubes(|problem| problem.carrier.opening = opening);
    let row = [at(0, [30, 0, 0]), at(0, [0, 5, 0])];
    assert_eq!(faults(&door(Opening::Rear), &row), vec![(Fault::Sequence, vec![1, 0])]);
    assert_eq!(faults(&door(Opening::Top), &row), vec![]);
    assert_eq!(faults(&door(Opening::Left), &row), vec![]);
    let side = [at(0, [0, 0, 0]), at(0, [0, 20, 0])];
    assert_eq!(faults(&door(Opening::Left), &side), vec![(Fault::Sequence, vec![1, 0])]);
    assert_eq!(faults(&door(Opening::Right), &side), vec![]);
    let upside_down = [at(0, [0, 0, 10]), at(0, [0, 0, 0])];
    assert_eq!(faults(&door(Opening::Rear), &upside_down), vec![(Fault::Sequence, vec![0, 1])]);
}
