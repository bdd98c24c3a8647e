use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Office, address, days_from_today, plain_deal, post_once, random_id, text};

use super::support::{Operation, administrator, anybody, document, operations, refusal};

/// POSTs that record nothing, beside all under `/api/auth`.
const WITHOUT_KEY: [&str; 3] = [
    "POST /api/deals/{id}/key-dates/preview",
    "POST /api/deals/{id}/what-if",
    "POST /api/templates/{id}/validate",
];

#[tokio::test]
async fn every_post_that_records_something_takes_an_idempotency_key() {
    let mut keyed = 0;
    for operation in operations().await {
        let records = operation.method == Method::POST
            && !operation.path.starts_with("/api/auth/")
            && !WITHOUT_KEY.contains(&operation.name().as_str());
        let takes_key = operation.takes_header("Idempotency-Key");
        assert_eq!(takes_key, records, "{}", operation.name());
        keyed += usize::from(takes_key);
    }
    assert!(keyed >= 20, "only {keyed}");
}

#[tokio::test]
async fn every_change_of_what_has_a_version_takes_if_match() {
    for operation in operations().await {
        let changes = [Method::PUT, Method::PATCH, Method::DELETE].contains(&operation.method);
        let is_versioned = match operation.path.as_str() {
            // It is there or not.
            "/api/tasks/{id}/dependencies/{dependsOnId}" | "/api/auth/sessions/{id}" => false,
            // What is published is the version that was read.
            "/api/templates/{id}/publish" => true,
            _ => changes,
        };
        assert_eq!(
            operation.takes_header("If-Match"),
            is_versioned,
            "{}",
            operation.name()
        );
    }
}

#[tokio::test]
async fn a_malformed_header_is_refused_by_those_that_take_it_and_by_nobody_else() {
    let admin = administrator().await;
    // No entity tag, and too long for a key.
    let malformed = "k".repeat(256);
    let mut all = operations().await;
    // Signing out is the last thing one can do.
    all.sort_by_key(|operation| operation.path == "/api/auth/logout");
    for operation in &all {
        let headers: &[&str] = match operation.method {
            Method::GET => &["If-None-Match"],
            _ => &["Idempotency-Key", "If-Match"],
        };
        let api = if operation.is_public() {
            anybody()
        } else {
            admin.clone()
        };
        for header in headers {
            let malformed = [(*header, malformed.as_str())];
            let path = operation.random_path();
            let answer = operation.send(&api, &path, &malformed, &json!({})).await;
            let is_refused = answer.json["details"]["field"] == *header;
            assert_eq!(
                is_refused,
                operation.takes_header(header),
                "{} {header}: {} {}",
                operation.name(),
                answer.status,
                answer.text
            );
            if is_refused {
                refusal(&answer, 400, "VALIDATION_001");
            }
        }
    }
}

/// The source of a template under a key of the organization's own.
fn template(key: &str) -> Value {
    let source = include_str!("../../../../services/task-service/templates/us_refinance.yaml");
    let key = format!("key: {key}\n");
    json!({"source": source.replace("key: us_refinance\n", &key)})
}

/// A deal, a task, a template and what else belongs to an office, each by the path of the operations on it.
async fn resources(office: &Office) -> BTreeMap<&'static str, String> {
    let admin = &office.admin().api;
    let draft = office.draft().await;
    let deal = office.deal().await;
    let parties = admin.get(&format!("/api/deals/{}/parties", deal.id)).await;
    let party = text(&parties.expect(200)["items"][0]["id"]);
    let task = json!({"dealId": deal.id, "title": "Call the lender"});
    let task = admin.post("/api/tasks", &task).await;
    let template = admin.post("/api/templates", &template("our_own")).await;
    let template = format!("/api/templates/{}", text(&template.expect(201)["id"]));
    [
        ("/api/deals/{id}", format!("/api/deals/{}", draft.id)),
        (
            "/api/deals/{id}/parties/{partyId}",
            format!("/api/deals/{}/parties/{party}", deal.id),
        ),
        (
            "/api/deals/{id}/key-dates",
            format!("/api/deals/{}/key-dates", deal.id),
        ),
        (
            "/api/tasks/{id}",
            format!("/api/tasks/{}", text(&task.expect(201)["id"])),
        ),
        ("/api/templates/{id}/publish", format!("{template}/publish")),
        ("/api/templates/{id}", template),
        ("/api/users/{id}", format!("/api/users/{}", office.buyer.id)),
        ("/api/users/me", "/api/users/me".to_owned()),
        ("/api/organization", "/api/organization".to_owned()),
        (
            "/api/notifications/preferences",
            "/api/notifications/preferences".to_owned(),
        ),
    ]
    .into()
}

