//! What a template has too much of, and what reading it costs.

use super::super::{
    bounds::{
        DEPENDENCIES_MAX, DEPENDS_ON_MAX, DEPTH_MAX, FIELDS_MAX, LIST_MAX, MISTAKE_LENGTH_MAX,
        MISTAKES_MAX,
    },
    parse::read,
};
use super::*;
use crate::{calendar::Calendars, text::TITLE_LENGTH_MAX};

/// The only mistake of a source, with its line.
fn mistake(source: &str) -> (usize, String) {
    let mut mistakes = parse(source).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    let mistake = mistakes.remove(0);
    (mistake.line, mistake.message)
}

#[test]
fn an_alias_is_refused_with_its_line_before_it_stands_for_anything() {
    let aliases = "a: 1\nb: &b [x, x]\nc: [*b, *b, *b]\n";
    assert_eq!(
        mistake(aliases),
        (
            2,
            "anchors (&name) are not allowed in a template".to_owned()
        )
    );
    let merged = small(&[("    kind: do", "    <<: *base\n    kind: do")]);
    assert_eq!(mistake(&merged).0, 23, "an alias without its anchor");
    let tagged = small(&[("name: Small", "name: !name Small")]);
    assert_eq!(
        mistake(&tagged),
        (3, "tags (!name) are not allowed in a template".to_owned())
    );
}

#[test]
fn a_template_of_anchors_that_multiply_each_other_is_refused_at_the_first() {
    let mut source = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..60 {
        let before = format!("*a{}", level - 1);
        source += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
    }
    let (line, message) = mistake(&source);
    assert_eq!(line, 1);
    assert!(message.contains("anchors"), "{message}");
}

#[test]
fn every_text_list_and_depth_has_its_bound() {
    let long = "x".repeat(TITLE_LENGTH_MAX + 1);
    let longer = "y".repeat(50_000);
    let conditions = vec!["{field: hoa, op: eq, value: true}"; LIST_MAX + 1].join(", ");
    let waits: Vec<String> = (0..=DEPENDS_ON_MAX).map(|n| format!("t{n}")).collect();
    let fields: String = (0..=FIELDS_MAX).map(|n| format!(", f{n}: 1")).collect();
    let deep = format!(
        "{}1{}",
        "[".repeat(DEPTH_MAX + 1),
        "]".repeat(DEPTH_MAX + 1)
    );
    let items = "  - {key: k, title: K}\n".repeat(ITEMS_MAX);
    let cases: [(&str, String, &str); 9] = [
        (
            "title: First",
            format!("title: {long}"),
            "longer than 200 characters",
        ),
        (
            "title: First",
            format!("title: {longer}"),
            "a text is longer than",
        ),
        (
            "title: First",
            "title: \"a\\0b\"".to_owned(),
            "control character",
        ),
        (
            "title: First",
            "title: \"a\\u0001b\"".to_owned(),
            "control character",
        ),
        (
            "    kind: do",
            format!("    kind: do\n    applies_when: [{conditions}]"),
            "applies_when of task first has more than 50 items",
        ),
        (
            "depends_on: [first]",
            format!("depends_on: [{}]", waits.join(", ")),
            "depends_on of task second has more than 50 items",
        ),
        (
            "title: Start",
            format!("title: Start{fields}"),
            "an item of anchors has more than 40 fields",
        ),
        (
            "side: buyer",
            format!("side: buyer\ndeep: {deep}"),
            "nested more than 10 levels deep",
        ),
        (
            "anchors:\n",
            format!("anchors:\n{items}"),
            "anchors of the template has more than 500 items",
        ),
    ];
    for (from, to, message) in cases {
        let mistakes = parse(&small(&[(from, &to)])).unwrap_err();
        assert!(
            mistakes
                .iter()
                .any(|mistake| mistake.message.contains(message)),
            "{message:?} is missing in {mistakes:.300?}"
        );
    }
}

