-- The audit log: one row for each state transition, written in the transition's own transaction,
-- partitioned by week, and immutable by privileges, row security, triggers and an event trigger.
\set ON_ERROR_STOP on
DO $$ BEGIN
  IF to_regclass('audit.audit_log') IS NULL THEN
    CREATE SCHEMA IF NOT EXISTS audit AUTHORIZATION audit_owner;
  END IF;
END $$;
SELECT to_regclass('audit.audit_log') IS NULL AS fresh
\gset
\if :fresh
GRANT USAGE ON SCHEMA audit TO user_svc, deal_svc, task_svc, auditor, audit_maint, audit_sealer;
GRANT USAGE ON SCHEMA ctx TO audit_sealer;
SET ROLE audit_owner;

CREATE SEQUENCE audit.insertion_order;
CREATE TABLE audit.audit_log (
  id uuid NOT NULL,
  -- Orders the rows of one instant. It skips on rollback and counts nothing: audit.placement does.
  insertion_order bigint NOT NULL DEFAULT nextval('audit.insertion_order'),
  organization_id uuid NOT NULL,
  deal_id uuid,
  user_id uuid NOT NULL,
  on_behalf_of uuid,
  event_type text NOT NULL,
  entity_type text NOT NULL,
  entity_id uuid NOT NULL,
  aggregate_version bigint NOT NULL CONSTRAINT audit_log_version_positive CHECK (aggregate_version > 0),
  -- {"before": …|null, "after": …|null, …}: enough to rebuild the entity. May hold confidential values.
  -- A task before and after takes some kilobytes: lz4 compresses them in a tenth of the time.
  event_data jsonb COMPRESSION lz4 NOT NULL,
  request_id text,
  cause_event_id uuid,
  idempotency_key text,
  ip_address inet,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_log_pkey PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE audit.audit_log IS 'restricted: every state transition, who, when, from where, before and after';
CREATE INDEX audit_log_organization_idx ON audit.audit_log (organization_id, created_at DESC, id);
CREATE INDEX audit_log_entity_idx ON audit.audit_log (entity_id, aggregate_version);
CREATE INDEX audit_log_deal_idx ON audit.audit_log (organization_id, deal_id, created_at DESC) WHERE deal_id IS NOT NULL;

CREATE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only (% on %.%)', tg_op, tg_table_schema, tg_table_name USING errcode = '42501';
END $$;

-- Under forced row security the owner's UPDATE would match no row and pass in silence: the statement
-- trigger raises for that as well. Statement triggers are not cloned to partitions.
CREATE TRIGGER no_update_delete BEFORE UPDATE OR DELETE ON audit.audit_log FOR EACH ROW EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER no_update_delete_statement BEFORE UPDATE OR DELETE ON audit.audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.audit_log ENABLE ALWAYS TRIGGER no_update_delete;
ALTER TABLE audit.audit_log ENABLE ALWAYS TRIGGER no_update_delete_statement;
ALTER TABLE audit.audit_log ENABLE ALWAYS TRIGGER no_truncate;

ALTER TABLE audit.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit.audit_log AS RESTRICTIVE FOR ALL
  USING (organization_id = (SELECT ctx.org())) WITH CHECK (organization_id = (SELECT ctx.org()));
CREATE POLICY write_own ON audit.audit_log FOR INSERT TO user_svc, deal_svc, task_svc
  WITH CHECK (user_id = (SELECT ctx.uid()));
CREATE POLICY read_all ON audit.audit_log FOR SELECT TO auditor USING ((SELECT ctx.may('view_audit')));
CREATE POLICY read_deal ON audit.audit_log FOR SELECT TO auditor USING (
  deal_id IS NOT NULL AND (
    (SELECT ctx.may('view_all_deals'))
    OR ((SELECT ctx.may('view_deals')) AND deal_id IN (
      SELECT a.deal_id FROM ctx.deal_access a WHERE a.user_id = (SELECT ctx.uid())))));

-- created_at and insertion_order are left out: their defaults cannot be forged.
GRANT INSERT (id, organization_id, deal_id, user_id, on_behalf_of, event_type, entity_type, entity_id,
              aggregate_version, event_data, request_id, cause_event_id, idempotency_key, ip_address)
  ON audit.audit_log TO user_svc, deal_svc, task_svc;
GRANT USAGE ON SEQUENCE audit.insertion_order TO user_svc, deal_svc, task_svc;
GRANT SELECT ON audit.audit_log TO auditor;

-- Each row's place in its organization's log: 1, 2, 3 … without a gap, so that a missing row shows.
-- Given when the log is read, not when it is written: writers of one organization never wait for each other.
-- A row that commits late gets a later place than its instant would have given it.
CREATE TABLE audit.placement (
  organization_id uuid NOT NULL,
  sequence bigint NOT NULL CONSTRAINT placement_sequence_positive CHECK (sequence > 0),
  audit_created_at timestamptz NOT NULL,
  audit_id uuid NOT NULL,
  CONSTRAINT placement_pkey PRIMARY KEY (organization_id, sequence),
  CONSTRAINT placement_audit_key UNIQUE (organization_id, audit_id)
);
CREATE INDEX placement_created_idx ON audit.placement (organization_id, audit_created_at, sequence);
COMMENT ON TABLE audit.placement IS 'restricted: the place of each audit row in its organization''s log';
CREATE TRIGGER no_update_delete BEFORE UPDATE OR DELETE ON audit.placement FOR EACH ROW EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER no_update_delete_statement BEFORE UPDATE OR DELETE ON audit.placement FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.placement FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.placement ENABLE ALWAYS TRIGGER no_update_delete;
ALTER TABLE audit.placement ENABLE ALWAYS TRIGGER no_update_delete_statement;
ALTER TABLE audit.placement ENABLE ALWAYS TRIGGER no_truncate;
ALTER TABLE audit.placement ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.placement FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit.placement AS RESTRICTIVE FOR ALL
  USING (organization_id = (SELECT ctx.org())) WITH CHECK (organization_id = (SELECT ctx.org()));
CREATE POLICY read_all ON audit.placement FOR SELECT TO auditor USING ((SELECT ctx.may('view_audit')));
CREATE POLICY place_read ON audit.placement FOR SELECT TO audit_owner USING (true);
CREATE POLICY place_write ON audit.placement FOR INSERT TO audit_owner WITH CHECK (true);
CREATE POLICY place_read ON audit.audit_log FOR SELECT TO audit_owner USING (true);
GRANT SELECT ON audit.placement TO auditor;

-- Rows that have no place yet. A trigger writes them with the audit row, in its transaction, and placing takes them out:
-- so placing costs by new rows alone, a row that commits late is simply found later, and no clock decides anything.
CREATE TABLE audit.unplaced (
  organization_id uuid NOT NULL,
  insertion_order bigint NOT NULL,
  audit_created_at timestamptz NOT NULL,
  audit_id uuid NOT NULL,
  CONSTRAINT unplaced_pkey PRIMARY KEY (organization_id, insertion_order)
);
COMMENT ON TABLE audit.unplaced IS 'restricted: audit rows that wait for their place in their organization''s log';
ALTER TABLE audit.unplaced ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.unplaced FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit.unplaced AS RESTRICTIVE FOR ALL TO user_svc, deal_svc, task_svc, auditor
  USING (organization_id = (SELECT ctx.org())) WITH CHECK (organization_id = (SELECT ctx.org()));
CREATE POLICY place ON audit.unplaced FOR ALL TO audit_owner USING (true) WITH CHECK (true);

CREATE FUNCTION audit.note_unplaced() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO audit.unplaced (organization_id, insertion_order, audit_created_at, audit_id)
  SELECT f.organization_id, f.insertion_order, f.created_at, f.id FROM fresh f;
  RETURN NULL;
END $$;
CREATE TRIGGER note_unplaced AFTER INSERT ON audit.audit_log REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION audit.note_unplaced();
ALTER TABLE audit.audit_log ENABLE ALWAYS TRIGGER note_unplaced;

-- Gives places to the rows of the caller's organization that have none, in the order in which they were written, and
-- answers to how many. A full batch means that there may be more. One at a time for each organization.
CREATE FUNCTION audit.place_rows(p_batch integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  v_org uuid := ctx.org();
  v_last bigint;
  v_placed integer;
BEGIN
  IF NOT ctx.may('view_audit') THEN
    RAISE EXCEPTION 'the audit log is not the caller''s to read' USING errcode = '42501';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('audit.placement/' || v_org::text, 0));
  SELECT p.sequence INTO v_last
    FROM audit.placement p WHERE p.organization_id = v_org ORDER BY p.sequence DESC LIMIT 1;
  WITH next AS MATERIALIZED (
    SELECT u.insertion_order FROM audit.unplaced u
     WHERE u.organization_id = v_org ORDER BY u.insertion_order LIMIT least(p_batch, 20000)),
  taken AS (
    DELETE FROM audit.unplaced u USING next n
     WHERE u.organization_id = v_org AND u.insertion_order = n.insertion_order RETURNING u.*)
  INSERT INTO audit.placement (organization_id, sequence, audit_created_at, audit_id)
  SELECT v_org, coalesce(v_last, 0) + row_number() OVER (ORDER BY t.insertion_order), t.audit_created_at, t.audit_id
    FROM taken t;
  GET DIAGNOSTICS v_placed = ROW_COUNT;
  RETURN v_placed;
END $$;

-- For a log that was restored or written to by hand: rows of the caller's organization from a span of time that neither
-- have a place nor wait for one are made to wait for it. Answers how many there were.
CREATE FUNCTION audit.note_missing(p_from timestamptz, p_to timestamptz) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  v_org uuid := ctx.org();
  v_noted integer;
BEGIN
  IF NOT ctx.may('view_audit') THEN
    RAISE EXCEPTION 'the audit log is not the caller''s to read' USING errcode = '42501';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('audit.placement/' || v_org::text, 0));
  INSERT INTO audit.unplaced (organization_id, insertion_order, audit_created_at, audit_id)
  SELECT a.organization_id, a.insertion_order, a.created_at, a.id FROM audit.audit_log a
   WHERE a.organization_id = v_org AND a.created_at >= p_from AND a.created_at < p_to
     AND NOT EXISTS (SELECT FROM audit.placement p WHERE p.organization_id = v_org AND p.audit_id = a.id)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS v_noted = ROW_COUNT;
  RETURN v_noted;
