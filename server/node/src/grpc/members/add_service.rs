//! `AddService`: a service becomes a member, and signs in with a client certificate.

use super::{known, member, record};
use crate::{
    grpc::{Call, Failure, allow, convert, enter},
    node::Node,
};
use kith_core::{
    event::Administration,
    id::{CertificateUri, MemberId, OrganisationId, ServiceName},
    may::Action,
};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn add_service(
    node: &Node,
    request: Request<v1::AddServiceRequest>,
) -> Result<v1::AddServiceResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::AdministerTokens)?;
    let name = ServiceName::parse_field(&message.name, "name");
    let identity = CertificateUri::parse_field(&message.identity, "identity");
    let id = MemberId::Service(name.map_err(|invalid| convert::request_invalid(&invalid))?);
    let fact = Administration::MemberChanged {
        member: id.clone(),
        role: Some(convert::role("role", message.role)?),
        organisation: convert::id_or_none(&message.organisation, "organisation", OrganisationId::parse_field)?,
        identity: Some(identity.map_err(|invalid| convert::request_invalid(&invalid))?),
    };
    record(&network, &caller.principal, fact).await?;
    Ok(v1::AddServiceResponse { member: Some(member(&id, known(&network.authority(), &id)?)) })
}
