//! New events, checked and hashed as far as possible without the log, on the caller's thread.

use crate::{
    detail::{Detail, DetailKind},
    event::{DirectoryFact, Event, Fact},
    invalid::{Invalid, Problem, check_count, check_name},
    limits, wire,
};
use bytes::Bytes;
use kith_proto::v1;

/// An event to append that obeys every rule that does not depend on the log.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The event.
    pub event: Event,
    /// Its bytes as the client made them.
    pub bytes: Bytes,
    /// Its details, in the order of its commitments; each matches its commitment.
    pub details: Vec<Detail>,
}

impl Prepared {
    /// Prepares an event from the wire.
    pub fn new(proto: &v1::NewEvent) -> Result<Self, Invalid> {
        let event = wire::decode_event(&proto.event)?;
        if !proto.signature.is_empty() {
            return Err(Invalid::new("signature", Problem::SignatureUnverified));
        }
        check_count("details", proto.details.len(), 0, limits::DETAILS_MAX)?;
        let details = proto.details.iter().map(Detail::from_proto).collect::<Result<Vec<_>, _>>()?;
        let commitments: Vec<_> = details.iter().map(Detail::commitment).collect();
        if commitments != event.details {
            return Err(Invalid::new("details", Problem::DetailsMismatch));
        }
        details.iter().try_for_each(|detail| detail.check_place(&event))?;
        check_names(&event, &details)?;
        Ok(Self { bytes: proto.event.clone(), event, details })
    }

    /// Prepares an unsigned event that this process makes; its commitments must match the details.
    pub fn from_event(event: &Event, details: &[Detail]) -> Result<Self, Invalid> {
        let details = details.iter().map(Detail::to_proto).collect();
        Self::new(&v1::NewEvent { event: event.encode().into(), details, signature: Vec::new() })
    }

    /// Bytes that count towards the limits of an append: the event and the text of its details.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.details.iter().map(|detail| detail.text.len()).sum::<usize>()
    }
}

/// Checks the names that an event gives people and organisations. Names in a log are not checked again.
fn check_names(event: &Event, details: &[Detail]) -> Result<(), Invalid> {
    if let Fact::Directory(DirectoryFact::OrganisationAdded(added)) = &event.fact {
        check_name("event.organisation_added.name", &added.name, limits::ORGANISATION_NAME_BYTES_MAX)?;
    }
    let mut names = details.iter().filter(|detail| detail.kind == DetailKind::Name);
    names.try_for_each(|name| check_name("details.text", &name.text, limits::DETAIL_TEXT_BYTES_MAX))
}
