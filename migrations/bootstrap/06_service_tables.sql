-- What every service's schema has beside its business: outbox, inbox, idempotency records.
-- One definition, called by the first migration of each context as its owner.
\set ON_ERROR_STOP on
SET ROLE ctx_owner;

CREATE OR REPLACE FUNCTION ctx.create_service_tables(p_schema text, p_service name, p_relay name) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  EXECUTE replace(replace(replace($ddl$
    CREATE TABLE @schema.event_outbox (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id uuid NOT NULL CONSTRAINT event_outbox_id_key UNIQUE,
      organization_id uuid NOT NULL,
      aggregate_type text NOT NULL,
      aggregate_id uuid NOT NULL,
      aggregate_version bigint NOT NULL,
      event_type text NOT NULL,
      schema_version smallint NOT NULL,
      event_data jsonb NOT NULL,
      actor_user_id uuid NOT NULL,
      request_id text,
      cause_event_id uuid,
      traceparent text,
      shard smallint GENERATED ALWAYS AS (get_byte(uuid_send(aggregate_id), 15) & 15) STORED,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      processed_at timestamptz,
      -- Not taken by the broker, or behind an event of its aggregate that was not: no relay looks at it until the
      -- first of them is tried again (next_attempt_at; infinity for those behind it).
      held boolean NOT NULL DEFAULT false,
      attempts integer NOT NULL DEFAULT 0,
      next_attempt_at timestamptz NOT NULL DEFAULT '-infinity',
      last_error text,
      CONSTRAINT event_outbox_aggregate_version_key UNIQUE (aggregate_id, aggregate_version));
    COMMENT ON TABLE @schema.event_outbox IS 'events of committed changes, waiting for the relay; never confidential values';
    CREATE INDEX event_outbox_due_idx ON @schema.event_outbox (organization_id, seq) WHERE processed_at IS NULL AND NOT held;
    CREATE INDEX event_outbox_held_idx ON @schema.event_outbox (aggregate_id) WHERE held;
    CREATE INDEX event_outbox_next_attempt_idx ON @schema.event_outbox (next_attempt_at) WHERE held;
    CREATE INDEX event_outbox_processed_idx ON @schema.event_outbox (processed_at) WHERE processed_at IS NOT NULL;
    ALTER TABLE @schema.event_outbox ENABLE ROW LEVEL SECURITY;
    ALTER TABLE @schema.event_outbox FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON @schema.event_outbox AS RESTRICTIVE FOR INSERT TO @service
      WITH CHECK (organization_id = (SELECT ctx.org()));
    CREATE POLICY write ON @schema.event_outbox FOR INSERT TO @service WITH CHECK (true);
    CREATE POLICY relay ON @schema.event_outbox FOR ALL TO @relay USING (true);
    CREATE POLICY history ON @schema.event_outbox FOR SELECT TO ctx_owner USING (true);
    GRANT INSERT (id, organization_id, aggregate_type, aggregate_id, aggregate_version, event_type, schema_version,
                  event_data, actor_user_id, request_id, cause_event_id, traceparent) ON @schema.event_outbox TO @service;
    GRANT SELECT, DELETE, UPDATE (processed_at, held, attempts, next_attempt_at, last_error) ON @schema.event_outbox TO @relay;
    GRANT SELECT ON @schema.event_outbox TO ctx_owner;

    -- Commits ring here, so that the relay wakes at once.
    CREATE FUNCTION @schema.notify_outbox() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $f$
      BEGIN PERFORM pg_notify('@schema_outbox', ''); RETURN NULL; END $f$;
    CREATE TRIGGER notify_outbox AFTER INSERT ON @schema.event_outbox
      FOR EACH STATEMENT EXECUTE FUNCTION @schema.notify_outbox();

    CREATE TABLE @schema.outbox_shard (shard smallint PRIMARY KEY);
    INSERT INTO @schema.outbox_shard SELECT generate_series(0, 15);
    GRANT SELECT, UPDATE ON @schema.outbox_shard TO @relay;

    -- Messages whose effect is in this database.
    CREATE TABLE @schema.inbox (
      consumer text NOT NULL,
      message_id uuid NOT NULL,
      received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      CONSTRAINT inbox_pkey PRIMARY KEY (consumer, message_id));
    CREATE INDEX inbox_received_idx ON @schema.inbox (received_at);
    -- The last version of each aggregate that was applied: an older one is a duplicate, a later one a gap.
    CREATE TABLE @schema.inbox_position (
      consumer text NOT NULL,
      aggregate_id uuid NOT NULL,
      version bigint NOT NULL,
      CONSTRAINT inbox_position_pkey PRIMARY KEY (consumer, aggregate_id));
    -- Events that came before their predecessor. They leave with their effect, or for the dead letters.
    CREATE TABLE @schema.inbox_parked (
      consumer text NOT NULL,
      organization_id uuid NOT NULL,
      aggregate_id uuid NOT NULL,
      version bigint NOT NULL,
      message_id uuid NOT NULL,
      envelope bytea NOT NULL,
      parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      attempts integer NOT NULL DEFAULT 0,
      next_attempt_at timestamptz NOT NULL DEFAULT '-infinity',
      last_error text,
      CONSTRAINT inbox_parked_pkey PRIMARY KEY (consumer, aggregate_id, version));
    GRANT SELECT, INSERT, DELETE ON @schema.inbox, @schema.inbox_parked TO @service;
    GRANT UPDATE (attempts, next_attempt_at, last_error) ON @schema.inbox_parked TO @service;
    GRANT SELECT, INSERT, UPDATE, DELETE ON @schema.inbox_position TO @service;

    CREATE TABLE @schema.idempotency (
      organization_id uuid NOT NULL,
      user_id uuid NOT NULL,
      route text NOT NULL,
      key text NOT NULL,
      fingerprint bytea NOT NULL,
      status smallint,
      headers jsonb,
      body text,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '24 hours',
      CONSTRAINT idempotency_pkey PRIMARY KEY (organization_id, user_id, route, key));
    CREATE INDEX idempotency_expires_idx ON @schema.idempotency (expires_at);
    ALTER TABLE @schema.idempotency ENABLE ROW LEVEL SECURITY;
    ALTER TABLE @schema.idempotency FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON @schema.idempotency AS RESTRICTIVE FOR ALL TO @service
      USING (organization_id = (SELECT ctx.org())) WITH CHECK (organization_id = (SELECT ctx.org()));
    CREATE POLICY own ON @schema.idempotency FOR ALL TO @service
      USING (user_id = (SELECT ctx.uid())) WITH CHECK (user_id = (SELECT ctx.uid()));
    CREATE POLICY cleanup ON @schema.idempotency FOR ALL TO @relay USING (expires_at < clock_timestamp());
    GRANT SELECT, INSERT, UPDATE, DELETE ON @schema.idempotency TO @service;
    GRANT SELECT, DELETE ON @schema.idempotency TO @relay;
    GRANT SELECT, DELETE ON @schema.inbox TO @relay;
  $ddl$, '@schema', p_schema), '@service', p_service), '@relay', p_relay);
