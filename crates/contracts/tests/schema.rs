//! Schemas only grow: nothing that was released is removed, renumbered or retyped.

use std::collections::BTreeMap;

use prost::Message as _;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

const RELEASED: &[u8] = include_bytes!("../../../proto/released.binpb");

#[test]
fn nothing_that_was_released_has_changed() {
    let broken = breaking(&decode(RELEASED), &decode(contracts::DESCRIPTORS));
    assert!(
        broken.is_empty(),
        "these changes break old readers or writers:\n{}",
        broken.join("\n")
    );
}

#[test]
fn a_removed_field_is_found() {
    assert_eq!(
        after(|message| message.field.retain(|field| field.name() != "title")),
        ["TaskEvent.title (5) is gone"]
    );
}

#[test]
fn a_renumbered_field_is_found() {
    let broken = after(|message| edit(message, "title", |field| field.number = Some(99)));
    assert_eq!(broken, ["TaskEvent.title (5) is gone"]);
}

#[test]
fn a_renamed_field_is_found_since_json_names_it() {
    let broken = after(|message| {
        edit(message, "title", |field| {
            field.name = Some("heading".to_owned())
        })
    });
    assert_eq!(broken, ["TaskEvent.title (5) is now called heading"]);
}

#[test]
fn a_retyped_field_is_found() {
    let broken = after(|message| edit(message, "title", |field| field.r#type = Some(4)));
    assert_eq!(broken, ["TaskEvent.title (5) has another type"]);
}

#[test]
fn a_field_made_repeated_or_optional_is_found() {
    let broken =
        after(|message| edit(message, "title", |field| field.proto3_optional = Some(true)));
    assert_eq!(broken, ["TaskEvent.title (5) has another type"]);
}

#[test]
fn a_removed_message_is_found() {
    let released = decode(RELEASED);
    let mut changed = released.clone();
    for file in &mut changed.file {
        file.message_type
            .retain(|message| message.name() != "KeyDate");
    }
    assert_eq!(breaking(&released, &changed), ["KeyDate is gone"]);
}

#[test]
fn a_new_field_is_fine() {
    let broken = after(|message| {
        let field = FieldDescriptorProto {
            name: Some("new".to_owned()),
            number: Some(500),
            ..message.field[0].clone()
        };
        message.field.push(field);
    });
    assert!(broken.is_empty());
}

/// What the check says after a change to the released `TaskEvent`.
fn after(change: impl Fn(&mut DescriptorProto)) -> Vec<String> {
    let released = decode(RELEASED);
    let mut changed = released.clone();
    let messages = changed
        .file
        .iter_mut()
        .flat_map(|file| &mut file.message_type);
    messages
        .filter(|message| message.name() == "TaskEvent")
        .for_each(change);
    breaking(&released, &changed)
}

fn edit(message: &mut DescriptorProto, name: &str, change: impl Fn(&mut FieldDescriptorProto)) {
    message
        .field
        .iter_mut()
        .filter(|field| field.name() == name)
        .for_each(change);
}

fn decode(bytes: &[u8]) -> FileDescriptorSet {
    FileDescriptorSet::decode(bytes).unwrap_or_else(|error| panic!("not a descriptor set: {error}"))
}

/// Everything in `present` that breaks with `released`.
fn breaking(released: &FileDescriptorSet, present: &FileDescriptorSet) -> Vec<String> {
    let present = messages(present);
    let mut broken = Vec::new();
    for (name, message) in messages(released) {
        let Some(now) = present.get(&name) else {
            broken.push(format!("{name} is gone"));
            continue;
        };
        for field in &message.field {
            let what = format!("{name}.{} ({})", field.name(), field.number());
            match now
                .field
                .iter()
                .find(|candidate| candidate.number() == field.number())
            {
                None => broken.push(format!("{what} is gone")),
                Some(candidate) if candidate.name() != field.name() => {
                    broken.push(format!("{what} is now called {}", candidate.name()));
                }
                Some(candidate) if shape(candidate) != shape(field) => {
                    broken.push(format!("{what} has another type"))
                }
                Some(_) => {}
            }
        }
    }
    broken
}

fn messages(set: &FileDescriptorSet) -> BTreeMap<String, DescriptorProto> {
    let all = set.file.iter().flat_map(|file| &file.message_type);
    all.map(|message| (message.name().to_owned(), message.clone()))
        .collect()
}

fn shape(field: &FieldDescriptorProto) -> (i32, i32, &str, bool) {
    (
        field.r#type.unwrap_or_default(),
        field.label.unwrap_or_default(),
        field.type_name(),
        field.proto3_optional(),
    )
}
