use testkit::{Database, Organization, eventually};
use uuid::Uuid;

/// More rows than a batch each time it is looked would get rid of in the time that a test waits.
const MANY: u32 = 12_000;

#[actix_web::test]
async fn what_is_over_is_deleted_as_fast_as_it_can_be_made() {
    let admin = Organization::new().await.admin;
    let mark = Uuid::now_v7().simple().to_string();
    let make = [
        format!(
            "INSERT INTO identity.login_attempts (subject, network, failures, last_at)
             SELECT '\\x{mark}'::bytea, int4send(n), 1, now() - interval '1 day' FROM generate_series(1, {MANY}) n"
        ),
        format!(
            "INSERT INTO identity.sessions (id, organization_id, user_id, expires_at)
             SELECT gen_random_uuid(), organization_id, id, now() - interval '2 days'
               FROM identity.users, generate_series(1, {MANY}) WHERE id = '{}'",
            admin.id
        ),
    ];
    for sql in make {
        Database::superuser().await.execute(&sql).await.unwrap();
    }
    let left = format!(
        "SELECT (SELECT count(*) FROM identity.login_attempts WHERE subject = '\\x{mark}'::bytea)
              + (SELECT count(*) FROM identity.sessions WHERE user_id = '{}' AND expires_at < now()) AS n",
        admin.id
    );
    eventually("all of it is deleted", async || {
        let rows = Database::superuser().await.rows(&left).await;
        (rows[0]["n"] == 0).then_some(())
    })
    .await;
    admin.api.get("/api/auth/me").await.expect(200);
}
