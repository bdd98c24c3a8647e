//! The process: which subcommand, and its exit code.

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};
use platform::shutdown::exit_code;
use workflow_worker::{SERVICE, openapi, serve};

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
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await,
        Command::Openapi => print_openapi(),
    };
    exit_code(SERVICE, outcome)
}

fn print_openapi() -> anyhow::Result<()> {
    std::io::stdout().write_all(openapi::document()?.as_bytes())?;
    Ok(())
}
