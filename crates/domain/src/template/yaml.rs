//! Reading YAML with the line of every mistake: mappings whose fields are all accounted for.

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::{SOURCE_BYTES_MAX, TemplateError};

/// Deeper than this no template is nested, in columns of indentation and in items on one line.
const DEPTH_MAX: usize = 100;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    found: Vec<TemplateError>,
}

impl Mistakes {
    pub(super) fn add(&mut self, line: usize, message: impl Into<String>) {
        self.found.push(TemplateError {
            line,
            message: message.into(),
        });
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them by line, each once.
    pub(super) fn into_sorted(mut self) -> Vec<TemplateError> {
        self.found
            .sort_by(|a, b| (a.line, &a.message).cmp(&(b.line, &b.message)));
        self.found.dedup();
        self.found
    }
}

/// The single document of a source.
pub(super) fn load(source: &str) -> Result<MarkedYaml<'_>, TemplateError> {
    let at = |line, message: &str| TemplateError {
        line,
        message: message.to_owned(),
    };
    if source.len() > SOURCE_BYTES_MAX {
        return Err(at(1, "the template is longer than 256 KiB"));
    }
    if let Some(index) = source.lines().position(is_too_deep) {
        return Err(at(index + 1, "the template is nested too deeply"));
    }
    let documents = MarkedYaml::load_from_str(source)
        .map_err(|error| at(error.marker().line(), error.info()))?;
    let mut documents = documents.into_iter();
    match (documents.next(), documents.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(at(1, "the template is empty")),
        (Some(_), Some(second)) => Err(at(line_of(&second), "a template is a single document")),
    }
}

/// Freeing deeply nested nodes would overflow the stack. The scanner bounds `[[[[` itself; block nesting costs a column
/// of indentation or, within a line, an indicator a level.
fn is_too_deep(line: &str) -> bool {
    let indentation = line.len() - line.trim_start_matches(' ').len();
    let on_this_line =
        line.matches("- ").count() + line.matches("? ").count() + line.matches('\t').count();
    indentation > DEPTH_MAX || on_this_line > DEPTH_MAX
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
        })
    }

    /// Names the mapping in mistakes from now on.
    pub(super) fn name(&mut self, what: String) {
        self.what = what;
    }

    /// The node of a field, if it is there and not null.
    pub(super) fn take(&mut self, field: &'static str) -> Option<&'a MarkedYaml<'i>> {
        self.taken.insert(field);
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

    /// A field's text that must be there.
    pub(super) fn text(&mut self, field: &'static str, mistakes: &mut Mistakes) -> Option<String> {
        let node = self.required(field, mistakes)?;
        self.read_text(node, field, mistakes)
    }

    /// A field's text, if it is there.
    pub(super) fn optional_text(
        &mut self,
        field: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<String> {
        let node = self.take(field)?;
        self.read_text(node, field, mistakes)
    }

    fn read_text(
        &self,
        node: &MarkedYaml<'_>,
        field: &str,
        mistakes: &mut Mistakes,
    ) -> Option<String> {
        let text = as_text(node).map(str::trim).filter(|text| !text.is_empty());
        if text.is_none() {
            mistakes.add(
                line_of(node),
                format!("{field} of {} must be text", self.what),
            );
        }
        text.map(str::to_owned)
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

    /// The items of a list, if it is there.
    pub(super) fn list(
        &mut self,
        field: &'static str,
        mistakes: &mut Mistakes,
    ) -> &'a [MarkedYaml<'i>] {
        let Some(node) = self.take(field) else {
            return &[];
        };
        let items = as_list(node);
        if items.is_none() {
            mistakes.add(
                line_of(node),
                format!("{field} of {} must be a list", self.what),
            );
        }
        items.unwrap_or_default()
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
