//! An API server with one HTTPRoute, and the metrics of a new version behind it.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

/// What the new version does with the requests that it gets.
#[derive(Clone, Copy)]
pub(crate) enum Version {
    /// It answers all.
    Good,
    /// It fails each, once it has this share.
    FailsFrom(u64),
    /// It takes a second over each, once it has this share.
    SlowFrom(u64),
    /// It gets none.
    Unused,
}

/// What the API server does with changes of the route.
#[derive(Clone, Copy)]
pub(crate) enum Faults {
    None,
    /// Somebody else changes the route before each of the first few.
    Conflicts(u32),
    /// After so many changes it refuses all others.
    RefusesAfter(usize),
}

struct State {
    version: Version,
    faults: Faults,
    route: Value,
    shares: Vec<u64>,
    requests: u64,
    failed: u64,
    fast: u64,
}

/// A running API server.
pub(crate) struct Cluster {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

const ROUTE: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/haushavn/httproutes/gateway";
/// Requests that the new version gets between two readings of its metrics.
const REQUESTS: u64 = 20;

impl Cluster {
    pub(crate) async fn start(version: Version, faults: Faults) -> Self {
        let state = Arc::new(Mutex::new(State {
            version,
            faults,
            route: json!({
                "metadata": {"name": "gateway", "resourceVersion": "1"},
                "spec": {"rules": [{"backendRefs": [{"name": "gateway", "port": 8080, "weight": 100}]}]},
            }),
            shares: Vec::new(),
            requests: 0,
            failed: 0,
            fast: 0,
        }));
        let shared = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .route(ROUTE, web::get().to(read))
                .route(ROUTE, web::patch().to(patch))
                .route("/metrics", web::get().to(metrics))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { url, state }
    }

    /// The shares that the new version was given, in order.
    pub(crate) fn shares(&self) -> Vec<u64> {
        self.state.lock().unwrap().shares.clone()
    }

    /// The API server takes every change again.
    pub(crate) fn mend(&self) {
        self.state.lock().unwrap().faults = Faults::None;
    }

    pub(crate) async fn wait_for_share(&self, share: u64) {
        let reached = async {
            while self.shares().last() != Some(&share) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached)
            .await
            .unwrap();
    }
}

async fn read(state: web::Data<Mutex<State>>) -> HttpResponse {
    HttpResponse::Ok().json(&state.lock().unwrap().route)
}

/// A JSON patch of `test` and `replace`, all or nothing.
async fn patch(state: web::Data<Mutex<State>>, patch: web::Json<Vec<Value>>) -> HttpResponse {
    let mut state = state.lock().unwrap();
    match state.faults {
        Faults::Conflicts(left) if left > 0 => {
            state.faults = Faults::Conflicts(left - 1);
            // The patch tests for the version that it has read.
            state.changed();
        }
        Faults::RefusesAfter(changes) if state.shares.len() >= changes => {
            return HttpResponse::InternalServerError().body("etcd is unavailable");
        }
        Faults::None | Faults::Conflicts(_) | Faults::RefusesAfter(_) => {}
    }
    let mut route = state.route.clone();
    for operation in patch.iter() {
        let target = route
            .pointer_mut(operation["path"].as_str().unwrap())
            .unwrap();
        match operation["op"].as_str().unwrap() {
            "test" if *target != operation["value"] => {
                return HttpResponse::UnprocessableEntity().body("the test failed");
            }
            "test" => {}
            "replace" => *target = operation["value"].clone(),
            other => return HttpResponse::BadRequest().body(format!("unknown: {other}")),
        }
    }
    state.route = route;
    state.changed();
    let share = state.share();
    state.shares.push(share);
    HttpResponse::Ok().json(&state.route)
}

impl State {
    fn changed(&mut self) {
        let version: u64 = self.route["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        self.route["metadata"]["resourceVersion"] = json!((version + 1).to_string());
    }

    fn share(&self) -> u64 {
        let backends = self.route["spec"]["rules"][0]["backendRefs"]
            .as_array()
            .unwrap();
        let of_next = backends
            .iter()
            .find(|backend| backend["name"] == "next-gateway");
        let share = of_next.map_or(0, |backend| backend["weight"].as_u64().unwrap());
        let all: u64 = backends
            .iter()
            .map(|backend| backend["weight"].as_u64().unwrap())
            .sum();
        assert_eq!(all, 100, "{backends:?}");
        share
    }
}

/// Counters as the gateway of the new version has them; they grow with each reading.
async fn metrics(state: web::Data<Mutex<State>>) -> String {
    let mut state = state.lock().unwrap();
    let share = state.share();
    let (requests, failed, slow) = match state.version {
        Version::Unused => (0, 0, 0),
        Version::Good => (REQUESTS, 0, 0),
        Version::FailsFrom(from) => (REQUESTS, if share >= from { REQUESTS } else { 0 }, 0),
        Version::SlowFrom(from) => (REQUESTS, 0, if share >= from { REQUESTS } else { 0 }),
    };
    state.requests += requests;
    state.failed += failed;
    state.fast += requests - slow;
    let labels = "service=\"gateway\",release=\"next\",route=\"/api/deals\"";
    let name = "api_request_duration_seconds";
    let mut text = format!("# TYPE {name} histogram\n");
    for (status, all, fast) in [
        (
            "200",
            state.requests - state.failed,
            state.fast.saturating_sub(state.failed),
        ),
        ("500", state.failed, state.failed),
    ] {
        let labels = format!("{labels},status=\"{status}\"");
        writeln!(text, "{name}_bucket{{{labels},le=\"0.1\"}} {fast}").unwrap();
        writeln!(text, "{name}_bucket{{{labels},le=\"1\"}} {all}").unwrap();
        writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {all}").unwrap();
        writeln!(text, "{name}_sum{{{labels}}} {all}").unwrap();
        writeln!(text, "{name}_count{{{labels}}} {all}").unwrap();
    }
    text
}
