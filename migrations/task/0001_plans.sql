-- Schema task (task-service): templates, plans, key dates, milestones, tasks, dependencies, comments.
SELECT ctx.create_service_tables('task', 'task_svc', 'task_relay');

-- Shipped templates belong to no organization: they have the nil id, and everybody may read them.
CREATE TABLE templates (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  key text NOT NULL,
  template_version integer NOT NULL,
  name text NOT NULL,
  deal_type text NOT NULL,
  status text NOT NULL CONSTRAINT templates_status_known CHECK (status IN ('DRAFT', 'PUBLISHED')),
  source text NOT NULL CONSTRAINT templates_source_length CHECK (length(source) <= 262144),
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT templates_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT templates_key_version_key UNIQUE (organization_id, key, template_version)
);

CREATE TABLE plans (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  template_id uuid,
  template_key text,
  template_version integer,
  facts jsonb NOT NULL DEFAULT '{}',
  -- The version of the deal that the facts are from: what comes late is older.
  deal_version bigint NOT NULL,
  state text NOT NULL CONSTRAINT plans_state_known CHECK (state IN ('PENDING', 'APPLIED', 'FAILED')),
  -- Why the plan could not be made.
  failure text,
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT plans_deal_key UNIQUE (organization_id, deal_id),
  CONSTRAINT plans_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES ctx.deals (organization_id, id)
);
COMMENT ON COLUMN plans.facts IS 'confidential: holds financing';

CREATE TABLE key_date_sets (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  -- The organization's holidays as they were when the dates were last counted.
  holiday_calendar jsonb,
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT key_date_sets_deal_key UNIQUE (organization_id, deal_id),
  CONSTRAINT key_date_sets_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES ctx.deals (organization_id, id)
);

CREATE TABLE key_dates (
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  key text NOT NULL,
  title text NOT NULL,
  position integer NOT NULL,
  is_anchor boolean NOT NULL,
  date date,
  -- What the rule says; differs from date while the date is pinned.
  rule_date date,
  rule jsonb,
  time_of_day time,
  contractual boolean NOT NULL DEFAULT false,
  regulatory boolean NOT NULL DEFAULT false,
  state text NOT NULL CONSTRAINT key_dates_state_known CHECK (state IN
    ('TBD', 'PROJECTED', 'SCHEDULED', 'SATISFIED', 'WAIVED', 'EXTENDED', 'NOT_APPLICABLE', 'MISSED')),
  pinned boolean NOT NULL DEFAULT false,
  buyer_visible boolean NOT NULL DEFAULT false,
  CONSTRAINT key_dates_pkey PRIMARY KEY (organization_id, deal_id, key),
  CONSTRAINT key_dates_set_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES key_date_sets (organization_id, deal_id)
);

CREATE TABLE milestones (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  key text,
  title text NOT NULL,
  buyer_title text,
  position integer NOT NULL,
  -- Kept by the statements that lock the row: a milestone is done when its last open task is.
  open_tasks integer NOT NULL CONSTRAINT milestones_open_tasks_not_negative CHECK (open_tasks >= 0),
  total_tasks integer NOT NULL,
  completed_at timestamptz,
  -- Counts what happened to it since the plan was applied: a milestone comes with its plan, at version 0.
  version bigint NOT NULL DEFAULT 0,
  -- What names a milestone names its deal as well, so that it is one of the same deal.
  CONSTRAINT milestones_deal_id_id_key UNIQUE (organization_id, deal_id, id),
  CONSTRAINT milestones_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES ctx.deals (organization_id, id)
);
CREATE INDEX milestones_deal_idx ON milestones (organization_id, deal_id, position);

