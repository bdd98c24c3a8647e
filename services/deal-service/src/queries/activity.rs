//! What happened in a deal, as sentences, newest first.

use std::collections::{BTreeSet, HashMap};

use contracts::field::instant_text;
use platform::{db::Tx, error::Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit_log::{self, AuditRow, Place};
use crate::words;

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActivityItem {
    #[schema(format = DateTime)]
    created_at: String,
    /// A sentence that can be read alone.
    #[schema(example = "Gus completed \"Open escrow\"")]
    text: String,
    actor: ActivityActor,
    /// The deal, party, task … that it happened to.
    entity_id: Uuid,
    entity_type: String,
    event_type: String,
}

/// Who did it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActivityActor {
    user_id: Uuid,
    name: String,
}

/// At most `limit` items behind `after`, each with its place in the log.
pub(crate) async fn run(
    tx: &Tx,
    deal_id: Uuid,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<(Place, ActivityItem)>> {
    let rows = audit_log::deal_rows(tx, deal_id, after, limit).await?;
    let people: BTreeSet<Uuid> = rows.iter().flat_map(people).collect();
    let names = audit_log::names(tx, people.into_iter().collect()).await?;
    Ok(rows
        .iter()
        .map(|row| (row.place(), item(row, &names)))
        .collect())
}

fn people(row: &AuditRow) -> Vec<Uuid> {
    let assignee = row.after()["assigneeId"].as_str();
    let assignee = assignee.and_then(|text| Uuid::try_parse(text).ok());
    [Some(row.user_id), assignee]
        .into_iter()
        .flatten()
        .collect()
}

fn item(row: &AuditRow, names: &HashMap<Uuid, String>) -> ActivityItem {
    let name = names
        .get(&row.user_id)
        .map_or("Somebody", String::as_str)
        .to_owned();
    ActivityItem {
        created_at: instant_text(row.created_at),
        text: sentence(row, &name, names),
        actor: ActivityActor {
            user_id: row.user_id,
            name,
        },
        entity_id: row.entity_id,
        entity_type: row.entity_type.clone(),
        event_type: row.event_type.clone(),
    }
}

fn sentence(row: &AuditRow, actor: &str, names: &HashMap<Uuid, String>) -> String {
    let (context, event) = row
        .event_type
        .rsplit_once('.')
        .unwrap_or(("", &row.event_type));
    match context {
        "deals.deal" => deal_sentence(event, actor, row),
        "deals.party" => party_sentence(event, actor, row),
        "tasks.task" => task_sentence(event, actor, row, names),
        "tasks.milestone" => milestone_sentence(event, row),
        "tasks.plan" => plan_sentence(event, actor, row),
        "tasks.key_dates" => key_dates_sentence(actor, row),
        "tasks.comment" => format!("{actor} wrote a comment"),
        _ => format!(
            "{actor}: {}",
            words::lower(&row.event_type.replace('.', " "))
        ),
    }
}

fn deal_sentence(event: &str, actor: &str, row: &AuditRow) -> String {
    let because = reason(&row.after()["statusReason"]);
    match event {
        "created" => format!("{actor} created the deal"),
        "updated" => format!("{actor} changed {} of the deal", changed_fields(row)),
        "activated" => format!("{actor} activated the deal"),
        "held" => format!("{actor} put the deal on hold{because}"),
        "resumed" => format!("{actor} resumed the deal"),
        "closed" => format!("{actor} closed the deal"),
        "cancelled" => format!("{actor} cancelled the deal{because}"),
        "reopened" => format!("{actor} reopened the deal{because}"),
        "deleted" => format!("{actor} deleted the draft"),
        other => format!("{actor}: deal {}", words::lower(other)),
    }
}

fn changed_fields(row: &AuditRow) -> String {
    let fields: Vec<&str> = [
        ("name", "the name"),
        ("propertyAddress", "the address"),
        ("dealType", "the type"),
        ("purchasePrice", "the purchase price"),
        ("facts", "the facts"),
    ]
    .into_iter()
    .filter(|(field, _)| row.before()[*field] != row.after()[*field])
    .map(|(_, words)| words)
    .collect();
    listed(&fields)
}

fn party_sentence(event: &str, actor: &str, row: &AuditRow) -> String {
    let party = if row.after().is_null() {
        row.before()
    } else {
        row.after()
    };
    let name = text(&party["name"]);
    let role = words::lower(text(&party["role"]));
    match event {
        "added" => format!("{actor} added {name} as {role}"),
        "updated" => format!("{actor} changed the details of {name} ({role})"),
        "removed" => format!("{actor} removed {name} as {role}"),
        other => format!("{actor}: party {name} {}", words::lower(other)),
    }
}

fn task_sentence(
    event: &str,
    actor: &str,
    row: &AuditRow,
    names: &HashMap<Uuid, String>,
) -> String {
    let task = if row.after().is_null() {
        row.before()
    } else {
        row.after()
    };
    let title = text(&task["title"]);
    match event {
        "created" => format!("{actor} added \"{title}\""),
        "updated" => updated_task_sentence(actor, title, row),
        "assigned" => match assignee(task, names) {
            Some(name) => format!("{actor} assigned \"{title}\" to {name}"),
            None => format!("{actor} took \"{title}\" from its assignee"),
        },
        "chased" => chased_task_sentence(actor, title, task),
        "started" => format!("\"{title}\" was started"),
        "unlocked" => format!("\"{title}\" can begin: all it waited for is done"),
        "blocked" => format!("\"{title}\" waits again"),
        "completed" => format!("{actor} completed \"{title}\""),
        "waived" => format!("{actor} waived \"{title}\"{}", reason(&task["waiveReason"])),
        "reopened" => format!("{actor} reopened \"{title}\""),
        "overdue" => format!("\"{title}\" is overdue"),
        "deleted" => format!("{actor} deleted \"{title}\""),
        other => format!("{actor}: \"{title}\" {}", words::lower(other)),
    }
}

fn updated_task_sentence(actor: &str, title: &str, row: &AuditRow) -> String {
    let (old, new) = (&row.before()["dueDate"], &row.after()["dueDate"]);
    let (asked, again) = (&row.before()["followUpOn"], &row.after()["followUpOn"]);
    if old == new && asked != again {
        return match again.as_str() {
            Some(day) => format!("{actor} follows up \"{title}\" on {day}"),
            None => format!("{actor} set no day to follow up \"{title}\""),
        };
    }
    if old == new {
        return format!("{actor} changed \"{title}\"");
    }
    format!("{actor} moved \"{title}\" {}", from_to(old, new))
}

fn chased_task_sentence(actor: &str, title: &str, task: &Value) -> String {
    let chase = &task["chase"];
    let way = match chase["channel"].as_str() {
        Some("PHONE") => " by phone",
        Some("EMAIL") => " by e-mail",
        Some("TEXT") => " by text message",
        Some("IN_PERSON") => " in person",
        _ => "",
    };
    let answer = if chase["replied"] == true {
        ""
    } else {
        ", without an answer"
    };
    let note = reason(&chase["note"]);
    format!("{actor} followed up \"{title}\"{way}{answer}{note}")
}

fn assignee<'a>(task: &Value, names: &'a HashMap<Uuid, String>) -> Option<&'a str> {
    let id = Uuid::try_parse(task["assigneeId"].as_str()?).ok()?;
    Some(names.get(&id).map_or("somebody", String::as_str))
}

