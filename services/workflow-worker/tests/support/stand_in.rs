//! A server in this process that answers as task-service and user-service do towards the worker.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, mpsc},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use uuid::Uuid;

/// No deal of the tests has more milestones.
const MILESTONES: usize = 12;

/// What is true in the stand-in's world, and what has been asked of it.
#[derive(Default)]
pub(crate) struct Answers {
    /// Worklists by deal.
    pub(crate) worklists: BTreeMap<Uuid, Value>,
    /// Why no plan can be made, if none can.
    pub(crate) plan_refusal: Option<String>,
    /// So many calls of any route are answered 503 first.
    pub(crate) failures: u32,
    /// So many deliveries are answered 503 first.
    pub(crate) delivery_failures: u32,
    /// Whether deliveries are refused for good.
    pub(crate) delivery_refused: bool,
    /// Notices taken, one for each dedupe key.
    pub(crate) notices: Vec<Value>,
    /// Notifications delivered, or given up.
    pub(crate) delivered: Vec<String>,
    /// Every call: path and idempotency key.
    pub(crate) calls: Vec<(String, String)>,
}

impl Answers {
    /// A worklist with the milestones that its tasks belong to.
    pub(crate) fn deal(&mut self, deal_id: Uuid, plan_state: &str, tasks: Vec<Value>) {
        let milestones: Vec<Value> = (0..MILESTONES)
            .map(|number| {
                json!({
                    "id": milestone_id(number), "key": format!("m{number}"), "title": format!("Milestone {number}"),
                    "position": number, "completed": false, "version": 0
                })
            })
            .filter(|milestone| tasks.iter().any(|task| task["milestoneId"] == milestone["id"]))
            .collect();
        let worklist = json!({
            "dealStatus": "ACTIVE", "planState": plan_state,
            "timeZone": "America/New_York", "milestones": milestones, "tasks": tasks
        });
        self.worklists.insert(deal_id, worklist);
    }

    /// Gives the deal another name.
    pub(crate) fn set_name(&mut self, deal_id: Uuid, name: &str) {
        self.worklists.get_mut(&deal_id).unwrap()["dealName"] = name.into();
    }

    /// Changes the deal's status.
    pub(crate) fn set_status(&mut self, deal_id: Uuid, status: &str) {
        self.worklists.get_mut(&deal_id).unwrap()["dealStatus"] = status.into();
    }

    /// Changes a field of one task.
    pub(crate) fn set_task(&mut self, task_id: Uuid, field: &str, value: Value) {
        *self.task(task_id).unwrap().get_mut(field).unwrap() = value;
    }

    fn task(&mut self, task_id: Uuid) -> Option<&mut Value> {
        self.worklists.values_mut().find_map(|worklist| {
            worklist["tasks"]
                .as_array_mut()?
                .iter_mut()
                .find(|task| task["id"] == json!(task_id))
        })
    }
}

/// An open task of the stand-in's world; each four share a milestone.
pub(crate) fn task(number: usize, due_date: Option<String>) -> Value {
    json!({
        "id": task_id(number), "title": format!("Task {number}"), "milestoneId": milestone_id(number / 4),
        "status": "IN_PROGRESS", "dueDate": due_date, "dueAt": null, "assigneeId": Uuid::from_u128(0xa0),
        "isOverdue": false, "overdueSince": null, "isBlocked": false, "required": true,
        "handling": null
    })
}

/// The id of a task of the stand-in's world.
pub(crate) fn task_id(number: usize) -> Uuid {
    Uuid::from_u128(0x1_0000 + number as u128)
}

fn milestone_id(number: usize) -> Uuid {
    Uuid::from_u128(0x2_0000 + number as u128)
}

/// The server; it ends with the process.
#[derive(Clone)]
pub(crate) struct StandIn {
    url: String,
    answers: Arc<Mutex<Answers>>,
}

impl StandIn {
    /// Starts it on a port of its own.
    pub(crate) fn start() -> Self {
        let answers = Arc::new(Mutex::new(Answers::default()));
        let shared = web::Data::from(Arc::clone(&answers));
        let (told, bound) = mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(shared.clone())
                        .default_service(web::to(answer))
                })
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
                told.send(server.addrs()[0]).unwrap();
                server.run().await.unwrap();
            });
        });
        Self {
            url: format!("http://{}", bound.recv().unwrap()),
            answers,
        }
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What is true, to be read and changed.
    pub(crate) fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap()
    }
}

