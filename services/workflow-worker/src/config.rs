//! The configuration of this service, from its environment.

use std::net::SocketAddr;

use platform::{
    auth::ServiceKeys,
    config::{Common, ConfigError, Env, HttpUrl, Secret, address},
};

use crate::NAME;

/// The settings of workflow-worker.
#[derive(Clone, Debug)]
pub struct Config {
    /// The settings that every service has.
    pub common: Common,
    /// `SERVICE_KEY_FILE`, `TRUSTED_SERVICES_DIR`: the keys of tokens among services.
    pub service_keys: ServiceKeys,
    /// `AMQP_URL`: the broker.
    pub amqp_url: Secret,
    /// Where the other services answer.
    pub services: ServiceUrls,
    /// Where Temporal is.
    pub temporal: TemporalSettings,
}

/// Where the other services answer.
#[derive(Clone, Debug)]
pub struct ServiceUrls {
    /// `USER_SERVICE_URL`
    pub user_service: HttpUrl,
    /// `DEAL_SERVICE_URL`
    pub deal_service: HttpUrl,
    /// `TASK_SERVICE_URL`
    pub task_service: HttpUrl,
}

/// Where Temporal is, and how we appear there.
#[derive(Clone, Debug)]
pub struct TemporalSettings {
    /// `TEMPORAL_URL`: the frontend's gRPC address, as `http://host:port`.
    pub url: HttpUrl,
    /// `TEMPORAL_NAMESPACE`; default `haushavn`.
    pub namespace: String,
    /// `TEMPORAL_UI_URL`: the web interface that administrators are linked to; no link without.
    pub ui_url: Option<HttpUrl>,
    /// `TEMPORAL_METRICS_LISTEN`: where the SDK shows its own metrics.
    pub metrics_listen: SocketAddr,
}

impl Config {
    /// Reads everything, or reports everything that is wrong in one message.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let common = Common::read(&mut env);
        let service_keys = ServiceKeys::read(&mut env, NAME);
        let amqp_url = env.required_as("AMQP_URL", address::rabbitmq);
        let services = ServiceUrls::read(&mut env);
        let temporal = TemporalSettings::read(&mut env);
        env.finish(|| {
            Some(Self {
                common: common?,
                service_keys: service_keys?,
                amqp_url: amqp_url?,
                services: services?,
                temporal: temporal?,
            })
        })
    }
}

impl ServiceUrls {
    fn read(env: &mut Env) -> Option<Self> {
        let user_service = env.required("USER_SERVICE_URL");
        let deal_service = env.required("DEAL_SERVICE_URL");
        let task_service = env.required("TASK_SERVICE_URL");
        Some(Self {
            user_service: user_service?,
            deal_service: deal_service?,
            task_service: task_service?,
        })
    }
}

impl TemporalSettings {
    fn read(env: &mut Env) -> Option<Self> {
        let url = env.required("TEMPORAL_URL");
        let namespace = env.or("TEMPORAL_NAMESPACE", "haushavn".to_owned());
        let ui_url = env.optional("TEMPORAL_UI_URL");
        let metrics_listen = env.required("TEMPORAL_METRICS_LISTEN");
        Some(Self {
            url: url?,
            namespace,
            ui_url,
            metrics_listen: metrics_listen?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_is_reported_in_one_message() {
        let problems = Config::from_env(Env::from_pairs([(
            "HAUSHAVN_TEMPORAL_URL",
            "not an address",
        )]))
        .unwrap_err()
        .to_string();
        for name in [
            "AMQP_URL",
            "TASK_SERVICE_URL",
            "TEMPORAL_URL",
            "TEMPORAL_METRICS_LISTEN",
            "SERVICE_KEY_FILE",
        ] {
            assert!(
                problems.contains(&format!("HAUSHAVN_{name}")),
                "{name} is not in: {problems}"
            );
        }
    }
}
