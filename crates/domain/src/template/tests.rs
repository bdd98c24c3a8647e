mod bounds;
mod words;

use super::{
    shipped::{SHIPPED, shipped},
    *,
};
use crate::{
    calendar::REG_Z_SPECIFIC,
    dates::{DayCount, Roll},
};

#[test]
fn the_shipped_templates_are_understood_to_the_last_item() {
    let counts: Vec<_> = SHIPPED
        .iter()
        .map(|(name, source)| {
            let template = parse(source).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:?}"));
            let items = source.matches("key: ").count();
            let read = 1
                + template.facts.len()
                + template.anchors.len()
                + template.dates.len()
                + template.constraints.len()
                + template.milestones.len()
                + template.tasks.len();
            assert_eq!(read, items, "{name}");
            (
                *name,
                template.dates.len(),
                template.milestones.len(),
                template.tasks.len(),
            )
        })
        .collect();
    assert_eq!(
        counts,
        [
            ("purchase", 14, 8, 54),
            ("new construction", 8, 7, 31),
            ("refinance", 4, 6, 21),
            ("listing", 8, 7, 31)
        ]
    );
}

#[test]
fn every_field_of_the_shipped_templates_is_kept() {
    let purchase = shipped("purchase");
    let sign = purchase.task("sign_closing_documents").unwrap();
    assert_eq!(sign.lags[0].after, "closing_disclosure_received");
    assert_eq!(
        sign.lags[0].counting,
        Counting::business_days(3, REG_Z_SPECIFIC)
    );
    assert_eq!(
        purchase
            .date("earnest_money_due")
            .unwrap()
            .due
            .counting
            .roll,
        Roll::NEXT
    );
    assert_eq!(
        purchase
            .date("title_objection_deadline")
            .unwrap()
            .due
            .anchor
            .key(),
        "title_commitment_due"
    );
    assert!(!purchase.task("utilities_transferred").unwrap().required);
    let document = purchase
        .task("loan_commitment")
        .unwrap()
        .document
        .clone()
        .unwrap();
    assert_eq!(
        (document.required, document.review),
        (true, Some(PartyRole::TransactionCoordinator))
    );
    assert_eq!(
        purchase.task("send_intro_package").unwrap().email_template,
        Some(EmailTemplate::IntroAllParties)
    );
    assert_eq!(
        purchase.required_anchors().collect::<Vec<_>>(),
        ["effective_date", "closing_date"]
    );

    let refinance = shipped("refinance");
    let funding = refinance.date("funding_date").unwrap();
    let fallback = funding.fallback_due.clone().unwrap();
    assert_eq!(
        (fallback.anchor.key(), fallback.counting.roll),
        ("signing_date", Roll::NEXT)
    );
    assert_eq!(
        refinance.date("rescission_ends").unwrap().time_of_day,
        Time::from_hms(23, 59, 0).ok()
    );
    assert_eq!(
        refinance.milestones[0].client_title.as_deref(),
        Some("Application in")
    );
    assert!(
        refinance
            .task("application_complete")
            .unwrap()
            .buyer_visible,
        "client_visible means buyer_visible"
    );

    let construction = shipped("new construction");
    let notice = construction.task("builder_closing_notice").unwrap();
    assert_eq!(notice.sets_anchor.as_deref(), Some("closing_date"));
    assert_eq!(notice.chased_by, Some(PartyRole::TransactionCoordinator));
    let update = construction
        .task("builder_update_framing")
        .unwrap()
        .recurrence
        .clone()
        .unwrap();
    assert_eq!(
        (update.every_days, update.until.as_str()),
        (14, "estimated_completion")
    );
    let meeting = construction.task("preconstruction_meeting").unwrap();
    assert_eq!(meeting.not_before.as_deref(), Some("construction_start"));

    let listing = shipped("listing");
    let decision = listing.task("expiration_decision").unwrap();
    assert_eq!(decision.cancel_when_set.as_deref(), Some("effective_date"));
    assert_eq!(
        listing.fact_names().into_iter().collect::<Vec<_>>(),
        ["financing_type", "hoa", "repairs_requested", "year_built"]
    );
    let confirmed = listing.task("earnest_money_confirmed").unwrap();
    assert_eq!(confirmed.due.counting.day_count, DayCount::Business);
}

