//! `kith plugin`: writing and managing plugins, one file per command.

mod build;
mod certify;
mod change;
mod check;
mod check_report;
mod component;
mod diff;
mod install;
mod list;
mod new;
mod test;
mod try_here;
mod try_report;
mod verify_certificate;

use crate::{context::Context, failure::Failure, show::output::Output};
use clap::Subcommand;

/// Write, test, install and compare plugins
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    #[command(flatten)]
    Alone(PluginAloneCommand),
    #[command(flatten)]
    Either(PluginEitherCommand),
}

/// Commands that work only in the author's folder, without a log.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginAloneCommand {
    New(new::NewArgs),
    Build(build::BuildArgs),
    Check(check::CheckArgs),
    Test(test::TestArgs),
}

/// Commands that work on a network's log.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginEitherCommand {
    Try(try_here::TryArgs),
    Install(install::InstallArgs),
    List(list::ListArgs),
    Diff(diff::DiffArgs),
    Activate(change::ActivateArgs),
    Rollback(change::RollbackArgs),
    Pause(change::PauseArgs),
    Resume(change::ResumeArgs),
    Remove(change::RemoveArgs),
    Certify(certify::CertifyArgs),
    VerifyCertificate(verify_certificate::VerifyCertificateArgs),
}

impl PluginAloneCommand {
    /// Runs without server or replica.
    pub(crate) async fn run(self, output: Output) -> Result<(), Failure> {
        match self {
            Self::New(args) => new::run(&args, output),
            Self::Build(args) => build::run(args, output).await,
            Self::Check(args) => check::run(args, output).await,
            Self::Test(args) => test::run(args, output).await,
        }
    }
}

impl PluginEitherCommand {
    /// Runs on a replica or at the server.
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Try(args) => try_here::run(context, args).await,
            Self::Install(args) => install::run(context, args).await,
            Self::List(args) => list::run(context, args).await,
            Self::Diff(args) => diff::run(context, args).await,
            Self::Activate(args) => change::activate(context, args).await,
            Self::Rollback(args) => change::rollback(context, args).await,
            Self::Pause(args) => change::pause(context, args).await,
            Self::Resume(args) => change::resume(context, args).await,
            Self::Remove(args) => change::remove(context, args).await,
            Self::Certify(args) => certify::run(context, args).await,
            Self::VerifyCertificate(args) => verify_certificate::run(context, args).await,
        }
    }
}
