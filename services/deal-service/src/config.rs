//! What deal-service is told by its environment.

use platform::config::{Common, ConfigError, Env, Secret, ServiceKeySettings};

/// The settings of a serving process.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service has.
    pub common: Common,
    /// The keys for calls between services.
    pub service_keys: ServiceKeySettings,
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
    pub task_service_url: String,
}

impl Config {
    /// Reads everything, or reports everything that is wrong in one message.
    pub fn read(mut env: Env) -> Result<Self, ConfigError> {
        let common = Common::read(&mut env);
        let service_keys = ServiceKeySettings::read(&mut env);
        let database_url = env.required("DATABASE_URL");
        let relay_database_url = env.required("RELAY_DATABASE_URL");
        let auditor_database_url = env.required("AUDITOR_DATABASE_URL");
        let redis_url = env.required("REDIS_URL");
        let amqp_url = env.required("AMQP_URL");
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
    let service = env.required("DATABASE_URL");
    let auditor = env.required("AUDITOR_DATABASE_URL");
    env.finish(|| service.zip(auditor))
}

/// One address of the database that a subcommand needs.
pub fn database_url(mut env: Env, name: &str) -> Result<Secret, ConfigError> {
    let url = env.required(name);
    env.finish(|| url)
}
