//! Reads very many recommendations at once: a binary COPY from one narrow index, parsed as it arrives.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use kernel::TenantId;
use platform::database::Tx;
use platform::{Error, Result};
use sqlx::types::Uuid;

use super::super::model::{Group, History, ROWS_MAX};

/// Newest first, so that a limit leaves out the oldest. COPY takes no parameters; they come as settings of the transaction.
const COPY: &str =
    "COPY (SELECT recommendation_id, facility_id, algorithm, algorithm_version, created_at, score, confidence_score,
                                 quantity, held_volume_mm3, held_weight_g, was_accepted, decided_at
                          FROM warehouse.putaway_recommendations
                          WHERE tenant_id = current_setting('entrepot.statistics_tenant')
                            AND created_at >= current_setting('entrepot.statistics_from')::timestamptz
                            AND created_at < current_setting('entrepot.statistics_to')::timestamptz
                          ORDER BY created_at DESC LIMIT current_setting('entrepot.statistics_rows')::bigint)
                    TO STDOUT (FORMAT binary)";

/// The newest recommendations of a half-open period, by group, each group in the order of time.
pub(crate) async fn read(tx: &mut Tx, tenant: &TenantId, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<History> {
    sqlx::query!(
        r#"SELECT set_config('entrepot.statistics_tenant', $1, true) AS tenant,
                  set_config('entrepot.statistics_from', $2::timestamptz::text, true) AS period_start,
                  set_config('entrepot.statistics_to', $3::timestamptz::text, true) AS period_end,
                  set_config('entrepot.statistics_rows', $4::bigint::text, true) AS most"#,
        tenant.as_str(),
        from,
        to,
        ROWS_MAX as i64 + 1,
    )
    .fetch_one(&mut **tx)
    .await?;
    let mut reader = Reader::new(from);
    let mut chunks = tx.copy_out_raw(COPY).await?;
    while let Some(chunk) = chunks.try_next().await? {
        reader.take(&chunk)?;
    }
    drop(chunks);
    Ok(reader.done())
}

/// The binary format of COPY: a header, then for each row its number of fields and each field with its length.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
const FIELDS: i16 = 12;
/// Times are microseconds since this.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const DAY_MICROS: f64 = 86_400e6;

struct Reader {
    from_micros: i64,
    /// Facility, algorithm and version as they came, so that a row's group is found without making anything.
    keys: HashMap<Vec<u8>, usize>,
    groups: Vec<Group>,
    /// The start of a row that the last chunk cut.
    rest: Vec<u8>,
    is_begun: bool,
    rows: usize,
}

impl Reader {
    fn new(from: DateTime<Utc>) -> Self {
        let from_micros = from.timestamp_micros() - EPOCH_MICROS;
        Self { from_micros, keys: HashMap::new(), groups: Vec::new(), rest: Vec::new(), is_begun: false, rows: 0 }
    }

    /// A chunk is one row as PostgreSQL sends it, but nothing promises that.
    fn take(&mut self, chunk: &[u8]) -> Result<()> {
        if self.rest.is_empty() {
            let used = self.parse(chunk)?;
            self.rest.extend_from_slice(&chunk[used..]);
        } else {
            let mut whole = std::mem::take(&mut self.rest);
            whole.extend_from_slice(chunk);
            let used = self.parse(&whole)?;
            whole.drain(..used);
            self.rest = whole;
        }
        Ok(())
    }

    /// Takes the whole rows and returns how many bytes they were.
    fn parse(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut used = 0;
        if !self.is_begun {
            let Some(header) = header(bytes)? else { return Ok(0) };
            (used, self.is_begun) = (header, true);
        }
        while let Some(length) = self.row(&bytes[used..])? {
            used += length;
        }
        Ok(used)
    }

    /// The length of the row at the start of `bytes`; nothing when it is not all there.
    fn row(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let mut cursor = Cursor { bytes, at: 0 };
        let Some(count) = cursor.take::<2>().map(i16::from_be_bytes) else { return Ok(None) };
        if count == -1 {
            return Ok(Some(2));
        }
        if count != FIELDS {
            return Err(unreadable());
        }
        let mut fields: [Option<&[u8]>; FIELDS as usize] = [None; FIELDS as usize];
        for field in &mut fields {
            let Some(length) = cursor.take::<4>().map(i32::from_be_bytes) else { return Ok(None) };
            if length >= 0 {
                let Some(value) = cursor.slice(length as usize) else { return Ok(None) };
                *field = Some(value);
            }
        }
        self.add(&fields)?;
        Ok(Some(cursor.at))
    }

    fn add(&mut self, fields: &[Option<&[u8]>; FIELDS as usize]) -> Result<()> {
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Ok(());
        }
        let [id, facility, algorithm, version, made, score, confidence, quantity, volume, weight, accepted, decided] = *fields;
        let made = integer(made)?;
        let group = self.group(facility, algorithm.unwrap_or_default(), version.unwrap_or_default())?;
        let group = &mut self.groups[group];
        if let (Some(accepted), Some(_)) = (accepted, decided) {
            group.decided.push(group.ids.len() as u32);
            group.minutes.push((integer(decided)? - made) as f64 / 60e6);
            group.accepted.push(f64::from(accepted.first().copied().unwrap_or(0)));
        }
        group.ids.push(Uuid::from_slice(id.unwrap_or_default()).map_err(Error::internal)?);
        group.days.push((made - self.from_micros) as f64 / DAY_MICROS);
        group.score.push(numeric(score)?);
        group.confidence.push(numeric(confidence)?);
        group.quantity.push(numeric(quantity)?);
        group.volume_cm3.push(integer(volume)? as f64 / 1_000.0);
        group.weight_g.push(integer(weight)? as f64);
        Ok(())
    }

    fn group(&mut self, facility: Option<&[u8]>, algorithm: &[u8], version: &[u8]) -> Result<usize> {
        let facility = facility.map(Uuid::from_slice).transpose().map_err(Error::internal)?;
        // Recommendations from before versions were stored, and the documents' own, have the method only.
        let version = if version.is_empty() { algorithm } else { version };
        let key = [facility.unwrap_or_default().as_bytes(), version].concat();
        if let Some(&at) = self.keys.get(&key) {
            return Ok(at);
        }
        let version = String::from_utf8(version.to_vec()).map_err(Error::internal)?;
        self.groups.push(Group { facility, version, ..Group::default() });
        self.keys.insert(key, self.groups.len() - 1);
        Ok(self.groups.len() - 1)
    }

    fn done(mut self) -> History {
        for group in &mut self.groups {
            let last = group.ids.len() as u32 - 1;
            group.decided.iter_mut().for_each(|row| *row = last - *row);
            group.decided.reverse();
            group.ids.reverse();
            for values in [
                &mut group.days,
                &mut group.score,
                &mut group.confidence,
                &mut group.quantity,
                &mut group.volume_cm3,
                &mut group.weight_g,
                &mut group.minutes,
                &mut group.accepted,
            ] {
                values.reverse();
            }
        }
        self.groups
            .sort_by(|a, b| b.ids.len().cmp(&a.ids.len()).then_with(|| (a.facility, &a.version).cmp(&(b.facility, &b.version))));
        History { rows: self.rows.min(ROWS_MAX), is_cut: self.rows > ROWS_MAX, groups: self.groups }
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let found = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(found)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.slice(N)?.try_into().ok()
    }
}

