-- Schema identity (user-service): organizations, users, credentials, sessions, notifications.
SELECT ctx.create_service_tables('identity', 'user_svc', 'user_relay');

CREATE TABLE organizations (
  id uuid PRIMARY KEY,
  name text NOT NULL CONSTRAINT organizations_name_length CHECK (length(name) BETWEEN 1 AND 200),
  time_zone text NOT NULL DEFAULT 'America/New_York',
  -- {"name", "holidays": [{"date", "name", "yearly", "from", "until"}]}: business holidays beside the federal
  -- ones, each on one day or yearly between two dates. Null: none.
  holiday_calendar jsonb,
  -- {"ROLE": ["permission", …]}: granted beyond the default matrix. '*' cannot be granted.
  role_grants jsonb NOT NULL DEFAULT '{}' CONSTRAINT organizations_role_grants_are_not_all
    CHECK (NOT jsonb_path_exists(role_grants, '$.*[*] ? (@ == "*")')),
  version bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE organizations IS 'the tenant';

CREATE TABLE users (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES organizations (id),
  email text NOT NULL CONSTRAINT users_email_length CHECK (length(email) <= 254),
  -- The address in its normal form (domain::email), made by user-service: what addresses are compared by.
  email_key text NOT NULL,
  full_name text NOT NULL CONSTRAINT users_full_name_length CHECK (length(full_name) BETWEEN 1 AND 200),
  role text NOT NULL CONSTRAINT users_role_known
    CHECK (role IN ('BUYER', 'BUYER_AGENT', 'TRANSACTION_COORDINATOR', 'ADMIN', 'SYSTEM')),
  status text NOT NULL CONSTRAINT users_status_known CHECK (status IN ('INVITED', 'ACTIVE', 'DISABLED', 'SYSTEM')),
  invited_until timestamptz,
  -- When the person took the account; null for somebody who is or was only invited.
  joined_at timestamptz,
  -- The user's language and theme in every browser; null: as the browser asks.
  locale text CONSTRAINT users_locale_known CHECK (locale IN ('en', 'es')),
  theme text NOT NULL DEFAULT 'system' CONSTRAINT users_theme_known CHECK (theme IN ('system', 'light', 'dark')),
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT users_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT users_system_has_no_login CHECK ((role = 'SYSTEM') = (status = 'SYSTEM'))
);
COMMENT ON COLUMN users.email IS 'internal: personal data';
COMMENT ON COLUMN users.email_key IS 'internal: personal data';
-- One account an address in the whole installation; an invitation takes none until it is accepted, so
-- that nobody can keep an address from its owner by inviting it.
CREATE UNIQUE INDEX users_email_key ON users (email_key) WHERE joined_at IS NOT NULL;
CREATE UNIQUE INDEX users_organization_email_key ON users (organization_id, email_key)
  WHERE joined_at IS NOT NULL OR status = 'INVITED';
CREATE INDEX users_name_idx ON users (organization_id, lower(full_name), id);
CREATE INDEX users_search_idx ON users USING gin
  (organization_id extensions.uuid_ops, (' ' || full_name) extensions.gin_trgm_ops) WHERE status = 'ACTIVE';
CREATE UNIQUE INDEX users_system_key ON users (organization_id) WHERE role = 'SYSTEM';

CREATE TABLE credentials (
  user_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  password_hash text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT credentials_user_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
CREATE INDEX credentials_user_idx ON credentials (organization_id, user_id);

-- Attempts to sign in, counted by account and network; by address if there is no account, so that a lockout does not
-- reveal which addresses have one. Neither address nor network is kept, only their HMAC. A row is deleted when the
-- right password comes from there, or with time.
CREATE TABLE login_attempts (
  subject bytea NOT NULL,
  network bytea NOT NULL,
  failures integer NOT NULL,
  last_at timestamptz NOT NULL,
  locked_until timestamptz,
  CONSTRAINT login_attempts_pkey PRIMARY KEY (subject, network)
);
CREATE INDEX login_attempts_last_at_idx ON login_attempts (last_at);
-- The latest attempts at an account from all networks together in which its owner has not signed in lately.
CREATE TABLE stranger_guesses (
  subject bytea PRIMARY KEY,
  recent timestamptz[] NOT NULL,
  last_at timestamptz NOT NULL
);
CREATE INDEX stranger_guesses_last_at_idx ON stranger_guesses (last_at);

-- The networks, as HMAC, from which a user has signed in.
CREATE TABLE sign_in_networks (
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  network bytea NOT NULL,
  last_at timestamptz NOT NULL,
  CONSTRAINT sign_in_networks_pkey PRIMARY KEY (user_id, network),
  CONSTRAINT sign_in_networks_user_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
CREATE INDEX sign_in_networks_user_idx ON sign_in_networks (organization_id, user_id, last_at);
CREATE INDEX sign_in_networks_last_at_idx ON sign_in_networks (last_at);

-- A session is a family of refresh tokens. A token is <id>.<generation>.<HMAC of both>, so none is stored.
CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  generation integer NOT NULL DEFAULT 1,
  rotated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Counted from the sign-in: no refresh moves it.
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_reason text,
  -- Where it began, for its user: the address, and how the client called itself.
  address text,
  client text CONSTRAINT sessions_client_length CHECK (length(client) <= 256),
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT sessions_user_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
COMMENT ON COLUMN sessions.address IS 'internal: personal data';
COMMENT ON COLUMN sessions.client IS 'internal: personal data';
CREATE INDEX sessions_user_idx ON sessions (organization_id, user_id, id);
-- When a session was over, for deleting.
CREATE INDEX sessions_over_idx ON sessions (least(revoked_at, expires_at));

CREATE TABLE password_resets (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT password_resets_user_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
CREATE INDEX password_resets_user_idx ON password_resets (organization_id, user_id);
CREATE INDEX password_resets_expires_idx ON password_resets (expires_at);

-- Who has shown that mail to their address reaches them. Until somebody in an organization has, nobody else there
-- is sent mail.
CREATE TABLE email_verifications (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  verified_at timestamptz NOT NULL,
  CONSTRAINT email_verifications_user_key UNIQUE (organization_id, user_id),
  CONSTRAINT email_verifications_user_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);

-- How many mails went out on a day (UTC) for an organization, or to an address: a scope is their HMAC.
CREATE TABLE mail_quotas (
  scope bytea NOT NULL,
  day date NOT NULL,
  mails integer NOT NULL,
  CONSTRAINT mail_quotas_pkey PRIMARY KEY (scope, day)
);
CREATE INDEX mail_quotas_day_idx ON mail_quotas (day);

CREATE TABLE notifications (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  kind text NOT NULL,
  deal_id uuid,
  task_id uuid,
  title text NOT NULL,
  body text NOT NULL,
  -- Names the occasion (task, due date, kind …): the same occasion never notifies a person twice.
  dedupe_key text NOT NULL,
  -- What the mail's template is filled with. Never a token.
  params jsonb NOT NULL DEFAULT '{}',
  -- Whether the recipient's list shows it; if not, it is sent by mail alone, or not at all.
  in_app boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  read_at timestamptz,
  email_status text NOT NULL DEFAULT 'PENDING' CONSTRAINT notifications_email_status_known
    CHECK (email_status IN ('PENDING', 'SENT', 'NOT_WANTED', 'DEAD')),
  email_attempts integer NOT NULL DEFAULT 0,
  email_error text,
  -- Of a dead mail: why, in words that an administrator is shown.
  email_failure text CONSTRAINT notifications_email_failure_known
    CHECK (email_failure IN ('ADDRESS_INVALID', 'REFUSED', 'NOT_DELIVERED')),
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT notifications_user_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id),
  CONSTRAINT notifications_dedupe_key UNIQUE (organization_id, user_id, dedupe_key)
);
CREATE INDEX notifications_user_idx ON notifications (organization_id, user_id, id DESC) WHERE in_app;
CREATE INDEX notifications_dead_idx ON notifications (organization_id, id DESC) WHERE email_status = 'DEAD';
CREATE INDEX notifications_unread_idx ON notifications (organization_id, user_id) WHERE in_app AND read_at IS NULL;

CREATE TABLE notification_preferences (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  user_id uuid NOT NULL,
  -- {"KIND": {"inApp": boolean, "email": boolean}}: where the user's choice differs from both ways.
  choices jsonb NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT notification_preferences_user_key UNIQUE (organization_id, user_id),
  CONSTRAINT notification_preferences_user_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);

-- Keys that sign access tokens; the private part is encrypted with a key from the environment.
CREATE TABLE signing_keys (
  kid text PRIMARY KEY,
  public_key bytea NOT NULL,
  private_key_encrypted bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  retired_at timestamptz
);

SELECT ctx.wall(t, 'user_svc') FROM unnest(ARRAY['users', 'credentials', 'sessions', 'sign_in_networks',
  'password_resets', 'email_verifications', 'notifications', 'notification_preferences']::regclass[]) t;
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organizations AS RESTRICTIVE FOR ALL TO user_svc
  USING (id = (SELECT ctx.org())) WITH CHECK (id = (SELECT ctx.org()));
ALTER TABLE signing_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE signing_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE login_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE login_attempts FORCE ROW LEVEL SECURITY;
ALTER TABLE stranger_guesses ENABLE ROW LEVEL SECURITY;
ALTER TABLE stranger_guesses FORCE ROW LEVEL SECURITY;
ALTER TABLE mail_quotas ENABLE ROW LEVEL SECURITY;
ALTER TABLE mail_quotas FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON login_attempts FOR ALL TO user_svc USING (true) WITH CHECK (true);
CREATE POLICY service ON stranger_guesses FOR ALL TO user_svc USING (true) WITH CHECK (true);
CREATE POLICY service ON mail_quotas FOR ALL TO user_svc USING (true) WITH CHECK (true);
CREATE POLICY service ON signing_keys FOR ALL TO user_svc USING (true) WITH CHECK (true);

CREATE POLICY read ON organizations FOR SELECT TO user_svc USING (true);
CREATE POLICY found ON organizations FOR INSERT TO user_svc WITH CHECK ((SELECT ctx.may('manage_organization')));
CREATE POLICY manage ON organizations FOR UPDATE TO user_svc USING ((SELECT ctx.may('manage_organization')));

CREATE POLICY read ON users FOR SELECT TO user_svc USING (true);
CREATE POLICY invite ON users FOR INSERT TO user_svc WITH CHECK (
  (SELECT ctx.may('*')) OR ((SELECT ctx.may('manage_users')) AND role NOT IN ('ADMIN', 'SYSTEM')));
CREATE POLICY manage ON users FOR UPDATE TO user_svc USING ((SELECT ctx.may('manage_users')) OR id = (SELECT ctx.uid()));

CREATE POLICY own ON credentials FOR ALL TO user_svc
  USING (user_id = (SELECT ctx.uid())) WITH CHECK (user_id = (SELECT ctx.uid()));
-- Nobody opens a session for somebody else; who manages users ends theirs (guard_session).
CREATE POLICY read ON sessions FOR SELECT TO user_svc
  USING (user_id = (SELECT ctx.uid()) OR (SELECT ctx.may('manage_users')));
CREATE POLICY open ON sessions FOR INSERT TO user_svc WITH CHECK (user_id = (SELECT ctx.uid()));
CREATE POLICY change ON sessions FOR UPDATE TO user_svc
  USING (user_id = (SELECT ctx.uid()) OR (SELECT ctx.may('manage_users')));
CREATE POLICY own ON sign_in_networks FOR ALL TO user_svc
  USING (user_id = (SELECT ctx.uid())) WITH CHECK (user_id = (SELECT ctx.uid()));
CREATE POLICY read ON email_verifications FOR SELECT TO user_svc USING (true);
CREATE POLICY own ON email_verifications FOR INSERT TO user_svc WITH CHECK (user_id = (SELECT ctx.uid()));
CREATE POLICY own ON password_resets FOR ALL TO user_svc
  USING (user_id = (SELECT ctx.uid())) WITH CHECK (user_id = (SELECT ctx.uid()));
CREATE POLICY own ON notifications FOR SELECT TO user_svc
  USING (user_id = (SELECT ctx.uid()) OR (SELECT ctx.may('*')));
CREATE POLICY notify ON notifications FOR INSERT TO user_svc WITH CHECK (
  (SELECT ctx.may('*'))
  OR (kind = 'INVITATION' AND (SELECT ctx.may('manage_users')))
  OR (kind IN ('PASSWORD_RESET', 'EMAIL_VERIFICATION') AND user_id = (SELECT ctx.uid())));
CREATE POLICY own_update ON notifications FOR UPDATE TO user_svc
  USING (user_id = (SELECT ctx.uid()) OR (SELECT ctx.may('*')));
-- Users with manage_organization see mails that were given up, and send them again.
CREATE POLICY undelivered ON notifications FOR SELECT TO user_svc
  USING ((SELECT ctx.may('manage_organization')) AND email_status IN ('DEAD', 'PENDING'));
CREATE POLICY resend ON notifications FOR UPDATE TO user_svc
  USING ((SELECT ctx.may('manage_organization')) AND email_status = 'DEAD')
  WITH CHECK ((SELECT ctx.may('manage_organization')) AND email_status = 'PENDING');
CREATE POLICY own ON notification_preferences FOR ALL TO user_svc
  USING (user_id = (SELECT ctx.uid()) OR (SELECT ctx.may('*'))) WITH CHECK (user_id = (SELECT ctx.uid()));

-- Nobody raises their own role or revives their own account: that needs manage_users, also in the database. An invited
-- user joins with the role of the invitation.
CREATE FUNCTION guard_user_authority() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF (NEW.id, NEW.organization_id) IS DISTINCT FROM (OLD.id, OLD.organization_id) THEN
    RAISE EXCEPTION 'a user stays the same user of its organization' USING errcode = '42501';
  END IF;
  IF (NEW.role, NEW.status) IS NOT DISTINCT FROM (OLD.role, OLD.status)
     OR (NEW.role = OLD.role AND OLD.status = 'INVITED' AND NEW.status = 'ACTIVE' AND OLD.id = ctx.uid()) THEN
    RETURN NEW;
  END IF;
  IF NOT ctx.may('manage_users') THEN
    RAISE EXCEPTION 'role and status of a user are changed with manage_users only' USING errcode = '42501';
  END IF;
  IF (OLD.role IN ('ADMIN', 'SYSTEM') OR NEW.role IN ('ADMIN', 'SYSTEM')) AND NOT ctx.may('*') THEN
    RAISE EXCEPTION 'administrators are made and changed by administrators only' USING errcode = '42501';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_user_authority BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION guard_user_authority();

-- A session that has ended stays ended and stays its user's; of somebody else's only the end is written.
CREATE FUNCTION guard_session() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF (NEW.id, NEW.organization_id, NEW.user_id) IS DISTINCT FROM (OLD.id, OLD.organization_id, OLD.user_id)
     OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL) THEN
    RAISE EXCEPTION 'a session stays its user''s, and ended once it has ended' USING errcode = '42501';
  END IF;
  IF OLD.user_id IS DISTINCT FROM ctx.uid() AND NEW.revoked_at IS NULL THEN
    RAISE EXCEPTION 'somebody else''s session can only be ended' USING errcode = '42501';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_session BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION guard_session();

GRANT SELECT, INSERT, UPDATE ON organizations, users, credentials, sessions, password_resets,
  notifications, signing_keys TO user_svc;
GRANT SELECT, INSERT, UPDATE ON notification_preferences TO user_svc;
GRANT SELECT, INSERT ON email_verifications TO user_svc;
GRANT SELECT, INSERT, UPDATE, DELETE ON login_attempts, stranger_guesses, sign_in_networks, mail_quotas TO user_svc;

-- The definer functions of ctx read accounts and sessions, and delete what is over.
GRANT SELECT ON organizations, users, credentials, sessions, sign_in_networks, password_resets TO ctx_owner;
GRANT DELETE ON credentials, sessions, sign_in_networks, password_resets TO ctx_owner;
CREATE POLICY authority ON organizations FOR SELECT TO ctx_owner USING (true);
CREATE POLICY authority ON users FOR SELECT TO ctx_owner USING (true);
CREATE POLICY authority ON credentials FOR SELECT TO ctx_owner USING (true);
CREATE POLICY authority ON sessions FOR SELECT TO ctx_owner USING (true);
CREATE POLICY authority ON sign_in_networks FOR SELECT TO ctx_owner USING (true);
CREATE POLICY authority ON password_resets FOR SELECT TO ctx_owner USING (true);
CREATE POLICY void ON credentials FOR DELETE TO ctx_owner USING (true);
CREATE POLICY upkeep ON sessions FOR DELETE TO ctx_owner USING (true);
CREATE POLICY upkeep ON sign_in_networks FOR DELETE TO ctx_owner USING (true);
CREATE POLICY upkeep ON password_resets FOR DELETE TO ctx_owner USING (true);

CREATE CONSTRAINT TRIGGER require_history AFTER INSERT OR UPDATE ON users
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.role <> 'SYSTEM') EXECUTE FUNCTION ctx.require_history();
