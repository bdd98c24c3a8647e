//! Events carry ids and what changed, no names and nothing confidential: the tags of `domain::data_class` decide of
//! every field of every event.

use domain::data_class::may_be_published;
use prost::Message as _;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto::Type,
};

/// What a message is called where fields are tagged; the envelope holds no field of an entity.
fn entity(message: &str) -> Option<&'static str> {
    Some(match message {
        "Envelope" => return None,
        "DealEvent" => "deal",
        "PartyEvent" => "party",
        "TaskEvent" => "task",
        "MilestoneEvent" => "milestone",
        "PlanEvent" | "PlanCounts" => "plan",
        "KeyDate" => "keyDate",
        "KeyDatesEvent" => "keyDates",
        "CommentEvent" => "comment",
        "UserEvent" => "user",
        "OrganizationEvent" | "RoleGrants" => "organization",
        "NotificationEvent" => "notification",
        unknown => panic!("say which entity {unknown} is about"),
    })
}

/// Numbers, flags, messages that are looked at by themselves, and ids say nothing about anybody.
fn is_harmless(field: &FieldDescriptorProto) -> bool {
    let says_text = matches!(field.r#type(), Type::String | Type::Bytes);
    !says_text || field.name().ends_with("_id")
}

fn messages() -> Vec<DescriptorProto> {
    let set = FileDescriptorSet::decode(contracts::DESCRIPTORS);
    let files = set.map(|set| set.file).unwrap_or_default();
    assert!(!files.is_empty(), "the schema is readable");
    files
        .into_iter()
        .flat_map(|file| file.message_type)
        .collect()
}

#[test]
fn every_text_in_every_event_is_tagged_as_one_that_may_be_published() {
    let mut forbidden = Vec::new();
    for message in messages() {
        let Some(entity) = entity(message.name()) else {
            continue;
        };
        for field in message.field.iter().filter(|field| !is_harmless(field)) {
            if !may_be_published(entity, field.json_name()) {
                forbidden.push(format!("{}.{}", message.name(), field.name()));
            }
        }
    }
    assert_eq!(forbidden, Vec::<String>::new());
}

#[test]
fn a_name_that_comes_back_is_found() {
    for (message, name) in [
        ("PartyEvent", "name"),
        ("UserEvent", "fullName"),
        ("DealEvent", "name"),
        ("DealEvent", "reason"),
        ("TaskEvent", "note"),
        ("TaskEvent", "anythingNew"),
    ] {
        let entity = entity(message).expect("an event");
        assert!(!may_be_published(entity, name), "{message}.{name}");
    }
}
