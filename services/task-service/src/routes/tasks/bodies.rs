//! Tasks as clients write them, read and checked.

use contracts::{field, records::DueRule};
use domain::{party::PartyRole, rejection::Rejection, task::StoredTask};
use platform::{
    error::Result,
    http::{Body, merge_patch::MergePatch, openapi::words::PartyRoleWord, validate::Fields},
};
use serde::{Deserialize, Serialize};
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::commands::create_task::{CreateTask, DueInput, TaskFields};

/// Most tasks that a new one may wait for.
const DEPENDS_ON_MAX: usize = 100;

/// A new task.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateTaskBody {
    deal_id: Uuid,
    #[schema(max_length = 200)]
    title: String,
    #[schema(max_length = 10000)]
    description: Option<String>,
    milestone_id: Option<Uuid>,
    /// The part that owns it, such as `buyer_agent`.
    #[schema(value_type = Option<PartyRoleWord>)]
    owner_role: Option<String>,
    assignee_id: Option<Uuid>,
    /// `YYYY-MM-DD`; not together with `dueRule`.
    #[schema(format = "date")]
    due_date: Option<String>,
    due_rule: Option<DueRule>,
    /// The tasks it waits for.
    #[serde(default)]
    #[schema(max_items = 100)]
    depends_on: Vec<Uuid>,
    #[serde(default)]
    buyer_visible: bool,
}

impl Body for CreateTaskBody {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

/// The writable fields of a task.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskBody {
    #[schema(max_length = 200)]
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10000)]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milestone_id: Option<Uuid>,
    /// The part that owns it, such as `buyer_agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PartyRoleWord>)]
    owner_role: Option<String>,
    /// `YYYY-MM-DD`; a date set here no longer follows a rule. Not together with `dueRule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    due_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_rule: Option<DueRule>,
    #[serde(default)]
    buyer_visible: bool,
    /// The version that this replaces, unless `If-Match` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<i64>,
}

impl Body for TaskBody {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

impl CreateTaskBody {
    pub(super) fn read(&self) -> Result<CreateTask, Rejection> {
        let mut fields = Fields::new();
        fields.at_most("dependsOn", self.depends_on.len(), DEPENDS_ON_MAX);
        let fields = read_fields(
            fields,
            TaskParts {
                title: &self.title,
                description: self.description.as_deref(),
                milestone_id: self.milestone_id,
                owner_role: self.owner_role.as_deref(),
                due_date: self.due_date.as_deref(),
                due_rule: self.due_rule.as_ref(),
                buyer_visible: self.buyer_visible,
            },
        )?;
        Ok(CreateTask {
            deal_id: self.deal_id,
            fields,
            assignee_id: self.assignee_id,
            depends_on: self.depends_on.clone(),
        })
    }
}

impl TaskBody {
    pub(super) fn read(&self) -> Result<TaskFields, Rejection> {
        read_fields(
            Fields::new(),
            TaskParts {
                title: &self.title,
                description: self.description.as_deref(),
                milestone_id: self.milestone_id,
                owner_role: self.owner_role.as_deref(),
                due_date: self.due_date.as_deref(),
                due_rule: self.due_rule.as_ref(),
                buyer_visible: self.buyer_visible,
            },
        )
    }

    /// The fields of the task with a patch applied. One that names neither a date nor a rule leaves both; one that
    /// names either clears the other.
    pub(super) fn patched(stored: &StoredTask, patch: &MergePatch) -> Result<TaskFields> {
        let task = &stored.task;
        let (date, rule) = (patch.raw().get("dueDate"), patch.raw().get("dueRule"));
        let body: Self = patch.apply(&Self {
            title: task.title.clone(),
            description: task.description.clone(),
            milestone_id: task.milestone_id,
            owner_role: task.owner_role.map(|role| role.as_str().to_owned()),
            due_date: None,
            due_rule: rule.and_then(|patch| present_rule(stored, patch)),
            buyer_visible: task.buyer_visible,
            version: None,
        })?;
        let fields = body.read()?;
        Ok(match (date, rule) {
            (None, None) => TaskFields {
                due: DueInput::Keep,
                ..fields
            },
            _ => fields,
        })
    }

