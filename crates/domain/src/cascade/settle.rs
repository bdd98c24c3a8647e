//! What follows from a change of a running plan: tasks that begin to apply come, open ones that cease to apply go, and all
//! dates are counted again, until nothing more follows.
//!
//! What goes is waived, so that its history stays and it comes back when its reason is gone; what waited for it waits for
//! what it waited for. What is completed stays, and so does what people deleted or waived themselves.
//!
//! Nothing here reads or writes: the preview of a change and the change itself are the same computation.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    Dropped, KeyDate, Making, PlannedDates, Revision, RunningPlan, has_ceased, make, revise,
};
use crate::{
    plan::Graph,
    rejection::Rejection,
    task::{
        Change, Dependents, Details, Due, Moment, Prerequisite, StoredTask, Task, TaskState, reopen,
    },
};

/// What a change did to one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The task as it was; `None` for a new one.
    pub before: Option<StoredTask>,
    /// The state to save, and what to record.
    pub change: Change,
    /// The details to save.
    pub details: Details,
}

/// A plan that is being changed, with what has been done to its tasks so far.
#[derive(Clone, Debug)]
pub struct WorkingPlan<'a> {
    plan: RunningPlan,
    steps: BTreeMap<Uuid, Step>,
    /// The ids of the changed tasks, in the order in which they were first changed.
    order: Vec<Uuid>,
    moment: Moment<'a>,
}

/// Which tasks a change may add and remove.
#[derive(Clone, Copy, Debug)]
pub enum Follow<'a> {
    /// None: only dates move.
    Dates,
    /// Those that are there: they go and come back.
    Present,
    /// Those that are there, and those of the template that have never been.
    Template(&'a Making),
}

/// Why a change is made, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Because<'a> {
    /// The user.
    pub by: Uuid,
    /// The reason that waived and reopened tasks carry in their history.
    pub reason: &'a str,
}

/// A plan after everything that followed from a change.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The plan as it is now, its key dates and tasks included.
    pub plan: RunningPlan,
    /// All dates.
    pub planned: PlannedDates,
    /// The tasks that came and went.
    pub revision: Revision,
    /// What was done to each task, from the first change on.
    pub steps: Vec<Step>,
}

impl<'a> WorkingPlan<'a> {
    /// A plan to which nothing has been done yet.
    #[must_use]
    pub const fn new(plan: RunningPlan, moment: Moment<'a>) -> Self {
        Self {
            plan,
            steps: BTreeMap::new(),
            order: Vec::new(),
            moment,
        }
    }

    /// The plan as it is by now.
    #[must_use]
    pub const fn plan(&self) -> &RunningPlan {
        &self.plan
    }

    /// Takes a step of one task; without effect for a task that is not in the plan.
    ///
    /// # Errors
    /// The step's own rejection.
    pub fn change(
        &mut self,
        id: Uuid,
        step: impl FnOnce(&Task) -> Result<Change, Rejection>,
    ) -> Result<(), Rejection> {
        let Some(stored) = self.stored(id) else {
            return Ok(());
        };
        let (before, details) = (stored.clone(), stored.details.clone());
        let change = match self.steps.remove(&id) {
            Some(earlier) => Step {
                change: earlier.change.try_then(step)?,
                ..earlier
            },
            None => {
                self.order.push(id);
                Step {
                    change: Change::none(&before.task).try_then(step)?,
                    before: Some(before),
                    details,
                }
            }
        };
        self.put(id, change);
        Ok(())
    }

    /// Takes in a change that was decided elsewhere.
    pub fn take(&mut self, before: Option<StoredTask>, change: Change, details: Details) {
        let id = change.task.id;
        self.order.push(id);
        let step = Step {
            before,
            change,
            details,
        };
        self.put(id, step);
    }

