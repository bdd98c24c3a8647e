use serde_json::{Value, json};
use testkit::{Organization, User, mails_to};
use uuid::Uuid;

use crate::support::{event_types, fields_of, put_if_match, service, text};

const PATH: &str = "/api/notifications/preferences";

async fn choose(user: &User, kind: &str, in_app: bool, email: bool) -> Value {
    let body = json!({"preferences": [{"kind": kind, "inApp": in_app, "email": email}]});
    put_if_match(user, PATH, "*", &body)
        .await
        .expect(200)
        .clone()
}

#[actix_web::test]
async fn everybody_is_told_both_ways_until_they_choose() {
    let admin = Organization::new().await.admin;
    let seen = admin.api.get(PATH).await;
    let preferences = seen.expect(200)["preferences"].as_array().unwrap().clone();
    assert!(
        preferences
            .iter()
            .any(|preference| preference["kind"] == "MILESTONE_REACHED")
    );
    assert!(
        preferences
            .iter()
            .all(|preference| preference["inApp"] == true && preference["email"] == true)
    );
    assert!(
        preferences
            .iter()
            .all(|preference| preference["kind"] != "INVITATION")
    );

    let mut body = seen.json.clone();
    body["preferences"][0]["email"] = json!(false);
    let chosen = admin.api.put(PATH, &body).await;
    assert_eq!(chosen.expect(200)["preferences"][0]["email"], false);
    assert_eq!(chosen.json["version"], 1);
    admin
        .api
        .put(PATH, &body)
        .await
        .refuses(409, "VERSION_CONFLICT");
}

#[actix_web::test]
async fn whoever_wants_no_mail_still_has_it_in_the_list() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    choose(&coordinator, "TASK_OVERDUE", true, false).await;
    let worker = service("workflow-worker", &organization);
    let body = json!({
        "kind": "TASK_OVERDUE", "dealId": Uuid::now_v7(), "audience": [{"user": coordinator.id}],
        "dedupeKey": "overdue:1", "params": {"taskTitle": "Order the inspection", "dueDate": "2026-03-02"},
    });
    let told = worker.post("/internal/notifications", &body).await;
    let id = text(&told.expect(200)["notificationIds"][0]);
    let delivered = worker
        .post(&format!("/internal/notifications/{id}/deliver"), &json!({}))
        .await;
    assert_eq!(delivered.expect(200)["emailStatus"], "NOT_WANTED");
    let list = coordinator.api.get("/api/notifications").await;
    assert_eq!(list.expect(200)["unreadCount"], 1);
    assert_eq!(list.json["items"][0]["id"], id.as_str());
    let mails = mails_to(&coordinator.email).await;
    assert!(
        !mails.iter().any(|mail| mail.text.contains("inspection")),
        "{mails:?}"
    );
}

#[actix_web::test]
async fn whoever_wants_neither_list_nor_mail_gets_neither() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    choose(&coordinator, "MILESTONE_REACHED", false, false).await;
    let worker = service("workflow-worker", &organization);
    let body = json!({
        "kind": "MILESTONE_REACHED", "dealId": Uuid::now_v7(), "audience": [{"user": coordinator.id}],
        "dedupeKey": "milestone:1", "params": {"milestoneTitle": "Inspection"},
    });
    let told = worker.post("/internal/notifications", &body).await;
    let id = text(&told.expect(200)["notificationIds"][0]);
    let delivered = worker
        .post(&format!("/internal/notifications/{id}/deliver"), &json!({}))
        .await;
    assert_eq!(delivered.expect(200)["emailStatus"], "NOT_WANTED");
    assert_eq!(
        coordinator.api.get("/api/notifications").await.expect(200)["items"],
        json!([])
    );
    let events = event_types(&organization.admin, &id).await;
    assert_eq!(events, ["notifications.notification.created"]);
}

#[actix_web::test]
async fn unknown_repeated_and_unavoidable_kinds_are_refused() {
    let admin = Organization::new().await.admin;
    let choice = |kind: &str| json!({"kind": kind, "inApp": true, "email": true});
    let put = async |preferences: Value| {
        let body = json!({"preferences": preferences, "version": 0});
        fields_of(&admin.api.put(PATH, &body).await)
    };
    assert_eq!(put(json!([choice("NOISE")])).await, ["preferences.0.kind"]);
    assert_eq!(
        put(json!([choice("PASSWORD_RESET")])).await,
        ["preferences.0.kind"]
    );
    let twice = json!([choice("TASK_OVERDUE"), choice("TASK_OVERDUE")]);
    assert_eq!(put(twice).await, ["preferences.1.kind"]);
    let refused = admin.api.put(PATH, &json!({"preferences": []})).await;
    assert_eq!(fields_of(&refused), ["version"]);
}
