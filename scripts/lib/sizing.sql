-- What deploy/sizing.md says of rows and of Citus, asked of a database: scripts/sizing --measure.
\pset footer off
\echo The rules of Citus: tables without the organization, unique indexes without it, foreign keys without it, triggers
WITH tables AS (
  SELECT c.oid, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id') AS has_organization
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname IN ('identity', 'deal', 'task', 'audit', 'ctx') AND c.relkind IN ('r', 'p') AND NOT c.relispartition)
SELECT count(*) FILTER (WHERE NOT has_organization) AS tables_without,
       (SELECT count(*) FROM tables t JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique
         WHERE t.has_organization AND NOT EXISTS (SELECT FROM unnest(i.indkey::int[]) k
           JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k WHERE a.attname = 'organization_id')) AS unique_without,
       (SELECT count(*) FROM tables t JOIN pg_constraint f ON f.conrelid = t.oid AND f.contype = 'f'
         WHERE t.has_organization AND NOT EXISTS (SELECT FROM unnest(f.conkey) k
           JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k WHERE a.attname = 'organization_id')) AS foreign_keys_without,
       (SELECT count(*) FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal) AS triggers
  FROM tables;
\echo Rows of the audit log of the deal that has most, by what happened, and their mean size
SELECT event_type, count(*) AS rows, avg(pg_column_size(a.*))::integer AS bytes
  FROM audit.audit_log a
 WHERE deal_id = (SELECT deal_id FROM audit.audit_log WHERE deal_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)
 GROUP BY 1 ORDER BY 2 DESC;
\echo Mean bytes of a row with its indexes
SELECT t AS table_name, rows, pg_total_relation_size(t::regclass) / greatest(rows, 1) AS bytes
  FROM unnest(ARRAY['task.tasks', 'task.dependencies', 'task.milestones', 'task.key_dates', 'deal.task_view',
    'deal.milestone_view', 'deal.key_date_view', 'deal.parties', 'identity.notifications']) t,
  LATERAL (SELECT (xpath('/row/c/text()', query_to_xml('SELECT count(*) AS c FROM ' || t, false, true, '')))[1]::text::bigint AS rows) r;
