//! Orders of a year: of a real shop where the data is at hand, else of a made-up one with the same traits.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use optimization::slotting::Order;

pub struct Retail {
    pub items: usize,
    pub first_half: Vec<Order>,
    pub second_half: Vec<Order>,
}

/// The whole year from the folder of ENTREPOT_DATA, if it is there.
pub fn real() -> Option<Retail> {
    let path = Path::new(&std::env::var_os("ENTREPOT_DATA")?).join("online_retail/online_retail.csv.zst");
    path.exists().then(|| read(&decode(&path)))
}

fn decode(path: &Path) -> String {
    let file = std::fs::File::open(path).expect("a readable file");
    let mut text = String::new();
    ruzstd::decoding::StreamingDecoder::new(file).expect("zstd").read_to_string(&mut text).expect("zstd");
    text
}

/// An order is an invoice, with the goods that left: sold quantities of codes that begin with five digits. The others are postage,
/// fees, vouchers, adjustments. Items are numbered by code.
fn read(csv: &str) -> Retail {
    let mut invoices: BTreeMap<String, (i32, BTreeSet<String>)> = BTreeMap::new();
    for row in csv::Reader::from_reader(csv.as_bytes()).records() {
        let row = row.expect("a row");
        let code = row[1].trim().to_uppercase();
        let goods = code.len() >= 5 && code.as_bytes()[..5].iter().all(u8::is_ascii_digit);
        if goods && !row[0].starts_with('C') && row[3].parse::<i64>().expect("a quantity") > 0 {
            invoices.entry(row[0].to_owned()).or_insert_with(|| (day(&row[4]), BTreeSet::new())).1.insert(code);
        }
    }
    let codes: BTreeSet<&String> = invoices.values().flat_map(|(_, codes)| codes).collect();
    let number: BTreeMap<&String, u32> = codes.into_iter().zip(0..).collect();
    let order =
        |(day, codes): &(i32, BTreeSet<String>)| Order { day: *day, items: codes.iter().map(|code| number[code]).collect() };
    halves(number.len(), invoices.values().map(order).collect())
}

fn halves(items: usize, orders: Vec<Order>) -> Retail {
    let days = || orders.iter().map(|order| order.day);
    let middle = (days().min().expect("orders") + days().max().expect("orders") + 1) / 2;
    let (first_half, second_half) = orders.into_iter().partition(|order| order.day < middle);
    Retail { items, first_half, second_half }
}

/// Days since 1 March of year 0 of "2010-12-01 08:26:00".
fn day(time: &str) -> i32 {
    let part = |range| time.get(range).and_then(|part: &str| part.parse::<i32>().ok()).expect("a date");
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1
}

/// 600 items in families of 12 with neighbouring numbers, few of them popular; an order takes most of its lines from two families;
/// every sixth family appears in the second half only.
pub fn made_up() -> Retail {
    let mut state = 7_u64;
    let mut below = |end: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) * end) >> 31
    };
    let mut orders = Vec::new();
    for n in 0..4000_i32 {
        let mut items = Vec::new();
        for _ in 0..1 + below(2) {
            let popular = below(50) * below(50) / 50;
            // Popular families lie anywhere among the numbers.
            let family = popular * 37 % 50;
            if family % 6 == 0 && n < 2000 {
                continue;
            }
            items.extend((0..2 + below(5)).map(|_| (family * 12 + below(12)) as u32));
        }
        items.extend((0..below(3)).map(|_| below(600) as u32).filter(|item| n >= 2000 || (item / 12) % 6 != 0));
        orders.push(Order { day: n / 20, items });
    }
    orders.retain(|order| !order.items.is_empty());
    halves(600, orders)
}
