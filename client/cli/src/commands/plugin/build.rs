//! `kith plugin build`: from source to component.

use crate::{
    failure::Failure,
    input::files::read_component,
    show::output::{Output, remark},
};
use clap::Args;
use kith_authoring::{
    compiler::{self, When},
    project::Project,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{path::PathBuf, time::Instant};
use tokio::task::spawn_blocking;

/// Build the plugin in this folder into a component
///
/// Rust plugins are built by cargo. The compilers for Python and JavaScript plugins are installed when first needed. If
/// no file of the plugin has changed since the last build, nothing is built; if a build fails, the component of the last
/// one is removed.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin build")]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    pub(super) source: SourceArgs,
    /// Build even if nothing has changed since the last build
    #[arg(long)]
    anew: bool,
}

/// Which plugin to build, and with which tools.
#[derive(Debug, Args)]
pub(super) struct SourceArgs {
    /// The plugin's folder, or one inside it
    #[arg(long, value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Folder for the compilers of Python and JavaScript [default: .kith in the plugin's folder]
    #[arg(long, value_name = "DIR", env = "KITH_PLUGIN_TOOLS")]
    tools: Option<PathBuf>,
}

/// A component that is that of its sources.
pub(super) struct Built {
    pub(super) project: Project,
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// Whether the compiler ran.
    pub(super) anew: bool,
}

impl SourceArgs {
    /// The plugin's folder.
    pub(super) fn project(&self) -> Result<Project, Failure> {
        Ok(Project::find(&self.folder)?)
    }

    /// Builds the component.
    pub(super) async fn build(self, when: When) -> Result<Built, Failure> {
        let project = self.project()?;
        let work =
            move || compiler::build(&project, self.tools.as_deref(), when, &remark).map(|built| (project, built));
        let (project, built) = spawn_blocking(work).await.map_err(|error| Failure::Unexpected(error.to_string()))??;
        Ok(Built { bytes: read_component(&built.path)?, project, path: built.path, anew: built.anew })
    }
}

pub(super) async fn run(args: BuildArgs, mut output: Output) -> Result<(), Failure> {
    let begun = Instant::now();
    let when = if args.anew { When::Always } else { When::Changed };
    let Built { project, path, bytes, anew } = args.source.build(when).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let digest = hex::encode(Sha256::digest(&bytes));
    let shown = path.strip_prefix(&project.folder).unwrap_or(&path).display().to_string();
    let json = json!({
        "name": project.manifest.name,
        "component": path,
        "bytes": bytes.len(),
        "sha256": digest,
        "anew": anew,
    });
    output.tell(&json, || {
        if !anew {
            return format!("{shown} is built: nothing has changed; {} bytes, SHA-256 {digest}", bytes.len());
        }
        let language = project.manifest.language.name();
        format!("built {shown} from {language} in {seconds:.1} s: {} bytes, SHA-256 {digest}", bytes.len())
    })?;
    output.flush()
}
