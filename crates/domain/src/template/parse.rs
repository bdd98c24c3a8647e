//! From YAML to a [`Template`], or to every mistake in it.

use std::collections::BTreeSet;

use saphyr::MarkedYaml;

use super::{
    Anchor, Constraint, CountingProfile, DateRule, EmailTemplate, FactRule, ITEMS_MAX, Milestone,
    ResoTransactionType, SCHEMA, Severity, Side, TaskKind, TaskRule, Template, TemplateError,
    check,
    parts::Target,
    yaml::{Fields, Flag, Mistakes, as_list, as_text, line_of, load},
};
use crate::{calendar::Calendars, dates::OFFSET_DAYS_MAX, deal::DealType, party::PartyRole};

/// Reads a template that names only the built-in calendars.
///
/// # Errors
/// Every mistake found, by line: bad YAML, unknown or missing fields, names that do not exist, cycles, tasks that can
/// never start or apply.
pub fn parse(source: &str) -> Result<Template, Vec<TemplateError>> {
    parse_with(source, &Calendars::standard())
}

/// Reads a template that may name any of these calendars.
///
/// # Errors
/// As [`parse`].
pub fn parse_with(source: &str, calendars: &Calendars) -> Result<Template, Vec<TemplateError>> {
    read(source, calendars).0
}

/// Reads a template, and says in how many steps: they grow no faster than the source.
pub(super) fn read(
    source: &str,
    calendars: &Calendars,
) -> (Result<Template, Vec<TemplateError>>, usize) {
    let (document, nodes) = match load(source) {
        Ok(loaded) => loaded,
        Err(error) => return (Err(vec![error]), source.len()),
    };
    let mut mistakes = Mistakes::after(source.len() + nodes);
    let template = Fields::of(&document, "the template", &mut mistakes).and_then(|fields| {
        let mut reader = Reader::new(&document, calendars, &mut mistakes);
        reader.template(fields)
    });
    let steps = mistakes.steps;
    let read = match template {
        Some(template) if mistakes.is_empty() => Ok(template),
        _ => Err(mistakes.into_sorted()),
    };
    (read, steps)
}

/// The RESO Data Dictionary's name of the day on which a deal is closed.
const RESO_CLOSE_DATE: &str = "CloseDate";

pub(super) struct Reader<'m> {
    pub(super) calendars: &'m Calendars,
    pub(super) mistakes: &'m mut Mistakes,
    /// Every name that something may refer to, gathered before anything is read.
    pub(super) anchors: BTreeSet<String>,
    pub(super) dates: BTreeSet<String>,
    pub(super) milestones: BTreeSet<String>,
    pub(super) tasks: BTreeSet<String>,
    pub(super) roles: Vec<PartyRole>,
    /// The parts of the organization itself, which chase and review.
    pub(super) internal_roles: Vec<PartyRole>,
    pub(super) client_role: Option<PartyRole>,
    pub(super) profile: CountingProfile,
    /// How many dependencies there have been.
    pub(super) dependencies: usize,
}

impl<'m> Reader<'m> {
    fn new(
        document: &MarkedYaml<'_>,
        calendars: &'m Calendars,
        mistakes: &'m mut Mistakes,
    ) -> Self {
        Self {
            calendars,
            mistakes,
            anchors: keys_of(document, "anchors"),
            dates: keys_of(document, "dates"),
            milestones: keys_of(document, "milestones"),
            tasks: keys_of(document, "tasks"),
            roles: Vec::new(),
            internal_roles: Vec::new(),
            client_role: None,
            profile: CountingProfile::UsGeneric,
            dependencies: 0,
        }
    }

