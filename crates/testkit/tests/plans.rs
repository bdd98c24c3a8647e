//! PostgreSQL's plans for the pages that everybody opens, at a million deals and tasks: an index whose condition names
//! the organization, for every caller. And how much a command reads: no more in an organization of two thousand deals
//! than in one of two.
//!
//! Run last and one at a time (`scripts/test`): they fill the tables that all the others use, and start services again.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop there"
)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testkit::{Database, Deal, Office, User, ids, plain_deal, stack, text};

/// Rows that each large table gets.
const ROWS: u32 = 1_000_000;
/// The organizations that they belong to; each thousandth is the asking office's.
const ORGANIZATIONS: u32 = 1_000;
/// Tables with fewer rows may well be read as a whole.
const LARGE: u32 = 100_000;
/// Tasks of one deal.
const TASKS: u32 = 50;

/// Deals that an organization gets between two measurements of the same command.
const DEALS: u32 = 2_000;
/// The most rows that a command reads, by any of PostgreSQL's plans: some times the rows of one deal's plan, where an
/// organization has a hundred thousand.
const ROWS_OF_A_COMMAND: f64 = 400.0;
/// Deals and tasks of one organization that have the same name, and the one that has another.
const NAMES: u32 = 50_000;
const COMMON_WORD: &str = "Commonplace";
const RARE_WORD: &str = "Zanzibar";
/// The most rows that a search reads: some for each result; for a common word, the first thousand of each kind.
const ROWS_OF_A_RARE_SEARCH: f64 = 100.0;
const ROWS_OF_A_SEARCH: f64 = 4_000.0;
/// Tables with so many names.
const SEARCHED: &[&str] = &["deals", "task_view"];
/// Tables of a deal's plan, whose rows a command may read in its own deal only.
const OF_PLAN: &[&str] = &[
    "tasks",
    "milestones",
    "dependencies",
    "key_dates",
    "key_date_sets",
    "plans",
];

/// Copies one row of a table with other values in some of its columns, expressions of a running number `g`.
async fn multiply(database: &mut Database, table: &str, id: &str, others: &[(&str, &str)]) {
    let other = |column: &str| {
        let other = others.iter().find(|(name, _)| *name == column);
        other.map(|(_, value)| (*value).to_owned())
    };
    let condition = format!("id = '{id}'");
    database.copy_rows(table, &condition, ROWS, other).await;
    // Plans follow what PostgreSQL knows of a table; by itself it looks once a minute.
    let analyze = format!("ANALYZE {table}");
    database.execute(&analyze).await.unwrap();
}

/// A UUIDv7 of a deal's creation, another for each number.
fn id_of(deal: &str, number: &str) -> String {
    let instant = deal.replace('-', "");
    format!(
        "('{}7' || lpad(to_hex({number} % 4096), 3, '0') || 'a' || lpad(to_hex({number}), 15, '0'))::uuid",
        &instant[..12]
    )
}

/// The tables as they are in a large installation, with a share of the rows for the asking office.
async fn fill(office: &Office, deal: &str, task: &str) -> BTreeSet<String> {
    let mut database = Database::superuser().await;
    let organization_of = |number: &str| {
        format!(
            "CASE {number} % {ORGANIZATIONS} WHEN 0 THEN organization_id
             ELSE ('00000000-0000-7000-8000-' || lpad(({number} % {ORGANIZATIONS})::text, 12, '0'))::uuid END"
        )
    };
    let deal_of_task = format!("(g / {TASKS})");
    let (deal_id, task_id) = (id_of(deal, "g"), id_of(deal, &format!("(g + {ROWS})")));
    let own = organization_of("g");
    let deals = [("id", deal_id.as_str()), ("organization_id", own.as_str())];
    let (of_deal, own) = (id_of(deal, &deal_of_task), organization_of(&deal_of_task));
    let tasks = [
        ("id", task_id.as_str()),
        ("organization_id", own.as_str()),
        ("deal_id", of_deal.as_str()),
    ];
    multiply(&mut database, "deal.deals", deal, &deals).await;
    multiply(&mut database, "task.tasks", task, &tasks).await;
    multiply(&mut database, "deal.task_view", task, &tasks).await;
    let known = format!(
        "INSERT INTO ctx.deals SELECT d.organization_id, d.id, d.status, d.name, d.created_by, d.time_zone
           FROM deal.deals d WHERE d.organization_id = '{}' ON CONFLICT DO NOTHING",
        office.organization.id
    );
    database.execute(&known).await.unwrap();
    let large = format!(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= {LARGE}
            AND relnamespace IN ('deal'::regnamespace, 'task'::regnamespace)"
    );
    let large = database.rows(&large).await;
    large.iter().map(|row| text(&row["relname"])).collect()
}

