//! Following the facts of a running deal: tasks that begin to apply come, open ones that cease to apply go, and all
//! dates are counted again.
//!
//! What goes is waived, so that its history stays and it comes back when the facts do; whoever waited for it waits
//! for what it waited for. What is completed stays, and so does what people deleted or waived themselves.

use std::collections::{BTreeMap, BTreeSet};

use contracts::event::PlanChange;
use domain::{
    cascade::{Dropped, PlannedDates, Revision, has_ceased, revise},
    deal::PlanState,
    plan::Graph,
    task::{Change, Dependents, Prerequisite, Task, reopen},
};
use platform::{db::Tx, error::Result};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Step, apply_dates, apply_plan,
    plan_tasks::{self, Making},
    shift_milestones, take_steps, waive_task,
};
use crate::{
    history,
    planning::{Ground, facts_of},
    repository::{
        deals::{self, Deal},
        dependencies::{self, Dependency},
        key_dates,
        milestones::{self, Shifts},
        plans::{self, Plan},
        tasks::{self, Details, StoredTask},
    },
    services::PlanInput,
};

/// Makes the plan follow the facts of `input`, which were read before the session: older ones than the plan has change
/// nothing, nor does a deal that is over. Rejections: `NOT_FOUND`.
pub(crate) async fn run(tx: &mut Tx, deal_id: Uuid, input: &PlanInput) -> Result<()> {
    let deal = deals::lock_exclusively(tx, deal_id).await?;
    if deal.status.require_dates_movable().is_err() {
        return Ok(());
    }
    let plan = plans::of_deal(tx, deal_id).await?;
    let Some(plan) = plan.filter(|plan| plan.state == PlanState::Applied) else {
        return recount_draft(tx, &deal, deal_id, input).await;
    };
    if plan.template.is_none() || input.version <= plan.deal_version {
        return Ok(());
    }
    if plan.facts.as_object() == Some(&input.facts) {
        return plans::note_deal_version(tx, &plan, input.version).await;
    }
    let reason = reason(&plan.facts, input);
    let before = Ground::lock(tx, deal_id, &deal.zone, None).await?;
    let facts = facts_of(&input.facts)?;
    let revision = revise(&before.basis.template, &before.basis.facts, &facts);
    save(tx, &plan, input, &before).await?;
    let revising = Revising {
        deal: &deal,
        deal_id,
        input,
        reason: &reason,
    };
    revising.bring_back(tx, &before, &revision).await?;
    revising.add(tx, &before, &revision).await?;
    revising.drop_ceased(tx, &revision).await?;
    let (ground, planned) = revising.count(tx).await?;
    apply_dates::run(tx, &deal, &ground, &planned, &reason).await?;
    Ok(())
}

/// The dates of a draft may have been moved already. Its tasks come with its plan.
async fn recount_draft(tx: &mut Tx, deal: &Deal, deal_id: Uuid, input: &PlanInput) -> Result<()> {
    let stored = key_dates::of_deal(tx, deal_id).await?;
    if stored.is_none() || input.template_id.is_none() {
        return Ok(());
    }
    let mut ground = Ground::lock(tx, deal_id, &deal.zone, Some(input)).await?;
    ground.use_present_holidays(tx).await?;
    let planned = ground.compute(&deal.zone);
    apply_dates::run(tx, deal, &ground, &planned, "facts of the deal changed").await?;
    Ok(())
}

async fn save(tx: &mut Tx, plan: &Plan, input: &PlanInput, ground: &Ground) -> Result<()> {
    let revised = Plan {
        facts: Value::Object(input.facts.clone()),
        deal_version: input.version,
        version: plan.version + 1,
        ..plan.clone()
    };
    plans::save(tx, &revised).await?;
    let milestones = milestones::of_deal(tx, plan.deal_id).await?;
    let tasks = ground.tasks.iter().map(|stored| &*stored.task);
    let counts = apply_plan::counts(&milestones, tasks);
    history::tell_plan(
        tx,
        PlanChange::Revised,
        Some(plan),
        &revised,
        &milestones,
        counts,
    );
    Ok(())
}

/// Which facts changed, by name: their values are confidential.
fn reason(before: &Value, input: &PlanInput) -> String {
    let nothing = serde_json::Map::new();
    let before = before.as_object().unwrap_or(&nothing);
    let names: BTreeSet<&String> = before.keys().chain(input.facts.keys()).collect();
    let changed: Vec<&str> = names
        .into_iter()
        .filter(|name| before.get(*name) != input.facts.get(*name))
        .map(String::as_str)
        .collect();
    format!("facts of the deal changed: {}", changed.join(", "))
}

