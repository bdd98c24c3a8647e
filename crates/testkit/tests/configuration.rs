//! A program without its required settings reports all of them at once, by name, and ends.

use std::collections::{BTreeMap, BTreeSet};

use testkit::{run_program, settings_of};

/// The settings that every service requires.
const COMMON: [&str; 7] = [
    "ADMIN_LISTEN",
    "JWKS_URL",
    "JWT_AUDIENCE",
    "JWT_ISSUER",
    "LISTEN",
    "SERVICE_KEY_FILE",
    "TRUSTED_SERVICES_DIR",
];

/// What each service needs besides.
const OWN: [(&str, &[&str]); 5] = [
    (
        "gateway",
        &[
            "DEAL_SERVICE_URL",
            "REDIS_URL",
            "TASK_SERVICE_URL",
            "USER_SERVICE_URL",
            "WORKER_URL",
        ],
    ),
    (
        "user-service",
        &[
            "AMQP_URL",
            "DATABASE_URL",
            "KEY_ENCRYPTION_KEY",
            "MAIL_FROM",
            "PASSWORD_PEPPER",
            "PUBLIC_URL",
            "REDIS_URL",
            "RELAY_DATABASE_URL",
            "SMTP_URL",
            "TOKEN_KEY",
        ],
    ),
    (
        "deal-service",
        &[
            "AMQP_URL",
            "AUDITOR_DATABASE_URL",
            "DATABASE_URL",
            "REDIS_URL",
            "RELAY_DATABASE_URL",
            "TASK_SERVICE_URL",
        ],
    ),
    (
        "task-service",
        &[
            "AMQP_URL",
            "DATABASE_URL",
            "DEAL_SERVICE_URL",
            "RELAY_DATABASE_URL",
        ],
    ),
    (
        "workflow-worker",
        &[
            "AMQP_URL",
            "DEAL_SERVICE_URL",
            "TASK_SERVICE_URL",
            "TEMPORAL_METRICS_LISTEN",
            "TEMPORAL_URL",
            "USER_SERVICE_URL",
        ],
    ),
];

/// Sub-commands that end by themselves, and what they need.
const COMMANDS: [(&str, &str, &[&str]); 12] = [
    ("user-service", "migrate", &["MIGRATE_DATABASE_URL"]),
    ("user-service", "held-events", &["RELAY_DATABASE_URL"]),
    (
        "user-service",
        "rotate-keys",
        &["DATABASE_URL", "KEY_ENCRYPTION_KEY"],
    ),
    ("deal-service", "migrate", &["MIGRATE_DATABASE_URL"]),
    ("deal-service", "held-events", &["RELAY_DATABASE_URL"]),
    ("deal-service", "upkeep", &["MAINTENANCE_DATABASE_URL"]),
    (
        "deal-service",
        "place-audit-rows",
        &["AUDITOR_DATABASE_URL"],
    ),
    (
        "deal-service",
        "rebuild-read-models",
        &["AUDITOR_DATABASE_URL", "DATABASE_URL"],
    ),
    ("task-service", "migrate", &["MIGRATE_DATABASE_URL"]),
    ("task-service", "held-events", &["RELAY_DATABASE_URL"]),
    ("task-service", "load-templates", &["MIGRATE_DATABASE_URL"]),
    (
        "workflow-worker",
        "dead-letters task-service.events",
        &["AMQP_URL"],
    ),
];