fn milestone_sentence(event: &str, row: &AuditRow) -> String {
    let title = text(&row.after()["title"]);
    match event {
        "completed" => format!("Milestone \"{title}\" was reached"),
        "reopened" => format!("Milestone \"{title}\" is open again"),
        other => format!("Milestone \"{title}\": {}", words::lower(other)),
    }
}

fn plan_sentence(event: &str, actor: &str, row: &AuditRow) -> String {
    if event == "revised" {
        return format!("{actor} changed the plan with the facts of the deal");
    }
    let plan = row.after();
    if plan["state"] == "FAILED" {
        return format!(
            "{actor} could not make the plan{}",
            reason(&plan["failure"])
        );
    }
    match plan["milestones"].as_array().map_or(0, Vec::len) {
        0 => format!("{actor} made the plan"),
        count => format!("{actor} made the plan of {count} milestones"),
    }
}

fn key_dates_sentence(actor: &str, row: &AuditRow) -> String {
    let because = reason(&row.after()["reason"]);
    let dates = |side: &Value| -> Vec<(String, Value)> {
        let list = side["keyDates"].as_array().cloned().unwrap_or_default();
        list.into_iter()
            .map(|date| (text(&date["key"]).to_owned(), date))
            .collect()
    };
    if row.before().is_null() {
        return format!("{actor} set the key dates{because}");
    }
    let before: HashMap<String, Value> = dates(row.before()).into_iter().collect();
    let stood: Vec<String> = dates(row.after())
        .into_iter()
        .filter_map(|(key, date)| {
            let (old, new) = (&before.get(&key)?["state"], &date["state"]);
            let state = words::lower(text(new)).to_lowercase();
            (old != new).then(|| format!("{} is {state}", text(&date["title"])))
        })
        .collect();
    let moved: Vec<String> = dates(row.after())
        .into_iter()
        .filter_map(|(key, date)| {
            let old = before.get(&key).map_or(&Value::Null, |old| &old["date"]);
            (*old != date["date"])
                .then(|| format!("{} {}", text(&date["title"]), from_to(old, &date["date"])))
        })
        .collect();
    match moved.as_slice() {
        [] => match stood.as_slice() {
            [] => format!("{actor} changed the key dates{because}"),
            stood => format!("{}{because}", stood.join(", ")),
        },
        [only] => format!("{actor} moved {only}{because}"),
        [first, others @ ..] => format!(
            "{actor} moved {first}, and {} other date{} with it{because}",
            others.len(),
            if others.len() == 1 { "" } else { "s" }
        ),
    }
}

