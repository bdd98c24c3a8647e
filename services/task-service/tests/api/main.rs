//! task-service as its clients meet it: through the gateway, with everything running.
//!
//! One file per use case. Each test makes its own organization; nothing here looks into the service.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod assign_task;
mod back_on_market;
mod change_facts;
mod closed_deal;
mod comments;
mod complete_task;
mod complete_task_once;
mod create_task;
mod dates;
mod delete_task;
mod dependencies;
mod follow_up;
mod foreign_organization;
mod get_plan;
mod get_task;
mod holidays;
mod key_date_states;
mod key_dates;
mod leaving;
mod list_tasks;
mod move_key_dates;
mod my_work;
mod one_state;
mod overdue;
mod own_template;
mod random_plans;
mod reopen_task;
mod repeating_tasks;
mod resume_deal;
mod rules_by_hand;
mod spelled_facts;
mod support;
mod template_fields;
mod templates;
mod unlock_race;
mod update_task;
mod waive_task;
mod what_if;
mod why_blocked;
mod write_template;
