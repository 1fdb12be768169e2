//! Which entries belong to a single organisation, as a principal's reads see them: known without opening the entries.
//!
//! Invariant: it only anticipates what `may` says about the entry itself, so that hidden entries need not be opened.

use crate::{
    error::ReadError,
    read::candidates::{Span, directed},
    rows::tables,
    state::snapshot::Snapshot,
};
use kith_core::{id::OrganisationId, may::Principal};
use redb::ReadOnlyTable;

/// The entries of scope organisation.
pub(crate) struct Restricted {
    network: u32,
    table: ReadOnlyTable<(u32, u64), &'static [u8]>,
    /// The reader's organisation; empty if there is none.
    own: Vec<u8>,
}

/// Whose an entry of scope organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The reader's organisation.
    ByUs,
    /// Another organisation.
    FromUs,
}

impl Restricted {
    /// The rows of a snapshot, for a principal.
    pub(crate) fn begin(snapshot: &Snapshot, principal: &Principal) -> Result<Self, ReadError> {
        let own = principal.organisation.as_ref().map_or("", OrganisationId::as_str).as_bytes().to_vec();
        Ok(Self { network: snapshot.network(), table: snapshot.transaction().open_table(tables::RESTRICTED)?, own })
    }

    /// Whether an entry belongs to another organisation.
    pub(crate) fn hides(&self, position: u64) -> Result<bool, ReadError> {
        Ok(self.table.get((self.network, position))?.is_some_and(|row| self.kept(row.value()) == Kept::FromUs))
    }

    /// The entries of scope organisation in a span, in its order.
    pub(crate) fn range(
        &self,
        span: Span,
    ) -> Result<impl Iterator<Item = Result<(u64, Kept), ReadError>> + '_, ReadError> {
        let rows = (self.network, span.after.next().get())..=(self.network, span.until.get());
        let rows = self.table.range(rows)?.map(|row| {
            let (key, organisation) = row?;
            Ok((key.value().1, self.kept(organisation.value())))
        });
        Ok(directed(rows, span.direction))
    }

    fn kept(&self, organisation: &[u8]) -> Kept {
        if !organisation.is_empty() && organisation == self.own { Kept::ByUs } else { Kept::FromUs }
    }
}
