//! `POST /api/deals`: what makes a deal, and what does not.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::buyer_purchase;

use crate::support::{
    Deals, Office, plain_deal, random_id, refuses_field, refuses_permission, refuses_reference,
    text, with, without,
};

#[tokio::test]
async fn a_deal_without_a_template_begins_as_a_draft_named_after_its_street() {
    let office = Office::new().await;
    let answer = office.agent.api.post("/api/deals", &plain_deal()).await;
    let deal = answer.expect(201);
    assert_eq!(
        answer.header("location"),
        format!("/api/deals/{}", text(&deal["id"]))
    );
    assert_eq!(answer.header("etag"), format!("\"{}\"", deal["version"]));
    let expected = json!({
        "name": "7 Mill Road", "status": "DRAFT", "dealType": "PURCHASE", "createdBy": office.agent.id,
        "timeZone": "America/New_York", "closingDate": null, "version": 1,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&deal[field], value, "{field}");
    }
    assert_eq!(deal["propertyAddress"]["country"], "US");
    let read = office.agent.api.get(answer.header("location")).await;
    assert_eq!(read.expect(200), deal);
    assert_eq!(
        office.history(&text(&deal["id"])).await,
        ["deals.deal.created"]
    );
    office.holds().await;
}

#[tokio::test]
async fn a_deal_with_every_required_date_is_active_at_once() {
    let office = Office::new().await;
    let body = buyer_purchase(&office.parties());
    let answer = office.agent.api.post("/api/deals", &body).await;
    let deal = answer.expect(201);
    assert_eq!(deal["status"], "ACTIVE");
    assert_eq!(
        deal["purchasePrice"],
        json!({"amount": "525000.00", "currency": "USD"})
    );
    assert_eq!(deal["facts"], body["facts"]);
    assert_eq!(deal["templateKey"], "us_residential_purchase_buyer");
    assert_eq!(deal["closingDate"], body["keyDates"]["closing_date"]);
    assert_eq!(answer.header("etag"), format!("\"{}\"", deal["version"]));
    assert_eq!(
        office.history(&text(&deal["id"])).await,
        ["deals.deal.created", "deals.deal.activated"]
    );
    office.holds().await;
}

#[tokio::test]
async fn a_deal_whose_template_misses_a_date_is_a_draft_with_a_pending_plan() {
    let office = Office::new().await;
    let body = without(buyer_purchase(&office.parties()), "/keyDates/closing_date");
    let deal = office.agent.create_deal(&body).await;
    assert_eq!(deal.json["status"], "DRAFT");
    let plan = office
        .agent
        .api
        .get(&format!("/api/deals/{}/plan", deal.id))
        .await;
    assert_eq!(
        (&plan.expect(200)["planState"], &plan.json["milestones"]),
        (&json!("PENDING"), &json!([]))
    );
}

#[tokio::test]
async fn what_is_written_is_trimmed_and_kept() {
    let office = Office::new().await;
    let body = json!({
        "name": "  The house by the mill ", "dealType": "REFINANCE", "timeZone": "America/Chicago",
        "propertyAddress": {"street": " 9 Rue de l'Église ", "unit": "2B", "city": "Montréal", "stateOrProvince": "QC", "postalCode": "H2Y 1C6", "country": "CA"},
        "purchasePrice": {"amount": "0.10", "currency": "CAD"},
        "facts": {"hoa": true, "year_built": 1890, "note": "a fact of our own"},
    });
    let deal = office.agent.create_deal(&body).await.json;
    assert_eq!(deal["name"], "The house by the mill");
    assert_eq!(deal["propertyAddress"]["street"], "9 Rue de l'Église");
    assert_eq!(
        (
            &deal["propertyAddress"]["unit"],
            &deal["propertyAddress"]["country"]
        ),
        (&json!("2B"), &json!("CA"))
    );
    assert_eq!(deal["purchasePrice"], body["purchasePrice"]);
    assert_eq!(
        (&deal["facts"], &deal["timeZone"]),
        (&body["facts"], &body["timeZone"])
    );
}

