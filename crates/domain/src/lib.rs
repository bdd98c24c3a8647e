//! The rules of Haushavn: who may do what, how tasks and deals move from state to state, and how every date is
//! counted.
//!
//! Everything here is a pure function of its arguments. There is deliberately no input or output, no async, no
//! clock, no serialisation and no logging in this crate: callers pass the present instant in and turn the answers
//! into rows, events and HTTP.

pub mod calendar;
pub mod cascade;
pub mod code;
pub mod data_class;
pub mod dates;
pub mod deal;
pub mod email;
pub mod follow_up;
pub mod handover;
pub mod holdup;
pub mod lockout;
pub mod milestone;
pub mod money;
pub mod party;
pub mod permission;
pub mod plan;
pub mod rejection;
pub mod reminders;
pub mod search;
pub mod task;
pub mod template;
pub mod text;
mod words;
pub mod work;
pub mod zone;
