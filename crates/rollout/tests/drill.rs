//! The command as a pipeline runs it, with a real Prometheus and an API server that knows one HTTPRoute.

#![expect(
    clippy::unwrap_used,
    reason = "a drill that cannot be prepared should stop"
)]

#[path = "drill/cluster.rs"]
mod cluster;
#[path = "drill/prometheus.rs"]
mod prometheus;

use std::process::{Command, Output, Stdio};

use cluster::{Cluster, Faults, Version};
use prometheus::Prometheus;

/// A rollout that takes seconds instead of hours.
fn rollout(command: &str, cluster: &Cluster, prometheus_url: &str) -> Command {
    let mut rollout = Command::new(env!("CARGO_BIN_EXE_rollout"));
    rollout
        .args([command, "--shift", "gateway:gateway:next-gateway"])
        .args(["--kubernetes", &cluster.url, "--prometheus", prometheus_url])
        .args([
            "--steps",
            "10:2s,50:2s,100:2s",
            "--pause",
            "300ms",
            "--window",
            "2s",
        ])
        .args(["--selector", "service=\"gateway\",release=\"next\""])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    rollout
}

/// How a rollout of such a version ends: its exit code, and what it prints.
async fn drill(cluster: &Cluster) -> (Option<i32>, String) {
    let prometheus = Prometheus::start(&cluster.url).await;
    run(rollout("run", cluster, &prometheus.url)).await
}

async fn run(mut command: Command) -> (Option<i32>, String) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    said(&output.await.unwrap())
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[actix_web::test]
async fn a_version_within_its_bounds_gets_all_of_the_traffic_step_by_step() {
    let cluster = Cluster::start(Version::Good, Faults::None).await;
    let (code, said) = drill(&cluster).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("complete: the new version has all of the traffic"),
        "{said}"
    );
    assert_eq!(cluster.shares(), [10, 50, 100]);
}

#[actix_web::test]
async fn a_version_that_fails_requests_gives_the_traffic_back() {
    let cluster = Cluster::start(Version::FailsFrom(50), Faults::None).await;
    let (code, said) = drill(&cluster).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("rolled back at 50 percent: "), "{said}");
    assert!(said.contains("% of the requests fail"), "{said}");
    assert_eq!(cluster.shares(), [10, 50, 0]);
}

#[actix_web::test]
async fn a_version_that_is_slow_gives_the_traffic_back() {
    let cluster = Cluster::start(Version::SlowFrom(10), Faults::None).await;
    let (code, said) = drill(&cluster).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("rolled back at 10 percent: the 95th percentile is "),
        "{said}"
    );
    assert_eq!(cluster.shares(), [10, 0]);
}

#[actix_web::test]
async fn a_step_without_requests_shows_nothing_and_gives_the_traffic_back() {
    let cluster = Cluster::start(Version::Unused, Faults::None).await;
    let (code, said) = drill(&cluster).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("only 0 requests came in this step"), "{said}");
    assert_eq!(cluster.shares(), [10, 0]);
}

#[actix_web::test]
async fn without_prometheus_the_traffic_goes_back() {
    let cluster = Cluster::start(Version::Good, Faults::None).await;
    let nowhere = format!("http://{}", prometheus::free_address());
    let (code, said) = run(rollout("run", &cluster, &nowhere)).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Prometheus does not answer"), "{said}");
    assert_eq!(cluster.shares(), [10, 0]);
}

#[actix_web::test]
async fn an_interrupted_rollout_gives_the_traffic_back() {
    let cluster = Cluster::start(Version::Good, Faults::None).await;
    let prometheus = Prometheus::start(&cluster.url).await;
    let running = rollout("run", &cluster, &prometheus.url).spawn().unwrap();
    cluster.wait_for_share(10).await;
    let stop = Command::new("kill")
        .arg(running.id().to_string())
        .status()
        .unwrap();
    assert!(stop.success());
    let ended = tokio::task::spawn_blocking(move || running.wait_with_output().unwrap());
    let (code, said) = said(&ended.await.unwrap());
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("rolled back at 10 percent: interrupted"),
        "{said}"
    );
    assert_eq!(cluster.shares(), [10, 0]);
}

#[actix_web::test]
async fn a_route_that_somebody_else_changes_meanwhile_is_read_again() {
    let cluster = Cluster::start(Version::Good, Faults::Conflicts(2)).await;
    let (code, said) = drill(&cluster).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(cluster.shares(), [10, 50, 100]);
}

#[actix_web::test]
async fn an_api_server_that_refuses_ends_the_rollout_and_back_tries_again() {
    // The first step succeeds; the second, and giving the traffic back, are refused as often as they are tried.
    let cluster = Cluster::start(Version::Good, Faults::RefusesAfter(1)).await;
    let (code, said) = drill(&cluster).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`rollout back` tries again"), "{said}");
    assert_eq!(cluster.shares(), [10]);

    let nowhere = format!("http://{}", prometheus::free_address());
    let (code, said) = run(rollout("run", &cluster, &nowhere)).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("with 10 percent already"), "{said}");

    cluster.mend();
    let (code, said) = run(rollout("back", &cluster, &nowhere)).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(cluster.shares(), [10, 0]);
}
