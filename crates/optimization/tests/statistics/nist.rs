//! NIST StRD certified values (ENTREPOT_DATA), and series of our own built the same way.

use std::io::Read;
use std::path::{Path, PathBuf};

use optimization::statistics::{Column, Error, autocorrelation, least_squares, one_way_anova};

use crate::exact;

/// Digits that are asked for at most, and that may be lost against exact arithmetic.
const MOST: f64 = 12.0;
const LOST: f64 = 0.3;

/// Digits in which `found` agrees with `certified` (log relative error).
fn digits(found: f64, certified: f64) -> f64 {
    if found == certified { 15.0 } else { -((found - certified).abs() / certified.abs()).log10() }
}

fn judge(set: &str, name: &str, found: f64, exact: f64, certified: f64) {
    let limit = digits(exact, certified).min(MOST);
    println!("{set} {name}: {:.1} digits, exact arithmetic {:.1}", digits(found, certified), digits(exact, certified));
    assert!(
        digits(found, certified) >= limit - LOST,
        "{set} {name}: {found:e} for {certified:e}, exact arithmetic gives {exact:e}"
    );
}

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("ENTREPOT_DATA").map(|data| Path::new(&data).join("nist_strd")).filter(|path| path.exists());
    if folder.is_none() {
        eprintln!("ENTREPOT_DATA has no nist_strd: only series of our own are tested");
    }
    folder
}

