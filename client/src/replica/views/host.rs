//! Runs a replica's views: the sandbox, the files, and the state of the replica that they belong to.

use super::{
    Inner, OfflinePlugin, ServedBuiltin, ViewError, asking::Of, folder::ViewsFolder, pending::WithPending, unknown,
};
use crate::error::Error;
use kith_core::reason::Reason;
use kith_core::{directory::Directory, filter::Filter, history::History, position::Position};
use kith_views::{Config, Following, Report, ViewHandle, ViewScope, ViewState, Views, limits::RUNS_BYTES_REPLICA};
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::{Mutex, watch},
    task::spawn_blocking,
};

/// Distinguishes folders of views with pending events.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Prefix of those folders' names.
const PENDING: &str = "pending-";

/// A replica's views.
pub(in crate::replica) struct Host {
    replica: Arc<Inner>,
    /// Where their files are.
    folder: Arc<ViewsFolder>,
    cache: PathBuf,
    /// A snapshot of the outbox, if it is folded in.
    pending: Option<Pending>,
    /// The plugins to follow instead of the network's own, if set.
    plugins: Mutex<Option<Vec<OfflinePlugin>>>,
    open: Mutex<Option<Open>>,
}

/// The outbox as part of the log.
struct Pending {
    history: Arc<WithPending>,
    head: watch::Sender<Position>,
    name: String,
}

/// The views of one state of the replica.
struct Open {
    name: String,
    views: Arc<Views>,
    held: Filter,
    found: HashMap<(ViewScope, String), (OfflinePlugin, Found)>,
}

/// What a plugin is.
#[derive(Clone)]
pub(super) enum Found {
    /// A view that follows the replica.
    View(Arc<ViewHandle>),
    /// A report, computed on request from views that are looked up in this way.
    Report(Arc<Report>, Lookup),
}

/// The plugins among which a name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The organisation's own, then the network's: for users, and for the organisation's reports.
    OwnFirst,
    /// Only the network's: for the network's reports, which are the same for everybody.
    Network,
}

impl Host {
    /// Opens the views in the folder of a replica; removes what an earlier process left unfinished.
    pub(super) fn new(replica: Arc<Inner>) -> Result<Self, ViewError> {
        let replica_folder = replica.folder.clone().ok_or(ViewError::NoFolder)?;
        let cache = replica_folder.join("cache");
        let folder = ViewsFolder::take(&replica_folder).map_err(|error| at(&replica_folder, &error))?;
        remove_others(folder.path(), |name| name.starts_with(PENDING)).map_err(|error| at(folder.path(), &error))?;
        let folder = Arc::new(folder);
        Ok(Self { replica, folder, cache, pending: None, plugins: Mutex::default(), open: Mutex::default() })
    }

