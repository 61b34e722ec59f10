//! Settings, velocities and affinities.

use catalog::AbcClass;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{FacilityId, ItemId, TenantId};
use platform::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::model::{ItemAffinity, ItemVelocity, SlottingSettings, Trigger};
use crate::words::{ClassBy, ShareOf, TriggerKind, TriggerSeverity};

pub(in super::super) async fn settings(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<Option<SlottingSettings>> {
    let row = sqlx::query_as!(
        SlottingSettings,
        r#"SELECT class_by AS "class_by: ClassBy", a_share, b_share, share_of AS "share_of: ShareOf", writes_classes, version
           FROM warehouse.slotting_settings WHERE tenant_id = $1 AND facility_id = $2"#,
        tenant.as_str(),
        facility.0,
    );
    Ok(row.fetch_optional(connection).await?)
}

/// `false` when somebody else wrote since the version before this one.
pub(in super::super) async fn write_settings(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    new: &SlottingSettings,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO warehouse.slotting_settings AS s
             (tenant_id, facility_id, class_by, a_share, b_share, share_of, writes_classes, version, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant_id, facility_id) DO UPDATE
         SET class_by = $3, a_share = $4, b_share = $5, share_of = $6, writes_classes = $7, version = $8, updated_at = $9
         WHERE s.version = $8 - 1",
        tenant.as_str(),
        facility.0,
        new.class_by.as_str(),
        new.a_share,
        new.b_share,
        new.share_of.as_str(),
        new.writes_classes,
        new.version,
        now,
    );
    Ok(done.execute(connection).await?.rows_affected() == 1)
}

