//! Events as the services use them, and their two written forms: the protobuf envelope that travels through the broker,
//! and the JSON in `event_outbox.event_data`.
//!
//! Each event carries its aggregate as it is after the change, so that a consumer can rebuild its read model from any
//! one of them. A type that this build does not know is [`Event::Unknown`].

use prost::Message as _;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    field::{self, Malformed},
    routing,
    v1::{
        CommentEvent, DealEvent, Envelope, KeyDatesEvent, MilestoneEvent, NotificationEvent,
        OrganizationEvent, PartyEvent, PlanEvent, TaskEvent, UserEvent,
    },
};

/// One event of any kind, with the aggregate's state after it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `deals.deal.*`
    Deal(DealChange, DealEvent),
    /// `deals.party.*`
    Party(PartyChange, PartyEvent),
    /// `tasks.task.*`
    Task(TaskChange, TaskEvent),
    /// `tasks.milestone.*`
    Milestone(MilestoneChange, MilestoneEvent),
    /// `tasks.plan.*`
    Plan(PlanChange, PlanEvent),
    /// `tasks.key_dates.*`
    KeyDates(KeyDatesChange, KeyDatesEvent),
    /// `tasks.comment.*`
    Comment(CommentChange, CommentEvent),
    /// `users.user.*`
    User(UserChange, UserEvent),
    /// `users.organization.*`
    Organization(OrganizationChange, OrganizationEvent),
    /// `notifications.notification.*`
    Notification(NotificationChange, NotificationEvent),
    /// A type that this build does not know, from a newer service. To be acknowledged and left alone.
    Unknown {
        /// The event's type as it was written.
        event_type: String,
        /// The name of the message in `data`.
        dataschema: String,
        /// The encoded message.
        data: Vec<u8>,
    },
}

/// What an envelope says beside the event itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The event's id, by which a repetition is recognised.
    pub id: Uuid,
    /// The service that emitted it.
    pub source: String,
    /// The aggregate it happened to.
    pub subject: Uuid,
    /// When it happened. Travels with milliseconds.
    pub time: OffsetDateTime,
    /// The tenant.
    pub organization_id: Uuid,
    /// Who did it; the organization's SYSTEM user where nobody did.
    pub actor_user_id: Uuid,
    /// The request that led to it.
    pub request_id: String,
    /// The aggregate's version after it, from 1 without gaps.
    pub sequence: u64,
    /// W3C trace context of the transaction that emitted it.
    pub traceparent: Option<String>,
    /// The event that this one follows from, where a consumer emitted it.
    pub cause_event_id: Option<Uuid>,
}

/// Declares what may happen to one kind of aggregate, each with its routing key.
macro_rules! changes {
    ($(#[$doc:meta])* $name:ident { $($change:ident = $key:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`routing::", stringify!($key), "`")] $change,)+
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$change,)+];

            /// The routing key, which is also the event's type.
            pub const fn routing_key(self) -> &'static str {
                match self {
                    $(Self::$change => $key,)+
                }
            }

            fn find(routing_key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|change| change.routing_key() == routing_key)
            }
        }
    };
}

changes! {
    /// What happened to a deal.
    DealChange {
        Created = routing::DEAL_CREATED,
        Updated = routing::DEAL_UPDATED,
        Activated = routing::DEAL_ACTIVATED,
        Held = routing::DEAL_HELD,
        Resumed = routing::DEAL_RESUMED,
        Closed = routing::DEAL_CLOSED,
        Cancelled = routing::DEAL_CANCELLED,
        Reopened = routing::DEAL_REOPENED,
        Deleted = routing::DEAL_DELETED,
    }
}

changes! {
    /// What happened to a party of a deal.
    PartyChange {
        Added = routing::PARTY_ADDED,
        Updated = routing::PARTY_UPDATED,
        Removed = routing::PARTY_REMOVED,
    }
}

