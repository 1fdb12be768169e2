//! Why words are erased, as arguments that several commands share.

use crate::failure::Failure;
use clap::{Args, builder::PossibleValuesParser};
use kith_client::Grounds;
use kith_core::{erasures::ERASURE_REASONS, id::CaseReference, timestamp::Timestamp};
use kith_json::time_text;

/// Why words are erased.
#[derive(Debug, Args)]
pub(crate) struct ErasureGroundsArgs {
    /// Why: the grounds of Article 17(1) of the GDPR, or an error
    #[arg(long, value_parser = PossibleValuesParser::new(ERASURE_REASONS))]
    reason: String,
    /// The case that it belongs to, such as IG-2026-0142: it stays in the log, so it must not be personal
    #[arg(long, value_name = "CASE")]
    reference: Option<CaseReference>,
}

impl ErasureGroundsArgs {
    pub(crate) fn read(&self) -> Result<Grounds, Failure> {
        Ok(Grounds { reason: self.reason.parse()?, reference: self.reference.clone() })
    }
}

/// A time as text; empty if there is none.
pub(crate) fn time_of(time: Option<Timestamp>) -> String {
    time.map(time_text).unwrap_or_default()
}
