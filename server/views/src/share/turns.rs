//! Turns that threads take in the order in which they asked, a few at the same time.
//!
//! Invariant: nobody waits longer for a turn of another than it may take, however long that one works.

use crate::limits;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The turns. Clones are handles to the same ones.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Shared>);

struct Shared {
    at_a_time: usize,
    time: Duration,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Who waits, by number, in order.
    waiting: VecDeque<u64>,
    /// Whose turn it is, with its end.
    taken: Vec<(u64, Instant)>,
}

/// A turn, over when dropped.
pub(crate) struct Turn {
    number: u64,
    of: Arc<Shared>,
}

impl Turns {
    /// So many turns at a time. One that takes longer than `time` no longer counts.
    pub(crate) fn new(at_a_time: usize, time: Duration) -> Self {
        Self(Arc::new(Shared { at_a_time, time, state: Mutex::default(), moved: Condvar::new() }))
    }

    /// Waits for a turn; `None` once the caller can wait no longer.
    pub(crate) fn take_unless(&self, can_wait_no_longer: impl Fn() -> bool) -> Option<Turn> {
        let of = Arc::clone(&self.0);
        let mut state = of.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(number);
        loop {
            let now = Instant::now();
            state.taken.retain(|(_, end)| *end > now);
            if state.waiting.front() == Some(&number) && state.taken.len() < of.at_a_time {
                state.waiting.pop_front();
                state.taken.push((number, now + of.time));
                break;
            }
            if can_wait_no_longer() {
                state.waiting.retain(|waiting| *waiting != number);
                of.moved.notify_all();
                return None;
            }
            (state, _) = of.moved.wait_timeout(state, limits::TURN_LOOK).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        of.moved.notify_all();
        Some(Turn { number, of })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of.lock().taken.retain(|(number, _)| *number != self.number);
        self.of.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, thread};

    fn take(turns: &Turns) -> Turn {
        turns.take_unless(|| false).unwrap()
    }

    /// Starts threads that take a turn, one after the other, and tells who had one.
    fn ask(turns: &Turns, names: &[&'static str]) -> mpsc::Receiver<&'static str> {
        let (sender, had) = mpsc::channel();
        for (place, name) in names.iter().enumerate() {
            let (turns, sender, name) = (turns.clone(), sender.clone(), *name);
            let waiting = || turns.0.lock().waiting.len();
            let before = waiting();
            assert_eq!(before, place);
            thread::spawn({
                let turns = turns.clone();
                move || {
                    let turn = take(&turns);
                    sender.send(name).unwrap();
                    drop(turn);
                }
            });
            while waiting() == before {
                thread::yield_now();
            }
        }
        had
    }

    #[test]
    fn who_asked_first_is_first_even_before_who_had_a_turn_just_now() {
        let turns = Turns::new(1, Duration::from_mins(1));
        let turn = take(&turns);
        let had = ask(&turns, &["one", "two", "three"]);
        assert!(had.try_recv().is_err(), "it is not their turn");
        drop(turn);
        drop(take(&turns));
        assert_eq!(had.try_iter().collect::<Vec<_>>(), ["one", "two", "three"]);
    }

    #[test]
    fn a_turn_that_takes_too_long_holds_up_nobody() {
        let turns = Turns::new(1, Duration::from_millis(20));
        let slow = take(&turns);
        let next = take(&turns);
        drop(slow);
        assert_eq!(turns.0.lock().taken.len(), 1, "the end of one that no longer counts ends no other");
        drop(next);
        assert!(turns.0.lock().taken.is_empty());
    }

    #[test]
    fn who_can_wait_no_longer_leaves_the_queue() {
        let turns = Turns::new(1, Duration::from_mins(1));
        let turn = take(&turns);
        assert!(turns.take_unless(|| true).is_none());
        let had = ask(&turns, &["next"]);
        drop(turn);
        assert_eq!(had.recv().unwrap(), "next");
    }

    #[test]
    fn a_few_have_their_turn_at_a_time() {
        let turns = Turns::new(2, Duration::from_mins(1));
        let (one, other) = (take(&turns), take(&turns));
        let had = ask(&turns, &["third"]);
        assert!(had.try_recv().is_err());
        drop(other);
        assert_eq!(had.recv().unwrap(), "third");
        drop(one);
    }
}