    fn template(&mut self, mut fields: Fields<'_, '_>) -> Option<Template> {
        let schema_line = fields.line_of_field("schema");
        if let Some(schema) = fields.text("schema", self.mistakes)
            && schema != SCHEMA
        {
            self.mistakes
                .add(schema_line, format!("schema {schema:?} is not {SCHEMA:?}"));
        }
        let key = self.key(&mut fields);
        let name = fields.text("name", self.mistakes);
        let version = fields.integer("version", 1..=i32::MAX, self.mistakes);
        let deal_type = fields.word("deal_type", self.mistakes, |word| {
            DealType::parse(&word.to_uppercase())
        });
        let side = fields.word("side", self.mistakes, Side::parse);
        let reso_transaction_type = fields.optional_word(
            "reso_transaction_type",
            self.mistakes,
            ResoTransactionType::parse,
        );
        let profile =
            fields.optional_word("counting_profile", self.mistakes, CountingProfile::parse);
        self.profile = profile.unwrap_or(CountingProfile::UsGeneric);
        self.parts(&mut fields, side);
        let facts = self.items(&mut fields, "facts", Self::fact);
        let anchors = self.items(&mut fields, "anchors", Self::anchor);
        let dates = self.items(&mut fields, "dates", Self::date);
        let constraints = self.items(&mut fields, "constraints", Self::constraint);
        let mut milestones = self.items(&mut fields, "milestones", Self::milestone);
        let tasks = self.items(&mut fields, "tasks", Self::task);
        fields.finish(self.mistakes);
        check::keys(
            &anchors,
            &dates,
            &facts,
            &constraints,
            &milestones,
            &tasks,
            self.mistakes,
        );
        check::waiting(&dates, &tasks, self.mistakes);
        check::conditions(&dates, &tasks, self.mistakes);
        check::words(&facts, &dates, &tasks, self.mistakes);
        milestones.sort_by_key(|(_, milestone)| milestone.order);
        Some(Template {
            key: key?,
            name: name?,
            version: u32::try_from(version?).ok()?,
            deal_type: deal_type?,
            side: side?,
            reso_transaction_type,
            counting_profile: self.profile,
            client_role: self.client_role?,
            roles: std::mem::take(&mut self.roles),
            internal_roles: std::mem::take(&mut self.internal_roles),
            facts: without_lines(facts),
            anchors: without_lines(anchors),
            dates: without_lines(dates),
            constraints: without_lines(constraints),
            milestones: without_lines(milestones),
            tasks: without_lines(tasks),
        })
    }

    /// Who takes part: all parts, those of the organization, and the client.
    fn parts(&mut self, fields: &mut Fields<'_, '_>, side: Option<Side>) {
        self.roles = self.roles_in(fields, "roles");
        self.internal_roles = self.roles_in(fields, "internal_roles");
        let internal_line = fields.line_of_field("internal_roles");
        for role in &self.internal_roles {
            if !self.roles.contains(role) {
                let message = format!("internal_roles names {role}, which is not among the roles");
                self.mistakes.add(internal_line, message);
            }
        }
        let client_line = fields.line_of_field("client_role");
        let Some(client) = self.role(fields, "client_role") else {
            return;
        };
        self.client_role = Some(client);
        if self.internal_roles.contains(&client) {
            let message = format!("client_role {client} is among the internal_roles");
            self.mistakes.add(client_line, message);
        }
        if let Some(side) = side
            && client != side.part()
            && client != PartyRole::Client
        {
            let (side, part) = (side.as_str(), side.part());
            let message =
                format!("client_role of the side {side} is {part} or client, not {client}");
            self.mistakes.add(client_line, message);
        }
    }

    /// The items of a list of mappings, each with its line.
    fn items<T>(
        &mut self,
        fields: &mut Fields<'_, '_>,
        list: &'static str,
        read: impl Fn(&mut Self, &mut Fields<'_, '_>) -> Option<T>,
    ) -> Vec<(usize, T)> {
        let nodes = fields.list_of(list, ITEMS_MAX, self.mistakes);
        let mut items = Vec::with_capacity(nodes.len());
        for node in nodes {
            let Some(mut item) = Fields::of(node, &format!("an item of {list}"), self.mistakes)
            else {
                continue;
            };
            let line = item.line;
            if let Some(value) = read(self, &mut item) {
                items.push((line, value));
            }
            item.finish(self.mistakes);
        }
        items
    }

    fn anchor(&mut self, fields: &mut Fields<'_, '_>) -> Option<Anchor> {
        let key = self.named(fields, "anchor");
        let title = fields.text("title", self.mistakes);
        let required = fields.flag("required", Flag::No, self.mistakes);
        let revocable = fields.flag("revocable", Flag::No, self.mistakes);
        let reso = fields.optional_text("reso", self.mistakes);
        let needs_business_day = self.needs_business_day(fields).or_else(|| {
            let closes = reso.as_deref() == Some(RESO_CLOSE_DATE);
            closes.then(|| self.profile.closing_calendar().to_owned())
        });
        Some(Anchor {
            key: key?,
            title: title?,
            required,
            revocable,
            reso,
            needs_business_day,
        })
    }

    /// A fact with the words that the template knows for it.
    fn fact(&mut self, fields: &mut Fields<'_, '_>) -> Option<FactRule> {
        let key = self.named(fields, "fact");
        let mut values = Vec::new();
        for node in fields.list("values", self.mistakes) {
            match as_text(node).map(str::trim) {
                Some(word) if !word.is_empty() => values.push(word.to_owned()),
                _ => self
                    .mistakes
                    .add(line_of(node), "values of a fact must be words"),
            }
        }
        Some(FactRule { key: key?, values })
    }

