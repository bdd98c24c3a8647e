//! Deal templates: what a plan is made of, and reading it from YAML.
//!
//! [`parse`] either understands all of a template or refuses it with every mistake and its line: no field is ignored.
//! What the dates come to for one deal is the business of [`crate::cascade`].

mod bounds;
mod check;
mod facts;
mod fields;
mod parse;
mod parts;
#[cfg(test)]
pub(crate) mod shipped;
#[cfg(test)]
mod tests;
mod vocabulary;
mod yaml;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use time::Time;

use crate::{
    dates::Counting,
    deal::DealType,
    party::PartyRole,
    plan::{Graph, Lag},
};

use self::facts::Vocabulary;
pub use self::{
    bounds::{ITEMS_MAX, SOURCE_BYTES_MAX},
    facts::{Condition, FactKind, FactRule, FactValue, Facts, Operator, UnknownWord},
    fields::{Instance, Series, TaskEmail, TaskFields},
    parse::{parse, parse_with},
    vocabulary::{CountingProfile, EmailDraft, EmailTemplate, ResoTransactionType, Side},
};
/// One mistake in a template, with its line.
pub use crate::rejection::LineError as TemplateError;

/// The `schema` that this version reads.
pub const SCHEMA: &str = "haushavn.template/v1";
/// A plan for one kind of deal. All names in it are known to exist and nothing in it waits for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The template's stable name.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// The kind of transaction it is for.
    pub deal_type: DealType,
    /// Whom the organization works for.
    pub side: Side,
    /// The RESO Data Dictionary's word for the transaction.
    pub reso_transaction_type: Option<ResoTransactionType>,
    /// The day-counting habits that the offsets assume: the calendars of rules and closings that name none.
    pub counting_profile: CountingProfile,
    /// The part of the client, to whom `buyer_*` and `client_*` refer. It sees its own tasks.
    pub client_role: PartyRole,
    /// Every part that plays a role in it.
    pub roles: Vec<PartyRole>,
    /// Those of the organization itself: only they chase others and review documents.
    pub internal_roles: Vec<PartyRole>,
    /// The facts whose words it declares.
    pub facts: Vec<FactRule>,
    /// The dates that people enter.
    pub anchors: Vec<Anchor>,
    /// The dates that follow by rules.
    pub dates: Vec<DateRule>,
    /// What the dates should satisfy.
    pub constraints: Vec<Constraint>,
    /// The stages, in their order.
    pub milestones: Vec<Milestone>,
    /// The work.
    pub tasks: Vec<TaskRule>,
}

/// A date that people enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Whether the deal cannot become active without it.
    pub required: bool,
    /// Whether it may be cleared while the deal runs, as when an accepted offer falls through.
    pub revocable: bool,
    /// The RESO Data Dictionary's name for it.
    pub reso: Option<String>,
    /// The calendar by which it should be a business day, so that money moves and papers are recorded.
    pub needs_business_day: Option<String>,
}

/// A date that follows by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateRule {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Whether the contract sets it.
    pub contractual: bool,
    /// Whether a regulation sets it: then it is counted on the safe side, and a day set by hand is measured by it.
    pub regulatory: bool,
    /// Whether the client sees it.
    pub buyer_visible: bool,
    /// The time of day at which it ends, if not at the end of the day.
    pub time_of_day: Option<Time>,
    /// How it follows.
    pub due: Rule,
    /// How it follows when the first rule's anchor is dropped or TBD.
    pub fallback_due: Option<Rule>,
    /// When it applies: all of these hold.
    pub applies_when: Vec<Condition>,
    /// The calendar by which it should be a business day.
    pub needs_business_day: Option<String>,
}

/// How a date follows from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is counted from.
    pub anchor: RuleAnchor,
    /// How it is counted, and rolled.
    pub counting: Counting,
}

/// The rule in a few words: `3 business days after effective_date (federal), rolled to the next business day`.
impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let anchor = match &self.anchor {
            RuleAnchor::KeyDate(key) => Cow::Borrowed(key.as_str()),
            RuleAnchor::Completion(key) => Cow::Owned(format!("the completion of {key}")),
        };
        formatter.write_str(&self.counting.describe(&anchor))
    }
}

