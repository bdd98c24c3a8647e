//! Another organization's deals: as if they did not exist, to the byte.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Response, User};

use crate::support::{Deals, Office, plain_deal, random_id, text, with};

/// The answer without what names this one request.
fn told(answer: &Response, id: &str) -> (u16, String) {
    let request_id = answer.json["requestId"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    let instance = answer.json["instance"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    assert!(instance.contains(id), "{}: {}", answer.request, answer.text);
    (
        answer.status.as_u16(),
        answer
            .text
            .replace(&request_id, "R")
            .replace(&instance, "I"),
    )
}

async fn ask(user: &User, method: &Method, path: &str, body: &Value) -> Response {
    let body = (method != Method::GET && method != Method::DELETE).then_some(body);
    let merge_patch = [
        ("Content-Type", "application/merge-patch+json"),
        ("If-Match", "\"1\""),
    ];
    let headers: &[(&str, &str)] = if method == Method::PATCH {
        &merge_patch
    } else {
        &[]
    };
    user.api.send(method.clone(), path, headers, body).await
}

#[tokio::test]
async fn a_foreign_deal_is_answered_like_one_that_does_not_exist() {
    let (office, foreign) = (Office::new().await, Office::new().await);
    let deal = foreign.draft().await;
    let parties = foreign
        .agent
        .api
        .get(&format!("/api/deals/{}/parties", deal.id))
        .await;
    let party = text(&parties.expect(200)["items"][0]["id"]);
    let one = json!({"role": "other", "name": "x"});
    let routes = [
        (Method::GET, String::new(), json!({})),
        (
            Method::PUT,
            String::new(),
            with(plain_deal(), "/version", json!(1)),
        ),
        (Method::PATCH, String::new(), json!({"name": "x"})),
        (Method::DELETE, String::new(), json!({})),
        (Method::POST, "/activate".to_owned(), json!({})),
        (Method::POST, "/hold".to_owned(), json!({})),
        (Method::POST, "/resume".to_owned(), json!({})),
        (Method::POST, "/close".to_owned(), json!({})),
        (Method::POST, "/close".to_owned(), json!({"force": true})),
        (Method::POST, "/cancel".to_owned(), json!({"reason": "x"})),
        (Method::POST, "/reopen".to_owned(), json!({})),
        (Method::GET, "/parties".to_owned(), json!({})),
        (Method::POST, "/parties".to_owned(), one.clone()),
        (Method::GET, format!("/parties/{party}"), json!({})),
        (
            Method::PUT,
            format!("/parties/{party}"),
            with(one, "/version", json!(1)),
        ),
        (
            Method::PATCH,
            format!("/parties/{party}"),
            json!({"name": "x"}),
        ),
        (Method::DELETE, format!("/parties/{party}"), json!({})),
        (Method::GET, "/summary".to_owned(), json!({})),
        (Method::GET, "/buyer-timeline".to_owned(), json!({})),
        (Method::GET, "/activity".to_owned(), json!({})),
        (Method::GET, "/workflow".to_owned(), json!({})),
    ];
    let nobody = random_id();
    for (method, rest, body) in &routes {
        for user in [
            office.admin(),
            &office.coordinator,
            &office.agent,
            &office.buyer,
        ] {
            let theirs = ask(user, method, &format!("/api/deals/{}{rest}", deal.id), body).await;
            let nobodys = ask(user, method, &format!("/api/deals/{nobody}{rest}"), body).await;
            assert_eq!(
                told(&theirs, &deal.id),
                told(&nobodys, &nobody),
                "{method} {rest}"
            );
            assert!(
                matches!(theirs.status.as_u16(), 403 | 404),
                "{method} {rest}: {}",
                theirs.text
            );
        }
    }
    assert_eq!(foreign.agent.read_deal(&deal.id).await["version"], 1);
    foreign.holds().await;
}

#[tokio::test]
async fn a_foreign_party_of_ones_own_deal_does_not_exist_either() {
    let (office, foreign) = (Office::new().await, Office::new().await);
    let (ours, theirs) = (office.draft().await, foreign.draft().await);
    let parties = foreign
        .agent
        .api
        .get(&format!("/api/deals/{}/parties", theirs.id))
        .await;
    let party = text(&parties.expect(200)["items"][0]["id"]);
    for id in [party, random_id()] {
        let path = format!("/api/deals/{}/parties/{id}", ours.id);
        office.agent.api.get(&path).await.refuses(404, "NOT_FOUND");
        office
            .agent
            .api
            .delete(&path)
            .await
            .refuses(404, "NOT_FOUND");
    }
    foreign
        .agent
        .api
        .get(&format!("/api/deals?partyUserId={}", office.buyer.id))
        .await
        .expect(200);
}
