//! A request's body on its way to a service: counted, never collected.

use std::{
    cell::Cell,
    error::Error as StdError,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    http::header::{self, HeaderMap},
    web::{Bytes, Payload},
};
use futures::Stream as _;

/// How far a body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The client is still sending.
    Underway,
    /// All of it has been passed on.
    Complete,
    /// It is larger than allowed.
    TooLarge,
    /// The client broke off, or its encoding is broken.
    Broken,
}

/// What a request's head says about its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// There is none.
    Nothing,
    /// It has so many bytes.
    Length(u64),
    /// It comes in chunks.
    Chunks,
}

impl Announced {
    /// Reads the head. The server has refused heads that contradict themselves.
    pub fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key(header::TRANSFER_ENCODING) {
            return Self::Chunks;
        }
        let length = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.trim().parse().ok());
        match length {
            None | Some(0) => Self::Nothing,
            Some(length) => Self::Length(length),
        }
    }
}

/// A body that is passed on as it comes, up to a limit.
pub struct LimitedBody {
    payload: Payload,
    announced: Announced,
    left: usize,
    progress: Rc<Cell<Progress>>,
}

impl LimitedBody {
    /// Passes on at most `limit` bytes of `payload`. `progress` has the outcome, also after the body is dropped.
    pub fn new(
        payload: Payload,
        announced: Announced,
        limit: usize,
        progress: Rc<Cell<Progress>>,
    ) -> Self {
        Self {
            payload,
            announced,
            left: limit,
            progress,
        }
    }
}

impl MessageBody for LimitedBody {
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        match self.announced {
            Announced::Nothing => BodySize::None,
            Announced::Length(length) => BodySize::Sized(length),
            Announced::Chunks => BodySize::Stream,
        }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        Pin::new(&mut this.payload)
            .poll_next(context)
            .map(|item| match item {
                Some(Ok(chunk)) => match this.left.checked_sub(chunk.len()) {
                    Some(left) => {
                        this.left = left;
                        Some(Ok(chunk))
                    }
                    None => {
                        this.progress.set(Progress::TooLarge);
                        Some(Err("the body is too large".into()))
                    }
                },
                Some(Err(error)) => {
                    this.progress.set(Progress::Broken);
                    Some(Err(error.into()))
                }
                None => {
                    this.progress.set(Progress::Complete);
                    None
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn the_head_tells_what_body_follows() {
        let cases: [(&[(&str, &str)], Announced); 4] = [
            (&[], Announced::Nothing),
            (&[("content-length", "0")], Announced::Nothing),
            (&[("content-length", "17")], Announced::Length(17)),
            (&[("transfer-encoding", "chunked")], Announced::Chunks),
        ];
        for (sent, announced) in cases {
            let headers = sent
                .iter()
                .map(|(name, value)| {
                    let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                    (name, HeaderValue::from_str(value).unwrap())
                })
                .collect();
            assert_eq!(Announced::of(&headers), announced);
        }
    }
}
