-- What must happen before there is a signed-in user: sign-up, login, refresh, redeeming a token.
-- Each does one thing and is executable by user-service alone.
\set ON_ERROR_STOP on
SET ROLE ctx_owner;
SET check_function_bodies = off;

-- The account behind an e-mail address in its normal form, for checking a password, and whether its owner has
-- signed in from this network since then. No row: no such account.
CREATE OR REPLACE FUNCTION ctx.login_lookup(p_email_key text, p_network bytea, p_since timestamptz)
  RETURNS TABLE (user_id uuid, status text, password_hash text, changed_at timestamptz, is_known_network boolean)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT u.id, u.status, c.password_hash, c.changed_at,
         EXISTS (SELECT FROM identity.sign_in_networks n
                  WHERE n.user_id = u.id AND n.network = p_network AND n.last_at > p_since)
    FROM identity.users u JOIN identity.credentials c ON c.user_id = u.id
   WHERE u.email_key = p_email_key AND u.joined_at IS NOT NULL;
END $$;

-- Opens the context of an organization that does not exist yet, for its founder.
CREATE OR REPLACE FUNCTION ctx.enter_signup(p_organization uuid, p_user uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (SELECT FROM identity.organizations o WHERE o.id = p_organization)
     OR EXISTS (SELECT FROM identity.users u WHERE u.id = p_user) THEN
    RAISE EXCEPTION 'organization or user exists' USING errcode = '28000';
  END IF;
  PERFORM set_config('app.current_user_id', p_user::text, true),
          set_config('app.current_org_id', p_organization::text, true),
          set_config('app.permissions', '*', true),
          set_config('app.permitted_ids', '', true);
END $$;

-- Opens a context without any permission, for a user who has just proved who they are by a password or
-- a token: enough for their own account and sessions, nothing else.
CREATE OR REPLACE FUNCTION ctx.enter_identity(p_user uuid)
  RETURNS TABLE (organization_id uuid, status text, role text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  SELECT u.organization_id, u.status, u.role INTO organization_id, status, role
    FROM identity.users u WHERE u.id = p_user AND u.status IN ('ACTIVE', 'INVITED') AND u.role <> 'SYSTEM';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no such user' USING errcode = '28000';
  END IF;
  PERFORM set_config('app.current_user_id', p_user::text, true),
          set_config('app.current_org_id', organization_id::text, true),
          set_config('app.permissions', '', true),
          set_config('app.permitted_ids', '', true);
  RETURN NEXT;
END $$;

-- Whose session this is, for a refresh token.
CREATE OR REPLACE FUNCTION ctx.session_owner(p_session uuid)
  RETURNS TABLE (user_id uuid)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT s.user_id FROM identity.sessions s WHERE s.id = p_session;
END $$;

-- What a live session lets its user do, for the session check by the gateway. The same rule as in
-- ctx.enter, without opening a context. No row: no such session, or no longer.
CREATE OR REPLACE FUNCTION ctx.session_state(p_session uuid)
  RETURNS TABLE (user_id uuid, organization_id uuid, role text, permissions text[], expires_at timestamptz)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT u.id, u.organization_id, u.role,
         ctx.effective_permissions(u.role, o.role_grants),
         s.expires_at
    FROM identity.sessions s
    JOIN identity.users u ON u.id = s.user_id AND u.status = 'ACTIVE'
    JOIN identity.organizations o ON o.id = u.organization_id
   WHERE s.id = p_session AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp();
END $$;

-- Whose password reset this is, as long as it can be redeemed: for a reset token, and before one is mailed.
CREATE OR REPLACE FUNCTION ctx.reset_owner(p_reset uuid)
  RETURNS TABLE (user_id uuid)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY SELECT r.user_id FROM identity.password_resets r
   WHERE r.id = p_reset AND r.used_at IS NULL AND r.expires_at > clock_timestamp();
END $$;

-- Whether this address is the account of somebody else, so that an invitation to it can never be accepted.
CREATE OR REPLACE FUNCTION ctx.email_has_account(p_email_key text, p_but uuid) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN EXISTS (SELECT FROM identity.users u
    WHERE u.email_key = p_email_key AND u.joined_at IS NOT NULL AND u.id <> p_but);
END $$;

-- Deletes the password of a user who was disabled and is invited again.
CREATE OR REPLACE FUNCTION ctx.void_credentials(p_user uuid) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
  DELETE FROM identity.credentials c
   WHERE c.organization_id = ctx.org() AND c.user_id = p_user AND (SELECT ctx.may('manage_users'))
     AND EXISTS (SELECT FROM identity.users u WHERE u.id = p_user AND u.status = 'INVITED') $$;

-- Deletes a batch of sessions that were over before then; answers how many.
CREATE OR REPLACE FUNCTION ctx.delete_ended_sessions(p_before timestamptz, p_limit integer) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH gone AS (
    DELETE FROM identity.sessions WHERE id IN (
      SELECT id FROM identity.sessions WHERE least(revoked_at, expires_at) < least(p_before, clock_timestamp()) LIMIT p_limit)
    RETURNING 1)
  SELECT count(*) FROM gone $$;

-- Deletes a batch of password resets that ran out before then; answers how many.
CREATE OR REPLACE FUNCTION ctx.delete_old_resets(p_before timestamptz, p_limit integer) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH gone AS (
    DELETE FROM identity.password_resets WHERE id IN (
      SELECT id FROM identity.password_resets WHERE expires_at < least(p_before, clock_timestamp()) LIMIT p_limit)
    RETURNING 1)
  SELECT count(*) FROM gone $$;

-- Deletes a batch of networks from which nobody has signed in since then; answers how many.
CREATE OR REPLACE FUNCTION ctx.delete_old_networks(p_before timestamptz, p_limit integer) RETURNS bigint
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH gone AS (
    DELETE FROM identity.sign_in_networks WHERE (user_id, network) IN (
      SELECT user_id, network FROM identity.sign_in_networks WHERE last_at < p_before LIMIT p_limit)
    RETURNING 1)
  SELECT count(*) FROM gone $$;

GRANT EXECUTE ON FUNCTION ctx.login_lookup(text, bytea, timestamptz), ctx.enter_signup(uuid, uuid),
  ctx.enter_identity(uuid), ctx.session_owner(uuid), ctx.session_state(uuid), ctx.reset_owner(uuid),
  ctx.email_has_account(text, uuid), ctx.void_credentials(uuid), ctx.delete_ended_sessions(timestamptz, integer),
  ctx.delete_old_resets(timestamptz, integer), ctx.delete_old_networks(timestamptz, integer) TO user_svc;
RESET ROLE;
