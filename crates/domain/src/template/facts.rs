//! Facts about a deal, and the conditions that templates put on them.
//!
//! Words are compared without regard to case and surrounding blanks, and kept as the template writes them: `Cash` and
//! ` cash` are `cash`.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use rust_decimal::Decimal;

/// What is known about a deal, by name.
pub type Facts = BTreeMap<String, FactValue>;

/// The value of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactValue {
    /// A word, as the templates write it.
    Text(String),
    /// A number.
    Number(Decimal),
    /// Yes or no.
    Flag(bool),
}

/// What sort of value a fact has. Values of different sorts are never the same, so a fact of the wrong sort would
/// quietly satisfy no condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// A word.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
}

/// What to write, for people: `a word`, `a number`, `true or false`.
impl fmt::Display for FactKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Text => "a word",
            Self::Number => "a number",
            Self::Flag => "true or false",
        })
    }
}

impl FactValue {
    /// What sort of value it is.
    #[must_use]
    pub const fn kind(&self) -> FactKind {
        match self {
            Self::Text(_) => FactKind::Text,
            Self::Number(_) => FactKind::Number,
            Self::Flag(_) => FactKind::Flag,
        }
    }
}

impl From<bool> for FactValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&str> for FactValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for FactValue {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl fmt::Display for FactValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Flag(flag) => write!(formatter, "{flag}"),
        }
    }
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// The same.
    Eq,
    /// Not the same, or unknown.
    Neq,
    /// Less.
    Lt,
    /// Less or the same.
    Lte,
    /// More.
    Gt,
    /// More or the same.
    Gte,
}

impl Operator {
    /// Reads an operator as the templates write it; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "eq" => Some(Self::Eq),
            "neq" => Some(Self::Neq),
            "lt" => Some(Self::Lt),
            "lte" => Some(Self::Lte),
            "gt" => Some(Self::Gt),
            "gte" => Some(Self::Gte),
            _ => None,
        }
    }
}

/// A condition on one fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The fact's name.
    pub field: String,
    /// How it is compared.
    pub operator: Operator,
    /// What it is compared with.
    pub value: FactValue,
}

impl Condition {
    /// Whether the condition holds. An absent fact satisfies only `neq`; values of different kinds are different and
    /// have no order.
    #[must_use]
    pub fn holds(&self, facts: &Facts) -> bool {
        let Some(fact) = facts.get(&self.field) else {
            return self.operator == Operator::Neq;
        };
        match self.operator {
            Operator::Eq => is_same(fact, &self.value),
            Operator::Neq => !is_same(fact, &self.value),
            Operator::Lt => compare(fact, &self.value).is_some_and(Ordering::is_lt),
            Operator::Lte => compare(fact, &self.value).is_some_and(Ordering::is_le),
            Operator::Gt => compare(fact, &self.value).is_some_and(Ordering::is_gt),
            Operator::Gte => compare(fact, &self.value).is_some_and(Ordering::is_ge),
        }
    }
}

fn compare(fact: &FactValue, value: &FactValue) -> Option<Ordering> {
    match (fact, value) {
        (FactValue::Number(fact), FactValue::Number(value)) => Some(fact.cmp(value)),
        (FactValue::Text(fact), FactValue::Text(value)) => Some(plain(fact).cmp(&plain(value))),
        _ => None,
    }
}

fn is_same(fact: &FactValue, value: &FactValue) -> bool {
    match (fact, value) {
        (FactValue::Text(fact), FactValue::Text(value)) => plain(fact) == plain(value),
        _ => fact == value,
    }
}

/// A word as it is compared.
pub(super) fn plain(word: &str) -> String {
    word.trim().to_lowercase()
}

/// A fact with the words that a template knows for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRule {
    /// The fact's name.
    pub key: String,
    /// The words that it may have.
    pub values: Vec<String>,
}

/// A word of a deal's facts that the template does not know, so that none of its conditions was written for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// The fact's name.
    pub fact: String,
    /// What was said.
    pub word: String,
    /// The words that are known.
    pub known: BTreeSet<String>,
}

/// What to say of it.
impl fmt::Display for UnknownWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fact, word, known } = self;
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        write!(
            formatter,
            "{fact} is {word:?}, which the template does not know; it knows {}",
            known.join(", ")
        )
    }
}

/// The words of each fact that has any, by their plain form: those declared, and those that conditions compare with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Vocabulary<'t> {
    words: BTreeMap<&'t str, BTreeMap<String, &'t str>>,
}

impl<'t> Vocabulary<'t> {
    pub(super) fn of(
        declared: impl Iterator<Item = &'t FactRule>,
        conditions: impl Iterator<Item = &'t Condition>,
    ) -> Self {
        let mut words: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
        for fact in declared {
            let of_fact = words.entry(&fact.key).or_default();
            for value in &fact.values {
                of_fact.entry(plain(value)).or_insert(value);
            }
        }
        for condition in conditions {
            if let FactValue::Text(word) = &condition.value {
                let of_fact = words.entry(&condition.field).or_default();
                of_fact.entry(plain(word)).or_insert(word);
            }
        }
        Self { words }
    }

