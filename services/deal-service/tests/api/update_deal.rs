//! `PUT` and `PATCH /api/deals/:id`: what is written of a deal, under a version.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::buyer_purchase;
use tokio::task::JoinSet;

use crate::support::{
    Deals, Office, address, patch_at, plain_deal, put_if, random_id, refuses_field,
    refuses_permission, with, without,
};

#[tokio::test]
async fn a_put_replaces_the_writable_fields() {
    let office = Office::new().await;
    let mut body = with(plain_deal(), "/name", json!("Before"));
    body["purchasePrice"] = json!({"amount": "1.00", "currency": "USD"});
    body["facts"] = json!({"hoa": true});
    let deal = office.agent.create_deal(&body).await;
    let path = format!("/api/deals/{}", deal.id);
    let body = json!({"propertyAddress": with(address(), "/street", json!("8 Mill Road")), "dealType": "LISTING", "version": 1});
    let answer = office.agent.api.put(&path, &body).await;
    let shown = answer.expect(200);
    assert_eq!(answer.header("etag"), "\"2\"");
    assert_eq!(
        (&shown["name"], &shown["dealType"], &shown["version"]),
        (&json!("8 Mill Road"), &json!("LISTING"), &json!(2))
    );
    assert!(
        shown.get("purchasePrice").is_none_or(Value::is_null),
        "what is left out is gone"
    );
    assert_eq!(shown["facts"], json!({}));
    assert_eq!(&office.agent.read_deal(&deal.id).await, shown);
    assert_eq!(
        office.history(&deal.id).await,
        ["deals.deal.created", "deals.deal.updated"]
    );
    office.holds().await;
}

