//! Where views are queried: at the server, or in a replica that derives them itself. The answers are the same messages.

use super::Place;
use crate::failure::Failure;
use futures_util::{Stream, StreamExt};
use kith_client::{
    Client, DigestQuery, Error, RowQuery, ViewQuery, Views,
    replica::{OfflineViews, ViewError},
    v1,
};
use kith_core::position::Position;
use std::pin::Pin;

/// Which events count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Those in the log.
    Entries,
    /// Those waiting in the outbox, too.
    Pending,
}

impl Counted {
    /// The choice made with `--pending`.
    pub(crate) fn of(pending: bool) -> Self {
        if pending { Self::Pending } else { Self::Entries }
    }
}

/// Where views are queried.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The server.
    Server(Box<Client>),
    /// A replica.
    Replica(OfflineViews),
}

/// Rows as they change. Temporary interruptions are reported in between.
pub(crate) type Changes = Pin<Box<dyn Stream<Item = Result<v1::WatchViewResponse, Interrupted>> + Send>>;

/// What arrived instead of a change.
#[derive(Debug)]
pub(crate) enum Interrupted {
    /// The stream resumes on its own.
    ForNow(Error),
    /// The stream has ended.
    ForGood(Failure),
}

impl Asked {
    /// The views of a place.
    pub(crate) async fn at(place: &Place, counted: Counted) -> Result<Self, Failure> {
        match (place, counted) {
            (Place::Server(client), Counted::Entries) => Ok(Self::Server(client.clone())),
            (Place::Server(_), Counted::Pending) => {
                let advice = "events wait in a replica only: name its folder with --replica or KITH_REPLICA";
                Err(Failure::Usage(advice.to_owned()))
            }
            (Place::Replica(replica), Counted::Entries) => Ok(Self::Replica(replica.views()?)),
            (Place::Replica(replica), Counted::Pending) => Ok(Self::Replica(replica.views()?.with_pending().await?)),
        }
    }

    /// All views.
    pub(crate) async fn list(&self) -> Result<Views, Failure> {
        match self {
            Self::Server(client) => Ok(client.list_views().await?),
            Self::Replica(views) => Ok(views.list_views().await?),
        }
    }

    /// The version of a view in a replica, if it is the server's and this program comes with another one.
    pub(crate) async fn served_version(&self, name: &str) -> Option<String> {
        let Self::Replica(views) = self else { return None };
        let served = views.served_builtins().await.into_iter().find(|served| served.name == name);
        served.map(|served| served.version)
    }

    /// Rows of a view.
    pub(crate) async fn query(&self, query: &ViewQuery) -> Result<v1::QueryViewResponse, Failure> {
        match self {
            Self::Server(client) => Ok(client.query_view(query).await?),
            Self::Replica(views) => Ok(views.query_view(query).await?),
        }
    }

    /// Whether rows are about organisations; those of most views are about people.
    pub(crate) async fn is_about_organisations(&self, name: &str) -> Result<bool, Failure> {
        let key = match self {
            Self::Server(client) => {
                let views = client.list_views().await?.views;
                views.into_iter().find(|view| view.name == name).map(|view| view.key).unwrap_or_default()
            }
            Self::Replica(views) => views.key_of(name).await?,
        };
        Ok(key.starts_with("organisation"))
    }

    /// The entries that a row is derived from.
    pub(crate) async fn explain(&self, query: &RowQuery) -> Result<v1::ExplainRowResponse, Failure> {
        match self {
            Self::Server(client) => Ok(client.explain_row(query).await?),
            Self::Replica(views) => Ok(views.explain_row(query).await?),
        }
    }

    /// A digest over the rows of a view.
    pub(crate) async fn digest(&self, query: &DigestQuery) -> Result<v1::DigestViewResponse, Failure> {
        match self {
            Self::Server(client) => Ok(client.digest_view(query).await?),
            Self::Replica(views) => Ok(views.digest_view(query).await?),
        }
    }

    /// Rows as they change.
    pub(crate) fn watch(&self, view: &str, after: Position) -> Changes {
        match self {
            Self::Server(client) => Box::pin(client.watch_view(view, after).map(|change| change.map_err(of_server))),
            Self::Replica(views) => Box::pin(
                views.watch_view(view, after).map(|change| change.map_err(|error| Interrupted::ForGood(error.into()))),
            ),
        }
    }
}

fn of_server(error: Error) -> Interrupted {
    if error.is_retryable() { Interrupted::ForNow(error) } else { Interrupted::ForGood(error.into()) }
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Refused(error) => error.into(),
            ViewError::Store(error) => error.into(),
            ViewError::NoFolder | ViewError::Host(_) => Self::Unexpected(error.to_string()),
        }
    }
}
