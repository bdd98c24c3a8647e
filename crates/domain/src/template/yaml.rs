//! Reading YAML with the line of every mistake: mappings whose fields are all accounted for.

use std::collections::BTreeSet;

use saphyr::{MarkedYaml, Scalar, ScanError, YamlData, YamlLoader};
use saphyr_parser::{Parser, SpannedEventReceiver};

use super::{
    TemplateError,
    bounds::{Bounds, FIELDS_MAX, LIST_MAX, MISTAKE_LENGTH_MAX, MISTAKES_MAX, SOURCE_BYTES_MAX},
};
use crate::text::{self, DESCRIPTION_LENGTH_MAX, TITLE_LENGTH_MAX};

/// The mistakes found so far, the first [`MISTAKES_MAX`] of them.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    found: Vec<TemplateError>,
    are_more: bool,
    /// How much work reading took: nodes, and names that were compared or looked up. Tests compare it with the size.
    pub(super) steps: usize,
}

impl Mistakes {
    /// None yet, of a source that took so many steps to load.
    pub(super) fn after(steps: usize) -> Self {
        Self {
            steps,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, line: usize, message: impl Into<String>) {
        if self.found.len() == MISTAKES_MAX {
            self.are_more = true;
            return;
        }
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MISTAKE_LENGTH_MAX) {
            message.truncate(end);
            message.push('…');
        }
        self.found.push(TemplateError { line, message });
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them by line, each once.
    pub(super) fn into_sorted(mut self) -> Vec<TemplateError> {
        self.found
            .sort_by(|a, b| (a.line, &a.message).cmp(&(b.line, &b.message)));
        self.found.dedup();
        if let Some(last) = self.found.last().filter(|_| self.are_more) {
            let line = last.line;
            let message = format!("there are more than {MISTAKES_MAX} mistakes");
            self.found.push(TemplateError { line, message });
        }
        self.found
    }
}

/// The single document of a source, and how many nodes it has.
pub(super) fn load(source: &str) -> Result<(MarkedYaml<'_>, usize), TemplateError> {
    let at = |line, message: &str| TemplateError {
        line,
        message: message.to_owned(),
    };
    let wrong = |error: &ScanError| at(error.marker().line().max(1), error.info());
    if source.len() > SOURCE_BYTES_MAX {
        return Err(at(1, "the template is longer than 256 KiB"));
    }
    let mut parser = Parser::new_from_str(source);
    let mut loader = YamlLoader::default();
    let mut bounds = Bounds::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| wrong(&error))?;
        bounds.admit(&event, span)?;
        loader.on_event(event, span);
        if let Some(error) = loader.error() {
            return Err(wrong(error));
        }
    }
    let document = loader.into_documents().into_iter().next();
    let document = document.ok_or_else(|| at(1, "the template is empty"))?;
    Ok((document, bounds.nodes()))
}

pub(super) fn line_of(node: &MarkedYaml<'_>) -> usize {
    node.span.start.line().max(1)
}

/// The text of a scalar that is one.
pub(super) fn as_text<'a>(node: &'a MarkedYaml<'_>) -> Option<&'a str> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text),
        _ => None,
    }
}

pub(super) fn as_list<'a, 'i>(node: &'a MarkedYaml<'i>) -> Option<&'a [MarkedYaml<'i>]> {
    match &node.data {
        YamlData::Sequence(items) => Some(items),
        _ => None,
    }
}

/// A mapping that is read field by field; what nobody asked for is a mistake.
pub(super) struct Fields<'a, 'i> {
    pub(super) line: usize,
    what: String,
    entries: Vec<(&'a str, usize, &'a MarkedYaml<'i>)>,
    taken: BTreeSet<&'static str>,
    lookups: usize,
}

impl<'a, 'i> Fields<'a, 'i> {
    /// The fields of a node that should be a mapping. `what` names it in mistakes.
    pub(super) fn of(
        node: &'a MarkedYaml<'i>,
        what: &str,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let line = line_of(node);
        let YamlData::Mapping(mapping) = &node.data else {
            mistakes.add(line, format!("{what} must be a mapping"));
            return None;
        };
        if mapping.len() > FIELDS_MAX {
            mistakes.add(line, format!("{what} has more than {FIELDS_MAX} fields"));
            return None;
        }
        let mut entries = Vec::with_capacity(mapping.len());
        for (key, value) in mapping {
            match as_text(key) {
                Some(name) => entries.push((name, line_of(key), value)),
                None => mistakes.add(
                    line_of(key),
                    format!("a field name of {what} is not a word"),
                ),
            }
        }
        Some(Self {
            line,
            what: what.to_owned(),
            entries,
            taken: BTreeSet::new(),
            lookups: 0,
        })
    }

    /// Names the mapping in mistakes from now on.
    pub(super) fn name(&mut self, what: String) {
        self.what = what;
    }

    /// The node of a field, if it is there and not null.
    pub(super) fn take(&mut self, field: &'static str) -> Option<&'a MarkedYaml<'i>> {
        self.taken.insert(field);
        self.lookups += 1;
        let (_, _, node) = self.entries.iter().find(|(name, _, _)| *name == field)?;
        (!matches!(node.data, YamlData::Value(Scalar::Null))).then_some(*node)
    }

