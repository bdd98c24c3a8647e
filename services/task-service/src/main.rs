//! The binary `task-service`.

// Consumers and commands nest deeper than the compiler's default limit for computing layouts.
#![recursion_limit = "256"]

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};
use platform::{config::Env, outbox, shutdown::exit_code};

/// Bodies and rows are many small texts: with the allocator of the C library they take a fifth of the processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Templates, plans, dates and tasks of Haushavn. Settings are environment variables with the prefix HAUSHAVN_.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP, relay events and consume them (the default).
    Serve,
    /// Bring the schema `task` up to date.
    Migrate,
    /// Load the templates that are built in; what is there already stays.
    LoadTemplates,
    /// List the events that the broker does not take, and why.
    HeldEvents,
    /// Print the OpenAPI document.
    Openapi,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => task_service::serve().await,
        Command::Migrate => task_service::migrate().await,
        Command::LoadTemplates => load_templates().await,
        Command::HeldEvents => print_held_events().await,
        Command::Openapi => print_openapi(),
    };
    exit_code(task_service::NAME, outcome)
}

async fn load_templates() -> anyhow::Result<()> {
    let added = task_service::load_templates().await?;
    print(&format!("{added} templates added\n"))
}

async fn print_held_events() -> anyhow::Result<()> {
    print(&outbox::held(Env::from_process(), "task").await?)
}

fn print_openapi() -> anyhow::Result<()> {
    print(&task_service::openapi::document()?)
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(write!(std::io::stdout(), "{text}")?)
}
