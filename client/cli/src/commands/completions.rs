//! `kith completions`: shell completion scripts.

use crate::{failure::Failure, show::output::Output};
use clap::{Args, Command};
use clap_complete::{Shell, generate};

/// Print a script that lets a shell complete commands and flags
#[derive(Debug, Args)]
#[command(after_help = "Example: kith completions bash > ~/.local/share/bash-completion/completions/kith")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, mut kith: Command, output: &mut Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut kith, "kith", &mut script);
    output.bytes(&script)
}
