//! What lies in Redis.

use reqwest::Url;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::stack::setting;

/// For how many milliseconds a key is still kept; -1 for one without end, -2 for one that is not there.
///
/// # Panics
/// Without Redis.
pub async fn kept_for_ms(key: &str) -> i64 {
    number(&format!("PTTL {key}"), ":").await
}

/// How many connections Redis has taken since it started.
///
/// # Panics
/// Without Redis.
pub async fn connections_to_redis() -> i64 {
    number("INFO stats", "total_connections_received:").await
}

/// The number behind `name` in the answer to a command.
async fn number(command: &str, name: &str) -> i64 {
    let url: Url = setting("REDIS_URL").parse().unwrap();
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut redis = TcpStream::connect(address).await.unwrap();
    let password = url.password().unwrap();
    let lines = format!("AUTH {password}\r\n{command}\r\nQUIT\r\n");
    redis.write_all(lines.as_bytes()).await.unwrap();
    let mut answers = String::new();
    redis.read_to_string(&mut answers).await.unwrap();
    let number = answers.lines().find_map(|line| line.strip_prefix(name));
    number
        .unwrap_or_else(|| panic!("{command}: {answers}"))
        .parse()
        .unwrap()
}
