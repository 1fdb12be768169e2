//! The log's open files, and what readers and the writer share in memory.
//!
//! Invariant: what a start reads grows with networks, people and tokens, never with entries.

use crate::{
    config::{Clock, CommitMode, Config},
    error::{Damage, OpenError, ReadError},
    files::{builder, io_error, make_private_folder, make_whole, open_database, open_error},
    keys::{erasures_file::ErasuresFile, key_file, place::KeyPlace, signing_key},
    measures::Counters,
    rows::{
        column::Column,
        outline::Outline,
        row::{NetworkRow, TokenRow, read_head, read_networks},
        tables::{self, Visitor},
        tree_rows::TreeEdge,
        version,
    },
    sign::{
        checkpoint_file::CheckpointFile,
        checkpoints::{CheckpointError, Checkpoints},
    },
    space::Space,
    state::{
        health::Health,
        live::{Common, Head, Live},
        snapshot::{Snapshot, decode_entry, decode_event},
        token::{Known, Owner, Standing, Tokens},
    },
};
use kith_blocks::BlockEdge;
#[cfg(feature = "faults")]
use kith_core::checkpoint::SigningKey;
use kith_core::{
    authority::{Authority, Lost},
    checkpoint::SignedCheckpoint,
    directory::Directory,
    id::NetworkName,
    may::Reach,
    position::Position,
    timestamp::Timestamp,
    tree::{Frontier, leaf_hash},
};
use kith_words::{Keys, SwappedFile};
use redb::{
    Database, Durability, Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use tokio::sync::{Notify, watch};

/// The secrets of a log on the caller's storage.
#[cfg(feature = "faults")]
#[derive(Clone)]
pub struct Secrets {
    /// Wraps the keys of networks.
    pub root_key: [u8; 32],
    /// The Ed25519 seed that signs checkpoints.
    pub signing_seed: [u8; 32],
}

/// What readers and the writer share.
pub(crate) struct Store {
    pub(crate) database: Database,
    pub(crate) keys: Keys,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) health: watch::Sender<Health>,
    pub(crate) counters: Counters,
    pub(crate) space: Space,
    /// Where it is kept who was erased; `None` for a log on the caller's storage.
    pub(crate) erasures: Option<ErasuresFile>,
    /// Tells the eraser that somebody is to be erased.
    pub(crate) erasing: Notify,
    /// Changes with the tokens for the whole server.
    pub(crate) credentials: watch::Sender<()>,
    networks: RwLock<BTreeMap<NetworkName, Arc<Live>>>,
    tokens: RwLock<Tokens>,
}

/// The growing end of a network's rows, owned by the writer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge {
    pub(crate) tree: TreeEdge,
    pub(crate) blocks: BlockEdge,
}

/// Growing ends, by ordinal.
pub(crate) type Edges = HashMap<u32, Edge>;

impl Store {
    /// Opens the files in the data folder; creates missing ones.
    pub(crate) fn open(config: &Config, clock: Clock) -> Result<(Self, Edges), OpenError> {
        make_private_folder(&config.data)?;
        let file = config.data.join("log.redb");
        if !file.exists() {
            make_whole(&file, |part| {
                let database = builder(config).create(part).map_err(|error| open_error(error, &config.data, part))?;
                make_tables(&database)
            })?;
        }
        let database = open_database(config, &file)?;
        SwappedFile::new(file.clone()).recover(|| Ok(None)).map_err(io_error(&file))?;
        make_tables(&database)?;
        let fresh = database.begin_read()?.open_table(tables::NETWORKS)?.first()?.is_none();
        let place = KeyPlace::of(config);
        let (keys, folder) = (key_file::open(&place, fresh)?, place.folder());
        let file = CheckpointFile::new(config.checkpoint_path());
        let signing = |keys: &Keys| Ok(Checkpoints::new(signing_key::read_or_make(folder, keys)?, Some(file)));
        let (store, edges) = Self::load(database, keys, signing, config, clock)?;
        let erasures = Some(ErasuresFile::new(config.erasures_path()));
        Ok((Self { space: Space::of(config), erasures, ..store }, edges))
    }

    /// Loads what is kept in memory from open files.
    pub(crate) fn load(
        database: Database,
        keys: Keys,
        signing: impl FnOnce(&Keys) -> Result<Checkpoints, OpenError>,
        config: &Config,
        clock: Clock,
    ) -> Result<(Self, Edges), OpenError> {
        make_tables(&database)?;
        let transaction = database.begin_read()?;
        let (mut networks, mut edges) = (BTreeMap::new(), Edges::new());
        for (name, row) in read_networks(&transaction)? {
            key_file::load_network(&keys, &name, row.key_incarnation)?;
            let (live, edge) = load_network(&database, name.clone(), &row, config)?;
            live.clock_watch.look(&name, live.head().recorded_at, clock());
            networks.insert(name, Arc::new(live));
            edges.insert(row.ordinal, edge);
        }
        let tokens = load_tokens(&transaction, &networks)?;
        drop(transaction);
        let checkpoints = signing(&keys)?;
        let health = checkpoints.judge(&database)?;
        let store = Self {
            database,
            keys,
            checkpoints,
            config: config.clone(),
            clock,
            health: watch::Sender::new(health),
            credentials: watch::Sender::new(()),
            counters: Counters::default(),
            space: Space::default(),
            erasures: None,
            erasing: Notify::new(),
            networks: RwLock::new(networks),
            tokens: RwLock::new(tokens),
        };
        Ok((store, edges))
    }

