//! Where commands record and read: at the server, or in a replica that needs no server.
//!
//! Invariant: a command that works on a replica does not call the server.

pub(crate) mod known_logs;
pub(crate) mod level;
pub(crate) mod lookalikes;
pub(crate) mod matching;
pub(crate) mod people;
pub(crate) mod profile;
pub(crate) mod settings;
pub(crate) mod transport;
pub(crate) mod views;

use crate::{
    failure::Failure,
    limits,
    show::{output::remark, people::Names},
};
use kith_client::{
    Client, Direction, Head, Page, ReadOptions, Recorded,
    replica::{OpenError, RecordError, Replica, ReplicaOptions, StoreError, SyncError},
    v1,
};
use kith_core::reason::Reason;
use kith_core::{
    event::Event,
    id::{EventId, NetworkName, OrganisationId, PersonId},
    timestamp::Timestamp,
};
use std::{path::Path, sync::mpsc, thread};

/// Where commands record and read.
#[derive(Debug)]
pub(crate) enum Place {
    /// The server.
    Server(Box<Client>),
    /// A replica in a folder.
    Replica(Replica),
}

impl Place {
    /// Opens the replica in a folder; remarks on it if it has to wait for another process.
    pub(crate) fn open(folder: &Path, network: NetworkName) -> Result<Replica, Failure> {
        let (done, waiting) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                if matches!(waiting.recv_timeout(limits::FILE_SILENT_MAX), Err(mpsc::RecvTimeoutError::Timeout)) {
                    remark("the replica is in use by another process: waiting for it");
                }
            });
            let opened = Replica::open(folder, ReplicaOptions::new(network));
            drop(done);
            Ok(opened?)
        })
    }

    /// The server, for operations that only a server supports.
    pub(crate) fn server(&self) -> Result<&Client, Failure> {
        match self {
            Self::Server(client) => Ok(client),
            Self::Replica(_) => {
                let advice = "this needs the server: leave out --replica (and KITH_REPLICA)";
                Err(Failure::Usage(advice.to_owned()))
            }
        }
    }

    /// The network.
    pub(crate) fn network(&self) -> &NetworkName {
        match self {
            Self::Server(client) => client.network(),
            Self::Replica(replica) => replica.network(),
        }
    }

    /// All people, or those of an organisation.
    pub(crate) async fn people(&self, organisation: Option<&OrganisationId>) -> Result<Vec<v1::Person>, Failure> {
        match self {
            Self::Server(client) => Ok(client.people(organisation).await?),
            Self::Replica(replica) => {
                let mut people = replica.people()?;
                people.retain(|person| organisation.is_none_or(|id| person.organisation == id.as_str()));
                Ok(people)
            }
        }
    }

    /// All known names, for human-readable output.
    pub(crate) async fn names(&self) -> Result<Names, Failure> {
        Ok(Names::of_people(self.people(None).await?))
    }

    /// The person with an id, if there is one.
    pub(crate) async fn find_person(&self, id: &PersonId) -> Result<Option<v1::Person>, Failure> {
        match self {
            Self::Server(client) => match client.person(id).await {
                Ok(person) => Ok(Some(person)),
                Err(error) if error.reason() == Some(Reason::PersonUnknown) => Ok(None),
                Err(error) => Err(error.into()),
            },
            Self::Replica(replica) => Ok(replica.people()?.into_iter().find(|person| person.id == id.as_str())),
        }
    }

    /// Why something is not known here: because a replica has nothing yet, or for the reason that is given.
    pub(crate) fn unless_empty(&self, why: Failure) -> Failure {
        let is_empty = |replica: &Replica| replica.status().is_ok_and(|status| status.synced_at.is_none());
        match self {
            Self::Replica(replica) if is_empty(replica) => {
                Failure::Unavailable(format!("{why}: this replica is empty, `kith sync` fetches the log first"))
            }
            Self::Replica(_) | Self::Server(_) => why,
        }
    }

    /// All organisations.
    pub(crate) async fn organisations(&self) -> Result<Vec<v1::Organisation>, Failure> {
        match self {
            Self::Server(client) => Ok(client.organisations().await?),
            Self::Replica(replica) => Ok(replica.organisations()?),
        }
    }

    /// A page of entries.
    pub(crate) async fn read(&self, options: &ReadOptions) -> Result<Page, Failure> {
        match self {
            Self::Server(client) => Ok(client.read(options).await?),
            Self::Replica(replica) => Ok(replica.read(options)?),
        }
    }

    /// The head of the log, as seen here.
    pub(crate) async fn head(&self) -> Result<Head, Failure> {
        match self {
            Self::Server(client) => Ok(client.head().await?),
            Self::Replica(replica) => {
                let status = replica.status()?;
                let (position, root) = (status.position, status.root);
                let recorded_at = last_recorded_at(replica)?;
                Ok(Head { position, root, incarnation: Vec::new(), recorded_at })
            }
        }
    }

    /// The entry of an event, if it exists and may be seen.
    pub(crate) async fn find_recorded(&self, id: &EventId) -> Result<Option<Recorded>, Failure> {
        match self {
            Self::Server(client) => match client.find_event(id).await {
                Err(error) if error.reason() == Some(Reason::EventUnknown) => Ok(None),
                found => Ok(Some(found?)),
            },
            Self::Replica(replica) => Ok(replica.find_event(id)?),
        }
    }

    /// An event that is referred to by `field` of another one.
    pub(crate) async fn event(&self, id: &EventId, field: &str) -> Result<Event, Failure> {
        match self {
            Self::Server(client) => match client.find_event(id).await {
                Err(error) if error.reason() == Some(Reason::EventUnknown) => Err(error.at(field).into()),
                found => Ok(found?.event),
            },
            Self::Replica(replica) => {
                if let Some(recorded) = replica.find_event(id)? {
                    return Ok(recorded.event);
                }
                let pending = replica.pending()?.into_iter().find(|pending| pending.event.id() == *id);
                let unknown = || Failure::NotFound(format!("there is no event {id} in this replica: {field}"));
                Ok(pending.ok_or_else(unknown)?.event.event().clone())
            }
        }
    }
}

