use std::io::{BufReader, Cursor, Read};

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use kernel::ErrorCode;

use crate::{Error, Result};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const ZIP: &[u8] = b"PK\x03\x04";

pub(super) struct Decoded {
    pub text: String,
    pub encoding: &'static str,
    pub notes: Vec<String>,
}

/// Unpacks gzip and zstd, told by their first bytes, and reads at most `limit` bytes of what comes out.
pub(super) fn decompress(mut source: impl Read, limit: u64) -> Result<Vec<u8>> {
    let mut magic = Vec::with_capacity(4);
    source.by_ref().take(4).read_to_end(&mut magic).map_err(|error| unreadable(&error))?;
    let whole = BufReader::new(Cursor::new(magic.clone()).chain(source));
    if magic.starts_with(GZIP) {
        read_limited(flate2::read::MultiGzDecoder::new(whole), limit)
    } else if magic.starts_with(ZSTD) {
        let decoder = ruzstd::decoding::StreamingDecoder::new(whole)
            .map_err(|error| Error::field("file", format!("is not a whole zstd file: {error}")))?;
        read_limited(decoder, limit)
    } else if magic.starts_with(ZIP) {
        Err(Error::field("file", "is a zip archive or a spreadsheet; save it as CSV, plain or compressed with gzip or zstd"))
    } else {
        read_limited(whole, limit)
    }
}

fn read_limited(source: impl Read, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > limit {
        let detail = format!("the file is larger than {} MiB when unpacked; split it", limit >> 20);
        return Err(Error::new(ErrorCode::BodyTooLarge, detail));
    }
    Ok(bytes)
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::field("file", format!("cannot be read to its end: {error}"))
}

/// A byte-order mark decides; else whatever is valid UTF-8 is UTF-8; the rest is read as windows-1252, which contains latin-1.
pub(super) fn decode(bytes: Vec<u8>) -> Decoded {
    if let Some((encoding, mark)) = Encoding::for_bom(&bytes)
        && encoding != UTF_8
    {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return Decoded { text: text.into_owned(), encoding: encoding.name(), notes: Vec::new() };
    }
    let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.to_vec(),
        None => bytes,
    };
    match String::from_utf8(bytes) {
        Ok(text) => Decoded { text, encoding: UTF_8.name(), notes: Vec::new() },
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
            let text = WINDOWS_1252.decode_without_bom_handling(error.as_bytes()).0.into_owned();
            let notes = vec![format!("line {line} is not UTF-8; the whole file was read as windows-1252")];
            Decoded { text, encoding: WINDOWS_1252.name(), notes }
        }
    }
}

/// The delimiter that stands most often in the first line outside quotes; a comma when none does.
pub(super) fn sniff_delimiter(text: &str) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in text.trim_start_matches(['\r', '\n']).bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => counts.iter_mut().filter(|(delimiter, _)| *delimiter == byte).for_each(|(_, count)| *count += 1),
        }
    }
    // The first of equals wins, and the comma stands first.
    let (delimiter, _) = counts.into_iter().rev().max_by_key(|(_, count)| *count).expect("the list is not empty");
    delimiter
}

/// At most `chars` characters, with an ellipsis when some were cut, and with a picture of NUL, which PostgreSQL cannot store.
pub(crate) fn excerpt(text: &str, chars: usize) -> String {
    let shown = match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    shown.replace('\0', "\u{2400}")
}
