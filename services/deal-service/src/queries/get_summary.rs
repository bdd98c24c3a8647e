//! A deal at a glance: where it is, what is late, what is stuck and why.
//!
//! Built from the read models, and kept in Redis for five minutes. A kept summary carries the count of
//! changes it was built from ([`Deal::summary_revision`]), which every request reads together with the
//! caller's right to see the deal; so neither a late drop nor a race can show an old one.
//!
//! [`Deal::summary_revision`]: crate::repository::deals::Deal::summary_revision

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use contracts::field::date_text;
use domain::{
    deal::{DealStatus, DealView, PlanState},
    milestone::{MilestoneState, TaskCounts, states},
    task::TaskStatus,
};
use platform::{db::Tx, error::Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use super::activity::ActivityItem;
use crate::{
    repository::{
        deals::{self, SeenDeal},
        parties::{self, Party},
        views::{self, MilestoneView, TaskView},
    },
    routes::{answers::PartyAnswer, bodies::PropertyAddress},
    wire::optional_date,
    words,
};

/// A deal at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DealSummary {
    deal_id: Uuid,
    name: String,
    property_address: PropertyAddress,
    /// DRAFT, ACTIVE, ON_HOLD, CLOSED or CANCELLED.
    status: String,
    /// PENDING, APPLIED or FAILED.
    plan_state: String,
    /// The first milestone that work is possible on; `null` when all are done, and once the deal is over.
    current_milestone: Option<MilestoneProgress>,
    milestones: Vec<MilestoneProgress>,
    progress: Progress,
    /// How many tasks are in each status.
    task_counts: BTreeMap<String, u32>,
    /// The open task that is due first, unless it is late already; `null` unless the deal is active.
    next_due: Option<TaskLine>,
    /// Late tasks, those that are late longest first; none once the deal is over.
    overdue: Vec<TaskLine>,
    /// Tasks that wait for others, and for which; none once the deal is over.
    blocked: Vec<BlockedTask>,
    #[schema(format = Date)]
    closing_date: Option<String>,
    /// Calendar days until closing where the property is; negative when it has passed.
    // Depends on the day: `Kept::answer` writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_to_closing: Option<i64>,
    parties: Vec<PartyAnswer>,
    /// What happened last. Not for buyers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_activity: Option<ActivityItem>,
    version: i64,
}

/// How far a deal, or a part of it, is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Progress {
    /// Tasks that are completed or waived.
    done: u32,
    total: u32,
    /// 0 to 100, rounded down.
    percent: u32,
}

impl Progress {
    fn of(done: u32, total: u32) -> Self {
        let percent = done
            .saturating_mul(100)
            .checked_div(total)
            .unwrap_or_default();
        Self {
            done,
            total,
            percent,
        }
    }
}

/// A milestone and how far it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct MilestoneProgress {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    title: String,
    /// DONE, CURRENT or UPCOMING.
    state: String,
    progress: Progress,
}

/// A task in one line.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskLine {
    task_id: Uuid,
    title: String,
    status: String,
    owner_role: Option<String>,
    assignee_id: Option<Uuid>,
    #[schema(format = Date)]
    due_date: Option<String>,
}

/// A task that waits for others.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockedTask {
    #[serde(flatten)]
    task: TaskLine,
    /// What it waits for, in a sentence.
    why: String,
    blocked_by: Vec<SummaryBlocker>,
}

/// What a task waits for. If the caller may not see the blocking task, only its owner's part is given.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SummaryBlocker {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    owner_role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee_id: Option<Uuid>,
}

/// A summary as it is kept: JSON that is answered as it is, but for what depends on the day.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) revision: i64,
    /// The closing date that the summary says.
    #[serde(with = "optional_date")]
    pub(crate) closing_date: Option<Date>,
    summary: Box<RawValue>,
}

/// A summary that was built just now, and for which view of the deal.
#[derive(Debug)]
pub(crate) struct Built {
    revision: i64,
    closing_date: Option<Date>,
    pub(crate) summary: DealSummary,
    pub(crate) view: DealView,
}

