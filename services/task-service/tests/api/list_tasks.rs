//! `GET /api/tasks`: one's own open tasks, or what the filters ask for, a page at a time.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{
    Office, Tasks, all_items, days_from_today, ids, random_id, refuses_case, refuses_field, text,
};

#[tokio::test]
async fn without_a_filter_it_lists_the_callers_own_open_tasks() {
    let office = Office::new().await;
    let (one, other) = (office.deal().await, office.deal().await);
    let mine = office
        .agent
        .add_task(&one.id, "Mine", json!({"assigneeId": office.agent.id}))
        .await;
    let mine_too = office
        .agent
        .add_task(
            &other.id,
            "Mine too",
            json!({"assigneeId": office.agent.id}),
        )
        .await;
    let blocked = office
        .agent
        .add_task(
            &one.id,
            "Mine later",
            json!({"assigneeId": office.agent.id, "dependsOn": [mine]}),
        )
        .await;
    let done = office
        .agent
        .add_task(&one.id, "Mine once", json!({"assigneeId": office.agent.id}))
        .await;
    office.agent.complete_task(&done).await.expect(200);
    office.agent.add_task(&one.id, "Nobody's", json!({})).await;
    office
        .agent
        .add_task(
            &one.id,
            "Theirs",
            json!({"assigneeId": office.coordinator.id}),
        )
        .await;

    let listed: BTreeSet<String> = ids(&all_items(&office.agent, "/api/tasks?limit=100").await)
        .into_iter()
        .collect();
    assert_eq!(listed, BTreeSet::from([mine, mine_too, blocked]));
    assert_eq!(
        office.buyer.api.get("/api/tasks").await.expect(200)["items"],
        json!([])
    );
}

#[tokio::test]
async fn open_tasks_of_deals_that_are_over_are_listed_only_when_asked_for() {
    let office = Office::new().await;
    let user = &office.coordinator;
    let mut tasks = Vec::new();
    for (ending, body) in [
        ("hold", json!({})),
        ("close", json!({"force": true})),
        ("cancel", json!({"reason": "the buyer left"})),
    ] {
        let deal = office.deal().await;
        let task = user
            .add_task(&deal.id, "Mine", json!({"assigneeId": user.id}))
            .await;
        let end = format!("/api/deals/{}/{ending}", deal.id);
        user.api.post(&end, &body).await.expect(200);
        tasks.push((deal.id, task));
    }
    let listed = async |query: String| {
        let answer = user.api.get(&format!("/api/tasks{query}")).await;
        ids(answer.expect(200)["items"].as_array().unwrap())
    };
    assert_eq!(
        listed(String::new()).await,
        [tasks[0].1.clone()],
        "the deal on hold will go on, the others will not"
    );
    for (deal, task) in tasks {
        assert_eq!(listed(format!("?dealId={deal}")).await, [task]);
    }
}

#[tokio::test]
async fn filters_narrow_and_combine() {
    let office = Office::new().await;
    let (one, other) = (office.deal().await, office.deal().await);
    let agent = &office.agent;
    let soon = agent
        .add_task(
            &one.id,
            "Soon",
            json!({"dueDate": days_from_today(2), "assigneeId": agent.id}),
        )
        .await;
    let later = agent
        .add_task(&one.id, "Later", json!({"dueDate": days_from_today(40)}))
        .await;
    let past = agent
        .add_task(&one.id, "Past", json!({"dueDate": days_from_today(-4)}))
        .await;
    let undated = agent
        .add_task(&one.id, "Undated", json!({"dependsOn": [later]}))
        .await;
    let done = agent.add_task(&one.id, "Done", json!({})).await;
    agent.complete_task(&done).await.expect(200);
    agent.add_task(&other.id, "Elsewhere", json!({})).await;

    let before = days_from_today(10);
    let cases = [
        (
            "everything of a deal, done or not",
            String::new(),
            vec![&soon, &later, &past, &undated, &done],
        ),
        ("overdue ones", "&status=OVERDUE".to_owned(), vec![&past]),
        ("done ones", "&status=COMPLETED".to_owned(), vec![&done]),
        ("blocked ones", "&status=BLOCKED".to_owned(), vec![&undated]),
        (
            "somebody's",
            format!("&assigneeId={}", agent.id),
            vec![&soon, &done],
        ),
        (
            "due before a day",
            format!("&dueBefore={before}"),
            vec![&soon, &past],
        ),
        (
            "somebody's in progress due before a day",
            format!(
                "&assigneeId={}&status=IN_PROGRESS&dueBefore={before}",
                agent.id
            ),
            vec![&soon],
        ),
        ("nobody's", format!("&assigneeId={}", random_id()), vec![]),
    ];
    for (why, filter, expected) in cases {
        let answer = agent
            .api
            .get(&format!("/api/tasks?dealId={}{filter}", one.id))
            .await;
        let listed: BTreeSet<String> = ids(answer.expect(200)["items"].as_array().unwrap())
            .into_iter()
            .collect();
        assert_eq!(listed, expected.into_iter().cloned().collect(), "{why}");
    }
}

