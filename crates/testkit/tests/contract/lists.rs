use serde_json::json;
use testkit::{Client, Organization, buyer_purchase};

use super::support::{Operation, operations, refusal};

/// The lists of the document with the deal or task they are about.
async fn lists(organization: &Organization) -> Vec<(Operation, String)> {
    let coordinator = organization.admin.clone();
    let deal = coordinator
        .create_planned_deal(&buyer_purchase(&json!([])))
        .await;
    let task = coordinator.task(&deal.id, "verify_executed_contract").await;
    let task = task["id"].as_str().expect("an id").to_owned();
    let lists: Vec<(Operation, String)> = operations()
        .await
        .into_iter()
        .filter(|operation| operation.query().iter().any(|name| name == "cursor"))
        .map(|operation| {
            let id = if operation.path.starts_with("/api/tasks/") {
                &task
            } else {
                &deal.id
            };
            let path = operation.path.replace("{id}", id);
            (operation, path)
        })
        .collect();
    assert!(lists.len() >= 8, "{} lists", lists.len());
    lists
}

async fn get(admin: &Client, path: &str, query: &str) -> testkit::Response {
    admin.get(&format!("{path}?{query}")).await
}

#[tokio::test]
async fn every_list_has_items_a_cursor_and_limits() {
    let organization = Organization::new().await;
    let admin = &organization.admin.api;
    for (operation, path) in lists(&organization).await {
        let page = get(admin, &path, "limit=100").await;
        let page = page.expect(200);
        let items = page["items"]
            .as_array()
            .unwrap_or_else(|| panic!("{}: {page}", operation.name()));
        assert!(
            page["nextCursor"].is_null() || items.len() == 100,
            "{}",
            operation.name()
        );
        if items.len() > 1 {
            let first = get(admin, &path, "limit=1").await;
            let cursor = first.expect(200)["nextCursor"].as_str().map(str::to_owned);
            let cursor = cursor.unwrap_or_else(|| panic!("{}: {}", operation.name(), first.text));
            let second = get(admin, &path, &format!("limit=1&cursor={cursor}")).await;
            let pages = [&first.json["items"][0], &second.expect(200)["items"][0]];
            // Newer notifications come before both.
            let all = get(admin, &path, "limit=100").await;
            let all = all.expect(200)["items"].as_array().expect("items").clone();
            assert!(
                all.windows(2).any(|pair| pair.iter().eq(pages)),
                "{}: {pages:?} do not follow each other in {all:?}",
                operation.name()
            );
        }
    }
}

#[tokio::test]
async fn odd_parameters_of_lists_are_refused_by_name() {
    let organization = Organization::new().await;
    let admin = &organization.admin.api;
    for (operation, path) in lists(&organization).await {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=", "limit"),
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("limit=1&limit=1", "limit"),
            ("surprise=1", "surprise"),
        ] {
            let answer = get(admin, &path, query).await;
            assert_eq!(
                answer.status,
                400,
                "{} {query}: {}",
                operation.name(),
                answer.text
            );
            let details = refusal(&answer, 400, "VALIDATION_001")["details"].clone();
            assert_eq!(details["field"], field, "{} {query}", operation.name());
        }
        for cursor in ["", "e30", "nonsense", "%00"] {
            let answer = get(admin, &path, &format!("cursor={cursor}")).await;
            assert_eq!(
                answer.status,
                400,
                "{} cursor={cursor}: {}",
                operation.name(),
                answer.text
            );
            let code = answer.json["code"].as_str().expect("a code");
            assert!(
                ["CURSOR_INVALID", "VALIDATION_001"].contains(&code),
                "{}: {code}",
                operation.name()
            );
        }
    }
}

#[tokio::test]
async fn a_cursor_altered_or_of_another_organization_is_refused_by_every_list() {
    let (ours, theirs) = (Organization::new().await, Organization::new().await);
    for organization in [&ours, &theirs] {
        organization.buyer().await;
        organization
            .admin
            .create_deal(&buyer_purchase(&json!([])))
            .await;
    }
    let mut tried = 0;
    for (operation, path) in lists(&ours).await {
        let page = get(&ours.admin.api, &path, "limit=1").await;
        let Some(cursor) = page.expect(200)["nextCursor"].as_str() else {
            continue;
        };
        tried += 1;
        for place in [0, cursor.len() / 2, cursor.len() - 2] {
            let sign = if &cursor[place..=place] == "A" {
                "B"
            } else {
                "A"
            };
            let altered = format!("{}{sign}{}", &cursor[..place], &cursor[place + 1..]);
            let answer = get(&ours.admin.api, &path, &format!("limit=1&cursor={altered}")).await;
            refusal(&answer, 400, "CURSOR_INVALID");
        }
        for longer in [format!("{cursor}AAAA"), "A".repeat(2_049)] {
            let answer = get(&ours.admin.api, &path, &format!("limit=1&cursor={longer}")).await;
            refusal(&answer, 400, "CURSOR_INVALID");
        }
        if !path.contains("/deals/") && !path.contains("/tasks/") {
            let answer = get(
                &theirs.admin.api,
                &path,
                &format!("limit=1&cursor={cursor}"),
            )
            .await;
            refusal(&answer, 400, "CURSOR_INVALID");
        }
        let next = get(&ours.admin.api, &path, &format!("limit=1&cursor={cursor}")).await;
        assert_eq!(next.status, 200, "{}: {}", operation.name(), next.text);
    }
    assert!(tried >= 5, "only {tried} lists have two pages");
}

#[tokio::test]
async fn a_cursor_of_one_order_does_not_serve_another() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    for _ in 0..2 {
        admin.create_deal(&buyer_purchase(&json!([]))).await;
        organization.buyer().await;
    }
    for (path, sort, other) in [
        ("/api/deals", "name", "-createdAt"),
        ("/api/users", "fullName", "-createdAt"),
    ] {
        let page = get(&admin.api, path, &format!("limit=1&sort={sort}")).await;
        let cursor = page.expect(200)["nextCursor"]
            .as_str()
            .expect("a cursor")
            .to_owned();
        let answer = get(
            &admin.api,
            path,
            &format!("limit=1&sort={other}&cursor={cursor}"),
        )
        .await;
        refusal(&answer, 400, "CURSOR_INVALID");
    }
}
