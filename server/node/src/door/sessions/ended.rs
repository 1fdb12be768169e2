//! Sessions that were ended before their time. They are in memory until then: a server that restarts forgets them, and
//! whoever must not rely on that revokes the token.
//!
//! Invariant: at most [`ENDED_MAX`] are remembered, and a token that ends many of its sessions ends all of them.

use super::value::Session;
use crate::limits::{ENDED_MAX, ENDED_PER_TOKEN_MAX};
use kith_core::{id::TokenId, may::Reach, timestamp::Timestamp};
use std::collections::HashMap;

/// Too many sessions were ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many sessions were ended, {ENDED_MAX}: revoke the token instead, or wait until some would have ended")]
pub(crate) struct TooManyEnded;

/// The ended sessions of each token.
#[derive(Debug, Default)]
pub(super) struct Ended {
    tokens: HashMap<(Option<String>, TokenId), OfToken>,
    count: usize,
}

#[derive(Debug, Default)]
struct OfToken {
    /// Numbers of sessions, and when those would have ended.
    sessions: Vec<([u8; 16], Timestamp)>,
    /// All that began up to a time, and when the last of them will have ended.
    all: Option<(Timestamp, Timestamp)>,
}

impl Ended {
    /// Whether a session was ended.
    pub(super) fn holds(&self, session: &Session) -> bool {
        self.tokens.get(&key(session)).is_some_and(|of_token| {
            of_token.sessions.iter().any(|(number, _)| *number == session.number)
                || of_token.all.is_some_and(|(begun, _)| session.begun <= begun)
        })
    }

    /// Remembers that a session was ended.
    pub(super) fn add(&mut self, session: &Session, now: Timestamp) -> Result<(), TooManyEnded> {
        if self.holds(session) {
            return Ok(());
        }
        if self.count >= ENDED_MAX {
            self.forget(now);
        }
        if self.count >= ENDED_MAX {
            return Err(TooManyEnded);
        }
        let of_token = self.tokens.entry(key(session)).or_default();
        self.count += 1;
        of_token.sessions.push((session.number, session.end));
        if of_token.sessions.len() > ENDED_PER_TOKEN_MAX {
            // One mark in the place of many numbers. No session of a token that began by now ends later than a new one.
            let life = session.end.millis() - session.begun.millis();
            let last = Timestamp::from_millis(now.millis().saturating_add(life));
            let before = of_token.all.map_or(last, |(_, end)| end.max(last));
            self.count += usize::from(of_token.all.is_none());
            self.count -= of_token.sessions.len();
            *of_token = OfToken { sessions: Vec::new(), all: Some((now, before)) };
        }
        Ok(())
    }

    /// Forgets what is over anyway.
    fn forget(&mut self, now: Timestamp) {
        self.tokens.retain(|_, of_token| {
            of_token.sessions.retain(|(_, end)| *end > now);
            of_token.all = of_token.all.filter(|(_, end)| *end > now);
            !of_token.sessions.is_empty() || of_token.all.is_some()
        });
        self.count =
            self.tokens.values().map(|of_token| of_token.sessions.len() + usize::from(of_token.all.is_some())).sum();
    }
}

fn key(session: &Session) -> (Option<String>, TokenId) {
    let network = match &session.reach {
        Reach::Server => None,
        Reach::Network(name) => Some(name.to_string()),
    };
    (network, session.token.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(token: &str, number: u16, begun: i64) -> Session {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        Session {
            reach: Reach::Server,
            token: token.parse().unwrap(),
            begun: Timestamp::from_millis(begun),
            end: Timestamp::from_millis(begun + 1_000),
            number: bytes,
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn one_is_ended_and_the_others_go_on() {
        let mut ended = Ended::default();
        ended.add(&session("a", 1, 0), at(1)).unwrap();
        ended.add(&session("a", 1, 0), at(2)).unwrap();
        assert_eq!(ended.count, 1);
        assert!(ended.holds(&session("a", 1, 0)));
        assert!(!ended.holds(&session("a", 2, 0)) && !ended.holds(&session("b", 1, 0)));
    }

    #[test]
    fn a_token_that_ends_many_ends_all_that_it_began() {
        let mut ended = Ended::default();
        for number in 0..=u16::try_from(ENDED_PER_TOKEN_MAX).unwrap() {
            ended.add(&session("a", number, 0), at(5)).unwrap();
        }
        assert_eq!(ended.count, 1);
        assert!(ended.holds(&session("a", 999, 5)) && !ended.holds(&session("a", 999, 6)));
        assert!(!ended.holds(&session("b", 1, 0)));
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered_and_room_again_later() {
        let mut ended = Ended::default();
        for number in 0..ENDED_MAX {
            ended.add(&session(&format!("t{number}"), 1, 0), at(5)).unwrap();
        }
        assert_eq!(ended.add(&session("b", 1, 0), at(5)), Err(TooManyEnded));
        assert!(ended.holds(&session("t0", 1, 0)), "nothing is forgotten for it");
        ended.add(&session("b", 1, 900), at(1_000)).unwrap();
        assert_eq!(ended.count, 1);
    }
}
