//! `GET /api/templates`: the plans that deals can be made from.

use crate::support::{Office, all_items, random_id, refuses_field, text};

#[tokio::test]
async fn the_shipped_templates_are_there_for_everybody_but_buyers() {
    let office = Office::new().await;
    for user in [&office.agent, &office.coordinator, office.admin()] {
        let mut keys: Vec<String> = all_items(user, "/api/templates?limit=3")
            .await
            .iter()
            .map(|template| text(&template["key"]))
            .collect();
        keys.sort();
        assert_eq!(
            keys,
            [
                "us_new_construction_buyer",
                "us_refinance",
                "us_residential_listing_seller",
                "us_residential_purchase_buyer"
            ]
        );
    }
    office
        .buyer
        .api
        .get("/api/templates")
        .await
        .refuses(403, "FORBIDDEN");
}

#[tokio::test]
async fn a_template_is_read_by_its_id() {
    let office = Office::new().await;
    let listed = all_items(&office.agent, "/api/templates?limit=100").await;
    for template in listed {
        let path = format!("/api/templates/{}", text(&template["id"]));
        let answer = office.agent.api.get(&path).await;
        assert_eq!(answer.expect(200)["key"], template["key"]);
        office.buyer.api.get(&path).await.refuses(403, "FORBIDDEN");
    }
    office
        .agent
        .api
        .get(&format!("/api/templates/{}", random_id()))
        .await
        .refuses(404, "NOT_FOUND");
    refuses_field(
        &office.agent.api.get("/api/templates?colour=red").await,
        "colour",
        "unknown",
    );
}
