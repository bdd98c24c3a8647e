//! Events while services die and the broker refuses: each is applied in the end, and only its own aggregate waits.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Client, Database, Organization, eventually, eventually_within, stack, text};

use super::{Office, Stopped};

/// An event is applied, and the process dies inside the transaction of the one parked behind it.
#[tokio::test]
async fn a_deal_service_killed_between_an_event_and_the_one_parked_behind_it_applies_both() {
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    let api = &office.coordinator.api;
    let added = json!({"dealId": deal.id, "title": "Something to do"});
    let task = text(&api.post("/api/tasks", &added).await.expect(201)["id"]);
    let path = format!("/api/tasks/{task}");
    for (version, title) in [(1, "Something else"), (2, "Something else again")] {
        let renamed = json!({"title": title, "version": version});
        api.patch(&path, &renamed).await.expect(200);
    }
    let applied = async |version: u64| {
        let sql = format!(
            "SELECT version FROM deal.inbox_position WHERE aggregate_id = '{task}' AND version = {version}"
        );
        eventually(&format!("version {version} is applied"), async || {
            Database::superuser().await.rows(&sql).await.pop()
        })
        .await
    };
    applied(3).await;
    let mut database = Database::superuser().await;
    for forget in [
        "DELETE FROM deal.inbox WHERE message_id IN (SELECT id FROM task.event_outbox WHERE aggregate_id = '{task}')",
        "DELETE FROM deal.inbox_position WHERE aggregate_id = '{task}'",
        "DELETE FROM deal.task_view WHERE id = '{task}'",
    ] {
        let forget = forget.replace("{task}", &task);
        database.execute(&forget).await.expect("it is forgotten");
    }
    let publish_again = async |versions: &str| {
        let sql = format!(
            "UPDATE task.event_outbox SET processed_at = NULL
              WHERE aggregate_id = '{task}' AND aggregate_version IN ({versions})"
        );
        let changed = Database::superuser().await.execute(&sql).await;
        assert!(changed.expect("it is published again") > 0);
    };
    publish_again("3").await;
    let parked = format!("SELECT version FROM deal.inbox_parked WHERE aggregate_id = '{task}'");
    eventually("the third waits", async || {
        Database::superuser().await.rows(&parked).await.pop()
    })
    .await;

    database.execute("BEGIN").await.expect("a transaction");
    database
        .execute(&format!("{parked} FOR UPDATE"))
        .await
        .expect("its row is locked");
    publish_again("1, 2").await;
    applied(2).await;
    eventually("the third is at work", async || {
        let sql = "SELECT pid FROM pg_stat_activity WHERE usename = 'deal_svc' AND wait_event_type = 'Lock'";
        Database::superuser().await.rows(sql).await.pop()
    })
    .await;
    let service = Stopped::killed("deal-service");
    database.execute("COMMIT").await.expect("the row is free");
    applied(2).await;
    service.start_again();
    applied(3).await;
    let view = format!("SELECT title FROM deal.task_view WHERE id = '{task}'");
    let shown = Database::superuser().await.rows(&view).await;
    assert_eq!(shown[0]["title"], "Something else again");
    assert_eq!(
        Database::superuser().await.rows(&parked).await,
        Vec::<Value>::new()
    );
}

