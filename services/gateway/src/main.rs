//! The gateway's process.

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};
use platform::shutdown::exit_code;

/// Bodies and rows are many small texts: with the allocator of the C library they take a fifth of the processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The only public door of Haushavn.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the API (the default). Settings come from environment variables.
    Serve,
    /// Prints the merged OpenAPI document of all services.
    Openapi,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => gateway::serve().await,
        Command::Openapi => print_openapi(),
    };
    exit_code(gateway::NAME, outcome)
}

fn print_openapi() -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{}", gateway::openapi::document()?)?;
    Ok(())
}
