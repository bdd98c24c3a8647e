use super::*;

#[test]
fn all_problems_are_reported_in_one_message_without_values() {
    let mut env = Env::from_pairs([
        ("HAUSHAVN_LISTEN", "nowhere"),
        ("HAUSHAVN_TOKEN_KEY", "hunter2"),
        ("HAUSHAVN_ENV", "staging"),
        ("HAUSHAVN_JWT_ISSUER", ""),
        ("HAUSHAVN_EVENT_PATIENCE", "61"),
        ("HAUSHAVN_DRAIN", "61"),
    ]);
    let common = Common::read(&mut env);
    let key = env.required::<Key32>("TOKEN_KEY");
    let message = env.finish(|| common.zip(key)).unwrap_err().to_string();

    assert_eq!(
        message,
        "the configuration has 9 problem(s): HAUSHAVN_ENV: must be development or production; \
         HAUSHAVN_LISTEN: invalid socket address syntax; HAUSHAVN_ADMIN_LISTEN: is missing; \
         HAUSHAVN_JWKS_URL: is missing; HAUSHAVN_JWT_ISSUER: is missing; HAUSHAVN_JWT_AUDIENCE: is missing; \
         HAUSHAVN_EVENT_PATIENCE: must be at most 60; HAUSHAVN_DRAIN: must be at most 60; \
         HAUSHAVN_TOKEN_KEY: must be 64 hexadecimal digits (32 bytes)"
    );
}

#[test]
fn a_setting_is_read_from_the_file_that_another_one_names() {
    let directory = std::env::temp_dir().join(format!("settings-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = directory.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_string_lossy().into_owned()
    };
    let issuer = file("issuer", b"haushavn\n");
    let large = file("large", &vec![b'x'; 64 * 1024 + 1]);
    let mut env = Env::from_pairs([
        ("HAUSHAVN_JWT_ISSUER_FILE", issuer.as_str()),
        ("HAUSHAVN_JWT_AUDIENCE_FILE", issuer.as_str()),
        ("HAUSHAVN_JWT_AUDIENCE", "haushavn-api"),
        ("HAUSHAVN_REDIS_URL_FILE", "/nowhere/at/all"),
        ("HAUSHAVN_TOKEN_KEY_FILE", large.as_str()),
    ]);
    let read = env.required::<String>("JWT_ISSUER");
    let said = env.finish(|| read.clone()).unwrap_err().to_string();
    std::fs::remove_dir_all(&directory).unwrap();

    assert_eq!(read.as_deref(), Some("haushavn"));
    assert_eq!(
        said,
        "the configuration has 3 problem(s): HAUSHAVN_JWT_AUDIENCE_FILE: is set beside the setting itself; \
         HAUSHAVN_REDIS_URL_FILE: cannot be read: No such file or directory (os error 2); \
         HAUSHAVN_TOKEN_KEY_FILE: has more than 65536 bytes"
    );
}

#[test]
fn in_production_nothing_leaves_the_machine_unencrypted_unless_somebody_says_so() {
    let read = |more: &[(&str, &str)]| {
        let pairs = [
            ("HAUSHAVN_REDIS_URL", "redis://:hunter2@redis:6379/0"),
            ("HAUSHAVN_AMQP_URL", "amqp://user:hunter2@127.0.0.1/%2f"),
            ("HAUSHAVN_OTHER_URL", "redis://read.by.nobody"),
        ];
        let mut env = Env::from_pairs(pairs.into_iter().chain(more.iter().copied()));
        let redis = env.required_as("REDIS_URL", address::redis);
        let amqp = env.required_as("AMQP_URL", address::rabbitmq);
        env.finish(|| redis.zip(amqp))
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        read(&[]).unwrap_err(),
        "the configuration has 1 problem(s): HAUSHAVN_REDIS_URL: must be encrypted \
         (or set HAUSHAVN_PLAINTEXT=allowed where the network does that)"
    );
    assert!(read(&[("HAUSHAVN_PLAINTEXT", "allowed")]).is_ok());
    assert!(read(&[("HAUSHAVN_ENV", "development")]).is_ok());
}

#[test]
fn complete_settings_are_read() {
    let mut env = Env::from_pairs([
        ("HAUSHAVN_LISTEN", "127.0.0.1:18082"),
        ("HAUSHAVN_ADMIN_LISTEN", "127.0.0.1:18182"),
        (
            "HAUSHAVN_JWKS_URL",
            "http://127.0.0.1:18081/.well-known/jwks.json",
        ),
        ("HAUSHAVN_JWT_ISSUER", "haushavn"),
        ("HAUSHAVN_JWT_AUDIENCE", "haushavn-api"),
        ("HAUSHAVN_ACCESS_TTL", "3"),
    ]);
    let common = Common::read(&mut env);
    let ttl = env.optional::<Seconds>("ACCESS_TTL");
    let (common, ttl) = env.finish(|| common.zip(ttl)).unwrap();

    assert_eq!(common.environment, Environment::Production);
    assert_eq!(common.log, LogFilter::default());
    assert_eq!(common.otlp_endpoint, None);
    assert_eq!(common.event_patience, Duration::from_secs(30));
    assert_eq!(ttl.0, Duration::from_secs(3));
}

#[test]
fn a_log_filter_is_made_of_levels_and_of_targets_with_levels() {
    for text in ["info", "WARN", "off,platform::db=debug,sqlx=trace"] {
        let filter: LogFilter = text.parse().unwrap();
        assert_eq!(filter.as_str(), text);
        assert!(tracing_subscriber::EnvFilter::try_new(text).is_ok());
    }
    for text in [
        "no sense",
        "loud",
        "platform=loud",
        "=info",
        "info,",
        "a=b=info",
    ] {
        assert!(text.parse::<LogFilter>().is_err(), "{text}");
    }
}

#[test]
fn debug_output_of_secrets_shows_nothing() {
    let key: Key32 = "00".repeat(32).parse().unwrap();
    assert_eq!(
        format!("{:?} {key:?}", Secret::new("hunter2")),
        "Secret(..) Key32(..)"
    );
}
