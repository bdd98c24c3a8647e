//! Parsing templates: on threads of its own, a few at a time for each organization, outside of sessions; and keeping what
//! was parsed, up to a weight.
//!
//! Inside a session a template is only looked up. One that is not kept ends the session with [`Error::Unprepared`]: the
//! database layer has it parsed and tries again, so that no connection waits for a parser.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use anyhow::Context as _;
use domain::{
    rejection::Rejection,
    template::{SOURCE_BYTES_MAX, Template, TemplateError, parse},
};
use moka::{future::Cache, policy::EvictionPolicy};
use platform::{
    db::{Preparation, Tx},
    error::{Error, Result},
};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How many templates are parsed at once: one takes a core for some milliseconds.
const AT_ONCE_MAX: usize = 2;
/// How many of them may be one organization's. Its other requests wait, without a connection.
const AT_ONCE_OF_ORGANIZATION_MAX: usize = 1;
/// How many organizations' turns are remembered.
const ORGANIZATIONS_MAX: u64 = 10_000;
/// How long an organization's turn is remembered after its last use.
const ORGANIZATION_IDLE: Duration = Duration::from_mins(1);
/// The weight of all templates that are kept, in bytes: about a thousand of the size of the shipped ones.
const KEPT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How much more memory a parsed template takes than its source, at most: a task with the shortest words takes 150 bytes
/// of source and a KiB of memory.
const BYTES_PER_SOURCE_BYTE: usize = 8;

/// What parsing gave.
#[derive(Debug)]
struct Parsed {
    outcome: Result<Arc<Template>, Vec<TemplateError>>,
    source_bytes: usize,
}

/// Names a source: a published version never changes, any other is named by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name {
    Published(Uuid),
    Source([u8; 32]),
}

/// Each organization's turns, by its id.
type Turns = Cache<Uuid, Arc<Semaphore>>;

static KEPT: LazyLock<Cache<Name, Arc<Parsed>>> = LazyLock::new(|| kept_up_to(KEPT_BYTES_MAX));
static TURNS: LazyLock<Turns> = LazyLock::new(turns);
static ALL_TURNS: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE_MAX)));

/// The template that a source describes. Rejections: `TEMPLATE_INVALID` with every mistake and its line, and of `source`
/// if it is too long.
pub(crate) async fn of_source(tx: &Tx, source: &str) -> Result<Arc<Template>> {
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("source must have at most {SOURCE_BYTES_MAX} bytes");
        return Err(Rejection::field("source", "max_length", message).into());
    }
    kept(tx, Name::of(source), source).await
}

/// The template of a published version.
pub(crate) async fn of_published(tx: &Tx, id: Uuid, source: &str) -> Result<Arc<Template>> {
    kept(tx, Name::Published(id), source).await
}

async fn kept(tx: &Tx, name: Name, source: &str) -> Result<Arc<Template>> {
    if let Some(parsed) = KEPT.get(&name).await {
        return parsed.template();
    }
    let organization_id = tx.actor().organization_id;
    let source: Arc<str> = source.into();
    Err(Error::Unprepared(Preparation::new(
        "a parsed template",
        move || {
            let source = source.clone();
            Box::pin(async move { parsed(organization_id, name, source).await.map(drop) })
        },
    )))
}

/// Parses and keeps, when it is the organization's turn.
async fn parsed(organization_id: Uuid, name: Name, source: Arc<str>) -> Result<Arc<Parsed>> {
    let turns = TURNS
        .get_with(organization_id, async {
            Arc::new(Semaphore::new(AT_ONCE_OF_ORGANIZATION_MAX))
        })
        .await;
    let its_turn = turns.acquire_owned().await.context("wait for a turn")?;
    // Somebody may have asked for the same just before.
    if let Some(parsed) = KEPT.get(&name).await {
        return Ok(parsed);
    }
    let turn = ALL_TURNS
        .clone()
        .acquire_owned()
        .await
        .context("wait for a turn")?;
    let parsing = tokio::task::spawn_blocking(move || {
        // Given back when the work is done, also if nobody waits for it any more.
        let _turns = (its_turn, turn);
        Parsed {
            outcome: parse(&source).map(Arc::new),
            source_bytes: source.len(),
        }
    });
    let parsed = Arc::new(parsing.await.context("parse a template")?);
    KEPT.insert(name, parsed.clone()).await;
    Ok(parsed)
}

/// Remembers the organizations that asked last. A new one always gets a semaphore of its own.
fn turns() -> Turns {
    Cache::builder()
        .max_capacity(ORGANIZATIONS_MAX)
        .time_to_idle(ORGANIZATION_IDLE)
        .eviction_policy(EvictionPolicy::lru())
        .build()
}