    /// Lets every task that waits for this one, which was finished, wait no longer.
    ///
    /// # Errors
    /// None that a step of waiting knows.
    pub fn release_dependents(&mut self, finished: Uuid) -> Result<(), Rejection> {
        for id in self.waiting_for(finished) {
            self.change(id, |task| Ok(task.satisfy_dependency()))?;
        }
        Ok(())
    }

    /// Follows a change of the plan to its end. `before` are the dates as they were before it, and tasks that were changed
    /// already stay as they are: they neither come nor go. Each other task comes or goes at most once, so this ends.
    ///
    /// Dates set by hand count as extensions once the deal `has_begun`.
    ///
    /// # Errors
    /// `TASK_DEPENDENT_DONE` for a task that cannot come back, since what waited for it is completed.
    pub fn settle(
        mut self,
        before: &PlannedDates,
        follow: Follow<'_>,
        because: Because<'_>,
        has_begun: bool,
    ) -> Result<Settled, Rejection> {
        let names = self.order.iter().filter_map(|id| self.stored(*id));
        let mut decided: BTreeSet<String> = names.map(StoredTask::name).collect();
        let mut all = Revision::default();
        let mut before = before.clone();
        let planned = loop {
            let planned = self.plan.compute(self.moment.zone);
            let mut revision = match follow {
                Follow::Dates => Revision::default(),
                Follow::Present | Follow::Template(_) => revise(&before, &planned),
            };
            revision.begun.retain(|key| !decided.contains(key));
            revision.ceased.retain(|key, _| !decided.contains(key));
            if revision.is_empty() {
                break planned;
            }
            decided.extend(revision.begun.iter().cloned());
            decided.extend(revision.ceased.keys().cloned());
            self.bring_back(&revision)?;
            if let Follow::Template(making) = follow {
                self.add(&before, &revision, making)?;
            }
            self.drop_ceased(&revision, because)?;
            all.begun.extend(revision.begun);
            all.ceased.extend(revision.ceased);
            before = planned;
        };
        let key_dates = self.plan.key_dates_after(&planned, has_begun, &self.moment);
        self.reschedule(&planned)?;
        self.plan.key_dates = key_dates;
        let mut steps = self.steps;
        Ok(Settled {
            plan: self.plan,
            planned,
            revision: all,
            steps: self
                .order
                .iter()
                .filter_map(|id| steps.remove(id))
                .collect(),
        })
    }

    /// Reopens tasks that went for a reason that is gone; those first that others wait for, which then come back blocked.
    fn bring_back(&mut self, revision: &Revision) -> Result<(), Rejection> {
        let tasks = self.plan.tasks.iter();
        let returning: BTreeSet<Uuid> = tasks
            .filter(|stored| is_among(stored, &revision.begun) && has_ceased(&stored.task))
            .map(|stored| stored.task.id)
            .collect();
        for id in in_order(&self.graph(), &returning) {
            let by_id: BTreeMap<Uuid, Task> = self
                .plan
                .tasks
                .iter()
                .map(|stored| (stored.task.id, stored.task.clone()))
                .collect();
            let waits_for = self
                .plan
                .tasks
                .iter()
                .map(|stored| {
                    let waits_for = stored.details.depends_on.iter().copied().collect();
                    (stored.task.id, waits_for)
                })
                .collect();
            let moment = self.moment;
            for change in reopen(id, &by_id, &waits_for, Dependents::Refuse, &moment)? {
                self.change(change.task.id, |_| Ok(change.clone()))?;
            }
        }
        Ok(())
    }

