//! One connection with one channel, to a broker that has all exchanges and queues.
//!
//! lapin's own recovery is off: it gives up after a while. The owner of a link drops it when it fails.

use std::time::Duration;

use anyhow::Context as _;
use lapin::{Channel, Connection, ConnectionProperties, types::LongString};

use super::topology;
use crate::config::Secret;

/// Connecting takes no longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection and the channel on it. The connection closes when it is dropped.
pub(super) struct Link {
    pub(super) channel: Channel,
    connection: Connection,
}

impl Link {
    /// Connects, and looks whether the exchanges and queues are there. `purpose` is the connection's name in the broker's list.
    pub(super) async fn open(url: &Secret, purpose: &str) -> anyhow::Result<Self> {
        crate::tls::ensure_provider();
        let opening = async {
            let properties =
                ConnectionProperties::default().with_connection_name(LongString::from(purpose));
            let connection = Connection::connect(url.expose(), properties).await?;
            let channel = connection.create_channel().await?;
            topology::look_up(&channel).await?;
            anyhow::Ok(Self {
                channel,
                connection,
            })
        };
        tokio::time::timeout(CONNECT_TIMEOUT, opening)
            .await
            .context("the broker does not answer")?
            .context("failed to connect to the broker")
    }

    pub(super) fn is_alive(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }

    /// Says goodbye; a link that is broken already cannot.
    pub(super) async fn close(self) {
        let goodbye = self.connection.close(200, "bye".into());
        let _closed = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::{net::TcpListener, time::Instant};

    use super::*;

    #[actix_web::test]
    async fn a_broker_that_does_not_answer_is_given_up_after_five_seconds() {
        // Takes connections into its queue and never answers.
        let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Secret::new(format!("amqp://{}", deaf.local_addr().unwrap()));
        tokio::time::pause();
        let began = Instant::now();
        let opening = Link::open(&url, "a test");
        let opened = tokio::time::timeout(Duration::from_secs(3_600), opening).await;
        let error = opened.expect("given up in time").err().unwrap();
        assert_eq!(error.to_string(), "the broker does not answer");
        assert_eq!(began.elapsed().as_secs(), CONNECT_TIMEOUT.as_secs());
    }
}