/// What the broker refuses and what it can route nowhere, while a thousand others flow.
#[tokio::test]
async fn events_that_the_broker_does_not_take_hold_up_their_own_aggregates_alone() {
    let organization = Organization::new().await;
    let broker = Client::new(&stack().rabbitmq_management);
    let emit = async |event_type: &str, data: &str, count: u32| {
        let sql = format!(
            "INSERT INTO identity.event_outbox (id, organization_id, aggregate_type, aggregate_id, aggregate_version,
               event_type, schema_version, event_data, actor_user_id)
             SELECT gen_random_uuid(), '{}', 'user', a, v, '{event_type}', 1, '{data}', '{}'
               FROM (SELECT gen_random_uuid() AS a FROM generate_series(1, {count})) q, generate_series(1, 2) v ORDER BY v",
            organization.id, organization.admin.id
        );
        let written = Database::superuser().await.execute(&sql).await;
        assert_eq!(written.expect("rows"), u64::from(2 * count));
    };
    let counted = async |event_type: &str, condition: &str| {
        let sql = format!(
            "SELECT count(*) AS n FROM identity.event_outbox
              WHERE organization_id = '{}' AND event_type = '{event_type}' AND {condition}",
            organization.id
        );
        Database::superuser().await.rows(&sql).await[0]["n"].clone()
    };
    // No queue is bound to notifications any more, and events of organizations meet a queue that is always full.
    let binding = "/api/bindings/%2f/e/haushavn.events/q/workflow-worker.events";
    let bindings = broker.get(binding).await;
    let bindings = bindings.expect(200).as_array().cloned().unwrap_or_default();
    let notifications = bindings
        .iter()
        .find(|binding| binding["routing_key"] == "notifications.#")
        .map(|binding| {
            text(&binding["properties_key"])
                .replace('%', "%25")
                .replace('#', "%23")
        })
        .expect("the worker hears of notifications");
    broker
        .delete(&format!("{binding}/{notifications}"))
        .await
        .expect(204);
    let queue = "/api/queues/%2f/full.events";
    let takes_nothing = json!({"durable": true, "arguments": {"x-queue-type": "classic", "x-max-length": 0, "x-overflow": "reject-publish"}});
    broker.put(queue, &takes_nothing).await.expect(201);
    let bound = json!({"routing_key": "users.organization.updated", "arguments": {}});
    let to_full = "/api/bindings/%2f/e/haushavn.events/q/full.events";
    broker.post(to_full, &bound).await.expect(201);

    emit("notifications.notification.created", "{}", 16).await;
    emit("users.organization.updated", "{}", 16).await;
    // No account publishes the events of another service: the broker would close the channel over one.
    emit("tasks.task.created", "{}", 16).await;
    emit("users.user.invited", "{}", 500).await;
    eventually("a thousand others are published", async || {
        (counted("users.user.invited", "processed_at IS NOT NULL").await == 1_000).then_some(())
    })
    .await;
    let unroutable = [
        "notifications.notification.created",
        "users.organization.updated",
    ];
    let refused = [unroutable[0], unroutable[1], "tasks.task.created"];
    let mut seen = Vec::new();
    for event_type in refused {
        let tried = "aggregate_version = 1 AND attempts > 0 AND processed_at IS NULL";
        let behind = "aggregate_version = 2 AND attempts = 0 AND processed_at IS NULL";
        for condition in [tried, behind] {
            seen.push((event_type, counted(event_type, condition).await));
        }
    }
    let others = counted("users.user.invited", "attempts > 0").await;

    // What all others use is as before, before anything is judged.
    broker.delete(queue).await.expect(204);
    let bind = json!({"routing_key": "notifications.#", "arguments": {}});
    broker.post(binding, &bind).await.expect(201);
    for (event_type, count) in seen {
        assert_eq!(count, 16, "{event_type}");
    }
    assert_eq!(others, 0);
    let foreign = format!(
        "DELETE FROM identity.event_outbox WHERE organization_id = '{}' AND event_type = 'tasks.task.created'
            AND coalesce(last_error, 'user-service may not emit tasks.task.created') = 'user-service may not emit tasks.task.created'",
        organization.id
    );
    let deleted = Database::superuser().await.execute(&foreign).await;
    assert_eq!(deleted.expect("rows"), 32, "each is held for that reason");
    for event_type in unroutable {
        eventually("they are published in the end", async || {
            (counted(event_type, "processed_at IS NULL").await == 0).then_some(())
        })
        .await;
    }
}

/// Copies a task within its deal, with all that belongs to it in deal-service's read model, without its history.
async fn multiply(task: &str, copies: u32) {
    let mut database = Database::superuser().await;
    for table in ["task.tasks", "deal.task_view"] {
        database.copy_row(table, task, copies).await;
    }
    let known = format!(
        "INSERT INTO deal.inbox_position SELECT 'deal-service.events', t.id, t.version FROM task.tasks t
          WHERE t.deal_id = (SELECT o.deal_id FROM task.tasks o WHERE o.id = '{task}') ON CONFLICT DO NOTHING"
    );
    database.execute(&known).await.expect("positions");
}

async fn no_step_is_larger_than_200_tasks(organization: &Organization) {
    let largest = format!(
        "SELECT max(n) AS n FROM (SELECT count(*) AS n FROM audit.audit_log
          WHERE organization_id = '{}' AND event_type = 'tasks.task.assigned'
            AND cause_event_id IS NOT NULL GROUP BY xmin::text) q",
        organization.id
    );
    let largest = Database::superuser().await.rows(&largest).await[0]["n"].as_u64();
    assert!(
        largest.is_some_and(|tasks| tasks <= 200),
        "{largest:?} tasks in one transaction"
    );
}

