//! Templates.

use domain::template;

use crate::cost::Allowance;

/// A line of YAML becomes several nodes with their places; a mistake quotes at most a part of it.
const ALLOWANCE: Allowance = Allowance {
    memory: (2_000_000, 600),
    steps: (20_000, 40),
};

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match ALLOWANCE.hold(input, || template::parse(text)) {
        Ok(template) => {
            // What was read can be planned with: every name leads somewhere.
            for task in template.graph().order().expect("no task waits for itself") {
                assert!(template.task(&task).is_some());
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            // YAML ends a line at a carriage return as well, and what is missing at the end is missed behind the last.
            let lines = text.matches(['\n', '\r']).count() + 2;
            for mistake in mistakes {
                assert!(mistake.line <= lines, "line {} of {lines}", mistake.line);
            }
        }
    }
}