/// A body that PUT takes, and PATCH as well.
fn replacement(pattern: &str) -> Value {
    match pattern {
        "/api/deals/{id}" => json!({
            "propertyAddress": address(),
            "dealType": "PURCHASE",
        }),
        "/api/deals/{id}/parties/{partyId}" => json!({"role": "lender", "name": "The Lender"}),
        "/api/deals/{id}/key-dates" => {
            json!({"keyDates": {"closing_date": days_from_today(40)}, "reason": "agreed"})
        }
        "/api/tasks/{id}" => json!({"title": "Call the lender again"}),
        "/api/templates/{id}" => template("our_own"),
        "/api/users/{id}" => json!({"fullName": "Another Name", "role": "BUYER"}),
        "/api/users/me" => json!({"fullName": "Another Name"}),
        "/api/organization" => json!({
            "name": "Another Name",
            "timezone": "America/Denver",
        }),
        "/api/notifications/preferences" => {
            json!({"preferences": [{"kind": "TASK_OVERDUE", "inApp": true, "email": false}]})
        }
        other => panic!("no replacement is known for {other}"),
    }
}

#[tokio::test]
async fn whatever_takes_if_match_is_412_to_a_stale_one() {
    let office = Office::new().await;
    let resources = resources(&office).await;
    let mut tried = BTreeSet::new();
    for operation in operations().await {
        if !operation.takes_header("If-Match") {
            continue;
        }
        assert!(
            operation.description["responses"]["412"].is_object(),
            "{}",
            operation.name()
        );
        let path = &resources[operation.path.as_str()];
        let stale = [("If-Match", "\"999\"")];
        let body = match operation.method {
            Method::PUT | Method::PATCH => replacement(&operation.path),
            _ => json!({}),
        };
        let api = &office.admin().api;
        let answer = operation.send(api, path, &stale, &body).await;
        refusal(&answer, 412, "VERSION_MISMATCH");
        tried.insert(operation.path);
    }
    assert_eq!(tried.len(), resources.len());
}

#[tokio::test]
async fn a_get_is_304_to_its_own_tag_if_and_only_if_it_says_so() {
    let office = Office::new().await;
    let resources = resources(&office).await;
    let api = &office.admin().api;
    for operation in operations().await {
        let takes_tag = operation.takes_header("If-None-Match");
        let answers = &operation.description["responses"];
        assert_eq!(
            answers["304"].is_object(),
            takes_tag,
            "{}",
            operation.name()
        );
        assert!(
            !takes_tag || answers["200"]["headers"]["ETag"].is_object(),
            "{}",
            operation.name()
        );
        let Some(path) = resources.get(operation.path.as_str()) else {
            assert!(!takes_tag, "no resource is known for {}", operation.name());
            continue;
        };
        if operation.method == Method::GET {
            assert!(takes_tag, "{}", operation.name());
            let seen = api.get(path).await;
            seen.expect(200);
            let headers = [("If-None-Match", seen.header("etag"))];
            let again = api.send(Method::GET, path, &headers, None).await;
            assert_eq!(again.status, 304, "{path}: {}", again.text);
        }
    }
}

/// What the POSTs of [`journey`] are about.
struct Scene {
    draft: String,
    deal: String,
    task: String,
    other: String,
    template: String,
}

impl Scene {
    async fn set(office: &Office) -> Self {
        let admin = &office.admin().api;
        let draft = office.draft().await.id;
        let deal = office.deal().await.id;
        let new_task = async || {
            let body = json!({"dealId": deal, "title": "Call the lender"});
            let answer = admin.post("/api/tasks", &body).await;
            text(&answer.expect(201)["id"])
        };
        let (task, other) = (new_task().await, new_task().await);
        let template = admin.post("/api/templates", &template("our_own")).await;
        let template = text(&template.expect(201)["id"]);
        Self {
            draft,
            deal,
            task,
            other,
            template,
        }
    }

