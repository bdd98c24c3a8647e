//! Whether what is sent to an address can be read on the way there.

use std::net::IpAddr;

use url::{Host, Url};

/// Whether an address leads to another machine without encryption; false for a text that is no address.
pub(super) fn is_plaintext(address: &str) -> bool {
    address
        .parse()
        .is_ok_and(|url: Url| !stays_here(&url) && !is_encrypted(&url))
}

fn is_encrypted(url: &Url) -> bool {
    let parameter = |name: &str| {
        url.query_pairs()
            .find_map(|(own, value)| (own == name).then(|| value.into_owned()))
    };
    match url.scheme() {
        // STARTTLS that may not be left out.
        "smtp" => parameter("tls").as_deref() == Some("required"),
        "postgres" | "postgresql" => matches!(
            parameter("sslmode").as_deref(),
            Some("require" | "verify-ca" | "verify-full")
        ),
        scheme => !matches!(scheme, "http" | "redis" | "amqp"),
    }
}

fn stays_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // Schemes that the standard does not know keep their host as text.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_encrypted_or_told_apart() {
        for plain in [
            "http://user-service:8080",
            "redis://:password@redis:6379/0",
            "amqp://user:password@broker/%2f",
            "smtp://mail.example:25",
            "smtp://mail.example:25?tls=opportunistic",
            "postgres://user:password@database/haushavn",
            "postgres://user:password@database/haushavn?sslmode=prefer",
            "http://203.0.113.9",
        ] {
            assert!(is_plaintext(plain), "{plain}");
        }
        for fine in [
            "https://user-service:8443",
            "rediss://:password@redis:6379/0",
            "amqps://user:password@broker/%2f",
            "smtps://mail.example",
            "smtp://mail.example:587?tls=required",
            "postgres://user:password@database/haushavn?sslmode=verify-full",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "redis://:password@localhost:6379",
            "amqp://user:password@127.0.0.1:5672/%2f",
            "postgres://user:password@127.0.0.1:5432/haushavn",
            "no address",
        ] {
            assert!(!is_plaintext(fine), "{fine}");
        }
    }
}
