//! What crosses process borders: events as protobuf with their envelope and routing keys, the records of aggregates
//! that they are made from, and total conversions between them.
//!
//! Deliberately without a broker, a database or business rules: it knows what a message looks like, not
//! who sends it or what follows from it.

pub mod event;
pub mod field;
pub mod records;
pub mod routing;
pub mod text;

/// The types generated from `proto/haushavn/events/v1`.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/haushavn.events.v1.rs"));
}

/// The compiled schema: an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/events.binpb"));
