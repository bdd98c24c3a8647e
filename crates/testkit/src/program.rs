//! The services' programs, run by themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{
    eventually,
    stack::{setting, stack},
};

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether its exit code says so.
    pub succeeded: bool,
    /// Everything it wrote.
    pub said: String,
}

impl Ended {
    /// The variables it named, without their prefix.
    pub fn named(&self) -> BTreeSet<String> {
        let words = self
            .said
            .split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
        words
            .filter_map(|word| word.strip_prefix("HAUSHAVN_"))
            .map(str::to_owned)
            .collect()
    }

    /// Fails unless the program gave up with one line that names exactly these.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn blames(&self, expected: &BTreeSet<String>) {
        assert!(!self.succeeded, "it did not fail: {}", self.said);
        assert_eq!(&self.named(), expected, "{}", self.said);
        assert_eq!(self.said.trim().lines().count(), 1, "{}", self.said);
    }
}

/// Runs a service's program with these variables and no others, to its end.
///
/// # Panics
/// When it does not start, or runs on.
pub async fn run_program(
    program: &str,
    arguments: &[&str],
    variables: &BTreeMap<String, String>,
) -> Ended {
    let binaries = setting("BIN_DIR");
    let running = Command::new(PathBuf::from(binaries).join(program))
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

/// A program that serves; it ends with this value.
#[derive(Debug)]
pub struct Running {
    log: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Running {
    /// Starts a service's program with these variables and no others.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(program: &str, variables: &BTreeMap<String, String>) -> Self {
        let mut process = Command::new(PathBuf::from(setting("BIN_DIR")).join(program))
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let output = process.stdout.take().expect("it is piped");
        Self {
            log: BufReader::new(output).lines(),
            _process: process,
        }
    }

    /// The next line of its log that holds this text.
    ///
    /// # Panics
    /// When it ends, or writes no such line within 30 s.
    pub async fn line_with(&mut self, text: &str) -> String {
        let found = async {
            loop {
                let line = self.log.next_line().await.expect("a readable log");
                let line = line.unwrap_or_else(|| panic!("the log ends before: {text}"));
                if line.contains(text) {
                    return line;
                }
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(30), found).await;
        found.unwrap_or_else(|_| panic!("not in the log within 30 s: {text}"))
    }
}

/// A service of one's own beside that of the running stack, with the same settings at other addresses.
#[derive(Debug)]
pub struct Instance {
    /// The address of its API.
    pub url: String,
    /// The same without its scheme.
    pub address: SocketAddr,
    process: Child,
}

impl Instance {
    /// Starts it, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(service: &str) -> Self {
        Self::start_with(service, &BTreeMap::new()).await
    }

    /// As [`Instance::start`], with some settings of its own.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start_with(service: &str, settings: &BTreeMap<String, String>) -> Self {
        // Chooses the TLS library, without which the probe's client cannot be made.
        stack();
        let mut variables = settings_of(service);
        let listen = free_address();
        for name in ["ADMIN_LISTEN", "TEMPORAL_METRICS_LISTEN"] {
            variables.insert(format!("HAUSHAVN_{name}"), free_address().to_string());
        }
        variables.insert("HAUSHAVN_LISTEN".to_owned(), listen.to_string());
        variables.extend(settings.clone());
        let process = Command::new(PathBuf::from(setting("BIN_DIR")).join(service))
            .env_clear()
            .envs(&variables)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let url = format!("http://{listen}");
        let probe = format!("{url}/readyz");
        eventually("the program is ready", async || {
            let answer = reqwest::get(&probe).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        Self {
            url,
            address: listen,
            process,
        }
    }

    /// Asks it to end, and waits until it has: requests under way get 30 s, and so do connections that others keep open.
    ///
    /// # Panics
    /// When it runs on, or ends with an error.
    pub async fn terminate(mut self) {
        let id = self.process.id().expect("it runs").to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(asked.expect("kill can be run").success());
        let ended = tokio::time::timeout(Duration::from_secs(60), self.process.wait()).await;
        let ended = ended.expect("it ends").expect("its end can be awaited");
        assert!(ended.success(), "it ended with {ended}");
    }
}

/// An address that nothing listens on.
///
/// # Panics
/// Without any.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("a listener has an address")
}

/// The settings of a service of the running stack, or of its operator.
///
/// # Panics
/// Without a stack.
pub fn settings_of(service: &str) -> BTreeMap<String, String> {
    let home = setting("HOME");
    let file = PathBuf::from(home)
        .join("env")
        .join(format!("{service}.env"));
    let text =
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
