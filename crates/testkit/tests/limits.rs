//! `.github/docs/limits.md` lists every bound of the system, with the value in the code and a test that exists.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the repository should stop"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Endings of the names that constants with a bound have.
const BOUND_NAMES: &[&str] = &["MAX", "TIMEOUT", "LIFETIME", "TTL", "PATIENCE", "LIMIT"];

/// What a row says in the last column where no test shows the bound, before the reason.
const NO_TEST: &str = "no test: ";

/// A row of the page: the constant's file and name, its value as written there, what happens at the bound, and the
/// tests that show it.
struct Row {
    file: String,
    name: String,
    value: String,
    bound: String,
    at_it: String,
    shown_by: String,
    tests: Vec<String>,
}

impl Row {
    /// Whether each column says something, and the last one either names tests or says why there is none.
    fn is_complete(&self) -> bool {
        let says_something = |cell: &str| cell.chars().any(char::is_alphanumeric);
        let mut between_names = self.shown_by.split('`').step_by(2);
        let names_tests =
            !self.tests.is_empty() && between_names.all(|text| ["", ", "].contains(&text));
        let reason = self.shown_by.strip_prefix(NO_TEST);
        says_something(&self.bound)
            && says_something(&self.at_it)
            && (names_tests || reason.is_some_and(says_something))
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn rust_files(below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// All Rust sources of the workspace by their path in the repository.
fn sources() -> BTreeMap<String, String> {
    let root = repository();
    let mut files = Vec::new();
    for folder in ["crates", "services"] {
        rust_files(&root.join(folder), &mut files);
    }
    let relative = |path: &PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
    files
        .iter()
        .map(|path| (relative(path), fs::read_to_string(path).unwrap()))
        .collect()
}

/// The constants with a number or a duration that a line of source declares: its name and value.
fn bound_of_line(line: &str) -> Option<(&str, &str)> {
    let (_, declaration) = line.split_once("const ")?;
    let (name, rest) = declaration.split_once(": ")?;
    let (kind, value) = rest.split_once(" = ")?;
    let is_number = ["usize", "u64", "u32", "u16", "u8", "i64", "i32"].contains(&kind);
    let is_bound = BOUND_NAMES.iter().any(|ending| name.ends_with(ending));
    (is_bound && (is_number || kind.ends_with("Duration")))
        .then(|| Some((name, value.strip_suffix(';')?)))
        .flatten()
}

/// Every bound that the services and the crates beneath them declare: file, name and value.
fn bounds_of_the_code() -> BTreeMap<(String, String), String> {
    let is_ours = |path: &str| {
        let of_tests = ["crates/testkit", "crates/fuzz"];
        path.contains("/src/") && !of_tests.iter().any(|folder| path.starts_with(folder))
    };
    let sources = sources().into_iter().filter(|(path, _)| is_ours(path));
    sources
        .flat_map(|(path, text)| {
            let of_file: Vec<_> = text
                .lines()
                .filter_map(bound_of_line)
                .map(|(name, value)| ((path.clone(), name.to_owned()), value.to_owned()))
                .collect();
            of_file
        })
        .collect()
}

fn code_spans(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Rows whose second cell names a constant as `path::NAME`. Others are prose or bounds of a server's configuration.
fn rows() -> Vec<Row> {
    let page = fs::read_to_string(repository().join(".github/docs/limits.md")).unwrap();
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_start_matches("| ").trim_end_matches(" |");
        inner.split(" | ").map(str::to_owned).collect()
    };
    page.lines()
        .filter(|line| line.starts_with("| "))
        .filter_map(|line| {
            let cells = cells(line);
            let constant = code_spans(cells.get(1)?).first()?.clone();
            let (file, name) = constant.split_once("::")?;
            Some(Row {
                file: file.to_owned(),
                name: name.to_owned(),
                value: code_spans(cells.get(2)?).first()?.clone(),
                bound: cells.first()?.clone(),
                at_it: cells.get(3)?.clone(),
                shown_by: cells.get(4)?.clone(),
                tests: code_spans(cells.get(4)?),
            })
        })
        .collect()
}

#[test]
fn every_bound_of_the_code_is_on_the_page_with_its_value() {
    let code = bounds_of_the_code();
    let page: BTreeMap<_, _> = rows()
        .into_iter()
        .map(|row| ((row.file, row.name), row.value))
        .collect();
    let missing: Vec<_> = code
        .iter()
        .filter(|(bound, value)| page.get(bound) != Some(value))
        .map(|((file, name), value)| format!("| … | `{file}::{name}` | `{value}` | … | … |"))
        .collect();
    assert!(
        missing.is_empty(),
        "not on .github/docs/limits.md, or with another value:\n{}",
        missing.join("\n")
    );
    let gone: Vec<_> = page
        .keys()
        .filter(|bound| !code.contains_key(bound))
        .collect();
    assert!(
        gone.is_empty(),
        "on the page, but not in the code: {gone:?}"
    );
}

#[test]
fn every_test_that_the_page_names_exists() {
    let names: BTreeSet<String> = sources()
        .values()
        .flat_map(|text| text.split("fn ").skip(1))
        .filter_map(|text| text.split('(').next())
        .map(str::to_owned)
        .collect();
    let unknown: Vec<_> = rows()
        .into_iter()
        .flat_map(|row| row.tests)
        .filter(|test| !names.contains(test))
        .collect();
    assert!(unknown.is_empty(), "no such tests: {unknown:?}");
}

#[test]
fn every_row_says_what_happens_and_which_test_shows_it_or_why_none_does() {
    let incomplete: Vec<_> = rows()
        .into_iter()
        .filter(|row| !row.is_complete())
        .map(|row| {
            format!(
                "{}::{}: {} | {}",
                row.file, row.name, row.at_it, row.shown_by
            )
        })
        .collect();
    assert!(
        incomplete.is_empty(),
        "name tests, or write \"{NO_TEST}\" and a reason:\n{}",
        incomplete.join("\n")
    );
}
