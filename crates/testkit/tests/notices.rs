//! Notices about a deal, from the command to the recipient's list.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

use serde_json::{Value, json};
use testkit::{Office, Organization, User, buyer_purchase, eventually, mails_to, plain_deal};

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The tasks of a deal's first milestone.
async fn first_milestone(user: &User, deal_id: &str) -> Vec<Value> {
    let plan = user.planned(deal_id).await;
    plan["milestones"][0]["tasks"]
        .as_array()
        .expect("tasks")
        .clone()
}

/// Completes what can be completed until the first milestone is done, and answers the last task's id.
async fn reach_first_milestone(user: &User, deal_id: &str) -> String {
    let mut last = None;
    loop {
        let tasks = first_milestone(user, deal_id).await;
        let next = tasks
            .iter()
            .find(|task| task["status"] == "PENDING" || task["status"] == "IN_PROGRESS");
        let Some(task) = next else {
            assert!(
                tasks.iter().all(|task| task["status"] == "COMPLETED"),
                "{tasks:?}"
            );
            return last.expect("the milestone had open tasks");
        };
        let id = text(&task["id"]).to_owned();
        let completed = user
            .api
            .post(&format!("/api/tasks/{id}/complete"), &json!({}))
            .await;
        completed.expect(200);
        last = Some(id);
    }
}

/// The user's notices of this kind in this deal so far; newest first.
async fn notices(user: &User, deal_id: &str, kind: &str) -> Vec<Value> {
    let list = user.api.get("/api/notifications?limit=100").await;
    let items = list.expect(200)["items"].as_array().expect("items").clone();
    items
        .into_iter()
        .filter(|item| item["kind"] == kind && item["dealId"] == deal_id)
        .collect()
}

/// As [`notices`], once there are so many.
async fn notified(user: &User, deal_id: &str, kind: &str, times: usize) -> Vec<Value> {
    eventually(&format!("{kind} is in the list"), async || {
        let told = notices(user, deal_id, kind).await;
        (told.len() >= times).then_some(told)
    })
    .await
}

/// Adds a task with these fields, and answers its id.
async fn add_task(user: &User, deal_id: &str, title: &str, fields: &Value) -> String {
    let mut body = fields.clone();
    body["dealId"] = json!(deal_id);
    body["title"] = json!(title);
    let answer = user.api.post("/api/tasks", &body).await;
    text(&answer.expect(201)["id"]).to_owned()
}

/// The titles of the plan's tasks that are this user's.
fn titles_of<'a>(plan: &'a Value, user: &User) -> Vec<&'a str> {
    let milestones = plan["milestones"].as_array().expect("milestones");
    milestones
        .iter()
        .flat_map(|milestone| milestone["tasks"].as_array().expect("tasks"))
        .filter(|task| task["assigneeId"] == json!(user.id))
        .map(|task| text(&task["title"]))
        .collect()
}