/// While it lives, the plans of all statements of two services are in PostgreSQL's log.
struct Explained;

impl Explained {
    const ROLES: [&str; 2] = ["deal_svc", "task_svc"];

    /// With what each node really read, also in the statements of functions and triggers, where `counting`.
    async fn begin(counting: bool) -> Self {
        let mut database = Database::superuser().await;
        for role in Self::ROLES {
            for setting in [
                "session_preload_libraries = 'auto_explain'".to_owned(),
                "auto_explain.log_min_duration = 0".to_owned(),
                "auto_explain.log_format = 'json'".to_owned(),
                format!("auto_explain.log_analyze = {counting}"),
                format!("auto_explain.log_nested_statements = {counting}"),
            ] {
                let set = format!("ALTER ROLE {role} SET {setting}");
                database.execute(&set).await.unwrap();
            }
        }
        Self::connect_anew();
        Self
    }

    async fn end(self) {
        let mut database = Database::superuser().await;
        for role in Self::ROLES {
            for setting in [
                "session_preload_libraries",
                "auto_explain.log_min_duration",
                "auto_explain.log_format",
                "auto_explain.log_analyze",
                "auto_explain.log_nested_statements",
            ] {
                let reset = format!("ALTER ROLE {role} RESET {setting}");
                database.execute(&reset).await.unwrap();
            }
        }
        Self::connect_anew();
    }

    /// A role's settings count from its next sessions on.
    fn connect_anew() {
        for service in ["deal-service", "task-service"] {
            stack().stop(service);
            stack().start(service);
        }
    }
}

/// The plans in a piece of PostgreSQL's log, each with its statement.
fn plans(log: &str) -> Vec<(String, Value)> {
    log.split(" plan:\n")
        .skip(1)
        .map(|entry| {
            // Lines that go on begin with a tab.
            let lines = entry.lines().take_while(|line| line.starts_with('\t'));
            let plan: String = lines.flat_map(|line| [line, "\n"]).collect();
            let plan: Value = serde_json::from_str(&plan).unwrap();
            (text(&plan["Query Text"]), plan["Plan"].clone())
        })
        .collect()
}

/// How a plan reads the large tables: `table: how`, and `None` for how where the organization leads.
fn reads(node: &Value, large: &BTreeSet<String>, found: &mut Vec<(String, Option<String>)>) {
    let relation = node["Relation Name"].as_str().unwrap_or_default();
    if large.contains(relation) {
        let children = node["Plans"].as_array().into_iter().flatten();
        let led = [node]
            .into_iter()
            .chain(children.filter(|child| child["Node Type"] == "Bitmap Index Scan"))
            .any(|scan| {
                let condition = scan["Index Cond"].as_str().unwrap_or_default();
                let index = scan["Index Name"].as_str().unwrap_or_default();
                condition.contains("organization_id") || index.ends_with("_pkey")
            });
        found.push((relation.to_owned(), (!led).then(|| node.to_string())));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        reads(child, large, found);
    }
}

