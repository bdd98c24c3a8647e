//! `GET /api/audit` and its export: every transition, for ADMINs.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::Database;

use crate::support::{
    Deals, Office, all_items, plain_deal, post_once, random_id, refuses_field, refuses_permission,
    text,
};

#[tokio::test]
async fn a_row_tells_who_did_what_when_and_from_where() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let path = format!("/api/deals/{}/activate", deal.id);
    let headers = [("X-Request-Id", "audit-test-0001")];
    let answer = office
        .agent
        .api
        .send(Method::POST, &path, &headers, Some(&json!({})))
        .await;
    assert_eq!(answer.header("x-request-id"), "audit-test-0001");
    let rows = all_items(
        office.admin(),
        &format!("/api/audit?entity={}&limit=100", deal.id),
    )
    .await;
    let row = rows.iter().find(|row| row["version"] == 2).unwrap();
    assert_eq!(
        (&row["eventType"], &row["entityType"]),
        (&json!("deals.deal.activated"), &json!("deal"))
    );
    assert_eq!(
        (&row["userId"], &row["requestId"]),
        (&json!(office.agent.id), &json!("audit-test-0001"))
    );
    assert_eq!(
        (&row["before"]["status"], &row["after"]["status"]),
        (&json!("DRAFT"), &json!("ACTIVE"))
    );
    assert!(
        row["ipAddress"].is_string() && row["sequence"].is_i64() && row["createdAt"].is_string(),
        "{row}"
    );
    let created = rows.iter().find(|row| row["version"] == 1).unwrap();
    assert_eq!(created["before"], Value::Null);
    assert!(created["sequence"].as_i64() < row["sequence"].as_i64());
}

#[tokio::test]
async fn filters_narrow_and_combine_and_pages_lose_nothing() {
    let office = Office::new().await;
    let before_all = text(&office.draft().await.json["createdAt"]);
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal, json!({})).await;
    office
        .coordinator
        .api
        .post(&format!("/api/tasks/{task}/complete"), &json!({}))
        .await
        .expect(200);
    let admin = office.admin();
    let listed = async |filter: &str| -> Vec<String> {
        let rows = all_items(admin, &format!("/api/audit?limit=100&{filter}")).await;
        let mut types: Vec<String> = rows.iter().map(|row| text(&row["eventType"])).collect();
        types.sort();
        types
    };
    assert_eq!(
        listed(&format!("entity={task}")).await,
        [
            "tasks.task.assigned",
            "tasks.task.completed",
            "tasks.task.created"
        ]
    );
    assert_eq!(
        listed(&format!("entity={task}&user={}", office.coordinator.id)).await,
        ["tasks.task.assigned", "tasks.task.completed"]
    );
    assert_eq!(
        listed("type=tasks.task.completed").await,
        ["tasks.task.completed"]
    );
    assert_eq!(
        listed("type=deals.deal.activated").await,
        ["deals.deal.activated"]
    );
    assert_eq!(
        listed(&format!("entity={task}&to={before_all}")).await,
        Vec::<String>::new()
    );
    assert_eq!(
        listed(&format!("entity={task}&from={before_all}"))
            .await
            .len(),
        3
    );
    assert_eq!(
        listed(&format!("entity={}", random_id())).await,
        Vec::<String>::new()
    );

    let by_agent = format!("/api/audit?user={}", office.agent.id);
    let whole = all_items(admin, &format!("{by_agent}&limit=100")).await;
    let in_pages = all_items(admin, &format!("{by_agent}&limit=4")).await;
    assert!(whole.len() > 8, "{whole:?}");
    assert_eq!(in_pages, whole);
    let ids: BTreeSet<String> = whole.iter().map(|row| text(&row["id"])).collect();
    assert_eq!(ids.len(), whole.len());
}

