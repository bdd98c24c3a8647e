//! Plans of any shape, completed by several people in any order at once.

use std::collections::BTreeMap;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::json;
use testkit::User;
use tokio::task::JoinSet;

use crate::support::{Office, Tasks, text};

const PLANS: u64 = 20;
const TASKS: usize = 12;
const WORKERS: u64 = 3;
/// Plans under way at once: with their workers they stay within what a service serves at once.
const AT_ONCE: usize = 2;

/// What the answers to all workers together say about one plan.
#[derive(Default)]
struct Told {
    completed: BTreeMap<String, usize>,
    unlocked: BTreeMap<String, usize>,
}

/// A random plan: each task waits for any of the earlier ones. Returns the ids with what they wait for.
async fn random_plan(
    user: &User,
    deal_id: &str,
    random: &mut StdRng,
) -> Vec<(String, Vec<String>)> {
    let density = random.random_range(0.1..0.6);
    let mut plan: Vec<(String, Vec<String>)> = Vec::new();
    for place in 0..TASKS {
        let depends_on: Vec<String> = plan
            .iter()
            .filter(|_| random.random_bool(density))
            .map(|(id, _)| id.clone())
            .collect();
        let id = user
            .add_task(
                deal_id,
                &format!("Task {place}"),
                json!({"dependsOn": depends_on}),
            )
            .await;
        plan.push((id, depends_on));
    }
    plan
}

/// Tries every task in an order of its own, again and again, until all are done.
async fn work(user: User, mut open: Vec<String>, mut random: StdRng) -> Told {
    let mut told = Told::default();
    // Each round finishes at least what was available when it began.
    for _ in 0..=TASKS {
        open.shuffle(&mut random);
        let mut blocked = Vec::new();
        for task in open {
            let answer = user.complete_task(&task).await;
            match answer.json["code"].as_str() {
                None => {
                    let unlocked = answer.expect(200)["unlocked"].as_array().unwrap();
                    for id in unlocked {
                        *told.unlocked.entry(text(id)).or_default() += 1;
                    }
                    *told.completed.entry(task).or_default() += 1;
                }
                Some("TASK_ALREADY_DONE") => {}
                Some(_) => {
                    answer.refuses(409, "TASK_BLOCKED");
                    blocked.push(task);
                }
            }
        }
        open = blocked;
    }
    assert!(open.is_empty(), "stuck: {open:?}");
    told
}

async fn one_plan(user: User, deal_id: String, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let plan = random_plan(&user, &deal_id, &mut random).await;
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let all = plan.iter().map(|(id, _)| id.clone()).collect();
        workers.spawn(work(
            user.clone(),
            all,
            StdRng::seed_from_u64(seed * 1000 + worker),
        ));
    }
    let mut together = Told::default();
    while let Some(told) = workers.join_next().await {
        let told = told.unwrap();
        for (id, times) in told.completed {
            *together.completed.entry(id).or_default() += times;
        }
        for (id, times) in told.unlocked {
            *together.unlocked.entry(id).or_default() += times;
        }
    }
    for (id, depends_on) in &plan {
        assert_eq!(
            together.completed.get(id),
            Some(&1),
            "seed {seed}: {id} completed"
        );
        let unlocked = together.unlocked.get(id).copied().unwrap_or_default();
        assert_eq!(
            unlocked,
            usize::from(!depends_on.is_empty()),
            "seed {seed}: {id} unlocked"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_plans_completed_in_random_parallel_order_unlock_each_task_once() {
    let office = Office::new().await;
    let mut plans = JoinSet::new();
    for seed in 0..PLANS {
        if plans.len() == AT_ONCE
            && let Some(done) = plans.join_next().await
        {
            done.unwrap();
        }
        let deal = office.deal().await;
        plans.spawn(one_plan(office.coordinator.clone(), deal.id, seed));
    }
    while let Some(done) = plans.join_next().await {
        done.unwrap();
    }
    office.holds().await;
}
