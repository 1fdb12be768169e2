//! `SignInOptions`: the ways to sign in. Whoever asks has no token yet.

use crate::node::Node;
use kith_proto::v1::{self, SignInKind};

pub(super) fn sign_in_options(node: &Node) -> v1::SignInOptionsResponse {
    let console = node.sessions().enabled().then_some(SignInKind::Console);
    let kinds = [SignInKind::Token].into_iter().chain(console);
    v1::SignInOptionsResponse { options: kinds.map(|kind| v1::SignInOption { kind: kind.into() }).collect() }
}
