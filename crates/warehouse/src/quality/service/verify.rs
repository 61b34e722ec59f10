use catalog::{Item, ItemChanges, Measure, Size, StockGuard};
use chrono::TimeDelta;
use kernel::{Page, PageRequest, Quantity};
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result, audit};
use serde_json::json;
use sqlx::PgConnection;

use super::{announce, facility_of, item_of, labels};
use crate::check::Checks;
use crate::quality::dto::{SizeDto, VerificationDto};
use crate::quality::input::{DecideVerification, VerificationFilter, VerifyDimensions};
use crate::quality::model::{Figures, REVERIFY_DAYS, Variance};
use crate::quality::store::verification as store;
use crate::quality::{NewRemediation, log_remediation};
use crate::words::{VerificationDecision, VerificationStatus};
use crate::{QUALITY_DECIDE, QUALITY_WRITE, WAREHOUSE_READ};

const MAX_UNIT_MM: i64 = 100_000;
const MAX_UNIT_G: i64 = 100_000_000;
const NOTES_MAX: usize = 500;

/// Compares what was measured with the master data. Within tolerance, and where nothing is on record, the item takes it over when the
/// caller wants that; what differs by more is only flagged.
pub async fn verify(tx: &mut Tx, actor: &Actor, guard: &dyn StockGuard, input: &VerifyDimensions) -> Result<VerificationDto> {
    actor.require(QUALITY_WRITE)?;
    let mut checks = Checks::default();
    let measured = measured(&mut checks, input);
    let notes = checks.text("notes", &input.notes, NOTES_MAX);
    checks.done()?;
    let facility = facility_of(tx, actor, input.facility.as_deref()).await?;
    let item = catalog::service::get(tx, actor, &input.material).await.map_err(|error| error.at("material"))?;
    store::lock(tx, actor.tenant(), item.item_id).await?;
    let master = Figures::of(&item);
    let variance = Variance::between(&measured, &master);
    let status = variance.status(&measured);
    let differs = measured.sides_mm.is_some_and(|_| measured.sides_mm != master.sides_mm)
        || measured.weight_g.is_some_and(|_| measured.weight_g != master.weight_g);
    let master_updated = input.update_master && differs && status != VerificationStatus::Flagged;
    let now = actor.env.now();
    let made = VerificationDto {
        verification_id: actor.env.new_id().to_string(),
        facility_id: facility.map(|id| id.0),
        material_id: item.item_id.0,
        material_code: item.code.clone(),
        material_name: item.name.clone(),
        measured: measured.into(),
        master: master.into(),
        dimension_variance_percentage: variance.dimension.map(thousandths),
        volume_variance_percentage: variance.volume.map(thousandths),
        weight_variance_percentage: variance.weight.map(thousandths),
        status,
        master_updated,
        is_latest: true,
        decision: None,
        decision_notes: String::new(),
        decided_at: None,
        decided_by: None,
        notes,
        verified_by: actor.principal.name.clone(),
        verified_at: now,
        next_due_at: now + TimeDelta::days(REVERIFY_DAYS),
    };
    if master_updated {
        take_over(tx, actor, guard, &item, &made).await?;
    }
    store::insert(tx, actor.tenant(), &made).await?;
    tx.audit(actor, audit::Entry::new("quality.verify", "dimension verification", &made.verification_id).after(&made));
    announce(tx, actor, "verification", &made.verification_id);
    Ok(made)
}

fn measured(checks: &mut Checks, input: &VerifyDimensions) -> Figures {
    let sides_mm = input.dimensions.as_ref().and_then(|size| size.to_mm(checks, "dimensions", MAX_UNIT_MM));
    let weight_g = input.weight.as_ref().and_then(|weight| weight.to_g(checks, "weight", MAX_UNIT_G));
    checks.require(input.dimensions.is_some() || input.weight.is_some(), "dimensions", "or weight must say what was measured");
    Figures { sides_mm, volume_mm3: None, weight_g }
}

impl From<Figures> for SizeDto {
    fn from(figures: Figures) -> Self {
        let side = |axis: usize| figures.sides_mm.map(|sides| sides[axis]);
        Self {
            length_mm: side(0),
            width_mm: side(1),
            height_mm: side(2),
            volume_mm3: figures.volume(),
            weight_g: figures.weight_g,
        }
    }
}

fn thousandths(percent: f64) -> f64 {
    (percent * 1_000.0).round() / 1_000.0 + 0.0
}

