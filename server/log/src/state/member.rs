//! Members that sign in without a token.

use kith_core::{
    authority::Authority,
    id::{CertificateUri, NetworkName},
    may::{Credential, Principal, Reach},
};

/// The service that signs in to a network with a certificate for this URI, if one does.
pub(crate) fn service(authority: &Authority, uri: &CertificateUri, network: &NetworkName) -> Option<Principal> {
    let (id, member) = authority.service(uri)?;
    Some(Principal {
        id: id.principal(),
        credential: Credential::Certificate(uri.clone()),
        reach: Reach::Network(network.clone()),
        role: member.role,
        person: None,
        organisation: member.organisation.clone(),
    })
}
