-- expand
-- What was recommended for a location, newest first.
CREATE INDEX putaway_recommendations_location ON warehouse.putaway_recommendations (tenant_id, location_id, recommendation_id);

-- The acceptance rate of seven days is that of what was decided in them, whenever it was recommended. Only the conditions of
-- decided_7d and accepted_7d differ from before, but a materialized view cannot be replaced in place.
-- All of them are among the recommendations of 30 days: none can be decided later than a day after it was made.
DROP FUNCTION warehouse.cached_statistical_summary(text);
DROP MATERIALIZED VIEW warehouse.bin_optimization_statistical_summary;
CREATE MATERIALIZED VIEW warehouse.bin_optimization_statistical_summary AS
SELECT tenant_id, coalesce(facility_id, '00000000-0000-0000-0000-000000000000') AS facility_id, algorithm,
       count(*) AS recommendations, count(was_accepted) AS decided, count(*) FILTER (WHERE was_accepted) AS accepted,
       avg(confidence_score)::double precision AS mean_confidence, stddev_samp(confidence_score)::double precision AS confidence_std_dev,
       avg(score)::double precision AS mean_score,
       count(*) FILTER (WHERE created_at > now() - interval '7 days') AS recommendations_7d,
       count(was_accepted) FILTER (WHERE decided_at > now() - interval '7 days') AS decided_7d,
       count(*) FILTER (WHERE was_accepted AND decided_at > now() - interval '7 days') AS accepted_7d,
       sum(confidence_score) FILTER (WHERE created_at > now() - interval '7 days')::double precision AS confidence_sum_7d,
       now() AS last_updated
FROM warehouse.putaway_recommendations WHERE created_at > now() - interval '30 days'
GROUP BY tenant_id, coalesce(facility_id, '00000000-0000-0000-0000-000000000000'), algorithm;
CREATE UNIQUE INDEX bin_optimization_statistical_summary_key ON warehouse.bin_optimization_statistical_summary (tenant_id, facility_id, algorithm);
CREATE FUNCTION warehouse.cached_statistical_summary(tenant text) RETURNS SETOF warehouse.bin_optimization_statistical_summary
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = warehouse, pg_temp AS $$
    SELECT s.* FROM warehouse.bin_optimization_statistical_summary s WHERE s.tenant_id = tenant AND tenant = platform.current_tenant()
$$;
REVOKE ALL ON FUNCTION warehouse.cached_statistical_summary(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION warehouse.cached_statistical_summary(text) TO wms_runtime;
