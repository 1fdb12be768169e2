//! Looks a report over before it is trusted with a network: what it costs, and whether anything but its arguments decides
//! its rows.

use super::{Report, ReportContext, error::ReportError};
use crate::{
    limits,
    plugin::abi::{
        guest::error::GuestError,
        report_v1::{GuestReportRow, ReportGuest},
    },
    share::cancel::Cancel,
};
use std::time::{Duration, Instant};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportCheck {
    /// Rows of views that it was computed from.
    pub input_rows: u64,
    /// Bytes of its packed input.
    pub input_bytes: u64,
    /// Rows that came.
    pub rows: u64,
    /// Rows of views that they name as evidence.
    pub evidence: u64,
    /// Fuel that computing took.
    pub fuel: u64,
    /// Fuel that it may take.
    pub fuel_limit: u64,
    /// Time to make an instance and to configure it.
    pub instantiate: Duration,
    /// Time of computing.
    pub compute: Duration,
    /// Ways of computing that gave other rows or took other fuel.
    pub differences: Vec<ReportTrial>,
}

/// A way of computing that must give the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportTrial {
    /// Once more, in a fresh instance.
    FreshInstance,
    /// Once more, in the instance that has computed it before.
    UsedInstance,
}

impl Report {
    /// Computes the report in several ways that must come to the same rows. Blocks.
    pub fn check(&self, context: &ReportContext<'_>) -> Result<ReportCheck, ReportError> {
        let mut hold = self.work(&Cancel::default()).hold();
        let packed = self.pack(context, &mut hold, &Cancel::default())?;
        let (input, counts) = (packed.encode(), packed.row_counts());
        let failed = |error: GuestError| ReportError::Failed(error.to_string());
        let begun = Instant::now();
        let mut first = self.plugin.instance(&Cancel::default()).map_err(failed)?;
        let (instantiate, begun) = (begun.elapsed(), Instant::now());
        let compute = |instance: &mut ReportGuest| {
            instance.compute(context.day, (&input, &counts), &self.manifest().fields, limits::REPORT_RESULT_BYTES_MAX)
        };
        let rows = compute(&mut first).map_err(failed)?;
        let (took, fuel) = (begun.elapsed(), first.last_fuel());

        let mut differences = Vec::new();
        let mut fresh = self.plugin.instance(&Cancel::default()).map_err(failed)?;
        // What fails the second time differs, too.
        let again = compute(&mut fresh).ok();
        if again.as_ref() != Some(&rows) || fresh.last_fuel() != fuel {
            differences.push(ReportTrial::FreshInstance);
        }
        // Fuel may differ here: memory that is there already is not asked for again.
        if compute(&mut first).ok().as_ref() != Some(&rows) {
            differences.push(ReportTrial::UsedInstance);
        }
        Ok(ReportCheck {
            input_rows: counts.iter().sum::<usize>() as u64,
            input_bytes: input.len() as u64,
            evidence: rows.iter().map(|row: &GuestReportRow| row.evidence.len() as u64).sum(),
            rows: rows.len() as u64,
            fuel,
            fuel_limit: limits::REPORT_FUEL_MAX,
            instantiate,
            compute: took,
            differences,
        })
    }
}
