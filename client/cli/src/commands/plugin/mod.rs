//! `kith plugin`: views that organisations write, one file per command.

mod build;
mod certify;
mod change;
mod check;
mod check_report;
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
    New(new::NewArgs),
    Build(build::BuildArgs),
    Check(check::CheckArgs),
    Test(test::TestArgs),
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

impl PluginCommand {
    /// Whether it works in the author's folder alone, without any log.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self, Self::New(_) | Self::Build(_) | Self::Check(_) | Self::Test(_))
    }

    /// Runs a command that works alone.
    pub(crate) async fn run_alone(self, output: Output) -> Result<(), Failure> {
        match self {
            Self::New(args) => new::run(&args, output),
            Self::Build(args) => build::run(args, output).await,
            Self::Check(args) => check::run(args, output).await,
            Self::Test(args) => test::run(args, output).await,
            Self::Try(_)
            | Self::Install(_)
            | Self::List(_)
            | Self::Diff(_)
            | Self::Activate(_)
            | Self::Rollback(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Remove(_)
            | Self::Certify(_)
            | Self::VerifyCertificate(_) => unreachable!("it needs a log"),
        }
    }
}

/// Runs a command on a network's log.
pub(crate) async fn run(context: &mut Context, command: PluginCommand) -> Result<(), Failure> {
    match command {
        PluginCommand::Try(args) => try_here::run(context, args).await,
        PluginCommand::Install(args) => install::run(context, args).await,
        PluginCommand::List(args) => list::run(context, args).await,
        PluginCommand::Diff(args) => diff::run(context, args).await,
        PluginCommand::Activate(args) => change::activate(context, args).await,
        PluginCommand::Rollback(args) => change::rollback(context, args).await,
        PluginCommand::Pause(args) => change::pause(context, args).await,
        PluginCommand::Resume(args) => change::resume(context, args).await,
        PluginCommand::Remove(args) => change::remove(context, args).await,
        PluginCommand::Certify(args) => certify::run(context, args).await,
        PluginCommand::VerifyCertificate(args) => verify_certificate::run(context, args).await,
        PluginCommand::New(_) | PluginCommand::Build(_) | PluginCommand::Check(_) | PluginCommand::Test(_) => {
            unreachable!("these run without a log")
        }
    }
}