    /// The node of a field that must be there.
    pub(super) fn required(
        &mut self,
        field: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<&'a MarkedYaml<'i>> {
        let node = self.take(field);
        if node.is_none() {
            mistakes.add(self.line, format!("{} has no {field}", self.what));
        }
        node
    }

    /// A field's one line of text that must be there.
    pub(super) fn text(&mut self, field: &'static str, mistakes: &mut Mistakes) -> Option<String> {
        let node = self.required(field, mistakes)?;
        self.read_text(node, field, TITLE_LENGTH_MAX, mistakes)
    }

    /// A field's one line of text, if it is there.
    pub(super) fn optional_text(
        &mut self,
        field: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<String> {
        let node = self.take(field)?;
        self.read_text(node, field, TITLE_LENGTH_MAX, mistakes)
    }

    /// A field's text of several lines, if it is there.
    pub(super) fn optional_description(
        &mut self,
        field: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<String> {
        let node = self.take(field)?;
        self.read_text(node, field, DESCRIPTION_LENGTH_MAX, mistakes)
    }

    fn read_text(
        &self,
        node: &MarkedYaml<'_>,
        field: &str,
        length_max: usize,
        mistakes: &mut Mistakes,
    ) -> Option<String> {
        let read = match as_text(node) {
            Some(written) => text::required(field, written, length_max)
                .map_err(|error| format!("{}: {}", self.what, error.message)),
            None => Err(format!("{field} of {} must be text", self.what)),
        };
        read.map_err(|message| mistakes.add(line_of(node), message))
            .ok()
    }

    /// A field that is one of some words; `read` knows them.
    pub(super) fn word<T>(
        &mut self,
        field: &'static str,
        mistakes: &mut Mistakes,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let line = self.line_of_field(field);
        let text = self.text(field, mistakes)?;
        let value = read(&text);
        if value.is_none() {
            mistakes.add(line, format!("{field} of {} cannot be {text:?}", self.what));
        }
        value
    }

    /// A field that is one of some words, if it is there.
    pub(super) fn optional_word<T>(
        &mut self,
        field: &'static str,
        mistakes: &mut Mistakes,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.take(field)?;
        self.word(field, mistakes, read)
    }

    /// A field that is true or false.
    pub(super) fn flag(
        &mut self,
        field: &'static str,
        absent: Flag,
        mistakes: &mut Mistakes,
    ) -> bool {
        let otherwise = matches!(absent, Flag::Yes);
        let Some(node) = self.take(field) else {
            return otherwise;
        };
        match node.data {
            YamlData::Value(Scalar::Boolean(flag)) => flag,
            _ => {
                mistakes.add(
                    line_of(node),
                    format!("{field} of {} must be true or false", self.what),
                );
                otherwise
            }
        }
    }

    /// A whole number within bounds that must be there.
    pub(super) fn integer(
        &mut self,
        field: &'static str,
        bounds: std::ops::RangeInclusive<i32>,
        mistakes: &mut Mistakes,
    ) -> Option<i32> {
        let node = self.required(field, mistakes)?;
        let number = match node.data {
            YamlData::Value(Scalar::Integer(number)) => i32::try_from(number).ok(),
            _ => None,
        };
        let within = number.filter(|number| bounds.contains(number));
        if within.is_none() {
            let (from, to) = (bounds.start(), bounds.end());
            let message = format!(
                "{field} of {} must be a whole number from {from} to {to}",
                self.what
            );
            mistakes.add(line_of(node), message);
        }
        within
    }

    /// The items of a list of at most [`LIST_MAX`], if it is there.
    pub(super) fn list(
        &mut self,
        field: &'static str,
        mistakes: &mut Mistakes,
    ) -> &'a [MarkedYaml<'i>] {
        self.list_of(field, LIST_MAX, mistakes)
    }

    /// The items of a list of at most so many, if it is there.
    pub(super) fn list_of(
        &mut self,
        field: &'static str,
        items_max: usize,
        mistakes: &mut Mistakes,
    ) -> &'a [MarkedYaml<'i>] {
        let Some(node) = self.take(field) else {
            return &[];
        };
        let message = match as_list(node) {
            Some(items) if items.len() <= items_max => return items,
            Some(_) => format!("{field} of {} has more than {items_max} items", self.what),
            None => format!("{field} of {} must be a list", self.what),
        };
        mistakes.add(line_of(node), message);
        &[]
    }

    /// Of two names for one field both cannot be given.
    pub(super) fn refuse_both(
        &self,
        one: &'static str,
        other: &'static str,
        mistakes: &mut Mistakes,
    ) {
        let has = |field| self.entries.iter().any(|(name, _, _)| *name == field);
        if has(one) && has(other) {
            let message = format!("{} has both {one} and {other}, which are one", self.what);
            mistakes.add(self.line_of_field(other), message);
        }
    }

    /// The line of a field, or of the mapping if it is not there.
    pub(super) fn line_of_field(&self, field: &str) -> usize {
        self.entries
            .iter()
            .find(|(name, _, _)| *name == field)
            .map_or(self.line, |(_, line, _)| *line)
    }

    /// Reports the fields that nobody took.
    pub(super) fn finish(self, mistakes: &mut Mistakes) {
        mistakes.steps += self.lookups * self.entries.len();
        for (name, line, _) in self.entries {
            if !self.taken.contains(name) {
                mistakes.add(line, format!("{} has an unknown field {name:?}", self.what));
            }
        }
    }
}

/// What a missing true-or-false field means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flag {
    Yes,
    No,
}
