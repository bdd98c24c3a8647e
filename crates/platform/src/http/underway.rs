//! Requests under way, counted to the end of their answers.
//!
//! A server that stops ends each of its threads as soon as that thread has no request left. A connection to PostgreSQL
//! belongs to the thread that opened it: requests of other threads that use it would fail. So the server is stopped when
//! no request is under way in any thread.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

/// The same answer; the request is under way until its body is sent or dropped.
pub(super) fn until_sent(request: TaskTrackerToken, body: BoxBody) -> BoxBody {
    BoxBody::new(Counted {
        body,
        _request: request,
    })
}

/// Waits until no request is under way.
pub(super) async fn none_left(underway: &TaskTracker) {
    underway.close();
    underway.wait().await;
}

struct Counted {
    body: BoxBody,
    _request: TaskTrackerToken,
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
        let underway = TaskTracker::new();
        none_left(&underway).await;
        let (first, second) = (underway.token(), underway.token());
        drop(first);
        let body = until_sent(second, BoxBody::new("all of it"));
        assert_eq!(body.size(), BodySize::Sized(9));
        assert_eq!(none_left(&underway).now_or_never(), None);
        let sent = actix_web::body::to_bytes(body).await.unwrap();
        assert_eq!(sent, "all of it");
        none_left(&underway).await;
    }
}