#[tokio::test]
async fn at_a_million_rows_every_page_goes_through_an_index_of_the_organization() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = json!({
        "dealId": deal.id, "title": "Something to do", "assigneeId": office.coordinator.id, "dueDate": "2031-03-03",
    });
    let task = office.coordinator.api.post("/api/tasks", &task).await;
    let task = text(&task.expect(201)["id"]);
    testkit::eventually("the read model knows the task", async || {
        let sql = format!("SELECT id FROM deal.task_view WHERE id = '{task}'");
        (Database::superuser().await.rows(&sql).await.len() == 1).then_some(())
    })
    .await;
    let large = fill(&office, &deal.id, &task).await;
    assert!(large.len() >= 3, "{large:?}");

    let explained = Explained::begin(false).await;
    let timeline = format!("/api/deals/{}/buyer-timeline", deal.id);
    let tasks_of_deal = format!("/api/tasks?dealId={}", deal.id);
    let chases = format!("/api/tasks/{task}/chases");
    let staff: &[&str] = &[
        "/api/deals",
        "/api/deals?sort=closingDate",
        "/api/deals?sort=-closingDate",
        "/api/deals?sort=name",
        "/api/deals?status=ACTIVE",
        "/api/deals?overdue=true",
        "/api/tasks",
        "/api/tasks?status=OVERDUE",
        "/api/tasks?sort=-createdAt",
        "/api/tasks/mine",
        &tasks_of_deal,
        &chases,
        &timeline,
    ];
    let member: &[&str] = &[
        "/api/deals",
        "/api/tasks",
        "/api/tasks/mine",
        &tasks_of_deal,
        &timeline,
    ];
    let mut wrong = Vec::new();
    for (user, paths) in [
        (&office.coordinator, staff),
        (&office.agent, member),
        (&office.buyer, member),
    ] {
        for path in paths {
            let log = stack().log_from_now("postgres");
            user.api.get(path).await.expect(200);
            let plans = plans(&log.text());
            let mut found = Vec::new();
            for (statement, plan) in &plans {
                let before = found.len();
                reads(plan, &large, &mut found);
                for (table, how) in &found[before..] {
                    if let Some(how) = how {
                        wrong.push(format!("{path} reads {table} by {how} for {statement}"));
                    }
                }
            }
            assert!(!found.is_empty(), "{path} reads no large table: {plans:?}");
        }
    }
    let seen = office.coordinator.api.get("/api/deals?limit=100").await;
    explained.end().await;
    let seen = ids(seen.expect(200)["items"].as_array().unwrap());
    assert_eq!(seen.len(), 100);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_search_reads_what_it_finds_and_not_the_organization() {
    let office = Office::new().await;
    let common = office.agent.create_deal(&named(COMMON_WORD)).await;
    let rare = office.agent.create_deal(&named(RARE_WORD)).await;
    let mut tasks = Vec::new();
    for (deal, title) in [(&common, COMMON_WORD), (&rare, RARE_WORD)] {
        let activate = format!("/api/deals/{}/activate", deal.id);
        let api = &office.agent.api;
        api.post(&activate, &json!({})).await.expect(200);
        let task = json!({"dealId": deal.id, "title": title});
        tasks.push(text(&api.post("/api/tasks", &task).await.expect(201)["id"]));
    }
    testkit::eventually("the read model knows the tasks", async || {
        let found = office
            .agent
            .api
            .get(&format!("/api/search?q={RARE_WORD}"))
            .await;
        (found.expect(200)["tasks"][0]["id"] == json!(tasks[1])).then_some(())
    })
    .await;
    let mut database = Database::superuser().await;
    for (table, id) in [("deal.deals", &common.id), ("deal.task_view", &tasks[0])] {
        let condition = format!("id = '{id}'");
        let new_id = id_of(&common.id, "g");
        let other = |column: &str| (column == "id").then(|| new_id.clone());
        database.copy_rows(table, &condition, NAMES, other).await;
        let analyze = format!("ANALYZE {table}");
        database.execute(&analyze).await.unwrap();
    }
    let explained = Explained::begin(true).await;
    let mut read = Vec::new();
    for (user, word, most) in [
        (&office.coordinator, RARE_WORD, ROWS_OF_A_RARE_SEARCH),
        (&office.coordinator, "Zanzibra", ROWS_OF_A_RARE_SEARCH),
        (&office.coordinator, COMMON_WORD, ROWS_OF_A_SEARCH),
        (&office.agent, RARE_WORD, ROWS_OF_A_RARE_SEARCH),
        (&office.agent, COMMON_WORD, ROWS_OF_A_SEARCH),
        (&office.buyer, RARE_WORD, ROWS_OF_A_RARE_SEARCH),
    ] {
        let log = stack().log_from_now("postgres");
        let found = user.api.get(&format!("/api/search?q={word}")).await;
        let found = found.expect(200).clone();
        let plans = plans(&log.text());
        assert!(!plans.is_empty(), "{word}");
        let rows: f64 = plans
            .iter()
            .map(|(_, plan)| rows_read(plan, SEARCHED))
            .sum();
        read.push((word, rows, most, found));
    }
    explained.end().await;
    for (word, rows, most, found) in &read {
        assert!(rows <= most, "{word} reads {rows} rows: {found}");
    }
    for place in [0, 1, 3] {
        let (word, .., found) = &read[place];
        assert_eq!(found["deals"][0]["id"], json!(rare.id), "{word}: {found}");
        assert_eq!(found["tasks"][0]["id"], json!(tasks[1]), "{word}: {found}");
    }
    assert_eq!(read[5].3["deals"], json!([]), "a buyer of no deal");
}

