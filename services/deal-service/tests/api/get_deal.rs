//! `GET /api/deals/:id`.

use reqwest::Method;
use serde_json::json;

use crate::support::{Office, patch_at, plain_deal, random_id};

#[tokio::test]
async fn a_client_that_has_the_version_is_told_so() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let path = format!("/api/deals/{}", deal.id);
    let first = office.agent.api.get(&path).await;
    let tag = format!("\"{}\"", first.expect(200)["version"]);
    assert_eq!(first.header("etag"), tag);
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"99\", {tag}"),
        "*".to_owned(),
    ] {
        let again = office
            .agent
            .api
            .send(Method::GET, &path, &[("If-None-Match", &known)], None)
            .await;
        assert_eq!(
            (again.status.as_u16(), again.text.as_str()),
            (304, ""),
            "{known}"
        );
        assert_eq!(again.header("etag"), tag);
    }
    patch_at(
        &office.agent,
        &path,
        &first.json["version"],
        &json!({"name": "Renamed"}),
    )
    .await
    .expect(200);
    let changed = office
        .agent
        .api
        .send(Method::GET, &path, &[("If-None-Match", &tag)], None)
        .await;
    assert_eq!(changed.expect(200)["name"], "Renamed");
}

#[tokio::test]
async fn everybody_sees_the_deals_that_are_theirs_to_see() {
    let office = Office::new().await;
    let with_parties = office.draft().await;
    let without_parties = office.agent.create_deal(&plain_deal()).await;
    let other_agent = office.organization.agent().await;
    let other_buyer = office.organization.buyer().await;
    let cases = [
        ("its creator", &office.agent, true, true),
        ("view_all_deals", &office.coordinator, true, true),
        ("an ADMIN", office.admin(), true, true),
        ("a party", &office.buyer, true, false),
        ("another agent", &other_agent, false, false),
        ("another buyer", &other_buyer, false, false),
    ];
    for (why, user, sees_first, sees_second) in cases {
        for (deal, sees) in [(&with_parties, sees_first), (&without_parties, sees_second)] {
            let answer = user.api.get(&format!("/api/deals/{}", deal.id)).await;
            if sees {
                answer.expect(200);
            } else {
                let details = answer.refuses(404, "NOT_FOUND");
                assert_eq!(details, &json!({}), "{why}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_id_names_no_deal() {
    let office = Office::new().await;
    let deal = office.draft().await;
    for id in [
        random_id(),
        "7".to_owned(),
        deal.id.to_uppercase(),
        deal.id.replace('-', ""),
        format!("{}%20", deal.id),
    ] {
        office
            .agent
            .api
            .get(&format!("/api/deals/{id}"))
            .await
            .refuses(404, "NOT_FOUND");
    }
    for path in [
        format!("/api/deals/{}/", deal.id),
        format!("/api//deals/{}", deal.id),
        format!("/api/deals/../deals/{}", deal.id),
    ] {
        let answer = office.agent.api.get(&path).await;
        // A client may resolve dot segments itself; what then arrives is the plain path.
        assert!(
            answer.status == 404 || !path.contains("//") && !path.ends_with('/'),
            "{path}: {}",
            answer.text
        );
    }
}
