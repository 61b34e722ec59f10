use catalog::AbcClass;
use uuid::Uuid;
use warehouse::slotting::{
    AccuracyDto, AffinityDto, Plan, PlanDto, PlannedMoveDto, PredictionDto, PredictionsDto, RecommendationDto,
    RecommendationsDto, SlottingSettings, Snapshot, TriggerDto, VelocityDto,
};
use warehouse::{ClassBy, MoveTaskKind, OptimizationKind, SlottingPlanState, TriggerKind, TriggerSeverity};

use super::*;

pub fn add(samples: &mut Samples) {
    overview(samples);
    plans(samples);
    velocities(samples);
    forecasts(samples);
}

fn plan(state: SlottingPlanState) -> Plan {
    Plan {
        plan_id: Uuid::from_u128(7),
        facility_id: Uuid::nil(),
        facility_code: "BER".into(),
        kind: MoveTaskKind::Reslot,
        state,
        progress_percent: 40,
        progress_text: "plans over 25,900 orders".into(),
        moves_max: 50,
        payback_days: 30.0,
        handling_m: 60.0,
        history_days: 180,
        orders: 25_900,
        items: 3_400,
        before_m_per_day: 18_250.4,
        after_m_per_day: 15_020.9,
        cost_m: 4_800.0,
        message: if state == SlottingPlanState::Expired { "A-01 is blocked by now".into() } else { String::new() },
        created_by: Uuid::nil(),
        created_by_name: "Jonas Weber".into(),
        created_at: ago(30),
        finished_at: Some(ago(29)),
        expires_at: ago(-9_000),
        decided_at: None,
        decided_by_name: String::new(),
        version: 2,
    }
}

fn overview(samples: &mut Samples) {
    let trigger = TriggerDto {
        material_id: Uuid::nil(),
        material_code: "MUG-<b>".into(),
        material_name: "Ceramic mug <script>alert(1)</script>".into(),
        trigger: TriggerKind::VelocitySpike,
        severity: TriggerSeverity::High,
        recent_per_day: 12.345,
        before_per_day: 3.2,
        change_percent: Some(285.8),
        current_abc_class: AbcClass::C,
        recommended_abc_class: AbcClass::A,
        locations: vec!["A-01".into(), "B-17".into()],
    };
    let better = RecommendationDto {
        kind: OptimizationKind::Consolidate,
        priority: TriggerSeverity::Medium,
        material_id: Uuid::nil(),
        material_code: "HOSE-25".into(),
        lot_number: None,
        quantity: "12".into(),
        from_location_id: Uuid::nil(),
        from_location_code: "A-02".into(),
        to_location_id: None,
        to_location_code: None,
        reason: "A-09 holds the same and has room for it".into(),
    };
    let page_ = |facility: Option<Choice>, plans, triggers, recommendations, errors| SlottingPage {
        page: page("Slotting", "/slotting"),
        facilities: facilities(),
        facility,
        plans,
        triggers,
        recommendations,
        input: PlanInput { moves_max: "none".into(), ..PlanInput::default() },
        errors,
        can_plan: true,
    };
    let found = RecommendationsDto {
        facility_id: Uuid::nil(),
        facility_code: "BER".into(),
        fragmentation_index: 41.26,
        total: 120,
        items: vec![better],
        calculated_at: now(),
    };
    let berlin = || Some(Choice::new("BER", "Berlin"));
    let plans = vec![plan(SlottingPlanState::Running), plan(SlottingPlanState::Ready)];
    samples.add("slotting", &page_(berlin(), plans, vec![trigger], Some(found), refused(&[("moves_max", "must be a number")])));
    samples.add("slotting-empty", &page_(berlin(), vec![], vec![], None, Errors::none()));
    samples.add("slotting-no-facility", &page_(None, vec![], vec![], None, Errors::none()));
}

fn plans(samples: &mut Samples) {
    let step = |n: i32, left_out: &str| PlannedMoveDto {
        move_no: n,
        step_no: n,
        chain_no: 1,
        material_id: Uuid::nil(),
        material_code: "MUG-BLU".into(),
        material_name: "Ceramic mug, blue".into(),
        lot_number: (n == 1).then(|| "L2511-07".into()),
        quantity: "48".into(),
        unit: "EA".into(),
        from_location_id: Uuid::nil(),
        from_location_code: "B-17".into(),
        to_location_id: Uuid::nil(),
        to_location_code: "A-01".into(),
        cost_m: 96.4,
        chain_saving_m_per_day: 812.0,
        chain_cost_m: 192.8,
        left_out: left_out.into(),
    };
    let show = |state, moves: Vec<PlannedMoveDto>, with_map: bool| PlanPage {
        page: page("Plan of moves", "/slotting/plans/7"),
        list_href: "/slotting?facility=BER".into(),
        before: with_map.then(|| {
            heat_map(
                &[Bin { code: "A-01".into(), href: "/locations/BER%2FA-01".into(), heat: 1.0, ..Bin::default() }],
                Heat::Velocity,
            )
        }),
        after: None,
        can_decide: state == SlottingPlanState::Ready,
        found: PlanDto { plan: plan(state), saving_percent: 17.7, moves, tasks: 2, tasks_done: 1, tasks_cancelled: 0 },
    };
    let both = |moves| PlanPage {
        before: Some(heat_map(
            &[Bin { code: "A-01".into(), href: "/locations/BER%2FA-01".into(), heat: 1.0, ..Bin::default() }],
            Heat::Velocity,
        )),
        after: Some(heat_map(
            &[Bin { code: "A-01".into(), href: "/locations/BER%2FA-01".into(), heat: 9.0, ..Bin::default() }],
            Heat::Velocity,
        )),
        ..show(SlottingPlanState::Ready, moves, false)
    };
    samples.add("slotting-plan", &both(vec![step(1, ""), step(2, "")]));
    samples.add("slotting-plan-expired", &show(SlottingPlanState::Expired, vec![step(1, "A-01 is blocked by now")], false));
    samples.add("slotting-plan-running", &show(SlottingPlanState::Running, vec![], false));
}

