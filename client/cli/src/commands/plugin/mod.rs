//! `kith plugin`: views that organisations write, one file per command.

mod build;
mod check;
mod new;
mod test;
mod try_here;

use crate::{failure::Failure, output::Output, settings::GlobalArgs};
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

/// Runs a command; those for authors need no server, except `try`.
pub(crate) async fn run(command: PluginCommand, global: &GlobalArgs, output: Output) -> Result<(), Failure> {
    match command {
        PluginCommand::New(args) => new::run(&args, output),
        PluginCommand::Build(args) => build::run(args, output).await,
        PluginCommand::Check(args) => check::run(args, output).await,
        PluginCommand::Test(args) => test::run(args, output).await,
        PluginCommand::Try(args) => {
            let mut context = global.connect(output).await?;
            let done = try_here::run(&mut context, args).await;
            let flushed = context.output.flush();
            done.and(flushed)
        }
    }
}
