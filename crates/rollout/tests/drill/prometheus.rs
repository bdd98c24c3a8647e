//! A Prometheus of its own for each drill.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A running Prometheus. Dropped, it ends and its data is deleted.
pub(crate) struct Prometheus {
    pub(crate) url: String,
    process: Child,
    directory: PathBuf,
}

/// An address that nothing listens on.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Whether it has read the metrics once.
async fn is_reading(address: SocketAddr) -> bool {
    let ask = async {
        let mut connection = TcpStream::connect(address).await?;
        connection
            .write_all(b"GET /api/v1/query?query=up HTTP/1.0\r\n\r\n")
            .await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer.contains(",\"1\"]"))
    };
    ask.await.unwrap_or(false)
}

impl Prometheus {
    /// Reads the metrics at `url` five times a second.
    pub(crate) async fn start(url: &str) -> Self {
        let address = free_address();
        let directory = std::env::temp_dir().join(format!("rollout-drill-{}", address.port()));
        fs::create_dir_all(&directory).unwrap();
        let target = url.trim_start_matches("http://");
        let configuration = format!(
            "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n\
             scrape_configs: [{{job_name: next, static_configs: [{{targets: ['{target}']}}]}}]\n"
        );
        let file = directory.join("prometheus.yaml");
        fs::write(&file, configuration).unwrap();
        // scripts/install --tests installs it.
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let prometheus = Self {
            url: format!("http://{address}"),
            process,
            directory,
        };
        let ready = async {
            while !is_reading(address).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ready)
            .await
            .unwrap();
        prometheus
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
        let _deleted = fs::remove_dir_all(&self.directory);
    }
}