/// The item becomes what was measured: a change of the item like any other, and a remediation with the figures before and after.
async fn take_over(tx: &mut Tx, actor: &Actor, guard: &dyn StockGuard, item: &Item, made: &VerificationDto) -> Result<()> {
    let whole = |value: i64| Quantity::new(value.into()).map_err(Error::from);
    let measured = made.measured;
    let dimensions = match (measured.length_mm, measured.width_mm, measured.height_mm) {
        (Some(length), Some(width), Some(height)) => Some(Some(Size {
            length: whole(length.into())?,
            width: whole(width.into())?,
            height: whole(height.into())?,
            unit: "mm".into(),
        })),
        _ => None,
    };
    let weight = match measured.weight_g {
        Some(grams) => Some(Some(Measure { value: whole(grams)?, unit: "g".into() })),
        None => None,
    };
    let changes = ItemChanges { version: Some(item.version), dimensions, weight, ..ItemChanges::default() };
    let before = SizeDto::from(Figures::of(item));
    let after = catalog::service::update(tx, actor, guard, &item.item_id.0.to_string(), &changes).await?;
    let done = NewRemediation {
        facility: made.facility_id.map(kernel::FacilityId),
        action: "DIMENSIONS_CORRECTED",
        is_automatic: false,
        subject: "material",
        subject_id: item.item_id.to_string(),
        before: json!(before),
        after: json!(SizeDto::from(Figures::of(&after))),
        succeeded: true,
        message: format!("item {:?} took over what was measured", item.code),
    };
    log_remediation(tx, actor, done).await
}

/// Takes the measured figures into the item, or keeps those on record; with a reason, and only for the last measurement.
pub async fn decide(
    tx: &mut Tx,
    actor: &Actor,
    guard: &dyn StockGuard,
    id: &str,
    input: &DecideVerification,
) -> Result<VerificationDto> {
    actor.require(QUALITY_DECIDE)?;
    let mut checks = Checks::default();
    let notes = checks.name("notes", &input.notes, NOTES_MAX);
    checks.done()?;
    let found = if id.contains('\0') { None } else { store::lock_one(tx, actor.tenant(), id).await? };
    let before = found.ok_or_else(|| Error::not_found(format_args!("dimension verification {id:?}")))?;
    refuse_unless_open(&before)?;
    let item = catalog::service::get(tx, actor, &before.material_id.to_string()).await?;
    let mut after = before.clone();
    after.material_code.clone_from(&item.code);
    after.material_name.clone_from(&item.name);
    after.decision = Some(input.decision);
    after.decision_notes = notes;
    after.decided_at = Some(actor.env.now());
    after.decided_by = Some(actor.principal.name.clone());
    if input.decision == VerificationDecision::TakeMeasured {
        take_over(tx, actor, guard, &item, &before).await?;
        after.master_updated = true;
    } else {
        let done = NewRemediation {
            facility: before.facility_id.map(kernel::FacilityId),
            action: "MASTER_DATA_KEPT",
            is_automatic: false,
            subject: "material",
            subject_id: item.item_id.to_string(),
            before: json!(before.master),
            after: json!(before.master),
            succeeded: true,
            message: after.decision_notes.clone(),
        };
        log_remediation(tx, actor, done).await?;
    }
    store::decide(tx, actor.tenant(), &after).await?;
    let entry = audit::Entry::new("quality.decide", "dimension verification", &after.verification_id);
    tx.audit(actor, entry.before(&before).after(&after));
    announce(tx, actor, "verification", &after.verification_id);
    Ok(after)
}

fn refuse_unless_open(found: &VerificationDto) -> Result<()> {
    if !found.is_latest {
        return Err(Error::conflict("the item was measured again since; decide about the last measurement"));
    }
    if let (Some(decision), Some(by)) = (found.decision, &found.decided_by) {
        return Err(Error::conflict(format!("{by} has decided {decision} already; measure the item again to decide anew")));
    }
    if found.status == VerificationStatus::Verified || found.master_updated {
        return Err(Error::conflict("there is nothing to decide: the measurement is within tolerance, or was taken over"));
    }
    Ok(())
}

pub async fn verification(connection: &mut PgConnection, actor: &Actor, id: &str) -> Result<VerificationDto> {
    actor.require(WAREHOUSE_READ)?;
    let found = if id.contains('\0') { None } else { store::one(connection, actor.tenant(), id).await? };
    let mut found = found.ok_or_else(|| Error::not_found(format_args!("dimension verification {id:?}")))?;
    name(connection, actor, std::slice::from_mut(&mut found)).await?;
    Ok(found)
}

async fn name(connection: &mut PgConnection, actor: &Actor, rows: &mut [VerificationDto]) -> Result<()> {
    let names = labels(connection, actor, rows.iter().map(|row| row.material_id).collect()).await?;
    for row in rows {
        if let Some(label) = names.get(&kernel::ItemId(row.material_id)) {
            row.material_code.clone_from(&label.code);
            row.material_name.clone_from(&label.name);
        }
    }
    Ok(())
}

/// Measurements, newest first.
pub async fn verifications(
    connection: &mut PgConnection,
    actor: &Actor,
    filter: &VerificationFilter,
    page: &PageRequest,
) -> Result<Page<VerificationDto>> {
    actor.require(WAREHOUSE_READ)?;
    let item = item_of(connection, actor, &filter.material).await?;
    let state = filter.state.unwrap_or_default();
    let rows = store::list(connection, actor.tenant(), item, state, actor.env.now(), page).await?;
    let mut found = Page::cut(rows, page, |row| (row.verified_at, row.verification_id.clone()));
    name(connection, actor, &mut found.items).await?;
    Ok(found)
}
