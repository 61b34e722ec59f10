//! Data quality and jobs.

use platform::jobs::{JobState, ScheduledJob};
use uuid::Uuid;
use warehouse::quality::{
    CapacityFailureDto, CrossDockCancellationDto, DataQualityDto, RemediationDto, SizeDto, UnmeasuredItemDto, VerificationDto,
};
use warehouse::{FailureResolution, RelocationStatus, VerificationDecision, VerificationStatus};

use super::*;

pub fn add(samples: &mut Samples) {
    inbox(samples);
    forms(samples);
    jobs(samples);
}

fn metrics(failures: i64, rate: Option<f64>) -> DataQualityDto {
    DataQualityDto {
        facility_id: None,
        materials: 1_204,
        materials_unmeasured: failures,
        materials_verified: 310,
        materials_flagged: failures,
        verifications_due: failures,
        mean_volume_variance_percentage: Some(3.2),
        capacity_failures: failures * 40,
        capacity_failures_last_day: failures,
        pending_relocations: failures,
        remediations: 4,
        remediation_success_rate: rate,
        tolerance_percentage: 10.0,
        monitoring_enabled: failures > 0,
    }
}

fn verification(status: VerificationStatus, decision: Option<VerificationDecision>) -> VerificationDto {
    let size = |length| SizeDto {
        length_mm: Some(length),
        width_mm: Some(200),
        height_mm: Some(100),
        volume_mm3: Some(i64::from(length) * 20_000),
        weight_g: Some(2_500),
    };
    let is_known = status != VerificationStatus::NoMasterData;
    VerificationDto {
        verification_id: "0192f0c1-7b6d-7000-8000-00000000000a".into(),
        facility_id: None,
        material_id: Uuid::from_u128(1),
        material_code: "MUG-BLU".into(),
        material_name: "Ceramic mug <b>blue</b>".into(),
        measured: size(340),
        master: if is_known { size(300) } else { SizeDto::default() },
        dimension_variance_percentage: is_known.then_some(13.333),
        volume_variance_percentage: is_known.then_some(-13.333),
        weight_variance_percentage: is_known.then_some(0.0),
        status,
        master_updated: false,
        is_latest: true,
        decision,
        decision_notes: decision.map_or_else(String::new, |_| "the supplier changed the box".into()),
        decided_at: decision.map(|_| ago(2)),
        decided_by: decision.map(|_| "Jonas Weiß".into()),
        notes: "carton was damp".into(),
        verified_by: "Ada Berg".into(),
        verified_at: ago(90),
        next_due_at: ago(-90 * 24 * 60),
    }
}

fn failure(resolved: bool) -> CapacityFailureDto {
    CapacityFailureDto {
        failure_id: "0192f0c1-7b6d-7000-8000-00000000000b".into(),
        failure_type: "WEIGHT".into(),
        reason_code: "TOO_HEAVY".into(),
        facility_id: None,
        material_id: (!resolved).then(|| Uuid::from_u128(1)),
        material_code: (!resolved).then(|| "ANVIL".into()),
        material_name: (!resolved).then(|| "Anvil".into()),
        quantity: (!resolved).then(|| number("3")),
        location_id: None,
        location_code: (!resolved).then(|| "A-03-12-2".into()),
        overflow_percentage: (!resolved).then_some(80.0),
        failure_reason: "one piece weighs 900 kg, the location bears 500 kg".into(),
        resolved,
        resolution: resolved.then_some(FailureResolution::StoredElsewhere),
        resolution_notes: resolved.then(|| "in the yard".into()),
        resolved_at: resolved.then(|| ago(1)),
        resolved_by: resolved.then(|| "devops-team".into()),
        created_at: ago(200),
        fits_now: None,
    }
}

fn cancellation(advised: bool) -> CrossDockCancellationDto {
    CrossDockCancellationDto {
        cancellation_id: format!("0192f0c1-7b6d-7000-8000-00000000000{}", u8::from(advised)),
        facility_id: Uuid::from_u128(2),
        material_id: Uuid::from_u128(1),
        material_code: "MUG-BLU".into(),
        lot_number: String::new(),
        quality_status: "RELEASED".into(),
        quantity: number("12"),
        order_reference: "SO-7".into(),
        reason: "the customer withdrew".into(),
        staging_location_id: Uuid::from_u128(3),
        staging_location_code: "STAGE-1".into(),
        recommended_location_id: advised.then(|| Uuid::from_u128(4)),
        recommended_location_code: advised.then(|| "A-03-12-2".into()),
        status: RelocationStatus::Pending,
        relocated_to_code: None,
        movement_id: None,
        cancelled_by: "Ada Berg".into(),
        created_at: ago(30),
        relocated_by: None,
        relocated_at: None,
    }
}

