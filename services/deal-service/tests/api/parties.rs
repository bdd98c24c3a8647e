//! `/api/deals/:id/parties`: who takes part, who sees the deal for it, and how to reach them.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Deal, User, buyer_purchase, eventually};

use crate::support::{
    Office, all_items, patch_at, plain_deal, random_id, refuses_field, refuses_permission,
    refuses_reference, text, with,
};

fn path(deal: &Deal) -> String {
    format!("/api/deals/{}/parties", deal.id)
}

async fn by_name(user: &User, deal: &Deal) -> BTreeMap<String, Value> {
    let parties = all_items(user, &format!("{}?limit=2", path(deal))).await;
    parties
        .into_iter()
        .map(|party| (text(&party["name"]), party))
        .collect()
}

#[tokio::test]
async fn a_deal_has_at_most_fifty_parties() {
    let office = Office::new().await;
    let party = |number: usize| json!({"role": "other", "name": format!("Heir {number}")});
    let mut body = plain_deal();
    body["parties"] = (0..50).map(party).collect();
    let deal = office.agent.create_deal(&body).await;
    let refused = office.agent.api.post(&path(&deal), &party(51)).await;
    refuses_field(&refused, "parties", "max_items");
    let present = all_items(&office.agent, &format!("{}?limit=100", path(&deal))).await;
    assert_eq!(present.len(), 50);
    let one = format!("{}/{}", path(&deal), text(&present[0]["id"]));
    office.agent.api.delete(&one).await.expect(204);
    let added = office.agent.api.post(&path(&deal), &party(51)).await;
    added.expect(201);
}

#[tokio::test]
async fn a_party_is_added_changed_and_removed() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let body = json!({"role": "inspector", "name": " Ann ", "email": "ann@example.test", "phone": "+1 207 555 0100", "company": "Inspectors"});
    let answer = office.agent.api.post(&path(&deal), &body).await;
    let party = answer.expect(201).clone();
    let one = format!("{}/{}", path(&deal), text(&party["id"]));
    assert_eq!(answer.header("location"), one);
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(
        (&party["name"], &party["role"], &party["buyerContact"]),
        (&json!("Ann"), &json!("inspector"), &json!(false))
    );

    let put = json!({"role": "appraiser", "name": "Ann", "version": 1});
    let changed = office.agent.api.put(&one, &put).await;
    assert_eq!(
        (&changed.expect(200)["role"], &changed.json["version"]),
        (&json!("appraiser"), &json!(2))
    );
    assert!(
        changed.json.get("email").is_none_or(Value::is_null),
        "what is left out is gone"
    );
    office
        .agent
        .api
        .put(&one, &put)
        .await
        .refuses(409, "VERSION_CONFLICT");
    patch_at(&office.agent, &one, &json!(1), &json!({"name": "Anna"}))
        .await
        .refuses(412, "VERSION_MISMATCH");
    patch_at(
        &office.agent,
        &one,
        &json!(2),
        &json!({"email": "anna@example.test"}),
    )
    .await
    .expect(200);
    assert_eq!(
        by_name(&office.agent, &deal).await["Ann"]["email"],
        "anna@example.test"
    );

    office
        .agent
        .api
        .send(Method::DELETE, &one, &[("If-Match", "\"1\"")], None)
        .await
        .refuses(412, "VERSION_MISMATCH");
    office.agent.api.delete(&one).await.expect(204);
    office
        .agent
        .api
        .delete(&one)
        .await
        .refuses(404, "NOT_FOUND");
    assert!(!by_name(&office.agent, &deal).await.contains_key("Ann"));
    assert_eq!(
        office.history(&text(&party["id"])).await,
        [
            "deals.party.added",
            "deals.party.updated",
            "deals.party.updated",
            "deals.party.removed"
        ]
    );
}

#[tokio::test]
async fn a_buyer_reads_contact_details_only_of_those_it_is_meant_to_call() {
    let office = Office::new().await;
    let contact = |role: &str, name: &str| json!({"role": role, "name": name, "email": format!("{name}@example.test"), "phone": "+1 207 555 0100", "company": "Company of secrets"});
    let mut parties = office.parties();
    let list = parties.as_array_mut().unwrap();
    list.push(contact("lender", "lender"));
    list.push(contact("title_escrow", "title"));
    list.push(contact("listing_agent", "agent"));
    list.push(contact("inspector", "inspector"));
    list.push(contact("seller", "seller"));
    list.push(with(
        contact("attorney", "attorney"),
        "/buyerContact",
        json!(true),
    ));
    list.push(with(
        contact("loan_officer", "officer"),
        "/buyerContact",
        json!(false),
    ));
    let deal = office
        .agent
        .create_deal(&with(plain_deal(), "/parties", parties))
        .await;

    let seen = by_name(&office.buyer, &deal).await;
    assert_eq!(seen.len(), 10, "every party's name and part is shown");
    for (name, told) in [
        ("lender", true),
        ("title", true),
        ("agent", true),
        ("attorney", true),
        ("inspector", false),
        ("seller", false),
        ("officer", false),
    ] {
        for field in ["email", "phone"] {
            let shown = seen[name].get(field).is_some_and(Value::is_string);
            assert_eq!(shown, told, "{field} of {name}: {}", seen[name]);
        }
    }
    for name in ["inspector", "seller", "officer"] {
        let one = office
            .buyer
            .api
            .get(&format!("{}/{}", path(&deal), text(&seen[name]["id"])))
            .await;
        one.expect(200);
        assert!(
            !one.text.contains("example.test") && !one.text.contains("555 0100"),
            "{}",
            one.text
        );
    }
    let staff = by_name(&office.coordinator, &deal).await;
    assert_eq!(staff["seller"]["email"], "seller@example.test");
}