changes! {
    /// What happened to a task.
    TaskChange {
        Created = routing::TASK_CREATED,
        Updated = routing::TASK_UPDATED,
        Assigned = routing::TASK_ASSIGNED,
        Chased = routing::TASK_CHASED,
        Started = routing::TASK_STARTED,
        Unlocked = routing::TASK_UNLOCKED,
        Blocked = routing::TASK_BLOCKED,
        Completed = routing::TASK_COMPLETED,
        Waived = routing::TASK_WAIVED,
        Reopened = routing::TASK_REOPENED,
        Overdue = routing::TASK_OVERDUE,
        Deleted = routing::TASK_DELETED,
    }
}

changes! {
    /// What happened to a milestone.
    MilestoneChange {
        Completed = routing::MILESTONE_COMPLETED,
        Reopened = routing::MILESTONE_REOPENED,
    }
}

changes! {
    /// What happened to a plan.
    PlanChange {
        Applied = routing::PLAN_APPLIED,
        Revised = routing::PLAN_REVISED,
    }
}

changes! {
    /// What happened to a deal's key dates.
    KeyDatesChange {
        Changed = routing::KEY_DATES_CHANGED,
    }
}

changes! {
    /// What happened to a comment.
    CommentChange {
        Added = routing::COMMENT_ADDED,
    }
}

changes! {
    /// What happened to a user.
    UserChange {
        Invited = routing::USER_INVITED,
        Joined = routing::USER_JOINED,
        Updated = routing::USER_UPDATED,
        Disabled = routing::USER_DISABLED,
    }
}

changes! {
    /// What happened to an organization.
    OrganizationChange {
        Updated = routing::ORGANIZATION_UPDATED,
    }
}

changes! {
    /// What happened to a notification.
    NotificationChange {
        Created = routing::NOTIFICATION_CREATED,
        Requeued = routing::NOTIFICATION_REQUEUED,
    }
}

/// What an event's type says it is.
enum Kind {
    Deal(DealChange),
    Party(PartyChange),
    Task(TaskChange),
    Milestone(MilestoneChange),
    Plan(PlanChange),
    KeyDates(KeyDatesChange),
    Comment(CommentChange),
    User(UserChange),
    Organization(OrganizationChange),
    Notification(NotificationChange),
}

impl Kind {
    fn find(event_type: &str) -> Option<Self> {
        None.or_else(|| DealChange::find(event_type).map(Self::Deal))
            .or_else(|| PartyChange::find(event_type).map(Self::Party))
            .or_else(|| TaskChange::find(event_type).map(Self::Task))
            .or_else(|| MilestoneChange::find(event_type).map(Self::Milestone))
            .or_else(|| PlanChange::find(event_type).map(Self::Plan))
            .or_else(|| KeyDatesChange::find(event_type).map(Self::KeyDates))
            .or_else(|| CommentChange::find(event_type).map(Self::Comment))
            .or_else(|| UserChange::find(event_type).map(Self::User))
            .or_else(|| OrganizationChange::find(event_type).map(Self::Organization))
            .or_else(|| NotificationChange::find(event_type).map(Self::Notification))
    }
}

impl Event {
    /// The routing key, which is also the event's type.
    pub fn routing_key(&self) -> &str {
        match self {
            Self::Deal(change, _) => change.routing_key(),
            Self::Party(change, _) => change.routing_key(),
            Self::Task(change, _) => change.routing_key(),
            Self::Milestone(change, _) => change.routing_key(),
            Self::Plan(change, _) => change.routing_key(),
            Self::KeyDates(change, _) => change.routing_key(),
            Self::Comment(change, _) => change.routing_key(),
            Self::User(change, _) => change.routing_key(),
            Self::Organization(change, _) => change.routing_key(),
            Self::Notification(change, _) => change.routing_key(),
            Self::Unknown { event_type, .. } => event_type,
        }
    }

