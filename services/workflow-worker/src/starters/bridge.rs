//! From the broker to Temporal: events start workflows and signal them.
//!
//! An event is acknowledged after Temporal has taken it. While Temporal is unavailable, events wait in the broker,
//! however long. There is no inbox: a start is recognised by the workflow's id, a signal by the event's id.

use std::{collections::BTreeMap, time::Duration};

use contracts::{event::Event, field::Malformed};
use futures::{StreamExt as _, stream};
use platform::{
    config::Secret,
    messaging::{Delivery, Outcome, consume, topology},
};
use temporalio_client::{
    Client, RetryOptions, RpcOptions, WorkflowHandle, WorkflowIdReusePolicy, WorkflowSignalOptions,
    WorkflowStartOptions,
    errors::{WorkflowInteractionError, WorkflowStartError},
    tonic::{Code, Status},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::orders::{Order, Signal, order};
use crate::{
    temporal::Temporal,
    workflows::{
        DEAL_QUEUE, DealLifecycle, NOTIFICATION_QUEUE, Notification,
        deal_lifecycle::{self, DealChanged, DealInput},
        notification::{self, NotificationInput},
    },
};

/// Temporal takes an event within this time, or it counts as unavailable.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Workflows of one batch that are signalled concurrently.
const CONCURRENT_WORKFLOWS: usize = 16;

/// Carries events over until the process is asked to end.
pub(crate) async fn run(
    amqp_url: Secret,
    patience: Duration,
    temporal: Temporal,
    shutdown: CancellationToken,
) {
    let handler = async |events: &[Delivery]| carry_all(&temporal, events).await;
    let subscription = topology::WORKFLOW_WORKER;
    let alone = |_: &Event| false;
    consume(
        amqp_url,
        subscription,
        patience,
        None,
        alone,
        handler,
        shutdown,
    )
    .await;
}

/// Carries a batch over: workflows side by side, the events of one in order. What Temporal has taken before one of
/// them failed, it recognises when all are carried over again.
async fn carry_all(temporal: &Temporal, events: &[Delivery]) -> Outcome {
    let mut workflows: BTreeMap<Uuid, Vec<&Delivery>> = BTreeMap::new();
    for event in events {
        let deal = event.event.deal_id().map(Uuid::try_parse);
        let workflow = match deal {
            Some(Ok(deal_id)) if !matches!(event.event, Event::Notification(..)) => deal_id,
            _ => event.head.subject,
        };
        workflows.entry(workflow).or_default().push(event);
    }
    stream::iter(workflows.into_values())
        .map(async |events| {
            let orders: Vec<_> = events
                .iter()
                .map(|event| order(&event.head, &event.event))
                .collect();
            for order in worth_carrying(orders) {
                let outcome = carry(temporal, order).await;
                if outcome != Outcome::Done {
                    return outcome;
                }
            }
            Outcome::Done
        })
        .buffer_unordered(CONCURRENT_WORKFLOWS)
        .fold(
            Outcome::Done,
            async |all, one| {
                if all == Outcome::Done { one } else { all }
            },
        )
        .await
}

/// The orders for one workflow, without those that the next one makes needless: the workflow reads its worklist for
/// `DeadlinesChanged`, whatever changed, so that of several in a row the last is enough. Thousands of tasks that are
/// changed at once would otherwise fill its history, and keep what other tenants wait for in the queue.
fn worth_carrying(orders: Vec<Result<Order, Malformed>>) -> Vec<Result<Order, Malformed>> {
    let is_change = |order: &Result<Order, Malformed>| {
        matches!(order, Ok(Order::Tell(_, Signal::DeadlinesChanged, _)))
    };
    let mut kept: Vec<Result<Order, Malformed>> = Vec::new();
    for order in orders {
        if matches!(order, Ok(Order::Ignore)) {
            continue;
        }
        if kept.last().is_some_and(is_change) && is_change(&order) {
            kept.pop();
        }
        kept.push(order);
    }
    kept
}

async fn carry(temporal: &Temporal, order: Result<Order, Malformed>) -> Outcome {
    let order = match order {
        Ok(Order::Ignore) => return Outcome::Done,
        Ok(order) => order,
        Err(malformed) => return Outcome::Poison(malformed.to_string()),
    };
    let Some(client) = temporal.client() else {
        return Outcome::Later("Temporal is unavailable".to_owned());
    };
    match order {
        Order::Ignore => Outcome::Done,
        Order::Follow(input) => follow(client, input).await,
        Order::FollowAgain(input, change) => follow_again(client, input, change).await,
        Order::Tell(deal_id, signal, change) => tell(client, deal_id, signal, change).await,
        Order::Deliver(input, sequence) => deliver(client, input, sequence).await,
    }
}

async fn follow(client: &Client, input: DealInput) -> Outcome {
    let options = deal_options(input.deal_id);
    started(
        client
            .start_workflow(DealLifecycle::run, input, options)
            .await,
    )
}

/// A run that is about to end gets the signal and looks again; one that has ended is followed by a new one.
async fn follow_again(client: &Client, input: DealInput, change: DealChanged) -> Outcome {
    let options = deal_options(input.deal_id);
    started(
        client
            .signal_with_start_workflow(
                DealLifecycle::run,
                input,
                DealLifecycle::deal_resumed,
                change,
                options,
            )
            .await,
    )
}

async fn deliver(client: &Client, input: NotificationInput, sequence: u64) -> Outcome {
    let id = notification::workflow_id(input.notification_id, sequence);
    let options = WorkflowStartOptions::new(NOTIFICATION_QUEUE, id)
        // Delivered or given up, it is not started again; another event is needed to send it again.
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .rpc_options(once())
        .build();
    started(
        client
            .start_workflow(Notification::run, input, options)
            .await,
    )
}

async fn tell(client: &Client, deal_id: Uuid, signal: Signal, change: DealChanged) -> Outcome {
    let run: WorkflowHandle<Client, DealLifecycle> =
        client.get_workflow_handle(deal_lifecycle::workflow_id(deal_id));
    // The server takes a request id once for each run; the workflow remembers events over runs.
    let options = WorkflowSignalOptions::builder()
        .request_id(change.event_id.to_string())
        .rpc_options(once())
        .build();
    let told = match signal {
        Signal::TaskCompleted => {
            run.signal(DealLifecycle::task_completed, change, options)
                .await
        }
        Signal::TaskWaived => {
            run.signal(DealLifecycle::task_waived, change, options)
                .await
        }
        Signal::TaskReopened => {
            run.signal(DealLifecycle::task_reopened, change, options)
                .await
        }
        Signal::DeadlinesChanged => {
            run.signal(DealLifecycle::deadlines_changed, change, options)
                .await
        }
        Signal::DealHeld => run.signal(DealLifecycle::deal_held, change, options).await,
        Signal::DealResumed => {
            run.signal(DealLifecycle::deal_resumed, change, options)
                .await
        }
        Signal::DealClosed => {
            run.signal(DealLifecycle::deal_closed, change, options)
                .await
        }
        Signal::DealCancelled => {
            run.signal(DealLifecycle::deal_cancelled, change, options)
                .await
        }
    };
    match told {
        Ok(()) => Outcome::Done,
        // Not started, or ended: a run that begins reads everything again.
        Err(WorkflowInteractionError::NotFound(_)) => Outcome::Done,
        Err(WorkflowInteractionError::Rpc(status)) => failed(&status),
        Err(error) => Outcome::Retry(format!("failed to signal: {error}")),
    }
}

fn deal_options(deal_id: Uuid) -> WorkflowStartOptions {
    WorkflowStartOptions::new(DEAL_QUEUE, deal_lifecycle::workflow_id(deal_id))
        .rpc_options(once())
        .build()
}

/// One attempt with a limit: the consumer is who tries again.
fn once() -> RpcOptions {
    RpcOptions::builder()
        .timeout(CALL_TIMEOUT)
        .retry_options(RetryOptions::no_retries())
        .build()
}

fn started<H>(outcome: Result<H, WorkflowStartError>) -> Outcome {
    match outcome {
        Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => Outcome::Done,
        Err(WorkflowStartError::Rpc(status)) => failed(&status),
        Err(error) => Outcome::Retry(format!("failed to start a workflow: {error}")),
    }
}

/// Only a request that Temporal finds fault with is counted; all other errors mean that Temporal is unavailable.
fn failed(status: &Status) -> Outcome {
    let reason = format!("Temporal answered {}: {}", status.code(), status.message());
    match status.code() {
        Code::InvalidArgument | Code::OutOfRange | Code::Unimplemented => Outcome::Retry(reason),
        _ => Outcome::Later(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_changes_in_a_row_only_the_last_is_carried_and_nothing_between_is_lost() {
        let deal = Uuid::from_u128(1);
        let tell = |signal, event: u128| {
            let change = DealChanged {
                event_id: Uuid::from_u128(event),
                task_id: None,
            };
            Ok(Order::Tell(deal, signal, change))
        };
        let orders = vec![
            tell(Signal::DeadlinesChanged, 1),
            tell(Signal::DeadlinesChanged, 2),
            tell(Signal::TaskCompleted, 3),
            tell(Signal::TaskCompleted, 4),
            tell(Signal::DeadlinesChanged, 5),
            tell(Signal::DealHeld, 6),
            tell(Signal::DeadlinesChanged, 7),
            tell(Signal::DeadlinesChanged, 8),
        ];
        let carried: Vec<u128> = worth_carrying(orders)
            .into_iter()
            .filter_map(|order| match order {
                Ok(Order::Tell(_, _, change)) => Some(change.event_id.as_u128()),
                _ => None,
            })
            .collect();
        assert_eq!(carried, [2, 3, 4, 5, 6, 8]);
    }

    #[test]
    fn events_wait_while_temporal_is_away_and_only_bad_requests_are_counted() {
        assert!(matches!(
            failed(&Status::unavailable("down")),
            Outcome::Later(_)
        ));
        assert!(matches!(
            failed(&Status::deadline_exceeded("slow")),
            Outcome::Later(_)
        ));
        assert!(matches!(
            failed(&Status::not_found("no namespace yet")),
            Outcome::Later(_)
        ));
        assert!(matches!(
            failed(&Status::invalid_argument("bad")),
            Outcome::Retry(_)
        ));
    }
}
