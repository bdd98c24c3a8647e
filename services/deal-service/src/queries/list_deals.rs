//! The deals that the caller may see, filtered, sorted, a page at a time.

use domain::{deal::DealStatus, permission::Permission, search::literal};
use platform::{db::Tx, error::Result};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use crate::{
    repository::deals::{DealRow, SeenDeal, deal_columns},
    wire::optional_date,
};

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    /// Any of these; empty for all.
    pub(crate) statuses: Vec<DealStatus>,
    /// Part of the name or the address.
    pub(crate) text: Option<String>,
    /// The closing date at the earliest.
    pub(crate) closing_from: Option<Date>,
    /// The closing date at the latest.
    pub(crate) closing_to: Option<Date>,
    /// A user who takes part.
    pub(crate) party_user_id: Option<Uuid>,
    /// With overdue tasks, or without any.
    pub(crate) overdue: Option<bool>,
}

/// What a list is sorted by; deals that are equal in it follow the order of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    CreatedAt(Direction),
    /// Deals without a closing date come last, in both directions.
    ClosingDate(Direction),
    /// Without regard to capitals.
    Name(Direction),
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    fn comparison(self) -> &'static str {
        match self {
            Self::Ascending => ">",
            Self::Descending => "<",
        }
    }

    fn keyword(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}

/// Where a page begins: after this deal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct After {
    id: Uuid,
    name: Option<String>,
    #[serde(default, with = "optional_date")]
    closing_date: Option<Date>,
}

impl After {
    /// The page after this deal begins here.
    pub(crate) fn of(seen: &SeenDeal, sort: Sort) -> Self {
        let deal = &seen.deal;
        Self {
            id: deal.id,
            name: matches!(sort, Sort::Name(_)).then(|| deal.name.clone()),
            closing_date: match sort {
                Sort::ClosingDate(_) => deal.closing_date,
                Sort::CreatedAt(_) | Sort::Name(_) => None,
            },
        }
    }
}

/// SQL of constant parts, with its bound values.
struct Built {
    sql: String,
    values: Vec<Value>,
}

impl Built {
    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Binds a value and writes its placeholder.
    fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.sql.push_str(&format!("${}", self.values.len()));
        self
    }
}

/// At most `limit` deals.
pub(crate) async fn run(
    tx: &Tx,
    filters: &Filters,
    sort: Sort,
    after: Option<&After>,
    limit: u64,
) -> Result<Vec<SeenDeal>> {
    let mut built = Built {
        sql: concat!(
            "SELECT ",
            deal_columns!(),
            " FROM deals d WHERE d.organization_id = $1 AND d.status <> 'DELETED'"
        )
        .to_owned(),
        values: vec![tx.actor().organization_id.into(), tx.actor().user_id.into()],
    };
    narrow(&mut built, filters);
    narrow_overdue(&mut built, tx, filters.overdue);
    if let Some(after) = after {
        begin_after(&mut built, sort, after);
    }
    built.push(&order(sort));
    built.push(" LIMIT ");
    built.bind(i64::try_from(limit).map_err(anyhow::Error::from)?);
    let rows: Vec<DealRow> = tx.all_built(built.sql, built.values).await?;
    let seen: Result<Vec<Option<SeenDeal>>> = rows.into_iter().map(|row| row.seen_by(tx)).collect();
    Ok(seen?.into_iter().flatten().collect())
}

fn narrow(built: &mut Built, filters: &Filters) {
    if !filters.statuses.is_empty() {
        let statuses: Vec<String> = filters.statuses.iter().map(ToString::to_string).collect();
        built.push(" AND d.status = ANY(");
        built.bind(statuses).push(")");
    }
    if let Some(text) = &filters.text {
        let pattern = format!("%{}%", literal(text));
        built.push(" AND (d.name ILIKE ");
        built.bind(pattern.clone());
        built.push(" OR concat_ws(' ', d.street, d.unit, d.city, d.state_or_province, d.postal_code) ILIKE ");
        built.bind(pattern).push(")");
    }
    if let Some(from) = filters.closing_from {
        built.push(" AND d.closing_date >= ");
        built.bind(from);
    }
    if let Some(to) = filters.closing_to {
        built.push(" AND d.closing_date <= ");
        built.bind(to);
    }
    if let Some(user_id) = filters.party_user_id {
        built.push(
            " AND d.id IN (SELECT p.deal_id FROM parties p
                WHERE p.organization_id = $1 AND p.removed_at IS NULL AND p.user_id = ",
        );
        built.bind(user_id).push(")");
    }
}

/// A caller who sees deals as a client gets a match only by overdue tasks that the caller may see.
fn narrow_overdue(built: &mut Built, tx: &Tx, overdue: Option<bool>) {
    let Some(overdue) = overdue else {
        return;
    };
    built.push(if overdue { " AND " } else { " AND NOT " });
    built.push(
        "(d.status IN ('ACTIVE', 'ON_HOLD') AND EXISTS (SELECT FROM task_view t
            WHERE t.organization_id = $1 AND t.deal_id = d.id AND t.is_overdue AND NOT t.is_deleted",
    );
    let staff = [Permission::ViewDeals, Permission::ViewAllDeals];
    if !tx.actor().permissions.has_any(&staff) {
        built.push(" AND (t.buyer_visible OR t.assignee_id = $2)");
    }
    built.push("))");
}

fn begin_after(built: &mut Built, sort: Sort, after: &After) {
    match sort {
        Sort::CreatedAt(direction) => {
            built.push(&format!(" AND d.id {} ", direction.comparison()));
            built.bind(after.id);
        }
        Sort::Name(direction) => {
            built.push(&format!(
                " AND (lower(d.name), d.id) {} (lower(",
                direction.comparison()
            ));
            built
                .bind(after.name.clone().unwrap_or_default())
                .push("), ");
            built.bind(after.id).push(")");
        }
        Sort::ClosingDate(direction) => match after.closing_date {
            Some(date) => {
                built.push(&format!(
                    " AND ((d.closing_date, d.id) {} (",
                    direction.comparison()
                ));
                built.bind(date).push(", ");
                built.bind(after.id).push(") OR d.closing_date IS NULL)");
            }
            None => {
                built.push(&format!(
                    " AND d.closing_date IS NULL AND d.id {} ",
                    direction.comparison()
                ));
                built.bind(after.id);
            }
        },
    }
}

fn order(sort: Sort) -> String {
    match sort {
        Sort::CreatedAt(direction) => format!(" ORDER BY d.id {}", direction.keyword()),
        Sort::Name(direction) => {
            let keyword = direction.keyword();
            format!(" ORDER BY lower(d.name) {keyword}, d.id {keyword}")
        }
        Sort::ClosingDate(direction) => {
            let keyword = direction.keyword();
            format!(" ORDER BY d.closing_date {keyword} NULLS LAST, d.id {keyword}")
        }
    }
}
