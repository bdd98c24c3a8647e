//! What crosses process borders as a message: the protobuf types, the envelope, the routing keys, and
//! total conversions between them.
//!
//! Deliberately without a broker, a database or business rules: it knows what a message looks like, not
//! who sends it or what follows from it.

pub mod event;
pub mod field;
pub mod routing;

/// The types generated from `proto/haushavn/events/v1`.
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/haushavn.events.v1.rs"));
}

/// The compiled schema: an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/events.binpb"));
