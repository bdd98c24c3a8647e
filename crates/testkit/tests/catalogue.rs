//! Rules about the database itself, read from its catalogue: each query lists what breaks the rule.

use domain::permission::{Role, default_permissions};
use testkit::Database;

/// Schemas of the services.
const SERVICE_SCHEMAS: &str = "('identity', 'deal', 'task')";

/// Tables without a tenant, each with its reason:
/// sqlx's own record of migrations; keys that sign for everybody; failed sign-ins, counted by account
/// or address before anybody is known; mails of a day, counted by address as well; shards and inboxes, which hold no tenant's data but ids of messages.
const WITHOUT_TENANT: &str = "('_sqlx_migrations', 'signing_keys', 'login_attempts', 'stranger_guesses', 'mail_quotas', 'outbox_shard', 'inbox', 'inbox_position', 'inbox_parked')";

async fn must_be_empty(rule: &str, sql: String) {
    let broken = Database::superuser().await.rows(&sql).await;
    assert!(broken.is_empty(), "{rule}: {broken:#?}");
}

#[tokio::test]
async fn every_tenant_table_has_forced_row_security() {
    must_be_empty(
        "row security is enabled and forced",
        format!(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE (n.nspname IN {SERVICE_SCHEMAS} OR n.nspname = 'audit') AND c.relkind IN ('r', 'p')
                AND c.relname NOT IN {WITHOUT_TENANT} AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        ),
    )
    .await;
}

#[tokio::test]
async fn every_tenant_table_has_a_restrictive_tenant_policy() {
    must_be_empty(
        "a restrictive policy named tenant is on every table",
        format!(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE (n.nspname IN {SERVICE_SCHEMAS} OR n.nspname IN ('audit', 'ctx')) AND c.relkind IN ('r', 'p')
                AND c.relname NOT IN {WITHOUT_TENANT}
                AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant' AND NOT p.polpermissive)"
        ),
    )
    .await;
}

#[tokio::test]
async fn no_table_belongs_to_a_role_that_can_log_in() {
    must_be_empty(
        "owners cannot log in",
        format!(
            "SELECT n.nspname, c.relname, r.rolname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               JOIN pg_roles r ON r.oid = c.relowner
              WHERE (n.nspname IN {SERVICE_SCHEMAS} OR n.nspname IN ('audit', 'ctx'))
                AND c.relkind IN ('r', 'p', 'v', 'S') AND r.rolcanlogin"
        ),
    )
    .await;
}

#[tokio::test]
async fn no_service_role_is_powerful_or_member_of_an_owner() {
    must_be_empty(
        "login roles are neither superuser nor exempt from row security, and only migration roles are members of an owner",
        "SELECT r.rolname FROM pg_roles r WHERE r.rolcanlogin AND r.rolname ~ '_(svc|relay|migrate|maint|sealer)$|^auditor$'
            AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb)
         UNION ALL
         SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles o ON o.oid = a.roleid
          WHERE o.rolname LIKE '%\\_owner' AND m.rolname NOT LIKE '%\\_migrate' AND NOT m.rolsuper"
            .to_owned(),
    )
    .await;
}

#[tokio::test]
async fn no_service_role_reaches_another_services_schema() {
    must_be_empty(
        "a service uses its own schema, ctx and audit",
        "SELECT r.role, n.nspname FROM pg_namespace n,
           (VALUES ('user_svc', 'identity'), ('user_relay', 'identity'), ('deal_svc', 'deal'), ('deal_relay', 'deal'),
                   ('task_svc', 'task'), ('task_relay', 'task'), ('auditor', 'audit')) AS r(role, own)
          WHERE n.nspname IN ('identity', 'deal', 'task', 'guard') AND n.nspname <> r.own
            AND has_schema_privilege(r.role, n.nspname, 'USAGE')"
            .to_owned(),
    )
    .await;
}

