//! How large a template may be. Checked while the YAML is read, before anything is built from it.

use saphyr_parser::{Event, Span};

use super::TemplateError;
use crate::text::DESCRIPTION_LENGTH_MAX;

/// The largest source that is read, in bytes: nine times the largest shipped template.
pub const SOURCE_BYTES_MAX: usize = 256 * 1024;
/// The most tasks, dates, anchors, facts, constraints or milestones of one template: ten times what a plan needs.
pub const ITEMS_MAX: usize = 500;
/// The most nodes (mappings, lists, scalars) of a source: what [`ITEMS_MAX`] tasks with every field have. A node takes
/// some 200 bytes, so that a source takes at most 10 MiB while it is read.
pub(super) const NODES_MAX: usize = 50_000;
/// The deepest nesting of mappings and lists: a condition of a task is at 5.
pub(super) const DEPTH_MAX: usize = 10;
/// The most fields of one mapping: a task has 25.
pub(super) const FIELDS_MAX: usize = 40;
/// The most conditions, lags, parts or values in a list of one item.
pub(super) const LIST_MAX: usize = 50;
/// The most tasks that one task waits for.
pub(super) const DEPENDS_ON_MAX: usize = 50;
/// The most dependencies of a template together: four for each of [`ITEMS_MAX`] tasks. What a dropped task leaves to its
/// dependents costs up to dependencies times tasks.
pub(super) const DEPENDENCIES_MAX: usize = 2_000;
/// The longest scalar, in bytes: a description of [`DESCRIPTION_LENGTH_MAX`] characters of four bytes.
const SCALAR_BYTES_MAX: usize = DESCRIPTION_LENGTH_MAX * 4;
/// The most mistakes that are listed: somebody mends these first.
pub(super) const MISTAKES_MAX: usize = 100;
/// The longest message of a mistake, in characters: names in it come from the source.
pub(super) const MISTAKE_LENGTH_MAX: usize = 300;

/// What has been read of a source so far.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    documents: usize,
    nodes: usize,
    depth: usize,
}

impl Bounds {
    /// Takes in one event of the YAML.
    ///
    /// # Errors
    /// With the line, what the source has too much of, or what no template may have: aliases and anchors (a few of them
    /// expand to any number of nodes), tags, control characters.
    pub(super) fn admit(&mut self, event: &Event<'_>, span: Span) -> Result<(), TemplateError> {
        let refused = |message: String| TemplateError {
            line: span.start.line().max(1),
            message,
        };
        match event {
            Event::Alias(_) => {
                return Err(refused(
                    "aliases (*name) are not allowed in a template: write the value out".to_owned(),
                ));
            }
            Event::Scalar(_, _, anchor, tag) => self.node(*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                self.depth += 1;
                self.node(*anchor, tag.is_some())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    Err("a template is a single document".to_owned())
                } else {
                    Ok(())
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
        .map_err(refused)?;
        match event {
            Event::Scalar(text, ..) => scalar(text).map_err(refused),
            _ => Ok(()),
        }
    }

    /// How many nodes there were.
    pub(super) const fn nodes(&self) -> usize {
        self.nodes
    }

    fn node(&mut self, anchor: usize, is_tagged: bool) -> Result<(), String> {
        self.nodes += 1;
        if anchor != 0 {
            return Err("anchors (&name) are not allowed in a template".to_owned());
        }
        if is_tagged {
            return Err("tags (!name) are not allowed in a template".to_owned());
        }
        if self.nodes > NODES_MAX {
            return Err(format!("the template has more than {NODES_MAX} values"));
        }
        if self.depth > DEPTH_MAX {
            return Err(format!(
                "the template is nested more than {DEPTH_MAX} levels deep"
            ));
        }
        Ok(())
    }
}

fn scalar(text: &str) -> Result<(), String> {
    if text.len() > SCALAR_BYTES_MAX {
        return Err(format!("a text is longer than {SCALAR_BYTES_MAX} bytes"));
    }
    let is_wrong = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.contains(is_wrong) {
        return Err("a text contains a control character".to_owned());
    }
    Ok(())
}
