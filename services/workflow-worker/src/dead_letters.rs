//! For administrators: events that a consumer has given up, of any consumer's queue.

use anyhow::Context as _;
use platform::{
    config::{Env, Secret, address},
    messaging::{self, Subscription, topology::SUBSCRIPTIONS},
};

/// More are not listed at once.
const LISTED_MAX: usize = 1_000;

/// The events that the consumer of this queue has given up, one JSON object a line. They stay where they are.
///
/// # Errors
/// When the queue is unknown or the broker is unavailable.
pub async fn list(queue: &str) -> anyhow::Result<String> {
    let letters = messaging::list(&broker()?, subscription(queue)?, LISTED_MAX).await?;
    let lines: Vec<String> = letters
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()?;
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

/// Sends them all round again, as if they had just been published; says how many.
///
/// # Errors
/// When the queue is unknown or the broker is unavailable.
pub async fn redrive(queue: &str) -> anyhow::Result<String> {
    let moved = messaging::redrive(&broker()?, subscription(queue)?).await?;
    Ok(format!("{moved} events sent round again\n"))
}

fn broker() -> anyhow::Result<Secret> {
    let mut env = Env::from_process();
    let url = env.required_as("AMQP_URL", address::rabbitmq);
    Ok(env.finish(|| url)?)
}

fn subscription(queue: &str) -> anyhow::Result<Subscription> {
    Subscription::find(queue).with_context(|| {
        let known = SUBSCRIPTIONS.map(|subscription| subscription.queue);
        format!(
            "{queue} is no consumer's queue; there are {}",
            known.join(", ")
        )
    })
}
