//! The task list: a page at a time, by due date or by age.

use contracts::field;
use domain::{
    rejection::Rejection,
    task::{StoredTask, TaskStatus},
};
use platform::{
    db::Tx,
    error::Result,
    http::page::{Cursors, Cut, Page},
};
use sea_orm::Value as SqlValue;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use crate::{
    repository::task_row::{TaskRow, prefixed_by_t, task_columns, task_table},
    sight::Sight,
    views::TaskView,
};

/// The query parameters. Without any filter the list is of the caller's own open tasks in deals that are not over.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTasks {
    /// Tasks of this deal.
    deal_id: Option<Uuid>,
    /// Tasks of this user.
    assignee_id: Option<Uuid>,
    /// PENDING, IN_PROGRESS, BLOCKED, OVERDUE, COMPLETED or WAIVED.
    #[param(pattern = "^(PENDING|IN_PROGRESS|BLOCKED|OVERDUE|COMPLETED|WAIVED)$")]
    status: Option<String>,
    /// Tasks due before this day, `YYYY-MM-DD`.
    #[param(value_type = Option<String>, format = Date)]
    due_before: Option<String>,
    /// Tasks of this milestone.
    milestone_id: Option<Uuid>,
    /// dueDate (default; tasks without one come last), -dueDate, createdAt or -createdAt.
    #[param(pattern = "^-?(dueDate|createdAt)$")]
    sort: Option<String>,
    /// 1 to 100, default 25.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// What a list is filtered by; a cursor belongs to one of these.
#[derive(Serialize)]
struct Filters<'a> {
    deal_id: Option<Uuid>,
    assignee_id: Option<Uuid>,
    status: Option<&'a str>,
    due_before: Option<&'a str>,
    milestone_id: Option<Uuid>,
}

/// How a list is sorted.
#[derive(Clone, Copy)]
enum Sort {
    DueFirst,
    DueLast,
    OldestFirst,
    NewestFirst,
}

impl Sort {
    fn parse(text: Option<&str>) -> Result<Self, Rejection> {
        match text.unwrap_or("dueDate") {
            "dueDate" => Ok(Self::DueFirst),
            "-dueDate" => Ok(Self::DueLast),
            "createdAt" => Ok(Self::OldestFirst),
            "-createdAt" => Ok(Self::NewestFirst),
            _ => Err(Rejection::field(
                "sort",
                "one_of",
                "sort must be dueDate, -dueDate, createdAt or -createdAt",
            )),
        }
    }

    const fn list(self) -> &'static str {
        match self {
            Self::DueFirst => "tasks:dueDate",
            Self::DueLast => "tasks:-dueDate",
            Self::OldestFirst => "tasks:createdAt",
            Self::NewestFirst => "tasks:-createdAt",
        }
    }

    const fn order(self) -> &'static str {
        match self {
            Self::DueFirst => " ORDER BY t.due_sort, t.id",
            Self::DueLast => " ORDER BY t.due_sort DESC, t.id DESC",
            Self::OldestFirst => " ORDER BY t.id",
            Self::NewestFirst => " ORDER BY t.id DESC",
        }
    }
}

/// The place of a task in the order: its due date, the end of time for none, and its id.
type Place = (Option<Date>, Uuid);