    /// The same with the outbox folded in.
    pub(super) async fn with_pending(&self) -> Result<Self, ViewError> {
        let replica = Arc::clone(&self.replica);
        let history = Arc::new(blocking(move || WithPending::of(replica)).await?);
        let name = format!("{PENDING}{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Ok(Self {
            replica: Arc::clone(&self.replica),
            folder: Arc::clone(&self.folder),
            cache: self.cache.clone(),
            pending: Some(Pending { head: watch::Sender::new(history.head()), history, name }),
            plugins: Mutex::new(self.plugins.lock().await.clone()),
            open: Mutex::default(),
        })
    }

    pub(super) fn replica(&self) -> &Inner {
        &self.replica
    }

    /// The name of the network.
    pub(super) fn network(&self) -> String {
        self.replica.options.network.to_string()
    }

    /// What queries refer to.
    pub(super) fn asked(&self) -> Of<'_> {
        Of(&self.replica, self.head())
    }

    /// The last position: that of the last pending event, if the outbox is folded in.
    pub(super) fn head(&self) -> Position {
        match &self.pending {
            Some(pending) => pending.history.head(),
            None => self.replica.head(),
        }
    }

    /// Watches the head.
    pub(super) fn head_watch(&self) -> watch::Receiver<Position> {
        match &self.pending {
            Some(pending) => pending.head.subscribe(),
            None => self.replica.head.subscribe(),
        }
    }

    /// The last position before the pending events, if the outbox is folded in.
    pub(super) fn last_recorded(&self) -> Option<Position> {
        self.pending.as_ref().map(|pending| pending.history.last_recorded())
    }

    /// The directory up to a position, including the outbox if that is folded in. Blocks.
    pub(super) fn directory_at(&self, position: Position) -> Result<Directory, ViewError> {
        let Some(pending) = &self.pending else { return Ok(self.replica.directory_at(position)?) };
        let mut directory = self.replica.directory_at(position.min(pending.history.last_recorded()))?;
        pending.history.add_to(&mut directory, position);
        Ok(directory)
    }

    pub(super) async fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.plugins().await.into_iter().map(|plugin| plugin.name).collect();
        names.extend(self.served_builtins().await.into_iter().map(|served| served.name));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The built-in plugins and those that the network installed, or those that were set instead.
    async fn plugins(&self) -> Vec<OfflinePlugin> {
        if let Some(named) = &*self.plugins.lock().await {
            return named.clone();
        }
        let replica = Arc::clone(&self.replica);
        blocking(move || replica.builtins().into_iter().chain(replica.installed()).collect()).await
    }

    /// The built-in plugins in other versions than this program's, unless others were set instead.
    pub(super) async fn served_builtins(&self) -> Vec<ServedBuiltin> {
        if self.plugins.lock().await.is_some() {
            return Vec::new();
        }
        let replica = Arc::clone(&self.replica);
        blocking(move || replica.served_builtins()).await
    }

    /// Those of them that are not here.
    pub(super) async fn missing_builtins(&self) -> Vec<ServedBuiltin> {
        let (mut missing, here) = (self.served_builtins().await, self.plugins().await);
        missing.retain(|served| here.iter().all(|plugin| plugin.name != served.name));
        missing
    }

    /// That there is no such view here: that of the server may not be here yet.
    async fn missing(&self, name: &str) -> ViewError {
        let served = self.served_builtins().await.into_iter().find(|served| served.name == name);
        served.map_or_else(|| unknown(name), |served| served.missing())
    }

    pub(super) async fn set_plugins(&self, plugins: Vec<OfflinePlugin>) {
        *self.plugins.lock().await = Some(plugins);
    }

    /// A view that has caught up with everything here.
    pub(super) async fn level(&self, name: &str) -> Result<Arc<ViewHandle>, ViewError> {
        self.level_of(name, Lookup::OwnFirst).await
    }

    /// The same, with a given lookup.
    pub(super) async fn level_of(&self, name: &str, lookup: Lookup) -> Result<Arc<ViewHandle>, ViewError> {
        let (wanted, mut head) = (self.head(), self.head_watch());
        loop {
            let view = self.view_of(name, lookup).await?;
            let now = (*head.borrow_and_update()).min(wanted);
            tokio::select! {
                reached = view.wait_for(now) => match reached {
                    Ok(_) => return Ok(view),
                    Err(_) if Arc::ptr_eq(&view, &self.view_of(name, lookup).await?) => return Err(stopped(view).await),
                    Err(_) => {}
                },
                // The replica may hold different entries now, and another view may have replaced this one.
                _ = head.changed() => {}
            }
        }
    }

    /// A view that follows what is here now.
    pub(super) async fn view(&self, name: &str) -> Result<Arc<ViewHandle>, ViewError> {
        self.view_of(name, Lookup::OwnFirst).await
    }

    async fn view_of(&self, name: &str, lookup: Lookup) -> Result<Arc<ViewHandle>, ViewError> {
        match self.find_of(name, lookup).await? {
            Found::View(view) => Ok(view),
            Found::Report(..) => {
                let message = format!("{name} is a report: it is computed when it is asked");
                Err(Error::refused(Reason::RequestInvalid, message).at("view").into())
            }
        }
    }

    /// Finds a view or report by name.
    pub(super) async fn find(&self, name: &str) -> Result<Found, ViewError> {
        self.find_of(name, Lookup::OwnFirst).await
    }

    async fn find_of(&self, name: &str, lookup: Lookup) -> Result<Found, ViewError> {
        let Some(plugin) = look_up(self.plugins().await, name, lookup) else { return Err(self.missing(name).await) };
        let key = (plugin.scope.clone(), plugin.name.clone());
        let mut open = self.open.lock().await;
        let state = self.state_name()?;
        if open.as_ref().is_none_or(|open| open.name != state) {
            if let Some(open) = open.take() {
                blocking(move || open.stop()).await;
            }
            *open = Some(self.open_at(state).await?);
        }
        let open = open.as_mut().expect("it was opened above");
        if let Some((_, found)) = open.found.get(&key).filter(|(known, _)| *known == plugin) {
            return Ok(found.clone());
        }
        if let Some((_, Found::View(other))) = open.found.remove(&key) {
            blocking(move || other.stop()).await;
        }
        let found = self.start(open, plugin.clone()).await?;
        open.found.insert(key, (plugin, found.clone()));
        Ok(found)
    }

    async fn start(&self, open: &Open, plugin: OfflinePlugin) -> Result<Found, ViewError> {
        let replica = Arc::clone(&self.replica);
        let following = Following {
            name: plugin.name,
            network: replica.options.network.clone(),
            scope: plugin.scope,
            component: plugin.component,
            settings: plugin.settings,
            history: match &self.pending {
                Some(pending) => Arc::clone(&pending.history) as Arc<dyn History>,
                None => Arc::clone(&replica) as Arc<dyn History>,
            },
            held: open.held.clone(),
            head: self.head_watch(),
            clock: Arc::new(move || replica.environment.now().millis()),
        };
        let views = Arc::clone(&open.views);
        blocking(move || {
            let host = |error: &dyn std::error::Error| ViewError::Host(error.to_string());
            let (component, settings) = (&following.component, &following.settings);
            if views.is_report(component).map_err(|refused| host(&refused))? {
                let report = views.report(component, settings).map_err(|refused| host(&refused))?;
                let inputs = match following.scope {
                    ViewScope::Network => Lookup::Network,
                    ViewScope::Organisation(_) => Lookup::OwnFirst,
                };
                return Ok(Found::Report(Arc::new(report), inputs));
            }
            views.follow(following).map(|view| Found::View(Arc::new(view))).map_err(|error| host(&error))
        })
        .await
    }

    /// A name for the state of the replica: it changes when entries other than at the end are added or removed.
    fn state_name(&self) -> Result<String, ViewError> {
        if let Some(pending) = &self.pending {
            return Ok(pending.name.clone());
        }
        let state = self.replica.store.state()?;
        let log = state.incarnation.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        Ok(format!("{log:016x}-{}", state.generation))
    }

    async fn open_at(&self, name: String) -> Result<Open, ViewError> {
        let (folder, cache, held) = (self.folder.path().to_owned(), self.cache.clone(), self.replica.filter()?);
        let is_usual = self.pending.is_none();
        blocking(move || {
            if is_usual {
                remove_others(&folder, |other| other != name && !other.starts_with(PENDING))
                    .map_err(|error| at(&folder, &error))?;
            }
            let usual = Config::new(folder.join(&name), cache);
            let config = Config { runs_bytes_max: RUNS_BYTES_REPLICA, ..usual };
            let views = Views::open(config).map_err(|error| ViewError::Host(error.to_string()))?;
            Ok(Open { name, views: Arc::new(views), held, found: HashMap::new() })
        })
        .await
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(open) = self.open.get_mut().take() {
            open.stop();
        }
        let Some(pending) = &self.pending else { return };
        // What remains is removed by the next process.
        drop(fs::remove_dir_all(self.folder.path().join(&pending.name)));
    }
}

