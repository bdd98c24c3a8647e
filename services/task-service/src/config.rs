//! The configuration of task-service, from its environment.

use platform::{
    auth::ServiceKeys,
    config::{Common, ConfigError, Env, HttpUrl, Secret, address},
};

use crate::NAME;

/// The settings of a serving process.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What every service has.
    pub(crate) common: Common,
    /// The keys for calls between services.
    pub(crate) service_keys: ServiceKeys,
    /// `DATABASE_URL`: PostgreSQL as the service's role.
    pub(crate) database_url: Secret,
    /// `RELAY_DATABASE_URL`: PostgreSQL as the relay's role.
    pub(crate) relay_database_url: Secret,
    /// `AMQP_URL`: the broker.
    pub(crate) amqp_url: Secret,
    /// `DEAL_SERVICE_URL`: what plans are made from.
    pub(crate) deal_service_url: HttpUrl,
}

impl Config {
    /// Reads everything, or reports everything that is wrong in one message.
    pub(crate) fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let common = Common::read(&mut env);
        let service_keys = ServiceKeys::read(&mut env, NAME);
        let database_url = env.required_as("DATABASE_URL", address::postgresql);
        let relay_database_url = env.required_as("RELAY_DATABASE_URL", address::postgresql);
        let amqp_url = env.required_as("AMQP_URL", address::rabbitmq);
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

/// The settings of `migrate` and `load-templates`: only the database URL of the owner.
pub(crate) fn owner_database_url(mut env: Env) -> Result<Secret, ConfigError> {
    let url = env.required_as("MIGRATE_DATABASE_URL", address::postgresql);
    env.finish(|| url)
}
