//! Requests under way, counted to the end of their answers.
//!
//! A server that stops ends each of its threads as soon as that thread has no request left. A connection to PostgreSQL
//! belongs to the thread that opened it: requests of other threads that use it would fail. So the server is stopped when
//! no request is under way in any thread.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use tokio::sync::Notify;

/// How many requests are under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Underway(Arc<Counter>);

#[derive(Debug, Default)]
struct Counter {
    requests: AtomicUsize,
    none_left: Notify,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct OneUnderway(Arc<Counter>);

impl Underway {
    /// Counts one more.
    pub(super) fn begin(&self) -> OneUnderway {
        self.0.requests.fetch_add(1, Ordering::SeqCst);
        OneUnderway(Arc::clone(&self.0))
    }

    /// Waits until there is none.
    pub(super) async fn none(&self) {
        loop {
            let changed = self.0.none_left.notified();
            if self.0.requests.load(Ordering::SeqCst) == 0 {
                return;
            }
            changed.await;
        }
    }
}

impl OneUnderway {
    /// The same answer; the request is under way until its body is sent or dropped.
    pub(super) fn until_sent(self, body: BoxBody) -> BoxBody {
        BoxBody::new(Counted {
            body,
            _request: self,
        })
    }
}

impl Drop for OneUnderway {
    fn drop(&mut self) {
        if self.0.requests.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}

struct Counted {
    body: BoxBody,
    _request: OneUnderway,
}

impl MessageBody for Counted {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_request_is_under_way_until_its_answer_is_sent() {
        let underway = Underway::default();
        underway.none().await;
        let (first, second) = (underway.begin(), underway.begin());
        drop(first);
        let body = second.until_sent(BoxBody::new("all of it"));
        assert_eq!(body.size(), BodySize::Sized(9));
        assert_eq!(underway.none().now_or_never(), None);
        let sent = actix_web::body::to_bytes(body).await.unwrap();
        assert_eq!(sent, "all of it");
        underway.none().await;
    }
}
