-- The shared authority: who is calling, and which deals exist, are open and may be seen by whom.
-- Policies read the settings that ctx.enter and ctx.enter_service make; nothing else sets them.
\set ON_ERROR_STOP on
SET ROLE ctx_owner;
SET check_function_bodies = off; -- bodies name tables that later migrations make

-- Functions that policies name without touching a table are inlined into the statement: their body is an expression that
-- is parsed when the function is made, so no search path can change it, and without a SET clause no function is started.
CREATE OR REPLACE FUNCTION ctx.uid() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.current_user_id', true), '')::uuid;

CREATE OR REPLACE FUNCTION ctx.org() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.current_org_id', true), '')::uuid;

-- What waits for the task that this transaction finished, and that task's milestone (see ctx.permit_unlock).
CREATE OR REPLACE FUNCTION ctx.permitted() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.permitted_ids', true), '')::uuid[];

-- The deal whose dates follow from what this transaction does (see ctx.permit_unlock and ctx.permit_dates).
CREATE OR REPLACE FUNCTION ctx.following() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.following_deal_id', true), '')::uuid;

CREATE OR REPLACE FUNCTION ctx.may(permission text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(string_to_array(nullif(current_setting('app.permissions', true), ''), ',') && ARRAY['*', permission], false);

-- Whether the caller manages every deal of the organization, or adds and assigns tasks in every one: what needs no look at
-- the deal (else ctx.steers_deal and ctx.assigns_deal).
CREATE OR REPLACE FUNCTION ctx.steers_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN ctx.may('view_all_deals') AND ctx.may('manage_tasks');
CREATE OR REPLACE FUNCTION ctx.assigns_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN ctx.may('view_all_deals') AND (ctx.may('manage_tasks') OR ctx.may('assign_tasks'));

-- The seed's matrix. crates/domain has the same table; a test compares the two.
CREATE OR REPLACE FUNCTION ctx.default_permissions(role text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE role
    WHEN 'BUYER' THEN ARRAY['view_own_deals', 'complete_own_tasks']
    WHEN 'BUYER_AGENT' THEN ARRAY['view_deals', 'create_deals', 'assign_tasks']
    WHEN 'TRANSACTION_COORDINATOR' THEN ARRAY['view_all_deals', 'manage_tasks']
    WHEN 'ADMIN' THEN ARRAY['*']
    WHEN 'SYSTEM' THEN ARRAY['*']
    ELSE ARRAY[]::text[] END;

-- What a role may do in an organization with these grants. '*' cannot be granted: it makes an administrator.
CREATE OR REPLACE FUNCTION ctx.effective_permissions(role text, role_grants jsonb) RETURNS text[]
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN ctx.default_permissions(role)
    || ARRAY(SELECT g FROM jsonb_array_elements_text(coalesce(role_grants -> role, '[]'::jsonb)) g WHERE g <> '*');
END $$;

CREATE TABLE IF NOT EXISTS ctx.deals (
  organization_id uuid NOT NULL,
  id uuid PRIMARY KEY,
  status text NOT NULL CONSTRAINT deals_status_known
    CHECK (status IN ('DRAFT', 'ACTIVE', 'ON_HOLD', 'CLOSED', 'CANCELLED', 'DELETED')),
  -- For notices about the deal.
  name text NOT NULL,
  created_by uuid NOT NULL,
  time_zone text NOT NULL,
  -- Since when it has had its status.
  status_since timestamptz NOT NULL DEFAULT transaction_timestamp(),
  -- Resumed with due dates that task-service has still to move: until then its workflow acts on none of them.
  due_dates_moving boolean NOT NULL DEFAULT false,
  -- The transaction that created it (see ctx.writes_parties).
  created_in xid8,
  CONSTRAINT deals_organization_id_id_key UNIQUE (organization_id, id)
);
COMMENT ON TABLE ctx.deals IS 'which deals exist and in what state; kept by ctx.follow_deal in the transaction that changes the deal';

CREATE TABLE IF NOT EXISTS ctx.deal_access (
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  user_id uuid NOT NULL,
  is_creator boolean NOT NULL DEFAULT false,
  party_roles text[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (user_id, deal_id),
  CONSTRAINT deal_access_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES ctx.deals (organization_id, id)
);
CREATE INDEX IF NOT EXISTS deal_access_deal_id_idx ON ctx.deal_access (organization_id, deal_id, user_id);
COMMENT ON TABLE ctx.deal_access IS 'which users created or are a party of a deal; kept by ctx.follow_deal and ctx.follow_party';

ALTER TABLE ctx.deals ENABLE ROW LEVEL SECURITY;
ALTER TABLE ctx.deal_access ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant ON ctx.deals;
CREATE POLICY tenant ON ctx.deals AS RESTRICTIVE FOR ALL TO deal_svc, task_svc, user_svc, auditor
  USING (organization_id = (SELECT ctx.org())) WITH CHECK (organization_id = (SELECT ctx.org()));
DROP POLICY IF EXISTS service ON ctx.deals;
CREATE POLICY service ON ctx.deals FOR SELECT TO deal_svc, task_svc, user_svc, auditor USING (true);
DROP POLICY IF EXISTS tenant ON ctx.deal_access;
CREATE POLICY tenant ON ctx.deal_access AS RESTRICTIVE FOR ALL TO deal_svc, task_svc, user_svc, auditor
  USING (organization_id = (SELECT ctx.org())) WITH CHECK (organization_id = (SELECT ctx.org()));
DROP POLICY IF EXISTS service ON ctx.deal_access;
CREATE POLICY service ON ctx.deal_access FOR SELECT TO deal_svc, task_svc, user_svc, auditor USING (true);
-- No service writes them: they follow from deal.deals and deal.parties (ctx.follow_deal, ctx.follow_party).
REVOKE INSERT, UPDATE, DELETE ON ctx.deals, ctx.deal_access FROM deal_svc;
GRANT SELECT ON ctx.deals, ctx.deal_access TO deal_svc, task_svc, user_svc, auditor;
GRANT REFERENCES ON ctx.deals TO task_owner, deal_owner;

-- The deals that the caller sees with everything in them, by view_deals: those that it created or is a party of.
CREATE OR REPLACE FUNCTION ctx.staff_deals() RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF ctx.may('view_deals') THEN
    RETURN QUERY SELECT a.deal_id FROM ctx.deal_access a
      WHERE a.user_id = ctx.uid() AND a.organization_id = ctx.org()
        AND (a.is_creator OR cardinality(a.party_roles) > 0);
  END IF;
END $$;

-- The deals that the caller sees as a client, by view_own_deals: those that it is a party of.
CREATE OR REPLACE FUNCTION ctx.client_deals() RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF ctx.may('view_own_deals') THEN
    RETURN QUERY SELECT a.deal_id FROM ctx.deal_access a
      WHERE a.user_id = ctx.uid() AND a.organization_id = ctx.org() AND cardinality(a.party_roles) > 0;
  END IF;
END $$;

-- The deals that the caller sees in either way. Who holds view_all_deals sees the others as well.
CREATE OR REPLACE FUNCTION ctx.seen_deals() RETURNS SETOF uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF ctx.may('view_deals') THEN
    RETURN QUERY SELECT ctx.staff_deals();
  ELSE
    RETURN QUERY SELECT ctx.client_deals();
  END IF;
END $$;

-- Whether the caller sees a deal of its organization (domain: deal::view).
CREATE OR REPLACE FUNCTION ctx.sees_deal(p_deal uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN ctx.may('view_all_deals') OR EXISTS (
    SELECT FROM ctx.deal_access a
     WHERE a.organization_id = ctx.org() AND a.deal_id = p_deal AND a.user_id = ctx.uid()
       AND ((ctx.may('view_deals') AND (a.is_creator OR cardinality(a.party_roles) > 0))
         OR (ctx.may('view_own_deals') AND cardinality(a.party_roles) > 0)));
END $$;

-- Whether the caller may change a deal, who takes part in it, its status and its dates (domain: deal::may_steer).
CREATE OR REPLACE FUNCTION ctx.steers_deal(p_deal uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN ctx.sees_deal(p_deal) AND (ctx.may('manage_tasks') OR (ctx.may('create_deals') AND EXISTS (
    SELECT FROM ctx.deals d WHERE d.organization_id = ctx.org() AND d.id = p_deal AND d.created_by = ctx.uid())));
END $$;

-- Whether the caller may add and assign tasks in a deal and set when they are due (domain: deal::may_assign).
CREATE OR REPLACE FUNCTION ctx.assigns_deal(p_deal uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN (ctx.may('assign_tasks') OR ctx.may('manage_tasks')) AND ctx.sees_deal(p_deal);
END $$;

-- Whether the caller may write who takes part in a deal: if it steers it, or is creating it in this very transaction. Who
-- creates a deal without being a party of it may not see it afterwards.
CREATE OR REPLACE FUNCTION ctx.writes_parties(p_deal uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN ctx.steers_deal(p_deal) OR (ctx.may('create_deals') AND EXISTS (
    SELECT FROM ctx.deals d
     WHERE d.organization_id = ctx.org() AND d.id = p_deal AND d.created_by = ctx.uid()
       AND d.created_in = pg_current_xact_id()));
END $$;

-- Whether the caller sees a task: with its deal, or as a client what is meant for clients or its own (domain: task::may_see).
CREATE OR REPLACE FUNCTION ctx.shows_task(p_deal uuid, p_buyer_visible boolean, p_assignee uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN (p_buyer_visible OR p_assignee = ctx.uid() OR ctx.may('view_deals') OR ctx.may('view_all_deals'))
     AND ctx.sees_deal(p_deal);
END $$;

-- The same of a task that only its id names.
CREATE OR REPLACE FUNCTION ctx.sees_task(p_task uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN EXISTS (SELECT FROM task.tasks t WHERE t.organization_id = ctx.org() AND t.id = p_task
    AND ctx.shows_task(t.deal_id, t.buyer_visible, t.assignee_id));
END $$;

-- Keeps ctx.deals and its creator's row of ctx.deal_access equal to deal.deals. Who may write a deal is checked there,
-- by its policies and by deal.guard_deal.
CREATE OR REPLACE FUNCTION ctx.follow_deal() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF tg_op = 'INSERT' THEN
    INSERT INTO ctx.deals (organization_id, id, status, name, created_by, time_zone, created_in)
      VALUES (NEW.organization_id, NEW.id, NEW.status, NEW.name, NEW.created_by, NEW.time_zone, pg_current_xact_id());
    INSERT INTO ctx.deal_access (organization_id, deal_id, user_id, is_creator)
      VALUES (NEW.organization_id, NEW.id, NEW.created_by, true);
    RETURN NULL;
  END IF;
  UPDATE ctx.deals d SET status = NEW.status, name = NEW.name, time_zone = NEW.time_zone,
         status_since = CASE WHEN d.status = NEW.status THEN d.status_since ELSE transaction_timestamp() END
   WHERE d.organization_id = NEW.organization_id AND d.id = NEW.id;
  IF NEW.status = 'DELETED' THEN
    DELETE FROM ctx.deal_access a WHERE a.organization_id = NEW.organization_id AND a.deal_id = NEW.id;
  END IF;
  RETURN NULL;
END $$;

-- Keeps the parts that users play in a deal equal to deal.parties. A user who plays none any more and did not create
-- the deal no longer sees it.
CREATE OR REPLACE FUNCTION ctx.follow_party() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  v_user uuid;
  v_roles text[];
BEGIN
  IF tg_op = 'UPDATE' AND (NEW.id, NEW.organization_id, NEW.deal_id) IS DISTINCT FROM (OLD.id, OLD.organization_id, OLD.deal_id) THEN
    RAISE EXCEPTION 'a party stays in its deal' USING errcode = '42501';
  END IF;
  IF NEW.user_id IS NOT NULL AND NEW.removed_at IS NULL
     AND (tg_op = 'INSERT' OR NEW.user_id IS DISTINCT FROM OLD.user_id) AND NOT ctx.is_active_user(NEW.user_id) THEN
    RAISE EXCEPTION 'the login of a party is an active user of the organization' USING errcode = '42501';
  END IF;
  FOR v_user IN
    SELECT DISTINCT u FROM unnest(ARRAY[NEW.user_id, CASE WHEN tg_op = 'UPDATE' THEN OLD.user_id END]) u
     WHERE u IS NOT NULL ORDER BY u
  LOOP
    SELECT coalesce(array_agg(DISTINCT p.role ORDER BY p.role), '{}') INTO v_roles FROM deal.parties p
     WHERE p.organization_id = NEW.organization_id AND p.deal_id = NEW.deal_id AND p.user_id = v_user AND p.removed_at IS NULL;
    INSERT INTO ctx.deal_access (organization_id, deal_id, user_id, party_roles)
      VALUES (NEW.organization_id, NEW.deal_id, v_user, v_roles)
      ON CONFLICT (user_id, deal_id) DO UPDATE SET party_roles = excluded.party_roles;
    DELETE FROM ctx.deal_access a
     WHERE a.organization_id = NEW.organization_id AND a.deal_id = NEW.deal_id AND a.user_id = v_user
       AND NOT a.is_creator AND cardinality(a.party_roles) = 0;
  END LOOP;
  RETURN NULL;
END $$;

-- A deal on hold is resumed with due dates that task-service has still to move: until then nobody acts on them.
CREATE OR REPLACE FUNCTION ctx.wait_for_due_dates(p_deal uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  UPDATE ctx.deals d SET due_dates_moving = true
   WHERE d.organization_id = ctx.org() AND d.id = p_deal AND d.status = 'ON_HOLD' AND ctx.steers_deal(p_deal);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'not a deal on hold that the caller may resume' USING errcode = '42501';
  END IF;
END $$;

-- Opens the context of a signed-in user for this transaction, or raises 28000. Answers organization, role, permissions
-- (separated by commas) and time zone as one array, read and set by one statement: a function that returns rows takes twice
-- as long, and every session begins here.
CREATE OR REPLACE FUNCTION ctx.enter(p_user uuid, p_session uuid) RETURNS text[]
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE entered text[];
BEGIN
  SELECT ARRAY[
           set_config('app.current_org_id', u.organization_id::text, true),
           u.role,
           set_config('app.permissions', array_to_string(
             CASE WHEN org.role_grants ? u.role THEN ctx.effective_permissions(u.role, org.role_grants)
                  ELSE ctx.default_permissions(u.role) END, ','), true),
           org.time_zone,
           set_config('app.current_user_id', u.id::text, true),
           set_config('app.permitted_ids', '', true),
           set_config('app.following_deal_id', '', true)]
    INTO entered
    FROM identity.users u
    JOIN identity.sessions s ON s.user_id = u.id AND s.id = p_session
     AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
    JOIN identity.organizations org ON org.id = u.organization_id
   WHERE u.id = p_user AND u.status = 'ACTIVE';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such session' USING errcode = '28000';
  END IF;
  RETURN entered[1:4];
END $$;

-- Opens the context of an organization's SYSTEM user: consumers, workflow activities, schedules. The user it acts on behalf
-- of belongs to that organization. Answers the SYSTEM user and the time zone.
CREATE OR REPLACE FUNCTION ctx.enter_service(p_organization uuid, p_on_behalf_of uuid DEFAULT NULL) RETURNS text[]
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE entered text[];
BEGIN
  SELECT ARRAY[
           set_config('app.current_user_id', u.id::text, true),
           org.time_zone,
           set_config('app.current_org_id', p_organization::text, true),
           set_config('app.permissions', '*', true),
           set_config('app.permitted_ids', '', true),
           set_config('app.following_deal_id', '', true)]
    INTO entered
    FROM identity.users u JOIN identity.organizations org ON org.id = u.organization_id
   WHERE u.organization_id = p_organization AND u.role = 'SYSTEM'
     AND (p_on_behalf_of IS NULL OR EXISTS (
       SELECT FROM identity.users b WHERE b.id = p_on_behalf_of AND b.organization_id = p_organization));
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such organization, or not that user''s' USING errcode = '28000';
  END IF;
  RETURN entered[1:2];
END $$;

-- Locks a deal that the caller may see against a change of its status (FOR SHARE). No row: not visible.
CREATE OR REPLACE FUNCTION ctx.lock_deal(p_deal uuid)
  RETURNS TABLE (status text, created_by uuid, time_zone text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT d.status, d.created_by, d.time_zone FROM ctx.deals d
    WHERE d.organization_id = ctx.org() AND d.id = p_deal AND d.status <> 'DELETED' FOR SHARE;
  IF FOUND AND NOT ctx.sees_deal(p_deal) THEN
    RAISE EXCEPTION 'deal not visible' USING errcode = 'P0002';
  END IF;
END $$;

-- The same for a change of the deal itself or of who takes part in it (FOR UPDATE).
CREATE OR REPLACE FUNCTION ctx.lock_deal_exclusively(p_deal uuid)
  RETURNS TABLE (status text, created_by uuid, time_zone text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT d.status, d.created_by, d.time_zone FROM ctx.deals d
    WHERE d.organization_id = ctx.org() AND d.id = p_deal AND d.status <> 'DELETED' FOR UPDATE;
  IF FOUND AND NOT ctx.sees_deal(p_deal) THEN
    RAISE EXCEPTION 'deal not visible' USING errcode = 'P0002';
  END IF;
END $$;

-- What follows is PL/pgSQL also where one statement would do: its plan is kept for the connection, while a function in SQL that
-- is no part of the calling statement (a definer's never is) is planned at each call.

-- The due dates have moved by the days that the deal was on hold.
CREATE OR REPLACE FUNCTION ctx.due_dates_moved(p_deal uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  UPDATE ctx.deals SET due_dates_moving = false
   WHERE organization_id = ctx.org() AND id = p_deal AND due_dates_moving AND (SELECT ctx.may('*'));
END $$;

-- What keeps a deal from being closed: required tasks that are neither completed nor waived, and
-- whether its plan has been applied. Read under ctx.lock_deal_exclusively.
CREATE OR REPLACE FUNCTION ctx.open_required_tasks(p_deal uuid)
  RETURNS TABLE (open_tasks bigint, plan_state text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT (SELECT count(*) FROM task.tasks t
           WHERE t.organization_id = ctx.org() AND t.deal_id = p_deal AND t.required
             AND t.deleted_at IS NULL AND t.status NOT IN ('COMPLETED', 'WAIVED')),
         (SELECT p.state FROM task.plans p WHERE p.organization_id = ctx.org() AND p.deal_id = p_deal);
END $$;

-- Which key dates of a deal have a date now; is_stored is false while they are still those that the deal was created
-- with. Read under ctx.lock_deal_exclusively, which a move of the dates takes as well.
CREATE OR REPLACE FUNCTION ctx.dated_keys(p_deal uuid) RETURNS TABLE (is_stored boolean, keys text[])
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT EXISTS (SELECT FROM task.key_date_sets s WHERE s.organization_id = ctx.org() AND s.deal_id = p_deal),
         coalesce((SELECT array_agg(k.key) FROM task.key_dates k
                    WHERE k.organization_id = ctx.org() AND k.deal_id = p_deal AND k.date IS NOT NULL), '{}');
END $$;

-- Lets this transaction change what waited for a task, and count the task's milestone, but only if it finished that task
-- itself: task.note_task_handling notes which transaction that was. A buyer may complete its own task and so unlock others
-- that it cannot see. Where dates are counted from the completion (the plan marks such tasks followUp, a rule made by hand
-- marks them followed), they may be moved as well.
CREATE OR REPLACE FUNCTION ctx.permit_unlock(p_task uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE r record;
BEGIN
  SELECT t.deal_id, t.followed OR t.template_fields -> 'followUp' = 'true'::jsonb AS follows,
         array_remove(t.milestone_id || ARRAY(
           SELECT d.task_id FROM task.dependencies d
            WHERE d.organization_id = t.organization_id AND d.depends_on_id = t.id), NULL) AS ids
    INTO r
    FROM task.tasks t
   WHERE t.id = p_task AND t.organization_id = ctx.org()
     -- A restore from a dump numbers transactions again; instants stay.
     AND t.finished_in = pg_current_xact_id() AND t.stands_since = transaction_timestamp();
  IF NOT FOUND THEN
    RAISE EXCEPTION 'task was not finished by this transaction' USING errcode = '42501';
  END IF;
  PERFORM set_config('app.permitted_ids', r.ids::text, true),
          set_config('app.following_deal_id', CASE WHEN r.follows OR r.deal_id = ctx.following() THEN r.deal_id::text ELSE '' END, true);
END $$;

-- Lets this transaction read every task of a deal and move the dates of those that the caller cannot see: dates follow
-- from all of them. Requires the right to move the dates of this deal.
CREATE OR REPLACE FUNCTION ctx.permit_dates(p_deal uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF NOT ctx.steers_deal(p_deal) THEN
    RAISE EXCEPTION 'the caller may not move the dates of this deal' USING errcode = '42501';
  END IF;
  PERFORM set_config('app.following_deal_id', p_deal::text, true);
END $$;

-- Who owns tasks that the caller cannot see, and whether they are done: a buyer learns which part holds its
-- task up, and nothing more. Only in deals that the caller sees.
CREATE OR REPLACE FUNCTION ctx.task_owners(p_tasks uuid[])
  RETURNS TABLE (id uuid, owner_role text, status text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT t.id, t.owner_role, t.status FROM task.tasks t
   WHERE t.organization_id = ctx.org() AND t.id = ANY (p_tasks) AND t.deleted_at IS NULL AND ctx.sees_deal(t.deal_id);
END $$;

-- Is this user active in the caller's organization, and which deals would it see? For assignments.
CREATE OR REPLACE FUNCTION ctx.may_be_assigned(p_user uuid, p_deal uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM identity.users u JOIN identity.organizations o ON o.id = u.organization_id,
         LATERAL (SELECT ctx.effective_permissions(u.role, o.role_grants) AS p) g
     WHERE u.id = p_user AND u.organization_id = ctx.org() AND u.status = 'ACTIVE' AND u.role <> 'SYSTEM'
       AND (g.p && ARRAY['*', 'view_all_deals']
         OR EXISTS (SELECT FROM ctx.deal_access a
             WHERE a.deal_id = p_deal AND a.user_id = p_user
               AND ((g.p @> ARRAY['view_deals'] AND (a.is_creator OR cardinality(a.party_roles) > 0))
                 OR (g.p @> ARRAY['view_own_deals'] AND cardinality(a.party_roles) > 0)))));
END $$;

-- Is this an active user of the caller's organization? For references in bodies (a party's login).
CREATE OR REPLACE FUNCTION ctx.is_active_user(p_user uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN EXISTS (SELECT FROM identity.users u
    WHERE u.id = p_user AND u.organization_id = ctx.org() AND u.status = 'ACTIVE' AND u.role <> 'SYSTEM');
END $$;

-- Every organization, for jobs that enter them one by one.
CREATE OR REPLACE FUNCTION ctx.organizations() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT o.id FROM identity.organizations o ORDER BY o.id $$;

-- The holidays that the caller's organization keeps beside the federal ones, as user-service checked them.
CREATE OR REPLACE FUNCTION ctx.holiday_calendar() RETURNS jsonb
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN (SELECT o.holiday_calendar FROM identity.organizations o WHERE o.id = ctx.org());
END $$;

-- Names of users of the caller's organization, for sentences about what they did.
CREATE OR REPLACE FUNCTION ctx.user_names(p_users uuid[]) RETURNS TABLE (id uuid, full_name text)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT u.id, u.full_name FROM identity.users u
   WHERE u.organization_id = ctx.org() AND u.id = ANY(p_users);
END $$;

-- Who plays which part in a deal that the caller sees, by name alone: for sentences about who holds something up.
-- Of several who play one part, the first is named first.
CREATE OR REPLACE FUNCTION ctx.party_names(p_deal uuid) RETURNS TABLE (role text, name text, user_id uuid)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT p.role, p.name, p.user_id FROM deal.parties p
   WHERE p.organization_id = ctx.org() AND p.deal_id = p_deal AND p.removed_at IS NULL AND ctx.sees_deal(p_deal)
   ORDER BY p.id;
END $$;

-- Counts over the whole installation, for gauges. They reveal nothing of any one organization.
CREATE OR REPLACE FUNCTION ctx.workload_totals(OUT active_deals bigint, OUT overdue_tasks bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT (SELECT count(*) FROM ctx.deals WHERE status = 'ACTIVE'),
         (SELECT count(*) FROM deal.task_view WHERE is_overdue AND NOT is_deleted) $$;

GRANT EXECUTE ON FUNCTION ctx.uid(), ctx.org(), ctx.permitted(), ctx.following(), ctx.may(text), ctx.steers_all(), ctx.assigns_all(),
  ctx.default_permissions(text), ctx.effective_permissions(text, jsonb), ctx.sees_deal(uuid), ctx.steers_deal(uuid), ctx.assigns_deal(uuid),
  ctx.staff_deals(), ctx.client_deals(), ctx.seen_deals()
  TO user_svc, deal_svc, task_svc, auditor, user_owner, deal_owner, task_owner, audit_owner,
     user_relay, deal_relay, task_relay;
GRANT EXECUTE ON FUNCTION ctx.writes_parties(uuid) TO deal_svc, deal_owner;
GRANT EXECUTE ON FUNCTION ctx.shows_task(uuid, boolean, uuid), ctx.sees_task(uuid) TO task_svc, task_owner;
GRANT EXECUTE ON FUNCTION ctx.follow_deal(), ctx.follow_party() TO deal_owner;
GRANT EXECUTE ON FUNCTION ctx.wait_for_due_dates(uuid) TO deal_svc;
GRANT EXECUTE ON FUNCTION ctx.enter(uuid, uuid), ctx.enter_service(uuid, uuid), ctx.is_active_user(uuid), ctx.organizations()
  TO user_svc, deal_svc, task_svc, auditor;
GRANT EXECUTE ON FUNCTION ctx.lock_deal(uuid) TO deal_svc, task_svc;
GRANT EXECUTE ON FUNCTION ctx.lock_deal_exclusively(uuid) TO deal_svc, task_svc;
GRANT EXECUTE ON FUNCTION ctx.open_required_tasks(uuid), ctx.dated_keys(uuid) TO deal_svc;
GRANT EXECUTE ON FUNCTION ctx.user_names(uuid[]) TO auditor, task_svc;
GRANT EXECUTE ON FUNCTION ctx.party_names(uuid) TO task_svc;
GRANT EXECUTE ON FUNCTION ctx.workload_totals() TO deal_svc;
GRANT EXECUTE ON FUNCTION ctx.permit_unlock(uuid), ctx.permit_dates(uuid), ctx.task_owners(uuid[]), ctx.may_be_assigned(uuid, uuid), ctx.holiday_calendar(), ctx.due_dates_moved(uuid)
  TO task_svc;
GRANT EXECUTE ON FUNCTION ctx.may_be_assigned(uuid, uuid) TO user_svc;
RESET ROLE;