#[tokio::test]
async fn a_milestones_tasks_are_listed() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let plan = office.agent.planned(&deal.id).await;
    let milestone = &plan["milestones"][2];
    let listed = all_items(
        &office.agent,
        &format!("/api/tasks?milestoneId={}", text(&milestone["id"])),
    )
    .await;
    let listed: BTreeSet<String> = ids(&listed).into_iter().collect();
    assert_eq!(
        listed,
        ids(milestone["tasks"].as_array().unwrap())
            .into_iter()
            .collect()
    );
}

#[tokio::test]
async fn pages_lose_and_repeat_nothing_and_come_in_the_order_of_due_dates() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let mut expected = BTreeSet::new();
    for place in 0..23_i64 {
        // Several share a date, several have none.
        let due = (place % 5 != 0).then(|| days_from_today(1 + place % 4));
        expected.insert(
            office
                .agent
                .add_task(&deal.id, &format!("Task {place}"), json!({"dueDate": due}))
                .await,
        );
    }
    for limit in [1, 7, 23, 100] {
        let items = all_items(
            &office.agent,
            &format!("/api/tasks?dealId={}&limit={limit}", deal.id),
        )
        .await;
        let listed = ids(&items);
        assert_eq!(listed.len(), 23, "limit {limit}");
        assert_eq!(
            listed.into_iter().collect::<BTreeSet<_>>(),
            expected,
            "limit {limit}"
        );
        let dates: Vec<&str> = items
            .iter()
            .map(|item| item["dueDate"].as_str().unwrap_or("9999"))
            .collect();
        assert!(dates.is_sorted(), "limit {limit}: {dates:?}");
    }
}

#[tokio::test]
async fn parameters_that_are_not_understood_are_refused() {
    let office = Office::new().await;
    let deal = office.deal().await;
    for title in ["One", "Two"] {
        office.agent.add_task(&deal.id, title, json!({})).await;
    }
    let cases = [
        ("no page is empty", "limit=0", "limit", "range"),
        ("no page is endless", "limit=101", "limit", "range"),
        ("a limit without a number", "limit=", "limit", "empty"),
        ("a limit that is no number", "limit=ten", "limit", "format"),
        (
            "a name that does not exist",
            "colour=red",
            "colour",
            "unknown",
        ),
        ("a name in other letters", "dealid=7", "dealid", "unknown"),
        ("a parameter twice", "limit=5&limit=6", "limit", "duplicate"),
        (
            "a status that does not exist",
            "status=DONE",
            "status",
            "one_of",
        ),
        (
            "a status in small letters",
            "status=completed",
            "status",
            "one_of",
        ),
        (
            "a day that does not exist",
            "dueBefore=2026-02-30",
            "dueBefore",
            "format",
        ),
        (
            "an id that is none",
            "assigneeId=me",
            "assigneeId",
            "format",
        ),
    ];
    for (why, query, field, constraint) in cases {
        let answer = office.agent.api.get(&format!("/api/tasks?{query}")).await;
        refuses_case(why, &answer, field, constraint);
    }
    let page = office
        .agent
        .api
        .get(&format!("/api/tasks?dealId={}&limit=1", deal.id))
        .await;
    let cursor = text(&page.expect(200)["nextCursor"]);
    for (why, query) in [
        (
            "a cursor of another filter",
            format!("status=PENDING&limit=1&cursor={cursor}"),
        ),
        ("a cursor of no list", "cursor=abc".to_owned()),
    ] {
        let answer = office.agent.api.get(&format!("/api/tasks?{query}")).await;
        assert_eq!(
            answer.refuses(400, "CURSOR_INVALID")["field"],
            "cursor",
            "{why}"
        );
    }
    refuses_field(
        &office.agent.api.get("/api/tasks?cursor=").await,
        "cursor",
        "empty",
    );
    let other = Office::new().await;
    let foreign = other
        .agent
        .api
        .get(&format!(
            "/api/tasks?dealId={}&limit=1&cursor={cursor}",
            deal.id
        ))
        .await;
    assert!(
        foreign.status == 400 || foreign.json["items"] == json!([]),
        "{}",
        foreign.text
    );
}

#[tokio::test]
async fn everybody_lists_only_what_they_may_see() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let hidden = office.agent.add_task(&deal.id, "Hidden", json!({})).await;
    let shown = office
        .agent
        .add_task(&deal.id, "Shown", json!({"buyerVisible": true}))
        .await;
    let path = format!("/api/tasks?dealId={}&limit=100", deal.id);
    let listed =
        |items: Vec<serde_json::Value>| -> BTreeSet<String> { ids(&items).into_iter().collect() };
    let both = BTreeSet::from([hidden, shown.clone()]);
    assert_eq!(listed(all_items(&office.agent, &path).await), both);
    assert_eq!(listed(all_items(&office.coordinator, &path).await), both);
    assert_eq!(
        listed(all_items(&office.buyer, &path).await),
        BTreeSet::from([shown])
    );
    assert_eq!(
        listed(all_items(&office.organization.agent().await, &path).await),
        BTreeSet::new()
    );
    assert_eq!(
        listed(all_items(&Office::new().await.coordinator, &path).await),
        BTreeSet::new()
    );
}