/// A sub-command with its arguments.
fn words(command: &str) -> Vec<&str> {
    command.split(' ').collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_service_that_is_told_nothing_names_everything_it_needs_in_one_message() {
    for (service, own) in OWN {
        let expected = set(&[&COMMON, own].concat());
        run_program(service, &[], &BTreeMap::new())
            .await
            .blames(&expected);
        run_program(service, &["serve"], &BTreeMap::new())
            .await
            .blames(&expected);
    }
}

#[tokio::test]
async fn an_empty_value_counts_as_a_missing_one() {
    for (service, own) in OWN {
        let expected = set(&[&COMMON, own].concat());
        let empty = expected
            .iter()
            .map(|name| (format!("HAUSHAVN_{name}"), String::new()))
            .collect();
        run_program(service, &[], &empty).await.blames(&expected);
    }
}

#[tokio::test]
async fn a_sub_command_asks_only_for_what_it_needs_itself() {
    for (service, command, expected) in COMMANDS {
        run_program(service, &words(command), &BTreeMap::new())
            .await
            .blames(&set(expected));
    }
}

#[tokio::test]
async fn the_document_is_printed_without_any_setting() {
    for (service, _) in OWN {
        let printed = run_program(service, &["openapi"], &BTreeMap::new()).await;
        assert!(printed.succeeded, "{service}: {}", printed.said);
        let document: serde_json::Value = serde_json::from_str(&printed.said).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0", "{service}");
    }
}

#[tokio::test]
async fn whatever_is_missing_is_named_alone() {
    for (service, own) in OWN {
        for name in [&COMMON, own].concat() {
            let mut variables = settings_of(service);
            variables.remove(&format!("HAUSHAVN_{name}"));
            run_program(service, &[], &variables)
                .await
                .blames(&set(&[name]));
        }
    }
}

/// A value that this variable cannot have; `None` where any text will do.
fn nonsense(name: &str) -> Option<&'static str> {
    match name {
        "JWT_AUDIENCE" | "JWT_ISSUER" => None,
        "SERVICE_KEY_FILE" | "TRUSTED_SERVICES_DIR" => Some("/nowhere/at/all"),
        _ => Some("no sense"),
    }
}

#[tokio::test]
async fn a_value_that_makes_no_sense_is_blamed_on_its_variable_and_not_repeated() {
    for (service, own) in OWN {
        for name in [&COMMON, own].concat() {
            let Some(value) = nonsense(name) else {
                continue;
            };
            let mut variables = settings_of(service);
            variables.insert(format!("HAUSHAVN_{name}"), value.to_owned());
            let ended = run_program(service, &[], &variables).await;
            ended.blames(&set(&[name]));
            assert!(
                !ended.said.contains("no sense"),
                "{service} {name}: {}",
                ended.said
            );
        }
    }
}

#[tokio::test]
async fn a_sub_command_blames_a_value_that_makes_no_sense_on_its_variable() {
    for (service, command, needed) in COMMANDS {
        let variables = needed
            .iter()
            .map(|name| (format!("HAUSHAVN_{name}"), "no sense".to_owned()))
            .collect();
        let ended = run_program(service, &words(command), &variables).await;
        ended.blames(&set(needed));
        assert!(!ended.said.contains("no sense"), "{}", ended.said);
    }
}

#[tokio::test]
async fn settings_that_may_be_left_out_are_checked_where_they_are_given() {
    for (service, name, value) in [
        ("gateway", "ENV", "staging"),
        ("gateway", "RATE_LIMIT_SCALE", "-1"),
        ("gateway", "CORS_ORIGINS", "*"),
        ("gateway", "LOG", "loud=nonsense"),
        ("task-service", "LOG", "no sense"),
        ("workflow-worker", "TEMPORAL_UI_URL", "no sense"),
        ("deal-service", "OTLP_ENDPOINT", "nowhere"),
        ("user-service", "BCRYPT_COST", "3"),
        ("user-service", "ACCESS_TTL", "soon"),
    ] {
        let mut variables = settings_of(service);
        variables.insert(format!("HAUSHAVN_{name}"), value.to_owned());
        run_program(service, &[], &variables)
            .await
            .blames(&set(&[name]));
    }
}

#[tokio::test]
async fn conveniences_of_development_are_refused_in_production() {
    for (name, value) in [("ACCESS_TTL", "5"), ("BCRYPT_COST", "11")] {
        let mut variables = settings_of("user-service");
        // Without this setting a process runs as in production.
        variables.remove("HAUSHAVN_ENV");
        variables.insert("HAUSHAVN_BCRYPT_COST".to_owned(), "12".to_owned());
        variables.insert(format!("HAUSHAVN_{name}"), value.to_owned());
        run_program("user-service", &[], &variables)
            .await
            .blames(&set(&[name]));
    }
}

#[tokio::test]
async fn several_problems_are_told_together() {
    let mut variables = settings_of("user-service");
    variables.remove("HAUSHAVN_SMTP_URL");
    variables.insert("HAUSHAVN_LISTEN".to_owned(), "nowhere".to_owned());
    variables.insert(
        "HAUSHAVN_TOKEN_KEY".to_owned(),
        "too short a secret".to_owned(),
    );
    let ended = run_program("user-service", &[], &variables).await;
    ended.blames(&set(&["LISTEN", "SMTP_URL", "TOKEN_KEY"]));
    assert!(!ended.said.contains("too short a secret"), "{}", ended.said);
}
