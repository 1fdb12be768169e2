//! The manifest of a report.

use super::{
    Field,
    manifest::{ManifestInvalid, check_fields, check_name, check_schema},
};
use crate::limits;

/// What a report declares.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportManifest {
    /// The report's name in `snake_case`.
    pub name: String,
    /// The plugin's version, for people.
    pub version: String,
    /// What its rows are about.
    pub key: ReportKey,
    /// The views whose rows it is computed from.
    pub inputs: Vec<ReportInput>,
    /// The columns.
    pub fields: Vec<Field>,
    /// A JSON schema of the settings.
    pub settings_schema: String,
}

impl ReportManifest {
    /// Checks every rule.
    pub(crate) fn check(&self) -> Result<(), ManifestInvalid> {
        check_name(&self.name)?;
        check_fields(&self.fields)?;
        check_schema(&self.settings_schema)?;
        for input in &self.inputs {
            check_name(&input.view)?;
            input.fields.iter().try_for_each(|field| check_name(field))?;
            if let Some(Least { field, value }) = &input.at_least {
                check_name(field)?;
                if !value.is_finite() {
                    return Err(ManifestInvalid::Least { field: field.clone() });
                }
            }
        }
        let count = self.inputs.len();
        if (1..=limits::REPORT_INPUTS_MAX).contains(&count) { Ok(()) } else { Err(ManifestInvalid::Inputs(count)) }
    }
}

/// What rows of a report are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKey {
    /// Two organisations, or one with itself.
    OrganisationPair,
    /// One organisation.
    Organisation,
    /// Two people.
    Pair,
    /// One person.
    Person,
}

/// A view that a report reads.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportInput {
    /// The view's name.
    pub view: String,
    /// The columns that the report reads.
    pub fields: Vec<String>,
    /// Which rows it reads, if not all.
    pub at_least: Option<Least>,
}

/// Rows whose value of a column is at least this; rows without a value are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Least {
    /// The column.
    pub field: String,
    /// The value.
    pub value: f64,
}
