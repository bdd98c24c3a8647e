//! A deal in plain words, for the person who buys, sells or borrows: where it is, what to do, whom to call.
//!
//! Nothing internal and nothing confidential: only milestones, the dates and steps that templates mark as
//! visible, and the contacts that are there to be called.

use std::collections::HashSet;

use anyhow::Context as _;
use contracts::field::date_text;
use domain::{
    cascade::KeyDateState,
    deal::{DealStatus, DealView},
    milestone::MilestoneState,
    party::PartyRole,
    task::TaskStatus,
    zone::Zone,
};
use platform::{db::Tx, error::Result};
use serde::Serialize;
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use super::get_summary::milestone_states;
use crate::{
    commands::create_deal::CLOSING_DATE,
    repository::{
        deals::{self, Deal},
        parties::{self, Party},
        views::{self, KeyDateView, MilestoneView, TaskView},
    },
    routes::bodies::PropertyAddress,
    words::{self, long_date},
};

/// Shown always: what the swindle looks like that costs buyers their deposit.
const NOTICE: &str = "Before you send money, call the title or escrow company at a number you already know. \
     We never change wire instructions by e-mail.";

/// A deal in plain words.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuyerTimeline {
    deal_id: Uuid,
    property_address: PropertyAddress,
    headline: Headline,
    #[schema(format = Date)]
    closing_date: Option<String>,
    /// What to do next; `null` when there is nothing to do now, as while the deal is on hold.
    next_step: Option<BuyerStep>,
    milestones: Vec<BuyerMilestone>,
    /// Dates to know.
    dates: Vec<BuyerDate>,
    /// The buyer's own steps, in order; of a deal that is over only those that were done.
    tasks: Vec<BuyerStep>,
    /// Whom to call.
    contacts: Vec<BuyerContact>,
    /// A warning about fraud.
    notice: &'static str,
}

/// How it goes, in one sentence.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Headline {
    /// PREPARING, ON_TRACK, LATE, PAUSED, CLOSED or CANCELLED.
    state: &'static str,
    text: String,
}

/// A stage on the way to closing.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuyerMilestone {
    id: Uuid,
    title: String,
    /// DONE, CURRENT or UPCOMING; none is CURRENT once the deal is over.
    state: &'static str,
    /// The day it was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Date)]
    completed_on: Option<String>,
    text: String,
}

/// A date to know.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BuyerDate {
    key: String,
    title: String,
    #[schema(format = Date)]
    date: Option<String>,
    text: String,
}

/// Something for the buyer to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuyerStep {
    task_id: Uuid,
    title: String,
    /// DONE, TO_DO, LATE or LATER.
    state: &'static str,
    #[schema(format = Date)]
    due_date: Option<String>,
    text: String,
}

/// Somebody to call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BuyerContact {
    name: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

pub(crate) async fn run(tx: &Tx, deal_id: Uuid) -> Result<BuyerTimeline> {
    let seen = deals::get(tx, deal_id).await?;
    let milestones = views::milestones(tx, deal_id).await?;
    let tasks = views::tasks(tx, deal_id).await?;
    let dates = views::buyer_key_dates(tx, deal_id).await?;
    let parties = parties::all(tx, deal_id).await?;
    let closing_state = views::key_date_state(tx, deal_id, CLOSING_DATE).await?;
    let zone = Zone::parse(&seen.deal.time_zone).context("a deal's time zone")?;
    let today = zone.local_date(tx.now());
    let closing = closing(seen.deal.closing_date, closing_state.as_deref(), today);
    let subject = Subject::of(seen.view, tx.actor().user_id, &parties);
    let steps: Vec<BuyerStep> = tasks
        .iter()
        .filter(|task| subject.owns(task))
        .filter_map(|task| step(seen.deal.status, task, &tasks))
        .collect();
    let next_step = steps
        .iter()
        .filter(|step| matches!(step.state, "LATE" | "TO_DO"))
        .min_by(|one, other| due_order(one).cmp(&due_order(other)))
        .cloned();
    Ok(BuyerTimeline {
        deal_id,
        property_address: PropertyAddress::of(&seen.deal.address),
        headline: headline(&seen.deal, &tasks, &steps, closing),
        closing_date: seen.deal.closing_date.map(date_text),
        next_step,
        milestones: stages(seen.deal.status, &zone, &milestones, &tasks),
        dates: dates
            .iter()
            .filter_map(|key_date| date(seen.deal.status, key_date, today))
            .collect(),
        tasks: steps,
        contacts: parties.iter().filter_map(contact).collect(),
        notice: NOTICE,
    })
}