/// A small template, with lines to replace.
fn small(replace: &[(&str, &str)]) -> String {
    let source = "\
schema: haushavn.template/v1
key: small
name: Small
version: 1
deal_type: purchase
side: buyer
client_role: buyer
roles: [buyer, buyer_agent]
internal_roles: [buyer_agent]
anchors:
  - {key: start, title: Start, required: true}
dates:
  - {key: middle, title: Middle, due: {anchor: start, offset_days: 3, calendar: business}}
constraints:
  - {key: order, severity: error, rule: {before: start, after: middle, min_days: 1}}
milestones:
  - {key: all, order: 1, title: All of it}
tasks:
  - key: first
    title: First
    milestone: all
    role: buyer
    kind: do
    depends_on: []
    due: {anchor: middle, offset_days: 0, calendar: calendar}
    est_days: 1
  - key: second
    title: Second
    milestone: all
    role: buyer_agent
    kind: review
    depends_on: [first]
    due: {anchor: first, offset_days: 2, calendar: business}
    est_days: 1
";
    replace
        .iter()
        .fold(source.to_owned(), |source, (from, to)| {
            assert!(
                source.contains(from),
                "{from:?} is not in the small template"
            );
            source.replacen(from, to, 1)
        })
}

#[test]
fn a_rule_may_count_from_a_date_or_from_the_completion_of_a_task() {
    let template = parse(&small(&[])).unwrap();
    assert_eq!(
        template.tasks[0].due.anchor,
        RuleAnchor::KeyDate("middle".into())
    );
    assert_eq!(
        template.tasks[1].due.anchor,
        RuleAnchor::Completion("first".into())
    );
}

/// What is replaced, by what, and the mistake that follows in which line.
const MISTAKES: &[(&str, &str, usize, &str)] = &[
    (
        "schema: haushavn.template/v1",
        "schema: other/v9",
        1,
        "schema \"other/v9\" is not",
    ),
    (
        "version: 1",
        "version: soon",
        4,
        "version of the template must be a whole number",
    ),
    ("side: buyer\n", "", 1, "the template has no side"),
    (
        "side: buyer",
        "side: tenant",
        6,
        "side of the template cannot be \"tenant\"",
    ),
    (
        "side: buyer",
        "side: seller",
        7,
        "client_role of the side seller is seller or client, not buyer",
    ),
    (
        "side: buyer",
        "side: buyer\nreso_transaction_type: Swap",
        7,
        "reso_transaction_type of the template cannot be \"Swap\"",
    ),
    (
        "side: buyer",
        "side: buyer\ncounting_profile: lunar",
        7,
        "counting_profile of the template cannot be \"lunar\"",
    ),
    (
        "internal_roles: [buyer_agent]",
        "internal_roles: [buyer]",
        7,
        "client_role buyer is among the internal_roles",
    ),
    (
        "    kind: do",
        "    kind: do\n    chased_by: buyer",
        24,
        "chased_by buyer is not among the internal_roles",
    ),
    (
        "    kind: do",
        "    kind: do\n    document: {type: deed, review: buyer}",
        24,
        "review buyer is not among the internal_roles",
    ),
    (
        "    kind: do",
        "    kind: do\n    email_template: newsletter",
        24,
        "email_template of task first cannot be \"newsletter\"",
    ),
    (
        "    kind: do",
        "    kind: do\n    buyer_visible: true\n    client_visible: true",
        25,
        "task first has both buyer_visible and client_visible",
    ),
    (
        "title: All of it",
        "title: All of it, buyer_title: All, client_title: All",
        17,
        "milestone all has both buyer_title and client_title",
    ),
    (
        "required: true}",
        "required: true, needs_business_day: lunar}",
        11,
        "no business calendar \"lunar\"",
    ),
    (
        "anchors:",
        "facts: [{key: paid, values: [cash, Cash]}]\nanchors:",
        10,
        "paid is spelled both \"cash\" and \"Cash\"",
    ),
    (
        "side: buyer",
        "side: buyer\ncolour: red",
        7,
        "the template has an unknown field \"colour\"",
    ),
    (
        "roles: [buyer,",
        "roles: [wizard, buyer,",
        8,
        "roles: there is no role \"wizard\"",
    ),
    (
        "client_role: buyer",
        "client_role: seller",
        7,
        "client_role \"seller\" is not among",
    ),
    (
        "{anchor: start, offset",
        "{anchor: begin, offset",
        13,
        "there is no anchor, date or task \"begin\"",
    ),
    (
        "calendar: business}}",
        "calendar: lunar}}",
        13,
        "calendar of due cannot be \"lunar\"",
    ),
    (
        "calendar: business}}",
        "calendar: business, business_calendar: lunar}}",
        13,
        "no business calendar \"lunar\"",
    ),
    (
        "calendar: business}}",
        "calendar: business}, roll: sideways}",
        13,
        "roll of date middle cannot be \"sideways\"",
    ),
    (
        "offset_days: 3",
        "offset_days: 99999",
        13,
        "offset_days of due must be a whole number",
    ),
    (
        "after: middle",
        "after: later",
        15,
        "after: there is no anchor or date \"later\"",
    ),
    (
        "    milestone: all",
        "    milestone: none_such",
        21,
        "milestone: there is no milestone \"none_such\"",
    ),
    (
        "    role: buyer\n",
        "    role: lender\n",
        22,
        "role \"lender\" is not among",
    ),
    (
        "    kind: do",
        "    kind: dance",
        23,
        "kind of task first cannot be \"dance\"",
    ),
    (
        "depends_on: [first]",
        "depends_on: [third]",
        32,
        "depends_on: there is no task \"third\"",
    ),
    (
        "depends_on: [first]",
        "depends_on: [first, first]",
        32,
        "depends_on names \"first\" twice",
    ),
    (
        "    est_days: 1\n  - key: second",
        "    est_days: 1\n    colour: red\n  - key: second",
        27,
        "task first has an unknown field \"colour\"",
    ),
    (
        "key: second",
        "key: first",
        27,
        "task first stands already in line 19",
    ),
    (
        "key: second",
        "key: Second!",
        27,
        "key of an item of tasks cannot be \"Second!\"",
    ),
    (
        "    est_days: 1\n  - key",
        "    est_days: 1\n    cancel_when: whenever\n  - key",
        27,
        "cancel_when of task first cannot be",
    ),
    (
        "    depends_on: []",
        "    depends_on: []\n    lags: [{after: second, offset_days: 1, calendar: calendar}]",
        25,
        "does not depend on",
    ),
    (
        "    depends_on: []",
        "    applies_when: [{field: hoa, op: eq, value: true}, {field: hoa, op: eq, value: false}]\n    depends_on: []",
        19,
        "task first can never apply",
    ),
];

