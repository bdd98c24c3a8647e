use serde_json::{Value, json};
use testkit::{
    Database, Organization, Response, User, eventually, mails_to, post_once, refuses_field,
};
use user_service::secrets::tokens::Digest;
use uuid::Uuid;

use crate::support::{event_types, fields_of, service, text, token_key};

/// Sends one user a notice, as workflow-worker does.
async fn tell(organization: &Organization, user: &User, key: &str, title: &str) -> Response {
    let body = json!({
        "kind": "TASK_DUE_SOON", "dealId": Uuid::now_v7(), "audience": [{"user": user.id}], "dedupeKey": key,
        "params": {"taskTitle": title, "dueDate": "2026-03-02", "dealName": "12 Harbour Lane"},
    });
    service("workflow-worker", organization)
        .post("/internal/notifications", &body)
        .await
}

async fn listed(user: &User) -> Value {
    user.api.get("/api/notifications").await.expect(200).clone()
}

#[actix_web::test]
async fn an_occasion_is_told_once_in_the_list_and_by_mail() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    let told = tell(&organization, &coordinator, "due:1", "Order the inspection").await;
    assert_eq!(
        told.expect(200)["notificationIds"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let again = tell(&organization, &coordinator, "due:1", "Order the inspection").await;
    assert_eq!(again.expect(200)["notificationIds"], json!([]));

    let list = listed(&coordinator).await;
    assert_eq!(list["unreadCount"], 1);
    let [notification] = list["items"].as_array().unwrap().as_slice() else {
        panic!("{list}")
    };
    assert_eq!(notification["kind"], "TASK_DUE_SOON");
    assert_eq!(
        notification["title"],
        "Due Mon, Mar 2: Order the inspection"
    );
    assert_eq!(notification["readAt"], Value::Null);
    let mail = eventually("the mail is delivered", async || {
        mails_to(&coordinator.email)
            .await
            .into_iter()
            .find(|mail| mail.subject.starts_with("Due"))
    })
    .await;
    assert!(mail.text.contains("12 Harbour Lane"), "{}", mail.text);
}

#[actix_web::test]
async fn who_does_not_see_the_deal_is_told_nothing_of_it() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let told = tell(&organization, &agent, "due:3", "Order the inspection").await;
    assert_eq!(told.expect(200)["notificationIds"], json!([]));
    assert_eq!(listed(&agent).await["items"], json!([]));
}

#[actix_web::test]
async fn a_mail_that_was_sent_is_not_sent_again() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    let told = tell(&organization, &coordinator, "due:2", "Sign the disclosures").await;
    let id = text(&told.expect(200)["notificationIds"][0]);
    let worker = service("workflow-worker", &organization);
    let path = format!("/internal/notifications/{id}/deliver");
    let status = eventually("the mail is sent", async || {
        let answer = worker.post(&path, &json!({})).await;
        answer
            .status
            .is_success()
            .then(|| answer.json["emailStatus"].clone())
    })
    .await;
    assert_eq!(status, "SENT");
    assert_eq!(
        worker.post(&path, &json!({})).await.expect(200)["emailStatus"],
        "SENT"
    );
    let give_up = format!("/internal/notifications/{id}/dead");
    assert_eq!(
        worker.post(&give_up, &json!({})).await.expect(200)["emailStatus"],
        "SENT"
    );
    let events = event_types(&organization.admin, &id).await;
    assert_eq!(
        events,
        [
            "notifications.notification.created",
            "notifications.notification.sent"
        ]
    );
}

