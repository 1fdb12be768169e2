//! `kith plugin new`: a folder with a plugin that builds and passes its tests as it stands.

use crate::{
    authoring::{language::Language, scaffold},
    failure::Failure,
    output::Output,
};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Make a new plugin: a folder that builds and passes its tests as it stands
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin new home_visits --lang python")]
pub(crate) struct NewArgs {
    /// The view's name: a-z, 0-9 and _, a letter first
    name: String,
    /// What to write it in
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Language,
    /// The folder to make [default: the name]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(super) fn run(args: &NewArgs, mut output: Output) -> Result<(), Failure> {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let files = scaffold::write(&args.name, args.lang, &folder)?;
    let shown = folder.display();
    output.tell(&json!({ "name": args.name, "folder": folder, "files": files }), || {
        let begin = args.lang.main_file();
        format!("made {shown} with {} files\nnext: cd {shown} && kith plugin test, then change {begin}", files.len())
    })?;
    output.flush()
}
