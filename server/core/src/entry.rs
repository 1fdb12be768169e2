//! Entries: events as the log holds them. The one codec of entry bytes.

use crate::{
    event::Event,
    id::{OrganisationId, PrincipalId},
    invalid::{Invalid, Problem},
    limits,
    position::Position,
    timestamp::Timestamp,
};
use bytes::Bytes;
use kith_proto::v1;
use prost::Message;

/// An event as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub position: Position,
    /// When the server accepted it; never decreases along the log.
    pub recorded_at: Timestamp,
    /// Who recorded it.
    pub recorded_by: PrincipalId,
    /// The recorder's organisation at acceptance.
    pub organisation: Option<OrganisationId>,
    /// The event's bytes as the client made them.
    pub event_bytes: Bytes,
    /// Signature over the event's bytes, if there is one.
    pub signature: Option<[u8; limits::SIGNATURE_BYTES]>,
}

impl Entry {
    /// The bytes that are stored, hashed and sent. Made once, when the position is given.
    pub fn encode(&self) -> Bytes {
        let proto = v1::Entry {
            position: self.position.get(),
            recorded_at: Some(self.recorded_at.to_proto()),
            recorded_by: self.recorded_by.as_str().to_owned(),
            organisation: self.organisation.as_ref().map_or_else(String::new, |id| id.as_str().to_owned()),
            event: self.event_bytes.clone(),
            signature: self.signature.map(Vec::from).unwrap_or_default(),
        };
        proto.encode_to_vec().into()
    }

    /// Reads entry bytes; the event's bytes share their memory and are not opened.
    pub fn decode(bytes: &Bytes) -> Result<Self, Invalid> {
        let proto = v1::Entry::decode(bytes.clone()).map_err(|_| Invalid::new("entry", Problem::Undecodable))?;
        let recorded_at = proto.recorded_at.as_ref().and_then(Timestamp::from_proto);
        if proto.position == 0 {
            return Err(Invalid::new("entry.position", Problem::Missing));
        }
        Ok(Self {
            position: Position::new(proto.position),
            recorded_at: recorded_at.ok_or_else(|| Invalid::new("entry.recorded_at", Problem::Missing))?,
            recorded_by: PrincipalId::parse_field(&proto.recorded_by, "entry.recorded_by")?,
            organisation: match proto.organisation.as_str() {
                "" => None,
                id => Some(OrganisationId::parse_field(id, "entry.organisation")?),
            },
            event_bytes: proto.event,
            signature: signature(&proto.signature, "entry.signature")?,
        })
    }

    /// Opens the event.
    pub fn event(&self) -> Result<Event, Invalid> {
        Event::decode(&self.event_bytes)
    }
}

/// Reads a signature that may be absent.
pub(crate) fn signature(bytes: &[u8], field: &str) -> Result<Option<[u8; limits::SIGNATURE_BYTES]>, Invalid> {
    if bytes.is_empty() {
        return Ok(None);
    }
    bytes.try_into().map(Some).map_err(|_| Invalid::new(field, Problem::MustBe("64 bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_back(
            position in 1..u64::MAX,
            millis in 0..4_000_000_000_000_i64,
            organisation in proptest::option::of("[a-z]{1,64}"),
            event in proptest::collection::vec(any::<u8>(), 0..300),
            signed in proptest::option::of(any::<u8>()),
        ) {
            let entry = Entry {
                position: Position::new(position),
                recorded_at: Timestamp::from_millis(millis),
                recorded_by: "person:amina".parse().unwrap(),
                organisation: organisation.map(|id| id.parse().unwrap()),
                event_bytes: event.into(),
                signature: signed.map(|byte| [byte; 64]),
            };
            prop_assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Entry::decode(&bytes.into());
        }
    }
}
