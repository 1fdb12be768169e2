//! The state of a network's tokens according to its entries.
//!
//! Invariant: a token is what its `token_issued` entry says until the first `token_revoked` entry about it, or the
//! erasure of its person.

use super::Report;
use crate::{
    error::ReadError,
    rows::{row::TokenRow, tables},
    state::{snapshot::Snapshot, token},
};
use kith_core::{
    entry::Entry,
    event::{Administration, Event},
    id::{PersonId, TokenId},
    position::Position,
    timestamp::Timestamp,
};
use redb::{ReadTransaction, ReadableTable};
use std::collections::BTreeMap;

/// The tokens of the entries read so far.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<TokenId, Issued>);

struct Issued {
    fact: Administration,
    secret_digest: Option<[u8; 32]>,
    at: Timestamp,
    revoked: Option<Position>,
}

impl Tokens {
    /// Applies an administration event.
    pub(super) fn apply(&mut self, fact: &Administration, event: &Event, entry: &Entry) {
        match fact {
            Administration::TokenIssued { token, secret_digest, .. } => {
                let (fact, secret_digest) = (fact.clone(), *secret_digest);
                self.0.insert(token.clone(), Issued { fact, secret_digest, at: event.occurred_at, revoked: None });
            }
            Administration::TokenRevoked { token } => {
                if let Some(issued) = self.0.get_mut(token) {
                    issued.revoked.get_or_insert(entry.position);
                }
            }
            Administration::PersonErased { person, .. } => {
                for issued in self.0.values_mut().filter(|issued| issued.is_of(person)) {
                    issued.revoked.get_or_insert(entry.position);
                }
            }
            Administration::PluginInstalled { .. }
            | Administration::PluginActivated { .. }
            | Administration::PluginPaused { .. }
            | Administration::PluginRemoved { .. }
            | Administration::MemberChanged { .. }
            | Administration::ErasureCompleted { .. }
            | Administration::HoldChanged { .. }
            | Administration::DetailsErased { .. }
            | Administration::LogRestored { .. } => {}
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Returns what is wrong with the rows of a network's tokens, including rows that follow from no entry.
    pub(super) fn compare(&self, snapshot: &Snapshot) -> Result<Vec<String>, ReadError> {
        let mut wrong = Vec::new();
        let table = snapshot.transaction().open_table(tables::TOKENS)?;
        for (id, issued) in &self.0 {
            let row = table.get((snapshot.network(), id.as_str()))?;
            let what = match row.map(|row| TokenRow::decode(row.value())) {
                None => Some("is missing"),
                Some(None) => Some("is malformed"),
                Some(Some(row)) => issued.difference(&row),
            };
            wrong.extend(what.map(|what| format!("the row of the token {id} {what}")));
        }
        for row in table.range((snapshot.network(), "")..)? {
            let (key, _) = row?;
            let (network, id) = key.value();
            if network != snapshot.network() {
                break;
            }
            if self.0.keys().all(|issued| issued.as_str() != id) {
                wrong.push(format!("the row of the token {id:?} follows from no entry"));
            }
        }
        Ok(wrong)
    }
}

impl Issued {
    fn is_of(&self, erased: &PersonId) -> bool {
        matches!(&self.fact, Administration::TokenIssued { person: Some(person), .. } if person == erased)
    }

    /// How a row differs from what the entries say about its token.
    fn difference(&self, row: &TokenRow) -> Option<&'static str> {
        if self.secret_digest.is_some_and(|digest| digest != token::secret_digest(&row.hash)) {
            return Some("holds the hash of another secret");
        }
        let stated = Administration::TokenIssued {
            token: row.id.clone(),
            role: row.role,
            person: row.person.clone(),
            organisation: row.organisation.clone(),
            expires_at: row.expires_at,
            secret_digest: self.secret_digest,
        };
        let revoked = row.revoked.map(|revoked| revoked.position);
        let is_as_stated = stated == self.fact && row.issued_at == self.at && revoked == self.revoked;
        (!is_as_stated).then_some("is not as it was issued or revoked")
    }
}

/// Lists the tokens of the server. No entry records them, so only the operator knows which of them are right.
pub(super) fn list_server(transaction: &ReadTransaction, report: &mut Report) -> Result<(), ReadError> {
    for row in transaction.open_table(tables::SERVER_TOKENS)?.iter()? {
        let (id, row) = row?;
        let found = TokenRow::decode(row.value()).filter(|row| row.id.as_str() == id.value());
        match found.filter(|row| row.person.is_none() && row.organisation.is_none()) {
            Some(row) => report.server_tokens.push(row.token()),
            None => {
                report.add_about_file("server_tokens", format!("the row of the token {:?} is malformed", id.value()));
            }
        }
    }
    Ok(())
}
