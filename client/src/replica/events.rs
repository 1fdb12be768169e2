//! What happens in a replica, as it happens, for whoever shows it.

use super::{Alarm, SyncReport};
use crate::{append_stream::EventRefused, error::Error};
use kith_core::{decide::Outcome, id::EventId, position::Position};

/// Something that happened in a replica.
#[derive(Debug, Clone)]
pub enum Happening {
    /// An event was recorded here and waits to be sent.
    Recorded(EventId),
    /// The server answered for an event of this device.
    Answered {
        /// The event.
        id: EventId,
        /// Where it is, or why it is not.
        result: Result<Outcome, EventRefused>,
    },
    /// Entries were verified and are here.
    Entries {
        /// The position before the first one.
        after: Position,
        /// The position that the replica comes to now.
        until: Position,
        /// How many; others in between do not pass the filter.
        count: usize,
    },
    /// The log here was given up, because the server's is another one.
    Reset {
        /// Events of this device that went back into the outbox.
        returned: u64,
    },
    /// The connection's state changed.
    Connection(Connection),
    /// A sync came to its end.
    Synced(SyncReport),
    /// Verification failed; nothing more is applied.
    Alarm(Alarm),
}

/// The state of the connection to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// The server answers.
    Online,
    /// It does not; it is tried again.
    Offline(Error),
}
