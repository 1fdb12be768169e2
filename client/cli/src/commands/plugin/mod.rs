//! `kith plugin`: views that organisations write, one file per command.

mod build;
mod check;
mod new;
mod test;
mod try_here;

use crate::{context::Context, failure::Failure, output::Output};
use clap::Subcommand;

/// Write, test and try plugins
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    New(new::NewArgs),
    Build(build::BuildArgs),
    Check(check::CheckArgs),
    Test(test::TestArgs),
    Try(try_here::TryArgs),
}

impl PluginCommand {
    /// Whether it works in the author's folder alone, without any log.
    pub(crate) fn is_alone(&self) -> bool {
        match self {
            Self::New(_) | Self::Build(_) | Self::Check(_) | Self::Test(_) => true,
            Self::Try(_) => false,
        }
    }

    /// Runs a command that works alone.
    pub(crate) async fn run_alone(self, output: Output) -> Result<(), Failure> {
        match self {
            Self::New(args) => new::run(&args, output),
            Self::Build(args) => build::run(args, output).await,
            Self::Check(args) => check::run(args, output).await,
            Self::Test(args) => test::run(args, output).await,
            Self::Try(_) => unreachable!("it needs a log"),
        }
    }
}

/// Runs a command on a network's log.
pub(crate) async fn run(context: &mut Context, command: PluginCommand) -> Result<(), Failure> {
    match command {
        PluginCommand::Try(args) => try_here::run(context, args).await,
        PluginCommand::New(_) | PluginCommand::Build(_) | PluginCommand::Check(_) | PluginCommand::Test(_) => {
            unreachable!("these run without a log")
        }
    }
}
