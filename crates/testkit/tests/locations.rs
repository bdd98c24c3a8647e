//! What a creation answers: a `Location` that can be read.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Office, Response, plain_deal, stack, text};

/// The operations that answer 201, as the API describes itself.
async fn creations() -> BTreeSet<String> {
    let document = Client::new(&stack().gateway).get("/api/openapi.json").await;
    let paths = document.expect(200)["paths"].as_object().unwrap().clone();
    paths
        .iter()
        .filter(|(_, operations)| operations["post"]["responses"].get("201").is_some())
        .map(|(path, _)| path.clone())
        .collect()
}

/// One creation that was tried, with who may read what it made.
struct Created {
    path: &'static str,
    answer: Response,
    reader: Client,
}

async fn create_everything(office: &Office) -> Vec<Created> {
    let deal = office.deal().await;
    let coordinator = &office.coordinator.api;
    let (admin, agent) = (&office.admin().api, &office.agent.api);
    let mut made = Vec::new();
    let mut note = |path, answer: Response, reader: &Client| {
        made.push(Created {
            path,
            answer,
            reader: reader.clone(),
        });
    };
    note(
        "/api/deals",
        agent.post("/api/deals", &plain_deal()).await,
        agent,
    );
    let party = json!({"role": "lender", "name": "Rosa Lind"});
    let path = format!("/api/deals/{}/parties", deal.id);
    note(
        "/api/deals/{id}/parties",
        agent.post(&path, &party).await,
        agent,
    );

    let task = |title: &str| json!({"dealId": deal.id, "title": title});
    let first = coordinator.post("/api/tasks", &task("First")).await;
    let second = coordinator.post("/api/tasks", &task("Second")).await;
    let ids = [&first, &second].map(|answer| text(&answer.expect(201)["id"]));
    note("/api/tasks", first, coordinator);
    let comment = json!({"body": "a word", "visibility": "INTERNAL"});
    let path = format!("/api/tasks/{}/comments", ids[0]);
    note(
        "/api/tasks/{id}/comments",
        coordinator.post(&path, &comment).await,
        coordinator,
    );
    let chase = json!({"channel": "EMAIL"});
    let path = format!("/api/tasks/{}/chases", ids[0]);
    note(
        "/api/tasks/{id}/chases",
        coordinator.post(&path, &chase).await,
        coordinator,
    );
    let dependency = json!({"dependsOnId": ids[0]});
    let path = format!("/api/tasks/{}/dependencies", ids[1]);
    note(
        "/api/tasks/{id}/dependencies",
        coordinator.post(&path, &dependency).await,
        coordinator,
    );
    let shipped = coordinator.get("/api/templates?limit=1").await;
    let id = text(&shipped.expect(200)["items"][0]["id"]);
    let source = coordinator.get(&format!("/api/templates/{id}")).await;
    let source = text(&source.expect(200)["source"]).replacen("key: us_", "key: our_", 1);
    note(
        "/api/templates",
        coordinator
            .post("/api/templates", &json!({"source": source}))
            .await,
        coordinator,
    );
    let email = format!("{}@example.test", uuid::Uuid::now_v7().simple());
    let invited = json!({"email": email, "fullName": "Some Body", "role": "BUYER"});
    let invited = admin.post("/api/users", &invited).await;
    let token = invited.expect(201)["invitationToken"].clone();
    note("/api/users", invited, admin);
    let accept =
        json!({"token": token, "fullName": "Some Body", "password": "a long password indeed"});
    let anyone = Client::new(&stack().gateway);
    let accepted = anyone.post("/api/auth/accept-invitation", &accept).await;
    note("/api/auth/accept-invitation", accepted, admin);
    made
}

#[tokio::test]
async fn every_location_that_a_creation_answers_can_be_read() {
    let office = Office::new().await;
    let made = create_everything(&office).await;
    let mut tried: BTreeSet<String> = made.iter().map(|made| made.path.to_owned()).collect();
    for Created {
        path,
        answer,
        reader,
    } in made
    {
        answer.expect(201);
        let read = reader.get(answer.header("location")).await;
        assert_eq!(read.status, 200, "{path}: {}", answer.header("location"));
    }

    let sign_up = json!({
        "organizationName": "Another", "fullName": "First Administrator", "password": "a long password indeed",
        "email": format!("{}@example.test", uuid::Uuid::now_v7().simple()),
    });
    let anyone = Client::new(&stack().gateway);
    let answer = anyone
        .send(Method::POST, "/api/auth/signup", &[], Some(&sign_up))
        .await;
    let session: &Value = answer.expect(201);
    let first = anyone.with_token(&text(&session["accessToken"]));
    let read = first.get(answer.header("location")).await;
    assert_eq!(read.status, 200, "{}", answer.header("location"));
    tried.insert("/api/auth/signup".to_owned());
    assert_eq!(tried, creations().await, "every creation is tried");
}
