//! HTTPRoutes of the Gateway API: reading and setting how their traffic is divided.

use std::{str::FromStr, time::Duration};

use anyhow::{Context as _, bail, ensure};
use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Value, json};

/// A call takes no longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts at one change. Between them somebody else changed the route, or the API server did not answer.
const ATTEMPTS_MAX: u32 = 6;
/// Between attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// Where a pod finds its account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A route, the Service that it leads to, and the one of the new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// The HTTPRoute.
    pub route: String,
    /// The Service of the present version.
    pub present: String,
    /// The Service of the new version.
    pub next: String,
}

impl FromStr for Shift {
    type Err = anyhow::Error;

    /// Reads `ROUTE:PRESENT:NEXT`.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            &[route, present, next]
                if parts.iter().all(|part| is_name(part)) && present != next =>
            {
                Ok(Self {
                    route: route.to_owned(),
                    present: present.to_owned(),
                    next: next.to_owned(),
                })
            }
            _ => bail!(
                "a shift is ROUTE:PRESENT:NEXT, names of an HTTPRoute and of two Services, not {text:?}"
            ),
        }
    }
}

/// A DNS label, as names in Kubernetes are: they become part of an address.
fn is_name(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

/// The API server, in one namespace.
#[derive(Clone, Debug)]
pub struct Kubernetes {
    client: Client,
    url: String,
    namespace: String,
    token: Option<String>,
}

impl Kubernetes {
    /// A server with an address, as the one that `kubectl proxy` opens.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn at(url: &str, namespace: &str, token: Option<String>) -> anyhow::Result<Self> {
        Self::with(Client::builder(), url, namespace, token)
    }

    /// The server of the cluster that this pod runs in, with the account of the pod.
    ///
    /// # Errors
    /// Outside of a cluster.
    pub fn of_this_pod(namespace: &str) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = format!("{ACCOUNT}/{name}");
            std::fs::read_to_string(&path)
                .with_context(|| format!("{path}: not in a pod? Give --kubernetes"))
        };
        let authority = Certificate::from_pem(read("ca.crt")?.as_bytes()).context("ca.crt")?;
        let token = read("token")?.trim().to_owned();
        let builder = Client::builder().tls_certs_only([authority]);
        Self::with(
            builder,
            "https://kubernetes.default.svc",
            namespace,
            Some(token),
        )
    }

    fn with(
        builder: reqwest::ClientBuilder,
        url: &str,
        namespace: &str,
        token: Option<String>,
    ) -> anyhow::Result<Self> {
        ensure!(is_name(namespace), "the namespace {namespace:?} is no name");
        Ok(Self {
            client: builder
                .timeout(CALL_TIMEOUT)
                .build()
                .context("make the client for Kubernetes")?,
            url: url.trim_end_matches('/').to_owned(),
            namespace: namespace.to_owned(),
            token,
        })
    }

    /// The new version's share of a route's traffic: 0 where the route does not lead to it.
    ///
    /// # Errors
    /// When the route cannot be read, or does not lead to the present version.
    pub async fn share(&self, shift: &Shift) -> anyhow::Result<u8> {
        let route = self.read(shift).await?;
        let rules = rules_of(&route, shift)?;
        let shares = rules
            .iter()
            .map(|&rule| share(&route["spec"]["rules"][rule], shift));
        Ok(shares.max().unwrap_or_default())
    }

    /// Divides a route's traffic: `percent` to the new version, the rest to the present one. At 0 the route does not
    /// name the new version any more.
    ///
    /// # Errors
    /// When it is not done after several attempts: the route is as it was.
    pub async fn divide(&self, shift: &Shift, percent: u8) -> anyhow::Result<()> {
        let mut attempt = 1;
        loop {
            match self.try_to_divide(shift, percent).await {
                Err(error) if attempt < ATTEMPTS_MAX => {
                    tracing::warn!(route = shift.route, attempt, "not divided yet: {error:#}");
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                outcome => {
                    return outcome
                        .with_context(|| format!("divide the traffic of {}", shift.route));
                }
            }
        }
    }

    async fn try_to_divide(&self, shift: &Shift, percent: u8) -> anyhow::Result<()> {
        let route = self.read(shift).await?;
        // Somebody who changes the route in between makes the first operation fail, and nothing is changed.
        let version = route["metadata"]["resourceVersion"].clone();
        let mut patch =
            vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
        for rule in rules_of(&route, shift)? {
            let backends = divided(&route["spec"]["rules"][rule], shift, percent);
            let path = format!("/spec/rules/{rule}/backendRefs");
            patch.push(json!({"op": "replace", "path": path, "value": backends}));
        }
        self.call(Method::PATCH, shift, Some(&Value::Array(patch)))
            .await?;
        let after = self.share(shift).await?;
        ensure!(
            after == percent,
            "the route has {after} percent after it was given {percent}"
        );
        Ok(())
    }

    async fn read(&self, shift: &Shift) -> anyhow::Result<Value> {
        self.call(Method::GET, shift, None).await
    }

    async fn call(
        &self,
        method: Method,
        shift: &Shift,
        patch: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let url = format!(
            "{}/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes/{}",
            self.url, self.namespace, shift.route
        );
        let mut request = self.client.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(patch) = patch {
            request = request
                .header("content-type", "application/json-patch+json")
                .body(patch.to_string());
        }
        let answer = request.send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        match status {
            StatusCode::OK => {
                serde_json::from_slice(&body).context("the API server's answer is no JSON")
            }
            StatusCode::NOT_FOUND => bail!(
                "there is no HTTPRoute {} in {}",
                shift.route,
                self.namespace
            ),
            other => bail!(
                "{other}: {}",
                String::from_utf8_lossy(&body[..body.len().min(300)])
            ),
        }
    }
}

