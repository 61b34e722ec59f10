WITH ours AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('platform', 'identity', 'catalog', 'inventory', 'warehouse', 'cron')
), facts AS (
    SELECT format('relation %s.%s %s rls=%s', n.nspname, c.relname, c.relkind, c.relrowsecurity) AS fact
    FROM pg_class c JOIN ours n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'p')
    UNION ALL
    SELECT format('column %s.%s.%s %s null=%s default=%s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
                  coalesce(pg_get_expr(d.adbin, d.adrelid), '-'))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN ours n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'p')
    UNION ALL
    SELECT format('constraint %s.%s.%s %s', n.nspname, c.relname, o.conname, pg_get_constraintdef(o.oid))
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN ours n ON n.oid = c.relnamespace
    UNION ALL
    SELECT format('index %s', pg_get_indexdef(i.indexrelid))
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN ours n ON n.oid = c.relnamespace
    UNION ALL
    SELECT format('policy %s.%s %s %s %s', schemaname, tablename, policyname, qual, with_check)
    FROM pg_policies WHERE schemaname IN (SELECT nspname FROM ours)
    UNION ALL
    SELECT format('function %s', pg_get_functiondef(p.oid)) FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace
    UNION ALL
    SELECT format('view %s.%s %s', n.nspname, c.relname, pg_get_viewdef(c.oid))
    FROM pg_class c JOIN ours n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')
)
SELECT encode(sha256(convert_to(coalesce(string_agg(fact, E'\n' ORDER BY fact COLLATE "C"), ''), 'UTF8')), 'hex') FROM facts
