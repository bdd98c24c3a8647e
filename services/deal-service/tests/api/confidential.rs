//! Nothing confidential is ever shown to a BUYER, by any route.

use serde_json::json;
use testkit::buyer_purchase;

use crate::support::{Office, with};

#[tokio::test]
async fn a_buyer_never_reads_price_financing_or_internal_tasks() {
    let office = Office::new().await;
    let mut body = with(
        buyer_purchase(&office.parties()),
        "/purchasePrice",
        json!({"amount": "731337.55", "currency": "USD"}),
    );
    body["facts"]["financing_type"] = json!("conventional");
    let deal = office.agent.create_planned_deal(&body).await;
    let hidden = office.agent.task(&deal.id, "broker_opening_review").await;
    let path = format!("/api/deals/{}", deal.id);
    let routes = [
        path.clone(),
        "/api/deals".to_owned(),
        format!("{path}/summary"),
        format!("{path}/buyer-timeline"),
        format!("{path}/parties"),
        format!("{path}/plan"),
        format!("{path}/key-dates"),
        format!("/api/tasks?dealId={}&limit=100", deal.id),
        "/api/notifications".to_owned(),
    ];
    for route in routes {
        let answer = office.buyer.api.get(&route).await;
        answer.expect(200);
        for secret in [
            "731337",
            "purchasePrice",
            "conventional",
            "financing_type",
            "Opening compliance review",
        ] {
            assert!(
                !answer.text.contains(secret),
                "{route} shows {secret}: {}",
                answer.text
            );
        }
        assert!(
            !answer.text.contains(hidden["id"].as_str().unwrap()),
            "{route} names a task that is not for buyers"
        );
    }
    let staff = office.agent.api.get(&path).await;
    assert_eq!(staff.expect(200)["purchasePrice"]["amount"], "731337.55");
    for route in [
        format!("{path}/activity"),
        "/api/audit".to_owned(),
        "/api/audit/export?format=jsonl".to_owned(),
    ] {
        office.buyer.api.get(&route).await.refuses(403, "FORBIDDEN");
    }
}