    /// Adds tasks that have never been there, and ties them and those that came back to what they wait for and to what
    /// waits for them.
    fn add(
        &mut self,
        before: &PlannedDates,
        revision: &Revision,
        making: &Making,
    ) -> Result<(), Rejection> {
        let waited = self.plan.waiting(before, &BTreeSet::new());
        let planned = self.plan.compute(self.moment.zone);
        let is_there = |key: &&String| self.plan.task(key).is_some();
        let wanted: BTreeSet<String> = revision
            .begun
            .iter()
            .filter(|key| !is_there(key) && self.plan.template.task(key).is_some())
            .cloned()
            .collect();
        let waiting = self.plan.waiting(&planned, &wanted);
        for (change, details) in make(&self.plan, &planned, &wanted, making, &self.moment)? {
            self.take(None, change, details);
        }
        for key in waiting.nodes() {
            let Some(id) = self.id_of(key) else {
                continue;
            };
            let kept: BTreeSet<&String> = waiting.prerequisites(key).collect();
            let has_begun = revision.begun.contains(key);
            let added = kept
                .iter()
                .filter(|key| has_begun || revision.begun.contains(**key))
                .filter_map(|key| self.id_of(key))
                .collect();
            // What it waited for only because a task between them did not apply.
            let removed = waited
                .prerequisites(key)
                .filter(|other| !kept.contains(other) && !revision.ceased.contains_key(*other))
                .filter_map(|key| self.id_of(key))
                .collect();
            self.rewire(id, &added, &removed)?;
        }
        Ok(())
    }

    /// Waives a task that ceased to apply; what waited for it now waits for what it waited for.
    fn drop_ceased(&mut self, revision: &Revision, because: Because<'_>) -> Result<(), Rejection> {
        let ceased: BTreeMap<Uuid, String> = self
            .plan
            .tasks
            .iter()
            .filter(|stored| !stored.task.status.is_done())
            .filter_map(|stored| {
                let why: &Dropped = revision.ceased.get(stored.task.key.as_ref()?)?;
                Some((stored.task.id, why.to_string()))
            })
            .collect();
        let ids: BTreeSet<Uuid> = ceased.keys().copied().collect();
        let graph = self.graph();
        let contracted = graph.without(&ids);
        let staying: Vec<Uuid> = graph
            .nodes()
            .filter(|id| !ids.contains(id))
            .copied()
            .collect();
        for id in staying {
            let removed: BTreeSet<Uuid> = graph
                .prerequisites(&id)
                .filter(|other| ids.contains(other))
                .copied()
                .collect();
            if !removed.is_empty() {
                let added = contracted.prerequisites(&id).copied().collect();
                self.rewire(id, &added, &removed)?;
            }
        }
        // What waits among them goes first, so that none is set free on its way out.
        for id in in_order(&graph, &ids).into_iter().rev() {
            let (moment, why) = (self.moment, ceased.get(&id));
            let why = why.map_or(because.reason, String::as_str);
            self.change(id, |task| task.waive(because.by, why, &moment))?;
            self.release_dependents(id)?;
        }
        Ok(())
    }

    /// Changes what an open task waits for. What is there already, would close a cycle with dependencies that people
    /// added, or belongs to a finished task, stays as it is.
    fn rewire(
        &mut self,
        id: Uuid,
        added: &BTreeSet<Uuid>,
        removed: &BTreeSet<Uuid>,
    ) -> Result<(), Rejection> {
        let mut graph = self.graph();
        let Some(stored) = self.stored(id).filter(|it| !it.task.status.is_done()) else {
            return Ok(());
        };
        let mut depends_on: BTreeSet<Uuid> = stored.details.depends_on.iter().copied().collect();
        for other in added {
            if depends_on.contains(other) || graph.cycle_closed_by(&id, other).is_some() {
                continue;
            }
            if let Some(prerequisite) = self.prerequisite(*other) {
                depends_on.insert(*other);
                graph.add_dependency(id, *other);
                self.change(id, |task| task.add_dependency(prerequisite))?;
            }
        }
        for other in removed {
            if let Some(prerequisite) = self.prerequisite(*other)
                && depends_on.remove(other)
            {
                self.change(id, |task| task.remove_dependency(prerequisite))?;
            }
        }
        self.wait_for(id, depends_on.into_iter().collect());
        Ok(())
    }

