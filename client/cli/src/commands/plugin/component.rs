//! The components that a command is given: the plugin's own by default, and those of views that a report reads.

use crate::{failure::Failure, input::files::read_component, show::output::remark};
use clap::Args;
use kith_authoring::{compiler, host::report::Input, project::Project};
use kith_core::plugins::PluginSettings;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A component to look at.
#[derive(Debug, Args)]
pub(super) struct ComponentArgs {
    /// The component; - for standard input [default: dist/NAME.wasm of the plugin in this folder]
    file: Option<PathBuf>,
    /// For a report: the component of a view that it reads and that is neither built in nor installed
    #[arg(long = "view", value_name = "NAME=FILE", value_parser = parse_view)]
    views: Vec<(String, PathBuf)>,
}

impl ComponentArgs {
    /// The component's bytes.
    pub(super) fn read(&self) -> Result<Vec<u8>, Failure> {
        match &self.file {
            Some(file) => read_component(file),
            None => read_own(),
        }
    }

    /// Refuses views for what is no report.
    pub(super) fn refuse_views(&self) -> Result<(), Failure> {
        if self.views.is_empty() {
            return Ok(());
        }
        Err(Failure::Usage("--view is for reports, and this is a view".to_owned()))
    }

    /// The views that are given to a report, by name.
    pub(super) fn views(&self) -> Result<BTreeMap<String, Input>, Failure> {
        let read = |(name, file): &(String, PathBuf)| {
            let (component, settings) = (read_component(file)?, String::from(PluginSettings::default()));
            Ok((name.clone(), Input { component, settings }))
        };
        self.views.iter().map(read).collect()
    }
}

/// The component of the plugin in this folder.
fn read_own() -> Result<Vec<u8>, Failure> {
    let project = Project::find(Path::new("."))?;
    let path = project.component();
    let shown = path.strip_prefix(&project.folder).unwrap_or(&path).display();
    if !path.exists() {
        return Err(Failure::NotFound(format!("there is no {shown} yet: `kith plugin build` makes it")));
    }
    if !compiler::is_current(&project)? {
        remark(&format!("{shown} is of earlier sources: `kith plugin build` makes it anew"));
    }
    read_component(&path)
}

fn parse_view(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        Some(_) | None => Err("write the view and the file of its component as NAME=FILE".to_owned()),
    }
}
