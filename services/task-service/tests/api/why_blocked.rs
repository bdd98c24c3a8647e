//! `GET /api/tasks/:id/why-blocked`: who holds it up.

use serde_json::{Value, json};
use testkit::User;

use crate::{
    own_template::{small_deal, small_deal_with_a_business_day},
    support::{Office, Tasks, days_from_today, text},
};

async fn why(user: &User, task: &str) -> Value {
    let answer = user
        .api
        .get(&format!("/api/tasks/{task}/why-blocked"))
        .await;
    answer.expect(200).clone()
}

fn ids(tasks: &Value) -> Vec<String> {
    let tasks = tasks.as_array().unwrap().iter();
    tasks.map(|task| text(&task["id"])).collect()
}

fn sentences(tasks: &Value) -> Vec<String> {
    let tasks = tasks.as_array().unwrap().iter();
    tasks.map(|task| text(&task["sentence"])).collect()
}

#[tokio::test]
async fn it_walks_to_the_tasks_that_could_be_done_now() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let user = &office.agent;
    let fields = json!({"assigneeId": user.id, "dueDate": "2031-03-10"});
    let frontier = user.add_task(&deal.id, "Order the appraisal", fields).await;
    let done = user.add_task(&deal.id, "Done long ago", json!({})).await;
    user.complete_task(&done).await.expect(200);
    let middle = user
        .add_waiting(&deal.id, "Read it", &[&frontier, &done])
        .await;
    let last = user.add_waiting(&deal.id, "Answer it", &[&middle]).await;

    let answer = why(user, &last).await;
    assert_eq!(ids(&answer["blockedBy"]), [middle]);
    assert_eq!(ids(&answer["frontier"]), [frontier]);
    assert_eq!(answer["frontier"][0]["assigneeId"], json!(user.id));
    assert!(answer["frontier"][0]["since"].is_string(), "{answer}");
    let sentence = &sentences(&answer["frontier"])[0];
    assert!(
        sentence.starts_with(
            "Waiting for \"Order the appraisal\": The Agent (buyer's agent) holds it up since "
        ) && sentence.ends_with(", due 10 March 2031."),
        "{sentence}"
    );
    let whole = text(&answer["sentence"]);
    assert!(
        whole.starts_with(
            "\"Answer it\" is held up by The Agent (buyer's agent) with \"Order the appraisal\" since "
        ),
        "{whole}"
    );
}

#[tokio::test]
async fn without_an_assignee_it_names_who_plays_the_part_or_the_part() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let lender = json!({"role": "lender", "name": "Rosa Lind"});
    let parties = format!("/api/deals/{}/parties", deal.id);
    office.agent.api.post(&parties, &lender).await.expect(201);
    let mut waits_for = Vec::new();
    for (title, fields) in [
        ("Lend", json!({"ownerRole": "lender"})),
        ("Search", json!({"ownerRole": "title_escrow"})),
        ("Whoever", json!({})),
    ] {
        waits_for.push(office.coordinator.add_task(&deal.id, title, fields).await);
    }
    let last = json!({"dependsOn": waits_for});
    let last = office.coordinator.add_task(&deal.id, "Close", last).await;
    let answer = why(&office.coordinator, &last).await;
    let sentences = sentences(&answer["frontier"]);
    for (sentence, expected) in sentences.iter().zip([
        "Waiting for \"Lend\": Rosa Lind (lender) holds it up since ",
        "Waiting for \"Search\": the title company holds it up since ",
        "Waiting for \"Whoever\": nobody has taken it on since ",
    ]) {
        assert!(sentence.starts_with(expected), "{sentence}");
    }
    assert_eq!(
        answer["sentence"],
        "\"Close\" is held up by Rosa Lind (lender) with \"Lend\", the title company with \"Search\" and \"Whoever\" (nobody has taken it on)."
    );
}

#[tokio::test]
async fn a_task_that_waits_for_nothing_is_held_up_by_nobody() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let [first, second] = office.agent.add_chain(&deal.id, ["First", "Second"]).await;
    office.agent.complete_task(&first).await.expect(200);
    let answer = why(&office.agent, &second).await;
    assert_eq!(
        (
            &answer["isBlocked"],
            &answer["blockedBy"],
            &answer["frontier"]
        ),
        (&json!(false), &json!([]), &json!([]))
    );
    assert_eq!(answer["sentence"], "\"Second\" waits for nothing.");
}

