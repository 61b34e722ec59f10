use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};
use std::sync::Arc;
use std::time::Instant;

use kernel::{ErrorCode, LengthUnit};
use proptest::prelude::*;

use super::*;

const COLUMNS: &[Column] = &[
    Column::text("code", "").required().key(),
    Column::text("name", ""),
    Column::measure("length", MeasureKind::Length, ""),
    Column::measure("weight", MeasureKind::Weight, ""),
];

/// `code,name` and one row, as the zstd tool packs it.
const ZSTD: &[u8] = &[
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x99, 0x00, 0x00, 0x63, 0x6f, 0x64, 0x65, 0x2c, 0x6e, 0x61, 0x6d, 0x65, 0x0a, 0x41, 0x2d,
    0x31, 0x2c, 0x42, 0x6f, 0x6c, 0x74, 0x0a, 0x43, 0x30, 0x88, 0xbf,
];

fn table(bytes: &[u8]) -> Table {
    Table::read(bytes, Limits::FILE).unwrap()
}

fn find(table: &Table, map: &[(&str, &str)], units: Units) -> Result<Layout> {
    let map: BTreeMap<String, String> = map.iter().map(|(ours, theirs)| ((*ours).into(), (*theirs).into())).collect();
    Layout::find(table, COLUMNS, &map, &units)
}

fn rows(table: &Table, map: &[(&str, &str)]) -> Vec<Row> {
    let layout = Arc::new(find(table, map, Units::default()).unwrap());
    let prepare = |record: Record| {
        let bad = table.misshapen(&record);
        let mut row = Row::new(record.line, record.cells, layout.clone());
        if let Some(bad) = bad {
            row.refuse_shape(bad);
        }
        row
    };
    table.records().map(prepare).collect()
}

