//! The occasions on which people get a notice, and its words.

use std::sync::LazyLock;

use anyhow::Context as _;
use minijinja::{Environment, Value, context, syntax::SyntaxConfig};
use platform::error::Result;
use serde::{Deserialize, Serialize};
use time::{
    Date,
    format_description::{BorrowedFormatItem, well_known::Iso8601},
    macros::format_description,
};
use utoipa::ToSchema;
use uuid::Uuid;

/// Declares the kinds, each with its spelling and template.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal from $template:literal,)+) => {
        /// An occasion on which people get a notice.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum NoticeKind {
            $($(#[$doc])* $kind,)+
        }

        impl NoticeKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The kind as it is stored and sent.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $text,)+
                }
            }
        }

        const TEMPLATES: &[(&str, &str)] = &[$(($text, include_str!(concat!("../templates/", $template))),)+];
    };
}

kinds! {
    /// A task is due in three days, or in one.
    TaskDueSoon = "TASK_DUE_SOON" from "task_due_soon.txt",
    /// A task has passed its due instant.
    TaskOverdue = "TASK_OVERDUE" from "task_overdue.txt",
    /// A task has been overdue for three days.
    TaskEscalated = "TASK_ESCALATED" from "task_escalated.txt",
    /// The day has come on which to ask again for a task of somebody else.
    TaskFollowUp = "TASK_FOLLOW_UP" from "task_follow_up.txt",
    /// Every task of a milestone is done.
    MilestoneReached = "MILESTONE_REACHED" from "milestone_reached.txt",
    /// Every task of a deal is done.
    DealReadyToClose = "DEAL_READY_TO_CLOSE" from "deal_ready_to_close.txt",
    /// A deal's template gave no plan.
    PlanFailed = "PLAN_FAILED" from "plan_failed.txt",
    /// Tasks came to somebody through their part in a deal.
    PlanReady = "PLAN_READY" from "plan_ready.txt",
    /// Somebody was given a task by another.
    TaskAssigned = "TASK_ASSIGNED" from "task_assigned.txt",
    /// What somebody's task waited for was done by another.
    TaskUnlocked = "TASK_UNLOCKED" from "task_unlocked.txt",
    /// Tasks have nobody any more, for their assignee no longer takes part.
    TasksUnassigned = "TASKS_UNASSIGNED" from "tasks_unassigned.txt",
    /// Somebody is asked to join an organization.
    Invitation = "INVITATION" from "invitation.txt",
    /// Somebody forgot their password.
    PasswordReset = "PASSWORD_RESET" from "password_reset.txt",
    /// The first administrator of an organization is to show that mail arrives.
    EmailVerification = "EMAIL_VERIFICATION" from "email_verification.txt",
}

/// What a notice is about. Nothing confidential, and never a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NoticeParams {
    /// The task's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_title: Option<String>,
    /// When the task is due, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<String>,
    /// The milestone's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone_title: Option<String>,
    /// What the milestone is called for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone_buyer_title: Option<String>,
    /// The deal's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal_name: Option<String>,
    /// Why something failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the task waits for others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_blocked: bool,
    /// How many tasks it is about, where about several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_count: Option<u32>,
    /// Titles of the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub task_titles: Vec<String>,
    /// The user whose tasks they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
    /// That user's name, found when the notice is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_name: Option<String>,
    /// The organization's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_name: Option<String>,
    /// Of an invitation: the address is an account already, so it cannot be accepted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_account: bool,
}

/// The words of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub title: String,
    /// A few sentences, paragraphs parted by empty lines.
    pub body: String,
}

impl NoticeParams {
    /// In the words that are meant for clients.
    #[must_use]
    pub fn for_client(&self) -> Self {
        let mut params = self.clone();
        params.milestone_title = params
            .milestone_buyer_title
            .take()
            .or(params.milestone_title);
        params
    }
}

impl NoticeKind {
    /// Reads a stored or sent kind.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// Whether it is shown in people's lists and may be turned off. Invitations, resets and confirmations are mail
    /// alone.
    pub const fn is_optional(self) -> bool {
        !matches!(
            self,
            Self::Invitation | Self::PasswordReset | Self::EmailVerification
        )
    }

    /// The words for it.
    pub fn words(self, params: &NoticeParams) -> Result<Words> {
        let render = || {
            let template = WORDS.get_template(self.as_str())?;
            let mut rendered = template.render_captured(filling(params))?;
            rendered.with_state_mut(|state| {
                Ok::<_, minijinja::Error>(Words {
                    title: state
                        .render_block("title")?
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" "),
                    body: state.render_block("body")?.trim().to_owned(),
                })
            })
        };
        Ok(render().with_context(|| format!("write a notice of kind {}", self.as_str()))?)
    }
}

/// Dates as people write them, in full: `Monday, March 2, 2026`.
const IN_FULL: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday], [month repr:long] [day padding:none], [year]");
/// In a line that has little room: `Mon, Mar 2`.
const IN_SHORT: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [month repr:short] [day padding:none]");