impl Built {
    /// The summary as it is kept.
    pub(crate) fn into_kept(self) -> Result<Kept> {
        let summary = serde_json::value::to_raw_value(&self.summary);
        Ok(Kept {
            revision: self.revision,
            closing_date: self.closing_date,
            summary: summary.context("write a summary")?,
        })
    }
}

impl Kept {
    /// The answer's JSON, with the days to closing as the first member.
    pub(crate) fn answer(&self, days_to_closing: Option<i64>) -> String {
        let days = days_to_closing.map_or_else(|| "null".to_owned(), |days| days.to_string());
        let others = self.summary.get().trim_start_matches('{');
        format!("{{\"daysToClosing\":{days},{others}")
    }
}

/// The key of the summary that everybody sees who sees the deal as staff.
pub(crate) fn staff_key(deal_id: Uuid) -> String {
    format!("summary:{deal_id}:STAFF")
}

/// The key of the summary for somebody with this view of the deal. What a client sees depends on what is
/// assigned to it.
pub(crate) fn key(deal_id: Uuid, view: DealView, viewer: Uuid) -> String {
    match view {
        DealView::Staff => staff_key(deal_id),
        DealView::Client => format!("summary:{deal_id}:CLIENT:{viewer}"),
    }
}

/// Builds the summary, without what depends on the day and without the last activity.
pub(crate) async fn run(tx: &Tx, deal_id: Uuid) -> Result<Built> {
    let seen = deals::get(tx, deal_id).await?;
    let plan = views::plan_state(tx, deal_id).await?;
    let milestones = views::milestones(tx, deal_id).await?;
    let tasks = views::tasks(tx, deal_id).await?;
    let parties = parties::all(tx, deal_id).await?;
    let sight = Sight {
        view: seen.view,
        viewer: tx.actor().user_id,
    };
    Ok(Built {
        revision: seen.deal.summary_revision,
        closing_date: seen.deal.closing_date,
        summary: build(&seen, plan, &milestones, &tasks, &parties, sight),
        view: seen.view,
    })
}

/// Who looks, and how much of the deal it sees.
#[derive(Clone, Copy)]
struct Sight {
    view: DealView,
    viewer: Uuid,
}

impl Sight {
    fn sees(self, task: &TaskView) -> bool {
        self.view == DealView::Staff || task.buyer_visible || task.assignee_id == Some(self.viewer)
    }

    /// A client reads the words that are meant for clients.
    fn title(self, title: &str, buyer_title: Option<&str>) -> String {
        let plain = buyer_title.filter(|_| self.view == DealView::Client);
        plain.unwrap_or(title).to_owned()
    }

    fn line(self, task: &TaskView) -> TaskLine {
        TaskLine {
            task_id: task.id,
            title: task.title.clone(),
            status: task.status.to_string(),
            owner_role: task.owner_role.clone(),
            assignee_id: self.assignee(task),
            due_date: task.due_date.map(date_text),
        }
    }

    /// Clients do not see which of the organization's users is on a task.
    fn assignee(self, task: &TaskView) -> Option<Uuid> {
        task.assignee_id
            .filter(|assignee| self.view == DealView::Staff || *assignee == self.viewer)
    }
}

fn build(
    seen: &SeenDeal,
    plan: Option<PlanState>,
    milestones: &[MilestoneView],
    tasks: &[TaskView],
    parties: &[Party],
    sight: Sight,
) -> DealSummary {
    let deal = &seen.deal;
    let plan = plan.unwrap_or(if deal.template.is_some() {
        PlanState::Pending
    } else {
        PlanState::Applied
    });
    let visible: Vec<&TaskView> = tasks.iter().filter(|task| sight.sees(task)).collect();
    let done = visible.iter().filter(|task| task.status.is_done()).count();
    let progress = progress_of_milestones(milestones, tasks, &visible, sight);
    // Of a deal that is over nothing is to be done, whatever was left open.
    let is_over = deal.status.is_terminal();
    let to_do: &[&TaskView] = if is_over { &[] } else { &visible };
    let current_milestone = progress
        .iter()
        .find(|milestone| milestone.state == MilestoneState::Current.as_str())
        .filter(|_| !is_over)
        .cloned();
    DealSummary {
        deal_id: deal.id,
        name: deal.name.clone(),
        property_address: PropertyAddress::of(&deal.address),
        status: deal.status.to_string(),
        plan_state: plan.to_string(),
        current_milestone,
        milestones: progress,
        progress: Progress::of(count(done), count(visible.len())),
        task_counts: task_counts(&visible),
        next_due: next_due(to_do, sight).filter(|_| deal.status == DealStatus::Active),
        overdue: overdue(to_do, sight),
        blocked: blocked(to_do, tasks, sight),
        closing_date: deal.closing_date.map(date_text),
        days_to_closing: None,
        parties: parties
            .iter()
            .map(|party| PartyAnswer::of(party, sight.view, sight.viewer))
            .collect(),
        last_activity: None,
        version: deal.version,
    }
}

