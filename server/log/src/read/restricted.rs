//! Which entries are kept by one organisation, as reads of a principal see it: known without opening the entries.
//!
//! Invariant: it only says early what `may` says of the entry itself, so that hidden entries cost no look.

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
    /// The organisation of whoever reads; empty where there is none.
    own: Vec<u8>,
}

/// Who keeps an entry of scope organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The organisation of whoever reads.
    ByUs,
    /// Another one.
    FromUs,
}

impl Restricted {
    /// The rows of a snapshot, for a principal.
    pub(crate) fn begin(snapshot: &Snapshot, principal: &Principal) -> Result<Self, ReadError> {
        let own = principal.organisation.as_ref().map_or("", OrganisationId::as_str).as_bytes().to_vec();
        Ok(Self { network: snapshot.network(), table: snapshot.transaction().open_table(tables::RESTRICTED)?, own })
    }

    /// Whether another organisation keeps an entry to itself.
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