/// A wrong body: why it is wrong, the body, and the field and constraint of the rejection.
type Case = (&'static str, Value, &'static str, &'static str);

#[track_caller]
fn tells(case: &Case, answer: &testkit::Response) {
    let (why, _, field, constraint) = case;
    let details = answer.refuses(400, "VALIDATION_001");
    assert_eq!(
        (details["field"].as_str(), details["constraint"].as_str()),
        (Some(*field), Some(*constraint)),
        "{why}: {}",
        answer.text
    );
}

async fn refuses_all(office: &Office, cases: &[Case]) {
    for case in cases {
        tells(case, &office.agent.api.post("/api/deals", &case.1).await);
    }
    let deals = office.agent.api.get("/api/deals").await;
    assert_eq!(
        deals.expect(200)["items"],
        json!([]),
        "a refusal left a deal behind"
    );
}

#[tokio::test]
async fn fields_that_are_missing_are_named() {
    let office = Office::new().await;
    let plain = plain_deal;
    refuses_all(
        &office,
        &[
            (
                "no address",
                without(plain(), "/propertyAddress"),
                "propertyAddress",
                "required",
            ),
            (
                "no street",
                without(plain(), "/propertyAddress/street"),
                "propertyAddress.street",
                "required",
            ),
            (
                "no city",
                without(plain(), "/propertyAddress/city"),
                "propertyAddress.city",
                "required",
            ),
            (
                "no state",
                without(plain(), "/propertyAddress/stateOrProvince"),
                "propertyAddress.stateOrProvince",
                "required",
            ),
            (
                "no postal code",
                without(plain(), "/propertyAddress/postalCode"),
                "propertyAddress.postalCode",
                "required",
            ),
            (
                "no type",
                without(plain(), "/dealType"),
                "dealType",
                "required",
            ),
            (
                "a null type",
                with(plain(), "/dealType", Value::Null),
                "dealType",
                "required",
            ),
            (
                "a blank street",
                with(plain(), "/propertyAddress/street", json!(" ")),
                "propertyAddress.street",
                "required",
            ),
            (
                "a party without a name",
                with(plain(), "/parties", json!([{"role": "buyer"}])),
                "parties.0.name",
                "required",
            ),
            (
                "a party without a part",
                with(plain(), "/parties", json!([{"name": "A"}])),
                "parties.0.role",
                "required",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn fields_that_do_not_exist_are_named() {
    let office = Office::new().await;
    let plain = plain_deal;
    refuses_all(
        &office,
        &[
            (
                "a field that does not exist",
                with(plain(), "/colour", json!("red")),
                "colour",
                "unknown",
            ),
            (
                "one in other letters",
                with(plain(), "/dealtype", json!("PURCHASE")),
                "dealtype",
                "unknown",
            ),
            (
                "one below",
                with(plain(), "/propertyAddress/planet", json!("Mars")),
                "propertyAddress.planet",
                "unknown",
            ),
            (
                "one of a party",
                with(
                    plain(),
                    "/parties",
                    json!([{"role": "buyer", "name": "A", "age": 3}]),
                ),
                "parties.0.age",
                "unknown",
            ),
            (
                "a read-only field",
                with(plain(), "/status", json!("ACTIVE")),
                "status",
                "unknown",
            ),
            (
                "an id of one's own",
                with(plain(), "/id", json!(random_id())),
                "id",
                "unknown",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn values_of_the_wrong_type_are_named() {
    let office = Office::new().await;
    let plain = plain_deal;
    let price = |amount: Value| {
        with(
            plain(),
            "/purchasePrice",
            json!({"amount": amount, "currency": "USD"}),
        )
    };
    refuses_all(
        &office,
        &[
            (
                "an address that is a text",
                with(plain(), "/propertyAddress", json!("7 Mill Road")),
                "propertyAddress",
                "type",
            ),
            (
                "a street that is a number",
                with(plain(), "/propertyAddress/street", json!(7)),
                "propertyAddress.street",
                "type",
            ),
            (
                "a price that is a number",
                with(plain(), "/purchasePrice", json!(525_000)),
                "purchasePrice",
                "type",
            ),
            (
                "an amount that is a float",
                price(json!(525_000.0)),
                "purchasePrice.amount",
                "type",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn lists_and_maps_of_the_wrong_type_are_named() {
    let office = Office::new().await;
    let plain = plain_deal;
    refuses_all(
        &office,
        &[
            (
                "facts that are a list",
                with(plain(), "/facts", json!([])),
                "facts",
                "type",
            ),
            (
                "a fact that is an object",
                with(plain(), "/facts", json!({"hoa": {}})),
                "facts.hoa",
                "type",
            ),
            (
                "a fact that is nothing",
                with(plain(), "/facts", json!({"hoa": null})),
                "facts.hoa",
                "type",
            ),
            (
                "dates that are a list",
                with(plain(), "/keyDates", json!(["2026-03-02"])),
                "keyDates",
                "type",
            ),
            (
                "a date that is a number",
                with(plain(), "/keyDates", json!({"closing_date": 3})),
                "keyDates.closing_date",
                "type",
            ),
            (
                "parties that are an object",
                with(plain(), "/parties", json!({})),
                "parties",
                "type",
            ),
            (
                "a party that is a text",
                with(plain(), "/parties", json!(["me"])),
                "parties.0",
                "type",
            ),
            (
                "a user that is no id",
                with(
                    plain(),
                    "/parties",
                    json!([{"role": "buyer", "name": "A", "userId": "me"}]),
                ),
                "parties.0.userId",
                "format",
            ),
            (
                "a contact flag that is none",
                with(
                    plain(),
                    "/parties",
                    json!([{"role": "lender", "name": "A", "buyerContact": 1}]),
                ),
                "parties.0.buyerContact",
                "type",
            ),
            (
                "a name that is a list",
                with(plain(), "/name", json!(["a"])),
                "name",
                "type",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn values_outside_their_bounds_are_named() {
    let office = Office::new().await;
    let plain = plain_deal;
    let long = |length: usize| json!("x".repeat(length));
    refuses_all(
        &office,
        &[
            (
                "a type that does not exist",
                with(plain(), "/dealType", json!("RENTAL")),
                "dealType",
                "one_of",
            ),
            (
                "a type in small letters",
                with(plain(), "/dealType", json!("purchase")),
                "dealType",
                "one_of",
            ),
            (
                "a long name",
                with(plain(), "/name", long(201)),
                "name",
                "max_length",
            ),
            (
                "a blank name",
                with(plain(), "/name", json!("  ")),
                "name",
                "required",
            ),
            (
                "a long street",
                with(plain(), "/propertyAddress/street", long(201)),
                "propertyAddress.street",
                "max_length",
            ),
            (
                "a street of two lines",
                with(plain(), "/propertyAddress/street", json!("a\nb")),
                "propertyAddress.street",
                "characters",
            ),
            (
                "a long postal code",
                with(plain(), "/propertyAddress/postalCode", long(21)),
                "propertyAddress.postalCode",
                "max_length",
            ),
            (
                "a country by name",
                with(plain(), "/propertyAddress/country", json!("Canada")),
                "propertyAddress.country",
                "format",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn amounts_that_are_none_are_named() {
    let office = Office::new().await;
    let plain = plain_deal;
    let price = |amount: &str, currency: &str| {
        with(
            plain(),
            "/purchasePrice",
            json!({"amount": amount, "currency": currency}),
        )
    };
    refuses_all(
        &office,
        &[
            (
                "a negative amount",
                price("-1.00", "USD"),
                "purchasePrice.amount",
                "format",
            ),
            (
                "three decimal places",
                price("1.005", "USD"),
                "purchasePrice.amount",
                "format",
            ),
            (
                "an exponent",
                price("1e6", "USD"),
                "purchasePrice.amount",
                "format",
            ),
            (
                "a thousands separator",
                price("525,000.00", "USD"),
                "purchasePrice.amount",
                "format",
            ),
            (
                "an amount beyond belief",
                price("99999999999.00", "USD"),
                "purchasePrice.amount",
                "format",
            ),
            (
                "no amount",
                price("", "USD"),
                "purchasePrice.amount",
                "format",
            ),
            (
                "a currency in small letters",
                price("1.00", "usd"),
                "purchasePrice.currency",
                "format",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn dates_and_parties_outside_their_bounds_are_named() {
    let office = Office::new().await;
    let plain = plain_deal;
    let party = |party: Value| with(plain(), "/parties", json!([party]));
    refuses_all(
        &office,
        &[
            (
                "a day that does not exist",
                with(plain(), "/keyDates", json!({"closing_date": "2026-02-30"})),
                "keyDates.closing_date",
                "format",
            ),
            (
                "a day with a time",
                with(
                    plain(),
                    "/keyDates",
                    json!({"closing_date": "2026-03-02T00:00:00Z"}),
                ),
                "keyDates.closing_date",
                "format",
            ),
            (
                "a day in another century",
                with(plain(), "/keyDates", json!({"closing_date": "1999-12-31"})),
                "keyDates.closing_date",
                "range",
            ),
            (
                "a zone that does not exist",
                with(plain(), "/timeZone", json!("Mars/Base")),
                "timeZone",
                "time_zone",
            ),
            (
                "a part nobody plays",
                party(json!({"role": "BUYER", "name": "A"})),
                "parties.0.role",
                "one_of",
            ),
            (
                "an address that is none",
                party(json!({"role": "lender", "name": "A", "email": "nobody"})),
                "parties.0.email",
                "format",
            ),
            (
                "a long phone number",
                party(json!({"role": "lender", "name": "A", "phone": "5".repeat(41)})),
                "parties.0.phone",
                "max_length",
            ),
            (
                "a fact with an odd name",
                with(plain(), "/facts", json!({"a b": 1})),
                "facts.a b",
                "format",
            ),
        ],
    )
    .await;
}

/// The fields that a refusal names, with what is wrong with each.
fn told(details: &Value) -> BTreeSet<(String, String)> {
    let errors = details["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| (text(&error["field"]), text(&error["constraint"])))
        .collect()
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let office = Office::new().await;
    let body = json!({
        "propertyAddress": {"street": "", "city": "x".repeat(101), "stateOrProvince": "ME", "postalCode": "04101"},
        "dealType": "RENTAL", "parties": [{"role": "nobody", "name": ""}],
    });
    let answer = office.agent.api.post("/api/deals", &body).await;
    let details = answer.refuses(400, "VALIDATION_001");
    let told = told(details);
    for (field, constraint) in [
        ("propertyAddress.street", "required"),
        ("propertyAddress.city", "max_length"),
        ("dealType", "one_of"),
        ("parties.0.role", "one_of"),
        ("parties.0.name", "required"),
    ] {
        assert!(
            told.contains(&(field.to_owned(), constraint.to_owned())),
            "{field} {constraint} is not in {told:?}"
        );
    }
    assert_eq!(
        details["field"], details["errors"][0]["field"],
        "the first goes to the top"
    );
}

#[tokio::test]
async fn whatever_is_missing_unknown_or_of_the_wrong_type_is_told_at_once() {
    let office = Office::new().await;
    let body = json!({
        "foo": 1,
        "name": 7,
        "parties": "nobody",
        "propertyAddress": {"street": "7 Mill Road", "town": "Portland"},
    });
    let answer = office.agent.api.post("/api/deals", &body).await;
    let details = answer.refuses(400, "VALIDATION_001");
    let expected = [
        ("dealType", "required"),
        ("foo", "unknown"),
        ("name", "type"),
        ("parties", "type"),
        ("propertyAddress.city", "required"),
        ("propertyAddress.postalCode", "required"),
        ("propertyAddress.stateOrProvince", "required"),
        ("propertyAddress.town", "unknown"),
    ];
    let expected = expected.map(|(field, constraint)| (field.to_owned(), constraint.to_owned()));
    assert_eq!(told(details), BTreeSet::from(expected));
}

#[tokio::test]
async fn what_the_template_does_not_know_is_named() {
    let office = Office::new().await;
    let body = || buyer_purchase(&office.parties());
    let cases = [
        (
            "a template that does not exist",
            with(body(), "/templateKey", json!("us_houseboat")),
            "templateKey",
        ),
        (
            "a fact the template never asks about",
            with(body(), "/facts/moon_phase", json!("full")),
            "facts.moon_phase",
        ),
        (
            "a date the template does not have",
            with(body(), "/keyDates/moon_rise", json!("2026-03-02")),
            "keyDates.moon_rise",
        ),
    ];
    for (why, body, field) in cases {
        let answer = office.agent.api.post("/api/deals", &body).await;
        answer.expect(400);
        assert_eq!(
            answer.json["details"]["field"], field,
            "{why}: {}",
            answer.text
        );
        let dry = office.agent.api.post("/api/deals?dryRun=true", &body).await;
        assert_eq!(
            dry.expect(400)["details"],
            answer.json["details"],
            "{why}: a dry run says the same"
        );
    }
    assert_eq!(
        office.agent.api.get("/api/deals").await.expect(200)["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_user_of_another_organization_is_as_unknown_as_a_random_one() {
    let office = Office::new().await;
    let foreign = Office::new().await;
    let mut bodies = Vec::new();
    for user_id in [foreign.buyer.id.clone(), random_id()] {
        let parties = json!([{"role": "seller", "name": "A"}, {"role": "buyer", "name": "B", "userId": user_id}]);
        let answer = office
            .agent
            .api
            .post("/api/deals", &with(plain_deal(), "/parties", parties))
            .await;
        refuses_reference(&answer, "parties.1.userId");
        bodies.push(answer.text.replace(&text(&answer.json["requestId"]), "R"));
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(
        office.agent.api.get("/api/deals").await.expect(200)["items"],
        json!([])
    );
}

#[tokio::test]
async fn nobody_plays_the_same_part_twice() {
    let office = Office::new().await;
    let twice = json!([
        {"role": "buyer", "name": "A", "userId": office.buyer.id},
        {"role": "buyer", "name": "B", "userId": office.buyer.id},
    ]);
    refuses_field(
        &office
            .agent
            .api
            .post("/api/deals", &with(plain_deal(), "/parties", twice))
            .await,
        "parties.1.userId",
        "unique",
    );
    let two_parts = json!([
        {"role": "buyer", "name": "A", "userId": office.buyer.id},
        {"role": "borrower", "name": "A", "userId": office.buyer.id},
    ]);
    office
        .agent
        .api
        .post("/api/deals", &with(plain_deal(), "/parties", two_parts))
        .await
        .expect(201);
}

#[tokio::test]
async fn creating_takes_create_deals() {
    let office = Office::new().await;
    for user in [&office.coordinator, &office.buyer] {
        refuses_permission(
            &user.api.post("/api/deals", &plain_deal()).await,
            "create_deals",
        );
        refuses_permission(
            &user.api.post("/api/deals", &json!({})).await,
            "create_deals",
        );
    }
    let deal = office.admin().create_deal(&plain_deal()).await;
    assert_eq!(
        office.admin().read_deal(&deal.id).await["createdBy"],
        json!(office.admin().id)
    );
}