#[tokio::test]
async fn the_facts_of_a_deal_are_bounded_in_bytes() {
    let office = Office::new().await;
    let facts = |count: usize| -> Value {
        (0..count)
            .map(|number| (format!("fact_{number}"), json!("x".repeat(500))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut body = plain_deal();
    body["facts"] = facts(40);
    refuses_field(
        &office.agent.api.post("/api/deals", &body).await,
        "facts",
        "max_length",
    );
    body["facts"] = facts(30);
    let deal = office.agent.create_deal(&body).await;
    let patch = json!({"facts": facts(40)});
    let refused = office
        .agent
        .api
        .patch(&format!("/api/deals/{}", deal.id), &patch)
        .await;
    refuses_field(&refused, "facts", "max_length");
}

#[tokio::test]
async fn a_patch_changes_only_what_it_names() {
    let office = Office::new().await;
    let mut body = with(plain_deal(), "/name", json!("Before"));
    body["purchasePrice"] = json!({"amount": "1.00", "currency": "USD"});
    body["facts"] = json!({"hoa": true, "year_built": 1990});
    let deal = office.agent.create_deal(&body).await;
    let path = format!("/api/deals/{}", deal.id);
    let patch = json!({"name": "After", "propertyAddress": {"unit": "3"}, "facts": {"hoa": null, "roof": "slate"}, "purchasePrice": {"amount": "2.50"}});
    let answer = patch_at(&office.agent, &path, &json!(1), &patch).await;
    let shown = answer.expect(200);
    assert_eq!(shown["name"], "After");
    assert_eq!(shown["propertyAddress"]["unit"], "3");
    assert_eq!(shown["propertyAddress"]["street"], "7 Mill Road");
    assert_eq!(shown["facts"], json!({"year_built": 1990, "roof": "slate"}));
    assert_eq!(
        shown["purchasePrice"],
        json!({"amount": "2.50", "currency": "USD"})
    );

    let answer = patch_at(
        &office.agent,
        &path,
        &json!(2),
        &json!({"purchasePrice": null, "name": null}),
    )
    .await;
    assert_eq!(
        answer.expect(200)["name"],
        "7 Mill Road",
        "the street by default"
    );
    assert!(answer.json.get("purchasePrice").is_none_or(Value::is_null));
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_in_the_body_and_a_mismatch_in_the_header() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let path = format!("/api/deals/{}", deal.id);
    let body = |name: &str| with(plain_deal(), "/name", json!(name));
    put_if(&office.agent, &path, "\"1\"", &body("Second"))
        .await
        .expect(200);
    let stale = office
        .agent
        .api
        .put(&path, &with(body("Third"), "/version", json!(1)))
        .await;
    assert_eq!(stale.refuses(409, "VERSION_CONFLICT")["current"], 2);
    let stale = put_if(&office.agent, &path, "\"1\"", &body("Third")).await;
    assert_eq!(stale.refuses(412, "VERSION_MISMATCH")["current"], 2);
    assert_eq!(stale.json["error"], "PreconditionFailed");
    patch_at(&office.agent, &path, &json!(9), &json!({"name": "Third"}))
        .await
        .refuses(412, "VERSION_MISMATCH");
    put_if(&office.agent, &path, "\"abc\"", &body("Third"))
        .await
        .refuses(412, "VERSION_MISMATCH");
    refuses_field(
        &office.agent.api.put(&path, &body("Third")).await,
        "version",
        "required",
    );
    refuses_field(
        &office
            .agent
            .api
            .put(&path, &with(body("Third"), "/version", json!("2")))
            .await,
        "version",
        "type",
    );
    for malformed in ["2", "\"2", "2\"", "\"1\" \"2\"", "\"1\","] {
        refuses_field(
            &put_if(&office.agent, &path, malformed, &body("Third")).await,
            "If-Match",
            "format",
        );
    }
    assert_eq!(office.agent.read_deal(&deal.id).await["name"], "Second");
    assert_eq!(
        put_if(&office.agent, &path, "*", &body("Any"))
            .await
            .expect(200)["version"],
        3
    );
    let listed = put_if(&office.agent, &path, "\"x\", \"3\"", &body("Any")).await;
    assert_eq!(
        listed.expect(200)["version"],
        3,
        "any version of a list will do"
    );
    // The header goes before the body.
    let both = with(body("Header"), "/version", json!(1));
    put_if(&office.agent, &path, "\"3\"", &both)
        .await
        .expect(200);
}

#[tokio::test]
async fn of_many_updates_from_one_version_exactly_one_succeeds() {
    let office = Office::new().await;
    let deal = office.draft().await;
    for version in 1..=5 {
        let mut updates = JoinSet::new();
        for writer in 0..12 {
            let (user, path) = (office.agent.clone(), format!("/api/deals/{}", deal.id));
            let body = json!({"name": format!("Version {version} by {writer}")});
            updates.spawn(async move { patch_at(&user, &path, &json!(version), &body).await });
        }
        let mut won = Vec::new();
        while let Some(answer) = updates.join_next().await {
            let answer = answer.unwrap();
            if answer.status == 200 {
                won.push(answer.json["name"].clone());
            } else {
                answer.refuses(412, "VERSION_MISMATCH");
            }
        }
        let read = office.agent.read_deal(&deal.id).await;
        assert_eq!(won, std::slice::from_ref(&read["name"]));
        assert_eq!(read["version"], version + 1);
    }
    office.holds().await;
}

#[tokio::test]
async fn what_is_not_writable_is_unknown() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let path = format!("/api/deals/{}", deal.id);
    for (field, value) in [
        ("status", json!("ACTIVE")),
        ("id", json!(deal.id)),
        ("createdBy", json!(office.agent.id)),
        ("createdAt", json!("2026-03-02T10:00:00Z")),
        ("closingDate", json!("2026-03-02")),
        ("keyDates", json!({})),
        ("parties", json!([])),
        ("templateKey", json!("us_refinance")),
        ("organizationId", json!(random_id())),
        ("colour", json!("red")),
    ] {
        let put = with(
            with(plain_deal(), "/version", json!(1)),
            &format!("/{field}"),
            value.clone(),
        );
        refuses_field(&office.agent.api.put(&path, &put).await, field, "unknown");
        refuses_field(
            &patch_at(&office.agent, &path, &json!(1), &json!({field: value})).await,
            field,
            "unknown",
        );
    }
    assert_eq!(office.agent.read_deal(&deal.id).await["version"], 1);
}

#[tokio::test]
async fn a_deal_from_a_template_keeps_its_type() {
    let office = Office::new().await;
    let mut draft = buyer_purchase(&office.parties());
    draft["keyDates"] = json!({});
    let deal = office.agent.create_deal(&draft).await;
    let path = format!("/api/deals/{}", deal.id);
    let put = |deal_type: &str| json!({"propertyAddress": draft["propertyAddress"], "dealType": deal_type, "facts": draft["facts"], "version": 1});
    for answer in [
        office.agent.api.put(&path, &put("LISTING")).await,
        patch_at(
            &office.agent,
            &path,
            &json!(1),
            &json!({"dealType": "LISTING"}),
        )
        .await,
    ] {
        refuses_field(&answer, "dealType", "template");
    }
    assert_eq!(office.agent.read_deal(&deal.id).await["version"], 1);
    let same = office.agent.api.put(&path, &put("PURCHASE")).await;
    assert_eq!(same.expect(200)["dealType"], "PURCHASE");
}

#[tokio::test]
async fn a_deal_without_a_template_may_change_its_type() {
    let office = Office::new().await;
    let deal = office.agent.create_deal(&plain_deal()).await;
    let path = format!("/api/deals/{}", deal.id);
    let patch = json!({"dealType": "REFINANCE"});
    let patched = patch_at(&office.agent, &path, &json!(1), &patch).await;
    assert_eq!(patched.expect(200)["dealType"], "REFINANCE");
    let put = with(plain_deal(), "/version", json!(2));
    let put = office.agent.api.put(&path, &put).await;
    assert_eq!(put.expect(200)["dealType"], "PURCHASE");
}

#[tokio::test]
async fn a_body_is_read_before_the_deal_is_looked_for() {
    let office = Office::new().await;
    let path = format!("/api/deals/{}", random_id());
    let put = with(without(plain_deal(), "/dealType"), "/version", json!(1));
    refuses_field(
        &office.agent.api.put(&path, &put).await,
        "dealType",
        "required",
    );
    office
        .agent
        .api
        .put(&path, &with(plain_deal(), "/version", json!(1)))
        .await
        .refuses(404, "NOT_FOUND");
    refuses_field(
        &patch_at(
            &office.agent,
            &path,
            &json!(1),
            &json!({"dealType": "RENTAL"}),
        )
        .await,
        "dealType",
        "one_of",
    );
    let wrong_type = office
        .agent
        .api
        .send(Method::PATCH, &path, &[], Some(&json!({"name": "x"})))
        .await;
    wrong_type.refuses(415, "UNSUPPORTED_MEDIA_TYPE");
    refuses_field(
        &patch_at(&office.agent, &path, &json!(1), &json!([])).await,
        "body",
        "type",
    );
}

#[tokio::test]
async fn a_deal_is_written_by_its_creator_and_by_who_manages_tasks() {
    let office = Office::new().await;
    let other_agent = office.organization.agent().await;
    let mut parties = office.parties();
    parties
        .as_array_mut()
        .unwrap()
        .push(json!({"role": "listing_agent", "name": "Other side", "userId": other_agent.id}));
    let deal = office
        .agent
        .create_deal(&with(plain_deal(), "/parties", parties))
        .await;
    let path = format!("/api/deals/{}", deal.id);
    let patch = json!({"name": "Mine"});
    refuses_permission(
        &patch_at(&other_agent, &path, &json!(1), &patch).await,
        "manage_tasks",
    );
    office.buyer.api.get(&path).await.expect(200);
    patch_at(&office.buyer, &path, &json!(1), &patch)
        .await
        .refuses(403, "FORBIDDEN");
    let stranger = office.organization.agent().await;
    patch_at(&stranger, &path, &json!(1), &patch)
        .await
        .refuses(404, "NOT_FOUND");
    patch_at(&office.coordinator, &path, &json!(1), &patch)
        .await
        .expect(200);
    patch_at(&office.agent, &path, &json!(2), &json!({"name": "Ours"}))
        .await
        .expect(200);
}
