//! The life of one running deal: its plan is made, reminders and notices are sent, overdue tasks are marked, until the
//! deal is closed or cancelled.
//!
//! A signal only says that something has changed. What has changed is read from task-service's worklist, after each
//! signal, at each deadline and at least once a day; so a signal that comes twice, late, early or never changes nothing
//! in the end. Each step is taken once: its key is remembered, also over continue-as-new, and user-service stores one
//! notice of an occasion for each recipient.

mod memory;
mod messages;

use std::time::Duration;

use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ContinueAsNewOptions, SyncWorkflowContext, TimerOptions, WorkflowContext, WorkflowContextView,
    WorkflowResult, WorkflowTermination, workflows,
};
use time::OffsetDateTime;

use self::memory::Memory;
pub use self::messages::{Carried, DealChanged, DealInput, DealOutcome, Progress, workflow_id};
use super::calls::{self, Failure};
use crate::{
    activities::{
        ApplyPlan, CheckMilestone, LoadWorklist, MarkOverdue, NoticeActivities, Notify,
        PlanActivities,
    },
    agenda::{self, Action, Agenda, Deal, Standing, Step},
};

/// The worklist is read at least so often.
const RECONCILE_INTERVAL: Duration = Duration::from_hours(24);
/// When something could not be done, it is tried again after this time.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);
/// Changes come in bursts: after the first one, the workflow waits so long for others. It reads a change of the deal's
/// status at once: until then people would get reminders of a deal on hold, and `progress` would show the old status.
const BURST: Duration = Duration::from_millis(500);
/// A step's activity is tried so long; then other steps have their turn.
const STEP_PATIENCE: Duration = Duration::from_mins(5);
/// Between attempts at a step.
const STEP_PAUSE_MAX: Duration = Duration::from_secs(15);
/// Between attempts to read the worklist. It is tried for ever: without it nothing can be done.
const WORKLIST_PAUSE_MAX: Duration = Duration::from_secs(15);
/// Steps taken side by side.
const STEPS_AT_ONCE: usize = 8;
/// A history as long as this is continued in a new run. The limit promised is 5,000; a round adds some hundreds.
const HISTORY_EVENTS_MAX: u32 = 4_000;

/// The workflow of one deal.
#[workflow]
pub struct DealLifecycle {
    input: DealInput,
    memory: Memory,
    agenda: Option<Agenda>,
    next_wakeup_at: Option<OffsetDateTime>,
    /// Whether something has changed since the worklist was last asked for.
    changed: bool,
    /// Whether the deal's status is among it.
    hurried: bool,
}

/// What a round of work came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    /// Everything that was due is done.
    Yes,
    /// Something is to be tried again soon.
    No,
}

/// What reading the worklist came to.
enum Read {
    /// The agenda of the deal.
    Agenda(Box<Agenda>),
    /// Task-service does not know the deal.
    Gone,
    /// Task-service refused, or did not answer in time; the reason is in its log and in the history.
    Refused,
}

