//! A role as typed.

use clap::ValueEnum;
use kith_core::event::Role;

/// What somebody may do in a network.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleArg {
    /// Reads what its scope allows
    Reader,
    /// Reads and records
    Recorder,
    /// Reads, and installs plugins
    Analyst,
    /// Reads, and asks for proofs and the access log
    Auditor,
    /// Reads, retracts, erases and sets holds for its organisation
    RecordsOfficer,
    /// Everything in the network
    Owner,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Reader => Self::Reader,
            RoleArg::Recorder => Self::Recorder,
            RoleArg::Analyst => Self::Analyst,
            RoleArg::Auditor => Self::Auditor,
            RoleArg::RecordsOfficer => Self::RecordsOfficer,
            RoleArg::Owner => Self::Owner,
        }
    }
}
