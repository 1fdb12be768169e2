//! What a request asks for: who asks, what its path and its parameters name, and the headers that count.

use super::{
    query::Query,
    refused::Refused,
    routes::{Endpoint, Found},
};
use crate::{bounds::call_rate::Key, door::authenticator::Visitor, grpc::Failure};
use http::{HeaderMap, HeaderName, Request as HttpRequest, header::ACCEPT};
use kith_proto::v1::ErrorReason;
use tonic::{Request, body::Body};

/// A request for a route, without its body.
pub(super) struct Asked {
    /// Who asks.
    pub(super) visitor: Visitor,
    /// The network's name.
    pub(super) network: String,
    /// What the path names within the network; empty if there is nothing.
    pub(super) name: String,
    /// The parameters.
    pub(super) query: Query,
    headers: HeaderMap,
}

impl Asked {
    /// Takes a request apart.
    pub(super) fn new(request: HttpRequest<Body>) -> Result<(Self, Endpoint, Body), Refused> {
        let (mut parts, body) = request.into_parts();
        let found = parts.extensions.remove::<Found>().ok_or_else(Refused::no_route)?;
        let visitor = parts.extensions.remove::<Visitor>().ok_or_else(|| Failure::new(ErrorReason::TokenInvalid))?;
        let mut named = found.named.into_iter();
        let (network, name) = (named.next().unwrap_or_default(), named.next().unwrap_or_default());
        let query = Query::read(&parts.uri)?;
        Ok((Self { visitor, network, name, query, headers: parts.headers }, found.endpoint, body))
    }

    /// By what the caller is counted.
    pub(super) fn key(&self) -> Key {
        self.visitor.key()
    }

    /// A call that the caller makes.
    pub(super) fn call<T>(&self, message: T) -> Request<T> {
        call(&self.visitor, message)
    }

    /// The value of a header that is given once; `None` if there is none.
    pub(super) fn header(&self, name: &HeaderName) -> Result<Option<&str>, Failure> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str());
        if values.next().is_some() {
            return Err(Failure::request(name.as_str(), "must be given once"));
        }
        value.transpose().map_err(|_| Failure::request(name.as_str(), "must be printable ASCII"))
    }

    /// The headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether the caller says that it takes a media type. That it takes every type does not count: there is another answer.
    pub(super) fn accepts(&self, media_type: &str) -> bool {
        let lines = self.headers.get_all(ACCEPT).into_iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|one| is_media_type(one, media_type))
    }
}

/// A call that a visitor makes.
pub(super) fn call<T>(visitor: &Visitor, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(visitor.clone());
    request
}

/// Whether a header names a media type, whatever its parameters.
pub(super) fn is_media_type(header: &str, media_type: &str) -> bool {
    header.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}