    /// The full name of the message that carries the event.
    pub fn dataschema(&self) -> &str {
        match self {
            Self::Deal(..) => "haushavn.events.v1.DealEvent",
            Self::Party(..) => "haushavn.events.v1.PartyEvent",
            Self::Task(..) => "haushavn.events.v1.TaskEvent",
            Self::Milestone(..) => "haushavn.events.v1.MilestoneEvent",
            Self::Plan(..) => "haushavn.events.v1.PlanEvent",
            Self::KeyDates(..) => "haushavn.events.v1.KeyDatesEvent",
            Self::Comment(..) => "haushavn.events.v1.CommentEvent",
            Self::User(..) => "haushavn.events.v1.UserEvent",
            Self::Organization(..) => "haushavn.events.v1.OrganizationEvent",
            Self::Notification(..) => "haushavn.events.v1.NotificationEvent",
            Self::Unknown { dataschema, .. } => dataschema,
        }
    }

    /// The deal that the event is about, where it is about one.
    pub fn deal_id(&self) -> Option<&str> {
        match self {
            Self::Deal(_, event) => Some(&event.deal_id),
            Self::Party(_, event) => Some(&event.deal_id),
            Self::Task(_, event) => Some(&event.deal_id),
            Self::Milestone(_, event) => Some(&event.deal_id),
            Self::Plan(_, event) => Some(&event.deal_id),
            Self::KeyDates(_, event) => Some(&event.deal_id),
            Self::Comment(_, event) => Some(&event.deal_id),
            Self::Notification(_, event) => event.deal_id.as_deref(),
            Self::User(..) | Self::Organization(..) | Self::Unknown { .. } => None,
        }
    }

    /// The message that travels through the broker.
    pub fn to_envelope(&self, head: &Head) -> Envelope {
        Envelope {
            id: head.id.to_string(),
            source: head.source.clone(),
            r#type: self.routing_key().to_owned(),
            subject: head.subject.to_string(),
            time: field::instant_text(head.time),
            dataschema: self.dataschema().to_owned(),
            organization_id: head.organization_id.to_string(),
            actor_user_id: head.actor_user_id.to_string(),
            request_id: head.request_id.clone(),
            sequence: head.sequence,
            traceparent: head.traceparent.clone(),
            cause_event_id: head.cause_event_id.map(|id| id.to_string()),
            data: self.encode_data(),
        }
    }

    /// Reads a message from the broker. A type that this build does not know is [`Event::Unknown`].
    pub fn from_envelope(envelope: &Envelope) -> Result<(Head, Self), Malformed> {
        let head = Head {
            id: field::uuid("id", &envelope.id)?,
            source: envelope.source.clone(),
            subject: field::uuid("subject", &envelope.subject)?,
            time: field::instant("time", &envelope.time)?,
            organization_id: field::uuid("organizationId", &envelope.organization_id)?,
            actor_user_id: field::uuid("actorUserId", &envelope.actor_user_id)?,
            request_id: envelope.request_id.clone(),
            sequence: envelope.sequence,
            traceparent: envelope.traceparent.clone(),
            cause_event_id: field::optional_uuid(
                "causeEventId",
                envelope.cause_event_id.as_deref(),
            )?,
        };
        let data = envelope.data.as_slice();
        let event = match Kind::find(&envelope.r#type) {
            Some(Kind::Deal(change)) => Self::Deal(change, decode(data)?),
            Some(Kind::Party(change)) => Self::Party(change, decode(data)?),
            Some(Kind::Task(change)) => Self::Task(change, decode(data)?),
            Some(Kind::Milestone(change)) => Self::Milestone(change, decode(data)?),
            Some(Kind::Plan(change)) => Self::Plan(change, decode(data)?),
            Some(Kind::KeyDates(change)) => Self::KeyDates(change, decode(data)?),
            Some(Kind::Comment(change)) => Self::Comment(change, decode(data)?),
            Some(Kind::User(change)) => Self::User(change, decode(data)?),
            Some(Kind::Organization(change)) => Self::Organization(change, decode(data)?),
            Some(Kind::Notification(change)) => Self::Notification(change, decode(data)?),
            None => Self::Unknown {
                event_type: envelope.r#type.clone(),
                dataschema: envelope.dataschema.clone(),
                data: envelope.data.clone(),
            },
        };
        Ok((head, event))
    }