/// The states of milestones follow from all of their tasks, seen or not.
pub(super) fn milestone_states(
    milestones: &[MilestoneView],
    tasks: &[TaskView],
) -> Vec<MilestoneState> {
    let unmet = unmet(tasks);
    let mut counts: HashMap<Uuid, TaskCounts> = HashMap::new();
    for task in tasks {
        let Some(milestone_id) = task.milestone_id else {
            continue;
        };
        let counts = counts.entry(milestone_id).or_default();
        if task.status.is_done() {
            counts.done += 1;
        } else if unmet.contains_key(&task.id) {
            counts.blocked += 1;
        } else {
            counts.ready += 1;
        }
    }
    let counts: Vec<TaskCounts> = milestones
        .iter()
        .map(|milestone| counts.get(&milestone.id).copied().unwrap_or_default())
        .collect();
    states(&counts)
}

/// The states of the milestones by all of their tasks, and their progress by the tasks that the caller sees.
fn progress_of_milestones(
    milestones: &[MilestoneView],
    tasks: &[TaskView],
    visible: &[&TaskView],
    sight: Sight,
) -> Vec<MilestoneProgress> {
    milestones
        .iter()
        .zip(milestone_states(milestones, tasks))
        .map(|(milestone, state)| {
            let its = || {
                visible
                    .iter()
                    .filter(|task| task.milestone_id == Some(milestone.id))
            };
            let done = its().filter(|task| task.status.is_done()).count();
            MilestoneProgress {
                id: milestone.id,
                key: milestone.key.clone(),
                title: sight.title(&milestone.title, milestone.buyer_title.as_deref()),
                state: state.to_string(),
                progress: Progress::of(count(done), count(its().count())),
            }
        })
        .collect()
}

fn task_counts(visible: &[&TaskView]) -> BTreeMap<String, u32> {
    let mut counts: BTreeMap<String, u32> = TaskStatus::ALL
        .iter()
        .map(|status| (status.to_string(), 0))
        .collect();
    for task in visible {
        *counts.entry(task.status.to_string()).or_default() += 1;
    }
    counts
}

fn next_due(visible: &[&TaskView], sight: Sight) -> Option<TaskLine> {
    visible
        .iter()
        .filter(|task| !task.status.is_done() && task.status != TaskStatus::Overdue)
        .filter_map(|task| Some((task.due_date?, *task)))
        .min_by_key(|(due_date, _)| *due_date)
        .map(|(_, task)| sight.line(task))
}

fn overdue(visible: &[&TaskView], sight: Sight) -> Vec<TaskLine> {
    let mut late: Vec<(Option<Date>, &TaskView)> = visible
        .iter()
        .filter(|task| task.status == TaskStatus::Overdue)
        .map(|task| (task.due_date, *task))
        .collect();
    late.sort_by_key(|(due_date, _)| *due_date);
    late.into_iter().map(|(_, task)| sight.line(task)).collect()
}

/// What each open task still waits for. Tasks that wait for nothing are left out.
fn unmet(tasks: &[TaskView]) -> HashMap<Uuid, Vec<&TaskView>> {
    let by_id: HashMap<Uuid, &TaskView> = tasks.iter().map(|task| (task.id, task)).collect();
    tasks
        .iter()
        .filter(|task| !task.status.is_done())
        .filter_map(|task| {
            let open: Vec<&TaskView> = task
                .depends_on
                .iter()
                .filter_map(|id| by_id.get(id).copied())
                .filter(|before| !before.status.is_done())
                .collect();
            (!open.is_empty()).then_some((task.id, open))
        })
        .collect()
}