    fn date(&mut self, fields: &mut Fields<'_, '_>) -> Option<DateRule> {
        let key = self.named(fields, "date");
        let title = fields.text("title", self.mistakes);
        let contractual = fields.flag("contractual", Flag::No, self.mistakes);
        let regulatory = fields.flag("regulatory", Flag::No, self.mistakes);
        let buyer_visible = self.buyer_visible(fields);
        let time_of_day = self.time_of_day(fields);
        let roll = self.roll(fields);
        let due = self.rule(fields, "due", roll);
        let fallback_due = self.optional_rule(fields, "fallback_due", roll);
        let applies_when = self.applies_when(fields);
        let needs_business_day = self.needs_business_day(fields);
        Some(DateRule {
            key: key?,
            title: title?,
            contractual,
            regulatory,
            buyer_visible,
            time_of_day,
            due: due?,
            fallback_due,
            applies_when,
            needs_business_day,
        })
    }

    fn constraint(&mut self, fields: &mut Fields<'_, '_>) -> Option<Constraint> {
        let key = self.named(fields, "constraint");
        let severity = fields.word("severity", self.mistakes, |word| match word {
            "error" => Some(Severity::Error),
            "warning" => Some(Severity::Warning),
            _ => None,
        });
        let node = fields.required("rule", self.mistakes)?;
        let mut rule = Fields::of(node, "the rule of a constraint", self.mistakes)?;
        let before = self.date_key(&mut rule, "before");
        let after = self.date_key(&mut rule, "after");
        let min_days = rule.integer("min_days", 0..=OFFSET_DAYS_MAX, self.mistakes);
        rule.finish(self.mistakes);
        Some(Constraint {
            key: key?,
            severity: severity?,
            before: before?,
            after: after?,
            min_days: min_days?,
        })
    }

    fn milestone(&mut self, fields: &mut Fields<'_, '_>) -> Option<Milestone> {
        let key = self.named(fields, "milestone");
        let order = fields.integer("order", 0..=1_000, self.mistakes);
        let title = fields.text("title", self.mistakes);
        let client_title = self.client_title(fields);
        let order = u32::try_from(order?).ok()?;
        Some(Milestone {
            key: key?,
            order,
            title: title?,
            client_title,
        })
    }

    fn task(&mut self, fields: &mut Fields<'_, '_>) -> Option<TaskRule> {
        let key = self.named(fields, "task");
        let title = fields.text("title", self.mistakes);
        let description = fields.optional_description("description", self.mistakes);
        let milestone = self.reference(fields, "milestone", Target::Milestone);
        let role = self.role(fields, "role");
        let chased_by = self.internal_role(fields, "chased_by");
        let kind = fields.word("kind", self.mistakes, |word| {
            TaskKind::ALL.into_iter().find(|k| k.as_str() == word)
        });
        let depends_on = self.depends_on(fields);
        let lags = self.lags(fields, &depends_on);
        let roll = self.roll(fields);
        let due = self.rule(fields, "due", roll);
        let fallback_due = self.optional_rule(fields, "fallback_due", roll);
        let est_days = fields.integer("est_days", 0..=OFFSET_DAYS_MAX, self.mistakes);
        Some(TaskRule {
            chased_by,
            licensed_only: fields.flag("licensed_only", Flag::No, self.mistakes),
            buyer_visible: self.task_is_visible(fields, role),
            critical: fields.flag("critical", Flag::No, self.mistakes),
            required: fields.flag("required", Flag::Yes, self.mistakes),
            not_before: self.optional_reference(fields, "not_before", Target::Date),
            time_of_day: self.time_of_day(fields),
            applies_when: self.applies_when(fields),
            document: self.document(fields),
            recurrence: self.recurrence(fields),
            cancel_when_set: self.cancel_when(fields),
            sets_anchor: self.optional_reference(fields, "sets_anchor", Target::Anchor),
            email_template: fields.optional_word(
                "email_template",
                self.mistakes,
                EmailTemplate::parse,
            ),
            description,
            depends_on,
            lags,
            fallback_due,
            key: key?,
            title: title?,
            milestone: milestone?,
            role: role?,
            kind: kind?,
            due: due?,
            est_days: u32::try_from(est_days?).ok()?,
        })
    }
}

fn keys_of(document: &MarkedYaml<'_>, list: &str) -> BTreeSet<String> {
    let items = document
        .data
        .as_mapping_get(list)
        .and_then(as_list)
        .unwrap_or_default();
    let keys = items
        .iter()
        .filter_map(|item| item.data.as_mapping_get("key").and_then(as_text));
    keys.map(str::to_owned).collect()
}

fn without_lines<T>(items: Vec<(usize, T)>) -> Vec<T> {
    items.into_iter().map(|(_, item)| item).collect()
}
