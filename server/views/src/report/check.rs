//! Checks a report before it is used on a network: what it costs, and whether its rows depend on anything but its
//! arguments.

use super::{Report, ReportContext, error::ReportError, failure};
use crate::{limits, plugin::abi::report_v1::ReportGuest, share::cancel::Cancel};
use std::time::{Duration, Instant};

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportCheck {
    /// Rows of views in the input.
    pub input_rows: u64,
    /// Bytes of the packed input.
    pub input_bytes: u64,
    /// Rows of the report.
    pub rows: u64,
    /// Rows of views that are named as evidence.
    pub evidence: u64,
    /// Fuel used.
    pub fuel: u64,
    /// Fuel allowed.
    pub fuel_limit: u64,
    /// Time to create and configure an instance.
    pub instantiate: Duration,
    /// Time to compute.
    pub compute: Duration,
    /// Trials that produced different rows or remarks, or used different fuel.
    pub differences: Vec<ReportTrial>,
}

/// A repetition that must produce the same rows and remarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportTrial {
    /// Again, in a fresh instance.
    FreshInstance,
    /// Again, in the instance that has computed it before.
    UsedInstance,
}

impl Report {
    /// Computes the report several times, which must produce the same rows and remarks. Blocks.
    pub fn check(&self, context: &ReportContext<'_>) -> Result<ReportCheck, ReportError> {
        let cancel = Cancel::default();
        let (packed, _) = self.pack(context, &self.work(&cancel), &cancel)?;
        let (input, counts) = (packed.bytes(), packed.row_counts());
        let begun = Instant::now();
        let mut first = self.plugin.instance(&cancel).map_err(failure)?;
        let (instantiate, begun) = (begun.elapsed(), Instant::now());
        let compute = |instance: &mut ReportGuest| {
            instance.compute(context.day, (input, &counts), &self.manifest().fields, limits::REPORT_RESULT_BYTES_MAX)
        };
        let output = compute(&mut first).map_err(failure)?;
        let (took, fuel) = (begun.elapsed(), first.last_fuel());

        let mut differences = Vec::new();
        let mut fresh = self.plugin.instance(&cancel).map_err(failure)?;
        // A failure the second time is a difference, too.
        let again = compute(&mut fresh).ok();
        if again.as_ref() != Some(&output) || fresh.last_fuel() != fuel {
            differences.push(ReportTrial::FreshInstance);
        }
        // Fuel may differ here: memory that was grown already is not requested again.
        if compute(&mut first).ok().as_ref() != Some(&output) {
            differences.push(ReportTrial::UsedInstance);
        }
        Ok(ReportCheck {
            input_rows: counts.iter().sum::<usize>() as u64,
            input_bytes: input.len() as u64,
            evidence: output.rows.iter().map(|row| row.evidence.len() as u64).sum(),
            rows: output.rows.len() as u64,
            fuel,
            fuel_limit: limits::REPORT_FUEL_MAX,
            instantiate,
            compute: took,
            differences,
        })
    }
}
