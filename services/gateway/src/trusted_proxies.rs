//! Which peers are trusted to say where a request comes from. Behind an ingress every connection comes from the
//! ingress, and the client's address is in `X-Forwarded-For`; other peers may write anything there.

use std::{net::IpAddr, str::FromStr};

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// Where each proxy appends the address it was called from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks of the proxies in front of the gateway; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Where a request comes from that arrived from `peer`: the nearest address that is no trusted proxy. That address
    /// may have made up everything to the left of it in the header.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        for value in headers.get_all(FORWARDED_FOR).rev() {
            for told in value.to_str().unwrap_or_default().rsplit(',') {
                if !self.contains(client) {
                    return client;
                }
                let Ok(told) = told.trim().parse::<IpAddr>() else {
                    return client;
                };
                client = told.to_canonical();
            }
        }
        client
    }

    /// Whether an untrusted peer says where the request comes from. Behind an ingress that is not configured here, all
    /// clients would share one limit.
    pub fn is_told_by_a_stranger(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        headers.contains_key(FORWARDED_FOR) && !self.contains(peer.to_canonical())
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for TrustedProxies {
    type Err = &'static str;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        list.split(',')
            .map(|network| {
                let network = network.trim();
                network
                    .parse()
                    .or_else(|_| network.parse::<IpAddr>().map(IpNet::from))
            })
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(
                |_| "must be a comma-separated list of addresses or networks such as 10.0.0.0/8",
            )
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn client(trusted: &str, peer: &str, told: &[&str]) -> String {
        let proxies: TrustedProxies = match trusted {
            "" => TrustedProxies::default(),
            list => list.parse().unwrap(),
        };
        let request = told.iter().fold(TestRequest::default(), |request, told| {
            request.append_header((FORWARDED_FOR, *told))
        });
        let headers = request.to_http_request().headers().clone();
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn an_address_told_by_a_stranger_is_noticed() {
        let proxies: TrustedProxies = "10.0.0.0/8".parse().unwrap();
        let told = |peer: &str, told: Option<&str>| {
            let request = told
                .into_iter()
                .fold(TestRequest::default(), |request, told| {
                    request.append_header((FORWARDED_FOR, told))
                });
            let headers = request.to_http_request().headers().clone();
            proxies.is_told_by_a_stranger(peer.parse().unwrap(), &headers)
        };
        assert!(told("203.0.113.9", Some("198.51.100.7")));
        assert!(!told("10.1.2.3", Some("198.51.100.7")));
        assert!(!told("203.0.113.9", None));
    }

    #[test]
    fn the_client_is_the_nearest_address_that_is_no_trusted_proxy() {
        let ingress = "10.0.0.0/8, fd00::/8, 192.0.2.1";
        for (trusted, peer, told, expected, reason) in [
            (
                "",
                "10.0.0.7",
                &["203.0.113.9"] as &[_],
                "10.0.0.7",
                "nobody is trusted",
            ),
            (
                ingress,
                "203.0.113.5",
                &["198.51.100.1"],
                "203.0.113.5",
                "a client by itself",
            ),
            (
                ingress,
                "10.0.0.7",
                &["203.0.113.9"],
                "203.0.113.9",
                "behind the ingress",
            ),
            (
                ingress,
                "192.0.2.1",
                &["203.0.113.9"],
                "203.0.113.9",
                "behind a single address",
            ),
            (ingress, "10.0.0.7", &[], "10.0.0.7", "the ingress itself"),
            (
                ingress,
                "10.0.0.7",
                &["1.2.3.4, 203.0.113.9"],
                "203.0.113.9",
                "a made-up address in front",
            ),
            (
                ingress,
                "10.0.0.7",
                &["1.2.3.4", "203.0.113.9"],
                "203.0.113.9",
                "in a header of its own",
            ),
            (
                ingress,
                "10.0.0.7",
                &["203.0.113.9, 10.1.1.1"],
                "203.0.113.9",
                "two proxies",
            ),
            (
                ingress,
                "10.0.0.7",
                &["10.9.9.9, 10.1.1.1"],
                "10.9.9.9",
                "a client inside",
            ),
            (
                ingress,
                "10.0.0.7",
                &["203.0.113.9, unknown"],
                "10.0.0.7",
                "no address at all",
            ),
            (ingress, "10.0.0.7", &[""], "10.0.0.7", "nothing"),
            (
                ingress,
                "::ffff:10.0.0.7",
                &["::ffff:203.0.113.9"],
                "203.0.113.9",
                "IPv4 in IPv6",
            ),
            (ingress, "fd00::1", &["2001:db8::9"], "2001:db8::9", "IPv6"),
        ] {
            assert_eq!(client(trusted, peer, told), expected, "{reason}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for list in [
            "ingress",
            "10.0.0.0/33",
            "10.0.0.0/8,",
            "10.0.0.0/8;10.1.0.0/16",
        ] {
            assert!(list.parse::<TrustedProxies>().is_err(), "{list}");
        }
    }
}
