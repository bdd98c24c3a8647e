-- Search: which deals, tasks and people a text names. These functions read the indexes over trigrams, which no policy would
-- let a service read: a pattern is compared by functions that are not leakproof, so below a policy PostgreSQL compares it
-- only with the rows that the policy has admitted, one by one. Each function asks for the organization and for what the
-- caller sees by itself, and answers ids alone; services read the rows by these, through their own policies.
\set ON_ERROR_STOP on
CREATE SCHEMA IF NOT EXISTS extensions;
REVOKE ALL ON SCHEMA extensions FROM PUBLIC;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA extensions;
-- Lets the organization lead an index over trigrams.
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA extensions;
-- Makes its settings known, so that functions may set them.
LOAD 'pg_trgm';
GRANT USAGE ON SCHEMA extensions TO ctx_owner, user_owner, deal_owner;

SET ROLE ctx_owner;
SET check_function_bodies = off;

-- The deals in which the caller may find something; null for all of its organization.
CREATE OR REPLACE FUNCTION ctx.searched_deals() RETURNS uuid[]
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  RETURN CASE WHEN ctx.may('view_all_deals') THEN NULL ELSE ARRAY(SELECT s FROM ctx.seen_deals() s) END;
END $$;

-- Each of the following takes the words of a text as patterns, the longest first, and finds what has all of them; if
-- nothing has, what resembles the whole text. Of more than a thousand results the first thousand are ranked. Plans are
-- made for the values at hand: which index serves best depends on the words and on how many deals the caller sees. ROWS
-- lets the caller's join use keys. A caller who sees no deal is answered at once: for an empty list of ids PostgreSQL
-- might take any index.

-- Deals by name and address.
CREATE OR REPLACE FUNCTION ctx.find_deals(p_text text, p_patterns text[], p_limit integer)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE ROWS 20 SECURITY DEFINER SET search_path = pg_catalog
  SET plan_cache_mode = force_custom_plan SET pg_trgm.word_similarity_threshold = 0.5 AS $$
DECLARE
  v_seen uuid[] := ctx.searched_deals();
  v_first text := p_patterns[1];
  v_second text := coalesce(p_patterns[2], v_first);
BEGIN
  IF cardinality(v_seen) = 0 THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT f.id, extensions.word_similarity(p_text, f.words) FROM (
      SELECT d.id, d.search_text AS words FROM deal.deals d
       WHERE d.organization_id = ctx.org() AND d.status <> 'DELETED' AND (v_seen IS NULL OR d.id = ANY (v_seen))
         AND d.search_text ILIKE v_first AND d.search_text ILIKE v_second AND d.search_text ILIKE ALL (p_patterns) LIMIT 1000) f
    ORDER BY 2 DESC, 1 DESC LIMIT p_limit;
  IF FOUND THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT f.id, extensions.word_similarity(p_text, f.words) FROM (
      SELECT d.id, d.search_text AS words FROM deal.deals d
       WHERE d.organization_id = ctx.org() AND d.status <> 'DELETED' AND (v_seen IS NULL OR d.id = ANY (v_seen))
         AND d.search_text OPERATOR(extensions.%>) p_text LIMIT 1000) f
    ORDER BY 2 DESC, 1 DESC LIMIT p_limit;
END $$;

-- Tasks by title, those first that are still to be done. A client finds what is meant for clients, and its own.
CREATE OR REPLACE FUNCTION ctx.find_tasks(p_text text, p_patterns text[], p_limit integer)
  RETURNS TABLE (id uuid, is_open boolean, rank real)
  LANGUAGE plpgsql STABLE ROWS 20 SECURITY DEFINER SET search_path = pg_catalog
  SET plan_cache_mode = force_custom_plan SET pg_trgm.word_similarity_threshold = 0.5 AS $$
DECLARE
  v_seen uuid[] := ctx.searched_deals();
  v_is_staff boolean := ctx.may('view_deals') OR ctx.may('view_all_deals');
  v_first text := p_patterns[1];
  v_second text := coalesce(p_patterns[2], v_first);
