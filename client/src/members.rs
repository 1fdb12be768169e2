//! Members of a network: invitations, services, and the ends of memberships.

use crate::{client::Client, error::Error, options::Secret, retry::Repeat};
use kith_core::{
    event::Role,
    id::{CertificateUri, MemberId, OrganisationId, PersonId, ServiceName, TokenId},
    position::Position,
    timestamp::Timestamp,
};
use kith_proto::v1;

/// An invitation that was just issued.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its public id, with which [`Client::revoke_token`] takes it back.
    pub id: String,
    /// The secret to hand to the person. The server keeps only a hash.
    pub secret: Secret,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Position of the `token_issued` entry.
    pub position: Position,
}

/// Somebody who has just become a member.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The membership.
    pub member: v1::Member,
    /// Public id of the member's token.
    pub token: String,
    /// The token's secret. The server keeps only a hash.
    pub secret: Secret,
    /// When the token expires; `None` means never.
    pub expires_at: Option<Timestamp>,
}

/// The members as of a position.
#[derive(Debug, Clone)]
pub struct Members {
    /// People first, by id.
    pub members: Vec<v1::Member>,
    /// The position of which they are.
    pub position: Position,
}

/// The time of which members are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembersAt {
    /// Now.
    Head,
    /// As of a position.
    Position(Position),
    /// As of the last entry recorded up to a time.
    Time(Timestamp),
}

impl Client {
    /// Invites a person of the directory to be a member. Expires in 7 days unless a time is given. Needs an owner.
    pub async fn invite(
        &self,
        person: &PersonId,
        role: Role,
        organisation: Option<&OrganisationId>,
        expires_at: Option<Timestamp>,
    ) -> Result<Invitation, Error> {
        let request = v1::InviteRequest {
            network: self.network_name(),
            person: person.to_string(),
            role: role.to_proto().into(),
            organisation: organisation.map(ToString::to_string).unwrap_or_default(),
            expires_at: expires_at.map(Timestamp::to_proto),
        };
        let members = self.members();
        let send = |request| {
            let mut members = members.clone();
            async move { members.invite(request).await }
        };
        let response = self.call(Repeat::Unsafe, request, send).await?;
        Ok(Invitation {
            id: response.invitation,
            secret: response.secret.into(),
            expires_at: response.expires_at.as_ref().and_then(Timestamp::from_proto),
            position: Position::new(response.position),
        })
    }

    /// Becomes a member with an invitation, which can be used once. The client may have an empty token.
    pub async fn join(&self, invitation: &Secret) -> Result<Joined, Error> {
        let request = v1::JoinRequest { network: self.network_name(), invitation: invitation.expose().to_owned() };
        let members = self.members();
        let send = |request| {
            let mut members = members.clone();
            async move { members.join(request).await }
        };
        let response = self.call(Repeat::Unsafe, request, send).await?;
        Ok(Joined {
            member: response.member.ok_or_else(no_member)?,
            token: response.token,
            secret: response.secret.into(),
            expires_at: response.expires_at.as_ref().and_then(Timestamp::from_proto),
        })
    }

    /// Adds a service that signs in with a client certificate, or changes it. Needs an owner.
    pub async fn add_service(
        &self,
        name: &ServiceName,
        role: Role,
        organisation: Option<&OrganisationId>,
        identity: &CertificateUri,
    ) -> Result<v1::Member, Error> {
        let request = v1::AddServiceRequest {
            network: self.network_name(),
            name: name.to_string(),
            role: role.to_proto().into(),
            organisation: organisation.map(ToString::to_string).unwrap_or_default(),
            identity: identity.to_string(),
        };
        let members = self.members();
        let send = |request| {
            let mut members = members.clone();
            async move { members.add_service(request).await }
        };
        self.call(Repeat::Safe, request, send).await?.member.ok_or_else(no_member)
    }

    /// Gives a member another role or organisation. Needs an owner.
    pub async fn change_member(
        &self,
        member: &MemberId,
        role: Role,
        organisation: Option<&OrganisationId>,
    ) -> Result<v1::Member, Error> {
        let request = v1::ChangeMemberRequest {
            network: self.network_name(),
            principal: member.to_string(),
            role: role.to_proto().into(),
            organisation: organisation.map(ToString::to_string).unwrap_or_default(),
        };
        let members = self.members();
        let send = |request| {
            let mut members = members.clone();
            async move { members.change_member(request).await }
        };
        self.call(Repeat::Safe, request, send).await?.member.ok_or_else(no_member)
    }

    /// Ends a membership and every token that speaks for the member. Returns the position of the entry that does, and
    /// the tokens that ended. Needs an owner.
    pub async fn remove_member(&self, member: &MemberId) -> Result<(Position, Vec<TokenId>), Error> {
        let request = v1::RemoveMemberRequest { network: self.network_name(), principal: member.to_string() };
        let members = self.members();
        let send = |request| {
            let mut members = members.clone();
            async move { members.remove_member(request).await }
        };
        // Whoever was removed cannot be removed again.
        let response = self.call(Repeat::Unsafe, request, send).await?;
        let tokens = response.tokens.iter().map(|token| token.parse()).collect::<Result<_, _>>();
        Ok((Position::new(response.position), tokens.map_err(|_| Error::answer("a token has no proper id"))?))
    }

    /// The members, now or at another time.
    pub async fn list_members(&self, at: MembersAt) -> Result<Members, Error> {
        let (as_of, known_at) = match at {
            MembersAt::Head => (0, None),
            MembersAt::Position(position) => (position.get(), None),
            MembersAt::Time(time) => (0, Some(time.to_proto())),
        };
        let network = self.network_name();
        let mut request = v1::ListMembersRequest { network, as_of, known_at, ..v1::ListMembersRequest::default() };
        let members = self.members();
        let send = |request| {
            let mut members = members.clone();
            async move { members.list_members(request).await }
        };
        let mut listed = Vec::new();
        loop {
            let page = self.call(Repeat::Safe, request.clone(), send).await?;
            listed.extend(page.members);
            if page.next_page_token.is_empty() {
                return Ok(Members { members: listed, position: Position::new(page.position) });
            }
            // All pages are of one position, even if it was not named.
            (request.as_of, request.known_at) = (page.position, None);
            request.page_token = page.next_page_token;
        }
    }

    /// The replicas that the server has heard of: all that the caller may know of, or those that have not confirmed a
    /// position above 0. Needs an auditor, records officer or owner.
    pub async fn list_replicas(&self, behind: Position) -> Result<Vec<v1::Replica>, Error> {
        let (network, behind) = (self.network_name(), behind.get());
        let mut request = v1::ListReplicasRequest { network, behind, ..v1::ListReplicasRequest::default() };
        let members = self.members();
        let send = |request| {
            let mut members = members.clone();
            async move { members.list_replicas(request).await }
        };
        let mut listed = Vec::new();
        loop {
            let page = self.call(Repeat::Safe, request.clone(), send).await?;
            listed.extend(page.replicas);
            if page.next_page_token.is_empty() {
                return Ok(listed);
            }
            request.page_token = page.next_page_token;
        }
    }
}

fn no_member() -> Error {
    Error::answer("it has no member")
}
