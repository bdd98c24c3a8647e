//! Who leaves a deal, or a part in it, keeps no open task of it; who comes next gets them.

use serde_json::{Value, json};
use testkit::{Deal, User, eventually};

use crate::support::{Office, Tasks, patch_at, text};

fn path(deal: &Deal) -> String {
    format!("/api/deals/{}/parties", deal.id)
}

/// The deal's party whose login this is.
async fn party_of(office: &Office, deal: &Deal, user: &User) -> Value {
    let parties = office.admin().api.get(&path(deal)).await;
    let parties = parties.expect(200)["items"].as_array().unwrap().clone();
    let its = parties.iter().find(|party| party["userId"] == user.id);
    its.unwrap().clone()
}

async fn remove(office: &Office, deal: &Deal, user: &User) {
    let party = text(&party_of(office, deal, user).await["id"]);
    let path = format!("{}/{party}", path(deal));
    office.agent.api.delete(&path).await.expect(204);
}

async fn add(office: &Office, deal: &Deal, role: &str, user: &User) {
    let party = json!({"role": role, "name": "Another", "userId": user.id});
    office.agent.api.post(&path(deal), &party).await.expect(201);
}

/// The open tasks of a part, once all of them have this assignee.
async fn all_of(office: &Office, deal: &Deal, role: &str, assignee: Value) -> Vec<Value> {
    eventually("the tasks have changed hands", async || {
        let path = format!("/api/tasks?dealId={}&limit=100", deal.id);
        let tasks = office.admin().api.get(&path).await;
        let tasks = tasks.expect(200)["items"].as_array().unwrap().clone();
        let of_part: Vec<Value> = tasks
            .into_iter()
            .filter(|task| task["ownerRole"] == role && task["completedAt"].is_null())
            .collect();
        let all = of_part.iter().all(|task| task["assigneeId"] == assignee);
        (all && !of_part.is_empty()).then_some(of_part)
    })
    .await
}

async fn told_of_unassigned(user: &User, deal: &Deal) -> Vec<Value> {
    let notices = user.api.get("/api/notifications?limit=100").await;
    let notices = notices.expect(200)["items"].as_array().unwrap().clone();
    notices
        .into_iter()
        .filter(|notice| notice["kind"] == "TASKS_UNASSIGNED" && notice["dealId"] == deal.id)
        .collect()
}

#[tokio::test]
async fn a_party_that_is_removed_keeps_no_open_task_and_the_next_one_gets_them() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let buyer = json!(office.buyer.id);
    let theirs = all_of(&office, &deal, "buyer", buyer).await;
    remove(&office, &deal, &office.buyer).await;
    let free = all_of(&office, &deal, "buyer", Value::Null).await;
    assert_eq!(free.len(), theirs.len());
    let history = office.history(&text(&free[0]["id"])).await;
    assert_eq!(history.last().unwrap(), "tasks.task.assigned");
    let told = eventually("the coordinator reads of it", async || {
        let told = told_of_unassigned(&office.coordinator, &deal).await;
        (!told.is_empty()).then_some(told)
    })
    .await;
    assert_eq!(told.len(), 1, "{told:?}");
    let body = text(&told[0]["body"]);
    assert!(
        body.starts_with("Some BUYER no longer takes part in "),
        "{body}"
    );

    let next = office.organization.buyer().await;
    add(&office, &deal, "buyer", &next).await;
    all_of(&office, &deal, "buyer", json!(next.id)).await;
    office.holds().await;
}

#[tokio::test]
async fn of_a_couple_the_one_who_stays_gets_what_the_other_leaves_and_keeps_its_own() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let other = office.organization.buyer().await;
    add(&office, &deal, "buyer", &other).await;
    let fields = json!({"ownerRole": "buyer", "assigneeId": other.id});
    let own = office.agent.add_task(&deal.id, "Its own", fields).await;
    remove(&office, &deal, &office.buyer).await;
    all_of(&office, &deal, "buyer", json!(other.id)).await;
    assert_eq!(
        office.history(&own).await,
        ["tasks.task.created"],
        "nobody took it"
    );
}

#[tokio::test]
async fn another_login_of_the_same_party_gets_its_tasks() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let next = office.organization.buyer().await;
    let party = party_of(&office, &deal, &office.buyer).await;
    let path = format!("{}/{}", path(&deal), text(&party["id"]));
    let login = json!({"userId": next.id});
    let changed = patch_at(&office.agent, &path, &party["version"], &login).await;
    changed.expect(200);
    all_of(&office, &deal, "buyer", json!(next.id)).await;
}

#[tokio::test]
async fn a_role_that_no_longer_sees_the_deal_keeps_no_open_task() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let helper = office.organization.coordinator().await;
    let fields = json!({"assigneeId": helper.id});
    let task = office.agent.add_task(&deal.id, "Help", fields).await;
    let user = format!("/api/users/{}", helper.id);
    let read = office.admin().api.get(&user).await;
    let read = read.expect(200);
    let body = json!({"fullName": read["fullName"], "role": "BUYER", "version": read["version"]});
    office.admin().api.put(&user, &body).await.expect(200);
    eventually("the task is nobody's", async || {
        let task = office.agent.read_task(&task).await;
        task["assigneeId"].is_null().then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_leaves_one_part_of_two_keeps_what_came_with_the_other() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let agent = json!(office.agent.id);
    add(&office, &deal, "listing_agent", &office.agent).await;
    let fields = json!({"ownerRole": "listing_agent"});
    let by_hand = json!({"ownerRole": "lender", "assigneeId": office.agent.id});
    let kept = office
        .coordinator
        .add_task(&deal.id, "By hand", by_hand)
        .await;
    let listing = office
        .coordinator
        .add_task(&deal.id, "Listing", fields)
        .await;
    let assign = json!({"assigneeId": office.agent.id});
    let assigned = office
        .coordinator
        .task_command(&listing, "assign", assign)
        .await;
    assigned.expect(200);
    remove(&office, &deal, &office.agent).await;
    all_of(&office, &deal, "buyer_agent", Value::Null).await;
    for task in [&kept, &listing] {
        let read = office.coordinator.read_task(task).await;
        assert_eq!(read["assigneeId"], agent, "{read}");
    }
}