/// A deal with this name, and otherwise like all.
fn named(name: &str) -> Value {
    let mut body = plain_deal();
    body["name"] = json!(name);
    body
}

/// How many rows of these tables the scans of an executed plan read: rows passed on and rows filtered out.
fn rows_read(node: &Value, tables: &[&str]) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let is_scan = node["Node Type"]
        .as_str()
        .is_some_and(|node_type| node_type.ends_with("Scan"));
    // A partition of deals has the month behind its name.
    let relation = node["Relation Name"].as_str().unwrap_or_default();
    let is_counted = tables
        .iter()
        .any(|table| relation == *table || relation.starts_with(&format!("{table}_2")));
    let own = if is_scan && is_counted {
        let a_loop = number("Actual Rows")
            + number("Rows Removed by Filter")
            + number("Rows Removed by Index Recheck");
        a_loop * number("Actual Loops")
    } else {
        0.0
    };
    let children = node["Plans"].as_array().into_iter().flatten();
    own + children.map(|child| rows_read(child, tables)).sum::<f64>()
}

/// Copies the plan of a deal for so many other deals of its organization.
async fn copy_plan(deal: &str) {
    let mut database = Database::superuser().await;
    let ids = ["id", "deal_id", "milestone_id", "task_id", "depends_on_id"];
    let other = |column: &str| {
        ids.contains(&column)
            .then(|| format!("md5({column}::text || g)::uuid"))
    };
    let condition = format!("deal_id = '{deal}'");
    for table in OF_PLAN {
        let table = format!("task.{table}");
        database.copy_rows(&table, &condition, DEALS, other).await;
    }
}

