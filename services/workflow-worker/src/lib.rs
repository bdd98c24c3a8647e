//! The worker of Temporal's workflows and the bridge that feeds them with events.

pub mod activities;
pub mod agenda;
pub mod config;
pub mod workflows;
pub mod worklist;
