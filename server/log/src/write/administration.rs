//! Events that the server itself records.
//!
//! Invariant: they obey the rules of every other event, so that readers need no special case.

use kith_core::{
    decide::{Command, Origin, Refused},
    event::{Administration, Event, Fact, Scope},
    id::EventId,
    invalid::Invalid,
    may::Principal,
    prepare::Prepared,
    timestamp::Timestamp,
};
use kith_words::random;

/// The command for facts that the server records in a scope on behalf of a principal: all or none.
pub(crate) fn command(
    principal: Principal,
    scope: Scope,
    facts: Vec<Administration>,
    now: Timestamp,
) -> Result<Command, Refused> {
    let prepare = |fact| prepare(scope, fact, now).map_err(|why| Refused { event: 0, why: why.into() });
    let events = facts.into_iter().map(prepare).collect::<Result<_, _>>()?;
    Ok(Command { principal, events, condition: None, origin: Origin::Server })
}

/// A new event of a scope, ready to append.
fn prepare(scope: Scope, fact: Administration, now: Timestamp) -> Result<Prepared, Invalid> {
    let event = Event {
        id: new_event_id(now),
        occurred_at: now,
        scope,
        caused_by: Vec::new(),
        attributes: Vec::new(),
        salt: random(),
        details: Vec::new(),
        fact: Fact::Administration(fact),
    };
    let bytes = event.encode();
    let event = Event::decode(&bytes)?;
    Ok(Prepared { event, bytes: bytes.into(), details: Vec::new() })
}

/// A UUID of version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then random bits.
fn new_event_id(now: Timestamp) -> EventId {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    let mut bytes: [u8; 16] = random();
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6] = 0x70 | bytes[6] & 0x0f;
    bytes[8] = 0x80 | bytes[8] & 0x3f;
    EventId::from_bytes(bytes).expect("version and variant are set")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_new_and_tell_the_time() {
        let now = Timestamp::from_millis(0x0199_0000_0000);
        let (one, other) = (new_event_id(now), new_event_id(now));
        assert_ne!(one, other);
        assert!(one.to_string().starts_with("01990000-0000-7"), "{one}");
        new_event_id(Timestamp::MIN);
    }

    #[test]
    fn events_read_back() {
        let fact = Administration::TokenRevoked { token: "t-abc".parse().unwrap() };
        let prepared = prepare(Scope::Network, fact, Timestamp::from_millis(5)).unwrap();
        assert_eq!(Event::decode(&prepared.bytes), Ok(prepared.event));
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let fact = Administration::TokenIssued {
            token: "t-abc".parse().unwrap(),
            grant: kith_core::event::Grant::Role(kith_core::event::Role::Reader),
            person: None,
            organisation: None,
            expires_at: Some(Timestamp::from_millis(i64::MAX)),
            secret_digest: None,
        };
        let refused = prepare(Scope::Network, fact, Timestamp::from_millis(5)).unwrap_err();
        assert_eq!(refused.field, "event.token_issued.expires_at");
    }
}
