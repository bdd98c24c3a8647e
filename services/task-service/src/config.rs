//! What task-service is told by its environment.

use platform::config::{Common, ConfigError, Env, Secret, ServiceKeySettings};

/// The settings of a serving process.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What every service has.
    pub(crate) common: Common,
    /// The keys for calls between services.
    pub(crate) service_keys: ServiceKeySettings,
    /// `DATABASE_URL`: PostgreSQL as the service's role.
    pub(crate) database_url: Secret,
    /// `RELAY_DATABASE_URL`: PostgreSQL as the relay's role.
    pub(crate) relay_database_url: Secret,
    /// `AMQP_URL`: the broker.
    pub(crate) amqp_url: Secret,
    /// `DEAL_SERVICE_URL`: what plans are made from.
    pub(crate) deal_service_url: String,
}

impl Config {
    /// Reads everything, or reports everything that is wrong in one message.
    pub(crate) fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let common = Common::read(&mut env);
        let service_keys = ServiceKeySettings::read(&mut env);
        let database_url = env.required("DATABASE_URL");
        let relay_database_url = env.required("RELAY_DATABASE_URL");
        let amqp_url = env.required("AMQP_URL");
        let deal_service_url = env.required("DEAL_SERVICE_URL");
        env.finish(|| {
            Some(Self {
                common: common?,
                service_keys: service_keys?,
                database_url: database_url?,
                relay_database_url: relay_database_url?,
                amqp_url: amqp_url?,
                deal_service_url: deal_service_url?,
            })
        })
    }
}

/// The settings of `migrate` and `load-templates`: the owner's way to the database and nothing else.
pub(crate) fn owner_database_url(mut env: Env) -> Result<Secret, ConfigError> {
    let url = env.required("MIGRATE_DATABASE_URL");
    env.finish(|| url)
}