fn remediation(succeeded: bool) -> RemediationDto {
    RemediationDto {
        remediation_id: "r".into(),
        facility_id: None,
        action: "CACHE_REFRESHED".into(),
        is_automatic: succeeded,
        subject: "utilisation cache".into(),
        subject_id: String::new(),
        figures_before: json!({ "cache_age_minutes": 17.5 }),
        figures_after: json!({ "cache_age_minutes": 0.1 }),
        succeeded,
        message: "the utilisation cache was refreshed".into(),
        performed_by: "health watch".into(),
        created_at: ago(5),
    }
}

fn inbox(samples: &mut Samples) {
    let view = |metrics, facilities| QualityInbox {
        page: page("Data quality", "/quality"),
        filter: QualityFilter::default(),
        facilities,
        metrics,
        to_decide: vec![],
        failures: vec![],
        unmeasured: vec![],
        due: vec![],
        relocations: vec![],
        remediations: vec![],
        can_write: false,
        can_relocate: false,
    };
    let unmeasured = |lacks_size| UnmeasuredItemDto {
        material_id: Uuid::from_u128(5),
        material_code: "FOG & CO".into(),
        material_name: "Fog machine".into(),
        lacks_size,
        lacks_weight: true,
    };
    samples.add(
        "quality",
        &QualityInbox {
            to_decide: vec![
                verification(VerificationStatus::Flagged, None),
                verification(VerificationStatus::NoMasterData, None),
            ],
            failures: vec![failure(false), failure(true)],
            unmeasured: vec![unmeasured(true), unmeasured(false)],
            due: vec![verification(VerificationStatus::Verified, None)],
            relocations: vec![cancellation(true), cancellation(false)],
            remediations: vec![remediation(true), remediation(false)],
            can_write: true,
            can_relocate: true,
            ..view(metrics(2, Some(75.0)), facilities())
        },
    );
    samples.add("quality-empty", &view(metrics(0, None), vec![]));
}

fn forms(samples: &mut Samples) {
    let measure = |input, errors| MeasurePage {
        page: page("Measure an item", "/quality/measure"),
        facilities: facilities(),
        input,
        errors,
    };
    samples.add("quality-measure", &measure(MeasureInput::default(), Errors::none()));
    let typed = MeasureInput { material: "MUG-BLU".into(), weight: "heavy".into(), ..MeasureInput::default() };
    samples.add("quality-measure-refused", &measure(typed, refused(&[("weight", "must be a decimal number such as 12.5")])));
    let decide = |verification, can_decide| DecidePage {
        page: page("Measurement of MUG-BLU", "/quality/verifications/1"),
        verification,
        item_href: "/items/MUG-BLU".into(),
        can_decide,
        input: DecideInput::default(),
        errors: Errors::none(),
    };
    samples.add("quality-decide", &decide(verification(VerificationStatus::Flagged, None), true));
    samples.add(
        "quality-decided",
        &decide(verification(VerificationStatus::NoMasterData, Some(VerificationDecision::KeepMaster)), false),
    );
    let shown = |failure: CapacityFailureDto, can_resolve| FailurePage {
        page: page("Goods that found no place", "/quality/failures/1"),
        item_href: failure.material_code.as_ref().map(|_| "/items/ANVIL".into()),
        failure,
        can_resolve,
        input: FailureInput::default(),
        errors: Errors::none(),
    };
    samples.add("quality-failure", &shown(failure(false), true));
    samples.add("quality-failure-resolved", &shown(failure(true), false));
}

fn jobs(samples: &mut Samples) {
    let job = |job_id, name: &str, state, outcome: Option<&str>| ScheduledJob {
        job_id,
        name: name.into(),
        schedule: "*/10 * * * *".into(),
        is_overridden: job_id == 2,
        is_active: job_id != 3,
        state,
        last_started_at: outcome.map(|_| ago(4)),
        last_finished_at: outcome.map(|_| ago(4)),
        last_duration_ms: outcome.map(|_| 1_204),
        last_outcome: outcome.map(str::to_owned),
        last_succeeded: outcome.map(|outcome| !outcome.starts_with("failed")),
        next_run_at: (job_id != 3).then(|| ago(-6)),
    };
    let jobs = vec![
        job(1, "refresh_bin_util", JobState::Idle, Some("refreshed")),
        job(2, "audit data quality", JobState::Requested, Some("failed: <no> connection")),
        job(3, "train acceptance model", JobState::Running, None),
    ];
    samples.add("jobs", &JobList { page: page("Jobs", "/jobs"), jobs, can_run: true });
    samples.add("jobs-none", &JobList { page: page("Jobs", "/jobs"), jobs: vec![], can_run: false });
}
