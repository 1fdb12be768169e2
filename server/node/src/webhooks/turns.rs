//! Who sends when: a line of webhooks that have something to send, and a bounded number of turns.
//!
//! A turn ends after a while, so that everybody in line has one. Slow receivers have a part of the turns, those of one
//! network and on one host too, so that nobody's receivers hold up those of others.

use super::Webhooks;
use crate::limits::{
    WEBHOOK_SLOW_TURNS_MAX, WEBHOOK_TURNS_MAX, WEBHOOK_TURNS_PER_HOST_MAX, WEBHOOK_TURNS_PER_NETWORK_MAX,
};
use kith_core::{
    id::{NetworkName, TokenId},
    position::Position,
    timestamp::Timestamp,
};
use kith_log::{DeadLetter, WebhookCursor, WebhookKey, WebhookState, WebhookWritten};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::Hash,
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// A webhook in memory.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// Whether it sends.
    pub(crate) state: WebhookState,
    /// How far it is.
    pub(crate) cursor: WebhookCursor,
    /// Whether dead letters are to be sent again.
    pub(crate) redelivers: bool,
    /// Whether its receiver took long the last time.
    pub(crate) is_slow: bool,
    /// Entries that were refused and are not on disk yet.
    pub(crate) letters: Vec<(Position, DeadLetter)>,
    /// Whether something of it is not on disk yet.
    pub(super) is_changed: bool,
    host: Arc<str>,
    phase: Phase,
}

#[derive(Debug, Clone)]
enum Phase {
    /// It has nothing to send, or waits until it may.
    Resting,
    /// It is in line.
    Waiting,
    /// It has a turn, which this breaks off.
    Sending(CancellationToken),
}

impl Slot {
    /// A webhook that sends to a host.
    pub(super) fn new(host: Arc<str>, state: WebhookState, cursor: WebhookCursor, redelivers: bool) -> Self {
        let (phase, letters) = (Phase::Resting, Vec::new());
        Self { state, cursor, redelivers, is_slow: false, letters, is_changed: false, host, phase }
    }

    /// Ends its turn, if it has one: what the turn finds does not count any more.
    pub(super) fn break_off(&mut self) {
        if let Phase::Sending(turn) = &self.phase {
            turn.cancel();
        }
    }

    /// Puts it in line if it rests and may have something to send, where the log is at this head.
    fn lines_up(&mut self, now: Timestamp, head: ([u8; 16], Position)) -> bool {
        let rests = matches!(self.phase, Phase::Resting) && self.state == WebhookState::Running;
        let is_level = (self.cursor.incarnation, self.cursor.position) == head && !self.redelivers;
        if !rests || is_level || self.cursor.due_at > now {
            return false;
        }
        self.phase = Phase::Waiting;
        true
    }
}

/// A turn of a webhook. Dropping it ends the turn.
pub(crate) struct Place {
    webhooks: Webhooks,
    begun: Begun,
}

/// A turn that was given.
#[derive(Debug)]
pub(super) struct Begun {
    key: WebhookKey,
    host: Arc<str>,
    was_slow: bool,
    turn: CancellationToken,
}

impl Place {
    pub(super) fn new(webhooks: Webhooks, begun: Begun) -> Self {
        Self { webhooks, begun }
    }

    /// Whose turn it is.
    pub(crate) fn key(&self) -> &WebhookKey {
        &self.begun.key
    }

    /// Resolves when the webhook was changed or removed.
    pub(crate) async fn broken_off(&self) {
        self.begun.turn.cancelled().await;
    }

    pub(super) fn is_broken_off(&self) -> bool {
        self.begun.turn.is_cancelled()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.webhooks.end_turn(&self.begun);
    }
}