impl Open {
    fn stop(self) {
        for (_, found) in self.found.into_values() {
            match found {
                Found::View(view) => view.stop(),
                Found::Report(..) => {}
            }
        }
    }
}

/// The plugin that a name refers to.
fn look_up(plugins: Vec<OfflinePlugin>, name: &str, lookup: Lookup) -> Option<OfflinePlugin> {
    let named = plugins.into_iter().filter(|plugin| plugin.name == name);
    let (network, own): (Vec<_>, Vec<_>) = named.partition(|plugin| plugin.scope == ViewScope::Network);
    let own = match lookup {
        Lookup::OwnFirst => own,
        Lookup::Network => Vec::new(),
    };
    own.into_iter().chain(network).next()
}

/// The reason why a view stopped.
pub(super) async fn stopped(view: Arc<ViewHandle>) -> ViewError {
    match blocking(move || view.status()).await.map(|status| status.state) {
        Ok(ViewState::Stopped { reason } | ViewState::Paused { reason } | ViewState::WaitingForRoom { reason }) => {
            Error::refused(Reason::ViewStopped, format!("the view stopped: {reason}")).into()
        }
        Ok(ViewState::Building | ViewState::Running) => {
            Error::refused(Reason::ViewStopped, "the view stopped".to_owned()).into()
        }
        Err(error) => ViewError::Host(error.to_string()),
    }
}

/// Runs blocking work where blocking is allowed.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Removes folders of views that are no longer in use.
fn remove_others(folder: &Path, is_other: impl Fn(&str) -> bool) -> io::Result<()> {
    let found = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    for item in found {
        let item = item?;
        if item.file_name().to_str().is_some_and(&is_other) {
            fs::remove_dir_all(item.path())?;
        }
    }
    Ok(())
}

fn at(folder: &Path, error: &io::Error) -> ViewError {
    ViewError::Host(format!("{}: {error}", folder.display()))
}