#[tokio::test]
async fn policies_read_the_context_once_and_through_stable_functions() {
    must_be_empty(
        "no policy has a bare current_setting or calls a context function outside a sub-select",
        format!(
            "SELECT schemaname, tablename, policyname, coalesce(qual, '') || coalesce(with_check, '') AS expression
               FROM pg_policies WHERE schemaname IN {SERVICE_SCHEMAS} OR schemaname IN ('audit', 'ctx')
              GROUP BY 1, 2, 3, 4
             HAVING coalesce(qual, '') || coalesce(with_check, '') LIKE '%current_setting(%'
                 OR regexp_replace(coalesce(qual, '') || coalesce(with_check, ''), 'SELECT ctx\\.', '', 'g') ~ 'ctx\\.(org|uid|may|permitted|following|steers_all|assigns_all|seen_deals|staff_deals|client_deals)\\('"
        )
        .replace("GROUP BY 1, 2, 3, 4", "GROUP BY schemaname, tablename, policyname, qual, with_check"),
    )
    .await;
    must_be_empty(
        "functions in policies are STABLE or IMMUTABLE",
        "SELECT DISTINCT p.oid::regprocedure::text FROM pg_policy y
           JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = y.oid AND d.refclassid = 'pg_proc'::regclass
           JOIN pg_proc p ON p.oid = d.refobjid WHERE p.provolatile = 'v'"
            .to_owned(),
    )
    .await;
}

/// A table with policies in a policy makes plans of plans: one UPDATE of a task once had 150 sub-plans.
#[tokio::test]
async fn policies_name_settings_and_functions_and_no_other_table() {
    must_be_empty(
        "no policy of a service's table reads another table",
        format!(
            "SELECT y.polrelid::regclass::text AS on_table, y.polname, d.refobjid::regclass::text AS reads FROM pg_policy y
               JOIN pg_class c ON c.oid = y.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
               JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = y.oid AND d.refclassid = 'pg_class'::regclass
              WHERE n.nspname IN {SERVICE_SCHEMAS} AND d.refobjid <> y.polrelid"
        ),
    )
    .await;
}

#[tokio::test]
async fn context_functions_can_be_inlined() {
    must_be_empty(
        "functions that only read the context are SQL expressions without SET",
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
          WHERE p.pronamespace = 'ctx'::regnamespace
            AND p.proname IN ('uid', 'org', 'may', 'permitted', 'following', 'steers_all', 'assigns_all')
            AND (l.lanname <> 'sql' OR p.prosqlbody IS NULL OR p.proconfig IS NOT NULL OR p.prosecdef OR p.provolatile <> 's')"
            .to_owned(),
    )
    .await;
}

/// What the database knows of deals, and who sees them, follows from the deals themselves.
#[tokio::test]
async fn no_service_role_writes_the_shared_authority() {
    must_be_empty(
        "tables of ctx are written by functions of ctx alone",
        "SELECT c.relname, r.rolname FROM pg_class c, pg_roles r
          WHERE c.relnamespace = 'ctx'::regnamespace AND c.relkind IN ('r', 'p') AND r.rolcanlogin AND NOT r.rolsuper
            AND has_any_column_privilege(r.rolname, c.oid, 'INSERT, UPDATE')
         UNION ALL
         SELECT c.relname, r.rolname FROM pg_class c, pg_roles r
          WHERE c.relnamespace = 'ctx'::regnamespace AND c.relkind IN ('r', 'p') AND r.rolcanlogin AND NOT r.rolsuper
            AND has_table_privilege(r.rolname, c.oid, 'DELETE, TRUNCATE')"
            .to_owned(),
    )
    .await;
}

#[tokio::test]
async fn definer_functions_pin_their_search_path_and_are_granted_by_name() {
    must_be_empty(
        "SECURITY DEFINER functions have a fixed search_path and no EXECUTE for PUBLIC",
        "SELECT n.nspname, p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
          WHERE p.prosecdef AND n.nspname IN ('ctx', 'audit', 'identity', 'deal', 'task')
            AND (NOT EXISTS (SELECT FROM unnest(coalesce(p.proconfig, '{}')) s WHERE s LIKE 'search_path=%')
              OR p.proacl IS NULL
              OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))"
            .to_owned(),
    )
    .await;
}