#[test]
fn a_mistake_is_told_with_its_line() {
    for (from, to, line, message) in MISTAKES {
        let mistakes = parse(&small(&[(from, to)])).expect_err(to);
        assert!(
            mistakes
                .iter()
                .any(|mistake| mistake.line == *line && mistake.message.contains(message)),
            "{to:?} should give {message:?} in line {line}, not {mistakes:?}"
        );
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let mistakes = parse(&small(&[
        ("version: 1", "version: x"),
        ("kind: do", "kind: x"),
        ("[first]", "[x]"),
    ]))
    .unwrap_err();
    assert_eq!(
        mistakes
            .iter()
            .map(|mistake| mistake.line)
            .collect::<Vec<_>>(),
        [4, 23, 32]
    );
}

#[test]
fn tasks_that_wait_for_each_other_and_those_behind_them_are_told() {
    let third = "  - {key: third, title: Third, milestone: all, role: buyer, kind: do, depends_on: [second], due: {anchor: start, offset_days: 0, calendar: calendar}, est_days: 0}
";
    let source = small(&[("depends_on: []", "depends_on: [second]")]) + third;
    let mistakes = parse(&source).unwrap_err();
    let told: Vec<_> = mistakes
        .iter()
        .map(|mistake| (mistake.line, mistake.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (19, "tasks wait for each other: first → second → first"),
            (
                35,
                "task third can never start: it waits for tasks that wait for each other"
            ),
        ]
    );
}

#[test]
fn dates_counted_from_each_other_are_told() {
    let mistakes = parse(&small(&[("due: {anchor: start", "due: {anchor: second")])).unwrap_err();
    assert_eq!(mistakes[0].line, 13);
    assert_eq!(
        mistakes[0].message,
        "dates are counted from each other: middle → second → first → middle"
    );
}

#[test]
fn what_is_not_yaml_is_refused_with_its_line_and_without_a_panic() {
    let deep = "- ".repeat(100_000);
    let columns = (0..400)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect::<String>();
    let flow = "[".repeat(100_000);
    let large = "# comment\n".repeat(30_000);
    let sources = [
        "",
        "a: [",
        "just text",
        "a: 1\na: 2",
        "a: 1\n---\nb: 2",
        "&a [*a]",
        "\u{0}",
        &deep,
        &columns,
        &flow,
        &large,
    ];
    for source in sources {
        let mistakes = parse(source).unwrap_err();
        assert!(
            !mistakes.is_empty() && mistakes.iter().all(|mistake| mistake.line >= 1),
            "{source:.20?}"
        );
    }
}
