//! A layer that reads a message only when there is room for it, and sends an answer as its reader takes it.

use super::{
    answer_body::{AnswerBody, Rooms},
    request_body::RequestBody,
};
use crate::{
    bounds::{
        answers::Answers,
        call_rate::Key,
        calls::{Calls, OpenCall},
        kept_room::Kept,
        outgoing::Outgoing,
        requests::Requests,
    },
    door::{authenticator::Visitor, route::Route},
    grpc::{Answered, Failure, stream::OnItsWay},
    node::Node,
};
use futures_util::future::{BoxFuture, Either, Ready, ready};
use http::{Request, Response};
use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

/// Keeps every call of a service within its bounds. It has to be behind the layer that authenticates the caller.
#[derive(Clone)]
pub(crate) struct RequestsLayer(Arc<Bounds>);

/// The bounds that calls share.
struct Bounds {
    calls: Calls,
    requests: Arc<Requests>,
    answers: Arc<Answers>,
    stall: Duration,
}

impl RequestsLayer {
    /// The bounds of a node.
    pub(crate) fn new(node: &Node) -> Self {
        let (requests, answers) = (Arc::clone(node.requests()), Arc::clone(node.answers()));
        Self(Arc::new(Bounds { calls: Calls::of(node.limits()), requests, answers, stall: node.limits().stall() }))
    }
}

impl<S> Layer<S> for RequestsLayer {
    type Service = Admitted<S>;

    fn layer(&self, inner: S) -> Admitted<S> {
        Admitted { bounds: Arc::clone(&self.0), inner }
    }
}

/// A service whose messages are read when there is room. Calls that need no token have small messages and pass.
#[derive(Clone)]
pub(crate) struct Admitted<S> {
    bounds: Arc<Bounds>,
    inner: S,
}

type Answer<E> = Result<Response<Body>, E>;

impl<S> Service<Request<Body>> for Admitted<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Ready<Answer<S::Error>>, Either<S::Future, BoxFuture<'static, Answer<S::Error>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Some(visitor) = request.extensions().get::<Visitor>() else {
            return Either::Right(Either::Left(self.inner.call(request)));
        };
        let (key, kept) = (visitor.key(), Arc::<Kept>::default());
        let call = match self.bounds.calls.begin(&key) {
            Ok(call) => call,
            Err(error) => return Either::Left(ready(Ok(refused(error)))),
        };
        let until_answered = kept.until_answered();
        let requests = Arc::clone(&self.bounds.requests);
        // The HTTP door holds room itself for what it reads: it has no messages with a head.
        let has_messages = request.extensions().get::<Route>().is_none();
        let request = request.map(|body| {
            if has_messages { Body::new(RequestBody::new(body, requests, key.clone(), kept)) } else { body }
        });
        let (bounds, answering) = (Arc::clone(&self.bounds), self.inner.call(request));
        let answered = async move {
            // The request's room is kept while the answer waits for its own.
            let answer = bounds.hold(&key, call, answering.await?).await;
            drop(until_answered);
            Ok(answer)
        };
        Either::Right(Either::Right(Box::pin(answered)))
    }
}

impl Bounds {
    /// Makes an answer hold its call and the room that it needs until it has been sent.
    async fn hold(&self, key: &Key, call: OpenCall, mut response: Response<Body>) -> Response<Body> {
        let mut rooms = Rooms { stream: response.extensions_mut().remove::<OnItsWay>(), ..Rooms::default() };
        match response.extensions_mut().remove::<Answered>() {
            Some(Answered { bytes, details, recorded: true }) => {
                (rooms.answer, rooms.details) = (self.answers.hold_whole(key, bytes).await, details);
            }
            Some(Answered { bytes, details, recorded: false }) => match self.answers.hold(key, bytes).await {
                Ok(answer) => (rooms.answer, rooms.details) = (answer, details),
                Err(not_taken) => return refused(not_taken),
            },
            // A refusal, which consists of headers only.
            None if rooms.stream.is_none() => return response,
            None => {}
        }
        let outgoing = Outgoing::of(Arc::clone(&self.answers), key.clone(), self.stall);
        response.map(|body| Body::new(AnswerBody::new(body, call, rooms, outgoing)))
    }
}

fn refused(error: impl Into<Failure>) -> Response<Body> {
    Status::from(error.into()).into_http()
}