fn velocities(samples: &mut Samples) {
    let row = |code: &str, picks, class, change_percent| VelocityDto {
        material_id: Uuid::nil(),
        material_code: code.into(),
        material_name: "Ceramic mug, blue".into(),
        day: now().date_naive(),
        recent_per_day: 12.5,
        before_per_day: 9.25,
        change_percent,
        picks,
        quantity: "1204.5".into(),
        value: (picks > 100).then(|| "5902.05".into()),
        abc_class: class,
        lacks_value: picks <= 100,
        current_abc_class: AbcClass::C,
        trigger: (picks > 100).then_some(TriggerKind::Promotion),
        severity: (picks > 100).then_some(TriggerSeverity::High),
    };
    let pair = AffinityDto {
        material_id: Uuid::nil(),
        material_code: "MUG-BLU".into(),
        other_material_id: Uuid::nil(),
        other_material_code: "MUG-RED".into(),
        co_picks: 45,
        support: 0.1034,
        confidence: 0.5,
        lift: 2.4,
        strength: 1.0,
        computed_at: now(),
    };
    let show = |facility, rows: Vec<VelocityDto>, pairs, curve| VelocityView {
        page: page("Velocity and classes", "/velocity"),
        facilities: facilities(),
        facility,
        day: (!rows.is_empty()).then(|| now().date_naive()),
        lacks_value: false,
        settings: ClassInput::of("BER", &SlottingSettings { class_by: ClassBy::Value, ..SlottingSettings::default() }),
        errors: Errors::none(),
        rows,
        pairs,
        curve,
        pager: Pager::default(),
        can_analyse: true,
        can_apply: true,
    };
    let rows = vec![row("MUG-BLU", 1_840, AbcClass::A, Some(35.1)), row("LAMP-12", 3, AbcClass::C, None)];
    let curve = pareto(&[(1_840, AbcClass::A), (200, AbcClass::B), (3, AbcClass::C)]);
    samples.add("velocity", &show(Some(Choice::new("BER", "Berlin")), rows, vec![pair], curve));
    samples.add("velocity-empty", &show(Some(Choice::new("BER", "Berlin")), vec![], vec![], String::new()));
    samples.add("velocity-no-facility", &show(None, vec![], vec![], String::new()));
}

fn forecasts(samples: &mut Samples) {
    let today = now().date_naive();
    let known = |n: i64| Snapshot {
        day: today - TimeDelta::days(30 - n),
        locations: 400,
        used_locations: 300,
        volume_cm3: 1,
        used_volume_cm3: 1,
        utilization: 60.0 + n as f64 / 3.0,
        fragmentation_index: 12.0,
        taken_at: now(),
    };
    let ahead = |n: i32| PredictionDto {
        days_ahead: n,
        day: today + TimeDelta::days(i64::from(n)),
        utilization: 70.0 + f64::from(n) / 3.0,
        low_80: 66.0,
        high_80: 84.0,
        low_95: 62.0,
        high_95: 90.0,
    };
    let told = PredictionsDto {
        facility_id: Uuid::nil(),
        facility_code: "BER".into(),
        method: Some("DAMPED_HOLT".into()),
        horizons: [7, 14, 30].map(ahead).into(),
        days: (1..=30).map(ahead).collect(),
        accuracy: vec![AccuracyDto {
            method: "DAMPED_HOLT".into(),
            is_used: true,
            days_ahead: 7,
            origins: 90,
            mape_percent: Some(2.31),
            rmse: 1.874,
        }],
        history: (0..=30).map(known).collect(),
        message: String::new(),
    };
    let show = |told: Option<PredictionsDto>| ForecastPage {
        page: page("Utilisation forecast", "/forecast"),
        facilities: facilities(),
        plot: told.as_ref().map_or_else(String::new, forecast),
        told,
    };
    let few = PredictionsDto {
        method: None,
        horizons: vec![],
        days: vec![],
        accuracy: vec![],
        history: vec![],
        message: "a forecast needs 14 days of snapshots; there are 3".into(),
        ..told.clone()
    };
    samples.add("forecast", &show(Some(told)));
    samples.add("forecast-too-few", &show(Some(few)));
    samples.add("forecast-no-facility", &show(None));
}