END $$;
GRANT EXECUTE ON FUNCTION audit.place_rows(integer), audit.note_missing(timestamptz, timestamptz) TO auditor;

-- Arms one partition with what is not inherited from the parent.
CREATE FUNCTION audit.arm_partition(p_name text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = format('audit.%I', p_name)::regclass AND tgname = 'no_truncate_partition') THEN
    EXECUTE format('CREATE TRIGGER no_truncate_partition BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse()', p_name);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER no_truncate_partition', p_name);
    EXECUTE format('CREATE TRIGGER no_update_delete_partition BEFORE UPDATE OR DELETE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse()', p_name);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER no_update_delete_partition', p_name);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', p_name);
    EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', p_name);
    -- No door, only the wall: nothing is granted on partitions either.
    EXECUTE format('CREATE POLICY tenant ON audit.%I AS RESTRICTIVE FOR ALL USING (organization_id = (SELECT ctx.org())) WITH CHECK (organization_id = (SELECT ctx.org()))', p_name);
  END IF;
END $$;

-- Makes the partition of one week. Run by the maintenance role, which owns nothing.
CREATE FUNCTION audit.new_partition(p_from timestamptz) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE n text := 'audit_log_' || to_char(p_from AT TIME ZONE 'UTC', 'IYYY"w"IW');
BEGIN
  IF p_from <> date_trunc('week', p_from, 'UTC') THEN
    RAISE EXCEPTION 'not a UTC Monday: %', p_from;
  END IF;
  IF to_regclass(format('audit.%I', n)) IS NULL THEN
    EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.audit_log FOR VALUES FROM (%L) TO (%L)',
                   n, p_from, p_from + interval '7 days');
  END IF;
  PERFORM audit.arm_partition(n);
END $$;

-- Weeks that have a partition ahead of now; deal-service shows it as a gauge.
CREATE FUNCTION audit.weeks_ahead() RETURNS integer
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT count(*)::integer FROM generate_series(1, 52) w
   WHERE to_regclass('audit.audit_log_' || to_char(date_trunc('week', clock_timestamp(), 'UTC') AT TIME ZONE 'UTC' + w * interval '7 days', 'IYYY"w"IW')) IS NOT NULL $$;

GRANT EXECUTE ON FUNCTION audit.new_partition(timestamptz) TO audit_maint;
GRANT EXECUTE ON FUNCTION audit.weeks_ahead() TO audit_maint, deal_svc, auditor;

-- A missing partition would stop every write: rows of an unforeseen week are stored here, and an alert fires.
CREATE TABLE audit.audit_log_default PARTITION OF audit.audit_log DEFAULT;
SELECT audit.arm_partition('audit_log_default');
SELECT audit.new_partition(date_trunc('week', clock_timestamp(), 'UTC') + w * interval '7 days')
  FROM generate_series(0, 8) w;
RESET ROLE;
\endif
