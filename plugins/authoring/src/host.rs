//! Folds a log here: the same host, sandbox and rows as on a server, each fold in a folder that is removed afterwards.
//!
//! Invariant: nothing of one fold is left for another.

pub mod case;
pub mod check;
pub mod report;

use crate::{failure::Failure, log::spool::Spool, project::check_free};
use etcetera::{BaseStrategy, choose_base_strategy};
use kith_client::{replica::OfflinePlugin, v1};
use kith_core::{day::Day, filter::Filter, history::History, id::NetworkName, position::Position};
use kith_views::{
    Clock, Compiling, Config, Declared, FollowError, Following, Manifest, Priority, Query, QueryAnswer, QueryError,
    Report, ViewDigest, ViewHandle, ViewScope, ViewState, ViewStatus, Views, wire,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{sync::watch, task::spawn_blocking};

/// The plugin host of this computer.
pub struct Host {
    /// Asks components what they are; folds nothing.
    views: Arc<Views>,
    folder: TempDir,
    cache: PathBuf,
}

/// What to fold.
pub struct Fold {
    /// The component's bytes.
    pub component: Vec<u8>,
    /// Its settings as JSON text.
    pub settings: String,
    /// The network of the log.
    pub network: NetworkName,
    /// Which entries to fold.
    pub scope: ViewScope,
    /// The log.
    pub log: Arc<Spool>,
    /// The time.
    pub clock: Clock,
}

/// A view that has folded its log.
pub struct Folded {
    handle: Arc<ViewHandle>,
    _head: watch::Sender<Position>,
    _folder: TempDir,
}

impl Host {
    /// Sets up the sandbox. Compiled components are stored in the user's cache folder, so that repeated runs are quick.
    pub fn open() -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(|error| cannot_run(&error))?;
        let cache = cache_folder()?;
        let views = open_in(&folder, cache.clone())?;
        Ok(Self { views: Arc::new(views), folder, cache })
    }

    /// Compiles a component and reads its manifest. Blocks.
    pub fn declared(&self, component: &[u8], settings: &str) -> Result<Declared, Failure> {
        self.views.inspect(component, settings).map_err(|refused| Failure::PluginRefused(refused.to_string()))
    }

    /// Refuses a plugin whose name no network can give it. Those that are built in may have their names.
    pub fn check_name(&self, component: &[u8], declared: &Declared) -> Result<(), Failure> {
        if OfflinePlugin::builtins().iter().any(|builtin| *builtin.component == *component) {
            return Ok(());
        }
        check_free(declared.name()).map_err(|taken| Failure::PluginRefused(taken.to_string()))
    }

    /// The same for a view. Blocks.
    fn inspect(&self, component: &[u8], settings: &str) -> Result<Manifest, Failure> {
        match self.declared(component, settings)? {
            Declared::View(manifest) => Ok(manifest),
            Declared::Report(report) => {
                Err(Failure::PluginRefused(format!("`{}` is a report, not a view", report.name)))
            }
        }
    }

    /// A report. Blocks.
    fn report(&self, component: &[u8], settings: &str) -> Result<Report, Failure> {
        self.views.report(component, settings).map_err(|refused| Failure::PluginRefused(refused.to_string()))
    }

    /// Folds a whole log.
    pub async fn fold(&self, fold: Fold) -> Result<Folded, Failure> {
        let until = fold.log.head();
        let (head, watched) = watch::channel(until);
        let following = Following {
            name: "here".to_owned(),
            network: fold.network,
            scope: fold.scope,
            component: fold.component.into(),
            settings: fold.settings,
            history: fold.log,
            held: Filter::default(),
            head: watched,
            clock: fold.clock,
        };
        let own = tempfile::tempdir_in(self.folder.path()).map_err(|error| cannot_run(&error))?;
        let views = open_in(&own, self.cache.clone())?;
        let handle = blocking(move || views.follow(following)).await?.map_err(refused)?;
        let folded = Folded { handle: Arc::new(handle), _head: head, _folder: own };
        match folded.handle.wait_for(until).await {
            Ok(_) => Ok(folded),
            Err(stopped) => Err(Failure::PluginRefused(match folded.status().await?.state {
                ViewState::Stopped { reason } | ViewState::Paused { reason } | ViewState::WaitingForRoom { reason } => {
                    format!("{stopped}: {reason}")
                }
                ViewState::Building | ViewState::Running => stopped.to_string(),
            })),
        }
    }
}

fn open_in(folder: &TempDir, cache: PathBuf) -> Result<Views, Failure> {
    let usual = Config::new(folder.path().join("views"), cache);
    let config = Config { priority: Priority::Usual, compiling: Compiling::AgainAndAgain, ..usual };
    Views::open(config).map_err(|error| cannot_run(&error))
}

fn cannot_run(error: &dyn std::fmt::Display) -> Failure {
    Failure::Unexpected(format!("plugins cannot run here: {error}"))
}

fn refused(error: FollowError) -> Failure {
    match error {
        FollowError::Refused(refused) => Failure::PluginRefused(refused.to_string()),
        FollowError::Store(_) | FollowError::History(_) | FollowError::Thread(_) => {
            Failure::Unexpected(error.to_string())
        }
    }
}

impl Folded {
    /// The view itself.
    fn handle(&self) -> Arc<ViewHandle> {
        Arc::clone(&self.handle)
    }

    /// The view's columns.
    pub fn fields(&self) -> Vec<v1::Field> {
        wire::fields(self.handle.fields())
    }

    /// The plugin's manifest.
    pub fn manifest(&self) -> &Manifest {
        self.handle.manifest()
    }

    /// The view's status.
    pub async fn status(&self) -> Result<ViewStatus, Failure> {
        let handle = Arc::clone(&self.handle);
        blocking(move || handle.status()).await?.map_err(|error| Failure::Unexpected(error.to_string()))
    }

    /// The digest over all rows as of the end of a day.
    pub async fn digest(&self, day: Day) -> Result<ViewDigest, Failure> {
        let handle = Arc::clone(&self.handle);
        blocking(move || handle.digest(Some(day), None)).await?.map_err(|error| Failure::Unexpected(error.to_string()))
    }

    /// A page of rows.
    pub async fn query(&self, query: Query) -> Result<QueryAnswer, Failure> {
        let handle = Arc::clone(&self.handle);
        blocking(move || handle.query(&query)).await?.map_err(|error| match error {
            // The whole log was folded before, so the person does not exist.
            QueryError::PersonAhead(id) => Failure::NotFound(format!("there is no person `{id}`")),
            QueryError::FieldUnknown(_)
            | QueryError::Columns(_)
            | QueryError::KeyShape { .. }
            | QueryError::PageRows { .. } => Failure::Usage(error.to_string()),
            QueryError::Snapshot(_) | QueryError::PageToken => Failure::Unexpected(error.to_string()),
        })
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    spawn_blocking(work).await.map_err(|error| Failure::Unexpected(error.to_string()))
}

/// `kith/compiled` in the XDG cache folder, which only its owner can enter: the files in it are run.
fn cache_folder() -> Result<PathBuf, Failure> {
    let strategy = choose_base_strategy();
    let strategy = strategy.map_err(|error| Failure::Unexpected(format!("no folder for caches: {error}")))?;
    let folder = strategy.cache_dir().join("kith").join("compiled");
    make_private(&folder).map_err(|error| Failure::file("make", &folder, error))?;
    Ok(folder)
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
