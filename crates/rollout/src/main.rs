//! The command `rollout`.

use std::{io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use rollout::{
    bounds::Bounds,
    drive::{Outcome, Rollout},
    kubernetes::{Kubernetes, Shift},
    prometheus::Prometheus,
    steps::{Steps, duration},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Moves traffic to a new version step by step, and back when it fails.
///
/// The new version is installed beside the present one, with Services of its own. Ends with 0 when the new version has
/// all of the traffic, with 1 when it was rolled back, and with 2 when something could not be done.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Goes through all steps.
    Run(Options),
    /// Gives all of the traffic back to the present version.
    Back(Options),
}

#[derive(Args)]
struct Options {
    /// A route and its two Services, as ROUTE:PRESENT:NEXT. May be given several times.
    #[arg(
        long = "shift",
        required = true,
        env = "ROLLOUT_SHIFTS",
        value_delimiter = ','
    )]
    shifts: Vec<Shift>,
    /// The namespace of the routes.
    #[arg(long, env = "ROLLOUT_NAMESPACE", default_value = "haushavn")]
    namespace: String,
    /// The API server, as opened by `kubectl proxy`. Without it: that of the cluster this pod runs in.
    #[arg(long, env = "ROLLOUT_KUBERNETES_URL")]
    kubernetes: Option<String>,
    /// A file with a token for the API server, with --kubernetes.
    #[arg(long, env = "ROLLOUT_KUBERNETES_TOKEN_FILE")]
    kubernetes_token_file: Option<PathBuf>,
    /// Prometheus.
    #[arg(
        long,
        env = "ROLLOUT_PROMETHEUS_URL",
        default_value = "http://127.0.0.1:9090"
    )]
    prometheus: String,
    /// A file with a token for Prometheus.
    #[arg(long, env = "ROLLOUT_PROMETHEUS_TOKEN_FILE")]
    prometheus_token_file: Option<PathBuf>,
    /// The labels of the new version's series in Prometheus.
    #[arg(
        long,
        env = "ROLLOUT_SELECTOR",
        default_value = "service=\"gateway\",job=~\".*next.*\""
    )]
    selector: String,
    /// Share and duration of each step.
    #[arg(long, env = "ROLLOUT_STEPS", default_value = "10:15m,50:15m,100:1h")]
    steps: Steps,
    /// Between two readings.
    #[arg(long, env = "ROLLOUT_PAUSE", default_value = "15s", value_parser = duration)]
    pause: Duration,
    /// Rates are of so long.
    #[arg(long, env = "ROLLOUT_WINDOW", default_value = "2m", value_parser = duration)]
    window: Duration,
    /// The share of requests that may be answered with 5xx.
    #[arg(long, env = "ROLLOUT_ERROR_RATIO_MAX", default_value_t = 0.01)]
    error_ratio_max: f64,
    /// The 95th percentile that answers may take.
    #[arg(long, env = "ROLLOUT_P95_MAX", default_value = "500ms", value_parser = duration)]
    p95_max: Duration,
    /// Requests that a step has to see.
    #[arg(long, env = "ROLLOUT_REQUESTS_MIN", default_value_t = 10.0)]
    requests_min: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .init();
    // An error says that there is a provider already.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    match run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    match command {
        Command::Run(options) => match options.rollout()?.run(&stopped_by_signals()?).await? {
            Outcome::Complete => {
                writeln!(out, "complete: the new version has all of the traffic")?;
                Ok(ExitCode::SUCCESS)
            }
            Outcome::RolledBack { percent, breach } => {
                writeln!(out, "rolled back at {percent} percent: {breach}")?;
                Ok(ExitCode::FAILURE)
            }
        },
        Command::Back(options) => {
            options.rollout()?.back().await?;
            writeln!(out, "the present version has all of the traffic")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn stopped_by_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind).context("listen to signals")?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            stop.cancel();
        });
    }
    Ok(stop)
}

impl Options {
    fn rollout(self) -> anyhow::Result<Rollout> {
        let token = |file: Option<PathBuf>| {
            file.map(|path| {
                let read = std::fs::read_to_string(&path);
                read.map(|text| text.trim().to_owned())
                    .with_context(|| path.display().to_string())
            })
            .transpose()
        };
        let kubernetes = match &self.kubernetes {
            Some(url) => Kubernetes::at(url, &self.namespace, token(self.kubernetes_token_file)?)?,
            None => Kubernetes::of_this_pod(&self.namespace)?,
        };
        Ok(Rollout {
            kubernetes,
            prometheus: Prometheus::new(
                &self.prometheus,
                token(self.prometheus_token_file)?,
                self.selector,
                self.window,
            )?,
            shifts: self.shifts,
            steps: self.steps,
            bounds: Bounds {
                error_ratio_max: self.error_ratio_max,
                p95_max: self.p95_max,
                requests_min: self.requests_min,
            },
            pause: self.pause,
        })
    }
}
