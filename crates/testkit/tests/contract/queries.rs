use serde_json::{Value, json};
use testkit::{Client, Response};

use super::support::{
    Operation, administrator, anybody, field_refusal, operations, refusal, services,
};

/// Sends a request that goes wrong by its query alone: its ids, its body and its headers have the right form.
async fn ask(api: &Client, operation: &Operation, query: &str) -> Response {
    let path = format!("{}?{query}", operation.random_path());
    operation.send(api, &path, &[], &json!({})).await
}

#[tokio::test]
async fn a_parameter_that_an_operation_does_not_have_is_refused_by_name() {
    let admin = administrator().await;
    for operation in operations().await {
        let answer = ask(&admin, &operation, "surprise=1").await;
        field_refusal(&answer, "surprise", "unknown");
        let answer = ask(&admin, &operation, "surprise=1&other=2").await;
        let details = &refusal(&answer, 400, "VALIDATION_001")["details"];
        let fields: Vec<&Value> = details["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| &error["field"])
            // What is required and missing comes behind them.
            .filter(|field| **field != "q")
            .collect();
        assert_eq!(fields, ["surprise", "other"], "{}", answer.request);
    }
}

#[tokio::test]
async fn a_parameter_that_is_given_twice_is_refused_by_name() {
    let admin = administrator().await;
    let mut known = 0;
    for operation in operations().await {
        let mut names = operation.query();
        known += names.len();
        names.push("surprise".to_owned());
        for name in names {
            let answer = ask(&admin, &operation, &format!("{name}=1&{name}=1")).await;
            field_refusal(&answer, &name, "duplicate");
        }
    }
    assert!(known > 30, "only {known} parameters");
}

#[tokio::test]
async fn a_query_beyond_its_bounds_is_refused_by_the_gateway_and_by_every_service() {
    let admin = administrator().await;
    let long = format!("surprise={}", "x".repeat(4_096));
    let many = (0..33)
        .map(|n| format!("surprise{n}=1&"))
        .collect::<String>();
    for (query, constraint) in [(&long, "max_length"), (&many, "max_items")] {
        for operation in operations().await {
            let answer = ask(&admin, &operation, query).await;
            field_refusal(&answer, "query", constraint);
        }
        for (service, operations) in services() {
            for operation in operations.iter().filter(|known| known.is_public()) {
                let answer = ask(&service, operation, query).await;
                field_refusal(&answer, "query", constraint);
            }
        }
    }
}

#[tokio::test]
async fn nobody_learns_of_parameters_before_signing_in() {
    for operation in operations().await {
        if !operation.is_public() {
            let answer = ask(&anybody(), &operation, "surprise=1").await;
            refusal(&answer, 401, "UNAUTHENTICATED");
        }
    }
    for (service, operations) in services() {
        for operation in operations.iter().filter(|known| !known.is_public()) {
            let answer = ask(&service, operation, "surprise=1").await;
            refusal(&answer, 401, "UNAUTHENTICATED");
        }
    }
}
