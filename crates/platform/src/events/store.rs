use chrono::{DateTime, Utc};
use kernel::TenantId;
use serde_json::Value;
use sqlx::PgConnection;

use super::bus::Announcement;
use super::changes::{Change, Changes, Mark};
use super::position::Position;
use super::{Occurrence, REPLAY_MAX};
use crate::database::Database;
use crate::{Error, Result};

/// Numbers above the mark that a beginner's position has behind; most of them are one run. A long transaction, of another database on
/// the same server too, holds the mark back.
const LATEST_MAX: i64 = 5_000;
/// No transaction has this number: for positions that know none.
const NO_TXID: u64 = u64::MAX;

struct Row {
    seq: Option<i64>,
    at: Option<DateTime<Utc>>,
    kind: Option<String>,
    entity_id: Option<String>,
    payload: Option<Value>,
    txid: Option<String>,
}

impl Row {
    fn into_occurrence(self, tenant: &TenantId) -> Option<Occurrence> {
        let txid = self.txid.and_then(|txid| txid.parse().ok());
        Some(Occurrence::new(tenant.clone(), txid, (self.seq?, self.at?), self.kind?, self.entity_id?, self.payload?))
    }
}

/// Where somebody stands who begins to listen now.
pub(super) async fn now(db: &Database, tenant: &TenantId) -> Result<Position> {
    let row = db
        .read(tenant, async |connection| {
            Ok(sqlx::query!(
                r#"SELECT pg_snapshot_xmin(s.snapshot)::text AS "low!",
                          (SELECT coalesce(max(o.seq), 0) FROM platform.outbox o WHERE o.tenant_id = $1) AS "seq!",
                          ARRAY(SELECT o.seq::text || ' ' || o.txid::text FROM platform.outbox o
                                WHERE o.tenant_id = $1 AND o.txid >= pg_snapshot_xmin(s.snapshot)
                                  AND o.txid < pg_snapshot_xmax(s.snapshot)
                                ORDER BY o.txid DESC LIMIT $2) AS "told!"
                   FROM (SELECT pg_current_snapshot() AS snapshot) s"#,
                tenant.as_str(),
                LATEST_MAX,
            )
            .fetch_one(connection)
            .await?)
        })
        .await?;
    let mut position = Position::new(row.seq, txid(&row.low)?);
    for (number, by) in row.told.iter().filter_map(|pair| pair.split_once(' ')) {
        position.tell(number.parse().map_err(Error::internal)?, Some(txid(by)?));
    }
    Ok(position)
}

fn txid(text: &str) -> Result<u64> {
    text.parse().map_err(Error::internal)
}

/// What a listener missed since `position`, by number.
pub(super) struct Missed {
    /// One more than [`REPLAY_MAX`] at most.
    pub occurrences: Vec<Occurrence>,
    /// The low-water mark once all of them are told.
    pub low: u64,
    /// Everything that anybody could see was written by a transaction below this.
    pub high: u64,
}

/// Transactions that the server has not given out yet belong to rows restored from another one, and are no news.
pub(super) async fn missed(db: &Database, tenant: &TenantId, position: &Position) -> Result<Missed> {
    let (firsts, lasts) = position.told();
    let rows = db
        .read(tenant, async |connection| {
            Ok(sqlx::query!(
                r#"SELECT pg_snapshot_xmin(s.snapshot)::text AS "low!", pg_snapshot_xmax(s.snapshot)::text AS "high!", e.seq AS "seq?",
                          e.at AS "at?", e.kind AS "kind?", e.entity_id AS "entity_id?", e.payload AS "payload?", e.txid::text AS "txid?"
                   FROM (SELECT pg_current_snapshot() AS snapshot) s LEFT JOIN LATERAL (
                       (SELECT o.* FROM platform.outbox o
                        WHERE o.tenant_id = $1 AND o.seq > $2
                          AND NOT EXISTS (SELECT FROM UNNEST($4::bigint[], $5::bigint[]) t (first, last) WHERE o.seq BETWEEN t.first AND t.last)
                        ORDER BY o.seq LIMIT $6)
                       UNION ALL
                       (SELECT o.* FROM platform.outbox o
                        WHERE o.tenant_id = $1 AND o.seq <= $2 AND o.txid >= $3::text::xid8 AND o.txid < pg_snapshot_xmax(s.snapshot)
                          AND NOT EXISTS (SELECT FROM UNNEST($4::bigint[], $5::bigint[]) t (first, last) WHERE o.seq BETWEEN t.first AND t.last)
                        ORDER BY o.txid LIMIT $6)
                   ) e ON true
                   ORDER BY e.seq LIMIT $6"#,
                tenant.as_str(),
                position.seq(),
                position.low().unwrap_or(NO_TXID).to_string(),
                &firsts,
                &lasts,
                REPLAY_MAX as i64 + 1,
            )
            .fetch_all(connection)
            .await?)
        })
        .await?;
    let (low, high) = rows.first().map_or(Ok((0, 0)), |row| Ok::<_, Error>((txid(&row.low)?, txid(&row.high)?)))?;
    let occurrences = rows
        .into_iter()
        .filter_map(|row| {
            let found =
                Row { seq: row.seq, at: row.at, kind: row.kind, entity_id: row.entity_id, payload: row.payload, txid: row.txid };
            found.into_occurrence(tenant)
        })
        .collect();
    Ok(Missed { occurrences, low, high })
}

