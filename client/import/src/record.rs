//! Reads events from JSON lines, ready to be recorded.

use kith_client::{NewEvent, random_bytes, random_event_id};
use kith_core::{
    event::Event,
    id::EventId,
    limits::{DETAIL_SALT_BYTES, EVENT_SALT_BYTES},
};
use kith_json::{Missing, NotRecord, Record};

/// What a line leaves out is filled in at random: each reading yields new events.
#[derive(Debug)]
pub struct Random;

impl Missing for Random {
    fn id(&mut self, _: &mut Event) -> EventId {
        random_event_id()
    }

    fn salt(&mut self, _: &EventId) -> [u8; EVENT_SALT_BYTES] {
        random_bytes()
    }

    fn detail_salt(&mut self, _: &EventId, _: usize) -> [u8; DETAIL_SALT_BYTES] {
        random_bytes()
    }
}

/// Reads an event from a line and checks it against every rule that needs no log.
pub fn read_record(line: &[u8], missing: &mut impl Missing) -> Result<NewEvent, NotRecord> {
    let Record { event, details } = kith_json::read_record(line, missing)?;
    Ok(NewEvent::from_parts(event, details)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_random() {
        let met = br#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"network","met":{"people":["a","b"]}}}"#;
        let one = read_record(met, &mut Random).unwrap();
        let other = read_record(met, &mut Random).unwrap();
        assert_ne!(one.id(), other.id());
        assert_ne!(one.event().salt, [0; 16]);
    }

    #[test]
    fn rules_that_need_no_log_are_held_to() {
        let alone = br#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"network","met":{"people":["a"]}}}"#;
        let Err(NotRecord::Invalid(invalid)) = read_record(alone, &mut Random) else { panic!("nobody meets alone") };
        assert_eq!(invalid.field, "event.met.people");
    }
}
