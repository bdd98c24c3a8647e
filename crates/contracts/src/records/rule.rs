//! Due rules as JSON: `{anchor, anchorKind, offsetDays, calendar, businessCalendar, roll}`.
//!
//! A rule counts from a key date, or from the completion of a task: then `anchorKind` is `TASK`. Separate
//! rolls for weekends and holidays are an object with both. What is read may be written back.

use domain::{
    calendar::{Calendars, FEDERAL},
    dates::{Counting, DayCount, Direction, OFFSET_DAYS_MAX, Roll},
    rejection::{FieldError, Rejection},
    template::{Rule, RuleAnchor},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::field::Malformed;

/// A due rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DueRule {
    /// The key of a key date, or of a task from whose completion is counted.
    #[schema(example = "closing_date")]
    pub anchor: String,
    /// TASK where it counts from the completion of a task, which is named by its key, or by its id if it has none;
    /// KEY_DATE where from a key date. Without it a key date is looked for first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "KEY_DATE", pattern = "^(KEY_DATE|TASK)$")]
    pub anchor_kind: Option<String>,
    /// Days after the anchor; negative for before.
    #[schema(example = -3, minimum = -3660, maximum = 3660)]
    pub offset_days: i32,
    /// CALENDAR or BUSINESS.
    #[schema(example = "BUSINESS", pattern = "^(CALENDAR|BUSINESS)$")]
    pub calendar: String,
    /// Whose days off are left out: `federal` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_calendar: Option<String>,
    /// NONE (default), NEXT or PREVIOUS: where a date goes that is no business day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roll: Option<RollRule>,
}

/// Where a date goes that is no business day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RollRule {
    /// NONE, NEXT or PREVIOUS.
    Both(String),
    /// One for weekends and one for holidays.
    Apart(RollsApart),
}

/// Where a date goes that is on a weekend, or on a holiday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollsApart {
    /// NONE, NEXT or PREVIOUS.
    #[schema(pattern = "^(NONE|NEXT|PREVIOUS)$")]
    pub weekend: String,
    /// NONE, NEXT or PREVIOUS.
    #[schema(pattern = "^(NONE|NEXT|PREVIOUS)$")]
    pub holiday: String,
}

/// The `anchorKind` of a rule that counts from a key date.
const KEY_DATE: &str = "KEY_DATE";
/// The `anchorKind` of a rule that counts from the completion of a task.
const TASK: &str = "TASK";

impl DueRule {
    /// The rule as clients write it.
    pub fn of(rule: &Rule) -> Self {
        let Roll { weekend, holiday } = rule.counting.roll;
        Self {
            anchor: rule.anchor.key().to_owned(),
            anchor_kind: match &rule.anchor {
                RuleAnchor::KeyDate(_) => None,
                RuleAnchor::Completion(_) => Some(TASK.to_owned()),
            },
            offset_days: rule.counting.offset_days,
            calendar: rule.counting.day_count.as_str().to_owned(),
            business_calendar: Some(rule.counting.business_calendar.clone()),
            roll: Some(if weekend == holiday {
                RollRule::Both(weekend.as_str().to_owned())
            } else {
                RollRule::Apart(RollsApart {
                    weekend: weekend.as_str().to_owned(),
                    holiday: holiday.as_str().to_owned(),
                })
            }),
        }
    }

    /// What was stored as [`DueRule::of`] wrote it.
    pub fn restore(&self) -> Result<Rule, Malformed> {
        let is_of_task = self.anchor_kind.as_deref() == Some(TASK);
        let malformed = |_| Malformed::new("dueRule", format!("not a rule: {self:?}"));
        Ok(Rule {
            anchor: if is_of_task {
                RuleAnchor::Completion(self.anchor.clone())
            } else {
                RuleAnchor::KeyDate(self.anchor.clone())
            },
            counting: self.counting().map_err(malformed)?,
        })
    }

    /// Whether this says what the rule says. One that does not say what sort of anchor it names says so by the name.
    pub fn says(&self, rule: &Rule) -> bool {
        let is_of_kind = match (&rule.anchor, self.anchor_kind.as_deref()) {
            (_, None) | (RuleAnchor::KeyDate(_), Some(KEY_DATE)) => true,
            (RuleAnchor::Completion(_), Some(kind)) => kind == TASK,
            (RuleAnchor::KeyDate(_), Some(_)) => false,
        };
        let counting = self.counting();
        is_of_kind
            && self.anchor == rule.anchor.key()
            && counting.is_ok_and(|counting| counting == rule.counting)
    }

