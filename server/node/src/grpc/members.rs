//! `MemberService`: people and services with a role of their own in a network.

mod add_service;
mod change_member;
mod invite;
mod join;
mod list_members;
mod list_replicas;
mod remove_member;

use super::{Answer, Failure, Services, convert};
use crate::{door::authenticator::Caller, node::Node};
use kith_core::{
    authority::{Authority, Member},
    event::{Administration, Scope},
    id::MemberId,
    may::{Action, Principal, may},
    position::Position,
};
use kith_log::{Network, Replica};
use kith_proto::v1::{self, ErrorReason, member_service_server::MemberService};
use tonic::Request;

#[tonic::async_trait]
impl MemberService for Services {
    async fn invite(&self, request: Request<v1::InviteRequest>) -> Answer<v1::InviteResponse> {
        self.answer_recorded(invite::invite(&self.node, request).await)
    }

    async fn join(&self, request: Request<v1::JoinRequest>) -> Answer<v1::JoinResponse> {
        self.answer_recorded(join::join(&self.node, request).await)
    }

    async fn add_service(&self, request: Request<v1::AddServiceRequest>) -> Answer<v1::AddServiceResponse> {
        self.answer_recorded(add_service::add_service(&self.node, request).await)
    }

    async fn change_member(&self, request: Request<v1::ChangeMemberRequest>) -> Answer<v1::ChangeMemberResponse> {
        self.answer_recorded(change_member::change_member(&self.node, request).await)
    }

    async fn remove_member(&self, request: Request<v1::RemoveMemberRequest>) -> Answer<v1::RemoveMemberResponse> {
        self.answer_recorded(remove_member::remove_member(&self.node, request).await)
    }

    async fn list_members(&self, request: Request<v1::ListMembersRequest>) -> Answer<v1::ListMembersResponse> {
        self.answer(list_members::list_members(&self.node, request).await)
    }

    async fn list_replicas(&self, request: Request<v1::ListReplicasRequest>) -> Answer<v1::ListReplicasResponse> {
        self.answer(list_replicas::list_replicas(&self.node, request).await)
    }
}

/// Reads who a member is.
fn member_id(text: &str) -> Result<MemberId, Failure> {
    MemberId::parse_field(text, "principal").map_err(|invalid| convert::request_invalid(&invalid))
}

/// A member on the wire.
fn member(id: &MemberId, member: &Member) -> v1::Member {
    v1::Member {
        principal: id.to_string(),
        role: member.role.to_proto().into(),
        organisation: convert::text_or_empty(member.organisation.as_ref()),
        identity: convert::text_or_empty(member.identity.as_ref()),
        position: member.position.get(),
        changed_at: Some(member.changed_at.to_proto()),
        changed_by: member.changed_by.to_string(),
    }
}

/// The membership of somebody who must be a member.
fn known<'a>(authority: &'a Authority, id: &MemberId) -> Result<&'a Member, Failure> {
    authority.member(id).ok_or_else(|| {
        let failure = Failure::because(ErrorReason::MemberUnknown, format_args!("{id} is no member"));
        failure.with("member", id).at("principal")
    })
}

/// The replicas of a network that a caller may know of.
pub(super) async fn replicas_seen(node: &Node, network: &Network, caller: &Caller) -> Result<Vec<Replica>, Failure> {
    let (replicas, incarnation) = (node.replicas().clone(), network.incarnation());
    let mut all = node.reads(&caller.principal, network).run(move || replicas.list(incarnation)).await?;
    all.retain(|replica| may(&caller.principal, &Action::SeeReplicasOf(replica.organisation.as_ref())));
    Ok(all)
}

/// Records a change of a membership.
async fn record(network: &Network, principal: &Principal, fact: Administration) -> Result<Position, Failure> {
    network.administer(principal, Scope::Network, vec![fact]).await.map_err(convert::administration)
}