async fn answer(
    request: HttpRequest,
    body: Option<web::Json<Value>>,
    answers: web::Data<Mutex<Answers>>,
) -> HttpResponse {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    if !header("authorization").starts_with("Bearer ey") {
        return problem(401, "UNAUTHENTICATED", "no token");
    }
    let mut answers = answers.lock().unwrap();
    let path = request.path().to_owned();
    answers
        .calls
        .push((path.clone(), header("idempotency-key")));
    if answers.failures > 0 {
        answers.failures -= 1;
        return problem(503, "SERVICE_UNAVAILABLE", "not now");
    }
    let parts: Vec<&str> = path.trim_start_matches("/internal/").split('/').collect();
    let id = parts.get(1).and_then(|text| Uuid::try_parse(text).ok());
    match (parts.as_slice(), id) {
        (["deals", _, "worklist"], Some(id)) => match answers.worklists.get_mut(&id) {
            Some(worklist) => {
                record_completions(worklist);
                HttpResponse::Ok().json(worklist)
            }
            None => problem(404, "NOT_FOUND", "no such deal"),
        },
        (["deals", _, "plan"], Some(id)) => make_plan(&mut answers, id),
        (["tasks", _, "overdue"], Some(id)) => match answers.task(id) {
            Some(task) => {
                if task["status"] != "COMPLETED" {
                    task["status"] = "OVERDUE".into();
                    task["isOverdue"] = true.into();
                }
                HttpResponse::Ok().json(json!({ "status": task["status"] }))
            }
            None => problem(404, "NOT_FOUND", "no such task"),
        },
        (["milestones", _, "check"], Some(_)) => {
            HttpResponse::Ok().json(json!({ "completed": true }))
        }
        (["notifications"], None) => {
            let notice = body.map(web::Json::into_inner).unwrap_or_default();
            if answers
                .notices
                .iter()
                .all(|known| known["dedupeKey"] != notice["dedupeKey"])
            {
                answers.notices.push(notice);
            }
            HttpResponse::Ok().json(json!({ "notificationIds": [Uuid::from_u128(7)] }))
        }
        (["notifications", _, "deliver"], Some(_)) => deliver(&mut answers),
        (["notifications", _, "dead"], Some(_)) => {
            answers.delivered.push("DEAD".to_owned());
            HttpResponse::NoContent().finish()
        }
        _ => problem(404, "NOT_FOUND", "no such route"),
    }
}

/// A milestone's version rises with each completion and reopening, as task-service counts them.
fn record_completions(worklist: &mut Value) {
    let Value::Object(worklist) = worklist else {
        return;
    };
    let tasks = worklist["tasks"].clone();
    for milestone in worklist["milestones"].as_array_mut().unwrap() {
        let completed = tasks
            .as_array()
            .unwrap()
            .iter()
            .filter(|task| task["milestoneId"] == milestone["id"])
            .all(|task| task["status"] == "COMPLETED" || task["status"] == "WAIVED");
        if milestone["completed"] != completed {
            milestone["completed"] = completed.into();
            milestone["version"] = (milestone["version"].as_i64().unwrap() + 1).into();
        }
    }
}

fn make_plan(answers: &mut Answers, deal_id: Uuid) -> HttpResponse {
    if let Some(reason) = answers.plan_refusal.clone() {
        return problem(409, "PLAN_FAILED", &reason);
    }
    match answers.worklists.get_mut(&deal_id) {
        Some(worklist) => {
            worklist["planState"] = "APPLIED".into();
            HttpResponse::Ok()
                .json(json!({ "planId": deal_id, "state": "APPLIED", "milestones": [] }))
        }
        None => problem(404, "NOT_FOUND", "no such deal"),
    }
}

fn deliver(answers: &mut Answers) -> HttpResponse {
    if answers.delivery_refused {
        return problem(409, "MAIL_REFUSED", "no such mailbox");
    }
    if answers.delivery_failures > 0 {
        answers.delivery_failures -= 1;
        return problem(503, "SERVICE_UNAVAILABLE", "the mail server is away");
    }
    answers.delivered.push("SENT".to_owned());
    HttpResponse::Ok().json(json!({ "emailStatus": "SENT" }))
}

fn problem(status: u16, code: &str, message: &str) -> HttpResponse {
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap())
        .json(json!({ "status": status, "code": code, "message": message, "details": {} }))
}
