//! Tables from files that people and other systems make: comma, semicolon or tab; plain, gzip or zstd; UTF-8, UTF-16 with a
//! mark, or else windows-1252; with units in the header. Nothing here knows what the columns mean.

mod columns;
mod decode;
mod row;

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder, StringRecord, Trim};

pub use columns::{Column, ColumnUse, Layout, MeasureKind, Units};
pub(crate) use decode::excerpt;
pub use row::{BadCell, Row};

use crate::{Error, Result};

/// What is read at most; a file beyond it is refused before its rows are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes after decompression.
    pub bytes: u64,
    pub rows: u64,
    /// Bytes of one cell.
    pub cell_bytes: usize,
}

impl Limits {
    /// For a file on this machine.
    pub const FILE: Self = Self { bytes: 1 << 30, rows: 1_000_000, cell_bytes: 64 * 1024 };
    /// For a file that somebody uploads: a small one may unpack to a lot.
    pub const UPLOAD: Self = Self { bytes: 256 << 20, ..Self::FILE };
}

/// A file in memory, decompressed and decoded, with its header read and its rows counted.
#[derive(Debug)]
pub struct Table {
    text: String,
    delimiter: u8,
    limits: Limits,
    /// As they stand in the file, without surrounding white space.
    pub headers: Vec<String>,
    pub rows_total: u64,
    /// `UTF-8`, `UTF-16LE`, `UTF-16BE` or `windows-1252`.
    pub encoding: &'static str,
    /// What the reader decided that the user may want to know.
    pub notes: Vec<String>,
}

impl Table {
    /// Reads everything; takes as long as the file is large, so call it where blocking is allowed.
    pub fn read(source: impl Read, limits: Limits) -> Result<Self> {
        let bytes = decode::decompress(source, limits.bytes)?;
        let decode::Decoded { text, encoding, notes } = decode::decode(bytes);
        let delimiter = decode::sniff_delimiter(&text);
        let mut table = Self { text, delimiter, limits, headers: Vec::new(), rows_total: 0, encoding, notes };
        table.headers = table.read_header()?;
        table.rows_total = table.count_rows()?;
        Ok(table)
    }

    /// One of comma, semicolon, tab and bar.
    pub fn delimiter(&self) -> char {
        char::from(self.delimiter)
    }

    /// Every row in the order of the file; rows without any text are left out.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> + Send + '_ {
        let mut reader = self.reader();
        let mut is_header = true;
        let mut lines = Lines { text: self.text.as_bytes(), offset: 0, line: 1 };
        std::iter::from_fn(move || {
            let mut cells = StringRecord::new();
            loop {
                // The text is in memory and valid UTF-8, and rows may have any number of cells: nothing is left that could fail.
                if !reader.read_record(&mut cells).unwrap_or(false) {
                    return None;
                }
                if std::mem::take(&mut is_header) || is_blank(cells.as_byte_record()) {
                    continue;
                }
                let start = cells.position().map_or(0, csv::Position::byte) as usize;
                return Some(Record { line: lines.line_of(start), span: (start, reader.position().byte() as usize), cells });
            }
        })
    }

    /// What is wrong with the shape of a row, whatever its cells mean.
    pub(crate) fn misshapen(&self, Record { cells, span, .. }: &Record) -> Option<BadCell> {
        let bad = |index: usize, reason: String, mend: &str| {
            Some(BadCell::new(self.headers.get(index).cloned(), cells.get(index).unwrap_or_default(), reason, mend))
        };
        if let Some(index) = cells.iter().position(|cell| cell.len() > self.limits.cell_bytes) {
            let reason = format!("is longer than {} KiB", self.limits.cell_bytes / 1024);
            return bad(index, reason, "look for a quote that is never closed, or shorten the text");
        }
        if self.ends_inside_quotes(cells, *span) {
            let mend = "close the quote; a quote inside a quoted cell is written twice";
            return bad(cells.len() - 1, "a quote opens here and is never closed".into(), mend);
        }
        if cells.len() != self.headers.len() {
            let reason = format!("the row has {} cells, the header {}", cells.len(), self.headers.len());
            return bad(self.headers.len(), reason, "put cells that contain the delimiter between quotes, and leave no cell out");
        }
        let index = cells.iter().position(|cell| cell.contains('\0'))?;
        bad(index, "contains a NUL character".into(), "remove it")
    }

    /// The CSV reader takes the end of the file for a missing closing quote: the last row then has an odd number of quotes,
    /// and swallowed line ends.
    fn ends_inside_quotes(&self, cells: &StringRecord, (start, end): (usize, usize)) -> bool {
        let raw = self.text.get(start..).unwrap_or_default();
        end >= self.text.len()
            && cells.iter().next_back().is_some_and(|cell| cell.contains('\n'))
            && raw.bytes().filter(|byte| *byte == b'"').count() % 2 == 1
    }

    fn read_header(&self) -> Result<Vec<String>> {
        let mut record = StringRecord::new();
        let found =
            self.reader().read_record(&mut record).map_err(|error| Error::field("file", format!("is not a table: {error}")))?;
        if !found || record.iter().all(|cell| cell.trim().is_empty()) {
            return Err(Error::field("file", "is empty; the first line must name the columns"));
        }
        if record.len() > 1_000 {
            return Err(Error::field("file", "must have at most 1,000 columns"));
        }
        Ok(record.iter().map(|cell| excerpt(cell.trim(), 200)).collect())
    }

    fn count_rows(&self) -> Result<u64> {
        let mut reader = self.reader();
        let mut record = ByteRecord::new();
        let mut records = 0_u64;
        while reader.read_byte_record(&mut record).map_err(|error| Error::field("file", format!("is not a table: {error}")))? {
            records += u64::from(!is_blank(&record));
            if records > self.limits.rows + 1 {
                return Err(Error::field("file", format!("has more than {} rows; split it", self.limits.rows)));
            }
        }
        Ok(records.saturating_sub(1))
    }

    fn reader(&self) -> csv::Reader<&[u8]> {
        ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            .flexible(true)
            .trim(Trim::None)
            .from_reader(self.text.as_bytes())
    }
}

/// One row as it stands in the file.
pub(crate) struct Record {
    /// The line on which it begins; the header is line 1.
    pub line: u64,
    /// First byte, and the one after the last.
    span: (usize, usize),
    pub cells: StringRecord,
}

/// Counts lines as editors do. The CSV reader's own count is of no use: it takes the second half of a CRLF, and blank lines, for
/// the beginning of the next row.
struct Lines<'a> {
    text: &'a [u8],
    offset: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first character at or after `offset` that is no line end; offsets must not decrease.
    fn line_of(&mut self, offset: usize) -> u64 {
        while let Some(byte) = self.text.get(self.offset).filter(|byte| self.offset < offset || matches!(byte, b'\r' | b'\n')) {
            self.offset += 1;
            let ends_line = *byte == b'\n' || *byte == b'\r' && self.text.get(self.offset) != Some(&b'\n');
            self.line += u64::from(ends_line);
        }
        self.line
    }
}

fn is_blank(record: &ByteRecord) -> bool {
    record.iter().all(|cell| cell.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests;
