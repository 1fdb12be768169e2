//! `kith plugin new`: creates a folder with a plugin that builds and passes its tests.

use crate::{failure::Failure, show::output::Output};
use clap::{Args, ValueEnum};
use kith_authoring::{
    project::language::Language,
    scaffold::{self, Sort},
};
use kith_core::counted::counted;
use serde_json::json;
use std::path::PathBuf;

/// Create a new plugin: a folder that builds and passes its tests as it is
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith plugin new home_visits --lang python\n  \
                        kith plugin new our_bridges --lang rust --report")]
pub(crate) struct NewArgs {
    /// The view's or report's name: a-z, 0-9 and _, starting with a letter
    name: String,
    /// The programming language
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Lang,
    /// Create a report instead of a view: a table computed from the rows of views; Rust only
    #[arg(long)]
    report: bool,
    /// The folder to create [default: the name]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// The languages that plugins can be written in, as arguments.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Lang {
    /// Rust: small and fast, built by cargo
    Rust,
    /// Python: the component contains a whole interpreter
    Python,
    /// JavaScript: the component contains a whole engine
    #[value(name = "js", alias = "javascript")]
    Javascript,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Rust => Self::Rust,
            Lang::Python => Self::Python,
            Lang::Javascript => Self::Javascript,
        }
    }
}

pub(super) fn run(args: &NewArgs, mut output: Output) -> Result<(), Failure> {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let sort = sort(args)?;
    let files = scaffold::write(&args.name, sort, &folder)?;
    let shown = folder.display();
    output.tell(&json!({ "name": args.name, "folder": folder, "files": files }), || {
        let begin = sort.language().main_file();
        let files = counted(files.len(), "file", "files");
        format!("made {shown} with {files}\nnext: cd {shown} && kith plugin test, then change {begin}")
    })?;
    output.flush()
}

fn sort(args: &NewArgs) -> Result<Sort, Failure> {
    match (args.report, args.lang.into()) {
        (false, language) => Ok(Sort::View(language)),
        (true, Language::Rust) => Ok(Sort::Report),
        (true, language @ (Language::Python | Language::Javascript)) => {
            let language = language.name();
            Err(Failure::Usage(format!("reports are written in Rust, there is no kit for {language}: use --lang rust")))
        }
    }
}
