//! The direction of dependencies: domain ← contracts ← platform ← services, and no service on another.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the workspace should stop"
)]

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

/// Crates of this workspace, each with the ones of this workspace that it may depend on.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("contracts", &["domain"]),
    ("platform", &["domain", "contracts"]),
    ("testkit", &["domain"]),
    ("fuzz", &["domain", "contracts", "platform"]),
    // Runs in a pipeline, beside any version of the services.
    ("rollout", &[]),
    ("gateway", &["domain", "contracts", "platform", "testkit"]),
    (
        "user-service",
        &["domain", "contracts", "platform", "testkit"],
    ),
    (
        "deal-service",
        &["domain", "contracts", "platform", "testkit"],
    ),
    (
        "task-service",
        &["domain", "contracts", "platform", "testkit"],
    ),
    (
        "workflow-worker",
        &["domain", "contracts", "platform", "testkit"],
    ),
];

/// What the pure domain must not link: no IO, no runtime, no serialization, no logging.
const NOT_IN_THE_DOMAIN: &[&str] = &[
    "tokio",
    "serde",
    "serde_json",
    "tracing",
    "log",
    "sea-orm",
    "sqlx",
    "actix-web",
    "reqwest",
];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--locked",
            "--offline",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn dependencies(package: &Value) -> BTreeSet<(String, bool)> {
    let all = package["dependencies"].as_array().unwrap();
    all.iter()
        .map(|d| (d["name"].as_str().unwrap().to_owned(), d["kind"] == "dev"))
        .collect()
}

#[test]
fn crates_depend_in_one_direction_only() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let (_, allowed) = MAY_DEPEND_ON
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} is new: decide what it may depend on"));
        for (dependency, is_dev) in dependencies(package)
            .iter()
            .filter(|(d, _)| ours.contains(d.as_str()))
        {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} depends on {dependency}"
            );
            assert!(
                *is_dev || dependency != "testkit",
                "{name} links testkit outside its tests"
            );
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let packages = packages();
    let domain = packages.iter().find(|p| p["name"] == "domain").unwrap();
    for (dependency, is_dev) in dependencies(domain) {
        assert!(
            is_dev || !NOT_IN_THE_DOMAIN.contains(&dependency.as_str()),
            "domain links {dependency}"
        );
    }
}

#[test]
fn only_the_worker_links_temporal() {
    for package in packages().iter().filter(|p| p["name"] != "workflow-worker") {
        for (dependency, _) in dependencies(package) {
            assert!(
                !dependency.starts_with("temporalio"),
                "{} links {dependency}",
                package["name"]
            );
        }
    }
}