    /// The rule of the domain, counting from whatever `find` finds under the anchor's name: a key date (`true`) or the
    /// completion of a task (`false`). `UNKNOWN_REFERENCE` of `dueRule.anchor` if that is nothing.
    pub fn parse(&self, find: impl Fn(&str, bool) -> bool) -> Result<Rule, Rejection> {
        let counting = self.counting()?;
        let may_be = |kind: &str| {
            self.anchor_kind
                .as_deref()
                .is_none_or(|given| given == kind)
        };
        let anchor = if may_be(KEY_DATE) && find(&self.anchor, true) {
            RuleAnchor::KeyDate(self.anchor.clone())
        } else if may_be(TASK) && find(&self.anchor, false) {
            RuleAnchor::Completion(self.anchor.clone())
        } else {
            return Err(Rejection::UnknownReference {
                field: "dueRule.anchor".to_owned(),
            });
        };
        Ok(Rule { anchor, counting })
    }

    /// What it counts, whatever it counts from. Rejections: of `dueRule.<field>`.
    pub fn counting(&self) -> Result<Counting, Rejection> {
        let mut errors = Vec::new();
        let day_count = DayCount::parse(&self.calendar)
            .filter(|count| count.as_str() == self.calendar)
            .unwrap_or_else(|| {
                errors.push(one_of("dueRule.calendar", "CALENDAR or BUSINESS"));
                DayCount::Calendar
            });
        if !(-OFFSET_DAYS_MAX..=OFFSET_DAYS_MAX).contains(&self.offset_days) {
            errors.push(FieldError::new(
                "dueRule.offsetDays",
                "range",
                format!("dueRule.offsetDays is at most {OFFSET_DAYS_MAX} days either way"),
            ));
        }
        let business_calendar = self.business_calendar.as_deref().unwrap_or(FEDERAL);
        if Calendars::standard().get(business_calendar).is_none() {
            errors.push(one_of("dueRule.businessCalendar", "a known calendar"));
        }
        let mut toward = |field: &'static str, text: &str| {
            direction(text).unwrap_or_else(|| {
                errors.push(one_of(field, "NONE, NEXT or PREVIOUS"));
                Direction::Stay
            })
        };
        let roll = match &self.roll {
            None => Roll::NONE,
            Some(RollRule::Both(both)) => Roll::both(toward("dueRule.roll", both)),
            Some(RollRule::Apart(apart)) => Roll {
                weekend: toward("dueRule.roll.weekend", &apart.weekend),
                holiday: toward("dueRule.roll.holiday", &apart.holiday),
            },
        };
        let kind = self.anchor_kind.as_deref();
        if kind.is_some_and(|kind| kind != KEY_DATE && kind != TASK) {
            errors.push(one_of("dueRule.anchorKind", "KEY_DATE or TASK"));
        }
        if !errors.is_empty() {
            return Err(Rejection::Validation { errors });
        }
        Ok(Counting {
            offset_days: self.offset_days,
            day_count,
            business_calendar: business_calendar.to_owned(),
            roll,
        })
    }
}

fn direction(text: &str) -> Option<Direction> {
    [Direction::Stay, Direction::Next, Direction::Previous]
        .into_iter()
        .find(|direction| direction.as_str() == text)
}

fn one_of(field: &str, words: &str) -> FieldError {
    FieldError::new(field, "one_of", format!("{field} is {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_survive_being_written_and_read() {
        let rolls = [
            Roll::NONE,
            Roll::NEXT,
            Roll {
                weekend: Direction::Previous,
                holiday: Direction::Next,
            },
        ];
        let anchors = [
            RuleAnchor::KeyDate("closing_date".to_owned()),
            RuleAnchor::Completion("open_escrow".to_owned()),
        ];
        for roll in rolls {
            for anchor in anchors.clone() {
                let rule = Rule {
                    anchor,
                    counting: Counting::business_days(-3, "reg_z_specific").rolled(roll),
                };
                let written = DueRule::of(&rule);
                let stored = serde_json::to_value(&written).unwrap();
                let read: DueRule = serde_json::from_value(stored).unwrap();
                assert_eq!(read.restore(), Ok(rule.clone()));
                assert!(written.says(&rule), "{written:?}");
                let read = written
                    .parse(|_, is_date| is_date == matches!(rule.anchor, RuleAnchor::KeyDate(_)));
                assert_eq!(read, Ok(rule));
            }
        }
    }

    #[test]
    fn a_rule_reaches_ten_years_either_way_and_no_further() {
        for (offset_days, is_taken) in [
            (-3_661, false),
            (-3_660, true),
            (3_660, true),
            (3_661, false),
        ] {
            let rule = DueRule::of(&Rule {
                anchor: RuleAnchor::KeyDate("closing_date".to_owned()),
                counting: Counting::calendar_days(offset_days),
            });
            let wrong: Vec<(String, String)> = match rule.counting() {
                Ok(_) => Vec::new(),
                Err(Rejection::Validation { errors }) => errors
                    .into_iter()
                    .map(|error| (error.field, error.constraint))
                    .collect(),
                Err(other) => panic!("{other:?}"),
            };
            let refused = [("dueRule.offsetDays".to_owned(), "range".to_owned())];
            let expected: &[(String, String)] = if is_taken { &[] } else { &refused };
            assert_eq!(wrong, expected, "{offset_days} days");
        }
    }
}
