//! The plan that a template would give a new deal, in the template's keys. Writes nothing.

use std::collections::BTreeMap;

use contracts::field::date_text;
use domain::{
    cascade::{Circumstances, DateHold, DateInputs, HeldDate, KeyDate, PlannedTask, compute},
    milestone::{TaskCounts, states},
    rejection::Rejection,
    task::{Deadlines, Due, Moment, NewTask, Task, TaskEdit},
    template::{Facts, Template},
    zone::Zone,
};
use platform::{db::Tx, error::Result, http::Body};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    deal_plan::{PlanMilestone, PlanTask},
    key_dates::{KeyDateView, ViolationView},
};
use crate::{
    planning::{
        facts_of, first_of_each_part, parse_dates, require_known_dates, require_known_facts,
        spelled,
    },
    repository::{holidays, templates},
    services::PartyInput,
    sight::Sight,
};

/// The deal to be.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewPlan {
    template_key: String,
    /// The type of a new deal, which must be the template's.
    deal_type: Option<String>,
    #[serde(default)]
    facts: Map<String, Value>,
    #[serde(default)]
    key_dates: BTreeMap<String, Option<String>>,
    time_zone: Option<String>,
    /// With logins that deal-service has looked up.
    #[serde(default)]
    parties: Vec<PartyInput>,
}

impl Body for PreviewPlan {}

/// The plan to be. Ids are the template's keys.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanPreview {
    template_id: Uuid,
    template_key: String,
    template_version: i32,
    /// The facts as they are to be stored.
    facts: Map<String, Value>,
    /// Required anchors without a date.
    missing_anchors: Vec<String>,
    key_dates: Vec<KeyDateView>,
    milestones: Vec<PlanMilestone>,
    /// Tasks and dates that do not apply.
    dropped: Vec<String>,
    violations: Vec<ViolationView>,
}

/// Computes the plan. Rejections: of `templateKey`, `facts.<name>`, `keyDates.<key>` and `timeZone`.
pub(crate) async fn run(tx: &Tx, command: &PreviewPlan) -> Result<PlanPreview> {
    let stored = templates::find_by_key(tx, &command.template_key).await?;
    let stored = stored.ok_or_else(|| {
        let message = "templateKey is not a published template";
        Rejection::field("templateKey", "unknown", message)
    })?;
    let template = stored.parsed(tx).await?;
    require_type(&template, command.deal_type.as_deref())?;
    let facts = facts_of(&command.facts)?;
    require_known_facts(&template, &facts)?;
    let facts = template.spelled(&facts);
    let spelled = spelled(&command.facts, &facts);
    let inputs = parse_dates(&command.key_dates)?;
    require_known_dates(&template, &inputs)?;
    let zone = command
        .time_zone
        .as_deref()
        .unwrap_or(&tx.actor().time_zone);
    let zone = Zone::parse(zone).map_err(|_| {
        Rejection::field(
            "timeZone",
            "time_zone",
            "timeZone must be an IANA time zone",
        )
    })?;

    let circumstances = circumstances(&template, facts, inputs);
    let holidays = holidays::of_organization(tx).await?;
    let planned = compute(&template, &circumstances, holidays.calendars());
    let moment = Moment {
        now: tx.now(),
        zone: &zone,
        deadlines: Deadlines::Running,
    };
    // Every user may see the deals it is a party of, so each of these will have its tasks.
    let assignees = first_of_each_part(&command.parties, |_| true);
    let mut tasks = Vec::with_capacity(planned.tasks.len());
    for task in &planned.tasks {
        if let Some(rule) = template.task(&task.key) {
            let assignee_id = assignees.get(&rule.role).copied();
            tasks.push((rule, task, new_task(task, rule, assignee_id, &moment)?));
        }
    }
    let its = |key: &str| {
        let key = key.to_owned();
        tasks
            .iter()
            .filter(move |(rule, _, _)| rule.milestone == key)
    };
    let counts: Vec<TaskCounts> = template
        .milestones
        .iter()
        .map(|milestone| {
            its(&milestone.key).fold(TaskCounts::default(), |counts, (_, _, task)| {
                counts.and(task)
            })
        })
        .collect();
    let milestones = template.milestones.iter().zip(states(&counts));
    Ok(PlanPreview {
        template_id: stored.id,
        template_key: stored.key.clone(),
        template_version: stored.template_version,
        facts: spelled,
        missing_anchors: template
            .required_anchors()
            .filter(|key| !circumstances.anchors.contains_key(*key))
            .map(str::to_owned)
            .collect(),
        key_dates: planned
            .key_dates
            .iter()
            .map(|date| KeyDateView::of(&KeyDate::of(date), Uuid::nil(), &Sight::All))
            .collect(),
        milestones: milestones
            .map(|(milestone, state)| PlanMilestone {
                id: milestone.key.clone(),
                key: Some(milestone.key.clone()),
                title: milestone.title.clone(),
                buyer_title: milestone.client_title.clone(),
                state: state.as_str(),
                tasks: its(&milestone.key)
                    .map(|(rule, planned, task)| plan_task(rule, planned, task))
                    .collect(),
            })
            .collect(),
        dropped: planned.dropped().map(str::to_owned).collect(),
        violations: planned.violations.iter().map(ViolationView::from).collect(),
    })
}