#[test]
fn the_dependencies_of_all_tasks_together_have_a_bound() {
    let tasks: Vec<(String, Vec<String>)> = (0..120_usize)
        .map(|n| {
            let waits = (n.saturating_sub(DEPENDS_ON_MAX)..n).map(|m| format!("t{m}"));
            (format!("t{n}"), waits.collect())
        })
        .collect();
    let edges: usize = tasks.iter().map(|(_, waits)| waits.len()).sum();
    assert!(edges > DEPENDENCIES_MAX);
    let (_, message) = mistake(&with_tasks(&tasks));
    assert_eq!(message, "the tasks have more than 2000 dependencies");
}

#[test]
fn mistakes_are_bounded_in_number_and_in_length() {
    let unknown: Vec<(String, Vec<String>)> = (0..400)
        .map(|n| (format!("t{n}"), vec!["x".repeat(60); 1]))
        .collect();
    let mistakes = parse(&with_tasks(&unknown)).unwrap_err();
    assert_eq!(mistakes.len(), MISTAKES_MAX + 1);
    assert_eq!(
        mistakes.last().unwrap().message,
        "there are more than 100 mistakes"
    );
    let echoed = small(&[(
        "depends_on: [first]",
        &format!("depends_on: [{}]", "é".repeat(5_000)),
    )]);
    let (_, message) = mistake(&echoed);
    assert_eq!(message.chars().count(), MISTAKE_LENGTH_MAX + 1);
}

/// The small template with these tasks, and what each waits for.
fn with_tasks(tasks: &[(String, Vec<String>)]) -> String {
    let small = small(&[]);
    let (head, _) = small.split_once("  - key: first").unwrap();
    let mut source = head.to_owned();
    for (key, waits) in tasks {
        source += &format!(
            "  - {{key: {key}, title: T, milestone: all, role: buyer, kind: do, depends_on: [{}], \
             due: {{anchor: start, offset_days: 1, calendar: calendar}}, est_days: 1}}\n",
            waits.join(", ")
        );
    }
    source
}

/// Sources of a shape, about `size` items large.
fn shapes(size: usize) -> Vec<(&'static str, String)> {
    let chain: Vec<(String, Vec<String>)> = (0..size)
        .map(|n| {
            let waits = n.checked_sub(1).map(|m| format!("t{m}"));
            (format!("t{n}"), waits.into_iter().collect())
        })
        .collect();
    let tangle: Vec<(String, Vec<String>)> = (0..size)
        .map(|n| {
            let waits = (1..=4).map(|step| format!("t{}", (n + step * 7) % size));
            (format!("t{n}"), waits.collect())
        })
        .collect();
    let conditions = vec!["{field: hoa, op: eq, value: true}"; LIST_MAX].join(", ");
    vec![
        ("chain", with_tasks(&chain)),
        ("tangle", with_tasks(&tangle)),
        ("flow", format!("a: [{}]", "[], ".repeat(size * 40))),
        (
            "unknown fields",
            (0..size * 10).map(|n| format!("f{n}: 1\n")).collect(),
        ),
        ("one field", (0..size * 10).map(|_| "same: 1\n").collect()),
        ("words", format!("a: {}", "word ".repeat(size * 40))),
        ("quotes", format!("a: \"{}\"", "\\u00e9".repeat(size * 40))),
        ("comments", "# nothing\n".repeat(size * 20)),
        (
            "indented",
            (0..size)
                .map(|n| format!("{}- \n", " ".repeat(n % 60)))
                .collect(),
        ),
        (
            "conditions",
            (0..size / 10)
                .map(|_| format!("- [{conditions}]\n"))
                .collect(),
        ),
    ]
}

#[test]
fn the_steps_of_reading_grow_with_the_source_and_no_faster() {
    let cost = |source: &str| read(source, &Calendars::standard()).1;
    for ((shape, one), (_, four)) in shapes(100).into_iter().zip(shapes(400)) {
        let (steps, steps_of_four) = (cost(&one), cost(&four));
        assert!(
            steps <= 20 * one.len() + 1_000,
            "{shape}: {steps} steps for {} bytes",
            one.len()
        );
        let larger = four.len().div_ceil(one.len()) + 1;
        assert!(
            steps_of_four <= steps * larger,
            "{shape}: {steps} and {steps_of_four} steps, {larger} times as large"
        );
    }
}
