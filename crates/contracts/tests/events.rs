//! What is written once can be read for ever: golden bytes, old readers, both written forms.

use contracts::{
    event::{
        CommentChange, DealChange, Event, Head, KeyDatesChange, MilestoneChange,
        NotificationChange, OrganizationChange, PartyChange, PlanChange, TaskChange, UserChange,
    },
    v1::{
        CommentEvent, DealEvent, Envelope, KeyDate, KeyDatesEvent, MilestoneEvent,
        NotificationEvent, OrganizationEvent, PartyEvent, PlanCounts, PlanEvent, RoleGrants,
        TaskEvent, UserEvent,
    },
};
use prost::Message as _;
use serde_json::json;
use time::macros::datetime;
use uuid::Uuid;

fn head() -> Head {
    Head {
        id: Uuid::from_u128(1),
        source: "task-service".to_owned(),
        subject: Uuid::from_u128(2),
        time: datetime!(2026-03-02 14:05:00.123 UTC),
        organization_id: Uuid::from_u128(3),
        actor_user_id: Uuid::from_u128(4),
        request_id: "request-1".to_owned(),
        sequence: 7,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        cause_event_id: None,
    }
}

fn task() -> TaskEvent {
    TaskEvent {
        task_id: Uuid::from_u128(2).to_string(),
        deal_id: Uuid::from_u128(5).to_string(),
        title: "Order the appraisal".to_owned(),
        status: "COMPLETED".to_owned(),
        due_date: Some("2026-03-05".to_owned()),
        completed_on: Some("2026-03-02".to_owned()),
        required: true,
        position: 3,
        depends_on: vec![Uuid::from_u128(6).to_string()],
        version: 7,
        ..TaskEvent::default()
    }
}

fn completed() -> Event {
    Event::Task(TaskChange::Completed, task())
}

/// One event of each kind.
fn one_of_each() -> Vec<Event> {
    let key_date = KeyDate {
        key: "closing_date".to_owned(),
        date: Some("2026-04-01".to_owned()),
        ..KeyDate::default()
    };
    let grants = RoleGrants {
        role: "BUYER_AGENT".to_owned(),
        permissions: vec!["manage_tasks".to_owned()],
    };
    vec![
        Event::Deal(
            DealChange::Activated,
            DealEvent {
                template_key: Some("purchase".to_owned()),
                version: 2,
                ..DealEvent::default()
            },
        ),
        Event::Party(
            PartyChange::Removed,
            PartyEvent {
                removed: true,
                ..PartyEvent::default()
            },
        ),
        completed(),
        Event::Milestone(
            MilestoneChange::Completed,
            MilestoneEvent {
                completed: true,
                ..MilestoneEvent::default()
            },
        ),
        Event::Plan(
            PlanChange::Applied,
            PlanEvent {
                counts: Some(PlanCounts {
                    tasks: 9,
                    ..PlanCounts::default()
                }),
                ..PlanEvent::default()
            },
        ),
        Event::KeyDates(
            KeyDatesChange::Changed,
            KeyDatesEvent {
                key_dates: vec![key_date],
                ..KeyDatesEvent::default()
            },
        ),
        Event::Comment(
            CommentChange::Added,
            CommentEvent {
                visibility: "SHARED".to_owned(),
                ..CommentEvent::default()
            },
        ),
        Event::User(
            UserChange::Disabled,
            UserEvent {
                role: "BUYER".to_owned(),
                ..UserEvent::default()
            },
        ),
        Event::Organization(
            OrganizationChange::Updated,
            OrganizationEvent {
                role_grants: vec![grants],
                ..OrganizationEvent::default()
            },
        ),
        Event::Notification(
            NotificationChange::Created,
            NotificationEvent {
                kind: "TASK_OVERDUE".to_owned(),
                ..NotificationEvent::default()
            },
        ),
    ]
}

/// Bytes that were written by the first version. Never change them: a new version must read them.
const GOLDEN: &str = concat!(
    "0a2430303030303030302d303030302d303030302d303030302d303030303030303030303031120c7461736b2d736572",
    "766963651a147461736b732e7461736b2e636f6d706c65746564222430303030303030302d303030302d303030302d30",
    "3030302d3030303030303030303030322a18323032362d30332d30325431343a30353a30302e3132335a321c68617573",
    "6861766e2e6576656e74732e76312e5461736b4576656e743a2430303030303030302d303030302d303030302d303030",
    "302d303030303030303030303033422430303030303030302d303030302d303030302d303030302d3030303030303030",
    "303030344a09726571756573742d3150075a3730302d3061663736353139313663643433646438343438656232313163",
    "3830333139632d623761643662373136393230333333312d30317ab4010a2430303030303030302d303030302d303030",
    "302d303030302d303030303030303030303032122430303030303030302d303030302d303030302d303030302d303030",
    "3030303030303030352a134f72646572207468652061707072616973616c3209434f4d504c455445444a0a323032362d",
    "30332d3035720a323032362d30332d30328801019001039a012430303030303030302d303030302d303030302d303030",
    "302d303030303030303030303036a00107",
);

