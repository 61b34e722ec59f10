DROP TABLE warehouse.acceptance_trainings;
DROP TABLE warehouse.acceptance_models;
DROP INDEX warehouse.putaway_recommendations_decided;
ALTER TABLE warehouse.putaway_recommendations
    DROP COLUMN features,
    DROP COLUMN feature_schema,
    DROP COLUMN features_recorded_at,
    DROP COLUMN model_version;
