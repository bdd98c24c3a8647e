//! `GET /api/search`: deals, tasks and people by what they are called.

use serde_json::{Value, json};
use testkit::{User, eventually};

use crate::support::{Deals, Office, plain_deal, refuses_field, text, with};

async fn search(user: &User, query: &str) -> Value {
    let answer = user.api.get(&format!("/api/search?{query}")).await;
    answer.expect(200).clone()
}

/// What each result of a kind is called.
fn names(found: &Value, kind: &str) -> Vec<String> {
    let name = |item: &Value| text(&item[if kind == "tasks" { "title" } else { "name" }]);
    let items = found[kind].as_array().unwrap();
    items.iter().map(name).collect()
}

/// A deal with this name, and the office's people in it.
async fn deal_called(office: &Office, name: &str) -> testkit::Deal {
    let mut body = with(plain_deal(), "/name", json!(name));
    body["propertyAddress"]["street"] = json!("77 Quillback Terrace");
    body["parties"] = office.parties();
    office.agent.create_deal(&body).await
}

/// Until the read model knows a task of this title.
async fn known(user: &User, title: &str) {
    eventually("the task is found", async || {
        let found = search(user, &format!("q={title}")).await;
        names(&found, "tasks")
            .contains(&title.to_owned())
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn deals_tasks_and_people_are_found_by_parts_of_their_names() {
    let office = Office::new().await;
    let deal = deal_called(&office, "Periwinkle house").await;
    office
        .agent
        .step(&deal, "activate", json!({}))
        .await
        .expect(200);
    let party = json!({"role": "lender", "name": "Zebulon Ostrander"});
    let path = format!("/api/deals/{}/parties", deal.id);
    office.agent.api.post(&path, &party).await.expect(201);
    office
        .agent
        .add_task(&deal, json!({"title": "Perambulate"}))
        .await;
    known(&office.agent, "Perambulate").await;
    for (query, deals, tasks, people, why) in [
        ("q=periwinkle", 1, 0, 0, "a word of a name"),
        (
            "q=WINKLE%20ho",
            1,
            0,
            0,
            "parts of two words, in capitals or not",
        ),
        ("q=house%20peri", 1, 0, 0, "words in another order"),
        ("q=quillback", 1, 0, 0, "the street"),
        ("q=77", 1, 0, 0, "the beginning of a word, however short"),
        ("q=7%20quill", 1, 0, 0, "the beginning of the number"),
        ("q=periwinkel", 1, 0, 0, "a slip of the finger"),
        ("q=per", 1, 1, 0, "what several kinds have"),
        ("q=ambulat", 0, 1, 0, "part of a title"),
        ("q=ostran", 0, 0, 1, "part of a party's name"),
        ("q=%25p%25e", 0, 0, 0, "wildcards are signs like others"),
        ("q=xylophone", 0, 0, 0, "what nothing is called"),
    ] {
        let found = search(&office.coordinator, query).await;
        let counts = ["deals", "tasks", "people"].map(|kind| names(&found, kind).len());
        assert_eq!(counts, [deals, tasks, people], "{why}: {found}");
    }
    let found = search(&office.coordinator, "q=perambulate").await;
    let task = &found["tasks"][0];
    assert_eq!(task["dealId"], json!(deal.id));
    assert_eq!(task["dealName"], json!("Periwinkle house"));
    assert_eq!(task["status"], json!("PENDING"));
    let found = search(&office.coordinator, "q=zebulon").await;
    assert_eq!(
        found["people"],
        json!([{"name": "Zebulon Ostrander", "role": "lender", "dealId": deal.id, "dealName": "Periwinkle house"}])
    );
}

#[tokio::test]
async fn the_best_comes_first_and_no_more_of_a_kind_than_asked_for() {
    let office = Office::new().await;
    for name in ["Marigoldfield annex", "Marigold", "Marigoldfields"] {
        deal_called(&office, name).await;
    }
    let found = search(&office.coordinator, "q=marigold").await;
    assert_eq!(names(&found, "deals").len(), 3);
    assert_eq!(found["deals"][0]["name"], json!("Marigold"));
    let found = search(&office.coordinator, "q=marigold&limit=1").await;
    assert_eq!(names(&found, "deals"), ["Marigold"]);
}

#[tokio::test]
async fn nobody_finds_what_belongs_to_another_organization() {
    let (office, other) = (Office::new().await, Office::new().await);
    let deal = deal_called(&office, "Thistledown").await;
    office
        .agent
        .step(&deal, "activate", json!({}))
        .await
        .expect(200);
    office
        .agent
        .add_task(&deal, json!({"title": "Thistling"}))
        .await;
    known(&office.agent, "Thistling").await;
    for user in [
        other.admin(),
        &other.coordinator,
        &other.agent,
        &other.buyer,
    ] {
        let found = search(user, "q=thistl").await;
        assert_eq!(found, json!({"deals": [], "tasks": [], "people": []}));
    }
}

#[tokio::test]
async fn an_agent_and_a_buyer_find_only_what_they_see() {
    let office = Office::new().await;
    let own = deal_called(&office, "Foxglove one").await;
    let body = with(plain_deal(), "/name", json!("Foxglove two"));
    let foreign = office.admin().create_deal(&body).await;
    for (user, deal) in [(&office.agent, &own), (office.admin(), &foreign)] {
        user.step(deal, "activate", json!({})).await.expect(200);
        let path = format!("/api/deals/{}/parties", deal.id);
        let party = json!({"role": "title_escrow", "name": format!("Foxgrove of {}", deal.id)});
        user.api.post(&path, &party).await.expect(201);
    }
    office
        .agent
        .add_task(&own, json!({"title": "Foxhunt inside"}))
        .await;
    let shared = json!({"title": "Foxhunt shared", "buyerVisible": true});
    office.agent.add_task(&own, shared).await;
    let shared = json!({"title": "Foxhunt elsewhere", "buyerVisible": true});
    office.admin().add_task(&foreign, shared).await;
    for title in ["Foxhunt inside", "Foxhunt shared", "Foxhunt elsewhere"] {
        known(office.admin(), title).await;
    }
    for (user, deals, tasks, people, why) in [
        (&office.coordinator, 2, 3, 2, "view_all_deals: everything"),
        (&office.agent, 1, 2, 1, "view_deals: its own deal"),
        (
            &office.buyer,
            1,
            1,
            1,
            "a client: its deal, and what is meant for clients",
        ),
    ] {
        let found = search(user, "q=fox").await;
        let counts = ["deals", "tasks", "people"].map(|kind| names(&found, kind).len());
        assert_eq!(counts, [deals, tasks, people], "{why}: {found}");
    }
    let found = search(&office.buyer, "q=fox").await;
    assert_eq!(names(&found, "tasks"), ["Foxhunt shared"]);
    assert!(found["people"][0].get("email").is_none());
}

#[tokio::test]
async fn staff_find_the_users_of_the_organization_once_and_clients_do_not() {
    let office = Office::new().await;
    deal_called(&office, "Somewhere").await;
    let me = office.coordinator.api.get("/api/auth/me").await;
    let name = text(&me.expect(200)["user"]["fullName"]);
    let query = format!("q={}", name.replace(' ', "%20"));
    let of_coordinator = json!(office.coordinator.id);
    let found = search(&office.agent, &query).await;
    let people = found["people"].as_array().unwrap();
    let listed = people
        .iter()
        .filter(|person| person["userId"] == of_coordinator);
    assert_eq!(listed.count(), 1, "{found}");
    let found = search(&office.buyer, &query).await;
    let people = found["people"].as_array().unwrap();
    assert!(
        people.iter().all(|person| person.get("dealId").is_some()),
        "{found}"
    );
}

#[tokio::test]
async fn a_deleted_deal_and_a_removed_party_are_not_found() {
    let office = Office::new().await;
    let deal = deal_called(&office, "Gooseberry").await;
    let path = format!("/api/deals/{}/parties", deal.id);
    let party = json!({"role": "lender", "name": "Gooseberry Bank"});
    let party = office.agent.api.post(&path, &party).await;
    let party = text(&party.expect(201)["id"]);
    let found = search(&office.agent, "q=gooseberry").await;
    assert_eq!(names(&found, "people"), ["Gooseberry Bank"]);
    office
        .agent
        .api
        .delete(&format!("{path}/{party}"))
        .await
        .expect(204);
    let found = search(&office.agent, "q=gooseberry").await;
    assert_eq!(found["people"], json!([]));
    assert_eq!(names(&found, "deals"), ["Gooseberry"]);
    office
        .agent
        .api
        .delete(&format!("/api/deals/{}", deal.id))
        .await
        .expect(204);
    let found = search(&office.coordinator, "q=gooseberry").await;
    assert_eq!(found["deals"], json!([]));
}

#[tokio::test]
async fn a_search_beyond_its_bounds_is_refused_by_name() {
    let office = Office::new().await;
    let (long, many) = ("x".repeat(101), "ab%20".repeat(13));
    for (query, field, constraint) in [
        (String::new(), "q", "required"),
        ("q=".to_owned(), "q", "empty"),
        ("q=%20-%20".to_owned(), "q", "required"),
        (format!("q={long}"), "q", "max_length"),
        (format!("q={many}"), "q", "max_items"),
        ("q=a&limit=0".to_owned(), "limit", "range"),
        ("q=a&limit=21".to_owned(), "limit", "range"),
        ("q=a&kind=deals".to_owned(), "kind", "unknown"),
    ] {
        let answer = office.agent.api.get(&format!("/api/search?{query}")).await;
        refuses_field(&answer, field, constraint);
    }
}