/// What a rule counts from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleAnchor {
    /// A key date, by its value after its own roll.
    KeyDate(String),
    /// The completion of a task: its true date, or until then the date on which it is due.
    Completion(String),
}

impl RuleAnchor {
    /// The key of the date or of the task.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::KeyDate(key) | Self::Completion(key) => key,
        }
    }
}

/// How bad a violated constraint is. Neither kind ever refuses a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody should look at it.
    Warning,
    /// Somebody must acknowledge it.
    Error,
}

impl Severity {
    /// As sent: `WARNING` or `ERROR`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

/// A relation that two dates should have: `after` comes at least so many days after `before`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// Its key.
    pub key: String,
    /// How bad a violation is.
    pub severity: Severity,
    /// The key of the date that comes first.
    pub before: String,
    /// The key of the date that comes later.
    pub after: String,
    /// The least number of calendar days between them.
    pub min_days: i32,
}

/// A stage of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// Its key.
    pub key: String,
    /// Its place.
    pub order: u32,
    /// Its title.
    pub title: String,
    /// Its title for the client, in plain words.
    pub client_title: Option<String>,
}

/// The kind of work a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TaskKind {
    Acknowledgement,
    Communication,
    Confirm,
    Data,
    Decision,
    Do,
    Document,
    Notice,
    Payment,
    Review,
    Schedule,
    Wait,
}

impl TaskKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Acknowledgement,
        Self::Communication,
        Self::Confirm,
        Self::Data,
        Self::Decision,
        Self::Do,
        Self::Document,
        Self::Notice,
        Self::Payment,
        Self::Review,
        Self::Schedule,
        Self::Wait,
    ];

    /// As the template writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledgement => "acknowledgement",
            Self::Communication => "communication",
            Self::Confirm => "confirm",
            Self::Data => "data",
            Self::Decision => "decision",
            Self::Do => "do",
            Self::Document => "document",
            Self::Notice => "notice",
            Self::Payment => "payment",
            Self::Review => "review",
            Self::Schedule => "schedule",
            Self::Wait => "wait",
        }
    }
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRule {
    /// Its key.
    pub key: String,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// The key of its milestone.
    pub milestone: String,
    /// The part that owns it.
    pub role: PartyRole,
    /// The part that chases an outside owner, and gets the task's reminders.
    pub chased_by: Option<PartyRole>,
    /// The kind of work.
    pub kind: TaskKind,
    /// Whether only a licensed person may do it.
    pub licensed_only: bool,
    /// Whether the client sees it.
    pub buyer_visible: bool,
    /// Whether the deal depends on it.
    pub critical: bool,
    /// Whether the deal cannot be closed without it.
    pub required: bool,
    /// The keys of the tasks it waits for.
    pub depends_on: Vec<String>,
    /// Waiting times after some of those. They warn, they do not refuse.
    pub lags: Vec<Lag<String>>,
    /// The key of a date before which it should not start. It warns, it does not refuse.
    pub not_before: Option<String>,
    /// When it is due.
    pub due: Rule,
    /// When it is due if the first rule's anchor is dropped or TBD.
    pub fallback_due: Option<Rule>,
    /// The time of day at which it is due, if not at the end of the day.
    pub time_of_day: Option<Time>,
    /// Calendar days from being free to being done.
    pub est_days: u32,
    /// When it applies: all of these hold.
    pub applies_when: Vec<Condition>,
    /// The document that it needs.
    pub document: Option<DocumentRule>,
    /// How it repeats.
    pub recurrence: Option<Recurrence>,
    /// The key of the anchor whose date, once set, makes the task pointless.
    pub cancel_when_set: Option<String>,
    /// The key of the anchor whose date its completion fixes: until then that date is an estimate.
    pub sets_anchor: Option<String>,
    /// The e-mail that goes with it.
    pub email_template: Option<EmailTemplate>,
}