/// Whose timeline it is: the client's who reads it, or the deal's clients' when staff reads what they see.
struct Subject {
    users: HashSet<Uuid>,
    roles: HashSet<&'static str>,
}

impl Subject {
    fn of(view: DealView, viewer: Uuid, parties: &[Party]) -> Self {
        let own: Vec<&Party> = match view {
            DealView::Client => parties
                .iter()
                .filter(|party| party.user_id == Some(viewer))
                .collect(),
            DealView::Staff => parties
                .iter()
                .filter(|party| is_client(party.role))
                .collect(),
        };
        let mut users: HashSet<Uuid> = own.iter().filter_map(|party| party.user_id).collect();
        if view == DealView::Client {
            users.insert(viewer);
        }
        Self {
            users,
            roles: own.iter().map(|party| party.role.as_str()).collect(),
        }
    }

    /// Assigned to them, or theirs by its part and not assigned to anybody yet.
    fn owns(&self, task: &TaskView) -> bool {
        match task.assignee_id {
            Some(assignee) => self.users.contains(&assignee),
            None => {
                task.buyer_visible
                    && task
                        .owner_role
                        .as_deref()
                        .is_some_and(|role| self.roles.contains(role))
            }
        }
    }
}

fn is_client(role: PartyRole) -> bool {
    matches!(
        role,
        PartyRole::Buyer | PartyRole::Seller | PartyRole::Borrower | PartyRole::Client
    )
}

/// How far the closing is on this day.
enum Closing {
    NotSet,
    /// Today or later.
    Ahead(Date),
    Done(Date),
    /// Its day has passed, and nobody has recorded that it took place.
    Passed(Date),
}

/// `state` is the closing date's among the key dates, which say whether the work that was due on it is done.
fn closing(closing_date: Option<Date>, state: Option<&str>, today: Date) -> Closing {
    match closing_date {
        None => Closing::NotSet,
        Some(date) if state == Some(KeyDateState::Satisfied.as_str()) => Closing::Done(date),
        Some(date) if date < today => Closing::Passed(date),
        Some(date) => Closing::Ahead(date),
    }
}

fn headline(deal: &Deal, tasks: &[TaskView], steps: &[BuyerStep], closing: Closing) -> Headline {
    let (state, text) = match deal.status {
        DealStatus::Draft => (
            "PREPARING",
            "We are preparing your file. Nothing to do for now.".to_owned(),
        ),
        DealStatus::OnHold => (
            "PAUSED",
            "Everything is paused for the moment. Nothing to do until it goes on.".to_owned(),
        ),
        DealStatus::Closed => ("CLOSED", "It is done. Congratulations!".to_owned()),
        DealStatus::Cancelled => ("CANCELLED", "This transaction was cancelled.".to_owned()),
        DealStatus::Active => active_headline(tasks, steps, closing),
    };
    Headline { state, text }
}

