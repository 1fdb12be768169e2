//! An answer that holds room in a budget until it is sent, or until its reader took too long.
//!
//! Invariant: what a reader does not take is let go of after a bounded time, and the room with it.

use crate::bounds::budget::Room;
use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::task::JoinHandle;
use tonic::{Status, body::Body};

/// An answer on its way and the room that it holds; none once it was let go of.
type Kept = Arc<Mutex<Option<(Body, Arc<Room>)>>>;

/// The body of such an answer.
struct HeldBody {
    kept: Kept,
    letting_go: JoinHandle<()>,
}

/// Lets an answer that holds room, as its extensions say, hold it until it is sent, and at most for `stall`.
pub(crate) fn hold_until_sent(mut response: Response<Body>, stall: Duration) -> Response<Body> {
    let Some(held) = response.extensions_mut().remove::<Arc<Room>>() else { return response };
    response.map(|body| {
        let kept: Kept = Arc::new(Mutex::new(Some((body, held))));
        let late = Arc::clone(&kept);
        let letting_go = tokio::spawn(async move {
            tokio::time::sleep(stall).await;
            drop(lock(&late).take());
        });
        Body::new(HeldBody { kept, letting_go })
    })
}

fn lock(kept: &Kept) -> MutexGuard<'_, Option<(Body, Arc<Room>)>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match &mut *lock(&self.kept) {
            Some((body, _)) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(Some(Err(Status::cancelled("the reader took too long")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.kept).as_ref().is_some_and(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.kept).as_ref().map(|(body, _)| body.size_hint()).unwrap_or_default()
    }
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.letting_go.abort();
        drop(lock(&self.kept).take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bounds::budget::Budget, limits::Sizes};

    const STALL: Duration = Duration::from_secs(30);

    fn budget() -> Budget {
        Budget::of(Sizes { all: 64 * 1_024, all_small: 32 * 1_024, small: 1_024 })
    }

    async fn answer(budget: &Budget) -> Response<Body> {
        let mut response = Response::new(Body::new("an answer".to_owned()));
        let room = budget.hold(&(None, "person:amina".parse().unwrap()), 1_000).await;
        response.extensions_mut().insert(Arc::new(room));
        hold_until_sent(response, STALL)
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_held_until_the_answer_is_gone() {
        let budget = budget();
        let response = answer(&budget).await;
        assert_eq!(budget.held(), 1_000);
        drop(response);
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_is_let_go_of() {
        let budget = budget();
        let response = answer(&budget).await;
        tokio::time::sleep(STALL * 2).await;
        assert_eq!(budget.held(), 0);
        let mut body = Box::pin(response.into_body());
        let next = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await;
        assert!(next.is_some_and(|frame| frame.is_err()), "its reader hears that it broke off");
    }
}
