//! The project's own programs, run as an operator runs them.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use tokio::process::Command;

use crate::stack::told;

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether its exit code was 0.
    pub succeeded: bool,
    /// Everything it wrote.
    pub said: String,
}

/// Runs a program with these variables and no others.
///
/// # Panics
/// When it runs longer than 30 s.
pub async fn run(program: &str, arguments: &[&str], variables: &BTreeMap<String, String>) -> Ended {
    let running = Command::new(PathBuf::from(told("BIN_DIR")).join(program))
        .args(arguments)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(30), running)
        .await
        .unwrap_or_else(|_| panic!("{program} runs on with {:?}", variables.keys()))
        .expect("the program starts");
    let said = [output.stdout, output.stderr].concat();
    Ended {
        succeeded: output.status.success(),
        said: String::from_utf8_lossy(&said).into_owned(),
    }
}

/// What a service of the running stack was told.
///
/// # Panics
/// Without a stack.
pub fn settings(service: &str) -> BTreeMap<String, String> {
    let file = PathBuf::from(told("HOME"))
        .join("env")
        .join(format!("{service}.env"));
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
