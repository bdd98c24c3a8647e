//! A deal's status, the steps between statuses, and who may see and steer a deal.
//!
//! Which anchors are missing, how many required tasks are open and whether the plan is made are facts that the caller
//! brings; this module only decides. The plan's own rules are in [`crate::task`] and [`crate::plan`].

use uuid::Uuid;

use crate::{
    permission::{Permission, PermissionSet},
    rejection::{FieldError, Rejection},
    task::Actor,
    text,
    words::upper_snake_enum,
};

upper_snake_enum! {
    /// The status of a deal.
    DealStatus {
        /// Being prepared; nothing runs yet.
        Draft = "DRAFT",
        /// Under way.
        Active = "ACTIVE",
        /// Under way, but deadlines are paused.
        OnHold = "ON_HOLD",
        /// Done.
        Closed = "CLOSED",
        /// Given up.
        Cancelled = "CANCELLED",
    }
}

upper_snake_enum! {
    /// The kind of transaction.
    DealType {
        /// The client buys an existing home.
        Purchase = "PURCHASE",
        /// The client sells.
        Listing = "LISTING",
        /// The client replaces a loan.
        Refinance = "REFINANCE",
        /// The client buys from a builder.
        NewConstruction = "NEW_CONSTRUCTION",
    }
}

impl DealType {
    /// The type that a deal of this type takes on. One that was made from a template keeps its type: its plan is a plan
    /// for that type of deal.
    ///
    /// # Errors
    /// A validation rejection of `dealType`.
    pub fn changed_to(self, wanted: Self, template_key: Option<&str>) -> Result<Self, Rejection> {
        match template_key {
            Some(key) if wanted != self => Err(Rejection::field(
                "dealType",
                "template",
                format!("dealType stays {self}: the deal was made from the template {key}"),
            )),
            _ => Ok(wanted),
        }
    }
}

upper_snake_enum! {
    /// Whether a deal's plan is made.
    PlanState {
        /// It is still to be made.
        Pending = "PENDING",
        /// It is made, or there is nothing to make.
        Applied = "APPLIED",
        /// It could not be made.
        Failed = "FAILED",
    }
}

/// What happened to a deal. Written `snake_case`, as the last part of the event's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DealEvent {
    /// Created.
    Created,
    /// Its fields changed.
    Updated,
    /// Work began.
    Activated,
    /// Its deadlines were paused.
    Held,
    /// Its deadlines run again.
    Resumed,
    /// It was done.
    Closed,
    /// It was given up.
    Cancelled,
    /// A closed or cancelled deal is open again.
    Reopened,
    /// A draft was removed.
    Deleted,
}

impl DealEvent {
    /// The last part of the event's name (`deals.deal.activated`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Activated => "activated",
            Self::Held => "held",
            Self::Resumed => "resumed",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Reopened => "reopened",
            Self::Deleted => "deleted",
        }
    }
}

/// A step from one status to the next: one version, one audit row, one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealTransition {
    /// What happened.
    pub event: DealEvent,
    /// The status before.
    pub from: DealStatus,
    /// The status after.
    pub to: DealStatus,
    /// The reason given, where the step needs one.
    pub reason: Option<String>,
}

impl DealTransition {
    const fn new(event: DealEvent, from: DealStatus, to: DealStatus) -> Self {
        Self {
            event,
            from,
            to,
            reason: None,
        }
    }
}

/// What a deal's closing depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Whether the plan is made.
    pub plan: PlanState,
    /// How many required tasks are open.
    pub open_required_tasks: u64,
    /// What to do about open tasks.
    pub open_tasks: OpenTasks,
}

/// What closing does about required tasks that are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenTasks {
    /// They forbid it.
    Refuse,
    /// It closes all the same; needs `manage_tasks`.
    Force,
}

