//! What a service's account at Redis reaches, and what it does not.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

use reqwest::Url;
use testkit::settings_of;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What Redis answers a service's account to one command.
async fn answer(service: &str, command: &str) -> String {
    let settings = settings_of(service);
    let url: Url = settings["HAUSHAVN_REDIS_URL"].parse().expect("an address");
    let address = (url.host_str().expect("a host"), url.port().expect("a port"));
    let mut redis = TcpStream::connect(address).await.expect("Redis is there");
    let (user, password) = (url.username(), url.password().expect("a password"));
    assert_eq!(user, service, "an account of its own");
    let lines = format!("AUTH {user} {password}\r\n{command}\r\nQUIT\r\n");
    redis.write_all(lines.as_bytes()).await.expect("sent");
    let mut text = String::new();
    redis.read_to_string(&mut text).await.expect("an answer");
    let rest = text.strip_prefix("+OK\r\n").expect("the password is right");
    rest.to_owned()
}

#[tokio::test]
async fn a_service_reaches_its_own_keys_in_redis_and_no_others() {
    let own = [
        ("user-service", "session:none"),
        ("user-service", "profile:none"),
        ("deal-service", "summary:none"),
        ("gateway", "session:none"),
        ("gateway", "limit:none"),
    ];
    for (service, _) in own {
        for (_, key) in own {
            for command in [format!("GET {key}"), format!("SET {key} forged NX PX 1")] {
                let answer = answer(service, &command).await;
                let is_refused = answer.starts_with("-NOPERM");
                let is_own = own.contains(&(service, key));
                assert_eq!(is_refused, !is_own, "{service}: {command}: {answer}");
            }
        }
        for command in ["KEYS *", "FLUSHALL", "CONFIG GET requirepass", "ACL LIST"] {
            let answer = answer(service, command).await;
            assert!(
                answer.starts_with("-NOPERM"),
                "{service}: {command}: {answer}"
            );
        }
    }
}