#[tokio::test]
async fn a_party_with_a_login_sees_the_deal_as_long_as_it_is_one() {
    let office = Office::new().await;
    let deal = office.agent.create_deal(&plain_deal()).await;
    let deal_path = format!("/api/deals/{}", deal.id);
    for (user, role) in [
        (office.organization.buyer().await, "buyer"),
        (office.organization.agent().await, "listing_agent"),
    ] {
        user.api.get(&deal_path).await.refuses(404, "NOT_FOUND");
        let added = office
            .agent
            .api
            .post(
                &path(&deal),
                &json!({"role": role, "name": "Somebody", "userId": user.id}),
            )
            .await;
        let party = format!("{}/{}", path(&deal), text(&added.expect(201)["id"]));
        user.api.get(&deal_path).await.expect(200);
        let second = office
            .agent
            .api
            .post(
                &path(&deal),
                &json!({"role": "other", "name": "Somebody", "userId": user.id}),
            )
            .await;
        office.agent.api.delete(&party).await.expect(204);
        user.api.get(&deal_path).await.expect(200);
        let second = format!("{}/{}", path(&deal), text(&second.expect(201)["id"]));
        patch_at(&office.agent, &second, &json!(1), &json!({"userId": null}))
            .await
            .expect(200);
        user.api.get(&deal_path).await.refuses(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_party_added_later_gets_the_tasks_of_its_part() {
    let office = Office::new().await;
    let parties = json!([{"role": "buyer_agent", "name": "The Agent", "userId": office.agent.id}]);
    let deal = office
        .agent
        .create_planned_deal(&buyer_purchase(&parties))
        .await;
    let task = office.agent.task(&deal.id, "wire_fraud_ack").await;
    assert_eq!(task["assigneeId"], Value::Null);
    office
        .agent
        .api
        .post(
            &path(&deal),
            &json!({"role": "buyer", "name": "The Buyer", "userId": office.buyer.id}),
        )
        .await
        .expect(201);
    eventually("the buyer's tasks are the buyer's", async || {
        let task = office.agent.task(&deal.id, "wire_fraud_ack").await;
        (task["assigneeId"] == json!(office.buyer.id)).then_some(())
    })
    .await;
    office.holds().await;
}

#[tokio::test]
async fn nobody_plays_the_same_part_twice_and_strangers_play_none() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let twice = json!({"role": "buyer", "name": "Again", "userId": office.buyer.id});
    let answer = office.agent.api.post(&path(&deal), &twice).await;
    assert_eq!(
        answer.expect(400)["details"]["field"],
        "userId",
        "{}",
        answer.text
    );
    for id in [random_id(), Office::new().await.buyer.id] {
        let body = json!({"role": "buyer", "name": "Stranger", "userId": id});
        refuses_reference(&office.agent.api.post(&path(&deal), &body).await, "userId");
    }
}

#[tokio::test]
async fn bodies_that_are_not_a_party_are_refused_by_field() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let cases = [
        ("no part", json!({"name": "A"}), "role", "required"),
        ("no name", json!({"role": "buyer"}), "name", "required"),
        (
            "a blank name",
            json!({"role": "buyer", "name": " "}),
            "name",
            "required",
        ),
        (
            "a long name",
            json!({"role": "buyer", "name": "n".repeat(201)}),
            "name",
            "max_length",
        ),
        (
            "a part nobody plays",
            json!({"role": "notary", "name": "A"}),
            "role",
            "one_of",
        ),
        (
            "an address that is none",
            json!({"role": "buyer", "name": "A", "email": "a@b"}),
            "email",
            "format",
        ),
        (
            "a phone that is a number",
            json!({"role": "buyer", "name": "A", "phone": 5}),
            "phone",
            "type",
        ),
        (
            "a field that does not exist",
            json!({"role": "buyer", "name": "A", "age": 3}),
            "age",
            "unknown",
        ),
        (
            "an id of one's own",
            json!({"role": "buyer", "name": "A", "id": random_id()}),
            "id",
            "unknown",
        ),
    ];
    for (why, body, field, constraint) in cases {
        let answer = office.agent.api.post(&path(&deal), &body).await;
        let details = answer.refuses(400, "VALIDATION_001");
        assert_eq!(
            (details["field"].as_str(), details["constraint"].as_str()),
            (Some(field), Some(constraint)),
            "{why}: {}",
            answer.text
        );
    }
    refuses_field(
        &office
            .agent
            .api
            .get(&format!("{}?limit=0", path(&deal)))
            .await,
        "limit",
        "range",
    );
}

#[tokio::test]
async fn parties_are_written_by_who_may_write_the_deal() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let body = json!({"role": "other", "name": "Somebody"});
    refuses_permission(
        &office.buyer.api.post(&path(&deal), &body).await,
        "manage_tasks",
    );
    office
        .organization
        .agent()
        .await
        .api
        .post(&path(&deal), &body)
        .await
        .refuses(404, "NOT_FOUND");
    office
        .coordinator
        .api
        .post(&path(&deal), &body)
        .await
        .expect(201);
    let other = office.draft().await;
    let theirs = by_name(&office.agent, &other).await;
    let elsewhere = format!("{}/{}", path(&deal), text(&theirs["The Buyer"]["id"]));
    office
        .agent
        .api
        .delete(&elsewhere)
        .await
        .refuses(404, "NOT_FOUND");
    assert_eq!(by_name(&office.agent, &other).await.len(), 3);
}