    pub(crate) fn networks(&self) -> RwLockReadGuard<'_, BTreeMap<NetworkName, Arc<Live>>> {
        self.networks.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_network(&self, live: Arc<Live>) {
        let mut networks = self.networks.write().unwrap_or_else(PoisonError::into_inner);
        networks.insert(live.name.clone(), live);
    }

    pub(crate) fn tokens(&self) -> RwLockReadGuard<'_, Tokens> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tokens_mut(&self) -> RwLockWriteGuard<'_, Tokens> {
        self.tokens.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a token stands for, if it is valid at this time.
    pub(crate) fn standing(&self, known: &Known, now: Timestamp) -> Option<Standing> {
        known.standing(&*self.authority(&known.reach)?, now)
    }

    /// Like `standing`, for a feed.
    pub(crate) fn standing_of_feed(&self, known: &Known, now: Timestamp) -> Option<Standing> {
        known.standing_of_feed(&*self.authority(&known.reach)?, now)
    }

    /// What whoever read with a token has to let go of, now that it has ended.
    pub(crate) fn lost(&self, known: &Known) -> Option<Lost> {
        known.row.lost(&*self.authority(&known.reach)?)
    }

    /// Who may act in the network that a token is for; nobody is a member of the server.
    fn authority(&self, reach: &Reach) -> Option<Arc<Authority>> {
        match reach {
            Reach::Server => Some(Arc::default()),
            Reach::Network(name) => Some(self.networks().get(name)?.authority()),
        }
    }

    /// A checkpoint of all that readers see of a log; signs a new one if the newest is older.
    pub(crate) fn sign(&self, live: &Arc<Live>) -> Result<Arc<SignedCheckpoint>, CheckpointError> {
        self.checkpoints.sign(&self.database, &self.health, live, (self.clock)())
    }

    /// Signs the heads of the logs that have grown.
    pub(crate) fn sign_all(&self, logs: &[Arc<Live>]) -> Result<(), CheckpointError> {
        self.checkpoints.sign_all(&self.database, &self.health, logs, (self.clock)())
    }

    /// A transaction that is on disk when its commit returns.
    pub(crate) fn begin_write(&self) -> Result<WriteTransaction, ReadError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        let (two_phase, quick_repair) = match self.config.commit_mode {
            CommitMode::QuickRepair => (true, true),
            CommitMode::TwoPhase => (true, false),
            CommitMode::OnePhase => (false, false),
        };
        transaction.set_two_phase_commit(two_phase);
        transaction.set_quick_repair(quick_repair);
        Ok(transaction)
    }
}

/// Creates the tables of an empty file; refuses a file of another version.
fn make_tables(database: &Database) -> Result<(), OpenError> {
    let transaction = database.begin_read()?;
    if transaction.list_tables()?.next().is_some() {
        version::check(&transaction)?;
        return Ok(());
    }
    drop(transaction);
    let transaction = database.begin_write()?;
    tables::visit_all(&mut Make(&transaction))?;
    version::write(&mut transaction.open_table(tables::META)?)?;
    Ok(transaction.commit()?)
}

/// Creates tables.
pub(crate) struct Make<'a>(pub(crate) &'a WriteTransaction);

impl Visitor for Make<'_> {
    type Error = OpenError;

    fn visit<K, V>(&mut self, _: u8, table: TableDefinition<'static, K, V>) -> Result<(), OpenError>
    where
        K: Key + Column + 'static,
        V: Column + 'static,
    {
        self.0.open_table(table)?;
        Ok(())
    }
}

fn load_network(
    database: &Database,
    name: NetworkName,
    row: &NetworkRow,
    config: &Config,
) -> Result<(Live, Edge), OpenError> {
    let head_row = read_head(&database.begin_read()?, row.ordinal)?;
    let frontier = head_row.as_ref().map_or_else(Frontier::new, |head| head.frontier.clone());
    let head = match &head_row {
        Some(head) => Head {
            position: head.position,
            root: head.frontier.root(),
            incarnation: row.incarnation,
            recorded_at: Some(head.recorded_at),
        },
        None => Head::empty(row),
    };
    let mut snapshot = Snapshot::stored(database, row.ordinal)?;
    let tree = TreeEdge::read(row.ordinal, frontier, &snapshot.nodes()?.leaves).map_err(ReadError::from)?;
    let blocks = BlockEdge::read(snapshot.entries()).map_err(ReadError::from)?;
    check_head(&snapshot, &head, &tree)?;
    let common = load_common(&snapshot, head.position)?;
    snapshot.begin_chunk(head.position)?;
    load_chunk(&mut snapshot, &common.directory, head.position)?;
    let open = Arc::new(snapshot.open_chunk().clone());
    let live = Live::new(name, row, head, common, open, config.tail_bytes_max);
    Ok((live, Edge { tree, blocks }))
}

