-- Schema deal (deal-service): deals, parties, and the read models that events feed.
SELECT ctx.create_service_tables('deal', 'deal_svc', 'deal_relay');

-- Partitioned by month on id: a UUIDv7 begins with its creation time in milliseconds, so bounds on the
-- id are bounds on the month, and the primary key and foreign keys stay whole. Creation order is id order.
CREATE TABLE deals (
  id uuid NOT NULL,
  organization_id uuid NOT NULL,
  name text NOT NULL CONSTRAINT deals_name_length CHECK (length(name) BETWEEN 1 AND 200),
  street text NOT NULL,
  unit text,
  city text NOT NULL,
  state_or_province text NOT NULL,
  postal_code text NOT NULL,
  country text NOT NULL DEFAULT 'US',
  deal_type text NOT NULL CONSTRAINT deals_type_known
    CHECK (deal_type IN ('PURCHASE', 'LISTING', 'REFINANCE', 'NEW_CONSTRUCTION')),
  status text NOT NULL CONSTRAINT deals_status_known
    CHECK (status IN ('DRAFT', 'ACTIVE', 'ON_HOLD', 'CLOSED', 'CANCELLED', 'DELETED')),
  purchase_price numeric(14, 2) CONSTRAINT deals_purchase_price_sane CHECK (purchase_price >= 0 AND purchase_price < 1e12),
  currency text CONSTRAINT deals_currency_with_price CHECK ((currency IS NULL) = (purchase_price IS NULL)),
  template_id uuid,
  template_key text,
  facts jsonb NOT NULL DEFAULT '{}',
  -- Anchors as given at creation; from then on task-service owns the dates.
  initial_key_dates jsonb NOT NULL DEFAULT '{}',
  time_zone text NOT NULL,
  created_by uuid NOT NULL,
  held_since timestamptz,
  -- Why it is in this status, where a reason was given (hold, cancel, reopen).
  status_reason text,
  -- In which status it was cancelled, while it is cancelled: a draft is reopened as a draft.
  cancelled_from text CONSTRAINT deals_cancelled_from_known CHECK (cancelled_from IN ('DRAFT', 'ACTIVE', 'ON_HOLD')),
  -- Read model, fed by tasks.key_dates.changed.
  closing_date date,
  closing_date_version bigint NOT NULL DEFAULT 0,
  -- Counts what changes the summary: the deal, its parties, its read models. A cached summary of another count is stale.
  summary_revision bigint NOT NULL DEFAULT 0,
  -- What it is found by. The blank in front lets the first word begin like the others (ctx.find_deals).
  search_text text GENERATED ALWAYS AS (
    ' ' || name || ' ' || street || ' ' || coalesce(unit, '') || ' ' || city || ' ' || state_or_province || ' ' || postal_code) STORED,
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT deals_pkey PRIMARY KEY (id),
  CONSTRAINT deals_organization_id_id_key UNIQUE (organization_id, id)
) PARTITION BY RANGE (id);
COMMENT ON COLUMN deals.purchase_price IS 'confidential';
COMMENT ON COLUMN deals.facts IS 'confidential: holds financing';
COMMENT ON COLUMN deals.street IS 'public';
COMMENT ON COLUMN deals.status IS 'public';
CREATE INDEX deals_list_idx ON deals (organization_id, id DESC) WHERE status <> 'DELETED';
CREATE INDEX deals_status_idx ON deals (organization_id, status, id DESC);
CREATE INDEX deals_closing_idx ON deals (organization_id, closing_date, id) WHERE status <> 'DELETED';
CREATE INDEX deals_closing_last_idx ON deals (organization_id, closing_date DESC NULLS LAST, id DESC) WHERE status <> 'DELETED';
CREATE INDEX deals_name_idx ON deals (organization_id, lower(name), id) WHERE status <> 'DELETED';
CREATE INDEX deals_search_idx ON deals USING gin
  (organization_id extensions.uuid_ops, search_text extensions.gin_trgm_ops) WHERE status <> 'DELETED';
GRANT SELECT ON deals TO ctx_owner;
CREATE POLICY search ON deals FOR SELECT TO ctx_owner USING (true);