/// The rows of plans that each command reads, in a deal whose plan is as it was made.
async fn rows_of_commands(office: &Office, deal: &Deal) -> BTreeMap<String, f64> {
    let mut read = BTreeMap::new();
    let task = async |key: &str| {
        let task = office.coordinator.task(&deal.id, key).await;
        format!("/api/tasks/{}", text(&task["id"]))
    };
    let mut post = async |name: &str, user: &User, path: String, body: Value| {
        let log = stack().log_from_now("postgres");
        user.api.post(&path, &body).await.expect(200);
        let plans = plans(&log.text());
        assert!(!plans.is_empty(), "{name}");
        let rows = plans.iter().map(|(_, plan)| rows_read(plan, OF_PLAN)).sum();
        read.insert(name.to_owned(), rows);
    };
    let first = task("verify_executed_contract").await;
    let by_hand = json!({"reason": "checked once more"});
    let to_agent = json!({"assigneeId": office.agent.id});
    let coordinator = &office.coordinator;
    post("assign", coordinator, format!("{first}/assign"), to_agent).await;
    post(
        "complete",
        &office.agent,
        format!("{first}/complete"),
        json!({}),
    )
    .await;
    post(
        "reopen",
        coordinator,
        format!("{first}/reopen"),
        by_hand.clone(),
    )
    .await;
    post("waive", coordinator, format!("{first}/waive"), by_hand).await;
    // A date follows from the end of this one.
    for key in [
        "confirm_effective_date",
        "enter_key_dates",
        "send_intro_package",
    ] {
        office.coordinator.complete(&deal.id, key).await;
    }
    let followed = task("seller_disclosures_received").await;
    let complete = format!("{followed}/complete");
    post(
        "complete, with a date that follows",
        coordinator,
        complete,
        json!({}),
    )
    .await;
    read
}

#[tokio::test]
async fn a_command_reads_no_more_rows_in_an_organization_of_thousands_of_deals() {
    let office = Office::new().await;
    let (before, stale, after) = (
        office.purchase().await,
        office.purchase().await,
        office.purchase().await,
    );
    let mut database = Database::superuser().await;
    let tables: Vec<String> = OF_PLAN
        .iter()
        .map(|table| format!("task.{table}"))
        .collect();
    let tables = tables.join(", ");
    // A small table is read as a whole: it is large from the start, by the deals of another organization.
    copy_plan(&Office::new().await.purchase().await.id).await;
    database
        .execute(&format!("ANALYZE {tables}"))
        .await
        .unwrap();
    // It reads a deal's tasks some time after each change, among the statements that are counted.
    stack().stop("workflow-worker");
    let explained = Explained::begin(true).await;
    let among_few = rows_of_commands(&office, &before).await;
    copy_plan(&after.id).await;
    // Before PostgreSQL knows of the rows.
    let unforeseen = rows_of_commands(&office, &stale).await;
    database
        .execute(&format!("ANALYZE {tables}"))
        .await
        .unwrap();
    let among_many = rows_of_commands(&office, &after).await;
    explained.end().await;
    stack().start("workflow-worker");
    for (when, read) in [
        ("among few deals", among_few),
        ("before PostgreSQL knows of the rows", unforeseen),
        ("among thousands of deals", among_many),
    ] {
        let is_bounded = read.values().all(|rows| *rows <= ROWS_OF_A_COMMAND);
        assert!(is_bounded, "{when}: {read:?}");
    }
}

#[test]
fn a_large_table_read_as_a_whole_or_by_another_index_is_found() {
    let large = BTreeSet::from(["tasks".to_owned()]);
    let plan = |scan: Value| json!({"Node Type": "Limit", "Plans": [scan]});
    let scan = |index: &str, condition: &str| json!({"Node Type": "Index Scan", "Relation Name": "tasks", "Index Name": index, "Index Cond": condition});
    let whole = json!({"Node Type": "Seq Scan", "Relation Name": "tasks"});
    for (scan, is_wrong, why) in [
        (whole, true, "the whole table"),
        (
            scan("tasks_status", "(status = 'OVERDUE')"),
            true,
            "all tenants' rows",
        ),
        (
            scan("tasks_due_idx", "(organization_id = $1)"),
            false,
            "the organization leads",
        ),
        (scan("tasks_pkey", "(id = $1)"), false, "one row"),
    ] {
        let mut found = Vec::new();
        reads(&plan(scan), &large, &mut found);
        assert_eq!(found.len(), 1, "{why}");
        assert_eq!(found[0].1.is_some(), is_wrong, "{why}");
    }
}