CREATE TABLE tasks (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  milestone_id uuid,
  key text,
  title text NOT NULL CONSTRAINT tasks_title_length CHECK (length(title) BETWEEN 1 AND 300),
  description text,
  kind text,
  owner_role text,
  chased_by text,
  -- When to ask for it again; the due date stays what it is.
  follow_up_on date,
  assignee_id uuid,
  due_date date,
  -- For sorting: tasks without a due date come last.
  due_sort date NOT NULL GENERATED ALWAYS AS (coalesce(due_date, 'infinity')) STORED,
  due_time time,
  -- The instant from which the task is overdue, in UTC.
  due_at timestamptz CONSTRAINT tasks_due_at_finite CHECK (isfinite(due_at)),
  due_rule jsonb,
  pinned boolean NOT NULL DEFAULT false,
  -- Calendar days that holds added to what the rule says; a pinned date has moved itself.
  shift_days integer NOT NULL DEFAULT 0 CONSTRAINT tasks_shift_days_follow_a_rule
    CHECK (shift_days >= 0 AND NOT (pinned AND shift_days > 0)),
  est_days integer NOT NULL DEFAULT 0,
  critical boolean NOT NULL DEFAULT false,
  required boolean NOT NULL DEFAULT true,
  licensed_only boolean NOT NULL DEFAULT false,
  buyer_visible boolean NOT NULL DEFAULT false,
  -- The template's remaining fields for this task: document, lags, not_before, recurrence, cancel_when, sets_anchor, email_template.
  template_fields jsonb NOT NULL DEFAULT '{}',
  position integer NOT NULL,
  status text NOT NULL CONSTRAINT tasks_status_known CHECK (status IN
    ('PENDING', 'IN_PROGRESS', 'BLOCKED', 'COMPLETED', 'WAIVED', 'OVERDUE')),
  open_dependencies integer NOT NULL CONSTRAINT tasks_open_dependencies_not_negative CHECK (open_dependencies >= 0),
  -- How often it has begun to wait: 1 at creation, plus 1 at each re-blocking.
  episode integer NOT NULL DEFAULT 1,
  -- Whether its due instant has passed, as last recorded; the status of an open task follows from it.
  due_passed boolean NOT NULL DEFAULT false,
  completed_by uuid,
  completed_at timestamptz,
  completed_on date,
  completed_late boolean NOT NULL DEFAULT false,
  waived_by uuid,
  waived_at timestamptz,
  waive_reason text,
  note text,
  -- A rule that somebody made counts from its completion.
  followed boolean NOT NULL DEFAULT false,
  created_by uuid NOT NULL,
  deleted_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  -- The transaction in which it was finished (see ctx.permit_unlock); note_task_handling keeps it, and what follows.
  finished_in xid8,
  -- Reminders and notices go by these. When it was created or reopened, or its due date, assignee or blocked state last
  -- changed.
  stands_since timestamptz NOT NULL,
  -- The last change of its assignee: when, by whom, from whom.
  assigned_at timestamptz,
  assigned_by uuid,
  previous_assignee_id uuid,
  -- When and through whom it came free, if it waited before and waits no longer.
  unlocked_at timestamptz,
  unlocked_by uuid,
  -- What names a task names its deal as well, so that it is one of the same deal.
  CONSTRAINT tasks_deal_id_id_key UNIQUE (organization_id, deal_id, id),
  CONSTRAINT tasks_deal_fkey FOREIGN KEY (organization_id, deal_id) REFERENCES ctx.deals (organization_id, id),
  CONSTRAINT tasks_milestone_fkey FOREIGN KEY (organization_id, deal_id, milestone_id)
    REFERENCES milestones (organization_id, deal_id, id),
  CONSTRAINT tasks_completed_has_instant CHECK ((status = 'COMPLETED') = (completed_at IS NOT NULL)),
  CONSTRAINT tasks_completed_has_actor CHECK ((completed_at IS NULL) = (completed_by IS NULL)),
  CONSTRAINT tasks_waived_has_instant CHECK ((status = 'WAIVED') = (waived_at IS NOT NULL)),
  CONSTRAINT tasks_blocked_has_dependency CHECK (status <> 'BLOCKED' OR open_dependencies > 0),
  CONSTRAINT tasks_available_has_none CHECK (status NOT IN ('PENDING', 'IN_PROGRESS') OR open_dependencies = 0)
);
COMMENT ON TABLE tasks IS 'internal';
CREATE UNIQUE INDEX tasks_deal_key_key ON tasks (organization_id, deal_id, key) WHERE key IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX tasks_deal_idx ON tasks (organization_id, deal_id, position);
CREATE INDEX tasks_assignee_idx ON tasks (organization_id, assignee_id, due_sort, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_due_idx ON tasks (organization_id, due_sort, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_chased_idx ON tasks (organization_id, chased_by, due_sort, id)
  WHERE deleted_at IS NULL AND chased_by IS NOT NULL AND status NOT IN ('COMPLETED', 'WAIVED');
CREATE INDEX tasks_milestone_idx ON tasks (organization_id, milestone_id);

CREATE TABLE dependencies (
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  task_id uuid NOT NULL,
  depends_on_id uuid NOT NULL,
  CONSTRAINT dependencies_pkey PRIMARY KEY (task_id, depends_on_id),
  CONSTRAINT dependencies_not_self CHECK (task_id <> depends_on_id),
  -- Both ends are tasks of this deal.
  CONSTRAINT dependencies_task_fkey FOREIGN KEY (organization_id, deal_id, task_id)
    REFERENCES tasks (organization_id, deal_id, id),
  CONSTRAINT dependencies_depends_on_fkey FOREIGN KEY (organization_id, deal_id, depends_on_id)
    REFERENCES tasks (organization_id, deal_id, id)
);
CREATE INDEX dependencies_depends_on_idx ON dependencies (organization_id, depends_on_id);
CREATE INDEX dependencies_task_idx ON dependencies (organization_id, task_id);
CREATE INDEX dependencies_deal_idx ON dependencies (organization_id, deal_id);

CREATE TABLE comments (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  task_id uuid NOT NULL,
  author_id uuid NOT NULL,
  body text NOT NULL CONSTRAINT comments_body_length CHECK (length(body) BETWEEN 1 AND 10000),
  visibility text NOT NULL CONSTRAINT comments_visibility_known CHECK (visibility IN ('INTERNAL', 'SHARED')),
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT comments_task_fkey FOREIGN KEY (organization_id, deal_id, task_id)
    REFERENCES tasks (organization_id, deal_id, id)
);
CREATE INDEX comments_task_idx ON comments (organization_id, task_id, id);

-- Who asked for a task that others are to do, when and how. The transition of the task carries it into the audit log.
CREATE TABLE chases (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  deal_id uuid NOT NULL,
  task_id uuid NOT NULL,
  author_id uuid NOT NULL,
  channel text NOT NULL CONSTRAINT chases_channel_known CHECK (channel IN ('PHONE', 'EMAIL', 'TEXT', 'IN_PERSON', 'OTHER')),
  note text CONSTRAINT chases_note_length CHECK (length(note) BETWEEN 1 AND 1000),
  -- Whether an answer came.
  replied boolean NOT NULL,
  -- When to ask again, as it was settled then.
  follow_up_on date,
  CONSTRAINT chases_task_fkey FOREIGN KEY (organization_id, deal_id, task_id)
    REFERENCES tasks (organization_id, deal_id, id)
);
COMMENT ON TABLE chases IS 'internal';
CREATE INDEX chases_task_idx ON chases (organization_id, task_id, id);

SELECT ctx.wall(t, 'task_svc') FROM unnest(ARRAY['plans', 'key_date_sets', 'key_dates', 'milestones', 'tasks',
  'dependencies', 'comments', 'chases']::regclass[]) t;
ALTER TABLE templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE templates FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON templates AS RESTRICTIVE FOR ALL TO task_svc
  USING (organization_id = (SELECT ctx.org()) OR organization_id = '00000000-0000-0000-0000-000000000000')
  WITH CHECK (organization_id = (SELECT ctx.org()));
CREATE POLICY read ON templates FOR SELECT TO task_svc USING ((SELECT ctx.org()) IS NOT NULL);
CREATE POLICY write ON templates FOR INSERT TO task_svc WITH CHECK ((SELECT ctx.may('manage_tasks')));
CREATE POLICY change ON templates FOR UPDATE TO task_svc USING ((SELECT ctx.may('manage_tasks')) AND status = 'DRAFT')
  WITH CHECK ((SELECT ctx.may('manage_tasks')));
-- Shipped templates are loaded by the owner, in a migration-like step.
CREATE POLICY shipped ON templates FOR ALL TO task_owner
  USING (organization_id = '00000000-0000-0000-0000-000000000000')
  WITH CHECK (organization_id = '00000000-0000-0000-0000-000000000000');

-- Doors. Policies name settings and functions of ctx, never a table that has policies itself. Reading asks once for all
-- deals that the caller sees, writing asks of each row.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['plans', 'key_date_sets', 'key_dates', 'milestones', 'dependencies'] LOOP
    EXECUTE format($p$CREATE POLICY read ON %I FOR SELECT TO task_svc USING (
      (SELECT ctx.may('view_all_deals')) OR deal_id IN (SELECT ctx.seen_deals()))$p$, t);
  END LOOP;
  -- Who steers the deal moves its dates. A completion from which dates are counted moves them too, for every user who
  -- may complete the task.
  FOREACH t IN ARRAY ARRAY['key_date_sets', 'key_dates'] LOOP
    EXECUTE format($p$CREATE POLICY write ON %I FOR INSERT TO task_svc WITH CHECK (
      (SELECT ctx.steers_all()) OR deal_id = (SELECT ctx.following()) OR ctx.steers_deal(deal_id))$p$, t);
    EXECUTE format($p$CREATE POLICY change ON %I FOR UPDATE TO task_svc USING (
      (SELECT ctx.steers_all()) OR deal_id = (SELECT ctx.following()) OR ctx.steers_deal(deal_id))$p$, t);
  END LOOP;
END $$;
-- Users who may add tasks to a deal write their dependencies; what waited for a deleted task inherits what that waited
-- for. A date that removes a task or brings it back changes its dependencies, also for users who may only move the
-- dates.
CREATE POLICY write ON dependencies FOR INSERT TO task_svc WITH CHECK (
  (SELECT ctx.assigns_all()) OR deal_id = (SELECT ctx.following()) OR ctx.assigns_deal(deal_id));
CREATE POLICY remove ON dependencies FOR DELETE TO task_svc USING (
  (SELECT ctx.assigns_all()) OR deal_id = (SELECT ctx.following()) OR ctx.assigns_deal(deal_id));
CREATE POLICY write ON plans FOR INSERT TO task_svc WITH CHECK (
  (SELECT ctx.steers_all()) OR ((SELECT ctx.may('manage_tasks')) AND ctx.sees_deal(deal_id)));
CREATE POLICY change ON plans FOR UPDATE TO task_svc USING (
  (SELECT ctx.steers_all()) OR ((SELECT ctx.may('manage_tasks')) AND ctx.sees_deal(deal_id)));

CREATE POLICY write ON milestones FOR INSERT TO task_svc WITH CHECK (
  (SELECT ctx.steers_all()) OR ((SELECT ctx.may('manage_tasks')) AND ctx.sees_deal(deal_id)));
-- Users who may add tasks to a deal count them in its milestones; so does the user who finishes one.
CREATE POLICY change ON milestones FOR UPDATE TO task_svc USING (
  (SELECT ctx.assigns_all()) OR id = ANY ((SELECT ctx.permitted())::uuid[]) OR deal_id = (SELECT ctx.following())
  OR ctx.assigns_deal(deal_id));

-- A client sees the tasks that are meant for clients, and its own. The transaction that finished a task also sees what
-- waited for it, and one that moves a deal's dates sees every task of the deal.
CREATE POLICY read ON tasks FOR SELECT TO task_svc USING (
  (SELECT ctx.may('view_all_deals')) OR deal_id IN (SELECT ctx.staff_deals())
  OR ((buyer_visible OR assignee_id = (SELECT ctx.uid())) AND deal_id IN (SELECT ctx.client_deals()))
  OR id = ANY ((SELECT ctx.permitted())::uuid[]) OR deal_id = (SELECT ctx.following()));
CREATE POLICY create_ ON tasks FOR INSERT TO task_svc WITH CHECK (
  (SELECT ctx.assigns_all()) OR (deal_id = (SELECT ctx.following()) AND key IS NOT NULL) OR ctx.assigns_deal(deal_id));
-- guard_task says which columns.
CREATE POLICY change ON tasks FOR UPDATE TO task_svc USING (
  (SELECT ctx.assigns_all()) OR id = ANY ((SELECT ctx.permitted())::uuid[]) OR deal_id = (SELECT ctx.following())
  OR ((assignee_id = (SELECT ctx.uid()) OR (SELECT ctx.may('assign_tasks')) OR (SELECT ctx.may('manage_tasks')))
    AND ctx.shows_task(deal_id, buyer_visible, assignee_id)));

CREATE POLICY read ON comments FOR SELECT TO task_svc USING (
  (visibility = 'SHARED' OR (SELECT ctx.may('view_deals')) OR (SELECT ctx.may('view_all_deals')))
  AND ((SELECT ctx.may('view_all_deals')) OR ctx.sees_task(task_id)));
-- Everybody comments in their own name on the tasks that they see, and clients only for all to read.
CREATE POLICY write ON comments FOR INSERT TO task_svc WITH CHECK (
  author_id = (SELECT ctx.uid())
  AND (visibility = 'SHARED' OR (SELECT ctx.may('view_deals')) OR (SELECT ctx.may('view_all_deals')))
  AND ((SELECT ctx.may('view_all_deals')) OR ctx.sees_task(task_id)));

-- Clients do not read whom the office asked for what. Who may assign tasks of the deal asks, in nobody
-- else's name.
CREATE POLICY read ON chases FOR SELECT TO task_svc USING (
  (SELECT ctx.may('view_all_deals')) OR ((SELECT ctx.may('view_deals')) AND ctx.sees_task(task_id)));
CREATE POLICY write ON chases FOR INSERT TO task_svc WITH CHECK (
  author_id = (SELECT ctx.uid()) AND ((SELECT ctx.assigns_all()) OR (ctx.assigns_deal(deal_id) AND ctx.sees_task(task_id))));

GRANT SELECT, INSERT, UPDATE ON templates, plans, key_date_sets, key_dates, milestones, tasks TO task_svc;
GRANT SELECT, INSERT, DELETE ON dependencies TO task_svc;
GRANT SELECT, INSERT ON comments, chases TO task_svc;

-- The definer functions of ctx count open tasks and check completions.
GRANT SELECT ON tasks, plans, dependencies, key_date_sets, key_dates TO ctx_owner;
CREATE POLICY authority ON tasks FOR SELECT TO ctx_owner USING (true);
CREATE POLICY authority ON dependencies FOR SELECT TO ctx_owner USING (true);
CREATE POLICY authority ON plans FOR SELECT TO ctx_owner USING (true);
CREATE POLICY authority ON key_date_sets FOR SELECT TO ctx_owner USING (true);
CREATE POLICY authority ON key_dates FOR SELECT TO ctx_owner USING (true);

-- A count of open dependencies may change without a transition, so only a new version asks for its event.
CREATE CONSTRAINT TRIGGER require_history AFTER INSERT ON tasks
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ctx.require_history();
CREATE CONSTRAINT TRIGGER require_history_of_change AFTER UPDATE OF version ON tasks
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION ctx.require_history();
CREATE CONSTRAINT TRIGGER require_history AFTER INSERT OR UPDATE OF version ON plans
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ctx.require_history();
CREATE CONSTRAINT TRIGGER require_history AFTER INSERT OR UPDATE OF version ON key_date_sets
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ctx.require_history();
CREATE CONSTRAINT TRIGGER require_history_of_change AFTER UPDATE OF version ON milestones
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION ctx.require_history();

-- Row policies say which rows a caller may change; this says which columns. A policy that lets a buyer
-- complete its own task, or unlock what waited for it, must not let it rewrite the task.
CREATE FUNCTION guard_task() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  caller uuid := ctx.uid();
BEGIN
  IF (NEW.id, NEW.organization_id, NEW.deal_id, NEW.key, NEW.created_by, NEW.position)
     IS DISTINCT FROM (OLD.id, OLD.organization_id, OLD.deal_id, OLD.key, OLD.created_by, OLD.position) THEN
    RAISE EXCEPTION 'a task does not change its identity' USING errcode = '42501';
  END IF;
  IF ctx.may('manage_tasks') THEN
    RETURN NEW;
  END IF;

  IF (NEW.waived_by, NEW.waived_at, NEW.waive_reason, NEW.template_fields)
     IS DISTINCT FROM (OLD.waived_by, OLD.waived_at, OLD.waive_reason, OLD.template_fields)
     -- Who moves the deal's dates sets the one that makes such a task pointless, or ends its series.
     AND NOT (OLD.template_fields ?| ARRAY['cancelWhenSet', 'recurrence'] AND OLD.template_fields = NEW.template_fields
       AND OLD.deal_id IS NOT DISTINCT FROM ctx.following()) THEN
    RAISE EXCEPTION 'this change of a task needs manage_tasks' USING errcode = '42501';
  END IF;

  IF (NEW.completed_by, NEW.completed_at, NEW.completed_on, NEW.note)
     IS DISTINCT FROM (OLD.completed_by, OLD.completed_at, OLD.completed_on, OLD.note)
     AND NOT (OLD.completed_at IS NULL AND NEW.completed_by = caller AND NEW.assignee_id = caller
       AND (OLD.assignee_id = caller OR (OLD.assignee_id IS NULL AND ctx.assigns_deal(OLD.deal_id)))) THEN
    RAISE EXCEPTION 'only its assignee may complete a task' USING errcode = '42501';
  END IF;

  IF (NEW.title, NEW.description, NEW.milestone_id, NEW.kind, NEW.owner_role, NEW.chased_by, NEW.follow_up_on, NEW.assignee_id,
      NEW.est_days, NEW.critical, NEW.required, NEW.licensed_only, NEW.buyer_visible,
      NEW.deleted_at)
     IS DISTINCT FROM
     (OLD.title, OLD.description, OLD.milestone_id, OLD.kind, OLD.owner_role, OLD.chased_by, OLD.follow_up_on, OLD.assignee_id,
      OLD.est_days, OLD.critical, OLD.required, OLD.licensed_only, OLD.buyer_visible,
      OLD.deleted_at)
     AND NOT ctx.assigns_deal(OLD.deal_id) THEN
    RAISE EXCEPTION 'this change of a task needs assign_tasks' USING errcode = '42501';
  END IF;

  IF (NEW.due_date, NEW.due_time, NEW.due_at, NEW.due_rule, NEW.pinned, NEW.shift_days)
     IS DISTINCT FROM (OLD.due_date, OLD.due_time, OLD.due_at, OLD.due_rule, OLD.pinned, OLD.shift_days)
     AND OLD.deal_id IS DISTINCT FROM ctx.following() AND NOT ctx.assigns_deal(OLD.deal_id) THEN
    RAISE EXCEPTION 'the due date of a task needs assign_tasks, or create_deals on one''s own deal' USING errcode = '42501';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_task BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION guard_task();

-- Notes when a task last changed, and who changed it. Several statements write tasks, and none may forget it. All
-- changes of one transaction have the same instant, so that they share one notice.
CREATE FUNCTION note_task_handling() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  waited boolean := tg_op = 'UPDATE' AND OLD.open_dependencies > 0;
  waits boolean := NEW.open_dependencies > 0;
  was_open boolean := tg_op = 'INSERT' OR (OLD.completed_at IS NULL AND OLD.waived_at IS NULL);
  is_open boolean := NEW.completed_at IS NULL AND NEW.waived_at IS NULL;
BEGIN
  IF is_open OR was_open THEN
    NEW.finished_in := CASE WHEN NOT is_open THEN pg_current_xact_id() END;
  ELSE
    NEW.finished_in := OLD.finished_in;
  END IF;
  IF tg_op = 'INSERT' THEN
    NEW.stands_since := transaction_timestamp();
    IF NEW.assignee_id IS NOT NULL THEN
      NEW.assigned_at := transaction_timestamp();
      NEW.assigned_by := ctx.uid();
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.assignee_id IS DISTINCT FROM OLD.assignee_id THEN
    NEW.assigned_at := transaction_timestamp();
    NEW.assigned_by := ctx.uid();
    NEW.previous_assignee_id := OLD.assignee_id;
  END IF;
  IF waits THEN
    NEW.unlocked_at := NULL;
    NEW.unlocked_by := NULL;
  ELSIF waited THEN
    NEW.unlocked_at := transaction_timestamp();
    NEW.unlocked_by := ctx.uid();
  END IF;
  IF waits <> waited
     OR (NEW.assignee_id, NEW.due_date, NEW.due_time, is_open)
     IS DISTINCT FROM (OLD.assignee_id, OLD.due_date, OLD.due_time, was_open) THEN
    NEW.stands_since := transaction_timestamp();
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER note_task_handling BEFORE INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION note_task_handling();
