//! What tells occasions apart, and the ids under which they are recorded.

use kith_core::{
    checkpoint::LogOrigin,
    event::Scope,
    id::{EventId, OrganisationId},
};
use kith_json::{
    derived::{digest_parts, event_id},
    scope_name,
};

/// Separates retractions from all other hashes.
const RETRACTION_DOMAIN: &[u8] = b"kith/import/retraction/1";

/// The log that an import records into.
#[derive(Debug, Clone)]
pub struct Log {
    /// Its name, which contains its incarnation: the same occasion has other ids in each log.
    pub origin: LogOrigin,
    /// The organisation of whoever imports. What organisations keep to themselves has ids of each organisation's own:
    /// otherwise one could tell that another one recorded the same.
    pub organisation: Option<OrganisationId>,
}

/// What tells an occasion of a log apart from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OccasionKey([u8; 32]);

impl OccasionKey {
    /// The key of what a source identifies by these parts, recorded with this scope.
    pub(crate) fn new(domain: &[u8], log: &Log, scope: Scope, parts: &[&[u8]]) -> Self {
        let organisation = match scope {
            Scope::Organisation => log.organisation.as_ref().map_or("", OrganisationId::as_str),
            Scope::Network => "",
        };
        let head = [log.origin.as_str().as_bytes(), scope_name(scope).as_bytes(), organisation.as_bytes()];
        Self(digest_parts(domain, head.into_iter().chain(parts.iter().copied())))
    }

    /// The same, and then the key with which it was recorded if it was recorded with the other scope.
    pub(crate) fn in_both_scopes(domain: &[u8], log: &Log, scope: Scope, parts: &[&[u8]]) -> [Self; 2] {
        let other = match scope {
            Scope::Network => Scope::Organisation,
            Scope::Organisation => Scope::Network,
        };
        [scope, other].map(|scope| Self::new(domain, log, scope, parts))
    }

    /// The id of a revision, counted from 0.
    pub(super) fn id(&self, revision: u32) -> EventId {
        event_id(&self.0, revision)
    }
}

/// The id under which an import withdraws an event.
pub(super) fn retraction_id(event: &EventId) -> EventId {
    event_id(&digest_parts(RETRACTION_DOMAIN, [event.as_bytes().as_slice()]), 0)
}

/// Whether an id is of the version that derived ids have.
pub(super) fn is_derived(id: &EventId) -> bool {
    id.as_bytes()[6] >> 4 == 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_client::random_event_id;
    use std::collections::HashSet;

    #[test]
    fn everything_that_tells_occasions_apart_changes_the_id() {
        let log = |origin: &str, organisation: &str| Log {
            origin: origin.parse().unwrap(),
            organisation: organisation.parse().ok(),
        };
        let one = log("kith/demo/1", "riverside");
        let ids = [
            OccasionKey::new(b"a", &one, Scope::Network, &[b"uid", b""]).id(0),
            OccasionKey::new(b"a", &one, Scope::Network, &[b"uid", b""]).id(1),
            OccasionKey::new(b"b", &one, Scope::Network, &[b"uid", b""]).id(0),
            OccasionKey::new(b"a", &one, Scope::Network, &[b"", b"uid"]).id(0),
            OccasionKey::new(b"a", &one, Scope::Organisation, &[b"uid", b""]).id(0),
            OccasionKey::new(b"a", &log("kith/demo/1", "hillside"), Scope::Organisation, &[b"uid", b""]).id(0),
            OccasionKey::new(b"a", &log("kith/demo/2", "riverside"), Scope::Network, &[b"uid", b""]).id(0),
        ];
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        assert!(ids.iter().all(is_derived) && !is_derived(&random_event_id()));
        let other = OccasionKey::new(b"a", &log("kith/demo/1", "hillside"), Scope::Network, &[b"uid", b""]);
        assert_eq!(other.id(0), ids[0], "colleagues of all organisations record one meeting");
        assert_ne!(retraction_id(&ids[0]), retraction_id(&ids[1]));
    }
}
