//! `GET /api/deals`: filters, sorts and pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::eventually;

use crate::support::{
    Deals, Office, all_items, days_from_today, ids, plain_deal, refuses_field, text, with,
};

#[tokio::test]
async fn pages_lose_and_repeat_nothing_in_any_order() {
    let office = Office::new().await;
    let mut expected = Vec::new();
    for (place, name) in [
        "mike", "Alpha", "zulu", "Oscar", "bravo", "alpha", "Lima", "tango", "kilo", "Echo",
        "delta",
    ]
    .iter()
    .enumerate()
    {
        let mut body = with(plain_deal(), "/name", json!(name));
        if place % 3 != 0 {
            body["keyDates"] =
                json!({"closing_date": days_from_today(30 + i64::try_from(place % 2).unwrap())});
        }
        expected.push(office.agent.create_deal(&body).await.id);
    }
    let in_order = |items: &[Value], sort: &str| {
        let keys: Vec<(bool, String)> = items
            .iter()
            .map(|deal| match sort.trim_start_matches('-') {
                "name" => (false, text(&deal["name"]).to_lowercase()),
                "createdAt" => (false, text(&deal["id"])),
                _ => (
                    deal["closingDate"].is_null(),
                    deal["closingDate"].as_str().unwrap_or_default().to_owned(),
                ),
            })
            .collect();
        // Whatever has no closing date comes last, both ways.
        let directed = |a: &(bool, String), b: &(bool, String)| {
            a.0.cmp(&b.0).then(if sort.starts_with('-') {
                b.1.cmp(&a.1)
            } else {
                a.1.cmp(&b.1)
            })
        };
        keys.is_sorted_by(|a, b| directed(a, b).is_le())
    };
    for sort in [
        "createdAt",
        "-createdAt",
        "name",
        "-name",
        "closingDate",
        "-closingDate",
    ] {
        for limit in [1, 4, 11, 100] {
            let items = all_items(
                &office.agent,
                &format!("/api/deals?sort={sort}&limit={limit}"),
            )
            .await;
            let listed = ids(&items);
            assert_eq!(listed.len(), expected.len(), "{sort}, {limit}");
            assert_eq!(
                listed.iter().collect::<BTreeSet<_>>(),
                expected.iter().collect(),
                "{sort}, {limit}"
            );
            assert!(in_order(&items, sort), "{sort}, {limit}: {items:?}");
        }
    }
    let newest_first = all_items(&office.agent, "/api/deals?limit=100").await;
    expected.reverse();
    assert_eq!(ids(&newest_first), expected);
}

#[tokio::test]
async fn deals_made_between_two_pages_neither_shift_nor_repeat_the_rest() {
    let office = Office::new().await;
    let mut old = Vec::new();
    for _ in 0..4 {
        old.push(office.agent.create_deal(&plain_deal()).await.id);
    }
    let first = office.agent.api.get("/api/deals?limit=2").await;
    let cursor = text(&first.expect(200)["nextCursor"]);
    office.agent.create_deal(&plain_deal()).await;
    let second = office
        .agent
        .api
        .get(&format!("/api/deals?limit=2&cursor={cursor}"))
        .await;
    let mut listed = ids(first.json["items"].as_array().unwrap());
    listed.extend(ids(second.expect(200)["items"].as_array().unwrap()));
    old.reverse();
    assert_eq!(listed, old);
    assert_eq!(
        second.json["nextCursor"],
        Value::Null,
        "a page that ends the list says so"
    );
}

