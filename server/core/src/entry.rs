//! Entries: events as the log holds them. The one codec of entry bytes.

use crate::{
    event::Event,
    id::{OrganisationId, PrincipalId},
    invalid::{Invalid, Problem},
    limits,
    may::Principal,
    position::Position,
    prepare::Prepared,
    timestamp::Timestamp,
};
use bytes::{Bytes, BytesMut};
use kith_proto::v1;
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint, message, uint64},
};

/// Maximum bytes of an entry's numbers, and of the keys and lengths of its fields.
const FRAME_BYTES: usize = 60;

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
    /// The bytes that are stored, hashed and sent. Made once, when the position is assigned.
    pub fn encode(&self) -> Bytes {
        self.encode_with(&mut BytesMut::new())
    }

    /// The same bytes, in memory that the entries of a batch share: one large allocation is cheaper than many small
    /// ones.
    pub(crate) fn encode_with(&self, memory: &mut BytesMut) -> Bytes {
        let organisation = self.organisation.as_ref().map_or("", OrganisationId::as_str);
        uint64::encode(1, &self.position.get(), memory);
        message::encode(2, &self.recorded_at.to_proto(), memory);
        put_bytes(3, self.recorded_by.as_str().as_bytes(), memory);
        put_bytes(4, organisation.as_bytes(), memory);
        put_bytes(5, &self.event_bytes, memory);
        put_bytes(6, self.signature.as_ref().map_or(&[], |signature| signature), memory);
        memory.split().freeze()
    }

    /// Reads entry bytes; the event's bytes share their memory and are not decoded.
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

    /// Decodes the event, which a later version may have recorded.
    pub fn event(&self) -> Result<Event, Invalid> {
        Event::read(&self.event_bytes)
    }
}

/// Maximum bytes of an event's entry once a principal has recorded it.
pub(crate) fn encoded_bytes_max(principal: &Principal, event: &Prepared) -> usize {
    let organisation = principal.organisation.as_ref().map_or("", OrganisationId::as_str);
    FRAME_BYTES + principal.id.as_str().len() + organisation.len() + event.bytes.len()
}

/// Writes a field of bytes or text; nothing if it is empty.
fn put_bytes(number: u32, bytes: &[u8], memory: &mut BytesMut) {
    if !bytes.is_empty() {
        encode_key(number, WireType::LengthDelimited, memory);
        encode_varint(bytes.len() as u64, memory);
        memory.extend_from_slice(bytes);
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
    use crate::{
        arbitrary,
        event::Role,
        may::{Credential, Reach},
    };
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_of_a_batch_fit_the_memory_that_was_made_for_them(
            prepared in arbitrary::prepared_of(&arbitrary::Names::any()),
            id in "[a-z:]{1,80}",
            organisation in proptest::option::of("[a-z]{1,64}"),
            position in 1..u64::MAX,
        ) {
            let principal = Principal {
                id: id.parse().unwrap(),
                credential: Credential::Program,
                reach: Reach::Server,
                role: Role::Owner,
                person: None,
                organisation: organisation.map(|id| id.parse().unwrap()),
            };
            let entry = Entry {
                position: Position::new(position),
                recorded_at: Timestamp::MIN,
                recorded_by: principal.id.clone(),
                organisation: principal.organisation.clone(),
                event_bytes: prepared.bytes.clone(),
                signature: None,
            };
            let (found, max) = (entry.encode().len(), encoded_bytes_max(&principal, &prepared));
            prop_assert!(found <= max, "{} of {}", found, max);
        }

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
            let bytes = entry.encode();
            let proto = v1::Entry::decode(bytes.clone()).unwrap();
            prop_assert_eq!(&proto.encode_to_vec(), &bytes);
            prop_assert_eq!(Entry::decode(&bytes), Ok(entry));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Entry::decode(&bytes.into());
        }
    }
}
