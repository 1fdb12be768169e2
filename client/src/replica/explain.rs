//! Explains where an event is and why.

use super::{
    Inner,
    error::StoreError,
    outbox::{Pending, Refusal, Stage},
};
use crate::entries::Recorded;
use kith_core::id::EventId;

/// What a replica knows about an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Explanation {
    /// It is an entry here.
    Here {
        /// The entry.
        recorded: Box<Recorded>,
    },
    /// It is in the outbox.
    OnItsWay {
        /// The event, and how far it has got.
        pending: Box<Pending>,
        /// Why the last attempt to reach the server failed; empty if it did not.
        failure: String,
    },
    /// The server refused it.
    Refused {
        /// The event, and why it was refused.
        refusal: Box<Refusal>,
    },
    /// Nothing is known about it: it is not in the log up to the head here, does not pass the replica's filter, is not
    /// visible to the token, or was recorded elsewhere and not sent yet.
    Unknown {
        /// Whether entries are left out here, so that it may be one of them.
        has_gaps: bool,
        /// How many more entries the server had when it was last seen.
        behind: u64,
    },
}

impl Inner {
    pub(super) fn explain(&self, id: &EventId) -> Result<Explanation, StoreError> {
        if let Some(recorded) = self.find_event(id)? {
            return Ok(Explanation::Here { recorded: Box::new(recorded) });
        }
        let status = self.status()?;
        if let Some(pending) = self.pending()?.into_iter().find(|pending| pending.event.id() == *id) {
            let failure = match pending.stage {
                Stage::Queued | Stage::Returned => status.failure.map(|(_, why)| why).unwrap_or_default(),
                Stage::Accepted(_) => String::new(),
            };
            return Ok(Explanation::OnItsWay { pending: Box::new(pending), failure });
        }
        if let Some(refusal) = self.refused()?.into_iter().find(|refusal| refusal.event.id() == *id) {
            return Ok(Explanation::Refused { refusal: Box::new(refusal) });
        }
        let behind = status.server_head.since(status.position);
        Ok(Explanation::Unknown { has_gaps: status.has_gaps, behind })
    }
}
