//! How well a block suits a space: worth × the share of its surface that touches something ^4 (or ^2) × the share of the space that
//! stays usable × boxes^-0.2 (VCS of Araya, Guerrero and Nuñez 2017).

use super::reach::Reach;
use super::space::Space;

/// A gap of at most that share of a block's length counts as contact.
const NEAR: f32 = 0.04;
const MOST_RECTANGLES: usize = 12;

/// How much touching its surroundings counts for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    Fourth,
    Square,
}

/// What surrounds a space, seen from its filled corner.
pub(super) struct Surroundings {
    extent: [i32; 3],
    faces: [Face; 6],
}

#[derive(Clone, Copy)]
struct Face {
    whole: bool,
    rectangles: usize,
    /// From u, v to u, v.
    touching: [[f32; 4]; MOST_RECTANGLES],
}

const OPEN: Face = Face { whole: false, rectangles: 0, touching: [[0.0; 4]; MOST_RECTANGLES] };

impl Surroundings {
    pub fn new() -> Surroundings {
        Surroundings { extent: [0; 3], faces: [OPEN; 6] }
    }

    /// `hulls` are low and high corners of what is placed.
    pub fn look(&mut self, space: &Space, hulls: &[([i32; 3], [i32; 3])], size: [i32; 3], on_support: bool) {
        for (axis, size) in size.into_iter().enumerate() {
            let walls = [space.low[axis] == 0, space.high[axis] == size];
            let from_high = usize::from(space.corner >> axis & 1);
            for side in 0..2 {
                let face = &mut self.faces[axis * 2 + side];
                face.rectangles = 0;
                face.whole = walls[side ^ from_high] || (on_support && axis == 2 && side == 0);
            }
            self.extent[axis] = space.extent(axis);
        }
        for (low, high) in hulls {
            for axis in 0..3 {
                let below = high[axis] == space.low[axis];
                if below || low[axis] == space.high[axis] {
                    let from_high = usize::from(space.corner >> axis & 1);
                    let side = usize::from(!below) ^ from_high;
                    self.touch(axis, side, space, low, high);
                }
            }
        }
    }

    fn touch(&mut self, axis: usize, side: usize, space: &Space, low: &[i32; 3], high: &[i32; 3]) {
        let face = &mut self.faces[axis * 2 + side];
        if face.whole || face.rectangles == MOST_RECTANGLES {
            return;
        }
        let range = |axis: usize| {
            let from = low[axis].max(space.low[axis]);
            let to = high[axis].min(space.high[axis]);
            if space.corner >> axis & 1 == 1 {
                (space.high[axis] - to, space.high[axis] - from)
            } else {
                (from - space.low[axis], to - space.low[axis])
            }
        };
        let (u, v) = (range((axis + 1) % 3), range((axis + 2) % 3));
        if u.0 < u.1 && v.0 < v.1 {
            face.touching[face.rectangles] = [u.0 as f32, v.0 as f32, u.1 as f32, v.1 as f32];
            face.rectangles += 1;
        }
    }

    /// The factor on a block's base score, 0 to 1; `least` lets it stop early, with 0, when it would not be above that.
    #[inline]
    pub fn factor(&self, size: [i32; 3], reach: &Reach, weight: Contact, least: f32) -> f32 {
        let mut usable = 1.0;
        for (axis, size) in size.into_iter().enumerate() {
            let rest = self.extent[axis] - size;
            usable *= (size + reach.longest(axis, rest)) as f32 / self.extent[axis] as f32;
        }
        if usable <= least {
            return 0.0;
        }
        let length = size.map(|side| side as f32);
        let (mut contact, mut surface) = (0.0, 0.0);
        for axis in 0..3 {
            let (u, v) = (length[(axis + 1) % 3], length[(axis + 2) % 3]);
            surface += 2.0 * u * v;
            contact += self.faces[axis * 2].contact(u, v);
            if (self.extent[axis] - size[axis]) as f32 <= NEAR * length[axis] {
                contact += self.faces[axis * 2 + 1].contact(u, v);
            }
        }
        let square = (contact / surface) * (contact / surface);
        match weight {
            Contact::Fourth => usable * square * square,
            Contact::Square => usable * square,
        }
    }
}

impl Face {
    #[inline]
    fn contact(&self, u: f32, v: f32) -> f32 {
        if self.whole {
            return u * v;
        }
        let area = |r: &[f32; 4]| (u.min(r[2]) - r[0]).max(0.0) * (v.min(r[3]) - r[1]).max(0.0);
        self.touching[..self.rectangles].iter().map(area).sum()
    }
}
