//! A year of a real shop as a history of movements, and what it must add up to, computed in the plainest way.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use chrono::{DateTime, Days, NaiveDateTime, Utc};

/// One invoice line: the shop sold `quantity`, or took it back when negative.
pub struct Line {
    pub item: String,
    pub quantity: i64,
    pub at: NaiveDateTime,
}

/// The lines in their order, without those of quantity 0, which move nothing.
pub struct Retail {
    pub lines: Vec<Line>,
    pub without_quantity: usize,
}

/// A made-up shop in the format of the real one, for machines without the data.
pub const FIXTURE: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
    1,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
    1,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom\n\
    C2,85123A,HEART,-2,2010-12-03 09:00:00,2.55,17850.0,United Kingdom\n\
    3,71053,LANTERN,0,2011-02-03 09:00:00,3.39,,United Kingdom\n\
    4,85123A,HEART,40,2011-06-03 10:00:00,2.55,,France\n\
    C5,71053,LANTERN,-9,2011-09-03 10:00:00,3.39,,France\n\
    6,71053,LANTERN,2,2011-12-09 12:50:00,3.39,,France\n";

impl Retail {
    pub fn load(path: &Path) -> Self {
        let file = std::fs::File::open(path).expect("a readable file");
        let mut text = String::new();
        if path.extension().is_some_and(|extension| extension == "gz") {
            flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
        } else {
            ruzstd::decoding::StreamingDecoder::new(file).expect("zstd").read_to_string(&mut text).expect("zstd");
        }
        Self::read(&text)
    }

    pub fn read(text: &str) -> Self {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let all: Vec<Line> = reader
            .records()
            .map(|record| {
                let record = record.expect("a row");
                Line {
                    item: record[1].trim().to_owned(),
                    quantity: record[3].parse().expect("a whole number"),
                    at: NaiveDateTime::parse_from_str(&record[4], "%Y-%m-%d %H:%M:%S").expect("a time"),
                }
            })
            .collect();
        let count = all.len();
        let lines: Vec<Line> = all.into_iter().filter(|line| line.quantity != 0).collect();
        Self { without_quantity: count - lines.len(), lines }
    }

    /// What must have been there before the first line so that no line finds too little: per item the largest running deficit.
    pub fn openings(&self) -> BTreeMap<&str, i64> {
        let mut running: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for line in &self.lines {
            let (balance, least) = running.entry(&line.item).or_default();
            *balance -= line.quantity;
            *least = (*least).min(*balance);
        }
        running.into_iter().map(|(item, (_, least))| (item, -least)).collect()
    }

    pub fn opening_day(&self) -> DateTime<Utc> {
        let first = self.lines.iter().map(|line| line.at).min().expect("some lines");
        first.date().checked_sub_days(Days::new(1)).expect("a day").and_hms_opt(8, 0, 0).expect("a time").and_utc()
    }

    pub fn items_csv(&self) -> String {
        let mut csv = String::from("code,name\n");
        for item in self.openings().keys() {
            writeln!(csv, "\"{item}\",\"Item {item}\"").expect("a string takes it");
        }
        csv
    }

    /// Opening receipts the day before, then each line: sold is an issue, taken back a receipt.
    pub fn movements_csv(&self, place: &str) -> String {
        let mut csv = String::from("id,kind,item,quantity,location,effective_at\n");
        let opening = self.opening_day().format("%Y-%m-%d %H:%M:%S").to_string();
        for (item, quantity) in self.openings().into_iter().filter(|(_, quantity)| *quantity > 0) {
            writeln!(csv, "opening {item},RECEIPT,{item},{quantity},{place},{opening}").expect("a string takes it");
        }
        for (number, line) in self.lines.iter().enumerate() {
            let kind = if line.quantity > 0 { "ISSUE" } else { "RECEIPT" };
            let (item, quantity, at) = (&line.item, line.quantity.abs(), line.at);
            writeln!(csv, "line {number},{kind},{item},{quantity},{place},{at}").expect("a string takes it");
        }
        csv
    }

    /// Stock of each item after all lines up to `at`; items without stock are absent.
    pub fn stock(&self, at: DateTime<Utc>) -> BTreeMap<String, i64> {
        let mut stock: BTreeMap<String, i64> = BTreeMap::new();
        if at >= self.opening_day() {
            stock.extend(self.openings().into_iter().map(|(item, quantity)| (item.to_owned(), quantity)));
        }
        for line in self.lines.iter().filter(|line| line.at.and_utc() <= at) {
            *stock.entry(line.item.clone()).or_default() -= line.quantity;
        }
        stock.retain(|_, quantity| *quantity != 0);
        stock
    }

    pub fn dates() -> [DateTime<Utc>; 3] {
        ["2010-12-02T12:00:00Z", "2011-06-01T00:00:00Z", "2011-12-09T12:49:00Z"]
            .map(|text| DateTime::parse_from_rfc3339(text).expect("a time").to_utc())
    }
}