    /// Brings every open task to where its rule has it.
    fn reschedule(&mut self, planned: &PlannedDates) -> Result<(), Rejection> {
        let moving: Vec<(Uuid, Option<Due>, u32)> = self
            .plan
            .tasks
            .iter()
            .filter(|stored| !stored.task.status.is_done() && !stored.task.due_pinned)
            .filter_map(|stored| {
                let planned = planned.task(&stored.name())?;
                let due = planned.due.map(|date| Due {
                    date,
                    time_of_day: planned.time_of_day,
                });
                Some((stored.task.id, due, planned.shift_days))
            })
            .collect();
        let moment = self.moment;
        for (id, due, shift_days) in moving {
            self.change(id, |task| task.reschedule(due, shift_days, &moment))?;
        }
        Ok(())
    }

    fn put(&mut self, id: Uuid, step: Step) {
        let stored = StoredTask {
            task: step.change.task.clone(),
            details: step.details.clone(),
            due_at: step.change.task.due_at(self.moment.zone),
        };
        self.steps.insert(id, step);
        match self.plan.tasks.iter_mut().find(|it| it.task.id == id) {
            Some(present) => *present = stored,
            None => self.plan.tasks.push(stored),
        }
    }

    fn wait_for(&mut self, id: Uuid, depends_on: Vec<Uuid>) {
        let tasks = self.plan.tasks.iter_mut();
        for stored in tasks.filter(|stored| stored.task.id == id) {
            stored.details.depends_on.clone_from(&depends_on);
        }
        if let Some(step) = self.steps.get_mut(&id) {
            step.details.depends_on = depends_on;
        }
    }

    fn stored(&self, id: Uuid) -> Option<&StoredTask> {
        self.plan.tasks.iter().find(|stored| stored.task.id == id)
    }

    fn id_of(&self, key: &str) -> Option<Uuid> {
        let tasks = self.plan.tasks.iter();
        let mut named = tasks.filter(|stored| stored.task.key.as_deref() == Some(key));
        named.next().map(|stored| stored.task.id)
    }

    fn prerequisite(&self, id: Uuid) -> Option<Prerequisite> {
        let stored = self.stored(id)?;
        Some(Prerequisite::of(stored.task.status))
    }

    fn waiting_for(&self, id: Uuid) -> Vec<Uuid> {
        let tasks = self.plan.tasks.iter();
        tasks
            .filter(|stored| stored.details.depends_on.contains(&id))
            .map(|stored| stored.task.id)
            .collect()
    }

    /// What waits for what, by id.
    fn graph(&self) -> Graph<Uuid> {
        let tasks = self.plan.tasks.iter();
        tasks
            .map(|stored| (stored.task.id, stored.details.depends_on.clone()))
            .collect()
    }
}

impl Step {
    /// The state before; `None` for a new task.
    #[must_use]
    pub fn state_before(&self) -> Option<&TaskState> {
        self.before.as_ref().map(|before| &*before.task)
    }

    /// Whether it leaves the task as it was.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        self.before
            .as_ref()
            .is_some_and(|before| self.change.task == before.task && self.details == before.details)
    }
}

impl Settled {
    /// The key dates as they are now.
    #[must_use]
    pub fn key_dates(&self) -> &[KeyDate] {
        &self.plan.key_dates
    }
}

fn is_among(stored: &StoredTask, keys: &BTreeSet<String>) -> bool {
    let key = stored.task.key.as_ref();
    key.is_some_and(|key| keys.contains(key))
}

/// Those of the graph's tasks, each after all it waits for.
fn in_order(graph: &Graph<Uuid>, tasks: &BTreeSet<Uuid>) -> Vec<Uuid> {
    let ordered = graph.order().unwrap_or_default();
    let tied = ordered.iter().filter(|id| tasks.contains(id)).copied();
    let apart = tasks.iter().filter(|id| !ordered.contains(id)).copied();
    tied.chain(apart).collect()
}
