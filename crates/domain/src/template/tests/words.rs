//! The shipped templates hold for every set of facts: their words, and their dates.

use std::collections::BTreeSet;

use time::{Duration, macros::date};

use super::*;
use crate::{
    calendar::Calendars,
    cascade::{Circumstances, KeyDateState, compute},
};

/// What a word claims: where a title contains one of these, the condition must hold.
const CLAIMS: &[(&str, &[&str], &str, &str, &str)] = &[
    (
        "purchase",
        &[
            "loan",
            "lender",
            "apprais",
            "financ",
            "mortgage",
            "closing disclosure",
        ],
        "financing_type",
        "neq",
        "cash",
    ),
    (
        "purchase",
        &["proof of funds"],
        "financing_type",
        "eq",
        "cash",
    ),
    ("purchase", &["hoa"], "hoa", "eq", "true"),
    ("purchase", &["survey"], "survey_required", "eq", "true"),
    ("purchase", &["warranty"], "home_warranty", "eq", "true"),
    (
        "purchase",
        &["repair or credit", "repair receipts", "and repairs"],
        "repairs_requested",
        "eq",
        "true",
    ),
    ("purchase", &["lead-based"], "year_built", "lt", "1978"),
    (
        "new construction",
        &[
            "loan",
            "lender",
            "apprais",
            "financ",
            "mortgage",
            "closing disclosure",
        ],
        "financing_type",
        "neq",
        "cash",
    ),
    (
        "listing",
        &["loan", "lender", "apprais", "financ", "mortgage"],
        "financing_type",
        "neq",
        "cash",
    ),
    ("listing", &["hoa"], "hoa", "eq", "true"),
    ("listing", &["repair"], "repairs_requested", "eq", "true"),
    ("listing", &["lead-based"], "year_built", "lt", "1978"),
    (
        "refinance",
        &["rescission", "rescind"],
        "occupancy",
        "eq",
        "primary_residence",
    ),
    (
        "refinance",
        &["receive the appraisal", "documents and appraisal"],
        "appraisal_waived",
        "neq",
        "true",
    ),
];

fn value(text: &str) -> FactValue {
    match text {
        "true" => true.into(),
        "1978" => 1978.into(),
        word => word.into(),
    }
}

fn claim(condition: (&str, &str, &str)) -> Condition {
    let (field, operator, word) = condition;
    Condition {
        field: field.to_owned(),
        operator: Operator::parse(operator).unwrap(),
        value: value(word),
    }
}

/// Every combination of what can make a difference: each fact absent, each word that is known, one more, either flag,
/// and a number below, at and above each that is compared with.
fn combinations(template: &Template) -> Vec<Facts> {
    let mut choices: BTreeMap<String, Vec<Option<FactValue>>> = BTreeMap::new();
    for (fact, kinds) in template.fact_kinds() {
        let of_fact = choices.entry(fact.to_owned()).or_default();
        of_fact.push(None);
        for kind in kinds {
            match kind {
                FactKind::Flag => of_fact.extend([Some(true.into()), Some(false.into())]),
                FactKind::Text => of_fact.push(Some("something else".into())),
                FactKind::Number => {}
            }
        }
    }
    for condition in template.conditions() {
        let of_fact = choices.entry(condition.field.clone()).or_default();
        match &condition.value {
            FactValue::Number(number) => {
                let around = [-1, 0, 1]
                    .map(|step| FactValue::Number(*number + rust_decimal::Decimal::from(step)));
                of_fact.extend(around.map(Some));
            }
            FactValue::Text(_) | FactValue::Flag(_) => of_fact.push(Some(condition.value.clone())),
        }
    }
    let mut all = vec![Facts::new()];
    for (fact, mut of_fact) in choices {
        let mut seen = Vec::new();
        of_fact.retain(|choice| {
            let is_new = !seen.contains(choice);
            seen.push(choice.clone());
            is_new
        });
        all = all
            .iter()
            .flat_map(|facts| {
                of_fact.iter().map(|choice| {
                    let mut facts = facts.clone();
                    if let Some(value) = choice {
                        facts.insert(fact.clone(), value.clone());
                    }
                    facts
                })
            })
            .collect();
    }
    all
}

fn in_force(facts: &Facts, template: &Template) -> crate::cascade::PlannedDates {
    compute(template, &running(facts, template), &Calendars::standard())
}

/// Every anchor a month after the one before, on business days.
fn running(facts: &Facts, template: &Template) -> Circumstances {
    let first = date!(2026 - 03 - 02);
    let anchors = template.anchors.iter().zip(0..);
    Circumstances {
        facts: facts.clone(),
        anchors: anchors
            .map(|(anchor, n)| (anchor.key.clone(), first + Duration::days(28 * n)))
            .collect(),
        ..Circumstances::default()
    }
}

/// Every title that somebody reads in a plan with these facts, in lower case.
fn titles(facts: &Facts, template: &Template) -> BTreeSet<String> {
    let planned = in_force(facts, template);
    let of_milestones = template
        .milestones
        .iter()
        .flat_map(|milestone| std::iter::once(&milestone.title).chain(&milestone.client_title));
    let of_dates = planned
        .key_dates
        .iter()
        .filter(|date| date.state != KeyDateState::NotApplicable)
        .map(|date| &date.title);
    let of_tasks = planned.tasks.iter().map(|task| &task.title);
    let all = of_milestones.chain(of_dates).chain(of_tasks);
    all.map(|title| title.to_lowercase())
        .chain([template.name.to_lowercase()])
        .collect()
}

