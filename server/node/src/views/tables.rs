//! Tables of reports, each computed once for all callers that ask for it.

use super::ServedReport;
use crate::bounds::slow::{Flights, SlowCall};
use kith_core::{day::Day, directory::Directory, position::Position};
use kith_log::{Network, ReadError};
use kith_views::{Cancel, ReportContext, ReportError, ReportTable, TableOf};
use std::sync::Arc;

/// A table with the directory at its position, or why there is none. All callers that wait for it receive the same.
pub(crate) type Computed = Result<(Arc<ReportTable>, Arc<Directory>), TableError>;

/// Why there is no table.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum TableError {
    /// The directory at the table's position could not be read.
    #[error(transparent)]
    Directory(Arc<ReadError>),
    /// The report failed.
    #[error(transparent)]
    Report(Arc<ReportError>),
}

impl From<ReadError> for TableError {
    fn from(error: ReadError) -> Self {
        Self::Directory(error.into())
    }
}

impl From<ReportError> for TableError {
    fn from(error: ReportError) -> Self {
        Self::Report(error.into())
    }
}

/// The tables that are being computed.
#[derive(Default)]
pub(crate) struct Tables(Flights<TableOf, Computed>);

impl Tables {
    /// Computes the table of a position and day, or waits for it if it is being computed.
    pub(crate) fn compute(
        &self,
        call: &SlowCall,
        network: &Network,
        report: &ServedReport,
        (position, day): (Position, Day),
    ) -> impl Future<Output = Computed> + use<> {
        let handles = report.handles();
        let of = report.report.table_of(&handles, position, day);
        self.0.join(of, || {
            let (call, network, report) = (call.clone(), network.clone(), Arc::clone(&report.report));
            async move {
                let compute = move |cancel: &Cancel| {
                    let directory = network.directory_at(position)?;
                    let context = ReportContext { views: &handles, directory: &directory, position, day };
                    Ok((report.table(&context, cancel)?, Arc::clone(&directory)))
                };
                call.run(compute).await
            }
        })
    }
}
