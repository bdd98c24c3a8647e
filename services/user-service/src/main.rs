//! The binary `user-service`.

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};
use platform::{config::Env, outbox, shutdown::exit_code};

/// Bodies and rows are many small texts: with the allocator of the C library they take a fifth of the processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Identity and notifications of Haushavn. Settings are environment variables with the prefix HAUSHAVN_.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP (the default).
    Serve,
    /// Bring the schema `identity` up to date.
    Migrate,
    /// List the events that the broker does not take, and why.
    HeldEvents,
    /// Print the OpenAPI document.
    Openapi,
    /// Make a new key for access tokens and retire the present one, without a pause for anybody.
    RotateKeys,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => user_service::serve().await,
        Command::Migrate => user_service::migrate().await,
        Command::HeldEvents => print_held_events().await,
        Command::Openapi => print_openapi(),
        Command::RotateKeys => rotate_keys().await,
    };
    exit_code(user_service::NAME, outcome)
}

async fn print_held_events() -> anyhow::Result<()> {
    print(&outbox::held(Env::from_process(), "identity").await?)
}

fn print_openapi() -> anyhow::Result<()> {
    print(&user_service::openapi::document()?)
}

async fn rotate_keys() -> anyhow::Result<()> {
    print(&format!("{}\n", user_service::rotate_keys().await?))
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