/// The rules of a route that lead to the present version, by their place.
fn rules_of(route: &Value, shift: &Shift) -> anyhow::Result<Vec<usize>> {
    let rules = route["spec"]["rules"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let found: Vec<usize> = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| {
            backends(rule)
                .iter()
                .any(|backend| backend["name"] == shift.present.as_str())
        })
        .map(|(place, _)| place)
        .collect();
    ensure!(
        !found.is_empty(),
        "the route {} does not lead to {}",
        shift.route,
        shift.present
    );
    Ok(found)
}

fn backends(rule: &Value) -> &[Value] {
    rule["backendRefs"].as_array().map_or(&[], Vec::as_slice)
}

/// The new version's share in percent. Weights are 1 where they are not given.
fn share(rule: &Value, shift: &Shift) -> u8 {
    let weight = |name: &str| {
        let of_it = backends(rule)
            .iter()
            .find(|backend| backend["name"] == name);
        of_it.map_or(0, |backend| backend["weight"].as_u64().unwrap_or(1))
    };
    let (present, next) = (weight(&shift.present), weight(&shift.next));
    let percent = (next * 100).checked_div(present + next).unwrap_or_default();
    u8::try_from(percent).unwrap_or(100)
}

/// The rule's backends with the traffic divided between the two; others stay as they are.
fn divided(rule: &Value, shift: &Shift, percent: u8) -> Vec<Value> {
    let mut after = Vec::new();
    for backend in backends(rule) {
        if backend["name"] == shift.next.as_str() {
            continue;
        }
        let mut present = backend.clone();
        if backend["name"] != shift.present.as_str() {
            after.push(present);
            continue;
        }
        present["weight"] = json!(100 - percent);
        let mut next = present.clone();
        after.push(present);
        if percent > 0 {
            next["name"] = json!(shift.next);
            next["weight"] = json!(percent);
            after.push(next);
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift() -> Shift {
        "haushavn-gateway:haushavn-gateway:haushavn-next-gateway"
            .parse()
            .unwrap()
    }

    #[test]
    fn a_shift_that_names_no_route_or_the_same_service_twice_is_refused() {
        for text in ["", "a:b", "a:b:b", "a:b:c:d", "a/../x:b:c", "A:b:c"] {
            assert!(text.parse::<Shift>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_traffic_is_divided_between_the_two_and_other_backends_and_fields_stay() {
        let rule = json!({"backendRefs": [
            {"name": "haushavn-gateway", "port": 8080, "weight": 100},
            {"name": "maintenance-page", "port": 80, "weight": 0},
        ]});
        let backends = divided(&rule, &shift(), 10);
        assert_eq!(
            backends,
            [
                json!({"name": "haushavn-gateway", "port": 8080, "weight": 90}),
                json!({"name": "haushavn-next-gateway", "port": 8080, "weight": 10}),
                json!({"name": "maintenance-page", "port": 80, "weight": 0}),
            ]
        );
        let later = json!({ "backendRefs": backends });
        assert_eq!(share(&later, &shift()), 10);
        let back = json!({ "backendRefs": divided(&later, &shift(), 0) });
        assert_eq!(back, rule);
    }

    #[test]
    fn a_weight_that_is_not_given_counts_as_one() {
        let rule = json!({"backendRefs": [{"name": "haushavn-gateway"}, {"name": "haushavn-next-gateway"}]});
        assert_eq!(share(&rule, &shift()), 50);
        let none = json!({"backendRefs": [{"name": "haushavn-gateway", "weight": 0}]});
        assert_eq!(share(&none, &shift()), 0);
    }
}