/// Every webhook, and whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns {
    networks: BTreeMap<NetworkName, BTreeMap<TokenId, Slot>>,
    line: VecDeque<WebhookKey>,
    /// Those that may have something to send without a new entry.
    stirred: Vec<WebhookKey>,
    given: usize,
    given_to_slow: usize,
    by_network: HashMap<NetworkName, usize>,
    by_host: HashMap<Arc<str>, usize>,
}

impl Turns {
    pub(super) fn put(&mut self, key: WebhookKey, slot: Slot) {
        self.networks.entry(key.network).or_default().insert(key.id, slot);
    }

    pub(super) fn remove(&mut self, key: &WebhookKey) {
        let Some(hooks) = self.networks.get_mut(&key.network) else { return };
        if let Some(mut slot) = hooks.remove(&key.id) {
            slot.break_off();
        }
        if hooks.is_empty() {
            self.networks.remove(&key.network);
        }
        self.line.retain(|other| other != key);
    }

    pub(super) fn count(&self) -> usize {
        self.networks.values().map(BTreeMap::len).sum()
    }

    pub(super) fn slot(&self, key: &WebhookKey) -> Option<&Slot> {
        self.networks.get(&key.network)?.get(&key.id)
    }

    pub(super) fn slot_mut(&mut self, key: &WebhookKey) -> Option<&mut Slot> {
        self.networks.get_mut(&key.network)?.get_mut(&key.id)
    }

    pub(super) fn of_network(&self, network: &NetworkName) -> Vec<(WebhookKey, Slot)> {
        let hooks = self.networks.get(network).into_iter().flatten();
        hooks.map(|(id, slot)| (WebhookKey { network: network.clone(), id: id.clone() }, slot.clone())).collect()
    }

    pub(super) fn all(&self) -> Vec<(WebhookKey, Slot)> {
        self.networks.keys().flat_map(|network| self.of_network(network)).collect()
    }

    /// Lines up the resting webhooks that have something to send, given the head of each network's log.
    pub(super) fn line_up(&mut self, now: Timestamp, head_of: impl Fn(&NetworkName) -> Option<([u8; 16], Position)>) {
        self.stirred.clear();
        for (network, hooks) in &mut self.networks {
            let Some(head) = head_of(network) else { continue };
            for (id, slot) in hooks {
                if slot.lines_up(now, head) {
                    self.line.push_back(WebhookKey { network: network.clone(), id: id.clone() });
                }
            }
        }
    }

    /// The same of those alone that were stirred.
    pub(super) fn line_up_stirred(
        &mut self,
        now: Timestamp,
        head_of: impl Fn(&NetworkName) -> Option<([u8; 16], Position)>,
    ) {
        for key in std::mem::take(&mut self.stirred) {
            let Some(head) = head_of(&key.network) else { continue };
            if self.slot_mut(&key).is_some_and(|slot| slot.lines_up(now, head)) {
                self.line.push_back(key);
            }
        }
    }

    /// Says that a webhook may have something to send.
    pub(super) fn stir(&mut self, key: &WebhookKey) {
        self.stirred.push(key.clone());
    }

    /// Gives a turn to the first in line that may have one now.
    pub(super) fn begin(&mut self) -> Option<Begun> {
        if self.given >= WEBHOOK_TURNS_MAX {
            return None;
        }
        let at = self.line.iter().position(|key| self.may_begin(key))?;
        let key = self.line.remove(at)?;
        let turn = CancellationToken::new();
        let slot = self.slot_mut(&key)?;
        slot.phase = Phase::Sending(turn.clone());
        let (host, was_slow) = (slot.host.clone(), slot.is_slow);
        self.given += 1;
        self.given_to_slow += usize::from(was_slow);
        *self.by_network.entry(key.network.clone()).or_default() += 1;
        *self.by_host.entry(host.clone()).or_default() += 1;
        Some(Begun { key, host, was_slow, turn })
    }

