//! A body that is read by somebody slow: what makes it must not wait for the reader without end.
//!
//! The source is read ahead into a bounded buffer. A reader who takes nothing for too long loses its answer, and what
//! the source holds (a connection, a place in a queue) is free again, although the reader's own connection is still
//! there.

use std::{error::Error as StdError, pin::pin, time::Duration};

use actix_web::{rt::spawn, web::Bytes};
use futures::{Stream, StreamExt as _, stream};
use tokio::{sync::mpsc, time::timeout};

/// Why a body breaks off.
type Failure = Box<dyn StdError>;

/// Passes `source` on, at most `parts` of it read ahead. It is given up when the reader takes nothing for longer than
/// `patience`; the reader then finds a broken body, never a short one that looks whole.
pub fn paced<E>(
    source: impl Stream<Item = Result<Bytes, E>> + 'static,
    parts: usize,
    patience: Duration,
) -> impl Stream<Item = Result<Bytes, Failure>>
where
    E: Into<Failure> + 'static,
{
    // `None` is the end of the source; a sender that is gone without it gave up.
    let (sender, receiver) = mpsc::channel::<Option<Result<Bytes, E>>>(parts.max(1));
    spawn(async move {
        let mut source = pin!(source);
        loop {
            let part = tokio::select! {
                part = source.next() => part,
                () = sender.closed() => return,
            };
            let goes_on = matches!(part, Some(Ok(_)));
            let taken = timeout(patience, sender.send(part)).await;
            if !goes_on || !matches!(taken, Ok(Ok(()))) {
                return;
            }
        }
    });
    stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Some(Ok(part))) => Some((Ok(part), Some(receiver))),
            Some(Some(Err(failure))) => Some((Err(failure.into()), None)),
            Some(None) => None,
            None => Some((Err("the reader was too slow".into()), None)),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::*;

    /// How long a reader of these tests may take.
    const FOR_A_PART: Duration = Duration::from_secs(30);

    /// Records that it was dropped, as a connection would be closed.
    struct Held(Rc<Cell<bool>>);

    impl Drop for Held {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }

    /// What became of a source: how many of its parts were read, and whether it is gone.
    type Fate = (Rc<Cell<usize>>, Rc<Cell<bool>>);

    /// A source of `count` parts.
    fn source(count: usize) -> (impl Stream<Item = Result<Bytes, Failure>>, Fate) {
        let (read, gone) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
        let held = Held(Rc::clone(&gone));
        let counted = Rc::clone(&read);
        let parts = stream::iter(0..count).map(move |_| {
            let _held = &held;
            counted.set(counted.get() + 1);
            Ok(Bytes::from_static(b"part"))
        });
        (parts, (read, gone))
    }

    #[actix_web::test]
    async fn a_reader_who_takes_nothing_loses_its_answer_and_the_source_is_free() {
        tokio::time::pause();
        let (parts, (read, gone)) = source(1_000);
        let mut body = pin!(paced(parts, 4, FOR_A_PART));
        assert!(body.next().await.is_some_and(|part| part.is_ok()));
        while !gone.get() {
            tokio::time::advance(FOR_A_PART).await;
            tokio::task::yield_now().await;
        }
        // One taken, four in the buffer, one in the hand.
        assert!(read.get() <= 6, "{} parts were read ahead", read.get());
        let rest: Vec<_> = body.collect().await;
        assert!(rest.last().is_some_and(Result::is_err), "it looks whole");
    }

    #[actix_web::test]
    async fn what_is_read_in_time_arrives_whole() {
        let (parts, (_, gone)) = source(100);
        let taken: Vec<_> = paced(parts, 4, FOR_A_PART).collect().await;
        assert_eq!(taken.iter().filter(|part| part.is_ok()).count(), 100);
        assert!(taken.iter().all(Result::is_ok));
        assert!(gone.get());
    }

    #[actix_web::test]
    async fn a_reader_who_goes_away_frees_a_source_that_has_nothing_to_say() {
        let gone = Rc::new(Cell::new(false));
        let held = Held(Rc::clone(&gone));
        let silent = stream::once(async move {
            let _held = held;
            std::future::pending::<Result<Bytes, Failure>>().await
        });
        let body = paced(silent, 4, FOR_A_PART);
        tokio::task::yield_now().await;
        drop(body);
        tokio::task::yield_now().await;
        assert!(gone.get());
    }
}