/// The least recently used go first: a template that was just parsed for a request is there when the request is
/// retried.
fn kept_up_to(bytes_max: u64) -> Cache<Name, Arc<Parsed>> {
    Cache::builder()
        .max_capacity(bytes_max)
        .weigher(|_, parsed: &Arc<Parsed>| parsed.weight())
        .eviction_policy(EvictionPolicy::lru())
        .build()
}

impl Name {
    fn of(source: &str) -> Self {
        Self::Source(Sha256::digest(source.as_bytes()).into())
    }
}

impl Parsed {
    fn template(&self) -> Result<Arc<Template>> {
        match &self.outcome {
            Ok(template) => Ok(template.clone()),
            Err(errors) => Err(Rejection::TemplateInvalid {
                errors: errors.clone(),
            }
            .into()),
        }
    }

    fn weight(&self) -> u32 {
        let messages = match &self.outcome {
            Ok(_) => 0,
            Err(errors) => errors.iter().map(|error| error.message.len()).sum(),
        };
        u32::try_from(self.source_bytes * BYTES_PER_SOURCE_BYTE + messages).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse_for(organization_id: Uuid, source: &str) -> Result<Arc<Template>> {
        let parsed = parsed(organization_id, Name::of(source), source.into()).await?;
        parsed.template()
    }

    fn source(number: usize) -> String {
        let shipped = include_str!("../templates/us_refinance.yaml");
        shipped.replacen("us_refinance", &format!("refinance_{number}"), 1)
    }

    #[tokio::test]
    async fn parsed_templates_are_kept_up_to_a_weight_however_many_there_are() {
        let one = Parsed {
            outcome: parse(&source(0)).map(Arc::new),
            source_bytes: source(0).len(),
        };
        let room_for_ten = u64::from(one.weight()) * 10;
        let cache = kept_up_to(room_for_ten);
        for number in 0..100 {
            let source = source(number);
            let parsed = Parsed {
                outcome: parse(&source).map(Arc::new),
                source_bytes: source.len(),
            };
            let name = Name::of(&source);
            cache.insert(name, Arc::new(parsed)).await;
            cache.run_pending_tasks().await;
            assert!(cache.get(&name).await.is_some(), "the newest is kept");
            assert!(cache.weighted_size() <= room_for_ten);
        }
        assert!(cache.entry_count() <= 10);
    }

    #[tokio::test]
    async fn an_organization_parses_one_template_at_a_time_and_holds_up_no_other() {
        let (busy, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let turns = TURNS
            .get_with(busy, async {
                Arc::new(Semaphore::new(AT_ONCE_OF_ORGANIZATION_MAX))
            })
            .await;
        let held = turns.acquire_owned().await.unwrap();
        let text = source(1_000);
        let waiting = parse_for(busy, &text);
        tokio::pin!(waiting);
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        let template = parse_for(other, &source(1_001)).await.unwrap();
        assert_eq!(template.key, "refinance_1001");
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        drop(held);
        assert_eq!(waiting.await.unwrap().key, "refinance_1000");
    }

    #[tokio::test]
    async fn a_template_is_parsed_beside_the_thread_that_answers_requests() {
        let text = source(3_000);
        let parsing = parse_for(Uuid::from_u128(4), &text);
        tokio::pin!(parsing);
        assert!(futures::poll!(parsing.as_mut()).is_pending());
        assert_eq!(parsing.await.unwrap().key, "refinance_3000");
    }

    #[tokio::test]
    async fn a_wrong_template_is_refused_with_its_lines_whenever_it_is_asked_for() {
        let wrong = source(2_000).replacen("side: borrower", "side: tenant", 1);
        for _ in 0..2 {
            let refused = parse_for(Uuid::from_u128(3), &wrong).await.unwrap_err();
            let Error::Rejected(Rejection::TemplateInvalid { errors }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(errors.len(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn at_most_two_templates_are_parsed_at_a_time() {
        let both = ALL_TURNS.clone().acquire_many_owned(2).await.unwrap();
        let text = source(3_000);
        let third = parse_for(Uuid::from_u128(4), &text);
        tokio::pin!(third);
        // The clock goes on only while nothing is parsed.
        let waited = tokio::time::timeout(Duration::from_hours(1), third.as_mut()).await;
        assert!(waited.is_err(), "it is parsed beside two others");
        drop(both);
        assert_eq!(third.await.unwrap().key, "refinance_3000");
    }

    #[tokio::test]
    async fn ten_thousand_organizations_turns_are_remembered_and_always_the_latest() {
        let turns = turns();
        for number in 0..12_000 {
            let one = Arc::new(Semaphore::new(1));
            turns.insert(Uuid::from_u128(number), one).await;
        }
        turns.run_pending_tasks().await;
        assert_eq!(turns.entry_count(), 10_000);
        assert!(turns.contains_key(&Uuid::from_u128(11_999)));
        assert!(!turns.contains_key(&Uuid::from_u128(0)));
    }
}
