//! The rows of tokens: they say what the entries say, and hold the hash of the secret that was issued.

use super::Report;
use crate::{
    error::ReadError,
    rows::{row::TokenRow, tables},
    state::{snapshot::Snapshot, token},
};
use kith_core::{
    authority::{Authority, Ended, KnownToken},
    id::TokenId,
};
use redb::{ReadTransaction, ReadableTable};

/// How many rows of tokens a network has, according to its entries.
pub(super) fn count(authority: &Authority) -> u64 {
    authority.tokens().count() as u64
}

/// Returns what is wrong with the rows of a network's tokens, including rows that follow from no entry.
pub(super) fn compare(authority: &Authority, snapshot: &Snapshot) -> Result<Vec<String>, ReadError> {
    let mut wrong = Vec::new();
    let table = snapshot.transaction().open_table(tables::TOKENS)?;
    for (id, stated) in authority.tokens() {
        let row = table.get((snapshot.network(), id.as_str()))?;
        let what = match row.map(|row| TokenRow::decode(row.value())) {
            None => Some("is missing"),
            Some(None) => Some("is malformed"),
            Some(Some(row)) => difference(id, stated, &row),
        };
        wrong.extend(what.map(|what| format!("the row of the token {id} {what}")));
    }
    for row in table.range((snapshot.network(), "")..)? {
        let (key, _) = row?;
        let (network, id) = key.value();
        if network != snapshot.network() {
            break;
        }
        if id.parse().ok().and_then(|id| authority.token(&id)).is_none() {
            wrong.push(format!("the row of the token {id:?} follows from no entry"));
        }
    }
    Ok(wrong)
}

/// How a row differs from what the entries say about its token.
fn difference(id: &TokenId, stated: &KnownToken, row: &TokenRow) -> Option<&'static str> {
    if stated.secret_digest.is_some_and(|digest| digest != token::secret_digest(&row.hash)) {
        return Some("holds the hash of another secret");
    }
    let found = KnownToken {
        grant: row.grant,
        person: row.person.clone(),
        organisation: row.organisation.clone(),
        issued_at: row.issued_at,
        expires_at: row.expires_at,
        secret_digest: stated.secret_digest,
        issued_by: stated.issued_by.clone(),
        ended: row
            .revoked
            .map(|revoked| Ended { position: revoked.position, lost: stated.ended.and_then(|ended| ended.lost) }),
    };
    let is_as_stated = found == *stated && row.id == *id;
    (!is_as_stated).then_some("is not as it was issued or revoked")
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