/// Makes the velocities of a day what they are now, and drops days before `keep_from`.
pub(in super::super) async fn replace(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    (day, keep_from): (NaiveDate, NaiveDate),
    rows: &[ItemVelocity],
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM warehouse.item_velocities WHERE tenant_id = $1 AND facility_id = $2 AND (day = $3 OR day < $4)",
        tenant.as_str(),
        facility.0,
        day,
        keep_from,
    )
    .execute(&mut *connection)
    .await?;
    let items: Vec<Uuid> = rows.iter().map(|row| row.item_id.0).collect();
    let recent: Vec<f64> = rows.iter().map(|row| row.recent_per_day).collect();
    let before: Vec<f64> = rows.iter().map(|row| row.before_per_day).collect();
    let change: Vec<Option<f64>> = rows.iter().map(|row| row.change_percent).collect();
    let picks: Vec<i64> = rows.iter().map(|row| row.picks).collect();
    let quantities: Vec<rust_decimal::Decimal> = rows.iter().map(|row| row.quantity.decimal()).collect();
    let classes: Vec<String> = rows.iter().map(|row| row.abc_class.to_string()).collect();
    let lacks: Vec<bool> = rows.iter().map(|row| row.lacks_value).collect();
    let kinds: Vec<Option<String>> = rows.iter().map(|row| Some(row.trigger?.kind.to_string())).collect();
    let severities: Vec<Option<String>> = rows.iter().map(|row| Some(row.trigger?.severity.to_string())).collect();
    sqlx::query!(
        "INSERT INTO warehouse.item_velocities
             (tenant_id, facility_id, day, item_id, recent_per_day, before_per_day, change_percent, picks, quantity, abc_class,
              lacks_value, trigger_kind, severity)
         SELECT $1, $2, $3, * FROM UNNEST($4::uuid[], $5::float8[], $6::float8[], $7::float8[], $8::bigint[], $9::numeric[],
                                          $10::text[], $11::boolean[], $12::text[], $13::text[])",
        tenant.as_str(),
        facility.0,
        day,
        &items,
        &recent,
        &before,
        &change as &[Option<f64>],
        &picks,
        &quantities,
        &classes,
        &lacks,
        &kinds as &[Option<String>],
        &severities as &[Option<String>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest day that velocities were computed for.
pub(in super::super) async fn last_day(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
) -> Result<Option<NaiveDate>> {
    let day = sqlx::query_scalar!(
        "SELECT max(day) FROM warehouse.item_velocities WHERE tenant_id = $1 AND facility_id = $2",
        tenant.as_str(),
        facility.0,
    );
    Ok(day.fetch_one(connection).await?)
}

/// What a list of velocities is narrowed by.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Narrow {
    pub item: Option<ItemId>,
    pub class: Option<AbcClass>,
    pub lacks_value: Option<bool>,
    pub triggered: bool,
    pub severity: Option<TriggerSeverity>,
    /// Picks and item of the last row of the page before.
    pub after: Option<(i64, Uuid)>,
}

/// Of one day, the most picked first.
pub(in super::super) async fn of_day(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    day: NaiveDate,
    narrow: &Narrow,
    most: i64,
) -> Result<Vec<ItemVelocity>> {
    let rows = sqlx::query!(
        r#"SELECT item_id, recent_per_day, before_per_day, change_percent, picks, quantity, abc_class AS "abc_class!", lacks_value,
                  trigger_kind AS "trigger_kind: TriggerKind", severity AS "severity: TriggerSeverity"
           FROM warehouse.item_velocities
           WHERE tenant_id = $1 AND facility_id = $2 AND day = $3
             AND ($4::uuid IS NULL OR item_id = $4)
             AND ($5::text IS NULL OR abc_class = $5)
             AND (NOT $6 OR trigger_kind IS NOT NULL)
             AND ($7::text IS NULL OR severity = $7)
             AND ($8::bigint IS NULL OR picks < $8 OR picks = $8 AND item_id > $9::uuid)
             AND ($10::boolean IS NULL OR lacks_value = $10)
           ORDER BY picks DESC, item_id LIMIT $11"#,
        tenant.as_str(),
        facility.0,
        day,
        narrow.item.map(|item| item.0),
        narrow.class.map(|class| class.as_str()),
        narrow.triggered,
        narrow.severity.map(TriggerSeverity::as_str),
        narrow.after.map(|(picks, _)| picks),
        narrow.after.map(|(_, item)| item),
        narrow.lacks_value,
        most,
    );
    let read = |abc: &str| abc.parse::<AbcClass>().map_err(Error::internal);
    let rows = rows.fetch_all(connection).await?.into_iter().map(|row| {
        Ok(ItemVelocity {
            item_id: ItemId(row.item_id),
            recent_per_day: row.recent_per_day,
            before_per_day: row.before_per_day,
            change_percent: row.change_percent,
            picks: row.picks,
            quantity: kernel::Quantity::from_db(row.quantity),
            abc_class: read(&row.abc_class)?,
            lacks_value: row.lacks_value,
            trigger: row.trigger_kind.zip(row.severity).map(|(kind, severity)| Trigger { kind, severity }),
        })
    });
    rows.collect()
}

/// Makes the pairs of a facility what they are now.
pub(in super::super) async fn replace_affinities(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    pairs: &[ItemAffinity],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!("DELETE FROM warehouse.item_affinities WHERE tenant_id = $1 AND facility_id = $2", tenant.as_str(), facility.0,)
        .execute(&mut *connection)
        .await?;
    let number = |of: fn(&ItemAffinity) -> f64| -> Vec<f64> { pairs.iter().map(of).collect() };
    sqlx::query!(
        "INSERT INTO warehouse.item_affinities
             (tenant_id, facility_id, computed_at, item_id, other_item_id, co_picks, support, confidence, lift, strength)
         SELECT $1, $2, $3, * FROM UNNEST($4::uuid[], $5::uuid[], $6::bigint[], $7::float8[], $8::float8[], $9::float8[], $10::float8[])",
        tenant.as_str(),
        facility.0,
        now,
        &pairs.iter().map(|pair| pair.item_id.0).collect::<Vec<_>>(),
        &pairs.iter().map(|pair| pair.other_item_id.0).collect::<Vec<_>>(),
        &pairs.iter().map(|pair| pair.co_picks).collect::<Vec<_>>(),
        &number(|pair| pair.support),
        &number(|pair| pair.confidence),
        &number(|pair| pair.lift),
        &number(|pair| pair.strength),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Partners of each of the items, with the strength of the pair; by item, the strongest first.
pub(in super::super) async fn strengths(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    items: &[ItemId],
) -> Result<Vec<(ItemId, ItemId, f64)>> {
    let rows = sqlx::query!(
        "SELECT item_id, other_item_id, strength FROM warehouse.item_affinities
         WHERE tenant_id = $1 AND facility_id = $2 AND item_id = ANY($3)
         ORDER BY item_id, co_picks DESC, other_item_id",
        tenant.as_str(),
        facility.0,
        &items.iter().map(|item| item.0).collect::<Vec<_>>(),
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows.map(|row| (ItemId(row.item_id), ItemId(row.other_item_id), row.strength)).collect())
}

/// The strongest first; of one item, or of all. At most `most`.
pub(in super::super) async fn affinities(
    connection: &mut PgConnection,
    tenant: &TenantId,
    facility: FacilityId,
    item: Option<ItemId>,
    most: i64,
) -> Result<Vec<ItemAffinity>> {
    let rows = sqlx::query!(
        "SELECT item_id, other_item_id, co_picks, support, confidence, lift, strength, computed_at FROM warehouse.item_affinities
         WHERE tenant_id = $1 AND facility_id = $2 AND ($3::uuid IS NULL OR item_id = $3)
         ORDER BY co_picks DESC, item_id, other_item_id LIMIT $4",
        tenant.as_str(),
        facility.0,
        item.map(|item| item.0),
        most,
    );
    let pair = rows.fetch_all(connection).await?.into_iter().map(|row| ItemAffinity {
        item_id: ItemId(row.item_id),
        other_item_id: ItemId(row.other_item_id),
        co_picks: row.co_picks,
        support: row.support,
        confidence: row.confidence,
        lift: row.lift,
        strength: row.strength,
        computed_at: row.computed_at,
    });
    Ok(pair.collect())
}