END $$;

-- Walls a table of a service's schema: row security on and forced, and the tenant policy.
CREATE OR REPLACE FUNCTION ctx.wall(p_table regclass, p_service name) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
  EXECUTE format('CREATE POLICY tenant ON %s AS RESTRICTIVE FOR ALL TO %I USING (organization_id = (SELECT ctx.org())) WITH CHECK (organization_id = (SELECT ctx.org()))', p_table, p_service);
END $$;

-- A change without history must not commit: the row's new version needs its event in the outbox.
-- Definer, because services cannot read the outbox.
CREATE OR REPLACE FUNCTION ctx.require_history() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE found boolean;
BEGIN
  -- Spelled out for each schema: what EXECUTE runs is planned for every row.
  CASE tg_table_schema
    WHEN 'task' THEN found := EXISTS (
      SELECT FROM task.event_outbox WHERE aggregate_id = NEW.id AND aggregate_version = NEW.version);
    WHEN 'deal' THEN found := EXISTS (
      SELECT FROM deal.event_outbox WHERE aggregate_id = NEW.id AND aggregate_version = NEW.version);
    WHEN 'identity' THEN found := EXISTS (
      SELECT FROM identity.event_outbox WHERE aggregate_id = NEW.id AND aggregate_version = NEW.version);
  END CASE;
  IF NOT found THEN
    RAISE EXCEPTION 'version % of %.% % has no event', NEW.version, tg_table_schema, tg_table_name, NEW.id USING errcode = '23514';
  END IF;
  RETURN NULL;
END $$;

GRANT EXECUTE ON FUNCTION ctx.create_service_tables(text, name, name), ctx.wall(regclass, name), ctx.require_history()
  TO user_owner, deal_owner, task_owner;
RESET ROLE;