#[tokio::test]
async fn parameters_that_are_not_understood_are_refused() {
    let office = Office::new().await;
    for (why, query, field, constraint) in [
        ("an entity that is no id", "entity=deal", "entity", "format"),
        ("a user that is no id", "user=me", "user", "format"),
        ("a day without a time", "from=2026-03-02", "from", "format"),
        (
            "an instant without an offset",
            "to=2026-03-02T10:00:00",
            "to",
            "format",
        ),
        (
            "an instant that leaves the calendar in UTC",
            "from=9999-12-31T23:59:59-23:59",
            "from",
            "format",
        ),
        (
            "the year before the first",
            "to=0000-12-31T00:00:00Z",
            "to",
            "format",
        ),
        (
            "a name that does not exist",
            "colour=red",
            "colour",
            "unknown",
        ),
        ("no page is endless", "limit=101", "limit", "range"),
    ] {
        let answer = office.admin().api.get(&format!("/api/audit?{query}")).await;
        let details = answer.refuses(400, "VALIDATION_001");
        assert_eq!(
            (details["field"].as_str(), details["constraint"].as_str()),
            (Some(field), Some(constraint)),
            "{why}: {}",
            answer.text
        );
    }
    office
        .admin()
        .api
        .get("/api/audit?cursor=abc")
        .await
        .refuses(400, "CURSOR_INVALID");
    let everything = "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z&limit=1";
    let answer = office
        .admin()
        .api
        .get(&format!("/api/audit?{everything}"))
        .await;
    assert_eq!(
        answer.expect(200)["items"].as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn the_audit_log_is_for_admins_of_the_organization() {
    let office = Office::new().await;
    let deal = office.deal().await;
    for user in [&office.agent, &office.coordinator, &office.buyer] {
        refuses_permission(&user.api.get("/api/audit").await, "view_audit");
        refuses_permission(
            &user.api.get("/api/audit/export?format=csv").await,
            "view_audit",
        );
    }
    let foreign = Office::new().await;
    let rows = foreign
        .admin()
        .api
        .get(&format!("/api/audit?entity={}", deal.id))
        .await;
    assert_eq!(rows.expect(200)["items"], json!([]));
    let export = foreign
        .admin()
        .api
        .get("/api/audit/export?format=jsonl")
        .await;
    export.expect(200);
    assert!(!export.text.contains(&deal.id) && !export.text.contains(&office.agent.id));
}

#[tokio::test]
async fn the_export_holds_every_row_with_its_versions_gapless() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal, json!({})).await;
    office
        .agent
        .api
        .post(&format!("/api/tasks/{task}/complete"), &json!({}))
        .await
        .expect(200);
    let listed = all_items(office.admin(), "/api/audit?limit=100").await;
    let export = office
        .admin()
        .api
        .get("/api/audit/export?format=jsonl")
        .await;
    export.expect(200);
    let rows: Vec<Value> = export
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|row: &Value| row["entityType"].is_string())
        .collect();
    let ids =
        |rows: &[Value]| -> BTreeSet<String> { rows.iter().map(|row| text(&row["id"])).collect() };
    assert!(
        ids(&rows).is_superset(&ids(&listed)),
        "the export lacks rows that the list has"
    );
    let mut versions: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in &rows {
        versions
            .entry(text(&row["entityId"]))
            .or_default()
            .push(row["version"].as_i64().unwrap());
    }
    has_no_gap(&places(&rows));
    for (entity, mut told) in versions {
        told.sort_unstable();
        assert_eq!(
            told,
            (1..=i64::try_from(told.len()).unwrap()).collect::<Vec<_>>(),
            "{entity}"
        );
    }
}

fn places(rows: &[Value]) -> BTreeMap<i64, String> {
    rows.iter()
        .map(|row| (row["sequence"].as_i64().unwrap(), text(&row["id"])))
        .collect()
}

fn has_no_gap(places: &BTreeMap<i64, String>) {
    let expected: Vec<i64> = (1..=i64::try_from(places.len()).unwrap()).collect();
    assert_eq!(places.keys().copied().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn places_in_the_log_have_no_gap_and_never_change_whoever_reads_and_writes_meanwhile() {
    let office = Office::new().await;
    let write = async || {
        for _ in 0..4 {
            office.draft().await;
        }
    };
    let read = async || {
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(places(
                &all_items(office.admin(), "/api/audit?limit=100").await,
            ));
        }
        seen
    };
    let (_, _, one, other) = futures::join!(write(), write(), read(), read());
    let last = places(&all_items(office.admin(), "/api/audit?limit=100").await);
    has_no_gap(&last);
    assert!(last.len() > 8, "{last:?}");
    for earlier in one.iter().chain(&other) {
        has_no_gap(earlier);
        assert!(
            earlier
                .iter()
                .all(|(place, id)| last.get(place) == Some(id)),
            "a row changed its place: {earlier:?} became {last:?}"
        );
    }
}

#[tokio::test]
async fn a_row_that_commits_late_gets_a_later_place_and_moves_no_other() {
    let office = Office::new().await;
    let mut late = Database::superuser().await;
    late.execute("BEGIN").await.unwrap();
    late.execute(&format!(
        "INSERT INTO audit.audit_log (id, organization_id, user_id, event_type, entity_type, entity_id,
                                      aggregate_version, event_data)
         VALUES (gen_random_uuid(), '{}', '{}', 'late', 'late', gen_random_uuid(), 1, '{{}}')",
        office.organization.id, office.admin().id
    ))
    .await
    .unwrap();
    office.draft().await;
    let before = places(&all_items(office.admin(), "/api/audit?limit=100").await);
    late.execute("COMMIT").await.unwrap();
    let rows = all_items(office.admin(), "/api/audit?limit=100").await;
    let late = rows.iter().find(|row| row["eventType"] == "late").unwrap();
    assert!(late["sequence"].as_i64() > before.last_key_value().map(|(place, _)| *place));
    let after = places(&rows);
    has_no_gap(&after);
    assert!(
        before
            .iter()
            .all(|(place, id)| after.get(place) == Some(id)),
        "a row changed its place: {before:?} became {after:?}"
    );
}