-- The smallest UUIDv7 of an instant.
CREATE FUNCTION uuid_v7_floor(p_at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid $$;

CREATE FUNCTION new_deals_partition(p_month timestamptz) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE n text := 'deals_' || to_char(p_month AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
  IF p_month <> date_trunc('month', p_month, 'UTC') THEN
    RAISE EXCEPTION 'not the first of a month in UTC: %', p_month;
  END IF;
  IF to_regclass(format('deal.%I', n)) IS NULL THEN
    EXECUTE format('CREATE TABLE deal.%I PARTITION OF deal.deals FOR VALUES FROM (%L) TO (%L)', n,
      deal.uuid_v7_floor(p_month),
      deal.uuid_v7_floor(date_trunc('month', p_month + interval '32 days', 'UTC')));
    PERFORM ctx.wall(format('deal.%I', n)::regclass, 'deal_svc');
  END IF;
END $$;
GRANT EXECUTE ON FUNCTION new_deals_partition(timestamptz) TO audit_maint;
GRANT USAGE ON SCHEMA deal TO audit_maint;

CREATE TABLE deals_default PARTITION OF deals DEFAULT;
SELECT ctx.wall('deals_default', 'deal_svc');
SELECT new_deals_partition(date_trunc('month', date_trunc('month', clock_timestamp(), 'UTC') + m * interval '31 days', 'UTC'))
  FROM generate_series(0, 3) m;

CREATE TABLE parties (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  role text NOT NULL,
  name text NOT NULL CONSTRAINT parties_name_length CHECK (length(name) BETWEEN 1 AND 200),
  email text,
  phone text,
  company text,
  user_id uuid,
  buyer_contact boolean NOT NULL,
  removed_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT parties_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES deals (organization_id, id)
);
COMMENT ON COLUMN parties.email IS 'internal: personal data';
COMMENT ON COLUMN parties.phone IS 'internal: personal data';
CREATE INDEX parties_deal_idx ON parties (organization_id, deal_id) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX parties_user_role_key ON parties (organization_id, deal_id, user_id, role)
  WHERE removed_at IS NULL AND user_id IS NOT NULL;
CREATE INDEX parties_search_idx ON parties USING gin
  (organization_id extensions.uuid_ops, (' ' || name) extensions.gin_trgm_ops) WHERE removed_at IS NULL;
-- For sentences that name who plays a part (ctx.party_names), for who sees the deal (ctx.follow_party), and for search.
GRANT SELECT ON parties TO ctx_owner;
CREATE POLICY names ON parties FOR SELECT TO ctx_owner USING (true);

-- Read models. Each row holds the version of its source, so that events apply once and in order.
CREATE TABLE plan_view (
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  state text NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT plan_view_pkey PRIMARY KEY (deal_id),
  CONSTRAINT plan_view_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES deals (organization_id, id)
);
CREATE TABLE milestone_view (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  key text,
  title text NOT NULL,
  buyer_title text,
  position integer NOT NULL,
  is_completed boolean NOT NULL,
  completed_at timestamptz,
  version bigint NOT NULL,
  CONSTRAINT milestone_view_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES deals (organization_id, id)
);
CREATE INDEX milestone_view_deal_idx ON milestone_view (organization_id, deal_id, position);
CREATE TABLE task_view (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  milestone_id uuid,
  key text,
  title text NOT NULL,
  status text NOT NULL,
  owner_role text,
  assignee_id uuid,
  due_date date,
  completed_on date,
  is_blocked boolean NOT NULL,
  is_overdue boolean NOT NULL,
  buyer_visible boolean NOT NULL,
  required boolean NOT NULL,
  position integer NOT NULL,
  depends_on uuid[] NOT NULL DEFAULT '{}',
  is_deleted boolean NOT NULL DEFAULT false,
  version bigint NOT NULL,
  CONSTRAINT task_view_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES deals (organization_id, id)
);
CREATE INDEX task_view_deal_idx ON task_view (organization_id, deal_id, position);
CREATE INDEX task_view_overdue_idx ON task_view (organization_id, deal_id) WHERE is_overdue AND NOT is_deleted;
CREATE INDEX task_view_search_idx ON task_view USING gin
  (organization_id extensions.uuid_ops, (' ' || title) extensions.gin_trgm_ops) WHERE NOT is_deleted;
-- For the gauge of all overdue tasks (ctx.workload_totals), and for search (ctx.find_tasks).
GRANT SELECT ON task_view TO ctx_owner;
CREATE POLICY totals ON task_view FOR SELECT TO ctx_owner USING (true);
CREATE TABLE key_date_view (
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  key text NOT NULL,
  title text NOT NULL,
  date date,
  state text NOT NULL,
  buyer_visible boolean NOT NULL,
  position integer NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT key_date_view_pkey PRIMARY KEY (deal_id, key),
  CONSTRAINT key_date_view_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES deals (organization_id, id)
);

SELECT ctx.wall(t, 'deal_svc') FROM unnest(ARRAY['deals', 'parties', 'plan_view', 'milestone_view', 'task_view', 'key_date_view']::regclass[]) t;

-- Doors. Members see their deals; who may see a deal is decided in ctx.deal_access. Policies name settings and functions of
-- ctx, never a table that has policies itself. Reading asks once for all deals that the caller sees, writing asks of each row.
CREATE POLICY read ON deals FOR SELECT TO deal_svc USING (
  (SELECT ctx.may('view_all_deals')) OR id IN (SELECT ctx.seen_deals()));
CREATE POLICY create_ ON deals FOR INSERT TO deal_svc WITH CHECK (
  (SELECT ctx.may('create_deals')) AND created_by = (SELECT ctx.uid()) AND status IN ('DRAFT', 'ACTIVE'));
CREATE POLICY steer ON deals FOR UPDATE TO deal_svc USING ((SELECT ctx.steers_all()) OR ctx.steers_deal(id));

CREATE POLICY read ON parties FOR SELECT TO deal_svc USING (
  (SELECT ctx.may('view_all_deals')) OR deal_id IN (SELECT ctx.seen_deals()));
CREATE POLICY write ON parties FOR INSERT TO deal_svc WITH CHECK (
  (SELECT ctx.steers_all()) OR ctx.writes_parties(deal_id));
CREATE POLICY steer ON parties FOR UPDATE TO deal_svc USING ((SELECT ctx.steers_all()) OR ctx.steers_deal(deal_id));

-- Read models follow the deal's visibility and are written by the organization's SYSTEM user alone.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['plan_view', 'milestone_view', 'task_view', 'key_date_view'] LOOP
    EXECUTE format($p$CREATE POLICY read ON %I FOR SELECT TO deal_svc USING (
      (SELECT ctx.may('view_all_deals')) OR deal_id IN (SELECT ctx.seen_deals()))$p$, t);
    EXECUTE format('CREATE POLICY project ON %I FOR ALL TO deal_svc USING ((SELECT ctx.may(''*''))) WITH CHECK ((SELECT ctx.may(''*'')))', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO deal_svc', t);
  END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE ON deals, parties TO deal_svc;

CREATE CONSTRAINT TRIGGER require_history AFTER INSERT OR UPDATE OF version ON parties
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ctx.require_history();
CREATE CONSTRAINT TRIGGER require_history AFTER INSERT OR UPDATE OF version ON deals
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ctx.require_history();

-- Row policies say who may change a deal; this says what of it, and from which status to which (domain: DealStatus).
CREATE FUNCTION guard_deal() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF (NEW.id, NEW.organization_id, NEW.created_by) IS DISTINCT FROM (OLD.id, OLD.organization_id, OLD.created_by) THEN
    RAISE EXCEPTION 'a deal does not change its identity' USING errcode = '42501';
  END IF;
  IF NEW.status = OLD.status THEN
    RETURN NEW;
  END IF;
  IF OLD.status IN ('CLOSED', 'CANCELLED') AND NEW.status <> 'DELETED' THEN
    IF NOT ctx.may('*') THEN
      RAISE EXCEPTION 'a deal that is over is opened again by an administrator' USING errcode = '42501';
    END IF;
  ELSIF (OLD.status, NEW.status) NOT IN (
      ('DRAFT', 'ACTIVE'), ('DRAFT', 'CANCELLED'), ('DRAFT', 'DELETED'), ('ACTIVE', 'ON_HOLD'), ('ACTIVE', 'CLOSED'),
      ('ACTIVE', 'CANCELLED'), ('ON_HOLD', 'ACTIVE'), ('ON_HOLD', 'CANCELLED')) THEN
    RAISE EXCEPTION 'a deal does not go from % to %', OLD.status, NEW.status USING errcode = '42501';
  END IF;
  IF NEW.status = 'CLOSED' AND NOT ctx.may('manage_tasks')
     AND (SELECT o.open_tasks > 0 FROM ctx.open_required_tasks(OLD.id) o) THEN
    RAISE EXCEPTION 'closing a deal over its open tasks needs manage_tasks' USING errcode = '42501';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_deal BEFORE UPDATE OF id, organization_id, created_by, status ON deals
  FOR EACH ROW EXECUTE FUNCTION guard_deal();

-- Who else knows of a deal and who sees it follows in the same transaction, and can be written in no other way.
CREATE TRIGGER follow_deal_created AFTER INSERT ON deals FOR EACH ROW EXECUTE FUNCTION ctx.follow_deal();
CREATE TRIGGER follow_deal AFTER UPDATE OF status, name, time_zone ON deals FOR EACH ROW
  WHEN ((OLD.status, OLD.name, OLD.time_zone) IS DISTINCT FROM (NEW.status, NEW.name, NEW.time_zone))
  EXECUTE FUNCTION ctx.follow_deal();
CREATE TRIGGER follow_party_added AFTER INSERT ON parties FOR EACH ROW WHEN (NEW.user_id IS NOT NULL)
  EXECUTE FUNCTION ctx.follow_party();
CREATE TRIGGER follow_party AFTER UPDATE ON parties FOR EACH ROW
  WHEN ((OLD.id, OLD.organization_id, OLD.deal_id, OLD.user_id, OLD.role, OLD.removed_at)
    IS DISTINCT FROM (NEW.id, NEW.organization_id, NEW.deal_id, NEW.user_id, NEW.role, NEW.removed_at))
  EXECUTE FUNCTION ctx.follow_party();
