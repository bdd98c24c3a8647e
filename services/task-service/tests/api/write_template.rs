//! `POST /api/templates`, `PUT`, `PATCH`, `…/publish` and `…/validate`: an organization's own templates.

use serde_json::{Value, json};
use testkit::User;
use tokio::task::JoinSet;

use crate::support::{
    Office, all_items, patch_at, random_id, refuses_field, refuses_permission, text,
};

/// The source of a shipped template under another key.
async fn source_named(user: &User, key: &str) -> String {
    let shipped = all_items(user, "/api/templates?limit=100").await;
    let shipped = shipped
        .iter()
        .find(|template| template["key"] == "us_refinance")
        .unwrap();
    let answer = user
        .api
        .get(&format!("/api/templates/{}", text(&shipped["id"])))
        .await;
    text(&answer.expect(200)["source"]).replace("key: us_refinance\n", &format!("key: {key}\n"))
}

async fn draft(user: &User, key: &str) -> Value {
    let source = source_named(user, key).await;
    user.api
        .post("/api/templates", &json!({"source": source}))
        .await
        .expect(201)
        .clone()
}

fn path(template: &Value) -> String {
    format!("/api/templates/{}", text(&template["id"]))
}

#[tokio::test]
async fn a_template_is_drafted_changed_and_published_and_then_stays() {
    let office = Office::new().await;
    let user = &office.coordinator;
    let draft = draft(user, "our_refinance").await;
    assert_eq!(
        (
            &draft["status"],
            &draft["templateVersion"],
            &draft["version"]
        ),
        (&json!("DRAFT"), &json!(1), &json!(1))
    );
    let path = path(&draft);

    let renamed = text(&draft["source"]).replace("name: ", "name: Our ");
    let body = json!({"source": renamed, "version": 1});
    let changed = user.api.put(&path, &body).await;
    assert!(text(&changed.expect(200)["name"]).starts_with("Our "));
    user.api
        .put(&path, &body)
        .await
        .refuses(409, "VERSION_CONFLICT");
    patch_at(user, &path, &json!(1), &json!({"source": renamed}))
        .await
        .refuses(412, "VERSION_MISMATCH");
    patch_at(user, &path, &json!(2), &json!({"source": renamed}))
        .await
        .expect(200);

    let published = user.api.post(&format!("{path}/publish"), &json!({})).await;
    assert_eq!(published.expect(200)["status"], "PUBLISHED");
    let version = published.json["version"].clone();
    user.api
        .post(&format!("{path}/publish"), &json!({}))
        .await
        .refuses(409, "TEMPLATE_PUBLISHED");
    let body = json!({"source": renamed, "version": version});
    user.api
        .put(&path, &body)
        .await
        .refuses(409, "TEMPLATE_PUBLISHED");
    assert_eq!(user.api.get(&path).await.expect(200), &published.json);
    office.holds().await;
}

#[tokio::test]
async fn a_shipped_template_cannot_be_written() {
    let office = Office::new().await;
    let shipped = all_items(&office.coordinator, "/api/templates?limit=100").await;
    let answer = office.coordinator.api.get(&path(&shipped[0])).await;
    let body = json!({"source": answer.expect(200)["source"], "version": answer.json["version"]});
    office
        .coordinator
        .api
        .put(&path(&shipped[0]), &body)
        .await
        .refuses(409, "TEMPLATE_PUBLISHED");
}

#[tokio::test]
async fn a_source_that_is_wrong_is_refused_with_every_line() {
    let office = Office::new().await;
    let source = source_named(&office.coordinator, "our_refinance").await;
    let broken = source
        .replace("schema: haushavn.template/v1", "schema: something/else")
        .replace("anchor: application_date", "anchor: application_day");
    let answer = office
        .coordinator
        .api
        .post("/api/templates", &json!({"source": broken}))
        .await;
    let errors = answer.refuses(400, "TEMPLATE_INVALID")["errors"]
        .as_array()
        .unwrap()
        .clone();
    assert!(errors.len() > 1, "{errors:?}");
    assert!(
        errors
            .iter()
            .all(|error| error["line"].as_u64().is_some_and(|line| line > 0)
                && error["message"].is_string())
    );
    refuses_field(
        &office
            .coordinator
            .api
            .post("/api/templates", &json!({}))
            .await,
        "source",
        "required",
    );
}

#[tokio::test]
async fn validating_reports_and_writes_nothing() {
    let office = Office::new().await;
    let draft = draft(&office.coordinator, "our_refinance").await;
    let validate = format!("{}/validate", path(&draft));
    assert_eq!(
        office
            .agent
            .api
            .post(&validate, &json!({}))
            .await
            .expect(200),
        &json!({"valid": true, "errors": []})
    );
    let broken =
        text(&draft["source"]).replace("anchor: application_date", "anchor: application_day");
    let answer = office
        .agent
        .api
        .post(&validate, &json!({"source": broken}))
        .await;
    assert_eq!(answer.expect(200)["valid"], false);
    assert!(
        answer.json["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("application_day"),
        "{}",
        answer.text
    );
    assert_eq!(
        office.agent.api.get(&path(&draft)).await.expect(200),
        &draft
    );
}

#[tokio::test]
async fn a_template_keeps_its_key() {
    let office = Office::new().await;
    let draft = draft(&office.coordinator, "our_refinance").await;
    let other = text(&draft["source"]).replace("key: our_refinance", "key: their_refinance");
    refuses_field(
        &office
            .coordinator
            .api
            .put(&path(&draft), &json!({"source": other, "version": 1}))
            .await,
        "source",
        "key",
    );
}

#[tokio::test]
async fn versions_under_one_key_are_counted_one_after_the_other() {
    let office = Office::new().await;
    let source = source_named(&office.coordinator, "our_refinance").await;
    let mut drafts = JoinSet::new();
    for _ in 0..4 {
        let (user, body) = (office.coordinator.clone(), json!({"source": source}));
        drafts.spawn(async move { user.api.post("/api/templates", &body).await });
    }
    let mut versions: Vec<u64> = Vec::new();
    while let Some(answer) = drafts.join_next().await {
        versions.push(
            answer.unwrap().expect(201)["templateVersion"]
                .as_u64()
                .unwrap(),
        );
    }
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4]);
}

#[tokio::test]
async fn templates_are_written_by_who_manages_tasks_and_seen_by_their_organization() {
    let office = Office::new().await;
    let draft = draft(&office.coordinator, "our_refinance").await;
    let body = json!({"source": draft["source"]});
    refuses_permission(
        &office.agent.api.post("/api/templates", &body).await,
        "manage_tasks",
    );
    refuses_permission(
        &office
            .agent
            .api
            .post(&format!("{}/publish", path(&draft)), &json!({}))
            .await,
        "manage_tasks",
    );
    office.agent.api.get(&path(&draft)).await.expect(200);
    let stranger = Office::new().await.coordinator;
    for template in [path(&draft), format!("/api/templates/{}", random_id())] {
        stranger.api.get(&template).await.refuses(404, "NOT_FOUND");
        stranger
            .api
            .post(&format!("{template}/publish"), &json!({}))
            .await
            .refuses(404, "NOT_FOUND");
    }
}