#[tokio::test]
async fn the_export_comes_as_csv_too_and_in_no_other_format() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let export = office.admin().api.get("/api/audit/export?format=csv").await;
    export.expect(200);
    assert!(
        export.header("content-type").starts_with("text/csv"),
        "{}",
        export.header("content-type")
    );
    let head = export.text.lines().next().unwrap();
    for column in [
        "id",
        "sequence",
        "eventType",
        "entityType",
        "entityId",
        "userId",
        "createdAt",
    ] {
        assert!(
            head.split(',').any(|name| name.trim_matches('"') == column),
            "{column} is not in {head}"
        );
    }
    assert!(export.text.contains(&deal.id));
    refuses_field(
        &office.admin().api.get("/api/audit/export?format=xml").await,
        "format",
        "one_of",
    );
}

/// An organization whose log has rows of about a hundred kilobytes, and how many.
async fn with_large_rows() -> (Office, usize) {
    let office = Office::new().await;
    let deal = office.deal().await;
    let long = "x".repeat(9_999);
    for _ in 0..6 {
        office
            .agent
            .add_task(&deal, json!({"description": long}))
            .await;
    }
    // Of a kind that no door writes: as large as the largest, two dozen of them.
    let sql = format!(
        "INSERT INTO audit.audit_log (id, organization_id, user_id, event_type, entity_type, entity_id,
                                      aggregate_version, event_data)
         SELECT gen_random_uuid(), '{}', '{}', 'large', 'large', gen_random_uuid(), 1,
                jsonb_build_object('after', jsonb_build_object('text', repeat('y', 100000))) FROM generate_series(1, 24)",
        office.organization.id,
        office.admin().id
    );
    Database::superuser().await.execute(&sql).await.unwrap();
    let count = all_items(office.admin(), "/api/audit?limit=100")
        .await
        .len();
    (office, count)
}

#[tokio::test]
async fn a_page_of_the_log_is_bounded_in_bytes_and_loses_no_row() {
    let (office, _) = with_large_rows().await;
    let first = office.admin().api.get("/api/audit?limit=100").await;
    let items = first.expect(200)["items"].as_array().unwrap().len();
    assert!(
        first.text.len() < 2_000_000,
        "{} bytes of {items} rows",
        first.text.len()
    );
    assert!(
        first.json["nextCursor"].is_string() && items < 24,
        "{items}"
    );
    let rows = all_items(office.admin(), "/api/audit?limit=100").await;
    has_no_gap(&places(&rows));
    let large = rows.iter().filter(|row| row["eventType"] == "large");
    assert_eq!(large.count(), 24);
}

#[tokio::test]
async fn an_export_of_large_rows_is_whole_and_exact() {
    let (office, count) = with_large_rows().await;
    let admin = office.admin();
    let listed = all_items(admin, "/api/audit?limit=100").await;
    assert_eq!(listed.len(), count);
    let export = admin.api.get("/api/audit/export").await;
    export.expect(200);
    let exported: Vec<Value> = export
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        exported,
        listed.into_iter().rev().collect::<Vec<_>>(),
        "the list is newest first, the export oldest first"
    );
}

#[tokio::test]
async fn a_text_that_a_spreadsheet_would_run_is_marked_in_csv_and_exact_in_jsonl() {
    let office = Office::new().await;
    let key = "=HYPERLINK(1)";
    let mut body = plain_deal();
    body["name"] = json!("-2+3");
    let deal = post_once(&office.agent, "/api/deals", key, &body).await;
    let id = text(&deal.expect(201)["id"]);
    let path = |format: &str| format!("/api/audit/export?entity={id}&format={format}");
    let csv = office.admin().api.get(&path("csv")).await;
    csv.expect(200);
    let line = csv.text.lines().nth(1).unwrap();
    assert!(line.contains(",'=HYPERLINK(1),1,"), "{line}");
    let exact = office.admin().api.get(&path("jsonl")).await;
    exact.expect(200);
    let row: Value = serde_json::from_str(exact.text.lines().next().unwrap()).unwrap();
    assert_eq!(row["idempotencyKey"], key);
    assert_eq!(row["after"]["name"], "-2+3");
}