#[tokio::test]
async fn a_milestone_reached_again_is_told_of_again_under_the_deals_present_name() {
    let organization = Organization::new().await;
    let (agent, coordinator) = (organization.agent().await, organization.coordinator().await);
    let parties = json!([
        {"role": "transaction_coordinator", "name": "The Coordinator", "userId": coordinator.id},
    ]);
    let body = buyer_purchase(&parties);
    let deal = agent.create_planned_deal(&body).await;
    let last = reach_first_milestone(&coordinator, &deal.id).await;
    let first = notified(&coordinator, &deal.id, "MILESTONE_REACHED", 1).await;
    assert!(
        text(&first[0]["body"]).contains(text(&body["name"])),
        "{first:?}"
    );

    let reopened = coordinator
        .api
        .post(
            &format!("/api/tasks/{last}/reopen"),
            &json!({"reason": "a page is missing"}),
        )
        .await;
    reopened.expect(200);
    let path = format!("/api/deals/{}", deal.id);
    let shown = coordinator.api.get(&path).await;
    let renamed = json!({"name": "14 Harbour Lane", "version": shown.expect(200)["version"]});
    coordinator.api.patch(&path, &renamed).await.expect(200);
    reach_first_milestone(&coordinator, &deal.id).await;
    let again = notified(&coordinator, &deal.id, "MILESTONE_REACHED", 2).await;
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(
        text(&again[0]["body"]).contains("14 Harbour Lane"),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_milestone_has_the_clients_name_in_the_notice_of_a_buyer() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    reach_first_milestone(&office.coordinator, &deal.id).await;
    for (user, its_name, other) in [
        (&office.coordinator, "File opened", "Offer accepted"),
        (&office.buyer, "Offer accepted", "File opened"),
    ] {
        let notice = &notified(user, &deal.id, "MILESTONE_REACHED", 1).await[0];
        let said = notice.to_string();
        assert!(said.contains(its_name) && !said.contains(other), "{said}");
    }
}

#[tokio::test]
async fn a_plan_is_told_once_to_each_of_its_people_and_to_who_joins_later() {
    let office = Office::new().await;
    let parties = json!([
        {"role": "buyer", "name": "The Buyer", "userId": office.buyer.id},
        {"role": "buyer_agent", "name": "The Agent", "userId": office.agent.id},
    ]);
    let body = buyer_purchase(&parties);
    let deal = office.agent.create_planned_deal(&body).await;
    let plan = office.agent.planned(&deal.id).await;
    for user in [&office.agent, &office.buyer] {
        let told = notified(user, &deal.id, "PLAN_READY", 1).await;
        let theirs = titles_of(&plan, user);
        let words = text(&told[0]["body"]);
        let (counted, named) = words.split_once(". ").expect("two sentences");
        assert_eq!(
            counted,
            format!("You have {} tasks in {}", theirs.len(), text(&body["name"]))
        );
        if let Some(named) = named.strip_prefix("You can start with: ") {
            let names = named.trim_end_matches('.').split("; ");
            for name in names {
                assert!(theirs.contains(&name), "{name:?} is not one of {theirs:?}");
            }
        }
    }

    let party = json!({"role": "transaction_coordinator", "name": "The Coordinator", "userId": office.coordinator.id});
    let path = format!("/api/deals/{}/parties", deal.id);
    office.agent.api.post(&path, &party).await.expect(201);
    notified(&office.coordinator, &deal.id, "PLAN_READY", 1).await;
    let mail = eventually("the notice of the plan is mailed", async || {
        let mails = mails_to(&office.coordinator.email).await;
        mails
            .into_iter()
            .find(|mail| mail.subject.starts_with("Your tasks in"))
    })
    .await;
    assert!(!mail.text.contains("525000"), "{}", mail.text);

    // What comes after it shows that nothing else came before.
    let fields = json!({"assigneeId": office.coordinator.id});
    add_task(&office.agent, &deal.id, "Water the plants", &fields).await;
    notified(&office.coordinator, &deal.id, "TASK_ASSIGNED", 1).await;
    for (user, assigned) in [
        (&office.agent, 0),
        (&office.buyer, 0),
        (&office.coordinator, 1),
    ] {
        let times = |kind: &'static str| async { notices(user, &deal.id, kind).await.len() };
        assert_eq!(times("PLAN_READY").await, 1);
        assert_eq!(times("TASK_ASSIGNED").await, assigned);
        assert_eq!(times("TASK_UNLOCKED").await, 0);
    }
}

#[tokio::test]
async fn a_task_that_somebody_else_gives_or_sets_free_is_told_of_and_ones_own_doing_is_not() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let (agent, coordinator) = (&office.agent, &office.coordinator);
    let first = add_task(
        agent,
        &deal.id,
        "Sign",
        &json!({"assigneeId": coordinator.id}),
    )
    .await;
    let mine = json!({"assigneeId": agent.id, "dependsOn": [first], "dueDate": "2099-05-04"});
    let freed = add_task(agent, &deal.id, "Send the copies", &mine).await;
    let theirs = json!({"assigneeId": coordinator.id, "dependsOn": [first]});
    add_task(agent, &deal.id, "File it", &theirs).await;
    let given = notified(coordinator, &deal.id, "TASK_ASSIGNED", 2).await;
    let waits = given
        .iter()
        .find(|notice| notice["title"] == "Yours to do: File it");
    assert!(
        text(&waits.expect("of the second")["body"]).contains("It waits for other tasks"),
        "{given:?}"
    );

    let path = format!("/api/tasks/{first}/complete");
    coordinator.api.post(&path, &json!({})).await.expect(200);
    let unlocked = notified(agent, &deal.id, "TASK_UNLOCKED", 1).await;
    assert_eq!(unlocked[0]["taskId"], json!(freed));
    assert!(
        text(&unlocked[0]["body"]).contains("Monday, May 4, 2099"),
        "{unlocked:?}"
    );

    // What comes after it shows that nothing else came before.
    add_task(
        agent,
        &deal.id,
        "Ring them",
        &json!({"assigneeId": coordinator.id}),
    )
    .await;
    notified(coordinator, &deal.id, "TASK_ASSIGNED", 3).await;
    assert_eq!(
        notices(coordinator, &deal.id, "TASK_UNLOCKED").await,
        [Value::Null; 0]
    );
    assert_eq!(
        notices(agent, &deal.id, "TASK_ASSIGNED").await,
        [Value::Null; 0]
    );
    assert_eq!(notices(agent, &deal.id, "TASK_UNLOCKED").await.len(), 1);
}

#[tokio::test]
async fn tasks_of_somebody_who_left_are_reported_once_for_each_deal() {
    let office = Office::new().await;
    let leaving = office.organization.agent().await;
    let mut deals = Vec::new();
    for tasks in [2, 1] {
        let deal = office.deal().await;
        let party = json!({"role": "listing_agent", "name": "Leaving", "userId": leaving.id});
        let path = format!("/api/deals/{}/parties", deal.id);
        office.agent.api.post(&path, &party).await.expect(201);
        for number in 0..tasks {
            let title = format!("Task {number}");
            add_task(
                &office.agent,
                &deal.id,
                &title,
                &json!({"assigneeId": leaving.id}),
            )
            .await;
        }
        deals.push(deal.id);
    }
    // A deal of which nobody else knows is the administrators'.
    let alone = leaving.create_deal(&plain_deal()).await;
    let activate = format!("/api/deals/{}/activate", alone.id);
    leaving.api.post(&activate, &json!({})).await.expect(200);
    add_task(
        &leaving,
        &alone.id,
        "Alone",
        &json!({"assigneeId": leaving.id}),
    )
    .await;

    let path = format!("/api/users/{}", leaving.id);
    office.admin().api.delete(&path).await.expect(204);
    for (deal_id, words) in deals.iter().zip(["2 tasks", "1 task "]) {
        let told = notified(&office.coordinator, deal_id, "TASKS_UNASSIGNED", 1).await;
        let body = text(&told[0]["body"]);
        assert!(
            body.starts_with("Some BUYER_AGENT no longer takes part in "),
            "{body}"
        );
        assert!(body.contains(words) && body.contains("Task 0"), "{body}");
        assert_eq!(told.len(), 1);
    }
    let told = notified(office.admin(), &alone.id, "TASKS_UNASSIGNED", 1).await;
    assert!(text(&told[0]["body"]).contains("Alone"), "{told:?}");
    assert_eq!(
        notices(office.admin(), &deals[0], "TASKS_UNASSIGNED").await,
        [Value::Null; 0]
    );
}
