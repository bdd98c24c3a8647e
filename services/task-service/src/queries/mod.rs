//! Reads, straight from SQL into what is answered.

pub(crate) mod check_facts;
pub(crate) mod completion;
pub(crate) mod deal_plan;
pub(crate) mod explain_key_date;
pub(crate) mod get_task;
pub(crate) mod get_template;
pub(crate) mod key_dates;
pub(crate) mod list_tasks;
pub(crate) mod list_templates;
pub(crate) mod my_work;
pub(crate) mod plan_preview;
pub(crate) mod preview_key_dates;
pub(crate) mod template_plan;
pub(crate) mod validate_template;
pub(crate) mod what_if;
pub(crate) mod why_blocked;
pub(crate) mod worklist;
