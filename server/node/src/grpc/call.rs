//! One call: who makes it and in which network, the same for every endpoint.

use super::Failure;
use crate::{auth::Caller, node::Node};
use kith_core::{
    id::NetworkName,
    may::{Action, may},
};
use kith_log::Network;
use kith_proto::v1::ErrorReason;
use tonic::Request;

/// A call by an authenticated caller.
pub(super) struct Call<T> {
    /// Who calls.
    pub(super) caller: Caller,
    /// What was sent.
    pub(super) message: T,
}

impl<T> Call<T> {
    /// Takes a request apart.
    pub(super) fn new(request: Request<T>) -> Result<Self, Failure> {
        let (_, mut extensions, message) = request.into_parts();
        let caller = extensions.remove::<Caller>().ok_or_else(|| Failure::new(ErrorReason::TokenInvalid))?;
        Ok(Self { caller, message })
    }
}

/// The network of this name, if the caller may enter it. To others it looks as if it were not there.
pub(super) fn enter(node: &Node, caller: &Caller, name: &str) -> Result<Network, Failure> {
    let name = NetworkName::parse_field(name, "network")
        .map_err(|invalid| Failure::request(&invalid.field, &invalid.problem))?;
    let network = node.log().network(&name).filter(|_| may(&caller.principal, &Action::Enter(&name)));
    network.ok_or_else(|| Failure::new(ErrorReason::NetworkUnknown))
}

/// Refuses callers who may not do something.
pub(super) fn allow(caller: &Caller, action: &Action<'_>) -> Result<(), Failure> {
    if may(&caller.principal, action) { Ok(()) } else { Err(Failure::new(ErrorReason::PermissionDenied)) }
}