#[actix_web::test]
async fn reading_counts_down_and_is_done_once() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    for n in 0..3 {
        tell(&organization, &coordinator, &format!("due:{n}"), "A task")
            .await
            .expect(200);
    }
    let id = text(&listed(&coordinator).await["items"][0]["id"]);
    let path = format!("/api/notifications/{id}/read");
    let read = post_once(&coordinator, &path, "once", &json!({})).await;
    let again = coordinator.api.post(&path, &json!({})).await;
    assert_eq!(read.expect(200)["readAt"], again.expect(200)["readAt"]);
    let replayed = post_once(&coordinator, &path, "once", &json!({})).await;
    assert_eq!(replayed.expect(200), &read.json);
    assert_eq!(replayed.header("idempotent-replayed"), "true");
    assert_eq!(listed(&coordinator).await["unreadCount"], 2);
    let unread = coordinator.api.get("/api/notifications?unread=true").await;
    assert_eq!(unread.expect(200)["items"].as_array().unwrap().len(), 2);

    for path in [path.as_str(), "/api/notifications/read-all"] {
        let refused = coordinator.api.post(path, &json!({"a": 1})).await;
        refuses_field(&refused, "a", "unknown");
    }
    let all = coordinator
        .api
        .post("/api/notifications/read-all", &json!({}))
        .await;
    assert_eq!(all.expect(200), &json!({"read": 2}));
    assert_eq!(listed(&coordinator).await["unreadCount"], 0);
}

#[actix_web::test]
async fn nobody_sees_or_reads_what_others_were_told() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    tell(&organization, &coordinator, "due:1", "A task")
        .await
        .expect(200);
    let id = text(&listed(&coordinator).await["items"][0]["id"]);
    let stranger = Organization::new().await;
    for other in [&organization.admin, &stranger.admin] {
        let path = format!("/api/notifications/{id}/read");
        other
            .api
            .post(&path, &json!({}))
            .await
            .refuses(404, "NOT_FOUND");
        assert_eq!(listed(other).await["items"], json!([]));
    }
    let worker = service("workflow-worker", &stranger);
    let path = format!("/internal/notifications/{id}/deliver");
    worker
        .post(&path, &json!({}))
        .await
        .refuses(404, "NOT_FOUND");
}

#[actix_web::test]
async fn invitations_and_resets_are_mail_alone() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    let body = json!({"email": coordinator.email});
    crate::support::anybody()
        .post("/api/auth/password/forgot", &body)
        .await
        .expect(202);
    assert_eq!(
        listed(&coordinator).await,
        json!({"items": [], "nextCursor": null, "unreadCount": 0})
    );
    let worker = service("workflow-worker", &organization);
    let body =
        json!({"kind": "INVITATION", "dealId": Uuid::now_v7(), "audience": [], "dedupeKey": "x"});
    let refused = worker.post("/internal/notifications", &body).await;
    assert_eq!(fields_of(&refused), ["kind"]);
}

#[actix_web::test]
async fn a_mail_refused_for_good_is_dead_at_once_and_sent_again_by_an_administrator() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let coordinator = organization.coordinator().await;
    let set_address = async |email: &str| {
        let sql = format!(
            "UPDATE identity.users SET email = '{email}' WHERE id = '{}'",
            coordinator.id
        );
        Database::superuser().await.execute(&sql).await.unwrap();
    };
    set_address("two..dots@x.example").await;
    let told = tell(&organization, &coordinator, "due:9", "Sign the disclosures").await;
    let id = text(&told.expect(200)["notificationIds"][0]);
    let undelivered = async || {
        let list = admin.api.get("/api/notifications/undelivered").await;
        list.expect(200)["items"].as_array().unwrap().clone()
    };
    let dead = eventually("the mail is given up", async || undelivered().await.pop()).await;
    assert_eq!(dead["id"], id.as_str());
    assert_eq!(
        [&dead["reason"], &dead["email"], &dead["kind"]],
        ["ADDRESS_INVALID", "two..dots@x.example", "TASK_DUE_SOON"]
    );
    assert_eq!(dead["attempts"], 1);
    let resend = format!("/api/notifications/{id}/resend");
    for refused in [
        coordinator.api.get("/api/notifications/undelivered").await,
        coordinator.api.post(&resend, &json!({})).await,
    ] {
        refused.refuses(403, "FORBIDDEN");
    }

    set_address(&coordinator.email).await;
    let again = post_once(admin, &resend, "again", &json!({})).await;
    assert_eq!(again.expect(200)["emailStatus"], "PENDING");
    let replayed = post_once(admin, &resend, "again", &json!({})).await;
    assert_eq!(replayed.expect(200), &again.json);
    let is_there = |subject: &str| subject.starts_with("Due");
    eventually("the mail is delivered", async || {
        let mails = mails_to(&coordinator.email).await;
        mails
            .iter()
            .any(|mail| is_there(&mail.subject))
            .then_some(())
    })
    .await;
    assert!(undelivered().await.is_empty());
    admin
        .api
        .post(&resend, &json!({}))
        .await
        .refuses(404, "NOT_FOUND");
    let stranger = Organization::new().await;
    stranger
        .admin
        .api
        .post(&resend, &json!({}))
        .await
        .refuses(404, "NOT_FOUND");
}