/// When the newest entry that is here was recorded.
pub(crate) fn last_recorded_at(replica: &Replica) -> Result<Option<Timestamp>, Failure> {
    let newest = ReadOptions { direction: Direction::Backward, limit: 1, ..ReadOptions::default() };
    Ok(replica.read(&newest)?.entries.decode()?.pop().map(|last| last.entry.recorded_at))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InUse | StoreError::Moved => Self::Unavailable(error.to_string()),
            StoreError::Full | StoreError::Storage(_) | StoreError::Keys(_) | StoreError::Damaged(_) => {
                Self::Unexpected(error.to_string())
            }
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::InUse { .. } => Self::Unavailable(error.to_string()),
            OpenError::OtherNetwork { .. } | OpenError::Filter(_) => Self::Usage(error.to_string()),
            OpenError::Io { folder, source } => Self::file("open the replica in", &folder, source),
            OpenError::Version { .. } | OpenError::Store(_) => Self::Unexpected(error.to_string()),
        }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Invalid(invalid) => invalid.into(),
            RecordError::IdReused { .. } => Self::Refused { reason: Reason::EventIdReused, message: error.to_string() },
            RecordError::PersonErased { .. } => {
                Self::Refused { reason: Reason::PersonErased, message: error.to_string() }
            }
            RecordError::Store(error) => error.into(),
        }
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Call(error) => error.into(),
            SyncError::Alarm(alarm) => Self::NotVerified(alarm.to_string()),
            SyncError::Store(error) => error.into(),
            SyncError::ScopeLost { .. } => Self::Refused { reason: Reason::ScopeLost, message: error.to_string() },
            SyncError::Running => Self::Unavailable(error.to_string()),
        }
    }
}
