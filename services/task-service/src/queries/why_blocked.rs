//! Why a task waits: its open predecessors back to those that somebody could work on now.

use std::collections::{BTreeMap, BTreeSet};

use contracts::field::{date_text, instant_text};
use domain::{
    holdup,
    party::PartyRole,
    plan::{Work, schedule},
    rejection::Rejection,
    task::{StoredTask, may_see},
    zone::Zone,
};
use platform::{
    db::{Actor, Tx},
    error::Result,
};
use serde::Serialize;
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use super::get_task::Neighbour;
use crate::{
    planning::work_of,
    repository::{
        deals::{self, Deal},
        holidays, key_dates,
        people::{self, People},
        tasks,
    },
    views::{created_at, task_actor},
};

/// Why a task waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhyBlocked {
    pub(crate) task_id: Uuid,
    pub(crate) is_blocked: bool,
    /// Who holds it up, in one sentence.
    #[schema(
        example = "\"Clear to close\" is held up by Rosa Lind (lender) with \"Appraisal\" since 3 March, due 10 March."
    )]
    pub(crate) sentence: String,
    /// The open tasks that it waits for directly.
    pub(crate) blocked_by: Vec<Holdup>,
    /// The tasks at the beginning of the chain, which wait for nothing themselves.
    pub(crate) frontier: Vec<FrontierTask>,
    /// The first day on which it could be free, if all goes as estimated; null if it is free.
    #[schema(format = "date")]
    pub(crate) earliest_unblock: Option<String>,
}

/// A task that holds another one up. If the caller may not see it, only its owner's part.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Holdup {
    #[serde(flatten)]
    pub(crate) task: Neighbour,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    pub(crate) due_date: Option<String>,
    /// Since when somebody could have worked on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    pub(crate) since: Option<String>,
}

/// A task at the beginning of the chain.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrontierTask {
    #[serde(flatten)]
    pub(crate) task: Holdup,
    /// Who holds what up since when, down to the person, in one sentence.
    #[schema(
        example = "Waiting for \"Appraisal\": Rosa Lind (lender) holds it up since 3 March, due 10 March."
    )]
    pub(crate) sentence: String,
}

/// A task of the deal as the reader sees it.
#[derive(Clone, Copy)]
struct Sighted<'a> {
    stored: &'a StoredTask,
    /// Whether the reader sees more of it than the part that owns it.
    is_seen: bool,
}

/// Walks back from the task, which the reader must see. `tx` sees all tasks of the deal; of the others the reader gets
/// what it may see. Rejections: `NOT_FOUND`.
pub(crate) async fn run(tx: &Tx, id: Uuid, reader: &Actor) -> Result<WhyBlocked> {
    let stored = tasks::find(tx, id).await?.ok_or(Rejection::NotFound)?;
    let deal = deals::see(tx, stored.task.deal_id).await?;
    let all = tasks::of_deal(tx, stored.task.deal_id).await?;
    let actor = task_actor(reader);
    let by_id: BTreeMap<Uuid, Sighted<'_>> = all
        .iter()
        .map(|stored| {
            let is_seen = may_see(&stored.task, &actor);
            (stored.task.id, Sighted { stored, is_seen })
        })
        .collect();
    // Only the way through open tasks counts: what waits behind a finished one holds nothing up.
    let is_open = |id: &Uuid| by_id.get(id).is_some_and(|other| other.is_open());
    let open_graph: BTreeMap<Uuid, BTreeSet<Uuid>> = all
        .iter()
        .map(|stored| {
            let waits_for = stored.details.depends_on.iter().copied().filter(is_open);
            (stored.task.id, waits_for.collect())
        })
        .collect();
    let empty = BTreeSet::new();
    let direct = open_graph.get(&id).unwrap_or(&empty);
    let frontier: Vec<Sighted<'_>> = predecessors(id, &open_graph)
        .iter()
        .filter(|other| open_graph.get(other).is_none_or(BTreeSet::is_empty))
        .filter_map(|other| by_id.get(other).copied())
        .collect();
    let assignees = frontier.iter().filter_map(|other| other.assignee());
    let people = people::of_deal(tx, stored.task.deal_id, assignees.collect()).await?;
    let today = deal.zone.local_date(tx.now());
    let since = |other: &Sighted<'_>| other.since(&by_id);
    let words: Vec<holdup::Holdup<'_>> = frontier
        .iter()
        .map(|other| other.in_words(since(other), &people, &deal.zone))
        .collect();
    let direct = direct.iter().filter_map(|other| by_id.get(other));
    Ok(WhyBlocked {
        task_id: id,
        is_blocked: stored.task.is_blocked(),
        sentence: holdup::summary(&stored.task.title, &words, today),
        blocked_by: direct.map(|other| other.holdup(since(other))).collect(),
        frontier: frontier
            .iter()
            .zip(&words)
            .map(|(other, words)| FrontierTask {
                task: other.holdup(since(other)),
                sentence: words.sentence(today),
            })
            .collect(),
        earliest_unblock: if stored.task.is_blocked() {
            earliest(tx, &deal, &stored, &all).await?.map(date_text)
        } else {
            None
        },
    })
}