#[tokio::test]
async fn there_are_no_views_that_bypass_row_security() {
    must_be_empty(
        "views are security_invoker, and there are no materialised ones",
        format!(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname IN {SERVICE_SCHEMAS} AND (c.relkind = 'm'
                OR (c.relkind = 'v' AND NOT coalesce(c.reloptions, '{{}}') @> ARRAY['security_invoker=true']))"
        ),
    )
    .await;
}

#[tokio::test]
async fn foreign_keys_between_tenant_tables_begin_with_the_organization() {
    must_be_empty(
        "a foreign key carries organization_id first",
        format!(
            "SELECT c.conrelid::regclass::text AS on_table, c.conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
              WHERE c.contype = 'f' AND n.nspname IN {SERVICE_SCHEMAS} AND c.conparentid = 0
                AND (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1]) <> 'organization_id'"
        ),
    )
    .await;
}

/// Reasons: addresses are unique in the whole installation, since a person signs in with nothing else;
/// event ids and versions are the broker's keys.
#[tokio::test]
async fn unique_business_keys_begin_with_the_organization() {
    must_be_empty(
        "a unique key that is not an id begins with organization_id",
        format!(
            "SELECT i.indrelid::regclass::text AS on_table, x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
               JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
              WHERE i.indisunique AND NOT i.indisprimary AND n.nspname IN {SERVICE_SCHEMAS} AND t.relname NOT IN {WITHOUT_TENANT}
                AND NOT t.relispartition
                AND x.relname NOT IN ('users_email_key', 'event_outbox_id_key', 'event_outbox_aggregate_version_key')
                AND coalesce((SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0]), '') <> 'organization_id'"
        ),
    )
    .await;
}

#[tokio::test]
async fn columns_have_no_enum_and_no_zoneless_timestamp() {
    must_be_empty(
        "statuses are text with a check, instants are timestamptz",
        format!(
            "SELECT n.nspname, c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
               JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
              WHERE (n.nspname IN {SERVICE_SCHEMAS} OR n.nspname IN ('ctx', 'audit')) AND a.attnum > 0 AND NOT a.attisdropped
                AND c.relkind IN ('r', 'p') AND (t.typtype = 'e' OR t.typname = 'timestamp')"
        ),
    )
    .await;
}

#[tokio::test]
async fn nobody_is_granted_truncate_references_or_trigger() {
    must_be_empty(
        "no role but an owner holds TRUNCATE, REFERENCES or TRIGGER; owners may refer to ctx.deals",
        format!(
            "SELECT n.nspname, c.relname, a.grantee::regrole::text AS grantee, a.privilege_type
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
              WHERE (n.nspname IN {SERVICE_SCHEMAS} OR n.nspname IN ('ctx', 'audit')) AND a.grantee <> c.relowner
                AND a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
                AND NOT (c.oid = 'ctx.deals'::regclass AND a.privilege_type = 'REFERENCES' AND a.grantee::regrole::text LIKE '%_owner')"
        ),
    )
    .await;
}

#[tokio::test]
async fn partitions_carry_no_grants_and_audit_partitions_are_armed() {
    must_be_empty(
        "nothing is granted on a partition",
        "SELECT c.oid::regclass::text AS name, a.grantee::regrole::text AS grantee FROM pg_class c, aclexplode(c.relacl) a
          WHERE c.relispartition AND c.relkind = 'r' AND a.grantee <> c.relowner"
            .to_owned(),
    )
    .await;
    must_be_empty(
        "each audit partition has its three triggers, enabled always",
        "SELECT c.relname FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
          WHERE i.inhparent = 'audit.audit_log'::regclass AND 3 <> (
            SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'A'
               AND t.tgname IN ('no_update_delete', 'no_truncate_partition', 'no_update_delete_partition'))"
            .to_owned(),
    )
    .await;
}

