use serde_json::{Value, json};
use testkit::Organization;

use uuid::Uuid;

use crate::support::{anybody, event_types, fields_of, fresh_email, invite, log_in, text};

#[actix_web::test]
async fn signing_up_makes_an_organization_and_signs_its_first_administrator_in() {
    let email = fresh_email();
    let body = json!({
        "organizationName": "Harbour Realty", "fullName": "A Founder", "email": email,
        "password": "twelve chars", "timezone": "America/Chicago",
    });
    let answer = anybody().post("/api/auth/signup", &body).await;
    let session = answer.expect(201);
    assert_eq!(session["tokenType"], "Bearer");
    assert_eq!(session["user"]["role"], "ADMIN");
    assert_eq!(session["user"]["version"], 1);
    let user_id = text(&session["user"]["id"]);
    assert_eq!(answer.header("location"), format!("/api/users/{user_id}"));

    let api = anybody().with_token(&text(&session["accessToken"]));
    let me = api.get("/api/auth/me").await;
    assert_eq!(
        me.expect(200)["organization"]["timezone"],
        "America/Chicago"
    );
    assert_eq!(me.json["organization"]["name"], "Harbour Realty");
}

#[actix_web::test]
async fn the_founding_is_in_the_audit_log_and_the_system_user_is_listed_nowhere() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let founded = event_types(admin, &organization.id).await;
    assert_eq!(founded, ["users.organization.created"]);
    assert_eq!(event_types(admin, &admin.id).await, ["users.user.joined"]);
    let users = admin.api.get("/api/users").await;
    assert_eq!(users.expect(200)["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_taken_address_is_refused_whatever_its_case() {
    let organization = Organization::new().await;
    let body = json!({
        "organizationName": "Another", "fullName": "B", "email": organization.admin.email.to_uppercase(),
        "password": "a long password",
    });
    let refused = anybody().post("/api/auth/signup", &body).await;
    refused.refuses(409, "EMAIL_TAKEN");
}

#[actix_web::test]
async fn two_spellings_of_one_mailbox_are_one_account() {
    let domain = format!("{}.example", Uuid::now_v7().simple());
    let sign_up = async |email: &str| {
        let body = json!({
            "organizationName": "A", "fullName": "B", "email": email, "password": "a long password",
        });
        anybody().post("/api/auth/signup", &body).await
    };
    let written = format!("k@bücher.{domain}");
    let first = sign_up(&written).await;
    assert_eq!(first.expect(201)["user"]["email"], written.as_str());
    for spelling in [
        format!("K@xn--bcher-kva.{domain}"),
        format!("k@BÜCHER.{domain}"),
        format!("k@bu\u{308}cher.{domain}"),
        // The Kelvin sign.
        format!("\u{212a}@bücher.{domain}"),
    ] {
        sign_up(&spelling).await.refuses(409, "EMAIL_TAKEN");
        log_in(&spelling, "a long password").await.expect(200);
    }
}

#[actix_web::test]
async fn an_address_that_no_mail_can_reach_is_refused_wherever_one_is_taken() {
    let admin = Organization::new().await.admin;
    for email in [
        "two..dots@x.example".to_owned(),
        ".lead@x.example".to_owned(),
        "trail.@x.example".to_owned(),
        format!("{}@x.example", "l".repeat(65)),
        format!("a@{}.example", "d".repeat(64)),
        "in\u{200b}visible@x.example".to_owned(),
    ] {
        let body = json!({
            "organizationName": "A", "fullName": "B", "email": email, "password": "a long password",
        });
        let deal = json!({
            "propertyAddress": {"street": "1 Quay", "city": "Portland", "stateOrProvince": "ME", "postalCode": "04101"},
            "dealType": "PURCHASE", "parties": [{"role": "lender", "name": "X", "email": email}],
        });
        for (refused, field) in [
            (anybody().post("/api/auth/signup", &body).await, "email"),
            (invite(&admin, &email, "BUYER").await, "email"),
            (
                anybody()
                    .post("/api/auth/password/forgot", &json!({"email": email}))
                    .await,
                "email",
            ),
            (admin.api.post("/api/deals", &deal).await, "parties.0.email"),
        ] {
            let details = refused.refuses(400, "VALIDATION_001");
            let found = [&details["field"], &details["constraint"]];
            assert_eq!(found, [field, "format"], "{email}: {}", refused.text);
        }
    }
}

#[actix_web::test]
async fn every_wrong_field_is_named_at_once() {
    let body = json!({
        "organizationName": " ", "fullName": "two\nlines", "email": "nobody", "password": "eleven char",
        "timezone": "America/Nowhere",
    });
    let refused = anybody().post("/api/auth/signup", &body).await;
    let expected = [
        "organizationName",
        "fullName",
        "email",
        "password",
        "timezone",
    ];
    assert_eq!(fields_of(&refused), expected);
}

#[actix_web::test]
async fn each_field_names_the_constraint_that_it_breaks() {
    let long = |length: usize| json!("x".repeat(length));
    for (field, value, constraint) in [
        ("organizationName", Value::Null, "required"),
        ("organizationName", json!("  "), "required"),
        ("organizationName", json!("two\nlines"), "characters"),
        ("organizationName", long(201), "max_length"),
        ("organizationName", json!(7), "type"),
        ("fullName", Value::Null, "required"),
        ("fullName", json!(""), "required"),
        ("fullName", long(201), "max_length"),
        ("email", Value::Null, "required"),
        ("email", json!(""), "required"),
        ("email", json!("nobody"), "format"),
        ("email", json!("no body@example.test"), "format"),
        ("email", json!("nobody@example"), "format"),
        (
            "email",
            json!(format!("{}@example.test", "n".repeat(250))),
            "format",
        ),
        ("password", Value::Null, "required"),
        ("password", json!(""), "min_length"),
        ("password", long(11), "min_length"),
        ("password", long(257), "max_length"),
        ("password", json!(["twelve characters"]), "type"),
        ("timezone", json!(""), "time_zone"),
        ("timezone", json!("Mars/Olympus"), "time_zone"),
        ("timezone", json!(1), "type"),
    ] {
        let mut body = json!({
            "organizationName": "A", "fullName": "B", "email": fresh_email(), "password": "twelve chars",
        });
        match &value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(field)),
            value => body[field] = value.clone(),
        }
        let refused = anybody().post("/api/auth/signup", &body).await;
        let details = refused.refuses(400, "VALIDATION_001");
        let found = [&details["field"], &details["constraint"]];
        assert_eq!(found, [field, constraint], "{value}: {}", refused.text);
        assert_eq!(fields_of(&refused), [field], "{value}");
    }
}

#[actix_web::test]
async fn an_unknown_field_and_a_missing_one_are_refused() {
    let body =
        json!({"organizationName": "A", "fullName": "B", "email": fresh_email(), "isAdmin": true});
    let refused = anybody().post("/api/auth/signup", &body).await;
    let fields = fields_of(&refused);
    assert!(
        fields.contains(&"isAdmin".to_owned()) && fields.contains(&"password".to_owned()),
        "{fields:?}"
    );
}
