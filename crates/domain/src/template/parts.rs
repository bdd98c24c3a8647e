//! The parts that items of a template share: keys, roles, references, rules, conditions.

use rust_decimal::Decimal;
use saphyr::{MarkedYaml, Scalar, YamlData};
use time::{Time, macros::format_description};

use super::{
    Condition, DocumentRule, FactValue, Operator, Recurrence, Rule, RuleAnchor,
    bounds::{DEPENDENCIES_MAX, DEPENDS_ON_MAX},
    parse::Reader,
    yaml::{Fields, Flag, as_text, line_of},
};
use crate::{
    dates::{Counting, DayCount, Direction, OFFSET_DAYS_MAX, Roll},
    party::PartyRole,
    plan::Lag,
};

/// What a name in a template refers to.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Anchor,
    Date,
    Milestone,
    Task,
}

impl Reader<'_> {
    /// The key of an item, by which it is named in mistakes from then on.
    pub(super) fn named(&mut self, fields: &mut Fields<'_, '_>, what: &str) -> Option<String> {
        let key = self.key(fields)?;
        fields.name(format!("{what} {key}"));
        Some(key)
    }

    pub(super) fn key(&mut self, fields: &mut Fields<'_, '_>) -> Option<String> {
        fields.word("key", self.mistakes, |word| {
            let is_key = word.len() <= 64
                && word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            is_key.then(|| word.to_owned())
        })
    }

    /// `client_visible` is another word for `buyer_visible`.
    pub(super) fn buyer_visible(&mut self, fields: &mut Fields<'_, '_>) -> bool {
        self.visible(fields, Flag::No)
    }

    /// Of a task: the client sees its own unless it says otherwise.
    pub(super) fn task_is_visible(
        &mut self,
        fields: &mut Fields<'_, '_>,
        owner: Option<PartyRole>,
    ) -> bool {
        let is_own = owner.is_some() && owner == self.client_role;
        self.visible(fields, if is_own { Flag::Yes } else { Flag::No })
    }

    fn visible(&mut self, fields: &mut Fields<'_, '_>, absent: Flag) -> bool {
        fields.refuse_both("buyer_visible", "client_visible", self.mistakes);
        fields.take("buyer_visible");
        let name = if fields.take("client_visible").is_some() {
            "client_visible"
        } else {
            "buyer_visible"
        };
        fields.flag(name, absent, self.mistakes)
    }

    /// `client_title` is another word for `buyer_title`.
    pub(super) fn client_title(&mut self, fields: &mut Fields<'_, '_>) -> Option<String> {
        fields.refuse_both("buyer_title", "client_title", self.mistakes);
        let as_buyer = fields.optional_text("buyer_title", self.mistakes);
        let as_client = fields.optional_text("client_title", self.mistakes);
        as_client.or(as_buyer)
    }

    /// The calendar by which a date should be a business day, if it should.
    pub(super) fn needs_business_day(&mut self, fields: &mut Fields<'_, '_>) -> Option<String> {
        let line = fields.line_of_field("needs_business_day");
        let calendar = fields.optional_text("needs_business_day", self.mistakes)?;
        self.known_calendar(line, calendar)
    }

    fn known_calendar(&mut self, line: usize, calendar: String) -> Option<String> {
        if self.calendars.get(&calendar).is_none() {
            let message = format!("there is no business calendar {calendar:?}");
            self.mistakes.add(line, message);
            return None;
        }
        Some(calendar)
    }

    pub(super) fn roles_in(
        &mut self,
        fields: &mut Fields<'_, '_>,
        list: &'static str,
    ) -> Vec<PartyRole> {
        let mut roles = Vec::new();
        for node in fields.list(list, self.mistakes) {
            match as_text(node).and_then(PartyRole::parse) {
                Some(role) => roles.push(role),
                None => {
                    let name = as_text(node).unwrap_or("that");
                    self.mistakes
                        .add(line_of(node), format!("{list}: there is no role {name:?}"));
                }
            }
        }
        roles
    }

    pub(super) fn role(
        &mut self,
        fields: &mut Fields<'_, '_>,
        field: &'static str,
    ) -> Option<PartyRole> {
        let line = fields.line_of_field(field);
        let name = fields.text(field, self.mistakes)?;
        let role = PartyRole::parse(&name).filter(|role| self.roles.contains(role));
        if role.is_none() {
            self.mistakes.add(
                line,
                format!("{field} {name:?} is not among the template's roles"),
            );
        }
        role
    }

    /// An internal part, if given: only people of the organization chase and review.
    pub(super) fn internal_role(
        &mut self,
        fields: &mut Fields<'_, '_>,
        field: &'static str,
    ) -> Option<PartyRole> {
        fields.take(field)?;
        let role = self.role(fields, field)?;
        if !self.internal_roles.contains(&role) {
            let line = fields.line_of_field(field);
            let message = format!("{field} {role} is not among the internal_roles");
            self.mistakes.add(line, message);
        }
        Some(role)
    }

    pub(super) fn reference(
        &mut self,
        fields: &mut Fields<'_, '_>,
        field: &'static str,
        target: Target,
    ) -> Option<String> {
        let line = fields.line_of_field(field);
        let name = fields.text(field, self.mistakes)?;
        self.known(line, field, name, target)
    }

    pub(super) fn optional_reference(
        &mut self,
        fields: &mut Fields<'_, '_>,
        field: &'static str,
        target: Target,
    ) -> Option<String> {
        fields.take(field)?;
        self.reference(fields, field, target)
    }

    pub(super) fn date_key(
        &mut self,
        fields: &mut Fields<'_, '_>,
        field: &'static str,
    ) -> Option<String> {
        self.reference(fields, field, Target::Date)
    }

    pub(super) fn known(
        &mut self,
        line: usize,
        field: &str,
        name: String,
        target: Target,
    ) -> Option<String> {
        let (exists, what) = match target {
            Target::Anchor => (self.anchors.contains(&name), "anchor"),
            Target::Date => (self.is_date(&name), "anchor or date"),
            Target::Milestone => (self.milestones.contains(&name), "milestone"),
            Target::Task => (self.tasks.contains(&name), "task"),
        };
        if !exists {
            self.mistakes
                .add(line, format!("{field}: there is no {what} {name:?}"));
        }
        exists.then_some(name)
    }

    pub(super) fn is_date(&self, key: &str) -> bool {
        self.anchors.contains(key) || self.dates.contains(key)
    }

    pub(super) fn depends_on(&mut self, fields: &mut Fields<'_, '_>) -> Vec<String> {
        let line = fields.line_of_field("depends_on");
        let nodes = fields.list_of("depends_on", DEPENDS_ON_MAX, self.mistakes);
        let (before, after) = (self.dependencies, self.dependencies + nodes.len());
        self.dependencies = after;
        if before <= DEPENDENCIES_MAX && after > DEPENDENCIES_MAX {
            let message = format!("the tasks have more than {DEPENDENCIES_MAX} dependencies");
            self.mistakes.add(line, message);
        }
        let mut depends_on = Vec::with_capacity(nodes.len());
        for node in nodes {
            let Some(name) = as_text(node) else {
                self.mistakes
                    .add(line_of(node), "depends_on must name tasks");
                continue;
            };
            let known = self.known(line_of(node), "depends_on", name.to_owned(), Target::Task);
            if let Some(name) = known {
                self.mistakes.steps += depends_on.len();
                if depends_on.contains(&name) {
                    self.mistakes
                        .add(line_of(node), format!("depends_on names {name:?} twice"));
                }
                depends_on.push(name);
            }
        }
        depends_on
    }

    pub(super) fn lags(
        &mut self,
        fields: &mut Fields<'_, '_>,
        depends_on: &[String],
    ) -> Vec<Lag<String>> {
        let mut lags = Vec::new();
        for node in fields.list("lags", self.mistakes) {
            let Some(mut lag) = Fields::of(node, "a lag", self.mistakes) else {
                continue;
            };
            let line = lag.line_of_field("after");
            let after = self.reference(&mut lag, "after", Target::Task);
            let counting = self.counting(&mut lag, Roll::NONE);
            lag.finish(self.mistakes);
            let (Some(after), Some(counting)) = (after, counting) else {
                continue;
            };
            if !depends_on.contains(&after) {
                self.mistakes.add(
                    line,
                    format!("a lag counts from {after:?}, which the task does not depend on"),
                );
            }
            lags.push(Lag { after, counting });
        }
        lags
    }

    pub(super) fn optional_rule(
        &mut self,
        fields: &mut Fields<'_, '_>,
        field: &'static str,
        roll: Roll,
    ) -> Option<Rule> {
        fields.take(field)?;
        self.rule(fields, field, roll)
    }

    pub(super) fn rule(
        &mut self,
        fields: &mut Fields<'_, '_>,
        field: &'static str,
        roll: Roll,
    ) -> Option<Rule> {
        let node = fields.required(field, self.mistakes)?;
        let mut rule = Fields::of(node, field, self.mistakes)?;
        let line = rule.line_of_field("anchor");
        let name = rule.text("anchor", self.mistakes);
        let counting = self.counting(&mut rule, roll);
        rule.finish(self.mistakes);
        let name = name?;
        let anchor = if self.is_date(&name) {
            RuleAnchor::KeyDate(name)
        } else if self.tasks.contains(&name) {
            RuleAnchor::Completion(name)
        } else {
            self.mistakes.add(
                line,
                format!("{field}: there is no anchor, date or task {name:?} to count from"),
            );
            return None;
        };
        Some(Rule {
            anchor,
            counting: counting?,
        })
    }

    pub(super) fn counting(&mut self, fields: &mut Fields<'_, '_>, roll: Roll) -> Option<Counting> {
        let offset_days = fields.integer(
            "offset_days",
            -OFFSET_DAYS_MAX..=OFFSET_DAYS_MAX,
            self.mistakes,
        );
        let day_count = fields.word("calendar", self.mistakes, |word| match word {
            "calendar" => Some(DayCount::Calendar),
            "business" => Some(DayCount::Business),
            _ => None,
        });
        let line = fields.line_of_field("business_calendar");
        let named = fields.optional_text("business_calendar", self.mistakes);
        let business_calendar = named.unwrap_or_else(|| self.profile.calendar().to_owned());
        let business_calendar = self.known_calendar(line, business_calendar);
        Some(Counting {
            offset_days: offset_days?,
            day_count: day_count?,
            business_calendar: business_calendar?,
            roll,
        })
    }

    /// One direction for all, or `{weekend: …, holiday: …}`.
    pub(super) fn roll(&mut self, fields: &mut Fields<'_, '_>) -> Roll {
        let Some(node) = fields.take("roll") else {
            return Roll::NONE;
        };
        let read = |word: &str| match word {
            "none" | "next_business" | "previous_business" => Direction::parse(word),
            _ => None,
        };
        if as_text(node).is_some() {
            return fields
                .word("roll", self.mistakes, read)
                .map_or(Roll::NONE, Roll::both);
        }
        let Some(mut sides) = Fields::of(node, "roll", self.mistakes) else {
            return Roll::NONE;
        };
        let weekend = sides.word("weekend", self.mistakes, read);
        let holiday = sides.word("holiday", self.mistakes, read);
        sides.finish(self.mistakes);
        Roll {
            weekend: weekend.unwrap_or(Direction::Stay),
            holiday: holiday.unwrap_or(Direction::Stay),
        }
    }

    pub(super) fn time_of_day(&mut self, fields: &mut Fields<'_, '_>) -> Option<Time> {
        fields.take("time_of_day")?;
        fields.word("time_of_day", self.mistakes, |word| {
            Time::parse(word, format_description!("[hour]:[minute]")).ok()
        })
    }

    pub(super) fn applies_when(&mut self, fields: &mut Fields<'_, '_>) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for node in fields.list("applies_when", self.mistakes) {
            let Some(mut condition) = Fields::of(node, "a condition", self.mistakes) else {
                continue;
            };
            let field = condition.text("field", self.mistakes);
            let operator = condition.word("op", self.mistakes, Operator::parse);
            let value = condition
                .required("value", self.mistakes)
                .and_then(|node| self.fact_value(node));
            condition.finish(self.mistakes);
            if let (Some(field), Some(operator), Some(value)) = (field, operator, value) {
                conditions.push(Condition {
                    field,
                    operator,
                    value,
                });
            }
        }
        conditions
    }

    pub(super) fn fact_value(&mut self, node: &MarkedYaml<'_>) -> Option<FactValue> {
        let value = match &node.data {
            YamlData::Value(Scalar::String(text)) => {
                Some(FactValue::Text(text.clone().into_owned()))
            }
            YamlData::Value(Scalar::Boolean(flag)) => Some(FactValue::Flag(*flag)),
            YamlData::Value(Scalar::Integer(number)) => Some(FactValue::Number((*number).into())),
            YamlData::Value(Scalar::FloatingPoint(number)) => {
                Decimal::try_from(number.into_inner())
                    .ok()
                    .map(FactValue::Number)
            }
            _ => None,
        };
        if value.is_none() {
            self.mistakes.add(
                line_of(node),
                "the value of a condition must be a word, a number, true or false",
            );
        }
        value
    }

    pub(super) fn document(&mut self, fields: &mut Fields<'_, '_>) -> Option<DocumentRule> {
        let mut document = Fields::of(fields.take("document")?, "document", self.mistakes)?;
        let kind = document.text("type", self.mistakes);
        let required = document.flag("required", Flag::No, self.mistakes);
        let review = self.internal_role(&mut document, "review");
        document.finish(self.mistakes);
        Some(DocumentRule {
            kind: kind?,
            required,
            review,
        })
    }

    pub(super) fn recurrence(&mut self, fields: &mut Fields<'_, '_>) -> Option<Recurrence> {
        let mut recurrence = Fields::of(fields.take("recurrence")?, "recurrence", self.mistakes)?;
        let every_days = recurrence.integer("every_days", 1..=OFFSET_DAYS_MAX, self.mistakes);
        let until = self.date_key(&mut recurrence, "until");
        recurrence.finish(self.mistakes);
        Some(Recurrence {
            every_days: u32::try_from(every_days?).ok()?,
            until: until?,
        })
    }

    /// `<key>_set`: the anchor of that key, once it has a date, makes the task pointless.
    pub(super) fn cancel_when(&mut self, fields: &mut Fields<'_, '_>) -> Option<String> {
        fields.take("cancel_when")?;
        let line = fields.line_of_field("cancel_when");
        let key = fields.word("cancel_when", self.mistakes, |word| {
            word.strip_suffix("_set").map(str::to_owned)
        })?;
        self.known(line, "cancel_when", key, Target::Anchor)
    }
}
