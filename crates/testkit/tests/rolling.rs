//! Every service is replaced while people work: no request fails, and nothing that was answered is lost.
//!
//! As in a cluster: each service is behind one address, new connections go to the pod that is ready, and a pod is asked
//! to end after it got no new connections any more.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be prepared should stop"
)]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use reqwest::Method;
use serde_json::json;
use testkit::{Client, Deal, Instance, Office, eventually, text};
use tokio::net::{TcpListener, TcpStream};

/// Each with the setting by which the others reach it; people reach the gateway alone.
const SERVICES: [(&str, Option<&str>); 5] = [
    ("user-service", Some("HAUSHAVN_USER_SERVICE_URL")),
    ("deal-service", Some("HAUSHAVN_DEAL_SERVICE_URL")),
    ("task-service", Some("HAUSHAVN_TASK_SERVICE_URL")),
    ("workflow-worker", Some("HAUSHAVN_WORKER_URL")),
    ("gateway", None),
];
const PEOPLE: usize = 4;
/// What is done while one service is replaced: enough that every kept connection is used.
const ROUNDS_EACH: usize = 12;

/// The one address of a service.
struct Balancer {
    address: SocketAddr,
    pod: Arc<Mutex<Option<SocketAddr>>>,
}

impl Balancer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pod = Arc::new(Mutex::new(None));
        let target = Arc::clone(&pod);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let pod: Option<SocketAddr> = *target.lock().unwrap();
                tokio::spawn(async move {
                    let mut service = TcpStream::connect(pod.unwrap()).await.unwrap();
                    client.set_nodelay(true).unwrap();
                    service.set_nodelay(true).unwrap();
                    // Ends with either side.
                    let _ended = tokio::io::copy_bidirectional(&mut client, &mut service).await;
                });
            }
        });
        Self { address, pod }
    }

    fn leads_to(&self, instance: &Instance) {
        *self.pod.lock().unwrap() = Some(instance.address);
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// What people do meanwhile.
struct Load {
    stop: AtomicBool,
    rounds: AtomicUsize,
    failures: Mutex<Vec<String>>,
    completed: Mutex<Vec<String>>,
}

impl Load {
    /// Adds tasks, completes them, and looks at what there is, until it is stopped.
    async fn work(&self, api: Client, deal: String) {
        while !self.stop.load(Ordering::Relaxed) {
            let added = json!({"dealId": deal, "title": "Under load", "ownerRole": "transaction_coordinator"});
            if let Some(task) = self
                .ask(&api, Method::POST, "/api/tasks", Some(added), 201)
                .await
            {
                let complete = format!("/api/tasks/{task}/complete");
                self.ask(&api, Method::POST, &complete, Some(json!({})), 200)
                    .await;
                self.completed.lock().unwrap().push(task);
            }
            self.ask(&api, Method::GET, "/api/deals?limit=5", None, 200)
                .await;
            self.ask(&api, Method::GET, "/api/auth/me", None, 200).await;
            self.rounds.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The id in the answer. Whatever is not answered as expected is kept.
    async fn ask(
        &self,
        api: &Client,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
        expected: u16,
    ) -> Option<String> {
        let answer = api.try_send(method.clone(), path, &[], body.as_ref()).await;
        let failure = match answer {
            Ok(answer) if answer.status.as_u16() == expected => {
                return answer.json["id"].as_str().map(str::to_owned);
            }
            Ok(answer) => format!("{method} {path}: {} {}", answer.status, answer.text),
            Err(error) => format!("{method} {path}: {error:#}"),
        };
        self.failures.lock().unwrap().push(failure);
        None
    }

    /// Waits until so many more rounds are done.
    async fn go_on(&self) {
        let before = self.rounds.load(Ordering::Relaxed);
        eventually("people go on working", async || {
            (self.rounds.load(Ordering::Relaxed) >= before + ROUNDS_EACH).then_some(())
        })
        .await;
    }
}

/// What each service is set to: the addresses of all, and the end of a pod as in production.
fn settings(balancers: &[Balancer]) -> BTreeMap<String, String> {
    let named = SERVICES.iter().zip(balancers);
    named
        .filter_map(|((_, setting), balancer)| Some(((*setting)?.to_owned(), balancer.url())))
        .chain([("HAUSHAVN_DRAIN".to_owned(), "6".to_owned())])
        .collect()
}

async fn deals(office: &Office) -> Vec<Deal> {
    let mut deals = Vec::new();
    for _ in 0..PEOPLE {
        deals.push(office.deal().await);
    }
    deals
}

#[tokio::test]
async fn every_service_is_replaced_under_load_and_no_request_fails() {
    let office = Office::new().await;
    let deals = deals(&office).await;
    let mut balancers = Vec::new();
    for _ in SERVICES {
        balancers.push(Balancer::start().await);
    }
    let settings = settings(&balancers);
    let mut present = Vec::new();
    for ((service, _), balancer) in SERVICES.iter().zip(&balancers) {
        let instance = Instance::start_with(service, &settings).await;
        balancer.leads_to(&instance);
        present.push(instance);
    }

    let load = Arc::new(Load {
        stop: AtomicBool::new(false),
        rounds: AtomicUsize::new(0),
        failures: Mutex::default(),
        completed: Mutex::default(),
    });
    let door = balancers.last().unwrap().url();
    let people: Vec<_> = deals
        .iter()
        .map(|deal| {
            let (load, deal) = (Arc::clone(&load), deal.id.clone());
            // A connection of one's own each, as browsers have.
            let api = Client::new(&door).with_token(&office.coordinator.access_token);
            tokio::spawn(async move { load.work(api, deal).await })
        })
        .collect();
    load.go_on().await;

    let mut ending = Vec::new();
    for (((service, _), balancer), old) in SERVICES.iter().zip(&balancers).zip(present) {
        let new = Instance::start_with(service, &settings).await;
        balancer.leads_to(&new);
        ending.push((tokio::spawn(old.terminate()), new));
        load.go_on().await;
    }
    for (old, _) in &mut ending {
        old.await.unwrap();
    }
    load.go_on().await;
    load.stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await.unwrap();
    }

    assert_eq!(*load.failures.lock().unwrap(), Vec::<String>::new());
    let completed = load.completed.lock().unwrap().clone();
    assert!(completed.len() >= ROUNDS_EACH * (SERVICES.len() + 2));
    for task in &completed {
        let task = office
            .coordinator
            .api
            .get(&format!("/api/tasks/{task}"))
            .await;
        assert_eq!(text(&task.expect(200)["status"]), "COMPLETED");
    }
    office.holds().await;
}
