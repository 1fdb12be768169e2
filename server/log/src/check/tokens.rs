//! What the entries of a network say of its tokens.
//!
//! Invariant: a token is what its `token_issued` entry says until the first `token_revoked` entry about it.

use crate::{error::ReadError, row::TokenRow, snapshot::Snapshot, tables};
use kith_core::{
    entry::Entry,
    event::{Administration, Event},
    id::TokenId,
    position::Position,
    timestamp::Timestamp,
};
use std::collections::BTreeMap;

/// The tokens of the entries read so far.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<TokenId, Issued>);

struct Issued {
    fact: Administration,
    at: Timestamp,
    revoked: Option<Position>,
}

impl Tokens {
    /// Takes in what an administration event says.
    pub(super) fn apply(&mut self, fact: &Administration, event: &Event, entry: &Entry) {
        match fact {
            Administration::TokenIssued { token, .. } => {
                let issued = Issued { fact: fact.clone(), at: event.occurred_at, revoked: None };
                self.0.insert(token.clone(), issued);
            }
            Administration::TokenRevoked { token } => {
                if let Some(issued) = self.0.get_mut(token) {
                    issued.revoked.get_or_insert(entry.position);
                }
            }
            Administration::PluginInstalled { .. }
            | Administration::PluginActivated { .. }
            | Administration::PluginPaused { .. }
            | Administration::PluginRemoved { .. }
            | Administration::MemberChanged { .. }
            | Administration::PersonErased { .. }
            | Administration::ErasureCompleted { .. }
            | Administration::HoldChanged { .. }
            | Administration::LogRestored { .. } => {}
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether every one of them has the row that it must have.
    pub(super) fn equal_rows(&self, snapshot: &Snapshot) -> Result<bool, ReadError> {
        let table = snapshot.transaction().open_table(tables::TOKENS)?;
        for (id, issued) in &self.0 {
            let row = table.get((snapshot.network(), id.as_str()))?.and_then(|row| TokenRow::decode(row.value()));
            if !row.is_some_and(|row| issued.is_of(&row)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Issued {
    fn is_of(&self, row: &TokenRow) -> bool {
        let stated = Administration::TokenIssued {
            token: row.id.clone(),
            role: row.role,
            person: row.person.clone(),
            organisation: row.organisation.clone(),
            expires_at: row.expires_at,
        };
        let revoked = row.revoked.map(|revoked| revoked.position);
        stated == self.fact && row.issued_at == self.at && revoked == self.revoked
    }
}