    /// Whether it gives the task a rule.
    pub(super) fn gives_rule(&self) -> bool {
        self.due_rule.is_some()
    }
}

/// The rule that a patch changes. A patch that names another anchor says itself of what sort that is.
fn present_rule(stored: &StoredTask, patch: &serde_json::Value) -> Option<DueRule> {
    let mut rule = DueRule::of(stored.details.due_rule.as_ref()?);
    if patch.get("anchor").is_some() {
        rule.anchor_kind = None;
    }
    Some(rule)
}

struct TaskParts<'a> {
    title: &'a str,
    description: Option<&'a str>,
    milestone_id: Option<Uuid>,
    owner_role: Option<&'a str>,
    due_date: Option<&'a str>,
    due_rule: Option<&'a DueRule>,
    buyer_visible: bool,
}

fn read_fields(mut fields: Fields, parts: TaskParts<'_>) -> Result<TaskFields, Rejection> {
    fields.text("title", parts.title, 1..=domain::text::TITLE_LENGTH_MAX);
    if let Some(description) = parts.description {
        fields.prose(
            "description",
            description,
            0..=domain::text::DESCRIPTION_LENGTH_MAX,
        );
    }
    let owner_role = parts.owner_role.map(PartyRole::parse);
    fields.check(
        owner_role != Some(None),
        "ownerRole",
        "one_of",
        "must be a part in a deal, such as buyer_agent",
    );
    fields.check(
        parts.due_date.is_none() || parts.due_rule.is_none(),
        "dueRule",
        "exclusive",
        "cannot stand beside dueDate",
    );
    let due_date = read_date(&mut fields, "dueDate", parts.due_date);
    fields.finish()?;
    if let Some(rule) = parts.due_rule {
        rule.counting()?;
    }
    Ok(TaskFields {
        title: parts.title.to_owned(),
        description: parts.description.map(str::to_owned),
        milestone_id: parts.milestone_id,
        owner_role: owner_role.flatten(),
        due: match (due_date, parts.due_rule) {
            (_, Some(rule)) => DueInput::Rule(rule.clone()),
            (Some(date), None) => DueInput::On(date),
            (None, None) => DueInput::Never,
        },
        buyer_visible: parts.buyer_visible,
    })
}

/// Reads a date; a problem with it is noted.
fn read_date(fields: &mut Fields, field: &str, text: Option<&str>) -> Option<Date> {
    let parsed = field::date("date", text?);
    fields.check(
        parsed.is_ok(),
        field,
        "format",
        "must be a date, YYYY-MM-DD",
    );
    let date = parsed.ok();
    let countable = date.is_none_or(domain::dates::is_countable);
    fields.check(
        countable,
        field,
        "range",
        "lies outside the years that can be counted",
    );
    date
}

/// A date that may be left out; a wrong one is refused by this field.
pub(in crate::routes) fn optional_date(
    field: &str,
    text: Option<&str>,
) -> Result<Option<Date>, Rejection> {
    let mut fields = Fields::new();
    let date = read_date(&mut fields, field, text);
    fields.finish()?;
    Ok(date)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_task_waits_for_at_most_a_hundred_others() {
        let checked = |count: usize| {
            let others: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(count).collect();
            let body = json!({"dealId": Uuid::now_v7(), "title": "Sign", "dependsOn": others});
            let body: CreateTaskBody = serde_json::from_value(body).unwrap();
            body.check()
        };
        assert_eq!(checked(100), Ok(()));
        let Err(Rejection::Validation { errors }) = checked(101) else {
            panic!("more are refused");
        };
        let refused: Vec<_> = errors
            .iter()
            .map(|error| (error.field.as_str(), error.constraint.as_str()))
            .collect();
        assert_eq!(refused, [("dependsOn", "max_items")]);
    }
}