impl DealStatus {
    /// Whether the deal is over for good, unless an ADMIN reopens it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Closed | Self::Cancelled => true,
            Self::Draft | Self::Active | Self::OnHold => false,
        }
    }

    /// Lets tasks change only while the deal is active.
    ///
    /// # Errors
    /// `DEAL_NOT_ACTIVE`.
    pub fn require_active(self) -> Result<(), Rejection> {
        if self == Self::Active {
            Ok(())
        } else {
            Err(Rejection::DealNotActive)
        }
    }

    /// Lets the deal's fields, its parties and its key dates change until the deal is over: in a draft, while it runs,
    /// and on hold.
    ///
    /// # Errors
    /// `DEAL_STATUS_CONFLICT`.
    pub const fn require_open(self) -> Result<(), Rejection> {
        if self.is_terminal() {
            Err(Rejection::DealStatusConflict {
                status: self.as_str(),
            })
        } else {
            Ok(())
        }
    }

    /// DRAFT → ACTIVE. `missing_anchors` are the keys of required anchors that have no date.
    ///
    /// # Errors
    /// `DEAL_STATUS_CONFLICT`, or a validation rejection of each `keyDates.<key>` that is missing.
    pub fn activate(self, missing_anchors: &[String]) -> Result<DealTransition, Rejection> {
        self.only_from(&[Self::Draft])?;
        if missing_anchors.is_empty() {
            return Ok(DealTransition::new(
                DealEvent::Activated,
                self,
                Self::Active,
            ));
        }
        let errors = missing_anchors
            .iter()
            .map(|key| FieldError::required(format!("keyDates.{key}")))
            .collect();
        Err(Rejection::Validation { errors })
    }

    /// ACTIVE → ON_HOLD.
    ///
    /// # Errors
    /// `DEAL_STATUS_CONFLICT`.
    pub fn hold(self) -> Result<DealTransition, Rejection> {
        self.only_from(&[Self::Active])?;
        Ok(DealTransition::new(DealEvent::Held, self, Self::OnHold))
    }

    /// ON_HOLD → ACTIVE.
    ///
    /// # Errors
    /// `DEAL_STATUS_CONFLICT`.
    pub fn resume(self) -> Result<DealTransition, Rejection> {
        self.only_from(&[Self::OnHold])?;
        Ok(DealTransition::new(DealEvent::Resumed, self, Self::Active))
    }

    /// ACTIVE → CLOSED.
    ///
    /// # Errors
    /// `FORBIDDEN` when forced without `manage_tasks`, then `DEAL_STATUS_CONFLICT`, `PLAN_PENDING` until the plan is
    /// made, and unless forced `PLAN_FAILED` and `DEAL_TASKS_OPEN`.
    pub fn close(
        self,
        closing: Closing,
        permissions: PermissionSet,
    ) -> Result<DealTransition, Rejection> {
        if closing.open_tasks == OpenTasks::Force && !permissions.has(Permission::ManageTasks) {
            return Err(Rejection::forbidden(&[Permission::ManageTasks]));
        }
        self.only_from(&[Self::Active])?;
        match (closing.plan, closing.open_tasks) {
            (PlanState::Pending, _) => return Err(Rejection::PlanPending),
            (PlanState::Failed, OpenTasks::Refuse) => {
                return Err(Rejection::PlanFailed {
                    reason: "the deal's plan could not be made: mend its facts or dates, or close it by force"
                        .to_owned(),
                });
            }
            (PlanState::Failed, OpenTasks::Force) | (PlanState::Applied, _) => {}
        }
        if closing.open_required_tasks > 0 && closing.open_tasks == OpenTasks::Refuse {
            return Err(Rejection::DealTasksOpen {
                open: closing.open_required_tasks,
            });
        }
        Ok(DealTransition::new(DealEvent::Closed, self, Self::Closed))
    }

    /// DRAFT, ACTIVE or ON_HOLD → CANCELLED.
    ///
    /// # Errors
    /// A validation rejection of `reason`, or `DEAL_STATUS_CONFLICT`.
    pub fn cancel(self, reason: &str) -> Result<DealTransition, Rejection> {
        let reason = text::reason(reason)?;
        self.only_from(&[Self::Draft, Self::Active, Self::OnHold])?;
        let transition = DealTransition::new(DealEvent::Cancelled, self, Self::Cancelled);
        Ok(DealTransition {
            reason: Some(reason),
            ..transition
        })
    }

    /// CLOSED or CANCELLED → ACTIVE, for an ADMIN ([`may_reopen`]). A draft that was cancelled is a draft again: it never
    /// had the dates that activation asks for. `cancelled_from` is the status in which the deal was cancelled.
    ///
    /// # Errors
    /// `DEAL_STATUS_CONFLICT`.
    pub fn reopen(self, cancelled_from: Option<Self>) -> Result<DealTransition, Rejection> {
        self.only_from(&[Self::Closed, Self::Cancelled])?;
        let to = match (self, cancelled_from) {
            (Self::Cancelled, Some(Self::Draft)) => Self::Draft,
            _ => Self::Active,
        };
        Ok(DealTransition::new(DealEvent::Reopened, self, to))
    }

    /// Removes a draft.
    ///
    /// # Errors
    /// `DEAL_NOT_DRAFT`.
    pub fn delete(self) -> Result<DealTransition, Rejection> {
        if self == Self::Draft {
            Ok(DealTransition::new(DealEvent::Deleted, self, Self::Draft))
        } else {
            Err(Rejection::DealNotDraft)
        }
    }

    fn only_from(self, allowed: &[Self]) -> Result<(), Rejection> {
        if allowed.contains(&self) {
            Ok(())
        } else {
            Err(Rejection::DealStatusConflict {
                status: self.as_str(),
            })
        }
    }
}