#[tokio::test]
async fn filters_narrow_and_combine() {
    let office = Office::new().await;
    let agent = &office.agent;
    let mill = agent
        .create_deal(&with(plain_deal(), "/name", json!("100% mill_house")))
        .await;
    let mut body = with(
        plain_deal(),
        "/propertyAddress/street",
        json!("1 Quarry Lane"),
    );
    body["keyDates"] = json!({"closing_date": "2027-06-15"});
    body["parties"] = office.parties();
    let quarry = agent.create_deal(&body).await;
    let active = agent
        .create_deal(&with(plain_deal(), "/name", json!("Active")))
        .await;
    agent.step(&active, "activate", json!({})).await.expect(200);
    let all = [&mill, &quarry, &active];
    let cases = [
        ("everything", String::new(), all.to_vec()),
        ("a status", "status=ACTIVE".to_owned(), vec![&active]),
        (
            "another status",
            "status=DRAFT".to_owned(),
            vec![&mill, &quarry],
        ),
        (
            "part of a name, in any letters",
            "q=MILL_H".to_owned(),
            vec![&mill],
        ),
        (
            "a wildcard taken literally",
            "q=100%25".to_owned(),
            vec![&mill],
        ),
        ("a wildcard that is nowhere", "q=%25%25".to_owned(), vec![]),
        ("another one", "q=a_tive".to_owned(), vec![]),
        ("part of an address", "q=quarry".to_owned(), vec![&quarry]),
        (
            "a street and a city",
            "q=Lane%20Portland".to_owned(),
            vec![&quarry],
        ),
        (
            "closing on that day",
            "closingFrom=2027-06-15&closingTo=2027-06-15".to_owned(),
            vec![&quarry],
        ),
        (
            "closing after it",
            "closingFrom=2027-06-16".to_owned(),
            vec![],
        ),
        (
            "closing before it",
            "closingTo=2027-06-14".to_owned(),
            vec![],
        ),
        (
            "somebody's",
            format!("partyUserId={}", office.buyer.id),
            vec![&quarry],
        ),
        (
            "somebody's in another status",
            format!("partyUserId={}&status=CLOSED", office.buyer.id),
            vec![],
        ),
        ("nothing is overdue", "overdue=true".to_owned(), vec![]),
    ];
    for (why, query, expected) in cases {
        let listed: BTreeSet<String> =
            ids(&all_items(agent, &format!("/api/deals?limit=100&{query}")).await)
                .into_iter()
                .collect();
        assert_eq!(
            listed,
            expected.iter().map(|deal| deal.id.clone()).collect(),
            "{why}"
        );
    }
}