#[tokio::test]
async fn every_foreign_key_has_an_index_that_begins_with_it() {
    must_be_empty(
        "an index serves each foreign key, or the organization and the id in it",
        format!(
            "SELECT c.conrelid::regclass::text AS on_table, c.conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
              WHERE c.contype = 'f' AND n.nspname IN {SERVICE_SCHEMAS} AND c.conparentid = 0
                AND c.conrelid <> 'identity.users'::regclass
                AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indisvalid
                  AND (c.conkey @> (i.indkey::int2[])[0:array_length(c.conkey, 1) - 1] OR i.indkey[0] = c.conkey[array_length(c.conkey, 1)]
                    OR (i.indkey[0] = c.conkey[1] AND i.indkey[1] = c.conkey[array_length(c.conkey, 1)])))"
        ),
    )
    .await;
}

#[tokio::test]
async fn no_function_of_ours_claims_to_leak_nothing() {
    // A LEAKPROOF function is run on rows that the policies have not admitted yet. Ids below 16384 are PostgreSQL's own.
    must_be_empty(
        "no function is marked LEAKPROOF",
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.proleakproof AND p.oid >= 16384"
            .to_owned(),
    )
    .await;
}

#[tokio::test]
async fn the_server_is_not_older_than_the_known_row_security_fixes() {
    must_be_empty(
        "PostgreSQL is at least 15.14, 16.10 or 17.6 (CVE-2025-8713)",
        "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS v
          WHERE NOT CASE current_setting('server_version_num')::int / 10000
            WHEN 15 THEN current_setting('server_version_num')::int >= 150014
            WHEN 16 THEN current_setting('server_version_num')::int >= 160010
            WHEN 17 THEN current_setting('server_version_num')::int >= 170006
            ELSE current_setting('server_version_num')::int >= 180000 END"
            .to_owned(),
    )
    .await;
}

#[tokio::test]
async fn the_database_and_the_domain_have_the_same_permission_matrix() {
    for role in [
        Role::Buyer,
        Role::BuyerAgent,
        Role::TransactionCoordinator,
        Role::Admin,
    ] {
        let sql = format!(
            "SELECT unnest(ctx.default_permissions('{}')) AS permission",
            role.as_str()
        );
        let mut stored: Vec<String> = Database::superuser()
            .await
            .rows(&sql)
            .await
            .iter()
            .map(|row| row["permission"].as_str().unwrap().to_owned())
            .collect();
        let permissions = default_permissions(role);
        let mut ours: Vec<String> = if permissions.is_all() {
            vec!["*".to_owned()]
        } else {
            permissions
                .iter()
                .map(|permission| permission.as_str().to_owned())
                .collect()
        };
        stored.sort();
        ours.sort();
        assert_eq!(stored, ours, "{role:?}");
    }
}

#[tokio::test]
async fn a_service_without_context_sees_nothing_and_writes_nothing() {
    for (role, least) in [
        ("user_svc", 10),
        ("deal_svc", 9),
        ("task_svc", 11),
        ("auditor", 3),
    ] {
        let readable = format!(
            "SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE (n.nspname IN {SERVICE_SCHEMAS} OR n.nspname IN ('audit', 'ctx'))
                AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT IN {WITHOUT_TENANT}
                AND has_schema_privilege('{role}', n.oid, 'USAGE') AND has_any_column_privilege('{role}', c.oid, 'SELECT')"
        );
        let tables = Database::superuser().await.rows(&readable).await;
        assert!(tables.len() >= least, "{role} reads only {tables:?}");
        let mut database = Database::role(role).await;
        for table in &tables {
            let table = table["name"].as_str().unwrap();
            let rows = database
                .rows(&format!("SELECT count(*) AS n FROM {table}"))
                .await;
            assert_eq!(
                rows[0]["n"], 0,
                "{role} sees rows of {table} without a context"
            );
        }
    }
    let mut database = Database::role("deal_svc").await;
    let refused = database
        .execute(
            "INSERT INTO ctx.deals (organization_id, id, status, name, created_by, time_zone)
             VALUES (gen_random_uuid(), gen_random_uuid(), 'DRAFT', 'a deal', gen_random_uuid(), 'UTC')",
        )
        .await
        .expect_err("a row without a context must be refused");
    assert_eq!(
        refused
            .as_database_error()
            .and_then(|error| error.code())
            .as_deref(),
        Some("42501")
    );
}