/// When the task could start, as the schedule of the whole plan has it: the same for every reader.
async fn earliest(
    tx: &Tx,
    deal: &Deal,
    stored: &StoredTask,
    all: &[StoredTask],
) -> Result<Option<Date>> {
    let deal_id = stored.task.deal_id;
    let key_dates = key_dates::of_deal(tx, deal_id).await?;
    let holidays = holidays::of_deal(tx, deal_id).await?;
    let date_of = |key: &str| key_dates.as_ref()?.get(key)?.date;
    let work: Vec<Work<String>> = all
        .iter()
        .map(|stored| {
            let due = stored.task.due.map(|due| due.date);
            work_of(stored, all, due, date_of, &deal.zone)
        })
        .collect();
    let today = deal.zone.local_date(tx.now());
    let Ok(scheduled) = schedule(&work, today, holidays.calendars()) else {
        return Ok(None);
    };
    let name = stored.task.id.to_string();
    let its = scheduled.tasks.iter().find(|task| task.key == name);
    Ok(its.map(|task| task.earliest_start))
}

/// Everything that a task waits for, directly or not.
fn predecessors(id: Uuid, waits_for: &BTreeMap<Uuid, BTreeSet<Uuid>>) -> BTreeSet<Uuid> {
    let mut found = BTreeSet::new();
    let mut frontier = vec![id];
    while let Some(next) = frontier.pop() {
        for other in waits_for.get(&next).into_iter().flatten() {
            if found.insert(*other) {
                frontier.push(*other);
            }
        }
    }
    found
}

impl<'a> Sighted<'a> {
    fn is_open(&self) -> bool {
        !self.stored.task.status.is_done()
    }

    fn assignee(&self) -> Option<Uuid> {
        let assignee = self.stored.task.facts.assignee_id;
        assignee.filter(|_| self.is_seen)
    }

    fn due(&self) -> Option<Date> {
        let due = self.stored.task.due;
        due.filter(|_| self.is_seen).map(|due| due.date)
    }

    /// Since when somebody could have worked on it; `None` if the reader does not see it.
    fn since(&self, by_id: &BTreeMap<Uuid, Self>) -> Option<OffsetDateTime> {
        if !self.is_seen {
            return None;
        }
        let finished = self
            .stored
            .details
            .depends_on
            .iter()
            .filter_map(|other| by_id.get(other))
            .filter_map(|other| {
                let facts = &other.stored.task.facts;
                let completed = facts.completed.as_ref().map(|completion| completion.at);
                completed.or(facts.waived.as_ref().map(|waiver| waiver.at))
            })
            .max();
        finished.or_else(|| created_at(self.stored.task.id))
    }

    fn holdup(&self, since: Option<OffsetDateTime>) -> Holdup {
        let task = &self.stored.task;
        let seen = Some(task).filter(|_| self.is_seen);
        Holdup {
            task: Neighbour {
                id: seen.map(|task| task.id),
                title: seen.map(|task| task.title.clone()),
                owner_role: task.owner_role.map(|role| role.as_str().to_owned()),
                status: seen.map(|task| task.status.as_str().to_owned()),
                assignee_id: self.assignee(),
            },
            due_date: self.due().map(date_text),
            since: since.map(instant_text),
        }
    }

    /// What a sentence says of it.
    fn in_words<'p>(
        &self,
        since: Option<OffsetDateTime>,
        people: &'p People,
        zone: &Zone,
    ) -> holdup::Holdup<'p>
    where
        'a: 'p,
    {
        let owner_role: Option<PartyRole> = self.stored.task.owner_role;
        if !self.is_seen {
            return holdup::Holdup::Hidden { owner_role };
        }
        holdup::Holdup::Shown {
            title: &self.stored.task.title,
            holder: people.holder(self.assignee(), owner_role),
            since: since.map(|instant| zone.local_date(instant)),
            due: self.due(),
        }
    }
}