/// Builds the index of the chunk that the head lies in from its entries.
fn load_chunk(snapshot: &mut Snapshot, directory: &Directory, head: Position) -> Result<(), OpenError> {
    let first = snapshot.open_chunk().first();
    let before = first.previous();
    let entries: Vec<_> = snapshot.range(before, head)?.collect::<Result<_, _>>().map_err(ReadError::from)?;
    for (position, bytes) in entries {
        let header = snapshot.header(&bytes)?;
        let event = decode_event(&decode_entry(&bytes)?)?;
        let outline = Outline::of(&header, &event, |person| directory.person(person).map(|person| person.handle));
        let stray = Damage { table: "entries", what: "somebody in an event is not in the directory" };
        snapshot.open_chunk_mut().add(position, event.id, &outline.ok_or(stray)?.people);
    }
    Ok(())
}

/// Compares the head with the last entry and the last leaf, which disagree in a torn or mixed-up file.
fn check_head(snapshot: &Snapshot, head: &Head, tree: &TreeEdge) -> Result<(), OpenError> {
    let wrong = |what| Err(OpenError::Damaged(Damage { table: "heads", what }));
    if tree.frontier().size() != head.position.get() {
        return wrong("the hash tree and the head have different sizes");
    }
    if snapshot.last_position()? != head.position {
        return wrong("the head is not the last entry");
    }
    let Some(index) = head.position.leaf_index() else { return Ok(()) };
    let entry = snapshot.entry(head.position)?;
    if Some(entry.recorded_at) != head.recorded_at {
        return wrong("the head and the last entry have different times");
    }
    if snapshot.leaf(index)? != leaf_hash(&snapshot.bytes(head.position)?) {
        return wrong("the last entry is not the last leaf");
    }
    Ok(())
}

/// Directory and plugins as of a position.
pub(crate) fn load_common(snapshot: &Snapshot, until: Position) -> Result<Common, ReadError> {
    let mut common = Common::default();
    let (table, ordinal) = (snapshot.transaction().open_table(tables::COMMON)?, snapshot.network());
    for row in table.range((ordinal, 0)..=(ordinal, until.get()))? {
        let position = Position::new(row?.0.value().1);
        let entry = snapshot.entry(position)?;
        common.apply(&decode_event(&entry)?, &entry);
    }
    Ok(common)
}

fn load_tokens(
    transaction: &ReadTransaction,
    networks: &BTreeMap<NetworkName, Arc<Live>>,
) -> Result<Tokens, OpenError> {
    let mut tokens = Tokens::default();
    for row in transaction.open_table(tables::SERVER_TOKENS)?.iter()? {
        let (id, row) = row?;
        tokens.put(Owner::Server, Reach::Server, decode_token(id.value(), row.value())?);
    }
    let names: HashMap<_, _> = networks.values().map(|live| (live.ordinal, &live.name)).collect();
    for row in transaction.open_table(tables::TOKENS)?.iter()? {
        let (key, row) = row?;
        let (ordinal, id) = key.value();
        let stray = Damage { table: "tokens", what: "a token belongs to no network" };
        let name = *names.get(&ordinal).ok_or(stray)?;
        tokens.put(Owner::Network(ordinal), Reach::Network(name.clone()), decode_token(id, row.value())?);
    }
    Ok(tokens)
}

fn decode_token(id: &str, row: &[u8]) -> Result<TokenRow, Damage> {
    let row = TokenRow::decode(row).filter(|row| row.id.as_str() == id);
    row.ok_or(Damage { table: "tokens", what: "a row is malformed" })
}

/// Loads a log from the caller's storage.
#[cfg(feature = "faults")]
pub(crate) fn load_on(
    log: impl redb::StorageBackend,
    keys: impl redb::StorageBackend,
    secrets: &Secrets,
    config: &Config,
    clock: Clock,
) -> Result<(Store, Edges), OpenError> {
    let database = builder(config).create_with_backend(log)?;
    let keys = redb::Builder::new().create_with_backend(keys)?;
    let keys = kith_words::Keys::with_database(keys, zeroize::Zeroizing::new(secrets.root_key), None)?;
    let signing = |_: &_| Ok(Checkpoints::new(SigningKey::from_seed(&secrets.signing_seed), None));
    Store::load(database, keys, signing, config, clock)
}
