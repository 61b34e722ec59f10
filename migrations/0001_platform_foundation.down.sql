DROP SCHEMA platform CASCADE;
REVOKE SELECT ON public._sqlx_migrations FROM wms_runtime;
