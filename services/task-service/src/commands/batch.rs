//! A unit of work: what one command does to the tasks of a deal is written, counted and emitted here, once.

use std::collections::BTreeSet;

use contracts::event::MilestoneChange;
use domain::{
    cascade::Step,
    task::{Change, StoredTask, TaskEvent, may_see},
    zone::Zone,
};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::{
    events,
    repository::{
        chases::Chase,
        dependencies::{self, Dependency},
        milestones::{self, Shifted, Shifts},
        tasks::{self, Saved},
    },
    views::task_actor,
};

/// Changes of tasks of one deal that are saved together.
pub(super) struct Batch<'a> {
    deal_id: Uuid,
    zone: &'a Zone,
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    step: Step,
    /// Why, where a reason was given.
    reason: Option<&'a str>,
    /// How somebody asked for the task, where that is the step.
    chase: Option<&'a Chase>,
    write: Write,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    /// With the batch.
    Now,
    /// The command has written the row already.
    Done,
    /// The row is marked as deleted.
    Delete,
}

/// The result of saving a batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    /// The tasks that were unlocked, as far as the caller may see them.
    pub(super) unlocked: Vec<Uuid>,
    /// The milestones that were completed.
    pub(super) completed_milestones: Vec<Uuid>,
}

impl<'a> Batch<'a> {
    /// An empty one. `zone` is the deal's.
    pub(super) const fn new(deal_id: Uuid, zone: &'a Zone) -> Self {
        Self {
            deal_id,
            zone,
            entries: Vec::new(),
        }
    }

    /// Adds a step of a task, also its creation. One that changes nothing is left out.
    pub(super) fn add(&mut self, step: Step, reason: Option<&'a str>) {
        if !step.changes_nothing() {
            self.push(step, reason, Write::Now);
        }
    }

    /// Adds that somebody asked for a locked task.
    pub(super) fn add_chase(&mut self, step: Step, chase: &'a Chase) {
        self.entries.push(Entry {
            step,
            reason: None,
            chase: Some(chase),
            write: Write::Now,
        });
    }

    /// Adds a change of a locked task that leaves the details as they are.
    pub(super) fn change(&mut self, stored: StoredTask, change: Change, reason: Option<&'a str>) {
        self.add(step(stored, change), reason);
    }

    /// Adds a step whose row has been written already.
    pub(super) fn add_written(&mut self, step: Step, reason: Option<&'a str>) {
        self.push(step, reason, Write::Done);
    }

    /// Deletes a locked task, with what it waits for.
    pub(super) fn delete(&mut self, stored: StoredTask, change: Change) {
        self.push(step(stored, change), None, Write::Delete);
    }

    fn push(&mut self, step: Step, reason: Option<&'a str>, write: Write) {
        self.entries.push(Entry {
            step,
            reason,
            chase: None,
            write,
        });
    }

    /// Writes everything, counts the milestones, and emits all of it.
    pub(super) async fn save(self, tx: &mut Tx) -> Result<Done> {
        self.insert(tx).await?;
        self.rewire(tx).await?;
        let shifted = self.write(tx).await?;
        self.emit(tx, &shifted)
    }

    /// The steps that are to be written so.
    fn steps(&self, write: Write) -> impl Iterator<Item = &Step> {
        let entries = self.entries.iter();
        entries
            .filter(move |entry| entry.write == write)
            .map(|entry| &entry.step)
    }

    async fn insert(&self, tx: &Tx) -> Result<()> {
        let new: Vec<_> = self
            .steps(Write::Now)
            .filter(|step| step.before.is_none())
            .map(|step| (&*step.change.task, &step.details))
            .collect();
        tasks::insert(tx, self.zone, &new).await
    }

    /// Writes what the tasks wait for, where that differs from before.
    async fn rewire(&self, tx: &Tx) -> Result<()> {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            let step = &entry.step;
            let edge = |depends_on_id: &Uuid| Dependency {
                task_id: step.change.task.id,
                depends_on_id: *depends_on_id,
            };
            let before = step.before.as_ref();
            let before = before.map_or(&[][..], |before| &before.details.depends_on);
            let after: &[Uuid] = match entry.write {
                Write::Now | Write::Done => &step.details.depends_on,
                Write::Delete => &[],
            };
            let (was, is): (BTreeSet<&Uuid>, BTreeSet<&Uuid>) =
                (before.iter().collect(), after.iter().collect());
            added.extend(is.difference(&was).map(|id| edge(id)));
            removed.extend(was.difference(&is).map(|id| edge(id)));
        }
        dependencies::insert(tx, self.deal_id, &added).await?;
        dependencies::delete(tx, self.deal_id, &removed).await
    }

    async fn write(&self, tx: &Tx) -> Result<Vec<Shifted>> {
        let mut shifts = Shifts::default();
        for entry in &self.entries {
            let after = &*entry.step.change.task;
            let after = (entry.write != Write::Delete).then_some(after);
            shifts.count(entry.step.state_before(), after);
        }
        let saved: Vec<Saved<'_>> = self
            .steps(Write::Now)
            .filter_map(|step| {
                Some(Saved {
                    loaded_version: step.before.as_ref()?.task.version,
                    task: &step.change.task,
                    details: &step.details,
                })
            })
            .collect();
        let shifted = milestones::save_and_shift(tx, self.zone, &shifts, &saved).await?;
        for step in self.steps(Write::Delete) {
            if let Some(before) = &step.before {
                tasks::delete(tx, before.task.version, &step.change.task).await?;
            }
        }
        Ok(shifted)
    }

    fn emit(&self, tx: &mut Tx, shifted: &[Shifted]) -> Result<Done> {
        let actor = task_actor(tx.actor());
        let mut done = Done::default();
        for entry in &self.entries {
            let Change { task, transitions } = &entry.step.change;
            let mut transitions = transitions.iter();
            let is_unlocked = transitions.any(|it| it.event == TaskEvent::Unlocked);
            if is_unlocked && may_see(task, &actor) {
                done.unlocked.push(task.id);
            }
            events::emit_task(tx, self.zone, &entry.step, entry.reason, entry.chase)?;
        }
        for shifted in shifted {
            if shifted.has_completed() {
                done.completed_milestones.push(shifted.after.id);
                emit_milestone(tx, MilestoneChange::Completed, shifted)?;
            } else if shifted.has_reopened() {
                emit_milestone(tx, MilestoneChange::Reopened, shifted)?;
            }
        }
        Ok(done)
    }
}

/// A step that leaves the details as they are.
pub(super) fn step(stored: StoredTask, change: Change) -> Step {
    Step {
        details: stored.details.clone(),
        before: Some(stored),
        change,
    }
}

fn emit_milestone(tx: &mut Tx, change: MilestoneChange, shifted: &Shifted) -> Result<()> {
    events::emit_milestone(tx, change, &shifted.before, &shifted.after)
}
