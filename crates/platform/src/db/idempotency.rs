//! `Idempotency-Key`: the same key and request answers the first response again, executed once.
//!
//! The record is written in the command's own transaction, so it survives a crash between commit and
//! response, and vanishes with a command that did not commit. Kept: 2xx, and 409s (the command is rolled
//! back, its refusal is stored by itself). Not kept: everything else, so a corrected request may follow.
//!
//! A replay is the first answer's bytes. It goes only to somebody who still sees what the answer is about ([`Sight`]).

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::{StatusCode, header},
};
use domain::rejection::{Rejection, RejectionKind};
use sea_orm::FromQueryResult;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Db, Purpose, Tx, retrying};
use crate::{
    error::{Error, Refusal, Result},
    http::{Access, path::parse_id},
};

/// Longest key that is taken.
pub(crate) const KEY_LENGTH_MAX: usize = 255;

/// A kind of thing that not everybody of an organization sees.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// How the addresses of such things begin, before the id: `/api/tasks/`.
    pub address: &'static str,
    /// SQL that finds a row if the acting user sees the object with the id `$2` in organization `$1`.
    pub find: &'static str,
}

/// The idempotency key of a request, if it has one, with the route it is scoped to.
#[derive(Clone, Debug)]
pub struct Idempotency {
    route: String,
    path: String,
    key: Option<String>,
}

impl FromRequest for Idempotency {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Idempotency {
    fn of(request: &HttpRequest) -> Result<Self> {
        let path = request.path().to_owned();
        let route = match request.query_string() {
            "" => format!("{} {path}", request.method()),
            query => format!("{} {path}?{query}", request.method()),
        };
        let mut headers = request.headers().get_all("Idempotency-Key");
        let Some(value) = headers.next() else {
            return Ok(Self {
                route,
                path,
                key: None,
            });
        };
        let sane = |text: &&str| {
            !text.is_empty()
                && text.len() <= KEY_LENGTH_MAX
                && text.bytes().all(|b| (0x20..0x7f).contains(&b))
        };
        match (value.to_str().ok().filter(sane), headers.next()) {
            (Some(key), None) => Ok(Self {
                route,
                path,
                key: Some(key.to_owned()),
            }),
            _ => Err(Rejection::field(
                "Idempotency-Key",
                "format",
                "Idempotency-Key is one line of 1 to 255 printable ASCII characters",
            )
            .into()),
        }
    }
}

/// What a command answers, in a form that can be kept.
#[derive(Clone, Debug)]
pub struct Reply {
    status: StatusCode,
    /// JSON as it is sent, to the byte; `None` where there is nothing to say.
    body: Option<String>,
    location: Option<String>,
    version: Option<i64>,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: &impl Serialize) -> Result<Self> {
        Self::with(StatusCode::OK, body)
    }

    /// 201 with a body and its address.
    pub fn created(location: impl Into<String>, body: &impl Serialize) -> Result<Self> {
        Ok(Self {
            location: Some(location.into()),
            ..Self::with(StatusCode::CREATED, body)?
        })
    }

    /// 204, nothing to say.
    pub fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: None,
            location: None,
            version: None,
        }
    }

    /// Any success with a body.
    pub fn with(status: StatusCode, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(body).map_err(anyhow::Error::from)?;
        Ok(Self {
            status,
            body: Some(body),
            location: None,
            version: None,
        })
    }

    /// Adds the resource's version as `ETag`.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }

    fn conflict(error: &Error, request_id: &str, path: &str) -> Result<Self> {
        Self::with(StatusCode::CONFLICT, &error.problem(request_id, path))
    }

    fn headers(&self) -> Value {
        json!({"location": self.location, "version": self.version})
    }

    fn restore(kept: Kept) -> Result<Self> {
        let status = u16::try_from(kept.status.unwrap_or_default())
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok());
        let headers = kept.headers.unwrap_or_default();
        Ok(Self {
            status: status.ok_or_else(|| anyhow::anyhow!("an idempotency record has no status"))?,
            body: kept.body,
            location: headers["location"].as_str().map(str::to_owned),
            version: headers["version"].as_i64(),
        })
    }

    /// The answer as HTTP.
    pub fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(version) = self.version {
            response.insert_header((header::ETAG, format!("\"{version}\"")));
        }
        let content_type = match self.status {
            StatusCode::CONFLICT => "application/problem+json",
            _ => "application/json",
        };
        match self.body {
            None => response.finish(),
            Some(body) => response.content_type(content_type).body(body),
        }
    }
}

