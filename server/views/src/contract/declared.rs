//! What a component declares itself to be: a view or a report, by the contract that it exports.

use super::{manifest::Manifest, report_manifest::ReportManifest};

/// What a component declares.
#[derive(Debug, Clone, PartialEq)]
pub enum Declared {
    /// It derives a view from entries.
    View(Manifest),
    /// It computes a report from rows of views.
    Report(ReportManifest),
}

impl Declared {
    /// The name of its view or report.
    pub fn name(&self) -> &str {
        match self {
            Self::View(manifest) => &manifest.name,
            Self::Report(manifest) => &manifest.name,
        }
    }

    /// The plugin's own version, for people.
    pub fn version(&self) -> &str {
        match self {
            Self::View(manifest) => &manifest.version,
            Self::Report(manifest) => &manifest.version,
        }
    }
}
