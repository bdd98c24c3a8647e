-- Event triggers that freeze the audit schema: neither its owner nor a superuser changes it by accident or in passing, only
-- the role break_glass. A superuser can still drop the event triggers first, which cannot be prevented inside PostgreSQL;
-- exported checkpoints are to show it. Partitions are made by audit_maint, and by no other way.
\set ON_ERROR_STOP on
CREATE SCHEMA IF NOT EXISTS guard;
CREATE TABLE IF NOT EXISTS guard.protected (objid oid PRIMARY KEY);
INSERT INTO guard.protected
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'audit'
  ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION guard.audit_ddl() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE r record;
BEGIN
  IF session_user = 'break_glass' THEN
    INSERT INTO guard.protected
      SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'audit'
      ON CONFLICT DO NOTHING;
    RETURN;
  END IF;
  -- GRANT names no object here: look at the resulting state.
  IF tg_tag IN ('GRANT', 'ALTER DEFAULT PRIVILEGES') AND EXISTS (
      SELECT 1 FROM pg_class c JOIN guard.protected p ON p.objid = c.oid, aclexplode(c.relacl) a
       WHERE a.grantee <> c.relowner AND a.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES') AND c.relkind <> 'S'
      UNION ALL
      SELECT 1 FROM pg_attribute t JOIN guard.protected p ON p.objid = t.attrelid, aclexplode(t.attacl) a
       WHERE a.privilege_type IN ('UPDATE', 'REFERENCES'))
  THEN
    RAISE EXCEPTION 'audit tables accept INSERT and SELECT grants only' USING errcode = '42501';
  END IF;
  IF tg_event = 'sql_drop' THEN
    FOR r IN SELECT * FROM pg_event_trigger_dropped_objects() d
              WHERE schema_name = 'audit' OR object_identity LIKE 'audit.%'
                 OR EXISTS (SELECT FROM guard.protected p WHERE p.objid = d.objid)
    LOOP
      RAISE EXCEPTION 'audit schema is frozen: % %', tg_tag, r.object_identity USING errcode = '42501';
    END LOOP;
  ELSE
    FOR r IN SELECT * FROM pg_event_trigger_ddl_commands() d
              WHERE schema_name = 'audit' OR object_identity LIKE '%audit.%'
                 OR EXISTS (SELECT FROM guard.protected p WHERE p.objid = d.objid)
    LOOP
      -- Reachable for the maintenance role only through audit.new_partition: it owns nothing.
      IF session_user = 'audit_maint' AND tg_tag IN ('CREATE TABLE', 'CREATE TRIGGER', 'ALTER TABLE', 'CREATE POLICY', 'CREATE INDEX') THEN
        IF r.classid = 'pg_class'::regclass THEN
          INSERT INTO guard.protected VALUES (r.objid) ON CONFLICT DO NOTHING;
        END IF;
        CONTINUE;
      END IF;
      RAISE EXCEPTION 'audit schema is frozen: % %', tg_tag, r.object_identity USING errcode = '42501';
    END LOOP;
  END IF;
END $$;

DROP EVENT TRIGGER IF EXISTS audit_ddl_guard;
DROP EVENT TRIGGER IF EXISTS audit_drop_guard;
CREATE EVENT TRIGGER audit_ddl_guard ON ddl_command_end EXECUTE FUNCTION guard.audit_ddl();
CREATE EVENT TRIGGER audit_drop_guard ON sql_drop EXECUTE FUNCTION guard.audit_ddl();
ALTER EVENT TRIGGER audit_ddl_guard ENABLE ALWAYS;
ALTER EVENT TRIGGER audit_drop_guard ENABLE ALWAYS;
REVOKE ALL ON SCHEMA guard FROM PUBLIC;
