//! What every endpoint needs of a call: who makes it, and in which network.

use super::Failure;
use crate::{
    door::authenticator::{Caller, Visitor},
    node::Node,
};
use http::{Method, StatusCode, header::CONTENT_TYPE};
use kith_core::{
    id::NetworkName,
    may::{Action, may},
};
use kith_log::Network;
use kith_proto::v1::ErrorReason;
use tonic::Request;

/// The prefix of gRPC media types; those of gRPC-web have been converted to it.
const MEDIA_TYPE: &str = "application/grpc";

/// Checks that a request has the form of a call, whatever its message; otherwise how HTTP and gRPC refuse it.
pub(crate) fn check_form<B>(request: &http::Request<B>) -> Result<(), (StatusCode, Failure)> {
    if request.method() != Method::POST {
        let failure = Failure::because(ErrorReason::Unsupported, "calls are made with POST");
        return Err((StatusCode::METHOD_NOT_ALLOWED, failure));
    }
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if media_type.is_some_and(is_media_type) {
        return Ok(());
    }
    let failure = Failure::request("content-type", format_args!("must be {MEDIA_TYPE}"));
    Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, failure))
}

/// Whether this is `application/grpc`, optionally followed by an encoding of messages (`+proto`) or parameters.
fn is_media_type(text: &str) -> bool {
    let rest = text.get(..MEDIA_TYPE.len()).filter(|start| start.eq_ignore_ascii_case(MEDIA_TYPE));
    rest.is_some() && text[MEDIA_TYPE.len()..].chars().next().is_none_or(|next| "+; ".contains(next))
}

/// A call by an authenticated visitor.
pub(super) struct Call<T> {
    /// Who makes it.
    pub(super) visitor: Visitor,
    /// The request message.
    pub(super) message: T,
}

impl<T> Call<T> {
    /// Takes a request apart.
    pub(super) fn new(request: Request<T>) -> Result<Self, Failure> {
        let (_, mut extensions, message) = request.into_parts();
        let visitor = extensions.remove::<Visitor>().ok_or_else(|| Failure::new(ErrorReason::TokenInvalid))?;
        Ok(Self { visitor, message })
    }
}

/// The network of this name and who the visitor is there, if it may enter. To others the network seems not to exist.
pub(super) fn enter(node: &Node, visitor: &Visitor, name: &str) -> Result<(Network, Caller), Failure> {
    let name = NetworkName::parse_field(name, "network")
        .map_err(|invalid| Failure::request(&invalid.field, &invalid.problem))?;
    let entered = node.log().network(&name).and_then(|network| {
        let caller = visitor.in_network(&network)?;
        Some((network, caller))
    });
    entered.ok_or_else(|| Failure::new(ErrorReason::NetworkUnknown))
}

/// Who the visitor is at the server as a whole, if it may do something there.
pub(super) fn at_server(visitor: &Visitor, action: &Action<'_>) -> Result<Caller, Failure> {
    let caller = visitor.at_server().filter(|caller| may(&caller.principal, action));
    caller.ok_or_else(|| Failure::new(ErrorReason::PermissionDenied))
}

/// Refuses callers who may not do something.
pub(super) fn allow(caller: &Caller, action: &Action<'_>) -> Result<(), Failure> {
    if may(&caller.principal, action) { Ok(()) } else { Err(Failure::new(ErrorReason::PermissionDenied)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_of_grpc_are_told_from_others() {
        for right in ["application/grpc", "application/grpc+proto", "Application/GRPC; charset=utf-8"] {
            assert!(is_media_type(right), "{right}");
        }
        for wrong in ["", "application/json", "application/grpcx", "application/gr", "application/gréc"] {
            assert!(!is_media_type(wrong), "{wrong}");
        }
    }
}
