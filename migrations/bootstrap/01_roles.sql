-- Roles of the cluster. Run by a superuser with psql, idempotent.
-- Passwords come as psql variables named <role>_password and are never written to a file of the repository.
-- One NOLOGIN owner, one service role, one relay role and one migration role for each context.
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB', r)
FROM unnest(ARRAY['ctx_owner', 'audit_owner', 'user_owner', 'deal_owner', 'task_owner']) r
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)
\gexec

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOINHERIT', r)
FROM unnest(ARRAY[
  'user_svc', 'user_relay', 'user_migrate',
  'deal_svc', 'deal_relay', 'deal_migrate',
  'task_svc', 'task_relay', 'task_migrate',
  'audit_maint', 'auditor', 'audit_sealer']) r
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)
\gexec

-- The one role that the guard of the audit schema lets through (05_guard.sql). Nobody logs in as it: a superuser becomes it
-- for the occasion (SET SESSION AUTHORIZATION break_glass), which is an act of its own in the server's log.
SELECT 'CREATE ROLE break_glass NOLOGIN SUPERUSER'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'break_glass')
\gexec

ALTER ROLE user_svc PASSWORD :'user_svc_password';
ALTER ROLE user_relay PASSWORD :'user_relay_password';
ALTER ROLE user_migrate PASSWORD :'user_migrate_password';
ALTER ROLE deal_svc PASSWORD :'deal_svc_password';
ALTER ROLE deal_relay PASSWORD :'deal_relay_password';
ALTER ROLE deal_migrate PASSWORD :'deal_migrate_password';
ALTER ROLE task_svc PASSWORD :'task_svc_password';
ALTER ROLE task_relay PASSWORD :'task_relay_password';
ALTER ROLE task_migrate PASSWORD :'task_migrate_password';
ALTER ROLE audit_maint PASSWORD :'audit_maint_password';
ALTER ROLE auditor PASSWORD :'auditor_password';
ALTER ROLE audit_sealer PASSWORD :'audit_sealer_password';

-- A migration runs as the owner of its schema; its password never reaches a running service.
GRANT user_owner TO user_migrate;
GRANT deal_owner TO deal_migrate;
GRANT task_owner TO task_migrate;
ALTER ROLE user_migrate SET role = 'user_owner';
ALTER ROLE deal_migrate SET role = 'deal_owner';
ALTER ROLE task_migrate SET role = 'task_owner';
ALTER ROLE user_migrate SET search_path = identity, pg_catalog;
ALTER ROLE deal_migrate SET search_path = deal, pg_catalog;
ALTER ROLE task_migrate SET search_path = task, pg_catalog;

-- Bounds on everything a request can hold.
SELECT format('ALTER ROLE %I SET %s', r, s)
FROM unnest(ARRAY['user_svc', 'deal_svc', 'task_svc', 'user_relay', 'deal_relay', 'task_relay', 'auditor', 'audit_maint']) r,
     unnest(ARRAY[
       'statement_timeout = ''5s''',
       'lock_timeout = ''1s''',
       'idle_in_transaction_session_timeout = ''5s''',
       'timezone = ''UTC''']) s
\gexec
-- A relay publishes inside its transaction, a batch at a time.
SELECT format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''30s''', r)
FROM unnest(ARRAY['user_relay', 'deal_relay', 'task_relay']) r
\gexec
-- Requests wait behind a migration that waits for a lock: it gives way before they do, and is tried again.
SELECT format('ALTER ROLE %I SET lock_timeout = ''500ms''', r)
FROM unnest(ARRAY['user_migrate', 'deal_migrate', 'task_migrate']) r
\gexec
ALTER ROLE user_svc SET search_path = identity, pg_catalog;
ALTER ROLE deal_svc SET search_path = deal, pg_catalog;
ALTER ROLE task_svc SET search_path = task, pg_catalog;
ALTER ROLE user_relay SET search_path = identity, pg_catalog;
ALTER ROLE deal_relay SET search_path = deal, pg_catalog;
ALTER ROLE task_relay SET search_path = task, pg_catalog;
ALTER ROLE auditor SET search_path = audit, pg_catalog;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database())
\gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), r)
FROM unnest(ARRAY[
  'user_svc', 'user_relay', 'user_migrate', 'deal_svc', 'deal_relay', 'deal_migrate',
  'task_svc', 'task_relay', 'task_migrate', 'audit_maint', 'auditor', 'audit_sealer']) r
\gexec
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC', r)
FROM unnest(ARRAY['ctx_owner', 'audit_owner', 'user_owner', 'deal_owner', 'task_owner']) r
\gexec
