//! What a service shows on its admin port, in Prometheus' text format.

use crate::{Client, stack};

/// The samples of one service at one instant.
#[derive(Clone, Debug)]
pub struct Metrics(String);

impl Metrics {
    /// Asks a service.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn of(service: &str) -> Self {
        let answer = Client::new(&stack().admin(service)).get("/metrics").await;
        answer.expect(200);
        Self(answer.text)
    }

    /// The value of every sample with this name whose labels hold all of `labels`, each as `name="value"`.
    pub fn samples(&self, name: &str, labels: &[&str]) -> Vec<f64> {
        self.0
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(key, _)| {
                let (found, rest) = key.split_once('{').unwrap_or((key, ""));
                found == name && labels.iter().all(|label| rest.contains(label))
            })
            .filter_map(|(_, value)| value.parse().ok())
            .collect()
    }

    /// Their sum; 0 without any.
    pub fn total(&self, name: &str, labels: &[&str]) -> f64 {
        self.samples(name, labels).iter().sum()
    }
}