/// A date of the API in words; what is no such date stays as it is.
fn in_words(date: &str, format: &[BorrowedFormatItem<'_>]) -> String {
    Date::parse(date, &Iso8601::DATE)
        .ok()
        .and_then(|date| date.format(format).ok())
        .unwrap_or_else(|| date.to_owned())
}

/// What templates are filled with, under the names that the API uses.
fn filling(params: &NoticeParams) -> Value {
    let params = params.clone();
    context! {
        taskTitle => params.task_title,
        dueDay => params.due_date.as_deref().map(|date| in_words(date, IN_SHORT)),
        dueDate => params.due_date.as_deref().map(|date| in_words(date, IN_FULL)),
        milestoneTitle => params.milestone_title,
        dealName => params.deal_name,
        reason => params.reason,
        isBlocked => params.is_blocked,
        taskCount => params.task_count,
        taskTitles => params.task_titles,
        personName => params.person_name,
        organizationName => params.organization_name,
        hasAccount => params.has_account,
    }
}

/// Plain text: nothing is escaped here.
static WORDS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    for (name, source) in TEMPLATES {
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(%error, name, "a built-in template does not parse");
        }
    }
    environment
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_words_with_and_without_what_it_is_about() {
        let full = NoticeParams {
            task_title: Some("Order the inspection".to_owned()),
            due_date: Some("2026-03-02".to_owned()),
            milestone_title: Some("Inspection".to_owned()),
            milestone_buyer_title: None,
            deal_name: Some("12 Harbour Lane".to_owned()),
            reason: Some("the closing date is missing".to_owned()),
            is_blocked: true,
            task_count: Some(2),
            task_titles: vec![
                "Order the inspection".to_owned(),
                "Sign the disclosures".to_owned(),
            ],
            person_id: Some(Uuid::from_u128(7)),
            person_name: Some("Some Agent".to_owned()),
            organization_name: Some("Harbour & Sons".to_owned()),
            has_account: false,
        };
        for kind in NoticeKind::ALL {
            for params in [
                &full,
                &NoticeParams::default(),
                &NoticeParams {
                    has_account: true,
                    ..full.clone()
                },
            ] {
                let words = kind.words(params).unwrap();
                assert!(
                    !words.title.is_empty() && !words.title.contains('\n'),
                    "{kind:?}: {words:?}"
                );
                assert!(words.body.ends_with('.'), "{kind:?}: {words:?}");
                assert!(!words.body.contains("  "), "{kind:?}: {words:?}");
            }
            assert_eq!(NoticeKind::parse(kind.as_str()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn a_reminder_names_task_date_and_deal() {
        let params = NoticeParams {
            task_title: Some("Order the inspection".to_owned()),
            due_date: Some("2026-03-02".to_owned()),
            deal_name: Some("12 Harbour Lane".to_owned()),
            ..NoticeParams::default()
        };
        let words = NoticeKind::TaskDueSoon.words(&params).unwrap();
        assert_eq!(words.title, "Due Mon, Mar 2: Order the inspection");
        assert_eq!(
            words.body,
            "\"Order the inspection\" (12 Harbour Lane) is due on Monday, March 2, 2026."
        );
    }

    #[test]
    fn a_client_is_told_of_a_milestone_in_the_words_for_clients() {
        let params = NoticeParams {
            milestone_title: Some("File opened".to_owned()),
            milestone_buyer_title: Some("Offer accepted".to_owned()),
            ..NoticeParams::default()
        };
        let words = |params: &NoticeParams| NoticeKind::MilestoneReached.words(params).unwrap();
        assert!(words(&params).title.contains("File opened"));
        let to_client = words(&params.for_client());
        assert!(to_client.title.contains("Offer accepted"), "{to_client:?}");
        assert!(!format!("{to_client:?}").contains("File opened"));
    }

    #[test]
    fn no_notice_has_a_date_as_machines_write_it() {
        let params = NoticeParams {
            due_date: Some("2026-03-02".to_owned()),
            ..NoticeParams::default()
        };
        for kind in NoticeKind::ALL {
            let Words { title, body } = kind.words(&params).unwrap();
            assert!(!format!("{title} {body}").contains("2026-03"), "{kind:?}");
        }
        assert_eq!(in_words("soon", IN_FULL), "soon");
    }

    #[test]
    fn tasks_of_a_plan_are_counted_and_those_to_start_with_named() {
        let words = |count, titles: &[&str]| {
            let params = NoticeParams {
                task_count: Some(count),
                task_titles: titles.iter().map(|title| (*title).to_owned()).collect(),
                deal_name: Some("12 Harbour Lane".to_owned()),
                ..NoticeParams::default()
            };
            NoticeKind::PlanReady.words(&params).unwrap()
        };
        let several = words(7, &["Sign the disclosures", "Pay the deposit"]);
        assert_eq!(several.title, "Your tasks in 12 Harbour Lane");
        assert_eq!(
            several.body,
            "You have 7 tasks in 12 Harbour Lane. You can start with: Sign the disclosures; Pay the deposit."
        );
        assert_eq!(
            words(1, &[]).body,
            "You have 1 task in 12 Harbour Lane. You will hear when there is something to start with."
        );
    }
}
