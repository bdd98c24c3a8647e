//! Where the servers and services under test are, and how to stop one of them.

use std::{env, fs, path::PathBuf, process::Command, sync::OnceLock};

/// Addresses of the running stack.
#[derive(Debug)]
pub struct Stack {
    /// The gateway: what a user's client talks to.
    pub gateway: String,
    /// user-service by itself, as if the gateway had let everything through.
    pub user_service: String,
    /// deal-service by itself.
    pub deal_service: String,
    /// task-service by itself.
    pub task_service: String,
    /// workflow-worker by itself.
    pub workflow_worker: String,
    /// The mail sink's page and API.
    pub mail: String,
    /// RabbitMQ's management API, with credentials.
    pub rabbitmq_management: String,
    /// The database as its superuser: for invariants and for attempts that must fail.
    pub superuser_database: String,
    /// Where the OTLP receiver writes what it received.
    pub otlp_log: PathBuf,
    logs: PathBuf,
    script: PathBuf,
}

/// What a server or service writes into its log from some moment on.
#[derive(Clone, Debug)]
pub struct LogFrom {
    file: PathBuf,
    offset: usize,
}

impl LogFrom {
    /// The lines so far that hold all of `parts`.
    ///
    /// # Panics
    /// When the log is gone.
    pub fn lines_with(&self, parts: &[&str]) -> Vec<String> {
        self.text()
            .lines()
            .filter(|line| parts.iter().all(|part| line.contains(part)))
            .map(str::to_owned)
            .collect()
    }

    /// All of it so far.
    ///
    /// # Panics
    /// When the log is gone.
    pub fn text(&self) -> String {
        let log = fs::read(&self.file).expect("the log can be read");
        String::from_utf8_lossy(&log[self.offset..]).into_owned()
    }
}

/// The stack that `scripts/test` started.
///
/// # Panics
/// Without one.
pub fn stack() -> &'static Stack {
    static STACK: OnceLock<Stack> = OnceLock::new();
    STACK.get_or_init(|| {
        // Several libraries link rustls; the provider is chosen once.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Stack {
            gateway: setting("GATEWAY_URL"),
            user_service: setting("USER_SERVICE_URL"),
            deal_service: setting("DEAL_SERVICE_URL"),
            task_service: setting("TASK_SERVICE_URL"),
            workflow_worker: setting("WORKER_URL"),
            mail: setting("MAIL_URL"),
            rabbitmq_management: setting("RABBITMQ_MANAGEMENT_URL"),
            superuser_database: setting("SUPERUSER_DATABASE_URL"),
            otlp_log: setting("OTLP_LOG").into(),
            logs: setting("LOGS").into(),
            script: setting("STACK").into(),
        }
    })
}

/// One of the variables that `scripts/stack env` prints, without its prefix.
///
/// # Panics
/// Without a stack.
pub(crate) fn setting(name: &str) -> String {
    env::var(format!("HAUSHAVN_{name}"))
        .unwrap_or_else(|_| panic!("HAUSHAVN_{name} is not set: run the tests with ./scripts/test"))
}

impl Stack {
    /// The database as one of the service roles (`task_svc`, `auditor` …).
    pub fn database_of(&self, role: &str) -> String {
        setting(&format!("{}_DATABASE_URL", role.to_uppercase()))
    }

    /// Where a service shows its metrics and health.
    pub fn admin(&self, service: &str) -> String {
        let name = service.replace('-', "_").to_uppercase();
        setting(&format!("{name}_ADMIN_URL"))
    }

    /// The log of a server or service from now on.
    pub fn log_from_now(&self, name: &str) -> LogFrom {
        let file = self.logs.join(format!("{name}.log"));
        let offset = fs::read(&file).map_or(0, |log| log.len());
        LogFrom { file, offset }
    }

    /// Stops a server or service and waits until it is gone.
    pub fn stop(&self, name: &str) {
        self.switch("stop", name);
    }

    /// Starts a server or service and waits until it is healthy.
    pub fn start(&self, name: &str) {
        self.switch("start", name);
    }

    /// Kills a server or service without warning (SIGKILL).
    pub fn kill(&self, name: &str) {
        self.switch("kill", name);
    }

    /// Freezes a process (SIGSTOP).
    pub fn pause(&self, name: &str) {
        self.switch("pause", name);
    }

    /// Lets a frozen process go on (SIGCONT).
    pub fn resume(&self, name: &str) {
        self.switch("resume", name);
    }

    fn switch(&self, command: &str, name: &str) {
        let output = Command::new(&self.script)
            .args([command, name])
            .output()
            .expect("scripts/stack runs");
        assert!(
            output.status.success(),
            "scripts/stack {command} {name}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