/// The text of a data set, stored plain or compressed.
fn text(folder: &Path, name: &str) -> String {
    if let Ok(text) = std::fs::read_to_string(folder.join(name)) {
        return text;
    }
    let bytes = std::fs::read(folder.join(format!("{name}.zst"))).unwrap();
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(bytes.as_slice()).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// The rows of numbers at the end of the text.
fn rows(text: &str, columns: usize) -> Vec<Vec<f64>> {
    let numbers = |line: &str| line.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>().ok();
    let lines = text.lines().rev().filter(|line| !line.trim().is_empty());
    let mut rows: Vec<Vec<f64>> = lines.map_while(numbers).take_while(|row| row.len() == columns).collect();
    rows.reverse();
    rows
}

/// The number behind the colon of the first line that contains `label`.
fn certified(text: &str, label: &str) -> Option<f64> {
    text.lines()
        .find(|line| line.contains(label))
        .and_then(|line| line.rsplit(':').next()?.split_whitespace().next()?.parse().ok())
}

fn univariate(values: &[f64]) -> [f64; 3] {
    let column = Column::new(values).unwrap();
    [column.mean(), column.standard_deviation().unwrap(), autocorrelation(&column, 1).unwrap()]
}

#[test]
fn univariate_sets_are_as_good_as_exact_arithmetic() {
    let Some(folder) = folder() else { return };
    const NAMES: [&str; 3] = ["mean", "standard deviation", "autocorrelation"];
    for set in ["Lew", "Lottery", "Mavro", "Michelso", "NumAcc1", "NumAcc2", "NumAcc3", "NumAcc4", "PiDigits"] {
        let text = text(&folder.join("univariate"), &format!("{set}.dat"));
        let values: Vec<f64> = rows(&text, 1).concat();
        let wanted = match set {
            // These two files carry no certified lines.
            "Lew" => [-177.435, 277.332168044316, -0.307304800605679],
            "Lottery" => [518.958715596330, 291.699727470969, -0.120948622967393],
            _ => ["ybar:", " s:", "r(1):"].map(|label| certified(&text, label).unwrap()),
        };
        let (found, exact) = (univariate(&values), exact::univariate(&values));
        (0..3).for_each(|at| judge(set, NAMES[at], found[at], exact[at], wanted[at]));
    }
}

fn groups(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    rows.chunk_by(|a, b| a[0] == b[0]).map(|group| group.iter().map(|row| row[1]).collect()).collect()
}

fn anova(groups: &[Vec<f64>]) -> [f64; 5] {
    let columns: Vec<Column> = groups.iter().map(|group| Column::new(group).unwrap()).collect();
    let found = one_way_anova(&columns).unwrap();
    [found.between_squares, found.within_squares, found.f, found.r_squared, found.residual_standard_deviation]
}

#[test]
fn anova_sets_are_as_good_as_exact_arithmetic() {
    let Some(folder) = folder() else { return };
    const NAMES: [&str; 5] = ["between", "within", "F", "R squared", "residual standard deviation"];
    let constructed = (1..=9).map(|number| format!("SmLs0{number}"));
    for set in ["AtmWtAg", "SiRstv"].map(String::from).into_iter().chain(constructed) {
        let text = text(&folder.join("anova"), &format!("{set}.dat"));
        let groups = groups(&rows(&text, 2));
        let line = |start: &str| -> Vec<f64> {
            let line = text.lines().find(|line| line.starts_with(start) && line.contains('E')).unwrap();
            line.split_whitespace().filter(|word| word.contains('E')).map(|word| word.parse().unwrap()).collect()
        };
        let last = |label: &str| -> f64 {
            let line = text
                .lines()
                .skip_while(|line| !line.contains(label))
                .find(|line| line.contains('E') && !line.ends_with("Residual"))
                .unwrap();
            line.split_whitespace().last().unwrap().parse().unwrap()
        };
        let (between, within) = (line("Between "), line("Within "));
        let wanted = [between[0], within[0], between[2], last("Certified R-Squared"), last("Certified Residual")];
        let (found, exact) = (anova(&groups), exact::anova(&groups));
        (0..5).for_each(|at| judge(&set, NAMES[at], found[at], exact[at], wanted[at]));
    }
}

#[test]
fn straight_line_through_norris() {
    let Some(folder) = folder() else { return };
    let rows = rows(&text(&folder.join("linear"), "Norris.dat"), 2);
    let (y, x): (Vec<f64>, Vec<f64>) = rows.iter().map(|row| (row[0], row[1])).unzip();
    let line = least_squares(&Column::new(&x).unwrap(), &Column::new(&y).unwrap(), 0.95).unwrap();
    let wanted = [
        (line.intercept, -0.262323073774029),
        (line.slope, 1.00211681802045),
        (line.intercept_error, 0.232818234301152),
        (line.slope_error, 0.429796848199937E-03),
        (line.residual_standard_deviation, 0.884796396144373),
        (line.r_squared, 0.999993745883712),
    ];
    for (found, certified) in wanted {
        assert!(digits(found, certified) >= MOST, "{found:e} for {certified:e}");
    }
}

/// Values that agree in all but their last digits, where the textbook formula loses everything.
#[test]
fn own_series_with_equal_leading_digits() {
    for base in [1e1, 1e7, 1e10, 1e12] {
        let series: Vec<f64> = (0..1001).map(|k| base + [0.3, 0.1][k % 2]).collect();
        let found = univariate(&series);
        for (found, exact) in found.iter().zip(exact::univariate(&series)) {
            assert!(digits(*found, exact) >= 13.0, "{base:e}: {found:e} for {exact:e}");
        }
        let groups: Vec<Vec<f64>> = (0..9)
            .map(|group| (0..21).map(|k| base + 0.1 * f64::from((group * 7 + 3) % 5) + [0.5, 0.3][k % 2]).collect())
            .collect();
        for (found, exact) in anova(&groups).iter().zip(exact::anova(&groups)) {
            assert!(digits(*found, exact) >= 12.0, "{base:e}: {found:e} for {exact:e}");
        }
    }
}

#[test]
fn groups_without_spread_are_refused() {
    let groups = [[1.0, 1.0], [2.0, 2.0]];
    let columns = groups.each_ref().map(|group| Column::new(group).unwrap());
    assert_eq!(one_way_anova(&columns), Err(Error::NoSpread));
}