/// Lists tasks that the caller sees.
pub(crate) async fn run(tx: &Tx, cursors: &Cursors, query: &ListTasks) -> Result<Page<TaskView>> {
    let sort = Sort::parse(query.sort.as_deref())?;
    let filters = Filters {
        deal_id: query.deal_id,
        assignee_id: query.assignee_id,
        status: query.status.as_deref(),
        due_before: query.due_before.as_deref(),
        milestone_id: query.milestone_id,
    };
    let cursor = query.cursor.as_deref();
    let cut: Cut<Place> = cursors.cut(tx, sort.list(), &filters, query.limit, cursor)?;
    let mut statement = Statement::new(tx.actor().organization_id);
    statement.filter(query, tx.actor().user_id)?;
    if let Some((due, id)) = cut.after {
        statement.behind(sort, due, id);
    }
    let Statement { mut sql, values } = statement;
    sql.push_str(sort.order());
    sql.push_str(&format!(" LIMIT {}", cut.fetch()));
    let rows: Vec<TaskRow> = tx.all_built(sql, values).await?;
    let tasks: Result<Vec<StoredTask>> = rows.into_iter().map(TaskRow::restore).collect();
    let bytes_of = |stored: &StoredTask| stored.task.description.as_ref().map_or(0, String::len);
    let page = cut.page_in_bytes(tasks?, bytes_of, |stored| {
        let due = stored.task.due.map(|due| due.date);
        (due, stored.task.id)
    })?;
    let sight = Sight::of(tx, page.items.iter().map(|stored| stored.task.deal_id)).await?;
    Ok(page.map(|stored| TaskView::stored(&stored, tx.actor(), &sight)))
}

/// A statement in the making: constant texts with numbered places for values.
struct Statement {
    sql: String,
    values: Vec<SqlValue>,
}

impl Statement {
    fn new(organization_id: Uuid) -> Self {
        let sql = concat!(
            "SELECT ",
            task_columns!(),
            " FROM tasks t WHERE t.deleted_at IS NULL AND t.organization_id = $1"
        );
        Self {
            sql: sql.to_owned(),
            values: vec![organization_id.into()],
        }
    }

    fn filter(&mut self, query: &ListTasks, caller: Uuid) -> Result<()> {
        if let Some(deal_id) = query.deal_id {
            self.and("t.deal_id = ", deal_id, "");
        }
        if let Some(assignee_id) = query.assignee_id {
            self.and("t.assignee_id = ", assignee_id, "");
        }
        if let Some(milestone_id) = query.milestone_id {
            self.and("t.milestone_id = ", milestone_id, "");
        }
        if let Some(status) = &query.status {
            let status = TaskStatus::parse(status).ok_or_else(|| {
                let words = TaskStatus::ALL.map(TaskStatus::as_str).join(", ");
                Rejection::field("status", "one_of", format!("status must be one of {words}"))
            })?;
            self.and("t.status = ", status.as_str(), "");
        }
        if let Some(due_before) = &query.due_before {
            let date = field::date("dueBefore", due_before).map_err(|_| {
                Rejection::field(
                    "dueBefore",
                    "format",
                    "dueBefore must be a date, YYYY-MM-DD",
                )
            })?;
            self.and("t.due_sort < ", date, "");
        }
        if self.values.len() == 1 {
            self.and("t.assignee_id = ", caller, "");
            self.sql.push_str(
                " AND t.status NOT IN ('COMPLETED', 'WAIVED')
                  AND EXISTS (SELECT FROM ctx.deals d WHERE d.organization_id = t.organization_id
                    AND d.id = t.deal_id AND d.status IN ('DRAFT', 'ACTIVE', 'ON_HOLD'))",
            );
        }
        Ok(())
    }

    fn behind(&mut self, sort: Sort, due: Option<Date>, id: Uuid) {
        let or_never = "::date, 'infinity'), ";
        match sort {
            Sort::DueFirst => self.and("(t.due_sort, t.id) > (coalesce(", due, or_never),
            Sort::DueLast => self.and("(t.due_sort, t.id) < (coalesce(", due, or_never),
            Sort::OldestFirst => return self.and("t.id > ", id, ""),
            Sort::NewestFirst => return self.and("t.id < ", id, ""),
        }
        self.values.push(id.into());
        self.sql.push_str(&format!("${})", self.values.len()));
    }

    fn and(&mut self, before: &'static str, value: impl Into<SqlValue>, after: &'static str) {
        self.values.push(value.into());
        let place = self.values.len();
        self.sql.push_str(&format!(" AND {before}${place}{after}"));
    }
}