#[test]
fn a_title_claims_nothing_that_the_facts_do_not_say() {
    for (name, _) in SHIPPED {
        let template = shipped(name);
        let mut checked = 0;
        for facts in combinations(&template) {
            let titles = titles(&facts, &template);
            for (of, words, field, operator, word) in CLAIMS {
                if *of != name || claim((field, operator, word)).holds(&facts) {
                    continue;
                }
                for title in &titles {
                    let is_claim = words.iter().any(|word| title.contains(word));
                    assert!(!is_claim, "{name}: {title:?} with {facts:?}");
                    checked += 1;
                }
            }
        }
        assert!(checked > 0, "{name}");
    }
}

#[test]
fn every_shipped_template_gives_every_date_for_every_set_of_facts() {
    for (name, _) in SHIPPED {
        let template = shipped(name);
        for facts in combinations(&template) {
            let planned = in_force(&facts, &template);
            for date in &planned.key_dates {
                let has_date = date.date.is_some();
                assert_eq!(
                    has_date,
                    date.state != KeyDateState::NotApplicable,
                    "{name}: {} with {facts:?}",
                    date.key
                );
            }
            for task in &planned.tasks {
                assert!(
                    task.due.is_some(),
                    "{name}: {} has no date with {facts:?}",
                    task.key
                );
                assert!(
                    task.depends_on
                        .iter()
                        .all(|key| planned.task(key).is_some()),
                    "{name}: {} waits for what is not there",
                    task.key
                );
            }
            let is_error = |violation: &crate::cascade::Violation| {
                violation.message.contains("cannot be counted")
            };
            assert!(
                !planned.violations.iter().any(is_error),
                "{name}: {:?}",
                planned.violations
            );
        }
    }
}

#[test]
fn every_shipped_template_is_complete() {
    for (name, _) in SHIPPED {
        let template = shipped(name);
        assert!(template.reso_transaction_type.is_some(), "{name}");
        assert!(
            template
                .milestones
                .iter()
                .all(|milestone| milestone.client_title.is_some()),
            "{name}"
        );
        let visible = template
            .dates
            .iter()
            .filter(|date| date.buyer_visible)
            .count();
        assert!(
            visible * 2 > template.dates.len(),
            "{name}: {visible} dates for the client"
        );
        let own = template
            .tasks
            .iter()
            .filter(|task| task.role == template.client_role);
        assert!(
            own.into_iter().all(|task| task.buyer_visible),
            "{name}: the client sees its own tasks"
        );
        let closes = template
            .anchors
            .iter()
            .any(|anchor| anchor.needs_business_day.is_some());
        assert!(closes, "{name}: a day on which it is closed or signed");
        let asked: BTreeSet<&str> = template
            .conditions()
            .filter(|condition| condition.value.kind() == FactKind::Text)
            .map(|condition| condition.field.as_str())
            .collect();
        let declared: BTreeSet<&str> = template
            .facts
            .iter()
            .map(|fact| fact.key.as_str())
            .collect();
        assert_eq!(
            asked, declared,
            "{name}: the words of each fact are declared"
        );
        for fact in &template.facts {
            for word in &fact.values {
                let facts = Facts::from([(fact.key.clone(), word.as_str().into())]);
                assert_eq!(template.unknown_words(&facts), [], "{name}");
            }
        }
    }
}

#[test]
fn a_task_of_the_client_is_seen_by_the_client_unless_it_says_otherwise() {
    let seen = |replace: &[(&str, &str)]| parse(&small(replace)).unwrap().tasks[0].buyer_visible;
    assert!(seen(&[]));
    assert!(!seen(&[(
        "    kind: do",
        "    kind: do\n    buyer_visible: false"
    )]));
    let other = parse(&small(&[])).unwrap().tasks[1].buyer_visible;
    assert!(!other);
}

#[test]
fn the_profile_says_on_which_days_a_deal_can_be_closed() {
    let anchor = |profile: &str| {
        let profile = format!("side: buyer\ncounting_profile: {profile}");
        let source = small(&[
            ("side: buyer", &profile),
            ("required: true", "required: true, reso: CloseDate"),
        ]);
        parse(&source).unwrap().anchors[0]
            .needs_business_day
            .clone()
    };
    assert_eq!(anchor("us_generic").as_deref(), Some("federal"));
    assert_eq!(
        anchor("us_federal_lending").as_deref(),
        Some("reg_z_specific")
    );
    assert_eq!(
        parse(&small(&[])).unwrap().anchors[0].needs_business_day,
        None
    );
}

#[test]
fn an_anchor_may_be_revocable() {
    let listing = shipped("listing");
    let revocable = listing.anchors.iter().filter(|anchor| anchor.revocable);
    let keys: Vec<&str> = revocable.map(|anchor| anchor.key.as_str()).collect();
    assert_eq!(keys, ["effective_date", "closing_date"]);
    assert!(
        !shipped("purchase")
            .anchors
            .iter()
            .any(|anchor| anchor.revocable)
    );
}
