//! Due rules as JSON: `{anchor, offsetDays, calendar, businessCalendar, roll}`.
//!
//! A rule counts from a key date, or from the completion of a task: then `anchorKind` is `TASK`. Separate
//! rolls for weekends and holidays are an object with both.

use domain::{
    calendar::{Calendars, FEDERAL},
    dates::{Counting, DayCount, Direction, OFFSET_DAYS_MAX, Roll},
    rejection::{FieldError, Rejection},
    template::{Rule, RuleAnchor},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A due rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DueRule {
    /// The key of a key date, or of a task from whose completion is counted.
    #[schema(example = "closing_date")]
    pub(crate) anchor: String,
    /// Days after the anchor; negative for before.
    #[schema(example = -3)]
    pub(crate) offset_days: i32,
    /// CALENDAR or BUSINESS.
    #[schema(example = "BUSINESS")]
    pub(crate) calendar: String,
    /// Whose days off are left out: `federal` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) business_calendar: Option<String>,
    /// NONE (default), NEXT or PREVIOUS: where a date goes that is no business day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) roll: Option<String>,
}

impl DueRule {
    /// The rule as clients write it. Where weekends and holidays roll apart, the holidays' direction is shown.
    pub(crate) fn of(rule: &Rule) -> Self {
        Self {
            anchor: rule.anchor.key().to_owned(),
            offset_days: rule.counting.offset_days,
            calendar: rule.counting.day_count.as_str().to_owned(),
            business_calendar: Some(rule.counting.business_calendar.clone()),
            roll: Some(rule.counting.roll.holiday.as_str().to_owned()),
        }
    }

    /// The rule of the domain, counting from whatever `kind_of` finds under the anchor's key; `UNKNOWN_REFERENCE`
    /// of `dueRule.anchor` if that is nothing.
    pub(crate) fn parse(
        &self,
        kind_of: impl FnOnce(&str) -> Option<RuleAnchor>,
    ) -> Result<Rule, Rejection> {
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
        let roll = self.roll.as_deref().unwrap_or("NONE");
        let direction = direction(roll).unwrap_or_else(|| {
            errors.push(one_of("dueRule.roll", "NONE, NEXT or PREVIOUS"));
            Direction::Stay
        });
        if !errors.is_empty() {
            return Err(Rejection::Validation { errors });
        }
        let anchor = kind_of(&self.anchor).ok_or_else(|| Rejection::UnknownReference {
            field: "dueRule.anchor".to_owned(),
        })?;
        Ok(Rule {
            anchor,
            counting: Counting {
                offset_days: self.offset_days,
                day_count,
                business_calendar: business_calendar.to_owned(),
                roll: Roll::both(direction),
            },
        })
    }
}

/// The rule as it is stored and sent.
pub(crate) fn to_json(rule: &Rule) -> Value {
    let counting = &rule.counting;
    let roll = if counting.roll.weekend == counting.roll.holiday {
        json!(counting.roll.weekend.as_str())
    } else {
        json!({
            "weekend": counting.roll.weekend.as_str(),
            "holiday": counting.roll.holiday.as_str(),
        })
    };
    let mut value = json!({
        "anchor": rule.anchor.key(),
        "offsetDays": counting.offset_days,
        "calendar": counting.day_count.as_str(),
        "businessCalendar": counting.business_calendar,
        "roll": roll,
    });
    if matches!(rule.anchor, RuleAnchor::Completion(_)) {
        value["anchorKind"] = json!("TASK");
    }
    value
}

/// Reads what [`to_json`] wrote.
pub(crate) fn from_json(value: &Value) -> Option<Rule> {
    let anchor = value["anchor"].as_str()?.to_owned();
    let anchor = match value["anchorKind"].as_str() {
        Some("TASK") => RuleAnchor::Completion(anchor),
        _ => RuleAnchor::KeyDate(anchor),
    };
    let roll = match &value["roll"] {
        Value::String(both) => Roll::both(direction(both)?),
        apart => Roll {
            weekend: direction(apart["weekend"].as_str()?)?,
            holiday: direction(apart["holiday"].as_str()?)?,
        },
    };
    Some(Rule {
        anchor,
        counting: Counting {
            offset_days: i32::try_from(value["offsetDays"].as_i64()?).ok()?,
            day_count: DayCount::parse(value["calendar"].as_str()?)?,
            business_calendar: value["businessCalendar"].as_str()?.to_owned(),
            roll,
        },
    })
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
                assert_eq!(from_json(&to_json(&rule)), Some(rule));
            }
        }
    }
}
