use serde_json::json;
use testkit::Organization;

use crate::support::{event_types, fields_of};

#[actix_web::test]
async fn everybody_reads_the_organization_and_administrators_replace_it() {
    let organization = Organization::new().await;
    let buyer = organization.buyer().await;
    let seen = buyer.api.get("/api/organization").await;
    assert_eq!(seen.expect(200)["timezone"], "America/New_York");
    assert_eq!(seen.header("etag"), "\"1\"");

    let body = json!({
        "name": "Harbour Realty", "timezone": "America/Denver", "version": 1,
        "holidayCalendar": {"name": "County", "holidays": [{"date": "2026-04-20", "name": "Patriots' Day", "yearly": true, "from": "2000-01-01"}]},
        "roleGrants": {"TRANSACTION_COORDINATOR": ["create_deals"]},
    });
    buyer
        .api
        .put("/api/organization", &body)
        .await
        .refuses(403, "FORBIDDEN");
    let replaced = organization.admin.api.put("/api/organization", &body).await;
    let replaced = replaced.expect(200);
    assert_eq!(replaced["version"], 2);
    for member in ["name", "timezone", "holidayCalendar", "roleGrants"] {
        assert_eq!(replaced[member], body[member], "{member}");
    }
    let stale = organization.admin.api.put("/api/organization", &body).await;
    stale.refuses(409, "VERSION_CONFLICT");
    let events = event_types(&organization.admin, &organization.id).await;
    assert_eq!(
        events,
        ["users.organization.created", "users.organization.updated"]
    );
}

#[actix_web::test]
async fn a_grant_holds_from_the_next_request_on() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    let permissions = async || {
        let me = coordinator.api.get("/api/auth/me").await;
        me.expect(200)["permissions"].clone()
    };
    assert_eq!(
        permissions().await,
        json!(["view_all_deals", "manage_tasks"])
    );
    let grant = json!({"roleGrants": {"TRANSACTION_COORDINATOR": ["create_deals"]}});
    organization
        .admin
        .api
        .patch("/api/organization", &grant)
        .await
        .expect(200);
    assert_eq!(
        permissions().await,
        json!(["create_deals", "view_all_deals", "manage_tasks"])
    );
    let none = json!({"roleGrants": null});
    organization
        .admin
        .api
        .patch("/api/organization", &none)
        .await
        .expect(200);
    assert_eq!(
        permissions().await,
        json!(["view_all_deals", "manage_tasks"])
    );
}

#[actix_web::test]
async fn what_is_wrong_is_named_with_its_place() {
    let admin = Organization::new().await.admin;
    let body = json!({
        "name": "", "timezone": "Mars/Olympus", "version": 1,
        "holidayCalendar": {"holidays": [{"date": "2026-04-20", "from": "2026-01-01"}]},
        "roleGrants": {"BUYER": ["fly"], "SYSTEM": ["view_deals"], "ADMIN": ["*"]},
    });
    let refused = admin.api.put("/api/organization", &body).await;
    let expected = [
        "name",
        "timezone",
        "holidayCalendar.holidays.0.from",
        "roleGrants.ADMIN.0",
        "roleGrants.BUYER.0",
        "roleGrants.SYSTEM",
    ];
    assert_eq!(fields_of(&refused), expected);
}