/// A plan that is being revised. Its facts are saved already.
struct Revising<'a> {
    deal: &'a Deal,
    deal_id: Uuid,
    input: &'a PlanInput,
    reason: &'a str,
}

impl Revising<'_> {
    /// All dates as they follow now.
    async fn count(&self, tx: &Tx) -> Result<(Ground, PlannedDates)> {
        let mut ground = Ground::lock(tx, self.deal_id, &self.deal.zone, None).await?;
        ground.use_present_holidays(tx).await?;
        let planned = ground.compute(&self.deal.zone);
        Ok((ground, planned))
    }

    /// What waits for what, by id.
    async fn graph(&self, tx: &Tx) -> Result<Graph<Uuid>> {
        let mut graph = Graph::new();
        for edge in dependencies::of_deal(tx, self.deal_id).await? {
            graph.add_dependency(edge.task_id, edge.depends_on_id);
        }
        Ok(graph)
    }

    /// Reopens tasks that went with earlier facts; those first that others wait for, which then come back blocked.
    async fn bring_back(&self, tx: &mut Tx, before: &Ground, revision: &Revision) -> Result<()> {
        let returning: BTreeSet<Uuid> = before
            .tasks
            .iter()
            .filter(|stored| is_among(stored, &revision.begun) && has_ceased(&stored.task))
            .map(|stored| stored.task.id)
            .collect();
        let graph = self.graph(tx).await?;
        for id in in_order(&graph, &returning) {
            let all = tasks::lock_of_deal(tx, self.deal_id).await?;
            let by_id: BTreeMap<Uuid, Task> = all
                .iter()
                .map(|stored| (stored.task.id, stored.task.clone()))
                .collect();
            let waits_for: BTreeMap<Uuid, BTreeSet<Uuid>> = by_id
                .keys()
                .map(|task| (*task, graph.prerequisites(task).copied().collect()))
                .collect();
            let moment = self.deal.moment(tx.now());
            let changes = reopen(id, &by_id, &waits_for, Dependents::Refuse, &moment)?;
            let steps = Step::each(&all, changes);
            take_steps(tx, &self.deal.zone, &steps, Some(self.reason)).await?;
        }
        Ok(())
    }

    /// Adds tasks that have never been there, and ties them and those that came back to what they wait for and to
    /// what waits for them.
    async fn add(&self, tx: &mut Tx, before: &Ground, revision: &Revision) -> Result<()> {
        let (ground, planned) = self.count(tx).await?;
        let is_there = |key: &&String| ground.task(key).is_some();
        let wanted: BTreeSet<String> = revision
            .begun
            .iter()
            .filter(|key| !is_there(key))
            .cloned()
            .collect();
        let milestones = milestones::of_deal(tx, self.deal_id).await?;
        let making = Making {
            deal: self.deal,
            ground: &ground,
            planned: &planned,
            milestones: &milestones,
            parties: &self.input.parties,
        };
        let new = plan_tasks::make(tx, making, &wanted).await?;
        plan_tasks::insert(tx, self.deal, self.deal_id, &new).await?;
        let mut shifts = Shifts::default();
        for (change, _) in &new {
            shifts.count(None, Some(&change.task));
        }
        shift_milestones(tx, &shifts).await?;

        let all = tasks::lock_of_deal(tx, self.deal_id).await?;
        let id_of = |key: &String| Some(named(&all, key)?.task.id);
        let waiting = ground.waiting(&planned, &wanted);
        let waited = before.waiting(&before.compute(&self.deal.zone), &BTreeSet::new());
        let mut rewired: BTreeMap<Uuid, Rewiring> = BTreeMap::new();
        for key in waiting.nodes() {
            let has_begun = revision.begun.contains(key);
            let prerequisites = waiting.prerequisites(key);
            let concerned = prerequisites.filter(|key| has_begun || revision.begun.contains(*key));
            if let Some(id) = id_of(key) {
                let added = concerned.filter_map(id_of).collect();
                // What it waited for only because a task between them did not apply.
                let kept: BTreeSet<&String> = waiting.prerequisites(key).collect();
                let removed = waited
                    .prerequisites(key)
                    .filter(|other| !kept.contains(other) && !revision.ceased.contains(*other))
                    .filter_map(id_of)
                    .collect();
                rewired.insert(id, Rewiring { added, removed });
            }
        }
        self.rewire(tx, &all, rewired).await
    }

    /// Lets whoever waits for a task that ceased to apply wait for what that one waits for, and waives it.
    async fn drop_ceased(&self, tx: &mut Tx, revision: &Revision) -> Result<()> {
        let all = tasks::lock_of_deal(tx, self.deal_id).await?;
        let ceased: BTreeSet<Uuid> = all
            .iter()
            .filter(|stored| is_among(stored, &revision.ceased) && !stored.task.status.is_done())
            .map(|stored| stored.task.id)
            .collect();
        let graph = self.graph(tx).await?;
        let contracted = graph.without(&ceased);
        let mut rewired: BTreeMap<Uuid, Rewiring> = BTreeMap::new();
        for stored in all
            .iter()
            .filter(|stored| !ceased.contains(&stored.task.id))
        {
            let id = stored.task.id;
            let removed: BTreeSet<Uuid> = graph
                .prerequisites(&id)
                .filter(|other| ceased.contains(other))
                .copied()
                .collect();
            if !removed.is_empty() {
                let added = contracted.prerequisites(&id).copied().collect();
                rewired.insert(id, Rewiring { added, removed });
            }
        }
        self.rewire(tx, &all, rewired).await?;
        // Whatever waits among them goes first, so that none is set free on its way out.
        for id in in_order(&graph, &ceased).into_iter().rev() {
            if let Some(stored) = tasks::lock(tx, id).await? {
                let why = Dropped::DoesNotApply.to_string();
                Box::pin(waive_task::waive(tx, self.deal, &stored, &why)).await?;
            }
        }
        Ok(())
    }

    /// Changes what open tasks wait for. What is there already, would close a cycle with dependencies that people
    /// added, or belongs to a finished task, stays as it is.
    async fn rewire(
        &self,
        tx: &mut Tx,
        all: &[StoredTask],
        rewired: BTreeMap<Uuid, Rewiring>,
    ) -> Result<()> {
        let mut graph = self.graph(tx).await?;
        let mut steps = Vec::new();
        for stored in all.iter().filter(|stored| !stored.task.status.is_done()) {
            let Some(rewiring) = rewired.get(&stored.task.id) else {
                continue;
            };
            let id = stored.task.id;
            let mut change = Change {
                task: stored.task.clone(),
                transitions: Vec::new(),
            };
            let mut depends_on: BTreeSet<Uuid> =
                stored.details.depends_on.iter().copied().collect();
            let mut added = Vec::new();
            for other in &rewiring.added {
                if depends_on.contains(other) || graph.cycle_closed_by(&id, other).is_some() {
                    continue;
                }
                if let Some(prerequisite) = prerequisite(all, *other) {
                    depends_on.insert(*other);
                    change = then(&change, change.task.add_dependency(prerequisite)?);
                    graph.add_dependency(id, *other);
                    added.push(Dependency {
                        task_id: id,
                        depends_on_id: *other,
                    });
                }
            }
            dependencies::insert(tx, self.deal_id, &added).await?;
            for other in &rewiring.removed {
                if let Some(prerequisite) = prerequisite(all, *other)
                    && depends_on.remove(other)
                {
                    let edge = Dependency {
                        task_id: id,
                        depends_on_id: *other,
                    };
                    dependencies::delete(tx, edge).await?;
                    change = then(&change, change.task.remove_dependency(prerequisite)?);
                }
            }
            steps.push(Step {
                stored,
                change,
                details: Details {
                    depends_on: depends_on.into_iter().collect(),
                    ..stored.details.clone()
                },
            });
        }
        take_steps(tx, &self.deal.zone, &steps, Some(self.reason)).await
    }
}

