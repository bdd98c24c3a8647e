//! The configuration of deal-service, from its environment.

use platform::{
    auth::ServiceKeys,
    config::{Common, ConfigError, Env, HttpUrl, Secret, address},
};

use crate::NAME;

/// The settings of a serving process.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service has.
    pub common: Common,
    /// The keys for calls between services.
    pub service_keys: ServiceKeys,
    /// `DATABASE_URL`: PostgreSQL as the service's role.
    pub database_url: Secret,
    /// `RELAY_DATABASE_URL`: PostgreSQL as the relay's role.
    pub relay_database_url: Secret,
    /// `AUDITOR_DATABASE_URL`: PostgreSQL as the role that may read the audit log.
    pub auditor_database_url: Secret,
    /// `REDIS_URL`: the cache of summaries.
    pub redis_url: Secret,
    /// `AMQP_URL`: the broker.
    pub amqp_url: Secret,
    /// `TASK_SERVICE_URL`: where plans are previewed.
    pub task_service_url: HttpUrl,
}

impl Config {
    /// Reads everything, or reports everything that is wrong in one message.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let common = Common::read(&mut env);
        let service_keys = ServiceKeys::read(&mut env, NAME);
        let database_url = env.required_as("DATABASE_URL", address::postgresql);
        let relay_database_url = env.required_as("RELAY_DATABASE_URL", address::postgresql);
        let auditor_database_url = env.required_as("AUDITOR_DATABASE_URL", address::postgresql);
        let redis_url = env.required_as("REDIS_URL", address::redis);
        let amqp_url = env.required_as("AMQP_URL", address::rabbitmq);
        let task_service_url = env.required("TASK_SERVICE_URL");
        env.finish(|| {
            Some(Self {
                common: common?,
                service_keys: service_keys?,
                database_url: database_url?,
                relay_database_url: relay_database_url?,
                auditor_database_url: auditor_database_url?,
                redis_url: redis_url?,
                amqp_url: amqp_url?,
                task_service_url: task_service_url?,
            })
        })
    }
}

/// The addresses that rebuilding the read models needs: as the service, and as the auditor.
pub fn rebuild_urls(mut env: Env) -> Result<(Secret, Secret), ConfigError> {
    let service = env.required_as("DATABASE_URL", address::postgresql);
    let auditor = env.required_as("AUDITOR_DATABASE_URL", address::postgresql);
    env.finish(|| service.zip(auditor))
}

/// One address of the database that a subcommand needs.
pub fn database_url(mut env: Env, name: &str) -> Result<Secret, ConfigError> {
    let url = env.required_as(name, address::postgresql);
    env.finish(|| url)
}