    /// The POSTs that take a key, in an order in which each succeeds, with their bodies. Reading a notification is left
    /// to the tests of user-service, which have some.
    fn journey(&self) -> Vec<(&'static str, String, Value)> {
        let of_deal = |step: &str| format!("/api/deals/{}/{step}", self.deal);
        let of_task = |step: &str| format!("/api/tasks/{}/{step}", self.task);
        let reason = || json!({"reason": "as agreed"});
        let email = format!("{}@example.test", random_id());
        let invitation = json!({"email": email, "fullName": "Some Body", "role": "BUYER"});
        let party = json!({"role": "lender", "name": "The Lender"});
        let task = json!({"dealId": self.deal, "title": "Call the lender"});
        let comment = json!({"body": "Called.", "visibility": "INTERNAL"});
        let chase = json!({"channel": "PHONE", "followUpOn": days_from_today(3)});
        vec![
            ("createDeal", "/api/deals".to_owned(), plain_deal()),
            ("addParty", of_deal("parties"), party),
            (
                "activateDeal",
                format!("/api/deals/{}/activate", self.draft),
                json!({}),
            ),
            ("createTask", "/api/tasks".to_owned(), task),
            ("addComment", of_task("comments"), comment),
            ("chaseTask", of_task("chases"), chase),
            (
                "followUpTask",
                of_task("follow-up"),
                json!({"followUpOn": null}),
            ),
            ("assignTask", of_task("assign"), json!({"assigneeId": null})),
            (
                "addDependency",
                of_task("dependencies"),
                json!({"dependsOnId": self.other}),
            ),
            (
                "waiveTask",
                format!("/api/tasks/{}/waive", self.other),
                reason(),
            ),
            ("completeTask", of_task("complete"), json!({})),
            ("reopenTask", of_task("reopen"), reason()),
            ("holdDeal", of_deal("hold"), reason()),
            ("resumeDeal", of_deal("resume"), json!({})),
            ("closeDeal", of_deal("close"), json!({"force": true})),
            ("reopenDeal", of_deal("reopen"), reason()),
            ("cancelDeal", of_deal("cancel"), reason()),
            (
                "createTemplate",
                "/api/templates".to_owned(),
                template("another"),
            ),
            (
                "publishTemplate",
                format!("/api/templates/{}/publish", self.template),
                json!({}),
            ),
            ("inviteUser", "/api/users".to_owned(), invitation),
            (
                "readAllNotifications",
                "/api/notifications/read-all".to_owned(),
                json!({}),
            ),
        ]
    }
}

#[tokio::test]
async fn whatever_takes_an_idempotency_key_answers_it_the_same_again() {
    let office = Office::new().await;
    let scene = Scene::set(&office).await;
    let mut keyed: BTreeMap<String, Operation> = operations()
        .await
        .into_iter()
        .filter(|operation| operation.takes_header("Idempotency-Key"))
        .map(|operation| (text(&operation.description["operationId"]), operation))
        .collect();
    for (id, path, body) in scene.journey() {
        let operation = keyed.remove(id);
        let operation = operation.unwrap_or_else(|| panic!("{id} takes no key"));
        let first = post_once(office.admin(), &path, "once", &body).await;
        assert!(first.status.is_success(), "{id}: {}", first.text);
        assert_eq!(first.header("idempotent-replayed"), "", "{id}");
        let again = post_once(office.admin(), &path, "once", &body).await;
        assert_eq!(again.status, first.status, "{id}: {}", again.text);
        assert_eq!(again.json, first.json, "{id}");
        assert_eq!(again.header("idempotent-replayed"), "true", "{id}");
        let described = &operation.description["responses"][first.status.as_str()]["headers"];
        for name in ["ETag", "Location"] {
            assert_eq!(again.header(name), first.header(name), "{id} {name}");
            let is_described = described[name].is_object();
            assert_eq!(!first.header(name).is_empty(), is_described, "{id} {name}");
        }
    }
    let left: Vec<&str> = keyed.keys().map(String::as_str).collect();
    assert_eq!(left, ["readNotification", "resendNotification"]);
}

#[tokio::test]
async fn the_gateway_tells_of_the_headers_of_its_refusals() {
    let document = document().await;
    let told = anybody().get("/api/organization").await;
    refusal(&told, 401, "UNAUTHENTICATED");
    for (answer, names) in [
        ("Unauthorized", vec!["WWW-Authenticate"]),
        (
            "TooManyRequests",
            vec!["Retry-After", "RateLimit", "RateLimit-Policy"],
        ),
        ("ServiceUnavailable", vec!["Retry-After"]),
    ] {
        let headers = &document["components"]["responses"][answer]["headers"];
        for name in names {
            assert!(headers[name].is_object(), "{answer} {name}");
        }
    }
    assert_eq!(told.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn a_second_authorization_header_is_refused_at_the_gateway_and_past_it() {
    let admin = testkit::Organization::new().await.admin;
    let own = format!("Bearer {}", admin.access_token);
    for second in [own.as_str(), "Bearer of-somebody-else", "Basic YTpi"] {
        let doors = [
            admin.api.clone(),
            admin.api.at(&testkit::stack().deal_service),
        ];
        for door in doors {
            let headers = [("Authorization", second)];
            let answer = door.send(Method::GET, "/api/deals", &headers, None).await;
            let details = answer.refuses(400, "VALIDATION_001");
            assert_eq!(details["field"], "Authorization", "{}", answer.text);
            assert_eq!(details["constraint"], "duplicate", "{}", answer.text);
        }
    }
}
