//! The whole statistics job over a million stored recommendations: reading, computing, writing and renewing the summary.

use std::time::Instant;

use crate::harness::{Server, Warehouse};
use crate::{percentile, report};

const RUNS: usize = 5;

const FACILITIES: &str = "INSERT INTO warehouse.facilities (tenant_id, facility_id, code, name, created_at, updated_at)
    SELECT 'acme', ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'S' || n, 'Statistics', now(), now() FROM generate_series(0, 3) n";

/// Of a quarter of a year, in four facilities, by two methods, with explanations as long as real ones.
const FILL: &str = "INSERT INTO warehouse.putaway_recommendations
    (tenant_id, recommendation_id, facility_id, material_id, quantity, location_id, held_volume_mm3, held_weight_g, algorithm,
     algorithm_version, score, confidence_score, reason, reason_code, explanation, state, was_accepted, decided_at, created_at)
    SELECT 'acme', gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || n % 4)::uuid, gen_random_uuid(), 1 + n % 50,
           gen_random_uuid(), (random() * 1e9)::bigint, (random() * 1e5)::bigint, a.name, a.name, round((60 + random() * 15 + random() * 15)::numeric, 3),
           round((0.6 + random() * 0.3)::numeric, 3), 'near the dock and well filled', 'BEST',
           jsonb_build_object('parts', p.parts, 'fitting_locations', n % 500), CASE WHEN n % 5 = 0 THEN 'OVERRIDDEN' ELSE 'ACCEPTED' END,
           n % 5 <> 0, t.at + make_interval(secs => random() * 1800), t.at
    FROM generate_series(1, $1::int) n
    CROSS JOIN LATERAL (SELECT now() - make_interval(secs => ($1::int - n) * 7.5) AS at) t
    CROSS JOIN LATERAL (SELECT (ARRAY['BFD', 'OPTIMAL'])[1 + n / 4 % 2] AS name) a
    CROSS JOIN (SELECT jsonb_agg(jsonb_build_object('part', word, 'points', 3.25)) AS parts
                FROM unnest(ARRAY['ABC', 'FILL', 'TRAVEL', 'LOCATION_TYPE', 'CONSOLIDATION', 'AFFINITY', 'CONGESTION', 'ERGONOMICS']) word) p";

pub async fn run() {
    let warehouse = Warehouse::open(0, 0).await;
    let rows: i32 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let mut sql = warehouse.server.sql().await;
    sqlx::query(FACILITIES).execute(&mut sql).await.expect("the facilities are stored");
    sqlx::query(FILL).bind(rows).execute(&mut sql).await.expect("the recommendations are stored");
    sqlx::query("VACUUM ANALYZE warehouse.putaway_recommendations")
        .execute(&mut sql)
        .await
        .expect("it is tidied as autovacuum does");
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        let told = warehouse::statistics::run(&warehouse.server.app).await.expect("the job runs");
        times.push(started.elapsed().as_secs_f64() * 1e3);
        assert!(told.starts_with(&format!("{rows} recommendations")), "{told}");
    }
    let (worst, median) = (percentile(&mut times, 1.0), percentile(&mut times, 0.5));
    let parts = parts(&warehouse.server).await;
    report(
        &format!("statistics job over {rows} recommendations, slowest of {RUNS}"),
        format!("{worst:.0} ms (median {median:.0})"),
        "< 2000 ms",
        worst < 2_000.0,
    );
    println!("  {parts}");
}

async fn parts(server: &Server) -> String {
    let mut sql = server.sql().await;
    let line = "SELECT format('reading %s ms, computing %s ms, %s results', round(avg(read_ms)), round(avg(computed_ms)),
                       (SELECT count(*) FROM warehouse.bin_optimization_correlation_analysis) / count(*))
                FROM warehouse.bin_optimization_statistical_runs";
    sqlx::query_scalar(line).fetch_one(&mut sql).await.expect("the runs are kept")
}
