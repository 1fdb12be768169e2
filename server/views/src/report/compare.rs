//! Compares two reports on one network.

use super::{Report, ReportContext, error::ReportError};
use crate::{
    ask::compare::{Comparison, Tables},
    share::cancel::Cancel,
};

impl Report {
    /// Compares with another report on the same network, each with the views that it reads, as of one position and day.
    /// Stops when cancelled.
    pub fn compare(
        &self,
        context: &ReportContext<'_>,
        (other, of_other): (&Self, &ReportContext<'_>),
        moves_max: usize,
        cancel: &Cancel,
    ) -> Result<Comparison, ReportError> {
        let work = self.work(cancel);
        let ours = self.table_within(context, &work, cancel)?;
        let theirs = other.table_within(of_other, &work, cancel)?;
        let tables = Tables {
            ours: &ours.table(),
            theirs: &theirs.table(),
            our_fields: &self.manifest().fields,
            their_fields: &other.manifest().fields,
        };
        let as_of = (context.position, context.day);
        Ok(tables.compare(as_of, moves_max, |key| self.key(context.directory, (key.a, key.b))))
    }
}
