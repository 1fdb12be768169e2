//! `kith plugin certify`: certifies a view's rows as of a signed checkpoint, in a file that others can verify.

use crate::{context::Context, failure::Failure, input::dates::parse_view_day_now, show::output::Format};
use clap::Args;
use kith_client::v1;
use kith_core::day::Day;
use kith_json::day_text;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Certify the rows of a view as of the newest checkpoint
///
/// The certificate names the component, its settings, the signed checkpoint, the day, and a digest over all rows.
/// Anybody who may read the log can recompute the rows with `kith plugin verify-certificate`. Built-in views are
/// certified like installed ones.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin certify strength > strength.certificate")]
pub(crate) struct CertifyArgs {
    /// The view
    name: String,
    /// As of the end of this day, in UTC
    #[arg(long, value_name = "DATE", value_parser = parse_view_day_now)]
    at: Option<Day>,
}

/// A certificate, as stored in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    /// The format of the file.
    pub(super) format: String,
    /// The view's name.
    pub(super) view: String,
    /// SHA-256 of the component.
    #[serde(with = "hex::serde")]
    pub(super) component: [u8; 32],
    /// The contract that it is built for.
    pub(super) contract: String,
    /// Its settings.
    pub(super) settings: Value,
    /// The organisation whose own events it also folds.
    pub(super) organisation: Option<String>,
    /// The signed checkpoint.
    pub(super) checkpoint: String,
    /// The day.
    pub(super) day: String,
    /// Number of rows.
    pub(super) rows: u64,
    /// SHA-256 over the rows.
    #[serde(with = "hex::serde")]
    pub(super) rows_digest: [u8; 32],
}

/// The format of this file.
pub(super) const FORMAT: &str = "kith/view-certificate@v1";

pub(super) async fn run(context: &mut Context, args: CertifyArgs) -> Result<(), Failure> {
    let certified = context.server()?.certify_view(&args.name, args.at).await?;
    let certificate = certificate(certified)?;
    let text = match context.output.format() {
        Format::Json => serde_json::to_string(&certificate),
        Format::Table => serde_json::to_string_pretty(&certificate),
    };
    context.output.line(&text.expect("a certificate is plain data"))
}

fn certificate(certified: v1::ViewCertificate) -> Result<Certificate, Failure> {
    let malformed = |what: &str| Failure::Unexpected(format!("the server's certificate has a malformed {what}"));
    let digest = |bytes: Vec<u8>, what| bytes.try_into().map_err(|_| malformed(what));
    Ok(Certificate {
        format: FORMAT.to_owned(),
        view: certified.view,
        component: digest(certified.component, "component")?,
        contract: certified.contract,
        settings: serde_json::from_str(&certified.settings).map_err(|_| malformed("settings"))?,
        organisation: Some(certified.organisation).filter(|organisation| !organisation.is_empty()),
        checkpoint: certified.checkpoint,
        day: day_text(Day::new(certified.day)),
        rows: certified.rows,
        rows_digest: digest(certified.rows_digest, "rows digest")?,
    })
}
