//! What a task keeps of its template beside its own columns, as it is stored and recorded.

use domain::{
    dates::{Counting, DayCount, Roll},
    party::PartyRole,
    plan::Lag,
    template::{DocumentRule, EmailTemplate, Instance, Recurrence, Series, TaskEmail, TaskFields},
};
use serde::{Deserialize, Serialize};

use crate::{field::Malformed, text};

/// [`TaskFields`] as JSON; what a task does not have is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskFieldsRecord {
    /// Whether dates or further work follow from its end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub follow_up: bool,
    /// The document that it needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentRecord>,
    /// Waiting times after some of the tasks it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lags: Vec<LagRecord>,
    /// The series that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<SeriesRecord>,
    /// The e-mail that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailRecord>,
    /// The key of a date before which it should not start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// The key of the anchor whose date, once set, makes it pointless.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_when_set: Option<String>,
    /// The key of the anchor whose date its completion fixes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sets_anchor: Option<String>,
}

/// A document that a task needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentRecord {
    /// Its type.
    pub r#type: String,
    /// Whether the task should not be completed without it.
    pub required: bool,
    /// Who reviews it.
    #[serde(with = "text::party_role::option")]
    pub review: Option<PartyRole>,
}

/// A waiting time after another task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LagRecord {
    /// The key of the other task.
    pub after: String,
    /// How many days.
    pub offset_days: i32,
    /// CALENDAR or BUSINESS.
    pub calendar: String,
    /// Whose days off are left out.
    pub business_calendar: String,
}

/// Repeating work, and where a task is in it. The first of a series, which the template has itself, has no `first`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesRecord {
    /// Days from one due date to the next.
    pub every_days: u32,
    /// The key of the date with which it ends.
    pub until: String,
    /// The key of the template's task that it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Its number in the series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u64>,
    /// Calendar days from what the rule of the first says to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_after: Option<i64>,
}

/// The e-mail that goes with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailRecord {
    /// Which one.
    #[serde(with = "text::email_template")]
    pub template: EmailTemplate,
    /// The part of the client.
    #[serde(with = "text::party_role")]
    pub client: PartyRole,
}

impl TaskFieldsRecord {
    /// The fields as they are stored.
    pub fn of(fields: &TaskFields) -> Self {
        Self {
            follow_up: fields.follow_up,
            document: fields.document.as_ref().map(|document| DocumentRecord {
                r#type: document.kind.clone(),
                required: document.required,
                review: document.review,
            }),
            lags: fields.lags.iter().map(LagRecord::of).collect(),
            recurrence: fields.series.as_ref().map(SeriesRecord::of),
            email: fields.email.map(|email| EmailRecord {
                template: email.template,
                client: email.client,
            }),
            not_before: fields.not_before.clone(),
            cancel_when_set: fields.cancel_when_set.clone(),
            sets_anchor: fields.sets_anchor.clone(),
        }
    }

    /// What was stored.
    pub fn restore(self) -> Result<TaskFields, Malformed> {
        let lags: Result<Vec<_>, _> = self.lags.into_iter().map(LagRecord::restore).collect();
        Ok(TaskFields {
            follow_up: self.follow_up,
            document: self.document.map(|document| DocumentRule {
                kind: document.r#type,
                required: document.required,
                review: document.review,
            }),
            lags: lags?,
            series: self.recurrence.map(SeriesRecord::restore),
            email: self.email.map(|email| TaskEmail {
                template: email.template,
                client: email.client,
            }),
            not_before: self.not_before,
            cancel_when_set: self.cancel_when_set,
            sets_anchor: self.sets_anchor,
        })
    }
}

impl LagRecord {
    fn of(lag: &Lag<String>) -> Self {
        Self {
            after: lag.after.clone(),
            offset_days: lag.counting.offset_days,
            calendar: lag.counting.day_count.as_str().to_owned(),
            business_calendar: lag.counting.business_calendar.clone(),
        }
    }

    fn restore(self) -> Result<Lag<String>, Malformed> {
        let day_count = DayCount::parse(&self.calendar)
            .ok_or_else(|| Malformed::new("calendar", &self.calendar))?;
        Ok(Lag {
            after: self.after,
            counting: Counting {
                offset_days: self.offset_days,
                day_count,
                business_calendar: self.business_calendar,
                roll: Roll::NONE,
            },
        })
    }
}

impl SeriesRecord {
    fn of(series: &Series) -> Self {
        let instance = series.instance.as_ref();
        Self {
            every_days: series.recurrence.every_days,
            until: series.recurrence.until.clone(),
            first: instance.map(|instance| instance.first.clone()),
            instance: instance.map(|instance| instance.number),
            days_after: instance.and_then(|instance| instance.days_after),
        }
    }

    fn restore(self) -> Series {
        let number = self.instance.unwrap_or(1);
        let days_after = self.days_after;
        Series {
            recurrence: Recurrence {
                every_days: self.every_days,
                until: self.until,
            },
            instance: self.first.map(|first| Instance {
                first,
                number,
                days_after,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::dates::Counting;

    use super::*;

    #[test]
    fn fields_survive_being_stored_and_read() {
        let series = |instance| Series {
            recurrence: Recurrence {
                every_days: 7,
                until: "closing_date".to_owned(),
            },
            instance,
        };
        let instance = |days_after| Instance {
            first: "status_call".to_owned(),
            number: 3,
            days_after,
        };
        let full = TaskFields {
            follow_up: true,
            document: Some(DocumentRule {
                kind: "survey".to_owned(),
                required: true,
                review: Some(PartyRole::Broker),
            }),
            lags: vec![Lag {
                after: "send_it".to_owned(),
                counting: Counting::business_days(3, "reg_z_specific"),
            }],
            series: Some(series(Some(instance(Some(14))))),
            email: Some(TaskEmail {
                template: EmailTemplate::IntroAllParties,
                client: PartyRole::Buyer,
            }),
            not_before: Some("effective_date".to_owned()),
            cancel_when_set: Some("closing_date".to_owned()),
            sets_anchor: Some("effective_date".to_owned()),
        };
        let first = TaskFields {
            series: Some(series(None)),
            ..TaskFields::default()
        };
        let without_rule = TaskFields {
            series: Some(series(Some(instance(None)))),
            ..TaskFields::default()
        };
        for fields in [full, first, without_rule, TaskFields::default()] {
            let stored = serde_json::to_value(TaskFieldsRecord::of(&fields)).unwrap();
            let read: TaskFieldsRecord = serde_json::from_value(stored).unwrap();
            assert_eq!(read.restore(), Ok(fields));
        }
        let by_hand = TaskFieldsRecord::of(&TaskFields::default());
        assert_eq!(
            serde_json::to_value(by_hand).unwrap(),
            serde_json::json!({})
        );
    }
}