fn names(bytes: &[u8]) -> Vec<Option<String>> {
    rows(&table(bytes), &[]).iter().map(|row| row.text("name").map(str::to_owned)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn marks_line_ends_and_quotes_are_read_as_meant() {
    let table = table(b"\xef\xbb\xbfcode,name\r\nA,\"Bolt, \"\"big\"\"\r\nblack\"\r\n\r\n , \r\nB,Nut");
    assert_eq!((table.encoding, table.delimiter(), table.rows_total), ("UTF-8", ',', 2));
    let rows = rows(&table, &[]);
    assert_eq!(rows[0].text("name"), Some("Bolt, \"big\"\r\nblack"));
    assert_eq!((rows[1].text("code"), rows[1].line), (Some("B"), 6));
    assert!(rows.iter().all(|row| !row.is_bad()));
}

#[test]
fn latin_1_is_read_and_reported() {
    let table = table(b"code;name\nA;ok\nB;Stra\xdfe \x80\n");
    assert_eq!((table.encoding, table.delimiter()), ("windows-1252", ';'));
    assert_eq!(table.notes, ["line 3 is not UTF-8; the whole file was read as windows-1252"]);
    assert_eq!(rows(&table, &[])[1].text("name"), Some("Straße €"));
}

#[test]
fn utf_16_is_told_by_its_mark() {
    let bytes: Vec<u8> = "\u{feff}code\tname\nA\tÜ\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(names(&bytes), [Some("Ü".to_owned())]);
}

#[test]
fn gzip_and_zstd_are_told_by_their_first_bytes() {
    assert_eq!(names(&gzip(b"code,name\nA-1,Bolt\n")), [Some("Bolt".to_owned())]);
    let zstd = ZSTD;
    assert_eq!(names(zstd), [Some("Bolt".to_owned())]);
    let cut = Table::read(&zstd[..zstd.len() - 8], Limits::FILE).unwrap_err();
    assert_eq!(cut.fields[0].field, "file", "{cut}");
    let sheet = Table::read(&b"PK\x03\x04rest"[..], Limits::FILE).unwrap_err();
    assert!(sheet.detail.contains("save it as CSV"), "{sheet}");
}

#[test]
fn too_much_is_refused_early() {
    let started = Instant::now();
    let limits = Limits { bytes: 1 << 20, ..Limits::FILE };
    let endless = Table::read(io::repeat(b'x').take(200 << 20), limits).unwrap_err();
    assert_eq!(endless.code, ErrorCode::BodyTooLarge);
    let bomb = gzip(&vec![b'x'; 20 << 20]);
    assert!(bomb.len() < 200_000);
    assert_eq!(Table::read(&bomb[..], limits).unwrap_err().code, ErrorCode::BodyTooLarge);
    let rows = Table::read(&b"code\n1\n2\n3\n"[..], Limits { rows: 2, ..Limits::FILE }).unwrap_err();
    assert!(rows.detail.contains("more than 2 rows"), "{rows}");
    assert!(started.elapsed().as_secs() < 10);
}

#[test]
fn empty_files_and_empty_headers_are_refused() {
    for bytes in [&b""[..], b"\n\n", b"\xef\xbb\xbf", b",,\nA,B,C\n"] {
        assert!(Table::read(bytes, Limits::FILE).unwrap_err().detail.contains("is empty"), "{bytes:?}");
    }
}

#[test]
fn a_wrong_header_is_answered_with_the_nearest_name() {
    let wrong = table(b"cod,weight_kg\nA,1\n");
    let error = find(&wrong, &[], Units::default()).unwrap_err();
    assert_eq!(error.fields[0].field, "code");
    assert!(error.fields[0].message.contains("did you mean \"cod\"?"), "{error}");
    let error = find(&wrong, &[("code", "codd"), ("lenght", "x")], Units::default()).unwrap_err();
    assert!(
        error.fields.iter().any(|fault| fault.message.contains("\"lenght\" is not a column here; did you mean \"length\"?")),
        "{error}"
    );
    assert!(error.fields.iter().any(|fault| fault.message.contains("has no column \"codd\"; did you mean \"cod\"?")), "{error}");
    let slip = find(&table(b"code,wieght\nA,1\n"), &[], Units::default()).unwrap();
    assert_eq!((slip.ignored.as_slice(), slip.notes.len()), (&["wieght".to_owned()][..], 1));
    let twice = find(&table(b"code,length_cm,length_mm\nA,1,1\n"), &[], Units::default()).unwrap_err();
    assert_eq!(twice.fields[0].field, "length");
}

#[test]
fn units_come_from_the_header_or_the_option() {
    for (header, unit) in
        [("length_cm", "cm"), ("Length [in]", "in"), ("LENGTH (mm)", "mm"), ("length/ft", "ft"), ("length", "m")]
    {
        let table = table(format!("code,{header}\nA,1\n").as_bytes());
        let option = Units { length_unit: (header == "length").then_some(LengthUnit::M), ..Units::default() };
        let layout = find(&table, &[], option).unwrap();
        assert_eq!(layout.uses()[1].unit.as_deref(), Some(unit), "{header}");
    }
    let contradiction = Units { length_unit: Some(LengthUnit::M), ..Units::default() };
    let error = find(&table(b"code,length_cm\nA,1\n"), &[], contradiction).unwrap_err();
    assert_eq!(error.fields[0].field, "length_unit");
    let mut mapped = rows(&table(b"id,product_length_cm\nA,1.26\n"), &[("code", "id"), ("length", "product_length_cm")]);
    assert_eq!(mapped[0].measure("length", 100_000), Some(13));
}

#[test]
fn absurd_numbers_are_bad_cells_that_say_why() {
    let long = format!("0.{}", "1".repeat(30));
    let cases = [
        ("NaN", "must be a number"),
        ("1e309", "must be a number"),
        ("inf", "must be a number"),
        (long.as_str(), "at most 28 digits"),
        ("\"1,5\"", "with a point"),
        ("-3", "must not be negative"),
        ("0", "must be greater than 0, or empty"),
        ("99999999999", "is too large"),
    ];
    for (cell, reason) in cases {
        let table = table(format!("code,weight_kg\nA,{cell}\n").as_bytes());
        let mut row = rows(&table, &[]).remove(0);
        assert_eq!(row.measure("weight", 100_000_000), None);
        let bad = row.into_bad().remove(0);
        assert!(bad.reason.contains(reason), "{cell}: {}", bad.reason);
        assert_eq!((bad.line, bad.column.as_deref()), (2, Some("weight_kg")));
        assert!(!bad.mend.is_empty());
    }
    let table = table(b"code,weight_g\nA,0.2\n");
    assert_eq!(rows(&table, &[])[0].measure("weight", 100), Some(1));
}

#[test]
fn misshapen_rows_are_named_with_their_line() {
    let huge = "x".repeat(70_000);
    let text = format!("code,name\nA,1,2\nB\nC,{huge}\nD,a\0b\nE,\"open\nF,x\n");
    let table = table(text.as_bytes());
    let reasons: Vec<(u64, String)> =
        rows(&table, &[]).into_iter().map(|row| (row.line, row.into_bad().remove(0).reason)).collect();
    let expected = [(2, "3 cells"), (3, "1 cells"), (4, "longer than 64 KiB"), (5, "NUL"), (6, "never closed")];
    assert_eq!(reasons.len(), expected.len());
    for ((line, reason), (at, part)) in reasons.iter().zip(expected) {
        assert!(*line == at && reason.contains(part), "{line}: {reason}");
    }
    // An inch mark inside a cell opens nothing, even in the last row.
    assert!(rows(&self::table(b"code,name\nA,\"two\nlines\"\nB,5\" pipe"), &[]).iter().all(|row| !row.is_bad()));
}

proptest! {
    #[test]
    fn what_a_csv_writer_wrote_is_read_back(
        cells in prop::collection::vec(("[a-zA-Z0-9]{1,8}", "[^\0]{0,40}"), 1..20),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
        crlf in any::<bool>(),
        mark in any::<bool>(),
        packed in any::<bool>(),
    ) {
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).terminator(terminator).from_writer(Vec::new());
        writer.write_record(["code", "name"]).unwrap();
        for (code, name) in &cells {
            writer.write_record([code, name]).unwrap();
        }
        let mut bytes = writer.into_inner().unwrap();
        if mark {
            bytes.splice(0..0, *b"\xef\xbb\xbf");
        }
        let bytes = if packed { gzip(&bytes) } else { bytes };
        let table = table(&bytes);
        let rows = rows(&table, &[]);
        prop_assert_eq!(table.delimiter(), char::from(delimiter));
        prop_assert_eq!(rows.len(), cells.len());
        for (row, (code, name)) in rows.iter().zip(&cells) {
            prop_assert!(!row.is_bad());
            prop_assert_eq!(row.text("code"), Some(code.as_str()));
            prop_assert_eq!(row.text("name").unwrap_or_default(), name.trim());
        }
    }

    #[test]
    fn latin_1_text_survives(name in "[ -!#-+.-~\u{a1}-\u{ff}]{0,40}") {
        let latin: Vec<u8> = format!("code,name\nA,{name}\u{e9}\n").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        prop_assume!(std::str::from_utf8(&latin).is_err());
        prop_assert_eq!(names(&latin), [Some(format!("{name}\u{e9}").trim().to_owned())]);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(table) = Table::read(&bytes[..], Limits::FILE) {
            prop_assert_eq!(table.records().count() as u64, table.rows_total);
            for record in table.records() {
                let _ = table.misshapen(&record);
            }
        }
    }
}
