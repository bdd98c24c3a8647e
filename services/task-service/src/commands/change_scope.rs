//! Following which tasks of the template apply to a running deal: tasks that begin to apply come, and open ones that cease
//! to apply go.
//!
//! What goes is waived, so that its history stays and it comes back when its reason is gone; whoever waited for it waits
//! for what it waited for. What is completed stays, and so does what people deleted or waived themselves.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    cascade::{Dropped, PlannedDates, Revision, has_ceased},
    plan::Graph,
    task::{Change, Dependents, Prerequisite, Task, reopen},
};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{
    Step,
    complete_task::Series,
    plan_tasks::{self, Making},
    shift_milestones, take_steps, waive_task,
};
use crate::{
    planning::{DateInputs, Ground},
    repository::{
        deals::Deal,
        dependencies::{self, Dependency},
        milestones::{self, Shifts},
        tasks::{self, Details, StoredTask},
    },
    services::PartyInput,
};

/// A deal whose tasks follow a change. It is locked exclusively.
pub(super) struct Scope<'a> {
    pub(super) deal: &'a Deal,
    pub(super) deal_id: Uuid,
    /// The dates that are to move, which are not stored yet.
    pub(super) key_dates: &'a DateInputs,
    /// Whom new tasks are given to.
    pub(super) parties: &'a [PartyInput],
    pub(super) reason: &'a str,
}

impl Scope<'_> {
    /// Brings, adds and takes away what the revision says, of a deal that stands as in `before`. The facts are saved
    /// already; dates that are to move are not.
    pub(super) async fn follow(
        &self,
        tx: &mut Tx,
        before: &Ground,
        revision: &Revision,
    ) -> Result<()> {
        self.bring_back(tx, before, revision).await?;
        self.add(tx, before, revision).await?;
        self.drop_ceased(tx, revision).await
    }

    /// All dates as they follow now, with those that are to move.
    pub(super) async fn count(&self, tx: &Tx) -> Result<(Ground, PlannedDates)> {
        let mut ground = Ground::lock(tx, self.deal_id, &self.deal.zone, None).await?;
        ground.use_present_holidays(tx).await?;
        let by_hand = self.key_dates.iter().filter(|(_, date)| date.is_some());
        ground.moved = by_hand.map(|(key, _)| key.clone()).collect();
        let planned = ground.compute_with(&self.deal.zone, self.key_dates);
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
            parties: self.parties,
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
                    .filter(|other| !kept.contains(other) && !revision.ceased.contains_key(*other))
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
            .filter(|stored| {
                why_ceased(stored, revision).is_some() && !stored.task.status.is_done()
            })
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
            if let Some(stored) = tasks::lock(tx, id).await?
                && let Some(why) = why_ceased(&stored, revision)
            {
                let why = why.to_string();
                Box::pin(waive_task::waive(
                    tx,
                    self.deal,
                    &stored,
                    &why,
                    Series::Ends,
                ))
                .await?;
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

fn why_ceased<'r>(stored: &StoredTask, revision: &'r Revision) -> Option<&'r Dropped> {
    revision.ceased.get(stored.task.key.as_ref()?)
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
