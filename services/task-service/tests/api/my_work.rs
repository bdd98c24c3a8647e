//! `GET /api/tasks/mine`: what one has to do and follows up, by urgency.

use serde_json::{Value, json};
use testkit::User;
use time::{Date, Duration, macros::format_description};

use crate::support::{Office, Tasks, iso, refuses_field, text};

async fn work(user: &User, query: &str) -> Value {
    let answer = user.api.get(&format!("/api/tasks/mine?{query}")).await;
    answer.expect(200).clone()
}

fn bucket<'a>(work: &'a Value, key: &str) -> &'a Value {
    let buckets = work["buckets"].as_array().unwrap();
    buckets.iter().find(|bucket| bucket["key"] == key).unwrap()
}

fn items<'a>(work: &'a Value, key: &str) -> &'a Vec<Value> {
    bucket(work, key)["items"].as_array().unwrap()
}

fn titles(work: &Value, key: &str) -> Vec<String> {
    let items = items(work, key).iter();
    items.map(|item| text(&item["title"])).collect()
}

fn counts(work: &Value) -> Vec<i64> {
    let buckets = work["buckets"].as_array().unwrap().iter();
    buckets
        .map(|bucket| bucket["count"].as_i64().unwrap())
        .collect()
}

/// Does what comes first in a purchase, so that others have something to do.
async fn open_the_file(user: &User, deal_id: &str) {
    for key in [
        "verify_executed_contract",
        "confirm_effective_date",
        "enter_key_dates",
        "send_intro_package",
    ] {
        user.complete(deal_id, key).await;
    }
}

/// The day that the organization's list goes by.
async fn today(user: &User) -> Date {
    let today = text(&work(user, "").await["today"]);
    Date::parse(&today, format_description!("[year]-[month]-[day]")).unwrap()
}

#[tokio::test]
async fn ones_own_tasks_are_in_the_bucket_of_their_due_date() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let today = today(&office.agent).await;
    for (title, days) in [
        ("Late", Some(-1)),
        ("Now", Some(0)),
        ("Soon", Some(1)),
        ("Within the week", Some(7)),
        ("Far", Some(8)),
        ("Some day", None),
    ] {
        let due = days.map(|days| iso(today + Duration::days(days)));
        let task = json!({"assigneeId": office.agent.id, "dueDate": due});
        office.agent.add_task(&deal.id, title, task).await;
    }
    let others = json!({"assigneeId": office.coordinator.id, "dueDate": iso(today)});
    office
        .agent
        .add_task(&deal.id, "Somebody else's", others)
        .await;
    let mine = work(&office.agent, "").await;
    assert_eq!(titles(&mine, "overdue"), ["Late"]);
    assert_eq!(titles(&mine, "today"), ["Now"]);
    assert_eq!(titles(&mine, "week"), ["Soon", "Within the week"]);
    assert_eq!(titles(&mine, "later"), ["Far", "Some day"]);
    assert_eq!(counts(&mine), [1, 1, 2, 2, 0]);
    assert_eq!(
        titles(&work(&office.coordinator, "").await, "today"),
        ["Somebody else's"]
    );
}

#[tokio::test]
async fn what_others_do_and_one_follows_up_waits_apart() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    open_the_file(&office.coordinator, &deal.id).await;
    let waiting = work(&office.coordinator, "bucket=waiting&limit=100").await;
    let found = items(&waiting, "waiting");
    assert!(!found.is_empty(), "{waiting}");
    for item in found {
        assert_eq!(item["chasedBy"], "transaction_coordinator", "{item}");
        assert_eq!(item["chaserName"], "The Coordinator", "{item}");
        assert_ne!(item["assigneeId"], json!(office.coordinator.id), "{item}");
        assert_eq!(item["isBlocked"], false, "{item}");
        assert_eq!(item["dealId"], json!(deal.id), "{item}");
    }
    let count = json!(found.len());
    assert_eq!(bucket(&waiting, "waiting")["count"], count);
    // The administrator fills in only where no user coordinates.
    assert_eq!(
        bucket(&work(office.admin(), "").await, "waiting")["count"],
        0
    );
    assert_eq!(
        bucket(&work(&office.buyer, "").await, "waiting")["count"],
        0
    );
    let body = testkit::buyer_purchase(&json!([]));
    let other = office.admin().create_planned_deal(&body).await;
    open_the_file(office.admin(), &other.id).await;
    let stood_in = work(office.admin(), "").await;
    assert!(!items(&stood_in, "waiting").is_empty(), "{stood_in}");
}

#[tokio::test]
async fn an_item_says_where_it_belongs_whose_it_is_and_what_it_waits_for() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let mine = work(&office.coordinator, "limit=100").await;
    let own = ["overdue", "today", "week", "later"];
    let own: Vec<&Value> = own.iter().flat_map(|key| items(&mine, key)).collect();
    let blocked = own.iter().find(|item| item["isBlocked"] == true);
    let blocked = blocked.unwrap_or_else(|| panic!("one that waits: {mine}"));
    let first = &blocked["blockedBy"][0];
    let why = office
        .coordinator
        .api
        .get(&format!("/api/tasks/{}/why-blocked", text(&blocked["id"])))
        .await;
    let reasons = why.expect(200)["blockedBy"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .any(|reason| reason["title"] == first["title"]),
        "{first}: {why:?}"
    );
    for item in own {
        let name = office
            .coordinator
            .api
            .get(&format!("/api/deals/{}", deal.id))
            .await;
        assert_eq!(item["dealName"], name.expect(200)["name"], "{item}");
        assert_eq!(
            item["assigneeName"], "Some TRANSACTION_COORDINATOR",
            "{item}"
        );
        assert!(item["milestoneTitle"].is_string(), "{item}");
        if item["ownerRole"] == "transaction_coordinator" {
            assert_eq!(item["ownerName"], "The Coordinator", "{item}");
        }
    }
}

