//! Notifications of what happens in a replica.

use super::{Alarm, SyncReport};
use crate::{append_stream::EventRefused, error::Error};
use kith_core::{decide::Outcome, id::EventId, position::Position};

/// Something that happened in a replica.
#[derive(Debug, Clone)]
pub enum Happening {
    /// An event was recorded here and is waiting to be sent.
    Recorded(EventId),
    /// The server answered for an event of this device.
    Answered {
        /// The event.
        id: EventId,
        /// Its position in the log, or why it was refused.
        result: Result<Outcome, EventRefused>,
    },
    /// An event of this device that is not in the log yet lost words, because somebody they are about was erased. If it
    /// was refused for that, it is sent again without them.
    WordsDropped(EventId),
    /// Entries were verified and are here.
    Entries {
        /// The position before the first one.
        after: Position,
        /// The replica's new last position.
        until: Position,
        /// How many; other entries in between do not pass the filter.
        count: usize,
    },
    /// The log here was discarded, because the server's log is another one or on request.
    Reset {
        /// Events of this device that returned to the outbox.
        returned: u64,
    },
    /// The connection's state changed.
    Connection(Connection),
    /// A sync completed.
    Synced(SyncReport),
    /// Verification failed; nothing more is applied.
    Alarm(Alarm),
}

/// The state of the connection to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// The server answers.
    Online,
    /// The server does not answer; the connection is retried.
    Offline(Error),
}