/// One more than `most` at most. Transactions that the server has not given out yet belong to rows restored from another one.
pub(super) async fn changes(
    connection: &mut PgConnection,
    tenant: &TenantId,
    since: Option<Mark>,
    kinds: &[&str],
    most: usize,
) -> Result<Changes> {
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let rows = sqlx::query!(
        r#"SELECT pg_snapshot_xmin(s.snapshot)::text AS "mark!", pg_current_xact_id_if_assigned() IS NULL AS "is_committed!",
                  e.kind AS "kind?", e.entity_id AS "entity_id?", e.payload AS "payload?"
           FROM (SELECT pg_current_snapshot() AS snapshot) s LEFT JOIN LATERAL (
               SELECT o.kind, o.entity_id, o.payload FROM platform.outbox o
               WHERE o.tenant_id = $1 AND o.txid >= $2::text::xid8 AND o.txid < pg_snapshot_xmax(s.snapshot) AND o.kind = ANY ($3)
               LIMIT $4
           ) e ON true"#,
        tenant.as_str(),
        since.map_or(NO_TXID, |mark| mark.0).to_string(),
        &kinds,
        i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1),
    )
    .fetch_all(connection)
    .await?;
    let first = rows.first().ok_or_else(|| Error::internal("a snapshot is one row at least"))?;
    let (mark, is_committed) = (Mark(txid(&first.mark)?), first.is_committed);
    let change = |kind, entity_id, payload| Some(Change { kind: kind?, entity_id: entity_id?, payload: payload? });
    let news = rows.into_iter().filter_map(|row| change(row.kind, row.entity_id, row.payload)).collect();
    Ok(Changes { mark, news, is_cut: false, is_committed })
}

/// The events that some announcements of one tenant name, each with the place of its announcement; one more than [`REPLAY_MAX`] at most.
pub(super) async fn announced(
    db: &Database,
    tenant: &TenantId,
    announcements: &[&Announcement],
) -> Result<Vec<(usize, Occurrence)>> {
    let firsts: Vec<i64> = announcements.iter().map(|one| one.first).collect();
    let lasts: Vec<i64> = announcements.iter().map(|one| one.last).collect();
    let txids: Vec<Option<String>> = announcements.iter().map(|one| one.txid.map(|txid| txid.to_string())).collect();
    let rows = db
        .read(tenant, async |connection| {
            Ok(sqlx::query!(
                r#"SELECT n.place AS "place!", o.seq, o.at, o.kind, o.entity_id, o.payload, o.txid::text
                   FROM UNNEST($2::bigint[], $3::bigint[], $4::text[]) WITH ORDINALITY n (first, last, txid, place)
                   JOIN platform.outbox o ON o.tenant_id = $1 AND o.seq BETWEEN n.first AND n.last
                        AND (n.txid IS NULL OR o.txid = n.txid::xid8)
                   ORDER BY n.place, o.seq LIMIT $5"#,
                tenant.as_str(),
                &firsts,
                &lasts,
                &txids as &[Option<String>],
                REPLAY_MAX as i64 + 1,
            )
            .fetch_all(connection)
            .await?)
        })
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let place = usize::try_from(row.place - 1).ok()?;
            let found = Row {
                seq: Some(row.seq),
                at: Some(row.at),
                kind: Some(row.kind),
                entity_id: Some(row.entity_id),
                payload: Some(row.payload),
                txid: row.txid,
            };
            Some((place, found.into_occurrence(tenant)?))
        })
        .collect())
}