#[actix_web::test]
async fn a_thousand_notifications_are_marked_at_once_and_the_rest_when_asked_again() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    let sent = tell(&organization, &coordinator, "due:1", "A task").await;
    let id = text(&sent.expect(200)["notificationIds"][0]);
    let mut database = Database::superuser().await;
    let condition = format!("id = '{id}'");
    let copied = database.copy_rows("identity.notifications", &condition, 1_000, |column| {
        let other = match column {
            "id" => "gen_random_uuid()",
            "dedupe_key" => "dedupe_key || g",
            "email_status" => "'NOT_WANTED'",
            _ => return None,
        };
        Some(other.to_owned())
    });
    assert_eq!(copied.await, 1_000);
    for expected in [1_000, 1, 0] {
        let marked = coordinator
            .api
            .post("/api/notifications/read-all", &json!({}))
            .await;
        assert_eq!(marked.expect(200), &json!({ "read": expected }));
    }
}

/// As if so many mails had been counted today under this digest.
async fn count_mails(of: Digest<'_>, mails: u32) {
    let scope = token_key().digest(of);
    let scope: String = scope.iter().map(|byte| format!("{byte:02x}")).collect();
    let counted = format!(
        "INSERT INTO identity.mail_quotas (scope, day, mails) VALUES ('\\x{scope}', (now() AT TIME ZONE 'UTC')::date, {mails})
         ON CONFLICT (scope, day) DO UPDATE SET mails = excluded.mails"
    );
    Database::superuser().await.execute(&counted).await.unwrap();
}

/// With so many mails of a day under this digest a further one waits; with one less it goes out.
async fn mails_of_a_day_end(organization: &Organization, user: &User, of: Digest<'_>, most: u32) {
    count_mails(of, most).await;
    let sent = tell(organization, user, "due:1", "Sign the disclosures").await;
    let id = text(&sent.expect(200)["notificationIds"][0]);
    let deliver = async || {
        let path = format!("/internal/notifications/{id}/deliver");
        let worker = service("workflow-worker", organization);
        worker.post(&path, &json!({})).await
    };
    deliver().await.refuses(503, "SERVICE_UNAVAILABLE");
    eventually("the mail is delivered", async || {
        count_mails(of, most - 1).await;
        (deliver().await.json["emailStatus"] == "SENT").then_some(())
    })
    .await;
}

#[actix_web::test]
async fn an_organization_sends_five_thousand_mails_a_day_and_further_ones_wait() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    let of = Digest::MailsOf(organization.id.parse().unwrap());
    mails_of_a_day_end(&organization, &coordinator, of, 5_000).await;
}

#[actix_web::test]
async fn a_member_gets_five_hundred_mails_a_day_and_further_ones_wait() {
    let organization = Organization::new().await;
    let coordinator = organization.coordinator().await;
    let of = Digest::MailsTo(&coordinator.email);
    mails_of_a_day_end(&organization, &coordinator, of, 500).await;
}