#[test]
fn the_bytes_of_the_first_version_are_written_and_read() {
    assert_eq!(hex::encode(completed().encode(&head())), GOLDEN);
    let read = Event::decode(&hex::decode(GOLDEN).unwrap()).unwrap();
    assert_eq!(read, (head(), completed()));
}

#[test]
fn every_kind_of_event_survives_both_written_forms() {
    for event in one_of_each() {
        let (head_read, by_bytes) = Event::decode(&event.encode(&head())).unwrap();
        assert_eq!((head_read, &by_bytes), (head(), &event));
        let by_json = Event::from_json(event.routing_key(), event.to_json()).unwrap();
        assert_eq!(by_json, event);
    }
}

#[test]
fn json_is_readable_by_people() {
    let value = completed().to_json();
    assert_eq!(value["status"], "COMPLETED");
    assert_eq!(value["dueDate"], "2026-03-05");
    assert_eq!(value["assigneeId"], json!(null));
}

#[test]
fn an_old_reader_ignores_fields_that_it_does_not_know() {
    let mut envelope = completed().to_envelope(&head());
    // Field 400, text "new": what a later version may add to the event and to the envelope.
    let unknown = [0x82, 0x19, 0x03, b'n', b'e', b'w'];
    envelope.data.extend(unknown);
    let mut bytes = envelope.encode_to_vec();
    bytes.extend(unknown);
    assert_eq!(Event::decode(&bytes).unwrap(), (head(), completed()));

    let mut value = completed().to_json();
    value["new"] = json!(true);
    assert_eq!(
        Event::from_json("tasks.task.completed", value).unwrap(),
        completed()
    );
}

#[test]
fn a_new_reader_reads_an_old_writer_that_left_fields_out() {
    let read = Event::from_json("tasks.task.completed", json!({ "taskId": "t" })).unwrap();
    assert_eq!(
        read,
        Event::Task(
            TaskChange::Completed,
            TaskEvent {
                task_id: "t".to_owned(),
                ..TaskEvent::default()
            }
        )
    );
}

#[test]
fn an_unknown_type_is_no_failure_and_is_passed_on_unchanged() {
    let mut envelope = completed().to_envelope(&head());
    envelope.r#type = "tasks.task.archived".to_owned();
    let (head, event) = Event::from_envelope(&envelope).unwrap();
    assert!(
        matches!(&event, Event::Unknown { event_type, .. } if event_type == "tasks.task.archived")
    );
    assert_eq!(event.to_envelope(&head), envelope);
    assert!(Event::from_json("tasks.task.archived", json!({})).is_err());
}

#[test]
fn a_malformed_message_is_an_error_and_never_a_panic() {
    let broken = Envelope {
        id: "7".to_owned(),
        ..completed().to_envelope(&head())
    };
    assert_eq!(Event::from_envelope(&broken).unwrap_err().field, "id");
    let good = completed().encode(&head());
    for length in 0..good.len() {
        // Some shorter messages are messages too; none of them may panic.
        let _read = Event::decode(&good[..length]);
    }
    assert!(Event::decode(b"not a message").is_err());
}

#[test]
fn routing_keys_have_three_parts_and_are_all_different() {
    let mut keys = Vec::new();
    keys.extend(DealChange::ALL.iter().map(|change| change.routing_key()));
    keys.extend(PartyChange::ALL.iter().map(|change| change.routing_key()));
    keys.extend(TaskChange::ALL.iter().map(|change| change.routing_key()));
    keys.extend(
        MilestoneChange::ALL
            .iter()
            .map(|change| change.routing_key()),
    );
    keys.extend(PlanChange::ALL.iter().map(|change| change.routing_key()));
    keys.extend(
        KeyDatesChange::ALL
            .iter()
            .map(|change| change.routing_key()),
    );
    keys.extend(CommentChange::ALL.iter().map(|change| change.routing_key()));
    keys.extend(UserChange::ALL.iter().map(|change| change.routing_key()));
    keys.extend(
        OrganizationChange::ALL
            .iter()
            .map(|change| change.routing_key()),
    );
    keys.extend(
        NotificationChange::ALL
            .iter()
            .map(|change| change.routing_key()),
    );
    let count = keys.len();
    assert!(keys.iter().all(|key| key.split('.').count() == 3));
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
}
