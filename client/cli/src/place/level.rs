//! Keeps a replica in sync with its server while a command runs.

use super::Place;
use crate::{failure::Failure, show::output::remark};
use kith_client::{
    Client,
    replica::{Connection, Happening, SyncError},
};
use std::{future::Future, pin::Pin};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// A background sync during a command. Without a replica, or if no server is set, it does nothing.
pub(crate) struct Leveller(Option<Following>);

struct Following {
    sync: Pin<Box<dyn Future<Output = SyncError> + Send>>,
    happenings: Receiver<Happening>,
}

impl Leveller {
    /// The sync starts when it is first polled.
    pub(crate) fn of(place: &Place, keeps_level_with: Option<&Client>) -> Self {
        let (Place::Replica(replica), Some(client)) = (place, keeps_level_with) else {
            return Self(None);
        };
        let happenings = replica.happenings();
        Self(Some(Following { sync: Box::pin(replica.follow(client)), happenings }))
    }

    /// Syncs until it fails for good and returns why; temporary interruptions are reported. Dropping it is safe.
    pub(crate) async fn work(&mut self) -> Failure {
        let Some(Following { sync, happenings }) = &mut self.0 else { return std::future::pending().await };
        loop {
            tokio::select! {
                error = sync.as_mut() => return error.into(),
                happening = happenings.recv() => match happening {
                    Ok(Happening::Connection(Connection::Offline(error))) => remark(&format!("{error}; trying again")),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return std::future::pending().await,
                },
            }
        }
    }
}
