//! The gateway's process.

use std::io::Write as _;

use clap::{Parser, Subcommand};

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
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => gateway::serve().await,
        Command::Openapi => {
            let document = gateway::openapi_document()?;
            writeln!(std::io::stdout(), "{document}").map_err(Into::into)
        }
    }
}
