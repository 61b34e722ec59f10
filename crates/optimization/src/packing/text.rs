//! The text format of the OR-Library's container loading problems (thpack1 to thpack7), and JSON through serde.

use super::model::{Bears, Carrier, InvalidInput, Item, MAX_LENGTH_MM, Opening, Overhang, Problem, Rules};

/// One problem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    pub number: i64,
    pub problem: Problem,
}

/// Reads all problems of a thpack file; lengths are taken as mm and no box weighs anything. A problem is a line with its number
/// (and, in most files, a seed), a line with the container's length, width and height, a line with the number of box types and
/// a line per type: number, three times size and whether it may stand upright, quantity. Errors name the line, from 1.
pub fn read_thpack(text: &str, rules: &Rules) -> Result<Vec<Numbered>, InvalidInput> {
    let mut lines = Lines { rest: text.lines().enumerate().collect::<Vec<_>>().into_iter(), last: 0 };
    let [count] = lines.numbers("the number of problems")?;
    lines.between("the number of problems", count, 1, 100_000)?;
    let mut problems = Vec::new();
    for _ in 0..count {
        problems.push(problem(&mut lines, rules)?);
    }
    match lines.next() {
        Some(_) => Err(lines.error(format!("there is more than the {count} problems that the first line announces"))),
        None => Ok(problems),
    }
}

fn problem(lines: &mut Lines, rules: &Rules) -> Result<Numbered, InvalidInput> {
    let head = lines.all("the number of a problem")?;
    if !(1..=2).contains(&head.len()) {
        return Err(lines.error(format!("the number of a problem and its seed are 1 or 2 numbers, not {}", head.len())));
    }
    let size: [i64; 3] = lines.numbers("the container's length, width and height")?;
    for side in size {
        lines.between("a side of the container", side, 1, i64::from(MAX_LENGTH_MM))?;
    }
    let [types] = lines.numbers("the number of box types")?;
    lines.between("the number of box types", types, 1, super::MAX_LINES as i64)?;
    let items = (0..types).map(|_| item(lines)).collect::<Result<Vec<Item>, _>>()?;
    let [length_mm, width_mm, height_mm] = size.map(|side| side as i32);
    let carrier = Carrier {
        length_mm,
        width_mm,
        height_mm,
        max_load_g: super::MAX_WEIGHT_G,
        max_stack_height_mm: None,
        tare_g: 0,
        overhang: Overhang::default(),
        opening: Opening::Rear,
    };
    Ok(Numbered { number: head[0], problem: Problem { carrier, items, rules: rules.clone() } })
}

fn item(lines: &mut Lines) -> Result<Item, InvalidInput> {
    let [_, length, length_up, width, width_up, height, height_up, quantity] = lines.numbers("a box type")?;
    for side in [length, width, height] {
        lines.between("a side of a box", side, 1, i64::from(MAX_LENGTH_MM))?;
    }
    for flag in [length_up, width_up, height_up] {
        lines.between("whether a side may stand upright", flag, 0, 1)?;
    }
    lines.between("the quantity", quantity, 1, i64::from(super::MAX_BOXES))?;
    let upright = [length_up, width_up, height_up].map(|flag| flag == 1);
    if !upright.contains(&true) {
        return Err(lines.error("no side of the box may stand upright".into()));
    }
    Ok(Item {
        size_mm: [length as i32, width as i32, height as i32],
        upright,
        weight_g: 0,
        bears: Bears::Unlimited,
        fragile: false,
        class: None,
        quantity: quantity as u32,
        value: None,
    })
}

/// Lines with something on them.
struct Lines<'a> {
    rest: std::vec::IntoIter<(usize, &'a str)>,
    last: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (n, line) = self.rest.find(|(_, line)| !line.trim().is_empty())?;
        self.last = n + 1;
        Some(line)
    }

    fn all(&mut self, what: &str) -> Result<Vec<i64>, InvalidInput> {
        let Some(line) = self.next() else {
            return Err(self.error(format!("the text ends where {what} should follow")));
        };
        let number = |word: &str| word.parse().map_err(|_| self.error(format!("{word:?} is not a whole number, in {what}")));
        line.split_whitespace().map(number).collect()
    }

    fn numbers<const N: usize>(&mut self, what: &str) -> Result<[i64; N], InvalidInput> {
        let numbers = self.all(what)?;
        let count = numbers.len();
        numbers.try_into().map_err(|_| self.error(format!("{what} is {N} numbers, not {count}")))
    }

    fn between(&self, what: &str, value: i64, least: i64, most: i64) -> Result<(), InvalidInput> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(self.error(format!("{what} must be between {least} and {most}, not {value}")))
    }

    fn error(&self, problem: String) -> InvalidInput {
        InvalidInput::new(format!("line {}", self.last), problem)
    }
}