#[tokio::test]
async fn a_buyer_is_told_of_a_hidden_task_the_part_that_owns_it_and_nothing_else() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let broker = json!({"role": "broker", "name": "Ivo Brandt", "userId": office.admin().id});
    let parties = format!("/api/deals/{}/parties", deal.id);
    office.agent.api.post(&parties, &broker).await.expect(201);
    let fields =
        json!({"ownerRole": "broker", "assigneeId": office.admin().id, "dueDate": "2031-03-10"});
    let hidden = office
        .agent
        .add_task(&deal.id, "Split the commission", fields)
        .await;
    let shown = json!({"ownerRole": "buyer_agent", "buyerVisible": true, "dueDate": "2031-03-10"});
    let shown = office
        .agent
        .add_task(&deal.id, "Show the house", shown)
        .await;
    let own = json!({"assigneeId": office.buyer.id, "dependsOn": [hidden, shown]});
    let own = office.agent.add_task(&deal.id, "Sign", own).await;

    let answer = why(&office.buyer, &own).await;
    assert_eq!(answer["blockedBy"][0], json!({"ownerRole": "broker"}));
    let told = json!({"ownerRole": "broker", "sentence": "Waiting for the broker."});
    assert_eq!(answer["frontier"][0], told);
    let sentence = text(&answer["frontier"][1]["sentence"]);
    assert!(
        sentence.starts_with(
            "Waiting for \"Show the house\": The Agent (buyer's agent) holds it up since "
        ),
        "{sentence}"
    );
    assert_eq!(
        answer["sentence"],
        "\"Sign\" is held up by the broker and The Agent (buyer's agent) with \"Show the house\"."
    );
    for secret in [&hidden, "commission", "Ivo Brandt", &office.admin().id] {
        assert!(!answer.to_string().contains(secret), "{secret}: {answer}");
    }
    let staff = why(&office.coordinator, &own).await;
    assert!(
        text(&staff["sentence"]).contains("(broker) with \"Split the commission\""),
        "{staff}"
    );
    office
        .buyer
        .api
        .get(&format!("/api/tasks/{hidden}/why-blocked"))
        .await
        .refuses(404, "NOT_FOUND");
}

#[tokio::test]
async fn the_earliest_day_is_the_plans_own_and_the_same_for_everybody() {
    let office = Office::new().await;
    let deal = small_deal(&office, json!({})).await;
    let second = text(&office.coordinator.task(&deal.id, "second").await["id"]);
    // Two days for the first, which the buyer does not see, and five days of waiting behind it.
    let earliest = json!(days_from_today(7));
    for user in [&office.coordinator, &office.agent, &office.buyer] {
        assert_eq!(why(user, &second).await["earliestUnblock"], earliest);
    }
    let hidden = &why(&office.buyer, &second).await["blockedBy"][0];
    assert_eq!(hidden["ownerRole"], "transaction_coordinator");
    assert_eq!(hidden.get("title"), None);

    office.coordinator.complete(&deal.id, "first").await;
    assert_eq!(
        why(&office.buyer, &second).await["earliestUnblock"],
        Value::Null,
        "it is free"
    );
}

#[tokio::test]
async fn the_earliest_day_is_none_on_which_the_organization_is_closed() {
    let (usual, closed) = (Office::new().await, Office::new().await);
    let days: Vec<Value> = (0..14)
        .map(|day| json!({"date": days_from_today(day), "name": "Closed"}))
        .collect();
    let calendar = json!({"holidayCalendar": {"name": "Our office", "holidays": days}});
    let organization = &closed.admin().api;
    organization
        .patch("/api/organization", &calendar)
        .await
        .expect(200);
    let earliest = async |office: &Office| {
        let deal = small_deal_with_a_business_day(office).await;
        let second = text(&office.coordinator.task(&deal.id, "second").await["id"]);
        text(&why(&office.coordinator, &second).await["earliestUnblock"])
    };
    let (open, after) = (earliest(&usual).await, earliest(&closed).await);
    assert!(open < days_from_today(10), "{open}");
    assert!(after >= days_from_today(14), "{after}");
}
