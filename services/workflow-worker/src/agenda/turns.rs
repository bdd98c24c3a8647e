//! Notices that tasks have become theirs to do, or have lost their assignee, in the terms of [`domain::handover`].

use contracts::field;
use domain::handover::{self, Freed, Handed, Occasion, OpenTask};
use uuid::Uuid;

use super::{Action, Audience, Deal, Entry, Notice, NoticeKind, Params, Step};

/// A notice of several tasks names so many of them; the rest is counted.
const TASKS_NAMED: usize = 5;

/// The notices that open tasks call for.
pub(super) fn steps(deal: &Deal, tasks: &[Entry<'_>]) -> anyhow::Result<Vec<Step>> {
    let open = tasks
        .iter()
        .filter(|entry| entry.is_open())
        .map(read)
        .collect::<anyhow::Result<Vec<_>>>()?;
    let occasions = handover::occasions(&open).into_iter();
    Ok(occasions
        .filter_map(|occasion| step(deal, tasks, &occasion))
        .collect())
}

fn read(entry: &Entry<'_>) -> anyhow::Result<OpenTask> {
    let handling = entry.task.handling.as_ref();
    let at = |name, text: Option<&String>| field::optional_instant(name, text.map(String::as_str));
    let assigned_at = at(
        "assignedAt",
        handling.and_then(|it| it.assigned_at.as_ref()),
    )?;
    let unlocked_at = at(
        "unlockedAt",
        handling.and_then(|it| it.unlocked_at.as_ref()),
    )?;
    Ok(OpenTask {
        id: entry.task.id,
        assignee_id: entry.task.assignee_id,
        handed: assigned_at.map(|at| Handed {
            at,
            by: handling.and_then(|it| it.assigned_by),
            from: handling.and_then(|it| it.previous_assignee_id),
        }),
        freed: unlocked_at.map(|at| Freed {
            at,
            by: handling.and_then(|it| it.unlocked_by),
        }),
    })
}

fn step(deal: &Deal, tasks: &[Entry<'_>], occasion: &Occasion) -> Option<Step> {
    let find = |id: &Uuid| tasks.iter().find(|entry| entry.task.id == *id);
    let deal_id = deal.id;
    let (kind, key, task_id, audience, params) = match occasion {
        Occasion::PlanReady {
            user_id,
            since,
            task_ids,
        } => (
            NoticeKind::PlanReady,
            format!(
                "plan-ready:{deal_id}:{user_id}:{}",
                field::instant_text(*since)
            ),
            None,
            Audience::User(*user_id),
            // Those that can be started come first: they are what the person can do now.
            several(deal, task_ids.iter().filter_map(find), |entry| {
                !entry.task.is_blocked
            }),
        ),
        Occasion::TaskAssigned {
            user_id,
            since,
            task_id,
        } => (
            NoticeKind::TaskAssigned,
            format!(
                "task-assigned:{task_id}:{user_id}:{}",
                field::instant_text(*since)
            ),
            Some(*task_id),
            Audience::User(*user_id),
            find(task_id)?.params(deal),
        ),
        Occasion::TaskUnlocked {
            user_id,
            since,
            task_id,
        } => (
            NoticeKind::TaskUnlocked,
            format!(
                "task-unlocked:{task_id}:{user_id}:{}",
                field::instant_text(*since)
            ),
            Some(*task_id),
            Audience::User(*user_id),
            find(task_id)?.params(deal),
        ),
        Occasion::TasksUnassigned {
            from,
            since,
            task_ids,
        } => (
            NoticeKind::TasksUnassigned,
            format!(
                "tasks-unassigned:{deal_id}:{from}:{}",
                field::instant_text(*since)
            ),
            None,
            Audience::Coordinators,
            Params {
                person_id: Some(*from),
                ..several(deal, task_ids.iter().filter_map(find), |_| true)
            },
        ),
    };
    Some(Step {
        key,
        action: Action::None,
        notice: Notice {
            kind,
            task_id,
            audience: vec![audience],
            params,
        },
    })
}

/// How many tasks there are, and the titles of the first that are worth naming.
fn several<'a>(
    deal: &Deal,
    tasks: impl Iterator<Item = &'a Entry<'a>> + Clone,
    is_named: impl Fn(&Entry<'_>) -> bool,
) -> Params {
    let titles = tasks.clone().filter(|entry| is_named(entry));
    Params {
        task_count: u32::try_from(tasks.count()).ok(),
        task_titles: titles
            .filter_map(|entry| entry.task.title.clone())
            .take(TASKS_NAMED)
            .collect(),
        ..deal.params()
    }
}