#[tokio::test]
async fn deals_with_overdue_tasks_are_found() {
    let office = Office::new().await;
    let (late, _in_time) = (office.deal().await, office.deal().await);
    let task = office
        .agent
        .add_task(&late, json!({"dueDate": days_from_today(-4)}))
        .await;
    let overdue =
        async || ids(&all_items(&office.agent, "/api/deals?overdue=true&limit=100").await);
    eventually("the deal with an overdue task is listed", async || {
        (overdue().await == std::slice::from_ref(&late.id)).then_some(())
    })
    .await;
    office
        .agent
        .api
        .post(&format!("/api/tasks/{task}/complete"), &json!({}))
        .await
        .expect(200);
    eventually("it is so no more", async || {
        overdue().await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn everybody_lists_only_what_they_may_see() {
    let office = Office::new().await;
    let shared = office.draft().await;
    let own = office.agent.create_deal(&plain_deal()).await;
    let gone = office.agent.create_deal(&plain_deal()).await;
    office
        .agent
        .api
        .delete(&format!("/api/deals/{}", gone.id))
        .await
        .expect(204);
    let both = BTreeSet::from([shared.id.clone(), own.id]);
    let cases = [
        ("its creator", office.agent.clone(), both.clone()),
        ("view_all_deals", office.coordinator.clone(), both.clone()),
        ("an ADMIN", office.admin().clone(), both),
        ("a party", office.buyer.clone(), BTreeSet::from([shared.id])),
        (
            "another agent",
            office.organization.agent().await,
            BTreeSet::new(),
        ),
        (
            "another buyer",
            office.organization.buyer().await,
            BTreeSet::new(),
        ),
        (
            "another organization",
            Office::new().await.admin().clone(),
            BTreeSet::new(),
        ),
    ];
    for (why, user, expected) in cases {
        let listed: BTreeSet<String> = ids(&all_items(&user, "/api/deals?limit=1").await)
            .into_iter()
            .collect();
        assert_eq!(listed, expected, "{why}");
    }
}

#[tokio::test]
async fn parameters_that_are_not_understood_are_refused() {
    let office = Office::new().await;
    let long = format!("q={}", "x".repeat(201));
    let cases = [
        ("no page is empty", "limit=0", "limit", "range"),
        ("no page is endless", "limit=101", "limit", "range"),
        ("a negative page", "limit=-1", "limit", "format"),
        ("a limit without a number", "limit=", "limit", "empty"),
        ("a name without a value", "limit", "limit", "empty"),
        ("a limit that is no number", "limit=ten", "limit", "format"),
        (
            "a name that does not exist",
            "colour=red",
            "colour",
            "unknown",
        ),
        ("a name in other letters", "Limit=5", "Limit", "unknown"),
        ("a parameter twice", "limit=5&limit=5", "limit", "duplicate"),
        (
            "a status that does not exist",
            "status=OPEN",
            "status",
            "one_of",
        ),
        (
            "a status in small letters",
            "status=draft",
            "status",
            "one_of",
        ),
        (
            "a deleted one is not to be seen",
            "status=DELETED",
            "status",
            "one_of",
        ),
        (
            "an order that does not exist",
            "sort=price",
            "sort",
            "one_of",
        ),
        (
            "an order the other way round twice",
            "sort=--name",
            "sort",
            "one_of",
        ),
        (
            "a day that does not exist",
            "closingFrom=2026-02-30",
            "closingFrom",
            "format",
        ),
        (
            "a day with a time",
            "closingTo=2026-02-03T10:00:00Z",
            "closingTo",
            "format",
        ),
        (
            "an id that is none",
            "partyUserId=me",
            "partyUserId",
            "format",
        ),
        ("a flag that is none", "overdue=yes", "overdue", "format"),
        ("an empty search", "q=", "q", "empty"),
        ("a search longer than any name", &long, "q", "max_length"),
        ("an empty cursor", "cursor=", "cursor", "empty"),
    ];
    for (why, query, field, constraint) in cases {
        let answer = office.agent.api.get(&format!("/api/deals?{query}")).await;
        let details = answer.refuses(400, "VALIDATION_001");
        assert_eq!(
            (details["field"].as_str(), details["constraint"].as_str()),
            (Some(field), Some(constraint)),
            "{why}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list_with_its_filters_and_order() {
    let office = Office::new().await;
    for _ in 0..3 {
        office.agent.create_deal(&plain_deal()).await;
    }
    let page = office.agent.api.get("/api/deals?sort=name&limit=1").await;
    let cursor = text(&page.expect(200)["nextCursor"]);
    for (why, query) in [
        (
            "another order",
            format!("sort=-name&limit=1&cursor={cursor}"),
        ),
        ("no order", format!("limit=1&cursor={cursor}")),
        (
            "another filter",
            format!("sort=name&status=DRAFT&limit=1&cursor={cursor}"),
        ),
        (
            "another list's",
            "sort=name&limit=1&cursor=eyJzIjoieCJ9".to_owned(),
        ),
        (
            "not even a cursor",
            "sort=name&limit=1&cursor=%25".to_owned(),
        ),
    ] {
        let answer = office.agent.api.get(&format!("/api/deals?{query}")).await;
        assert_eq!(
            answer.refuses(400, "CURSOR_INVALID")["field"],
            "cursor",
            "{why}"
        );
    }
    office
        .agent
        .api
        .get(&format!("/api/deals?sort=name&limit=2&cursor={cursor}"))
        .await
        .expect(200);
    let other = office
        .agent
        .api
        .get(&format!("/api/tasks?cursor={cursor}"))
        .await;
    other.refuses(400, "CURSOR_INVALID");
    refuses_field(
        &office
            .agent
            .api
            .get("/api/deals?limit=1&cursor=a&cursor=b")
            .await,
        "cursor",
        "duplicate",
    );
}
