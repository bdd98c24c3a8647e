//! The process: which subcommand, and its exit code.

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};
use platform::{messaging::topology, shutdown::exit_code};
use workflow_worker::{NAME, dead_letters, openapi, serve};

/// Bodies and rows are many small texts: with the allocator of the C library they take a fifth of the processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Workflows of deals and notifications.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs workflows and activities, and carries events from the broker to them. The default.
    Serve,
    /// Prints the OpenAPI document.
    Openapi,
    /// Prints the broker's exchanges, queues, bindings and permissions, for RabbitMQ to import before services start.
    BrokerDefinitions,
    /// Lists the events that a consumer has given up, and why.
    DeadLetters {
        /// The consumer's queue, such as deal-service.events.
        queue: String,
        /// Sends them round again, once their cause is mended.
        #[arg(long)]
        redrive: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await,
        Command::Openapi => openapi::document().and_then(|document| print(&document)),
        Command::BrokerDefinitions => print(&format!("{:#}\n", topology::definitions())),
        Command::DeadLetters { queue, redrive } => {
            let told = if redrive {
                dead_letters::redrive(&queue).await
            } else {
                dead_letters::list(&queue).await
            };
            told.and_then(|text| print(&text))
        }
    };
    exit_code(NAME, outcome)
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