fn active_headline(
    tasks: &[TaskView],
    steps: &[BuyerStep],
    closing: Closing,
) -> (&'static str, String) {
    let has_passed = matches!(closing, Closing::Passed(_));
    let closing = match closing {
        Closing::NotSet => "The closing date is not set yet.".to_owned(),
        Closing::Ahead(date) => format!("Closing is planned for {}.", long_date(date)),
        Closing::Done(date) => {
            format!(
                "Closing was on {}. The last steps are under way.",
                long_date(date)
            )
        }
        Closing::Passed(date) => format!(
            "Closing was planned for {} and is not recorded as done yet. We are on it.",
            long_date(date)
        ),
    };
    if steps.iter().any(|step| step.state == "LATE") {
        return ("LATE", format!("One of your steps is late. {closing}"));
    }
    let late = tasks
        .iter()
        .find(|task| task.buyer_visible && task.status == TaskStatus::Overdue);
    match late {
        Some(late) => (
            "LATE",
            format!(
                "\"{}\" is taking longer than planned, and we are on it. {closing}",
                late.title
            ),
        ),
        None if has_passed => ("LATE", closing),
        None => ("ON_TRACK", format!("Everything is on track. {closing}")),
    }
}

fn stages(
    status: DealStatus,
    zone: &Zone,
    milestones: &[MilestoneView],
    tasks: &[TaskView],
) -> Vec<BuyerMilestone> {
    milestones
        .iter()
        .zip(milestone_states(milestones, tasks))
        .map(|(milestone, state)| {
            // Nothing goes on in a deal that is over.
            let state = match state {
                MilestoneState::Current if status.is_terminal() => MilestoneState::Upcoming,
                state => state,
            };
            let completed_on = milestone
                .completed_at
                .filter(|_| state == MilestoneState::Done)
                .map(|at| zone.local_date(at));
            BuyerMilestone {
                id: milestone.id,
                title: milestone
                    .buyer_title
                    .clone()
                    .unwrap_or_else(|| milestone.title.clone()),
                state: state.as_str(),
                completed_on: completed_on.map(date_text),
                text: match (state, completed_on) {
                    (MilestoneState::Done, Some(date)) => format!("Done on {}.", long_date(date)),
                    (MilestoneState::Done, None) => "Done.".to_owned(),
                    (MilestoneState::Current | MilestoneState::Upcoming, _) => {
                        open_stage_text(status, state).to_owned()
                    }
                },
            }
        })
        .collect()
}

const fn open_stage_text(status: DealStatus, state: MilestoneState) -> &'static str {
    match (status, state) {
        (DealStatus::Closed | DealStatus::Cancelled, _) => "No longer needed.",
        (DealStatus::OnHold, MilestoneState::Current) => "Paused for the moment.",
        (_, MilestoneState::Current) => "Happening now.",
        (_, MilestoneState::Done | MilestoneState::Upcoming) => "Comes later.",
    }
}

/// A step by the deal's status: it is to be done only while the deal is active, and an open step of a deal that is over
/// is left out.
fn step(status: DealStatus, task: &TaskView, tasks: &[TaskView]) -> Option<BuyerStep> {
    let (state, text) = match (task.status, status) {
        (TaskStatus::Completed, _) => match task.completed_on {
            Some(date) => ("DONE", format!("Done on {}.", long_date(date))),
            None => ("DONE", "Done.".to_owned()),
        },
        (TaskStatus::Waived, _) => ("DONE", "Not needed.".to_owned()),
        (_, DealStatus::Closed | DealStatus::Cancelled) => return None,
        (_, DealStatus::Draft | DealStatus::OnHold) => {
            ("LATER", "Nothing to do for now.".to_owned())
        }
        (_, DealStatus::Active) => open_step(task, tasks),
    };
    Some(BuyerStep {
        task_id: task.id,
        title: task.title.clone(),
        state,
        due_date: task.due_date.map(date_text),
        text,
    })
}

fn open_step(task: &TaskView, tasks: &[TaskView]) -> (&'static str, String) {
    let waits = tasks
        .iter()
        .any(|before| task.depends_on.contains(&before.id) && !before.status.is_done());
    let by = task.due_date.map(long_date);
    if waits {
        return (
            "LATER",
            "Nothing to do yet. Something else has to be done first.".to_owned(),
        );
    }
    if task.status == TaskStatus::Overdue {
        let text = by.map_or_else(
            || "Please do this now.".to_owned(),
            |by| format!("This was due on {by}. Please do it now."),
        );
        return ("LATE", text);
    }
    let text = by.map_or_else(
        || "Please do this.".to_owned(),
        |by| format!("Please do this by {by}."),
    );
    ("TO_DO", text)
}