    /// The facts with their words as the template writes them.
    pub(super) fn spell(&self, facts: &Facts) -> Facts {
        let spelled = facts.iter().map(|(name, value)| {
            let value = match value {
                FactValue::Text(word) => {
                    let known = self.words.get(name.as_str());
                    let known = known.and_then(|known| known.get(&plain(word)));
                    FactValue::Text((*known.unwrap_or(&word.trim())).to_owned())
                }
                FactValue::Number(_) | FactValue::Flag(_) => value.clone(),
            };
            (name.clone(), value)
        });
        spelled.collect()
    }

    /// The words among the facts that are not known where others are.
    pub(super) fn unknown(&self, facts: &Facts) -> Vec<UnknownWord> {
        let mut unknown = Vec::new();
        for (name, value) in facts {
            if let (FactValue::Text(word), Some(known)) = (value, self.words.get(name.as_str()))
                && !known.contains_key(&plain(word))
            {
                unknown.push(UnknownWord {
                    fact: name.clone(),
                    word: word.clone(),
                    known: known.values().map(|word| (*word).to_owned()).collect(),
                });
            }
        }
        unknown
    }
}

/// Whether no facts at all could satisfy these conditions together: a field would have to be two things at once.
pub(super) fn contradict(conditions: &[Condition]) -> bool {
    conditions
        .iter()
        .filter(|condition| condition.operator == Operator::Eq)
        .any(|fixed| {
            let facts = Facts::from([(fixed.field.clone(), fixed.value.clone())]);
            conditions
                .iter()
                .any(|other| other.field == fixed.field && !other.holds(&facts))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(operator: &str, value: impl Into<FactValue>) -> Condition {
        Condition {
            field: "fact".into(),
            operator: Operator::parse(operator).unwrap(),
            value: value.into(),
        }
    }

    #[test]
    fn an_absent_fact_satisfies_only_neq() {
        for operator in ["eq", "lt", "lte", "gt", "gte"] {
            assert!(
                !condition(operator, 1978).holds(&Facts::new()),
                "{operator}"
            );
        }
        assert!(condition("neq", "cash").holds(&Facts::new()));
    }

    #[test]
    fn facts_are_compared_by_kind_and_value() {
        let year = Facts::from([("fact".into(), 1977.into())]);
        assert!(condition("lt", 1978).holds(&year) && condition("lte", 1977).holds(&year));
        assert!(!condition("gt", 1977).holds(&year) && condition("gte", 1977).holds(&year));
        assert!(
            !condition("lt", "1978").holds(&year),
            "a number is not compared with a word"
        );
        assert!(condition("neq", "1977").holds(&year));
        let flag = Facts::from([("fact".into(), true.into())]);
        assert!(condition("eq", true).holds(&flag) && !condition("lt", true).holds(&flag));
    }

    #[test]
    fn a_word_in_another_spelling_is_the_same_word() {
        for spelling in ["cash", "Cash", "CASH", " cash", "cash\t"] {
            let facts = Facts::from([("fact".into(), spelling.into())]);
            assert!(condition("eq", "cash").holds(&facts), "{spelling:?}");
            assert!(!condition("neq", "Cash").holds(&facts), "{spelling:?}");
        }
        let other = Facts::from([("fact".into(), "cash out".into())]);
        assert!(!condition("eq", "cash").holds(&other));
    }

    #[test]
    fn words_are_kept_as_the_template_writes_them() {
        let declared = [FactRule {
            key: "fact".into(),
            values: vec!["conventional".into()],
        }];
        let compared = [condition("eq", "cash")];
        let vocabulary = Vocabulary::of(declared.iter(), compared.iter());
        let spelled = |word: &str| {
            let facts = Facts::from([("fact".into(), word.into()), ("other".into(), "A ".into())]);
            vocabulary.spell(&facts)
        };
        assert_eq!(spelled(" CASH ")["fact"], "cash".into());
        assert_eq!(spelled("Conventional")["fact"], "conventional".into());
        assert_eq!(spelled(" Barter ")["fact"], "Barter".into());
        assert_eq!(spelled("cash")["other"], "A".into());
        assert_eq!(vocabulary.unknown(&spelled("Cash")), []);
        let unknown = vocabulary.unknown(&spelled("barter"));
        assert_eq!(
            unknown[0].to_string(),
            "fact is \"barter\", which the template does not know; it knows cash, conventional"
        );
        assert_eq!(unknown.len(), 1, "nothing is known of the other fact");
    }

    #[test]
    fn conditions_that_no_deal_can_meet_are_noticed() {
        assert!(contradict(&[
            condition("eq", "cash"),
            condition("neq", "cash")
        ]));
        assert!(contradict(&[
            condition("eq", "cash"),
            condition("eq", "loan")
        ]));
        assert!(!contradict(&[
            condition("neq", "cash"),
            condition("neq", "loan")
        ]));
    }
}