/// What the table holds of a key.
#[derive(FromQueryResult)]
struct Kept {
    fingerprint: Vec<u8>,
    status: Option<i16>,
    headers: Option<Value>,
    body: Option<String>,
}

/// What the claim of a key found.
enum Claim {
    Ours,
    Kept(Kept),
}

impl Db {
    /// A command over HTTP: as [`Db::write`], executed once for each idempotency key. `body` is the
    /// request's parsed JSON (`Null` without one): bodies compare by meaning.
    pub async fn once(
        &self,
        access: &impl Access,
        idempotency: &Idempotency,
        body: &Value,
        work: impl AsyncFn(&mut Tx) -> Result<Reply>,
    ) -> Result<HttpResponse> {
        let Some(key) = &idempotency.key else {
            return Ok(self.write(access, work).await?.into_response());
        };
        let fingerprint = Sha256::digest(body.to_string().as_bytes()).to_vec();
        let outcome = retrying(async || {
            let mut tx = self.enter(access, Purpose::Change).await?;
            if let Claim::Kept(kept) = claim(&tx, &idempotency.route, key, &fingerprint).await? {
                return self.again(&tx, idempotency, kept, &fingerprint).await;
            }
            tx.idempotency_key = Some(key.clone());
            let reply = work(&mut tx).await?;
            keep(&tx, &idempotency.route, key, &reply).await?;
            tx.commit().await?;
            Ok(reply.into_response())
        })
        .await;
        match outcome {
            Err(refused @ Error::Rejected(_)) if is_conflict(&refused) => {
                self.keep_conflict(access, idempotency, key, &fingerprint, refused)
                    .await
            }
            outcome => outcome,
        }
    }

    /// The first answer to this key, if there was one: for commands that ask another service before they
    /// open their session, so that a repetition does not depend on it.
    pub async fn replay(
        &self,
        access: &impl Access,
        idempotency: &Idempotency,
        body: &Value,
    ) -> Result<Option<HttpResponse>> {
        let Some(key) = &idempotency.key else {
            return Ok(None);
        };
        let fingerprint = Sha256::digest(body.to_string().as_bytes()).to_vec();
        self.read(access, async |tx| {
            let found = kept(tx, &idempotency.route, key).await?;
            match found.filter(|kept| kept.status.is_some()) {
                Some(kept) => {
                    let answer = self.again(tx, idempotency, kept, &fingerprint).await;
                    answer.map(Some)
                }
                None => Ok(None),
            }
        })
        .await
    }

    /// The first answer again, to somebody who sees what it is about.
    async fn again(
        &self,
        tx: &Tx,
        idempotency: &Idempotency,
        kept: Kept,
        fingerprint: &[u8],
    ) -> Result<HttpResponse> {
        if kept.fingerprint != fingerprint {
            return Err(Refusal::IdempotencyMismatch.into());
        }
        let reply = Reply::restore(kept)?;
        let addresses = [Some(&idempotency.path), reply.location.as_ref()];
        for address in addresses.into_iter().flatten() {
            check_sight(tx, self.sights, address).await?;
        }
        let mut response = reply.into_response();
        response.headers_mut().insert(
            header::HeaderName::from_static("idempotent-replayed"),
            header::HeaderValue::from_static("true"),
        );
        Ok(response)
    }

    /// Stores a 409 by itself: the command's transaction is gone.
    async fn keep_conflict(
        &self,
        access: &impl Access,
        idempotency: &Idempotency,
        key: &str,
        fingerprint: &[u8],
        refused: Error,
    ) -> Result<HttpResponse> {
        let tx = self.enter(access, Purpose::Change).await?;
        if let Claim::Kept(kept) = claim(&tx, &idempotency.route, key, fingerprint).await? {
            return self.again(&tx, idempotency, kept, fingerprint).await;
        }
        let reply = Reply::conflict(&refused, &access.caller().request_id, &idempotency.path)?;
        keep(&tx, &idempotency.route, key, &reply).await?;
        tx.commit().await?;
        Err(refused)
    }
}

fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Rejected(rejection) if rejection.kind() == RejectionKind::Conflict)
}

/// The first write of the transaction. A second caller waits here on the first one's uncommitted row.
async fn claim(tx: &Tx, route: &str, key: &str, fingerprint: &[u8]) -> Result<Claim> {
    let actor = tx.actor();
    let scope = |fingerprint: Option<&[u8]>| {
        let mut values: Vec<sea_orm::Value> = vec![
            actor.organization_id.into(),
            actor.user_id.into(),
            route.to_owned().into(),
            key.to_owned().into(),
        ];
        values.extend(fingerprint.map(|bytes| bytes.to_vec().into()));
        values
    };
    let claimed = tx
        .run(
            "INSERT INTO idempotency (organization_id, user_id, route, key, fingerprint) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (organization_id, user_id, route, key) DO UPDATE
               SET fingerprint = excluded.fingerprint, status = NULL, headers = NULL, body = NULL,
                   created_at = clock_timestamp(), expires_at = clock_timestamp() + interval '24 hours'
             WHERE idempotency.expires_at < clock_timestamp()",
            scope(Some(fingerprint)),
        )
        .await
        .map_err(|error| match error {
            Error::Busy { .. } => Refusal::IdempotencyInFlight.into(),
            other => other,
        })?;
    if claimed == 1 {
        return Ok(Claim::Ours);
    }
    let kept: Option<Kept> = tx
        .first(
            "SELECT fingerprint, status, headers, body FROM idempotency
              WHERE organization_id = $1 AND user_id = $2 AND route = $3 AND key = $4",
            scope(None),
        )
        .await?;
    // The first one rolled back or expired just now: its key is free, and the client may retry.
    kept.map(Claim::Kept)
        .ok_or_else(|| Refusal::IdempotencyInFlight.into())
}

/// What is kept of a key that has not expired.
async fn kept(tx: &Tx, route: &str, key: &str) -> Result<Option<Kept>> {
    tx.first(
        "SELECT fingerprint, status, headers, body FROM idempotency
          WHERE organization_id = $1 AND user_id = $2 AND route = $3 AND key = $4
            AND expires_at >= clock_timestamp()",
        [
            Uuid::into(tx.actor().organization_id),
            tx.actor().user_id.into(),
            route.to_owned().into(),
            key.to_owned().into(),
        ],
    )
    .await
}

#[derive(FromQueryResult)]
struct Seen {
    #[expect(dead_code, reason = "that there is a row is all that is asked")]
    id: Uuid,
}

/// 404 unless the acting user sees the thing at this address.
async fn check_sight(tx: &Tx, sights: &[Sight], address: &str) -> Result<()> {
    let thing = sights.iter().find_map(|sight| {
        let behind = address.strip_prefix(sight.address)?;
        let id = parse_id(behind.split('/').next()?)?;
        Some((sight.find, id))
    });
    let Some((find, id)) = thing else {
        return Ok(());
    };
    let seen: Option<Seen> = tx
        .first(find, [tx.actor().organization_id.into(), id.into()])
        .await?;
    seen.map(drop).ok_or_else(|| Rejection::NotFound.into())
}

async fn keep(tx: &Tx, route: &str, key: &str, reply: &Reply) -> Result<()> {
    let actor = tx.actor();
    let status = i16::try_from(reply.status.as_u16()).map_err(anyhow::Error::from)?;
    tx.run(
        "UPDATE idempotency SET status = $5, headers = $6, body = $7
          WHERE organization_id = $1 AND user_id = $2 AND route = $3 AND key = $4",
        [
            Uuid::into(actor.organization_id),
            actor.user_id.into(),
            route.to_owned().into(),
            key.to_owned().into(),
            status.into(),
            reply.headers().into(),
            reply.body.clone().into(),
        ],
    )
    .await?;
    Ok(())
}