/// Late steps first, then by date; those without a date last.
fn due_order(step: &BuyerStep) -> (bool, bool, Option<&str>) {
    (
        step.state != "LATE",
        step.due_date.is_none(),
        step.due_date.as_deref(),
    )
}

/// A date that is still to come is left out once the deal is cancelled: it will not come.
fn date(status: DealStatus, key_date: &KeyDateView, today: Date) -> Option<BuyerDate> {
    let text = match (key_date.state.as_str(), key_date.date) {
        ("WAIVED" | "NOT_APPLICABLE", _) => "Not needed.".to_owned(),
        ("SATISFIED", _) => "Done.".to_owned(),
        _ if status == DealStatus::Cancelled => return None,
        (_, None) => "Not set yet.".to_owned(),
        ("PROJECTED", Some(date)) if date < today => {
            format!("Was expected on {}.", long_date(date))
        }
        ("PROJECTED", Some(date)) => format!("Expected on {}.", long_date(date)),
        (_, Some(date)) if date < today => format!("Was planned for {}.", long_date(date)),
        (_, Some(date)) => format!("{}.", long_date(date)),
    };
    Some(BuyerDate {
        key: key_date.key.clone(),
        title: key_date.title.clone(),
        date: key_date.date.map(date_text),
        text,
    })
}

fn contact(party: &Party) -> Option<BuyerContact> {
    party.buyer_contact.then(|| BuyerContact {
        name: party.name.clone(),
        role: words::title(party.role.as_str()),
        company: party.company.clone(),
        phone: party.phone.clone(),
        email: party.email.clone(),
    })
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_closing_day_that_has_passed_is_not_planned_any_more() {
        let today = date!(2026 - 03 - 10);
        let planned = "Everything is on track. Closing is planned for Tuesday, March 10, 2026.";
        let cases = [
            (Some(today), None, "ON_TRACK", planned, "on the day itself"),
            (
                Some(date!(2026 - 03 - 09)),
                Some("MISSED"),
                "LATE",
                "Closing was planned for Monday, March 9, 2026 and is not recorded as done yet. We are on it.",
                "a day later",
            ),
            (
                Some(date!(2026 - 03 - 09)),
                Some("SATISFIED"),
                "ON_TRACK",
                "Everything is on track. Closing was on Monday, March 9, 2026. The last steps are under way.",
                "it took place",
            ),
            (
                None,
                None,
                "ON_TRACK",
                "Everything is on track. The closing date is not set yet.",
                "no date",
            ),
        ];
        for (closing_date, state, expected, text, why) in cases {
            let closing = closing(closing_date, state, today);
            let headline = active_headline(&[], &[], closing);
            assert_eq!(headline, (expected, text.to_owned()), "{why}");
        }
    }

    #[test]
    fn a_date_that_has_passed_is_written_in_the_past() {
        let text = |state: &str, day: Date| {
            let key_date = KeyDateView {
                key: "closing_date".to_owned(),
                title: "Closing".to_owned(),
                date: Some(day),
                state: state.to_owned(),
            };
            date(DealStatus::Active, &key_date, date!(2026 - 03 - 10)).map(|date| date.text)
        };
        let (yesterday, tomorrow) = (date!(2026 - 03 - 09), date!(2026 - 03 - 11));
        for (state, day, expected) in [
            ("SCHEDULED", tomorrow, "Wednesday, March 11, 2026."),
            (
                "SCHEDULED",
                yesterday,
                "Was planned for Monday, March 9, 2026.",
            ),
            (
                "PROJECTED",
                tomorrow,
                "Expected on Wednesday, March 11, 2026.",
            ),
            (
                "PROJECTED",
                yesterday,
                "Was expected on Monday, March 9, 2026.",
            ),
            ("SATISFIED", yesterday, "Done."),
        ] {
            assert_eq!(text(state, day).as_deref(), Some(expected), "{state}");
        }
    }
}
