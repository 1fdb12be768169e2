//! Networks of a server and their tokens. Creating either is retried only if the first attempt certainly had no effect.

use crate::{client::Client, error::Error, options::Secret, retry::Repeat};
use kith_core::{
    event::{Policy, Role},
    id::{NetworkName, OrganisationId, PersonId, TokenId},
    position::Position,
    timestamp::Timestamp,
};
use kith_proto::v1;

/// A token to be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The role it carries; `None` for a token of a member, who is the person: it carries what the membership gives.
    pub role: Option<Role>,
    /// The person it speaks for.
    pub person: Option<PersonId>,
    /// The organisation it belongs to.
    pub organisation: Option<OrganisationId>,
    /// When it expires; `None` means never.
    pub expires_at: Option<Timestamp>,
}

/// A token that was just issued.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: v1::Token,
    /// Its secret. The server keeps only a hash, so the secret is never shown again.
    pub secret: Secret,
    /// Position of the `token_issued` entry.
    pub position: Position,
}

/// A feed that was just issued.
#[derive(Debug, Clone)]
pub struct IssuedFeed {
    /// Its token.
    pub token: v1::Token,
    /// Where calendars read it. Whoever has it reads the feed; it is never shown again.
    pub address: Secret,
    /// Position of the `token_issued` entry.
    pub position: Position,
}

impl Client {
    /// Creates a network. Needs an owner token for the whole server.
    pub async fn create_network(&self, name: &NetworkName) -> Result<v1::Network, Error> {
        let request = v1::CreateNetworkRequest { name: name.to_string() };
        let networks = self.networks();
        let send = |request| {
            let mut networks = networks.clone();
            async move { networks.create_network(request).await }
        };
        let response = self.call(Repeat::Unsafe, request, send).await?;
        response.network.ok_or_else(|| Error::answer("it has no network"))
    }

    /// The networks that the token gives access to, by name.
    pub async fn list_networks(&self) -> Result<Vec<v1::Network>, Error> {
        let networks = self.networks();
        let send = |request| {
            let mut networks = networks.clone();
            async move { networks.list_networks(request).await }
        };
        let (mut request, mut listed) = (v1::ListNetworksRequest::default(), Vec::new());
        loop {
            let page = self.call(Repeat::Safe, request.clone(), send).await?;
            listed.extend(page.networks);
            if page.next_page_token.is_empty() {
                return Ok(listed);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Issues a token. Needs an owner.
    pub async fn issue_token(&self, token: &NewToken) -> Result<IssuedToken, Error> {
        let request = v1::IssueTokenRequest {
            network: self.network_name(),
            role: token.role.map_or(v1::Role::Unspecified, Role::to_proto).into(),
            person: token.person.as_ref().map(ToString::to_string).unwrap_or_default(),
            organisation: token.organisation.as_ref().map(ToString::to_string).unwrap_or_default(),
            expires_at: token.expires_at.map(Timestamp::to_proto),
        };
        let networks = self.networks();
        let send = |request| {
            let mut networks = networks.clone();
            async move { networks.issue_token(request).await }
        };
        let response = self.call(Repeat::Unsafe, request, send).await?;
        Ok(IssuedToken {
            token: response.token.ok_or_else(|| Error::answer("it has no token"))?,
            secret: response.secret.into(),
            position: Position::new(response.position),
        })
    }

    /// Issues a feed, in which calendars read what is due for a person: the one that the token speaks for, or another one
    /// if it is an owner's.
    pub async fn issue_feed(
        &self,
        person: Option<&PersonId>,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedFeed, Error> {
        let request = v1::IssueFeedRequest {
            network: self.network_name(),
            person: person.map(ToString::to_string).unwrap_or_default(),
            expires_at: expires_at.map(Timestamp::to_proto),
        };
        let networks = self.networks();
        let send = |request| {
            let mut networks = networks.clone();
            async move { networks.issue_feed(request).await }
        };
        let response = self.call(Repeat::Unsafe, request, send).await?;
        let server = if response.public_url.is_empty() { self.server() } else { &response.public_url };
        let address = format!("{}/feeds/{}/calendar.ics", server.trim_end_matches('/'), response.secret);
        Ok(IssuedFeed {
            token: response.token.ok_or_else(|| Error::answer("it has no token"))?,
            address: address.into(),
            position: Position::new(response.position),
        })
    }

    /// The tokens of the network, oldest first. Needs an owner.
    pub async fn list_tokens(&self) -> Result<Vec<v1::Token>, Error> {
        self.list_tokens_of(false).await
    }

    /// The feeds of the network, oldest first: all for an owner, for others those of the person that the token speaks
    /// for.
    pub async fn list_feeds(&self) -> Result<Vec<v1::Token>, Error> {
        self.list_tokens_of(true).await
    }

    async fn list_tokens_of(&self, feeds: bool) -> Result<Vec<v1::Token>, Error> {
        let networks = self.networks();
        let send = |request| {
            let mut networks = networks.clone();
            async move { networks.list_tokens(request).await }
        };
        let mut request = v1::ListTokensRequest { network: self.network_name(), feeds, ..Default::default() };
        let mut listed = Vec::new();
        loop {
            let page = self.call(Repeat::Safe, request.clone(), send).await?;
            listed.extend(page.tokens);
            if page.next_page_token.is_empty() {
                return Ok(listed);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Revokes a token with immediate effect; returns the position of the entry that records it. Needs an owner.
    pub async fn revoke_token(&self, token: &TokenId) -> Result<Position, Error> {
        let request = v1::RevokeTokenRequest { network: self.network_name(), token: token.to_string() };
        let networks = self.networks();
        let send = |request| {
            let mut networks = networks.clone();
            async move { networks.revoke_token(request).await }
        };
        Ok(Position::new(self.call(Repeat::Unsafe, request, send).await?.position))
    }

    /// What the network demands of new events, and the position of the entry that stated it.
    pub async fn policy(&self) -> Result<(Policy, Position), Error> {
        let networks = self.networks();
        let send = |request| {
            let mut networks = networks.clone();
            async move { networks.get_policy(request).await }
        };
        let response = self.call(Repeat::Safe, v1::GetPolicyRequest { network: self.network_name() }, send).await?;
        let v1::PolicyChanged { random_ids, token_attributes, replica_days } = response.policy.unwrap_or_default();
        Ok((Policy { random_ids, token_attributes, replica_days }, Position::new(response.position)))
    }

    /// Changes what the network demands of new events; returns the position of the entry that states it. Needs an owner
    /// of the network.
    pub async fn change_policy(&self, policy: Policy) -> Result<Position, Error> {
        let request = v1::ChangePolicyRequest { network: self.network_name(), policy: Some(policy.to_proto()) };
        let networks = self.networks();
        let send = |request| {
            let mut networks = networks.clone();
            async move { networks.change_policy(request).await }
        };
        Ok(Position::new(self.call(Repeat::Safe, request, send).await?.position))
    }
}
