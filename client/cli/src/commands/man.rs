//! `kith man`: manual pages.

use crate::{failure::Failure, show::output::Output};
use clap::{Args, Command};
use std::{fs, path::PathBuf};

/// Print the manual page, or write one for each command into a folder
#[derive(Debug, Args)]
#[command(after_help = "Example: kith man --dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The folder to write the pages into
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, kith: Command, output: &mut Output) -> Result<(), Failure> {
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(kith).render(&mut page);
        rendered.map_err(|error| Failure::Unexpected(format!("cannot make the page: {error}")))?;
        return output.bytes(&page);
    };
    let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(kith, dir));
    written.map_err(|error| Failure::file("write the pages into", dir, error))
}