    fn may_begin(&self, key: &WebhookKey) -> bool {
        let Some(slot) = self.slot(key) else { return false };
        let has_room = |given: Option<&usize>, max| given.is_none_or(|given| *given < max);
        has_room(self.by_network.get(&key.network), WEBHOOK_TURNS_PER_NETWORK_MAX)
            && has_room(self.by_host.get(&slot.host), WEBHOOK_TURNS_PER_HOST_MAX)
            && (!slot.is_slow || self.given_to_slow < WEBHOOK_SLOW_TURNS_MAX)
    }

    /// Takes a turn back.
    pub(super) fn end(&mut self, Begun { key, host, was_slow, turn }: &Begun) {
        self.given -= 1;
        self.given_to_slow -= usize::from(*was_slow);
        release(&mut self.by_network, &key.network);
        release(&mut self.by_host, host);
        // A webhook that was removed and added again under its id would have another turn.
        turn.cancel();
        if let Some(slot) = self.slot_mut(key)
            && matches!(&slot.phase, Phase::Sending(own) if own.is_cancelled())
        {
            slot.phase = Phase::Resting;
            self.stir(key);
        }
    }

    /// What has happened since the last time.
    pub(super) fn take_changed(&mut self) -> Vec<WebhookWritten> {
        let mut changed = Vec::new();
        for (network, hooks) in &mut self.networks {
            for (id, slot) in hooks.iter_mut().filter(|(_, slot)| slot.is_changed) {
                slot.is_changed = false;
                changed.push(WebhookWritten {
                    key: WebhookKey { network: network.clone(), id: id.clone() },
                    cursor: slot.cursor,
                    state: slot.state,
                    letters: std::mem::take(&mut slot.letters),
                });
            }
        }
        changed
    }

    /// Takes back what could not be written.
    pub(super) fn put_back(&mut self, written: Vec<WebhookWritten>) {
        for WebhookWritten { key, letters, .. } in written {
            let Some(slot) = self.slot_mut(&key) else { continue };
            slot.is_changed = true;
            slot.letters.splice(0..0, letters);
        }
    }
}

