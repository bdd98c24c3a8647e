//! What precedes every move of key dates: applying it, previewing it, and imagining it.

use domain::{
    cascade::{Because, DateInputs, Follow, Making, PlannedDates, Settled, WorkingPlan},
    deal::{self, DealStatus},
    rejection::Rejection,
};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Ground, require_known_dates};
use crate::{
    repository::deals::{self, Deal},
    services::PlanInput,
    views::{relation, task_actor},
};

/// Dates to set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DateMove<'a> {
    pub(crate) deal_id: Uuid,
    pub(crate) key_dates: &'a DateInputs,
}

/// What the dates are wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To see what would be; for everybody who sees the deal.
    Imagine,
    /// To see what applying them would do; for who may apply them.
    Preview,
    /// To apply them: deal and tasks are locked.
    Apply,
}

/// A deal whose dates are to move.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) deal: Deal,
    /// With the dates that are to move, and the present holidays.
    pub(crate) ground: Ground,
    /// All dates as they were.
    pub(crate) before: PlannedDates,
}

/// Reads or locks the deal and its plan, and checks the dates. `input` is what deal-service says where there is no plan
/// yet; `check` looks at the version of the key dates. Rejections: `NOT_FOUND`, `FORBIDDEN` but for `Imagine`, of
/// `keyDates.<key>`, `DEAL_STATUS_CONFLICT` but for `Imagine`, and what `check` refuses.
pub(crate) async fn prepare(
    tx: &Tx,
    purpose: Purpose,
    dates: DateMove<'_>,
    input: Option<&PlanInput>,
    check: impl FnOnce(i64) -> Result<(), Rejection>,
) -> Result<Prepared> {
    let DateMove { deal_id, key_dates } = dates;
    let deal = match purpose {
        Purpose::Imagine | Purpose::Preview => deals::see(tx, deal_id).await?,
        Purpose::Apply => deals::lock_exclusively(tx, deal_id).await?,
    };
    if purpose != Purpose::Imagine {
        deal::may_steer(&task_actor(tx.actor()), relation(&deal))?;
        deals::permit_dates(tx, deal_id).await?;
    }
    let mut ground = match purpose {
        Purpose::Imagine | Purpose::Preview => Ground::read(tx, deal_id, &deal.zone, input).await?,
        Purpose::Apply => Ground::lock(tx, deal_id, &deal.zone, input).await?,
    };
    require_known_dates(&ground.plan.template, key_dates)?;
    if purpose != Purpose::Imagine {
        ground.require_kept_dates(&deal, key_dates)?;
    }
    check(ground.key_dates.version)?;
    if purpose != Purpose::Imagine {
        deal.status.require_open()?;
    }
    let before = ground.compute(&deal.zone);
    ground.use_present_holidays(tx).await?;
    ground.plan.inputs.clone_from(key_dates);
    Ok(Prepared {
        deal,
        ground,
        before,
    })
}

impl Prepared {
    /// Everything that follows from the dates, without writing. `input` as for [`prepare`].
    pub(crate) fn settle(&self, tx: &Tx, input: Option<&PlanInput>) -> Result<Settled, Rejection> {
        // They are not stored: milestones and assignees do not matter.
        let making = Making::bare(
            self.ground.key_dates.deal_id,
            tx.actor().user_id,
            Uuid::now_v7,
        );
        let follow = match input {
            None => Follow::Template(&making),
            // Without a plan there are no tasks that could come or go.
            Some(_) => Follow::Dates,
        };
        let because = Because {
            by: tx.actor().user_id,
            reason: "imagined",
        };
        let working = WorkingPlan::new(self.ground.plan.clone(), self.deal.moment(tx.now()));
        working.settle(&self.before, follow, because, self.has_begun())
    }

    /// Whether the deal has left the draft: a date set by hand is an extension then.
    pub(crate) fn has_begun(&self) -> bool {
        self.deal.status != DealStatus::Draft
    }
}
