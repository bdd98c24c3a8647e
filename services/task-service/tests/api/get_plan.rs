//! `GET /api/deals/:id/plan`: milestones with their tasks, in order.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Office, Tasks, ids, tasks_of, text};

#[tokio::test]
async fn the_plan_of_a_template_has_its_milestones_tasks_and_dependencies() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let plan = office.agent.planned(&deal.id).await;
    let keys: Vec<&str> = plan["milestones"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|milestone| milestone["key"].as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "file_opened",
            "deposit_disclosures",
            "inspection",
            "financing_appraisal",
            "title_insurance",
            "clear_to_close",
            "closing",
            "post_close"
        ]
    );
    assert_eq!(plan["milestones"][0]["state"], "CURRENT");
    assert_eq!(plan["milestones"][7]["state"], "UPCOMING");
    let tasks = tasks_of(&plan);
    let task_keys: BTreeSet<&str> = tasks
        .iter()
        .filter_map(|task| task["key"].as_str())
        .collect();
    assert!(
        !task_keys.contains("lead_paint_disclosure"),
        "the house is from 1994"
    );
    assert!(
        !task_keys.contains("hoa_docs_ordered"),
        "there is no owners' association"
    );
    assert!(!task_keys.contains("proof_of_funds"), "it is financed");
    assert!(task_keys.contains("loan_application"));

    // A dropped task's dependents inherit what it waited for.
    let id = |key: &str| tasks.iter().find(|task| task["key"] == key).unwrap()["id"].clone();
    let review = tasks
        .iter()
        .find(|task| task["key"] == "review_sign_disclosures")
        .unwrap();
    let waits_for: BTreeSet<String> = review["dependsOn"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect();
    let expected = BTreeSet::from([
        text(&id("seller_disclosures_received")),
        text(&id("send_intro_package")),
    ]);
    assert!(
        waits_for.contains(&text(&id("seller_disclosures_received")))
            && waits_for.is_subset(&expected),
        "{review}"
    );
    for task in &tasks {
        let waits = !task["dependsOn"].as_array().unwrap().is_empty();
        assert_eq!(task["status"] == "BLOCKED", waits, "{task}");
        assert_eq!(
            task["projected"] == true,
            waits && !task["dueDate"].is_null(),
            "{task}"
        );
    }
    office.holds().await;
}

#[tokio::test]
async fn a_deal_without_a_template_has_an_empty_plan_and_its_other_tasks() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let plan = office.agent.planned(&deal.id).await;
    assert_eq!(plan["milestones"], json!([]));
    let [first, second] = office.agent.add_chain(&deal.id, ["First", "Second"]).await;
    let plan = office.agent.planned(&deal.id).await;
    let others = plan["otherTasks"].as_array().unwrap();
    assert_eq!(ids(others), [first.clone(), second]);
    assert_eq!(others[1]["dependsOn"], json!([first]));
}

#[tokio::test]
async fn a_buyers_plan_shows_what_is_meant_for_buyers() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let all = tasks_of(&office.agent.planned(&deal.id).await);
    let answer = office
        .buyer
        .api
        .get(&format!("/api/deals/{}/plan", deal.id))
        .await;
    let seen = tasks_of(answer.expect(200));
    assert!(
        !seen.is_empty() && seen.len() < all.len(),
        "{} of {}",
        seen.len(),
        all.len()
    );
    let known: BTreeSet<String> = ids(&seen).into_iter().collect();
    for task in &seen {
        let waits_for: Vec<String> = task["dependsOn"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect();
        assert!(
            waits_for.iter().all(|id| known.contains(id)),
            "it names a task that the buyer may not see: {task}"
        );
    }
    let hidden = office.agent.task(&deal.id, "broker_opening_review").await;
    assert!(!answer.text.contains(&text(&hidden["id"])));
}

#[tokio::test]
async fn a_task_added_to_a_milestone_counts_for_it() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let plan = office.agent.planned(&deal.id).await;
    let milestone = &plan["milestones"][1]["id"];
    let task = office
        .agent
        .add_task(&deal.id, "One more", json!({"milestoneId": milestone}))
        .await;
    let plan = office.agent.planned(&deal.id).await;
    let tasks: Vec<String> = ids(plan["milestones"][1]["tasks"].as_array().unwrap());
    assert!(tasks.contains(&task));
    assert_eq!(plan["otherTasks"], Value::Array(Vec::new()));
    office.holds().await;
}