/// What an actor's rights on one deal depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The user who created the deal.
    pub created_by: Uuid,
    /// Whether the actor is linked to a party of the deal.
    pub is_party: bool,
}

/// How much of a deal an actor sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DealView {
    /// As a client: no confidential fields, no internal comments, no other parties' contact details.
    Client,
    /// Everything but the audit log.
    Staff,
}

/// How much of the deal the actor sees; `None` means that it does not exist for it (404).
#[must_use]
pub fn view(actor: &Actor, relation: Relation) -> Option<DealView> {
    let is_involved = relation.is_party || relation.created_by == actor.user_id;
    if actor.permissions.has(Permission::ViewAllDeals)
        || (is_involved && actor.permissions.has(Permission::ViewDeals))
    {
        Some(DealView::Staff)
    } else if actor.permissions.has(Permission::ViewOwnDeals) && relation.is_party {
        Some(DealView::Client)
    } else {
        None
    }
}

/// Whether the actor may change the deal's fields and parties, take it from status to status and move its key dates:
/// its creator with `create_deals`, or anybody with `manage_tasks`, who sees it.
///
/// # Errors
/// `NOT_FOUND` for a deal that the actor may not see, else `FORBIDDEN`.
pub fn may_steer(actor: &Actor, relation: Relation) -> Result<(), Rejection> {
    view(actor, relation).ok_or(Rejection::NotFound)?;
    let is_creator = relation.created_by == actor.user_id;
    if actor.permissions.has(Permission::ManageTasks)
        || (is_creator && actor.permissions.has(Permission::CreateDeals))
    {
        Ok(())
    } else {
        let alone = [Permission::ManageTasks];
        let with_own = [Permission::CreateDeals, Permission::ManageTasks];
        Err(Rejection::forbidden(if is_creator {
            &with_own
        } else {
            &alone
        }))
    }
}

/// Whether the actor may assign and add tasks and set their due dates in the deal.
///
/// # Errors
/// `NOT_FOUND` for a deal that the actor may not see, else `FORBIDDEN`.
pub fn may_assign(actor: &Actor, relation: Relation) -> Result<(), Rejection> {
    view(actor, relation).ok_or(Rejection::NotFound)?;
    let either = [Permission::AssignTasks, Permission::ManageTasks];
    if actor.permissions.has_any(&either) {
        Ok(())
    } else {
        Err(Rejection::forbidden(&either))
    }
}

/// Whether the actor may reopen a deal that is over: only an ADMIN, who holds every permission.
///
/// # Errors
/// `FORBIDDEN`.
pub fn may_reopen(actor: &Actor) -> Result<(), Rejection> {
    if actor.permissions.is_all() {
        Ok(())
    } else {
        Err(Rejection::forbidden(&[Permission::ManageOrganization]))
    }
}

#[cfg(test)]
mod tests;