#[tokio::test]
async fn a_client_is_not_told_of_what_it_does_not_see() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let hidden = office
        .agent
        .add_task(&deal.id, "Inside", json!({"assigneeId": office.agent.id}))
        .await;
    let shown = json!({"buyerVisible": true, "assigneeId": office.agent.id});
    let shown = office.agent.add_task(&deal.id, "For all", shown).await;
    let own = json!({"assigneeId": office.buyer.id, "dependsOn": [hidden, shown]});
    office.agent.add_task(&deal.id, "The buyer's", own).await;
    let mine = work(&office.buyer, "").await;
    assert_eq!(titles(&mine, "later"), ["The buyer's"]);
    let blocked_by = &items(&mine, "later")[0]["blockedBy"];
    assert_eq!(
        blocked_by,
        &json!([{"taskId": shown, "title": "For all", "holder": "Some BUYER_AGENT"}])
    );
}

#[tokio::test]
async fn an_item_names_three_of_the_tasks_that_it_waits_for() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let mut before = Vec::new();
    for title in ["One", "Two", "Three", "Four"] {
        before.push(office.agent.add_task(&deal.id, title, json!({})).await);
    }
    let waits = json!({"assigneeId": office.agent.id, "dependsOn": before});
    office.agent.add_task(&deal.id, "Waits", waits).await;
    let mine = work(&office.agent, "").await;
    let blocked_by = items(&mine, "later")[0]["blockedBy"].as_array().unwrap();
    let named: Vec<String> = blocked_by.iter().map(|one| text(&one["title"])).collect();
    assert_eq!(named, ["One", "Two", "Three"]);
}

#[tokio::test]
async fn filters_narrow_the_list_and_its_counts_and_a_bucket_only_the_items() {
    let office = Office::new().await;
    let (one, other) = (office.deal().await, office.deal().await);
    let today = today(&office.agent).await;
    for (deal, title, days) in [
        (&one, "Call the lender", 0),
        (&one, "Call the seller", 3),
        (&other, "Write the lender", 0),
    ] {
        let due = iso(today + Duration::days(days));
        let task = json!({"assigneeId": office.agent.id, "dueDate": due});
        office.agent.add_task(&deal.id, title, task).await;
    }
    let of_deal = format!("dealId={}", one.id);
    for (query, expected, why) in [
        (String::new(), [0, 2, 1, 0, 0], "all"),
        ("q=lender".to_owned(), [0, 2, 0, 0, 0], "a word"),
        ("q=call%20len".to_owned(), [0, 1, 0, 0, 0], "parts of two"),
        (of_deal, [0, 1, 1, 0, 0], "a deal"),
        (
            "critical=true".to_owned(),
            [0, 0, 0, 0, 0],
            "what the closing hangs on",
        ),
        ("critical=false".to_owned(), [0, 2, 1, 0, 0], "the others"),
        (
            "bucket=week".to_owned(),
            [0, 2, 1, 0, 0],
            "a bucket, with all counts",
        ),
    ] {
        assert_eq!(
            counts(&work(&office.agent, &query).await),
            expected,
            "{why}"
        );
    }
    let week = work(&office.agent, "bucket=week").await;
    assert_eq!(titles(&week, "week"), ["Call the seller"]);
    assert_eq!(items(&week, "today"), &Vec::<Value>::new());
    let first = work(&office.agent, "limit=1").await;
    assert_eq!(titles(&first, "today").len(), 1);
    assert_eq!(bucket(&first, "today")["count"], 2);
}

#[tokio::test]
async fn what_is_done_over_or_another_organizations_is_not_on_the_list() {
    let (office, other) = (Office::new().await, Office::new().await);
    let deal = office.deal().await;
    let own = json!({"assigneeId": office.agent.id});
    let done = office.agent.add_task(&deal.id, "Done", own.clone()).await;
    office.agent.complete_task(&done).await.expect(200);
    office.agent.add_task(&deal.id, "Open", own).await;
    assert_eq!(titles(&work(&office.agent, "").await, "later"), ["Open"]);
    for user in [
        other.admin(),
        &other.coordinator,
        &other.agent,
        &other.buyer,
    ] {
        assert_eq!(counts(&work(user, "").await), [0; 5]);
    }
    let cancel = format!("/api/deals/{}/cancel", deal.id);
    let reason = json!({"reason": "the buyer went elsewhere"});
    office.agent.api.post(&cancel, &reason).await.expect(200);
    assert_eq!(counts(&work(&office.agent, "").await), [0; 5]);
}

#[tokio::test]
async fn filters_of_ones_work_that_cannot_be_meant_are_refused_by_name() {
    let office = Office::new().await;
    for (query, field, constraint) in [
        ("bucket=someday", "bucket", "one_of"),
        ("q=%20-", "q", "required"),
        ("limit=0", "limit", "range"),
        ("limit=101", "limit", "range"),
        ("cursor=x", "cursor", "unknown"),
    ] {
        let answer = office
            .agent
            .api
            .get(&format!("/api/tasks/mine?{query}"))
            .await;
        refuses_field(&answer, field, constraint);
    }
}
