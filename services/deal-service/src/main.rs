//! The process: which subcommand, and its exit code.

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};
use deal_service::{NAME, migrate, openapi, placing, rebuild, serve, upkeep};
use platform::{config::Env, outbox, shutdown::exit_code};
use uuid::Uuid;

/// Bodies and rows are many small texts: with the allocator of the C library they take a fifth of the processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Deals, their parties, and what people see of them.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the HTTP API, relays events and follows those of others. The default.
    Serve,
    /// Applies this service's migrations.
    Migrate,
    /// Makes partitions of the audit log and of deals ahead of time.
    Upkeep,
    /// Rebuilds the read models from the audit log, while the service runs; the consumer continues after them.
    RebuildReadModels {
        /// Only those of the organization with this id.
        #[arg(long)]
        organization: Option<Uuid>,
    },
    /// Gives a place to every row of the audit log that has none: after a restore, or writes by hand.
    PlaceAuditRows,
    /// Lists the events that the broker does not take, and why.
    HeldEvents,
    /// Prints the OpenAPI document.
    Openapi,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await,
        Command::Migrate => migrate().await,
        Command::Upkeep => upkeep::run().await,
        Command::RebuildReadModels { organization } => rebuild::run(organization).await,
        Command::PlaceAuditRows => placing::run().await,
        Command::HeldEvents => print_held_events().await,
        Command::Openapi => print_openapi(),
    };
    exit_code(NAME, outcome)
}

async fn print_held_events() -> anyhow::Result<()> {
    print(&outbox::held(Env::from_process(), "deal").await?)
}

fn print_openapi() -> anyhow::Result<()> {
    print(&openapi::document()?)
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