fn require_type(template: &Template, deal_type: Option<&str>) -> Result<(), Rejection> {
    let of_template = template.deal_type.as_str();
    if deal_type.is_none_or(|deal_type| deal_type == of_template) {
        return Ok(());
    }
    let message = format!("templateKey is a template for deals of the type {of_template}");
    Err(Rejection::field("templateKey", "deal_type", message))
}

fn circumstances(template: &Template, facts: Facts, inputs: DateInputs) -> Circumstances {
    let mut circumstances = Circumstances {
        facts,
        ..Circumstances::default()
    };
    for (key, date) in inputs {
        match date {
            Some(date) if template.anchor(&key).is_some() => {
                circumstances.anchors.insert(key, date);
            }
            Some(date) => {
                let held = HeldDate {
                    date: Some(date),
                    why: DateHold::Pinned,
                };
                circumstances.held_dates.insert(key, held);
            }
            None => {}
        }
    }
    circumstances
}

fn new_task(
    planned: &PlannedTask,
    rule: &domain::template::TaskRule,
    assignee_id: Option<Uuid>,
    moment: &Moment<'_>,
) -> Result<Task, Rejection> {
    let new = NewTask {
        id: Uuid::nil(),
        deal_id: Uuid::nil(),
        key: Some(planned.key.clone()),
        fields: TaskEdit {
            title: rule.title.clone(),
            description: rule.description.clone(),
            milestone_id: None,
            owner_role: Some(rule.role),
            buyer_visible: rule.buyer_visible,
        },
        due: planned.due.map(|date| Due {
            date,
            time_of_day: planned.time_of_day,
        }),
        required: rule.required,
        assignee_id,
        open_dependencies: u32::try_from(planned.depends_on.len()).unwrap_or(u32::MAX),
    };
    Ok(Task::create(new, moment)?.task)
}

fn plan_task(rule: &domain::template::TaskRule, planned: &PlannedTask, task: &Task) -> PlanTask {
    PlanTask {
        id: rule.key.clone(),
        key: Some(rule.key.clone()),
        title: rule.title.clone(),
        status: task.status.as_str(),
        owner_role: Some(rule.role.as_str()),
        assignee_id: task.facts.assignee_id,
        due_date: planned.due.map(date_text),
        projected: task.is_blocked() && task.due.is_some(),
        critical: rule.critical,
        buyer_visible: rule.buyer_visible,
        depends_on: planned.depends_on.iter().cloned().collect(),
    }
}