fn from_to(old: &Value, new: &Value) -> String {
    match (old.as_str(), new.as_str()) {
        (Some(old), Some(new)) => format!("from {old} to {new}"),
        (None, Some(new)) => format!("to {new}"),
        (Some(old), None) => format!("from {old} to no date"),
        (None, None) => "to no date".to_owned(),
    }
}

fn reason(reason: &Value) -> String {
    reason
        .as_str()
        .map_or_else(String::new, |reason| format!(": {reason}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn listed(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::OffsetDateTime;

    use super::*;

    fn told(event_type: &str, before: Value, after: Value) -> String {
        let row = AuditRow {
            id: Uuid::nil(),
            insertion_order: 1,
            deal_id: None,
            user_id: Uuid::nil(),
            on_behalf_of: None,
            event_type: event_type.to_owned(),
            entity_type: "deal".to_owned(),
            entity_id: Uuid::nil(),
            aggregate_version: 1,
            event_data: json!({ "before": before, "after": after }),
            request_id: None,
            cause_event_id: None,
            idempotency_key: None,
            ip_address: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
        };
        sentence(&row, "Cora", &HashMap::new())
    }

    #[test]
    fn what_happened_is_told_in_sentences() {
        let cases = [
            (
                "deals.deal.updated",
                json!({"name": "A", "facts": {}}),
                json!({"name": "B", "facts": {"hoa": true}}),
                "Cora changed the name and the facts of the deal",
            ),
            (
                "deals.deal.cancelled",
                json!({}),
                json!({"statusReason": "financing fell through"}),
                "Cora cancelled the deal: financing fell through",
            ),
            (
                "deals.party.removed",
                json!({"name": "Len", "role": "loan_officer"}),
                Value::Null,
                "Cora removed Len as loan officer",
            ),
            (
                "tasks.task.updated",
                json!({"title": "Open escrow", "dueDate": "2026-03-02"}),
                json!({"title": "Open escrow", "dueDate": "2026-03-05"}),
                "Cora moved \"Open escrow\" from 2026-03-02 to 2026-03-05",
            ),
            (
                "tasks.task.updated",
                json!({"title": "Order title", "dueDate": "2026-03-02", "followUpOn": null}),
                json!({"title": "Order title", "dueDate": "2026-03-02", "followUpOn": "2026-02-27"}),
                "Cora follows up \"Order title\" on 2026-02-27",
            ),
            (
                "tasks.task.chased",
                json!({"title": "Order title"}),
                json!({"title": "Order title", "chase": {"channel": "PHONE", "note": "left a message", "replied": false}}),
                "Cora followed up \"Order title\" by phone, without an answer: left a message",
            ),
            (
                "tasks.task.assigned",
                json!({}),
                json!({"title": "Open escrow", "assigneeId": null}),
                "Cora took \"Open escrow\" from its assignee",
            ),
            (
                "tasks.key_dates.changed",
                json!({"keyDates": [{"key": "closing_date", "date": "2026-04-10"}, {"key": "x", "date": null}]}),
                json!({"reason": "lender is late", "keyDates": [
                    {"key": "closing_date", "title": "Closing date", "date": "2026-04-15"},
                    {"key": "x", "title": "X", "date": "2026-04-01"}]}),
                "Cora moved Closing date from 2026-04-10 to 2026-04-15, and 1 other date with it: lender is late",
            ),
        ];
        for (event_type, before, after, expected) in cases {
            assert_eq!(told(event_type, before, after), expected, "{event_type}");
        }
    }
}
