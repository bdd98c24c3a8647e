//! What Prometheus knows of the new version.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Client;
use serde::Deserialize;
use url::form_urlencoded;

use crate::bounds::Reading;

/// A query takes no longer.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// A Prometheus server, and which series are the new version's.
#[derive(Clone, Debug)]
pub struct Prometheus {
    client: Client,
    url: String,
    token: Option<String>,
    selector: String,
    window: Duration,
}

/// The part of an answer that is read (`resultType` "vector").
#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Sample>,
}

/// One sample: an instant, and a number as text.
#[derive(Deserialize)]
struct Sample {
    value: (f64, String),
}

impl Prometheus {
    /// `selector` are labels as in PromQL, `service="gateway",release="next"`; rates are of the last `window`.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(
        url: &str,
        token: Option<String>,
        selector: String,
        window: Duration,
    ) -> anyhow::Result<Self> {
        let client = Client::builder()
            .timeout(QUERY_TIMEOUT)
            .build()
            .context("make the client for Prometheus")?;
        Ok(Self {
            client,
            url: format!("{}/api/v1/query", url.trim_end_matches('/')),
            token,
            selector,
            window,
        })
    }

    /// Error rate and latency over the window.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub async fn read(&self) -> anyhow::Result<Reading> {
        let (selector, window) = (&self.selector, self.window.as_millis());
        let count = "api_request_duration_seconds_count";
        let errors = format!(
            "(sum(rate({count}{{{selector},status=~\"5..\"}}[{window}ms])) or vector(0)) \
             / sum(rate({count}{{{selector}}}[{window}ms]))"
        );
        // An export lasts as long as its reader takes.
        let p95 = format!(
            "histogram_quantile(0.95, sum by (le) (rate(api_request_duration_seconds_bucket{{{selector},\
             route!~\"/api/audit/export.*\"}}[{window}ms])))"
        );
        Ok(Reading {
            error_ratio: self.value(&errors).await?,
            p95_seconds: self.value(&p95).await?,
        })
    }

    /// How many requests there were since `since` ago.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub async fn requests(&self, since: Duration) -> anyhow::Result<f64> {
        let query = format!(
            "sum(increase(api_request_duration_seconds_count{{{}}}[{}ms]))",
            self.selector,
            since.as_millis().max(1)
        );
        Ok(self.value(&query).await?.unwrap_or_default())
    }

    /// The number that a query answers; `None` for no sample and for one that is no number.
    async fn value(&self, query: &str) -> anyhow::Result<Option<f64>> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", query)
            .finish();
        let mut request = self
            .client
            .post(&self.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        ensure!(
            status.is_success(),
            "{status}: {}",
            String::from_utf8_lossy(&body[..body.len().min(300)])
        );
        let answer: Answer = serde_json::from_slice(&body).context("an answer without samples")?;
        let Some(sample) = answer.data.result.first() else {
            return Ok(None);
        };
        let value: f64 = sample
            .value
            .1
            .parse()
            .context("a sample that is no number")?;
        Ok(Some(value).filter(|value| value.is_finite()))
    }
}