BEGIN
  IF cardinality(v_seen) = 0 THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT f.id, f.is_open, extensions.word_similarity(p_text, f.title) FROM (
      SELECT t.id, t.title, t.status NOT IN ('COMPLETED', 'WAIVED') AS is_open FROM deal.task_view t
       WHERE t.organization_id = ctx.org() AND NOT t.is_deleted AND (v_seen IS NULL OR t.deal_id = ANY (v_seen))
         AND (v_is_staff OR t.buyer_visible OR t.assignee_id = ctx.uid())
         AND ' ' || t.title ILIKE v_first AND ' ' || t.title ILIKE v_second AND ' ' || t.title ILIKE ALL (p_patterns) LIMIT 1000) f
    ORDER BY 2 DESC, 3 DESC, 1 DESC LIMIT p_limit;
  IF FOUND THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT f.id, f.is_open, extensions.word_similarity(p_text, f.title) FROM (
      SELECT t.id, t.title, t.status NOT IN ('COMPLETED', 'WAIVED') AS is_open FROM deal.task_view t
       WHERE t.organization_id = ctx.org() AND NOT t.is_deleted AND (v_seen IS NULL OR t.deal_id = ANY (v_seen))
         AND (v_is_staff OR t.buyer_visible OR t.assignee_id = ctx.uid())
         AND (' ' || t.title) OPERATOR(extensions.%>) p_text LIMIT 1000) f
    ORDER BY 2 DESC, 3 DESC, 1 DESC LIMIT p_limit;
END $$;

-- Parties by name.
CREATE OR REPLACE FUNCTION ctx.find_parties(p_text text, p_patterns text[], p_limit integer)
  RETURNS TABLE (id uuid, rank real)
  LANGUAGE plpgsql STABLE ROWS 20 SECURITY DEFINER SET search_path = pg_catalog
  SET plan_cache_mode = force_custom_plan SET pg_trgm.word_similarity_threshold = 0.5 AS $$
DECLARE
  v_seen uuid[] := ctx.searched_deals();
  v_first text := p_patterns[1];
  v_second text := coalesce(p_patterns[2], v_first);
BEGIN
  IF cardinality(v_seen) = 0 THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT f.id, extensions.word_similarity(p_text, f.name) FROM (
      SELECT p.id, p.name FROM deal.parties p
       WHERE p.organization_id = ctx.org() AND p.removed_at IS NULL AND (v_seen IS NULL OR p.deal_id = ANY (v_seen))
         AND ' ' || p.name ILIKE v_first AND ' ' || p.name ILIKE v_second AND ' ' || p.name ILIKE ALL (p_patterns) LIMIT 1000) f
    ORDER BY 2 DESC, 1 DESC LIMIT p_limit;
  IF FOUND THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT f.id, extensions.word_similarity(p_text, f.name) FROM (
      SELECT p.id, p.name FROM deal.parties p
       WHERE p.organization_id = ctx.org() AND p.removed_at IS NULL AND (v_seen IS NULL OR p.deal_id = ANY (v_seen))
         AND (' ' || p.name) OPERATOR(extensions.%>) p_text LIMIT 1000) f
    ORDER BY 2 DESC, 1 DESC LIMIT p_limit;
END $$;

-- Active users by name, for staff: names and roles are what everybody of the organization may know of them.
CREATE OR REPLACE FUNCTION ctx.find_users(p_text text, p_patterns text[], p_limit integer)
  RETURNS TABLE (id uuid, full_name text, role text, rank real)
  LANGUAGE plpgsql STABLE ROWS 20 SECURITY DEFINER SET search_path = pg_catalog
  SET plan_cache_mode = force_custom_plan SET pg_trgm.word_similarity_threshold = 0.5 AS $$
DECLARE
  v_first text := p_patterns[1];
  v_second text := coalesce(p_patterns[2], v_first);
BEGIN
  IF NOT (ctx.may('view_deals') OR ctx.may('view_all_deals')) THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT f.id, f.full_name, f.role, extensions.word_similarity(p_text, f.full_name) FROM (
      SELECT u.id, u.full_name, u.role FROM identity.users u
       WHERE u.organization_id = ctx.org() AND u.status = 'ACTIVE' AND u.role <> 'SYSTEM'
         AND ' ' || u.full_name ILIKE v_first AND ' ' || u.full_name ILIKE v_second AND ' ' || u.full_name ILIKE ALL (p_patterns) LIMIT 1000) f
    ORDER BY 4 DESC, 1 LIMIT p_limit;
  IF FOUND THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT f.id, f.full_name, f.role, extensions.word_similarity(p_text, f.full_name) FROM (
      SELECT u.id, u.full_name, u.role FROM identity.users u
       WHERE u.organization_id = ctx.org() AND u.status = 'ACTIVE' AND u.role <> 'SYSTEM'
         AND (' ' || u.full_name) OPERATOR(extensions.%>) p_text LIMIT 1000) f
    ORDER BY 4 DESC, 1 LIMIT p_limit;
END $$;

GRANT EXECUTE ON FUNCTION ctx.find_deals(text, text[], integer), ctx.find_tasks(text, text[], integer),
  ctx.find_parties(text, text[], integer), ctx.find_users(text, text[], integer) TO deal_svc;
RESET ROLE;