fn release<K: Hash + Eq>(given: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = given.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            given.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_log::WebhookTries;

    const LOG: [u8; 16] = [1; 16];

    fn key(network: &str, number: usize) -> WebhookKey {
        WebhookKey { network: network.parse().unwrap(), id: format!("hook-{number}").parse().unwrap() }
    }

    fn cursor(position: u64) -> WebhookCursor {
        WebhookCursor {
            incarnation: LOG,
            position: Position::new(position),
            tries: WebhookTries::default(),
            due_at: Timestamp::from_millis(0),
            last: None,
        }
    }

    fn add(turns: &mut Turns, key: WebhookKey, host: &str) {
        turns.put(key, Slot::new(host.into(), WebhookState::Running, cursor(1), false));
    }

    fn line_up(turns: &mut Turns, head: u64) {
        turns.line_up(Timestamp::from_millis(5), |_| Some((LOG, Position::new(head))));
    }

    fn begin_all(turns: &mut Turns) -> Vec<Begun> {
        std::iter::from_fn(|| turns.begin()).collect()
    }

    #[test]
    fn turns_are_bounded_for_all_for_each_network_and_for_each_host() {
        let mut turns = Turns::default();
        for number in 0..20 {
            add(&mut turns, key("north", number), &format!("north-{number}.example"));
            add(&mut turns, key(&format!("other-{number}"), 0), "shared.example");
        }
        line_up(&mut turns, 2);
        let begun = begin_all(&mut turns);
        let of_north = begun.iter().filter(|turn| turn.key.network.as_str() == "north").count();
        assert_eq!((of_north, begun.len() - of_north), (WEBHOOK_TURNS_PER_NETWORK_MAX, WEBHOOK_TURNS_PER_HOST_MAX));
        for number in 0..WEBHOOK_TURNS_MAX {
            add(&mut turns, key(&format!("more-{number}"), 0), &format!("more-{number}.example"));
        }
        line_up(&mut turns, 2);
        let more = begin_all(&mut turns);
        assert_eq!(begun.len() + more.len(), WEBHOOK_TURNS_MAX);
        turns.end(&more[0]);
        assert!(turns.begin().is_some(), "what ends makes room");
        assert!(turns.begin().is_none());
    }

    #[test]
    fn slow_receivers_leave_turns_to_others() {
        let mut turns = Turns::default();
        for number in 0..2 * WEBHOOK_TURNS_MAX {
            let key = key(&format!("net-{number}"), 0);
            add(&mut turns, key.clone(), &format!("{number}.example"));
            turns.slot_mut(&key).unwrap().is_slow = true;
        }
        line_up(&mut turns, 2);
        let slow = begin_all(&mut turns);
        assert_eq!(slow.len(), WEBHOOK_SLOW_TURNS_MAX);
        add(&mut turns, key("quick", 0), "quick.example");
        line_up(&mut turns, 2);
        assert_eq!(turns.begin().unwrap().key, key("quick", 0), "it does not wait behind them");
    }

    #[test]
    fn a_webhook_has_one_turn_at_a_time_and_only_if_it_has_something_to_send() {
        let mut turns = Turns::default();
        add(&mut turns, key("north", 0), "a.example");
        line_up(&mut turns, 1);
        assert!(turns.begin().is_none(), "it is level");
        line_up(&mut turns, 2);
        line_up(&mut turns, 3);
        let begun = turns.begin().unwrap();
        line_up(&mut turns, 4);
        assert!(turns.begin().is_none());
        turns.end(&begun);
        turns.line_up_stirred(Timestamp::from_millis(5), |_| Some((LOG, Position::new(4))));
        let begun = turns.begin().unwrap();
        let slot = turns.slot_mut(&key("north", 0)).unwrap();
        (slot.cursor.position, slot.redelivers) = (Position::new(4), true);
        turns.end(&begun);
        line_up(&mut turns, 4);
        assert!(turns.begin().is_some(), "dead letters are sent again");
    }

    #[test]
    fn who_waits_is_paused_or_was_removed_has_no_turn() {
        let mut turns = Turns::default();
        for number in 0..3 {
            add(&mut turns, key("north", number), "a.example");
        }
        turns.slot_mut(&key("north", 0)).unwrap().cursor.due_at = Timestamp::from_millis(6);
        turns.slot_mut(&key("north", 1)).unwrap().state = WebhookState::Paused;
        line_up(&mut turns, 2);
        turns.remove(&key("north", 2));
        assert!(turns.begin().is_none());
    }

    #[test]
    fn a_webhook_that_is_changed_breaks_its_turn_off_and_has_another_once_that_has_ended() {
        let mut turns = Turns::default();
        add(&mut turns, key("north", 0), "a.example");
        line_up(&mut turns, 2);
        let begun = turns.begin().unwrap();
        turns.slot_mut(&key("north", 0)).unwrap().break_off();
        assert!(begun.turn.is_cancelled());
        line_up(&mut turns, 2);
        assert!(turns.begin().is_none());
        turns.end(&begun);
        line_up(&mut turns, 2);
        assert!(turns.begin().is_some());
    }

    #[test]
    fn what_could_not_be_written_is_written_the_next_time() {
        let mut turns = Turns::default();
        add(&mut turns, key("north", 0), "a.example");
        assert!(turns.take_changed().is_empty());
        let letter = |status: u16| (Position::new(status.into()), DeadLetter { status, at: Timestamp::from_millis(9) });
        let slot = turns.slot_mut(&key("north", 0)).unwrap();
        (slot.is_changed, slot.letters) = (true, vec![letter(400)]);
        let written = turns.take_changed();
        turns.slot_mut(&key("north", 0)).unwrap().letters.push(letter(500));
        turns.put_back(written);
        assert_eq!(turns.take_changed()[0].letters, [letter(400), letter(500)]);
        assert!(turns.take_changed().is_empty());
    }
}