#[workflow_methods]
impl DealLifecycle {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: DealInput) -> Self {
        Self {
            memory: Memory::recall(input.carried.clone().unwrap_or_default()),
            input,
            agenda: None,
            next_wakeup_at: None,
            changed: false,
            hurried: false,
        }
    }

    /// Follows the deal to its end.
    #[run(name = "DealLifecycle")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<DealOutcome> {
        let result = Self::follow(ctx).await;
        let word = match &result {
            Ok(_) => "completed",
            Err(WorkflowTermination::ContinueAsNew(_)) => "continued",
            Err(WorkflowTermination::Cancelled { .. }) => "cancelled",
            Err(WorkflowTermination::Evicted) => return result,
            Err(_) => "failed",
        };
        calls::record_run(ctx, "DealLifecycle", word);
        result
    }

    async fn follow(ctx: &WorkflowContext<Self>) -> WorkflowResult<DealOutcome> {
        loop {
            ctx.state_mut(|s| {
                s.changed = false;
                s.hurried = false;
            });
            let (read, mut settled) = Self::read_with_plan(ctx).await?;
            let ended_as = match &read {
                Read::Agenda(agenda) if agenda.standing == Standing::Ended => {
                    Some(agenda.deal_status.clone())
                }
                Read::Gone => Some("GONE".to_owned()),
                Read::Agenda(_) | Read::Refused => None,
            };
            if matches!(read, Read::Refused) {
                settled = Settled::No;
            }
            // Also at the end: a milestone that was reached just before it still gives a notice.
            if !matches!(read, Read::Gone) && Self::take_steps(ctx).await? == Settled::No {
                settled = Settled::No;
            }
            if let (Some(deal_status), Settled::Yes) = (ended_as, settled) {
                // A change that came meanwhile may be that the deal was reopened: look again.
                if ctx.state(|s| s.changed) {
                    continue;
                }
                let runs = ctx.state(|s| s.memory.runs());
                return Ok(DealOutcome { deal_status, runs });
            }
            if Self::is_long(ctx) {
                return Self::go_on_in_new_run(ctx).await;
            }
            Self::rest(ctx, settled).await?;
        }
    }

    /// Reads the worklist; where the plan is still to be made, makes it and reads again.
    async fn read_with_plan(ctx: &WorkflowContext<Self>) -> WorkflowResult<(Read, Settled)> {
        let read = Self::read(ctx).await?;
        let lacks_plan = match &read {
            Read::Agenda(agenda) => {
                agenda.standing == Standing::Running && agenda.plan_state != "APPLIED"
            }
            // Before a plan is made task-service may know nothing of the deal yet.
            Read::Gone => ctx.state(|s| s.agenda.is_none()),
            Read::Refused => false,
        };
        if !lacks_plan {
            return Ok((read, Settled::Yes));
        }
        match Self::make_plan(ctx).await? {
            Settled::Yes => Ok((Self::read(ctx).await?, Settled::Yes)),
            Settled::No => Ok((read, Settled::No)),
        }
    }

    async fn read(ctx: &WorkflowContext<Self>) -> WorkflowResult<Read> {
        let input = LoadWorklist {
            organization_id: ctx.state(|s| s.input.organization_id),
            deal_id: ctx.state(|s| s.input.deal_id),
            deal_name: ctx.state(|s| s.input.deal_name.clone()),
            now: now(ctx),
        };
        let loaded = ctx
            .execute_activity(
                PlanActivities::load_worklist,
                input,
                calls::persistently(WORKLIST_PAUSE_MAX),
            )
            .await;
        match loaded {
            Ok(agenda) => {
                ctx.set_current_details(agenda.summary());
                ctx.state_mut(|s| {
                    s.memory.keep_only(&agenda.steps);
                    if agenda.deal_name.is_some() {
                        s.input.deal_name = agenda.deal_name.clone();
                    }
                    s.agenda = Some(agenda.clone());
                });
                Ok(Read::Agenda(Box::new(agenda)))
            }
            Err(error) => Ok(match calls::failure(&error)? {
                Failure::NotFound => Read::Gone,
                Failure::Refused(_) | Failure::Unanswered => Read::Refused,
            }),
        }
    }

    /// Has the plan made from the deal's template. If that fails, the coordinators get one notice with the reason, and
    /// it is retried with the next change or the next day. There is nothing to undo: task-service makes a plan as a
    /// whole or, recording why, not at all.
    async fn make_plan(ctx: &WorkflowContext<Self>) -> WorkflowResult<Settled> {
        let input = ctx.state(|s| ApplyPlan {
            organization_id: s.input.organization_id,
            deal_id: s.input.deal_id,
        });
        let applied = ctx
            .execute_activity(
                PlanActivities::apply_deal_template,
                input,
                calls::within(STEP_PATIENCE, Duration::from_millis(500), STEP_PAUSE_MAX),
            )
            .await;
        let reason = match applied {
            Ok(plan) if plan.state == "APPLIED" => {
                ctx.state_mut(|s| s.memory.plan_failure = None);
                return Ok(Settled::Yes);
            }
            Ok(plan) => format!("the plan is {}", plan.state),
            Err(error) => match calls::failure(&error)? {
                Failure::NotFound => return Ok(Settled::Yes),
                Failure::Unanswered => return Ok(Settled::No),
                Failure::Refused(reason) => reason,
            },
        };
        if ctx.state(|s| s.memory.plan_failure.as_ref() == Some(&reason)) {
            return Ok(Settled::Yes);
        }
        let deal = ctx.state(|s| Deal {
            id: s.input.deal_id,
            name: s.input.deal_name.clone(),
        });
        let step = agenda::plan_failed(&deal, &reason, now(ctx));
        let told = Self::take(ctx, &step).await?;
        if told == Settled::Yes {
            ctx.state_mut(|s| s.memory.plan_failure = Some(reason));
        }
        Ok(told)
    }

    /// Takes the steps whose time has come and that have not been taken.
    async fn take_steps(ctx: &WorkflowContext<Self>) -> WorkflowResult<Settled> {
        let due: Vec<Step> = ctx.state(|s| s.memory.not_taken(s.agenda.as_ref()));
        let mut settled = Settled::Yes;
        for batch in due.chunks(STEPS_AT_ONCE) {
            // Perhaps the deal is on hold now: look before going on.
            if ctx.state(|s| s.changed) {
                return Ok(settled);
            }
            let outcomes =
                workflows::join_all(batch.iter().map(|step| Self::take(ctx, step))).await;
            for (step, outcome) in batch.iter().zip(outcomes) {
                match outcome? {
                    Settled::Yes => ctx.state_mut(|s| s.memory.taken(&step.key)),
                    Settled::No => settled = Settled::No,
                }
            }
        }
        Ok(settled)
    }

    /// Takes the step's action, then sends its notice. What is refused for good is not retried.
    async fn take(ctx: &WorkflowContext<Self>, step: &Step) -> WorkflowResult<Settled> {
        let organization_id = ctx.state(|s| s.input.organization_id);
        let options = || calls::within(STEP_PATIENCE, Duration::from_millis(500), STEP_PAUSE_MAX);
        let effective = match step.action {
            Action::None => Ok(true),
            Action::MarkOverdue { task_id } => {
                let input = MarkOverdue {
                    organization_id,
                    task_id,
                };
                ctx.execute_activity(PlanActivities::mark_overdue, input, options())
                    .await
                    .map(|marked| marked.status == "OVERDUE")
            }
            Action::CheckMilestone { milestone_id } => {
                let input = CheckMilestone {
                    organization_id,
                    milestone_id,
                };
                ctx.execute_activity(PlanActivities::check_milestone_completion, input, options())
                    .await
                    .map(|checked| checked.completed)
            }
        };
        match effective {
            Ok(true) => {}
            // The services' clocks differ by a little, or the worklist is no longer true.
            Ok(false) => return Ok(Settled::No),
            Err(error) => return calls::failure(&error).map(settled_by),
        }
        let notify = Notify {
            organization_id,
            kind: step.notice.kind.as_str().to_owned(),
            deal_id: ctx.state(|s| s.input.deal_id),
            task_id: step.notice.task_id,
            audience: step.notice.audience.clone(),
            dedupe_key: step.key.clone(),
            params: step.notice.params.clone(),
        };
        let told = ctx
            .execute_activity(NoticeActivities::notify, notify, options())
            .await;
        match told {
            Ok(()) => Ok(Settled::Yes),
            Err(error) => calls::failure(&error).map(settled_by),
        }
    }

    /// Sleeps until something changes, a deadline comes, something is to be tried again, or a day has passed.
    async fn rest(ctx: &WorkflowContext<Self>, settled: Settled) -> WorkflowResult<()> {
        let now = now(ctx);
        let longest = match settled {
            Settled::Yes => RECONCILE_INTERVAL,
            Settled::No => RETRY_INTERVAL,
        };
        let deadline = ctx.state(|s| s.agenda.as_ref().and_then(|agenda| agenda.next_wakeup_at));
        let wake_at = deadline
            .into_iter()
            .chain([now.saturating_add(time::Duration::seconds_f64(longest.as_secs_f64()))])
            .min()
            .unwrap_or(now);
        ctx.state_mut(|s| s.next_wakeup_at = Some(wake_at));

        let lasting = Duration::try_from(wake_at - now).unwrap_or(Duration::ZERO);
        let token = ctx.cancellation_token().child_token();
        let timer = TimerOptions::builder(lasting.max(BURST))
            .cancellation_token(token.clone())
            .build();
        let woken = workflows::select! {
            _ = ctx.timer(timer) => {
                if ctx.cancellation_token().is_cancelled() {
                    return Err(WorkflowTermination::cancelled());
                }
                false
            },
            changed = ctx.wait_condition(|s: &Self| s.changed || Self::is_long(ctx)) => {
                changed?;
                true
            },
        };
        // Dropping a timer does not stop it.
        token.cancel();
        if woken {
            Self::let_burst_pass(ctx).await?;
        }
        Ok(())
    }

    /// Waits for the changes that a first one announces, unless one of them is of the deal's status.
    async fn let_burst_pass(ctx: &WorkflowContext<Self>) -> WorkflowResult<()> {
        if ctx.state(|s| s.hurried) {
            return Ok(());
        }
        let token = ctx.cancellation_token().child_token();
        let timer = TimerOptions::builder(BURST)
            .cancellation_token(token.clone())
            .build();
        workflows::select! {
            _ = ctx.timer(timer) => {},
            hurried = ctx.wait_condition(|s: &Self| s.hurried) => hurried?,
        };
        token.cancel();
        Ok(())
    }

    fn is_long(ctx: &WorkflowContext<Self>) -> bool {
        ctx.continue_as_new_suggested() || ctx.history_length() >= HISTORY_EVENTS_MAX
    }

    /// The same workflow with a new, short history. It begins by reading the worklist.
    async fn go_on_in_new_run(ctx: &WorkflowContext<Self>) -> WorkflowResult<DealOutcome> {
        ctx.wait_condition(|_| ctx.all_handlers_finished()).await?;
        let next = ctx.state(|s| DealInput {
            carried: Some(s.memory.carry()),
            ..s.input.clone()
        });
        match ctx.continue_as_new(next, ContinueAsNewOptions::default())? {}
    }

    /// A task was completed.
    #[signal(name = "task_completed")]
    pub fn task_completed(&mut self, _ctx: &mut SyncWorkflowContext<Self>, change: DealChanged) {
        self.hear(&change);
    }

    /// A task was waived.
    #[signal(name = "task_waived")]
    pub fn task_waived(&mut self, _ctx: &mut SyncWorkflowContext<Self>, change: DealChanged) {
        self.hear(&change);
    }

    /// A completed or waived task is open again.
    #[signal(name = "task_reopened")]
    pub fn task_reopened(&mut self, _ctx: &mut SyncWorkflowContext<Self>, change: DealChanged) {
        self.hear(&change);
    }

    /// Due dates, tasks or who is to do them changed.
    #[signal(name = "deadlines_changed")]
    pub fn deadlines_changed(&mut self, _ctx: &mut SyncWorkflowContext<Self>, change: DealChanged) {
        self.hear(&change);
    }

    /// The deal was put on hold.
    #[signal(name = "deal_held")]
    pub fn deal_held(&mut self, _ctx: &mut SyncWorkflowContext<Self>, change: DealChanged) {
        self.hear_of_status(&change);
    }

    /// The deal is active again, after a hold or after it was closed.
    #[signal(name = "deal_resumed")]
    pub fn deal_resumed(&mut self, _ctx: &mut SyncWorkflowContext<Self>, change: DealChanged) {
        self.hear_of_status(&change);
    }

    /// The deal was closed.
    #[signal(name = "deal_closed")]
    pub fn deal_closed(&mut self, _ctx: &mut SyncWorkflowContext<Self>, change: DealChanged) {
        self.hear_of_status(&change);
    }

    /// The deal was cancelled.
    #[signal(name = "deal_cancelled")]
    pub fn deal_cancelled(&mut self, _ctx: &mut SyncWorkflowContext<Self>, change: DealChanged) {
        self.hear_of_status(&change);
    }

    /// How far the deal has come and what the workflow waits for.
    #[query(name = "progress")]
    pub fn progress(&self, _ctx: &WorkflowContextView) -> Progress {
        Progress::of(self.agenda.as_ref(), self.next_wakeup_at, &self.memory)
    }
}

impl DealLifecycle {
    /// The event itself says only that something has changed, and it says so once.
    fn hear(&mut self, change: &DealChanged) {
        if self.memory.is_news(change.event_id) {
            self.changed = true;
        }
    }

    fn hear_of_status(&mut self, change: &DealChanged) {
        self.hear(change);
        self.hurried = self.changed;
    }
}

/// What a failed step leaves behind: refusals are final, silence is not.
fn settled_by(failure: Failure) -> Settled {
    match failure {
        Failure::NotFound | Failure::Refused(_) => Settled::Yes,
        Failure::Unanswered => Settled::No,
    }
}

/// The workflow's present instant, which replays to the same.
fn now(ctx: &WorkflowContext<DealLifecycle>) -> OffsetDateTime {
    ctx.workflow_time()
        .map_or(OffsetDateTime::UNIX_EPOCH, OffsetDateTime::from)
}