/// The document that a task needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRule {
    /// Its type.
    pub kind: String,
    /// Whether the task should not be completed without it.
    pub required: bool,
    /// Who reviews it.
    pub review: Option<PartyRole>,
}

/// How a task repeats: when one instance is done the next is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// Days from one due date to the next.
    pub every_days: u32,
    /// The key of the date with which it ends: no instance is due on or after it.
    pub until: String,
}

impl Template {
    /// The anchor of this key.
    #[must_use]
    pub fn anchor(&self, key: &str) -> Option<&Anchor> {
        self.anchors.iter().find(|anchor| anchor.key == key)
    }

    /// The date rule of this key.
    #[must_use]
    pub fn date(&self, key: &str) -> Option<&DateRule> {
        self.dates.iter().find(|date| date.key == key)
    }

    /// The task of this key.
    #[must_use]
    pub fn task(&self, key: &str) -> Option<&TaskRule> {
        self.tasks.iter().find(|task| task.key == key)
    }

    /// The keys of the anchors without which a deal cannot become active.
    pub fn required_anchors(&self) -> impl Iterator<Item = &str> {
        self.anchors
            .iter()
            .filter(|anchor| anchor.required)
            .map(|anchor| anchor.key.as_str())
    }

    /// What waits for what among all tasks, before any is dropped.
    #[must_use]
    pub fn graph(&self) -> Graph<String> {
        self.tasks
            .iter()
            .map(|task| (task.key.clone(), task.depends_on.clone()))
            .collect()
    }

    /// What is counted from what, among its dates and the due dates of its tasks.
    #[must_use]
    pub fn counting_graph(&self) -> Graph<RuleAnchor> {
        counting_graph(self.dates.iter(), self.tasks.iter())
    }

    /// The names of the facts that it asks for.
    #[must_use]
    pub fn fact_names(&self) -> BTreeSet<&str> {
        self.fact_kinds().into_keys().collect()
    }

    /// The sorts of value that it has for each fact.
    #[must_use]
    pub fn fact_kinds(&self) -> BTreeMap<&str, BTreeSet<FactKind>> {
        let mut kinds: BTreeMap<&str, BTreeSet<FactKind>> = BTreeMap::new();
        for condition in self.conditions() {
            let of_fact = kinds.entry(condition.field.as_str()).or_default();
            of_fact.insert(condition.value.kind());
        }
        for fact in &self.facts {
            let of_fact = kinds.entry(fact.key.as_str()).or_default();
            of_fact.insert(FactKind::Text);
        }
        kinds
    }

    /// The facts with their words as the template writes them.
    #[must_use]
    pub fn spelled(&self, facts: &Facts) -> Facts {
        self.vocabulary().spell(facts)
    }

    /// The words among the facts that the template does not know.
    #[must_use]
    pub fn unknown_words(&self, facts: &Facts) -> Vec<UnknownWord> {
        self.vocabulary().unknown(facts)
    }

    fn vocabulary(&self) -> Vocabulary<'_> {
        Vocabulary::of(self.facts.iter(), self.conditions())
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let of_dates = self.dates.iter().flat_map(|date| &date.applies_when);
        let of_tasks = self.tasks.iter().flat_map(|task| &task.applies_when);
        of_dates.chain(of_tasks)
    }
}

fn counting_graph<'a>(
    dates: impl Iterator<Item = &'a DateRule>,
    tasks: impl Iterator<Item = &'a TaskRule>,
) -> Graph<RuleAnchor> {
    let anchors = |due: &Rule, fallback: Option<&Rule>| {
        std::iter::once(due)
            .chain(fallback)
            .map(|rule| rule.anchor.clone())
            .collect::<Vec<_>>()
    };
    let of_dates = dates.map(|date| {
        (
            RuleAnchor::KeyDate(date.key.clone()),
            anchors(&date.due, date.fallback_due.as_ref()),
        )
    });
    let of_tasks = tasks.map(|task| {
        (
            RuleAnchor::Completion(task.key.clone()),
            anchors(&task.due, task.fallback_due.as_ref()),
        )
    });
    of_dates.chain(of_tasks).collect()
}