/// The length of the header; nothing when it is not all there.
fn header(bytes: &[u8]) -> Result<Option<usize>> {
    let fixed = SIGNATURE.len() + 8;
    let Some(head) = bytes.get(..fixed) else { return Ok(None) };
    if !head.starts_with(SIGNATURE) {
        return Err(unreadable());
    }
    let extension = u32::from_be_bytes(head[fixed - 4..].try_into().expect("four bytes")) as usize;
    Ok((bytes.len() >= fixed + extension).then_some(fixed + extension))
}

fn unreadable() -> Error {
    Error::internal("the database sent rows of another shape than was asked for")
}

fn integer(field: Option<&[u8]>) -> Result<i64> {
    let bytes = field.and_then(|bytes| bytes.try_into().ok()).ok_or_else(unreadable)?;
    Ok(i64::from_be_bytes(bytes))
}

/// A NUMERIC: number of groups, weight of the first, sign, scale, then groups of four decimal digits. What fits 53 bits is exact up to one
/// rounding.
fn numeric(field: Option<&[u8]>) -> Result<f64> {
    let bytes = field.filter(|bytes| bytes.len() >= 8).ok_or_else(unreadable)?;
    let word = |at: usize| i16::from_be_bytes([bytes[2 * at], bytes[2 * at + 1]]);
    let (groups, weight, sign) = (word(0), i32::from(word(1)), word(2));
    if bytes.len() != 8 + 2 * groups as usize || !matches!(sign as u16, 0 | 0x4000) {
        return Err(unreadable());
    }
    let digits = (0..groups as usize).map(|at| word(4 + at));
    let whole = digits.fold(0i128, |whole, group| whole.saturating_mul(10_000).saturating_add(i128::from(group)));
    let exponent = 4 * (weight + 1 - i32::from(groups));
    let size = if exponent < 0 { whole as f64 / 10f64.powi(-exponent) } else { whole as f64 * 10f64.powi(exponent) };
    Ok(if sign == 0 { size } else { -size })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL sends it: groups of four digits from `weight` down.
    fn sent(sign: u16, weight: i16, groups: &[i16]) -> Vec<u8> {
        let head = [groups.len() as i16, weight, sign as i16, 3];
        head.iter().chain(groups).flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numerics_are_read_to_the_last_digit() {
        for (bytes, wanted) in [
            (sent(0, 0, &[]), 0.0),
            (sent(0, 0, &[75, 1230]), 75.123),
            (sent(0, -1, &[8120]), 0.812),
            (sent(0, -2, &[1]), 1e-8),
            (sent(0, 2, &[12, 3456, 7890]), 1_234_567_890.0),
            (sent(0, 2, &[3]), 300_000_000.0),
            (sent(0x4000, 0, &[5, 5000]), -5.5),
        ] {
            assert_eq!(numeric(Some(&bytes)).unwrap(), wanted);
        }
        for bad in [vec![], vec![0; 7], sent(0xC000, 0, &[]), sent(0, 0, &[1])[..8].to_vec()] {
            assert!(numeric(Some(&bad)).is_err(), "{bad:?}");
        }
        assert!(numeric(None).is_err());
    }

    fn field(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as i32).to_be_bytes(), bytes].concat()
    }

    fn row(id: u128, version: &str, made: i64, accepted: Option<bool>) -> Vec<u8> {
        let none = (-1i32).to_be_bytes().to_vec();
        let decided = accepted.map_or_else(|| none.clone(), |_| field(&(made + 90_000_000).to_be_bytes()));
        let score = field(&sent(0, 0, &[80]));
        let fields = [
            field(&id.to_be_bytes()),
            none.clone(),
            field(b"BFD"),
            field(version.as_bytes()),
            field(&made.to_be_bytes()),
            score.clone(),
            score.clone(),
            score,
            field(&2_000i64.to_be_bytes()),
            field(&7i64.to_be_bytes()),
            accepted.map_or(none, |is_it| field(&[u8::from(is_it)])),
            decided,
        ];
        [FIELDS.to_be_bytes().to_vec(), fields.concat()].concat()
    }

    /// Wherever the stream is cut, the rows are the same; groups come in the order of time.
    #[test]
    fn rows_are_read_whatever_the_chunks() {
        let from = DateTime::from_timestamp_micros(EPOCH_MICROS).unwrap();
        let day = 86_400_000_000;
        let head = [SIGNATURE, &[0; 8]].concat();
        let rows = [row(3, "", 3 * day, Some(true)), row(2, "BFD/1", 2 * day, None), row(1, "", day, Some(false))].concat();
        let stream = [head, rows, (-1i16).to_be_bytes().to_vec()].concat();
        for size in [1, 2, 7, 100, stream.len()] {
            let mut reader = Reader::new(from);
            stream.chunks(size).for_each(|chunk| reader.take(chunk).unwrap());
            let history = reader.done();
            assert_eq!((history.rows, history.is_cut, history.groups.len()), (3, false, 2));
            let group = &history.groups[0];
            assert_eq!((group.version.as_str(), group.facility), ("BFD", None));
            assert_eq!(group.ids, [Uuid::from_u128(1), Uuid::from_u128(3)]);
            assert_eq!(group.days, [1.0, 3.0]);
            assert_eq!((group.decided.as_slice(), group.accepted.as_slice()), ([0, 1].as_slice(), [0.0, 1.0].as_slice()));
            assert_eq!(group.minutes, [1.5, 1.5]);
            assert_eq!((group.volume_cm3[0], group.weight_g[0], group.score[0]), (2.0, 7.0, 80.0));
            assert!(history.groups[1].decided.is_empty() && history.groups[1].version == "BFD/1");
        }
    }

    #[test]
    fn another_shape_is_refused() {
        let from = DateTime::from_timestamp_micros(EPOCH_MICROS).unwrap();
        assert!(Reader::new(from).take(b"PGCOPX\n\xff\r\n\0\0\0\0\0\0\0\0\0").is_err());
        let short = [SIGNATURE, &[0; 8], &3i16.to_be_bytes()].concat();
        assert!(Reader::new(from).take(&short).is_err());
    }
}
