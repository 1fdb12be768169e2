//! A layer that lets a message come only where there is room for it.

use super::request_body::RequestBody;
use crate::{
    bounds::{call_rate, kept_room::Kept, requests::Requests},
    door::authenticator::Caller,
    grpc::Failure,
};
use futures_util::{
    FutureExt,
    future::{Either, Map, Ready, ready},
};
use http::{Request, Response};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

/// Puts [`Requests`] before a service, behind whoever finds out who is calling.
#[derive(Clone)]
pub(crate) struct RequestsLayer(pub(crate) Arc<Requests>);

impl<S> Layer<S> for RequestsLayer {
    type Service = Admitted<S>;

    fn layer(&self, inner: S) -> Admitted<S> {
        Admitted { requests: Arc::clone(&self.0), inner }
    }
}

/// A service whose messages come where there is room for them. Calls that need no token have small messages and pass.
#[derive(Clone)]
pub(crate) struct Admitted<S> {
    requests: Arc<Requests>,
    inner: S,
}

type Answer<E> = Result<Response<Body>, E>;
/// What becomes of an answer: nothing, but that the call is answered.
type Answered<E> = Box<dyn FnOnce(Answer<E>) -> Answer<E> + Send>;

impl<S> Service<Request<Body>> for Admitted<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Ready<Answer<S::Error>>, Either<S::Future, Map<S::Future, Answered<S::Error>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Some(caller) = request.extensions().get::<Caller>() else {
            return Either::Right(Either::Left(self.inner.call(request)));
        };
        let (key, kept) = (call_rate::key(&caller.principal), Arc::<Kept>::default());
        let call = match self.requests.begin(&key) {
            Ok(call) => call,
            Err(error) => return Either::Left(ready(Ok(Status::from(Failure::from(error)).into_http()))),
        };
        let until_answered = kept.until_answered();
        let request = request.map(|body| Body::new(RequestBody::new(body, Arc::clone(&self.requests), key, kept)));
        let answered: Answered<_> = Box::new(move |answer| {
            drop((until_answered, call));
            answer
        });
        Either::Right(Either::Right(self.inner.call(request).map(answered)))
    }
}