/// What a task is to wait for beside, and no longer.
#[derive(Clone, Debug)]
struct Rewiring {
    added: BTreeSet<Uuid>,
    removed: BTreeSet<Uuid>,
}

/// How a task of the deal acts on those that wait for it.
fn prerequisite(all: &[StoredTask], id: Uuid) -> Option<Prerequisite> {
    let stored = all.iter().find(|stored| stored.task.id == id)?;
    Some(Prerequisite::of(stored.task.status))
}

fn then(change: &Change, next: Change) -> Change {
    Change {
        task: next.task,
        transitions: [change.transitions.clone(), next.transitions].concat(),
    }
}

fn is_among(stored: &StoredTask, keys: &BTreeSet<String>) -> bool {
    stored
        .task
        .key
        .as_ref()
        .is_some_and(|key| keys.contains(key))
}

fn named<'a>(all: &'a [StoredTask], key: &str) -> Option<&'a StoredTask> {
    all.iter()
        .find(|stored| stored.task.key.as_deref() == Some(key))
}

/// Those of the graph's tasks, each after all it waits for; tasks without dependencies come first.
fn in_order(graph: &Graph<Uuid>, tasks: &BTreeSet<Uuid>) -> Vec<Uuid> {
    let ordered = graph.order().unwrap_or_default();
    let apart = tasks.iter().filter(|id| !ordered.contains(id)).copied();
    let tied = ordered.iter().filter(|id| tasks.contains(id)).copied();
    apart.chain(tied).collect()
}