    /// The encoded envelope.
    pub fn encode(&self, head: &Head) -> Vec<u8> {
        self.to_envelope(head).encode_to_vec()
    }

    /// Reads an encoded envelope.
    pub fn decode(bytes: &[u8]) -> Result<(Head, Self), Malformed> {
        let envelope =
            Envelope::decode(bytes).map_err(|error| Malformed::new("envelope", error))?;
        Self::from_envelope(&envelope)
    }

    /// The event as JSON in camelCase, readable by people; the type is in a column of its own. An unknown event is
    /// `null`.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Deal(_, event) => json(event),
            Self::Party(_, event) => json(event),
            Self::Task(_, event) => json(event),
            Self::Milestone(_, event) => json(event),
            Self::Plan(_, event) => json(event),
            Self::KeyDates(_, event) => json(event),
            Self::Comment(_, event) => json(event),
            Self::User(_, event) => json(event),
            Self::Organization(_, event) => json(event),
            Self::Notification(_, event) => json(event),
            Self::Unknown { .. } => Value::Null,
        }
    }

    /// Reads what [`Event::to_json`] wrote. Fields that this build does not know are ignored, absent ones
    /// have their default; a type that it does not know is an error, since nothing could be published.
    pub fn from_json(event_type: &str, value: Value) -> Result<Self, Malformed> {
        let kind = Kind::find(event_type)
            .ok_or_else(|| Malformed::new("type", format!("unknown: {event_type}")))?;
        Ok(match kind {
            Kind::Deal(change) => Self::Deal(change, parse(value)?),
            Kind::Party(change) => Self::Party(change, parse(value)?),
            Kind::Task(change) => Self::Task(change, parse(value)?),
            Kind::Milestone(change) => Self::Milestone(change, parse(value)?),
            Kind::Plan(change) => Self::Plan(change, parse(value)?),
            Kind::KeyDates(change) => Self::KeyDates(change, parse(value)?),
            Kind::Comment(change) => Self::Comment(change, parse(value)?),
            Kind::User(change) => Self::User(change, parse(value)?),
            Kind::Organization(change) => Self::Organization(change, parse(value)?),
            Kind::Notification(change) => Self::Notification(change, parse(value)?),
        })
    }

    fn encode_data(&self) -> Vec<u8> {
        match self {
            Self::Deal(_, event) => event.encode_to_vec(),
            Self::Party(_, event) => event.encode_to_vec(),
            Self::Task(_, event) => event.encode_to_vec(),
            Self::Milestone(_, event) => event.encode_to_vec(),
            Self::Plan(_, event) => event.encode_to_vec(),
            Self::KeyDates(_, event) => event.encode_to_vec(),
            Self::Comment(_, event) => event.encode_to_vec(),
            Self::User(_, event) => event.encode_to_vec(),
            Self::Organization(_, event) => event.encode_to_vec(),
            Self::Notification(_, event) => event.encode_to_vec(),
            Self::Unknown { data, .. } => data.clone(),
        }
    }
}

fn decode<M: prost::Message + Default>(data: &[u8]) -> Result<M, Malformed> {
    M::decode(data).map_err(|error| Malformed::new("data", error))
}

fn parse<M: DeserializeOwned>(value: Value) -> Result<M, Malformed> {
    serde_json::from_value(value).map_err(|error| Malformed::new("event_data", error))
}

/// Generated messages hold text, numbers, flags and lists of them, which always serialise.
fn json<M: Serialize>(message: &M) -> Value {
    serde_json::to_value(message).unwrap_or_default()
}