#[tokio::test]
async fn the_tasks_of_a_part_are_given_to_its_login_in_steps() {
    const TASKS: u32 = 450;
    let office = Office::new().await;
    let body = json!({"dealType": "PURCHASE", "propertyAddress": testkit::address()});
    let deal = office.agent.create_deal(&body).await;
    let path = format!("/api/deals/{}", deal.id);
    let api = &office.agent.api;
    let activate = format!("{path}/activate");
    api.post(&activate, &json!({})).await.expect(200);
    let added = json!({"dealId": deal.id, "title": "For the broker", "ownerRole": "broker"});
    let task = office.coordinator.api.post("/api/tasks", &added).await;
    let task = text(&task.expect(201)["id"]);
    let shown = format!("SELECT id FROM deal.task_view WHERE id = '{task}'");
    eventually("the read model has the task", async || {
        Database::superuser().await.rows(&shown).await.pop()
    })
    .await;
    multiply(&task, TASKS - 1).await;
    let broker = json!({"role": "broker", "name": "Robin", "userId": office.coordinator.id});
    api.post(&format!("{path}/parties"), &broker)
        .await
        .expect(201);
    let given = format!(
        "SELECT count(*) AS n FROM task.tasks WHERE deal_id = '{}' AND assignee_id = '{}'",
        deal.id, office.coordinator.id
    );
    eventually("all are given", async || {
        let rows = Database::superuser().await.rows(&given).await;
        (rows[0]["n"] == TASKS).then_some(())
    })
    .await;
    no_step_is_larger_than_200_tasks(&office.organization).await;
}

/// More than any statement could do at once: the user's tasks are taken in steps, each its own transaction.
#[tokio::test]
async fn twenty_thousand_tasks_of_a_disabled_user_are_released_in_steps() {
    // As many tasks in each as a deal may have.
    const DEALS: u32 = 20;
    const TASKS: u32 = 20_000 / DEALS;
    let office = Office::new().await;
    for _ in 0..DEALS {
        let body = json!({"dealType": "PURCHASE", "propertyAddress": testkit::address()});
        let deal = office.agent.create_deal(&body).await;
        let path = format!("/api/deals/{}", deal.id);
        let party = json!({"role": "buyer_agent", "name": "A", "userId": office.agent.id});
        let api = &office.agent.api;
        api.post(&format!("{path}/parties"), &party)
            .await
            .expect(201);
        api.post(&format!("{path}/activate"), &json!({}))
            .await
            .expect(200);
        let added =
            json!({"dealId": deal.id, "title": "Something to do", "assigneeId": office.agent.id});
        let task = text(
            &office
                .coordinator
                .api
                .post("/api/tasks", &added)
                .await
                .expect(201)["id"],
        );
        let shown = format!(
            "SELECT id FROM deal.task_view WHERE id = '{task}' AND assignee_id IS NOT NULL"
        );
        eventually("the read model has the task", async || {
            Database::superuser().await.rows(&shown).await.pop()
        })
        .await;
        multiply(&task, TASKS - 1).await;
    }
    let left = async || {
        let sql = format!(
            "SELECT count(*) AS n FROM task.tasks WHERE assignee_id = '{}'",
            office.agent.id
        );
        Database::superuser().await.rows(&sql).await[0]["n"].as_u64()
    };
    assert_eq!(left().await, Some(u64::from(DEALS * TASKS)));
    let path = format!("/api/users/{}", office.agent.id);
    office
        .organization
        .admin
        .api
        .delete(&path)
        .await
        .expect(204);
    eventually("the first step is taken", async || {
        (left().await < Some(u64::from(DEALS * TASKS))).then_some(())
    })
    .await;

    // Interrupted, it is taken up where it was.
    Stopped::killed("task-service").start_again();
    eventually_within(Duration::from_secs(240), "all are released", async || {
        (left().await == Some(0)).then_some(())
    })
    .await;
    no_step_is_larger_than_200_tasks(&office.organization).await;
    let shown = format!(
        "SELECT id FROM deal.task_view WHERE assignee_id = '{}' LIMIT 1",
        office.agent.id
    );
    eventually_within(
        Duration::from_secs(240),
        "the read model follows",
        async || {
            let rows = Database::superuser().await.rows(&shown).await;
            rows.is_empty().then_some(())
        },
    )
    .await;
    // The workflows get all events as well, before others need the worker.
    let broker = Client::new(&stack().rabbitmq_management);
    eventually_within(
        Duration::from_secs(60),
        "the worker has read all of it",
        async || {
            let queue = broker.get("/api/queues/%2f/workflow-worker.events").await;
            (queue.json["messages"] == 0).then_some(())
        },
    )
    .await;
}
