//! Deals, tasks and people by what they are called. `ctx.find_*` name them by an index; the rows are read here, through
//! the row policies, each by its own lookup: a plain join may read the tables as a whole before it knows what is found.

use std::collections::HashSet;

use contracts::field::date_text;
use domain::search::SearchText;
use platform::{db::Tx, error::Result};
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use time::Date;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a text names, the best of each kind first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SearchResults {
    deals: Vec<FoundDeal>,
    tasks: Vec<FoundTask>,
    people: Vec<FoundPerson>,
}

/// A deal by its name or address.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundDeal {
    id: Uuid,
    name: String,
    street: String,
    city: String,
    /// DRAFT, ACTIVE, ON_HOLD, CLOSED or CANCELLED.
    status: String,
    #[schema(format = Date)]
    closing_date: Option<String>,
}

/// A task by its title.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundTask {
    id: Uuid,
    title: String,
    /// PENDING, IN_PROGRESS, BLOCKED, OVERDUE, COMPLETED or WAIVED.
    status: String,
    #[schema(format = Date)]
    due_date: Option<String>,
    deal_id: Uuid,
    deal_name: String,
}

/// Somebody by name: a user of the organization, or a party of a deal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundPerson {
    name: String,
    /// A user's role, or the part that is played in the deal.
    role: String,
    /// The login, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    /// Of a party: the deal.
    #[serde(skip_serializing_if = "Option::is_none")]
    deal_id: Option<Uuid>,
    /// Of a party: what the deal is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    deal_name: Option<String>,
}

/// At most `limit` of each kind, of what the caller sees.
pub(crate) async fn run(tx: &Tx, text: &SearchText, limit: u32) -> Result<SearchResults> {
    let find = Find {
        text,
        limit,
        organization_id: tx.actor().organization_id,
    };
    Ok(SearchResults {
        deals: deals(tx, &find).await?,
        tasks: tasks(tx, &find).await?,
        people: people(tx, &find).await?,
    })
}

/// What is searched for.
struct Find<'a> {
    text: &'a SearchText,
    limit: u32,
    organization_id: Uuid,
}

impl Find<'_> {
    /// The arguments of a function `ctx.find_*`.
    fn arguments(&self) -> Vec<Value> {
        vec![
            self.text.text().into(),
            self.text.patterns().into(),
            i64::from(self.limit).into(),
        ]
    }

    /// The same with the organization behind them.
    fn arguments_of_organization(&self) -> Vec<Value> {
        let mut arguments = self.arguments();
        arguments.push(self.organization_id.into());
        arguments
    }
}

async fn deals(tx: &Tx, find: &Find<'_>) -> Result<Vec<FoundDeal>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        name: String,
        street: String,
        city: String,
        status: String,
        closing_date: Option<Date>,
    }
    let rows: Vec<Row> = tx
        .all(
            "SELECT d.id, d.name, d.street, d.city, d.status, d.closing_date
               FROM ctx.find_deals($1, $2, $3::integer) f
               JOIN LATERAL (SELECT * FROM deals WHERE organization_id = $4 AND id = f.id LIMIT 1) d ON true
              ORDER BY f.rank DESC, d.id DESC",
            find.arguments_of_organization(),
        )
        .await?;
    let found = |row: Row| FoundDeal {
        id: row.id,
        name: row.name,
        street: row.street,
        city: row.city,
        status: row.status,
        closing_date: row.closing_date.map(date_text),
    };
    Ok(rows.into_iter().map(found).collect())
}

async fn tasks(tx: &Tx, find: &Find<'_>) -> Result<Vec<FoundTask>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        title: String,
        status: String,
        due_date: Option<Date>,
        deal_id: Uuid,
        deal_name: String,
    }
    let rows: Vec<Row> = tx
        .all(
            "SELECT t.id, t.title, t.status, t.due_date, t.deal_id, d.name AS deal_name
               FROM ctx.find_tasks($1, $2, $3::integer) f
               JOIN LATERAL (SELECT * FROM task_view WHERE organization_id = $4 AND id = f.id LIMIT 1) t ON true
               JOIN LATERAL (SELECT * FROM deals WHERE organization_id = $4 AND id = t.deal_id LIMIT 1) d
                 ON d.status <> 'DELETED'
              ORDER BY f.is_open DESC, f.rank DESC, t.id DESC",
            find.arguments_of_organization(),
        )
        .await?;
    let found = |row: Row| FoundTask {
        id: row.id,
        title: row.title,
        status: row.status,
        due_date: row.due_date.map(date_text),
        deal_id: row.deal_id,
        deal_name: row.deal_name,
    };
    Ok(rows.into_iter().map(found).collect())
}

/// Users before parties where both fit alike. A user who is found is not listed again for each deal.
async fn people(tx: &Tx, find: &Find<'_>) -> Result<Vec<FoundPerson>> {
    #[derive(FromQueryResult)]
    struct UserRow {
        id: Uuid,
        full_name: String,
        role: String,
        rank: f32,
    }
    #[derive(FromQueryResult)]
    struct PartyRow {
        name: String,
        role: String,
        user_id: Option<Uuid>,
        deal_id: Uuid,
        deal_name: String,
        rank: f32,
    }
    let users: Vec<UserRow> = tx
        .all(
            "SELECT f.id, f.full_name, f.role, f.rank FROM ctx.find_users($1, $2, $3::integer) f",
            find.arguments(),
        )
        .await?;
    let parties: Vec<PartyRow> = tx
        .all(
            "SELECT p.name, p.role, p.user_id, p.deal_id, d.name AS deal_name, f.rank
               FROM ctx.find_parties($1, $2, $3::integer) f
               JOIN LATERAL (SELECT * FROM parties WHERE organization_id = $4 AND id = f.id LIMIT 1) p ON true
               JOIN LATERAL (SELECT * FROM deals WHERE organization_id = $4 AND id = p.deal_id LIMIT 1) d
                 ON d.status <> 'DELETED'
              ORDER BY f.rank DESC, p.id DESC",
            find.arguments_of_organization(),
        )
        .await?;
    let logins: HashSet<Uuid> = users.iter().map(|user| user.id).collect();
    let mut people: Vec<(f32, FoundPerson)> = Vec::with_capacity(users.len() + parties.len());
    people.extend(users.into_iter().map(|user| {
        let person = FoundPerson {
            name: user.full_name,
            role: user.role,
            user_id: Some(user.id),
            deal_id: None,
            deal_name: None,
        };
        (user.rank, person)
    }));
    let is_listed = |party: &PartyRow| party.user_id.is_some_and(|id| logins.contains(&id));
    let others = parties.into_iter().filter(|party| !is_listed(party));
    people.extend(others.map(|party| {
        let person = FoundPerson {
            name: party.name,
            role: party.role,
            user_id: party.user_id,
            deal_id: Some(party.deal_id),
            deal_name: Some(party.deal_name),
        };
        (party.rank, person)
    }));
    people.sort_by(|a, b| b.0.total_cmp(&a.0));
    let limit = usize::try_from(find.limit).unwrap_or(usize::MAX);
    Ok(people
        .into_iter()
        .take(limit)
        .map(|(_, person)| person)
        .collect())
}