fn blocked(visible: &[&TaskView], tasks: &[TaskView], sight: Sight) -> Vec<BlockedTask> {
    let unmet = unmet(tasks);
    visible
        .iter()
        .filter_map(|task| {
            let blocked_by: Vec<SummaryBlocker> = unmet
                .get(&task.id)?
                .iter()
                .map(|before| blocker(before, sight))
                .collect();
            Some(BlockedTask {
                task: sight.line(task),
                why: why(&blocked_by),
                blocked_by,
            })
        })
        .collect()
}

fn blocker(before: &TaskView, sight: Sight) -> SummaryBlocker {
    let seen = sight.sees(before);
    SummaryBlocker {
        task_id: seen.then_some(before.id),
        title: seen.then(|| before.title.clone()),
        owner_role: before.owner_role.clone(),
        assignee_id: sight.assignee(before).filter(|_| seen),
    }
}

fn why(blocked_by: &[SummaryBlocker]) -> String {
    let Some(first) = blocked_by.first() else {
        return String::new();
    };
    let role = first.owner_role.as_deref().map(words::lower);
    let waits_for = match (&first.title, role) {
        (Some(title), Some(role)) => format!("Waits for \"{title}\" ({role})"),
        (Some(title), None) => format!("Waits for \"{title}\""),
        (None, Some(role)) => format!("Waits for the {role}"),
        (None, None) => "Waits for another task".to_owned(),
    };
    match blocked_by.len() {
        1 => waits_for,
        2 => format!("{waits_for} and 1 other task"),
        several => format!("{waits_for} and {} other tasks", several - 1),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(title: &str, status: TaskStatus, depends_on: &[&TaskView]) -> TaskView {
        TaskView {
            id: Uuid::now_v7(),
            milestone_id: None,
            title: title.to_owned(),
            status,
            owner_role: Some("title_escrow".to_owned()),
            assignee_id: None,
            due_date: None,
            completed_on: None,
            buyer_visible: false,
            depends_on: depends_on.iter().map(|task| task.id).collect(),
        }
    }

    #[test]
    fn a_blocked_task_says_why_and_a_client_learns_only_the_part_that_holds_it_up() {
        let done = task("Sign the contract", TaskStatus::Completed, &[]);
        let open = task("Open escrow", TaskStatus::Pending, &[]);
        let waiting = TaskView {
            buyer_visible: true,
            ..task("Pay the deposit", TaskStatus::Blocked, &[&done, &open])
        };
        let tasks = [done, open, waiting];
        let seen_by = |view| {
            let sight = Sight {
                view,
                viewer: Uuid::nil(),
            };
            blocked(&[&tasks[2]], &tasks, sight)[0].why.clone()
        };
        assert_eq!(
            seen_by(DealView::Staff),
            "Waits for \"Open escrow\" (title escrow)"
        );
        assert_eq!(seen_by(DealView::Client), "Waits for the title escrow");
    }

    #[test]
    fn a_client_is_addressed_in_plain_words_and_staff_in_its_own() {
        for (view, plain, expected) in [
            (
                DealView::Client,
                Some("Pay your deposit"),
                "Pay your deposit",
            ),
            (DealView::Client, None, "Collect earnest money"),
            (
                DealView::Staff,
                Some("Pay your deposit"),
                "Collect earnest money",
            ),
        ] {
            let sight = Sight {
                view,
                viewer: Uuid::nil(),
            };
            let title = sight.title("Collect earnest money", plain);
            assert_eq!(title, expected, "{view:?}");
        }
    }

    #[test]
    fn an_overdue_task_that_waits_is_both() {
        let open = task("Open escrow", TaskStatus::Pending, &[]);
        let late = task("Pay the deposit", TaskStatus::Overdue, &[&open]);
        let tasks = [open, late];
        assert_eq!(unmet(&tasks).keys().collect::<Vec<_>>(), [&tasks[1].id]);
    }

    #[test]
    fn progress_is_rounded_down_and_nothing_is_no_progress() {
        assert_eq!(Progress::of(2, 3).percent, 66);
        assert_eq!(Progress::of(0, 0).percent, 0);
    }
}
