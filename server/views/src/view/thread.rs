//! The thread of a view, which follows its log until it is stopped.

use super::{
    follower::{Follower, Step},
    shared::Shared,
};
use crate::{
    file::store::StoreError,
    fold::{evaluate::EvaluateError, source::SourceError},
    limits,
    share::{interrupted::Interrupted, turns::Turn},
};
use kith_core::position::Position;
use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{JoinHandle, Thread},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How long a view that has caught up sleeps before it checks the day again, and syncs.
const IDLE: Duration = Duration::from_secs(1);
/// How long the log must be quiet before a view processes new entries. One transaction of a view takes a millisecond or
/// more, whatever its size: this way a burst of appends needs only a few.
const QUIET: Duration = Duration::from_millis(5);

/// When the threads of views run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// After the other threads of this computer, if there is not enough processor time for all: rows may lag.
    OthersFirst,
    /// Like any other thread: somebody waits for the rows.
    Usual,
}

/// Starts the thread.
pub(super) fn start(
    follower: Follower,
    shared: &Arc<Shared>,
    head: watch::Receiver<Position>,
) -> std::io::Result<JoinHandle<()>> {
    let inside = Arc::clone(shared);
    let follower = follower.until(&shared.stop());
    std::thread::Builder::new().name(format!("view-{}", shared.name())).spawn(move || {
        match inside.priority {
            Priority::OthersFirst => let_others_run_first(),
            Priority::Usual => {}
        }
        follow(follower, &inside, head);
    })
}

/// Lowers the priority of this thread: under load, views lag for a while, and appends and reads do not wait for them.
#[cfg(target_os = "linux")]
fn let_others_run_first() {
    /// A ninth of the processor time of a thread with the usual priority, if both want all of it.
    const NICENESS: i32 = 10;
    // On Linux this affects only the calling thread. Where a sandbox forbids it, everything runs as before.
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the priority of a view thread could not be lowered");
    }
}

#[cfg(not(target_os = "linux"))]
fn let_others_run_first() {}

fn follow(mut follower: Follower, shared: &Shared, mut head: watch::Receiver<Position>) {
    let mut pause = IDLE;
    while !shared.is_stopping() {
        let turn = await_turn(shared, &head);
        let until = *head.borrow_and_update();
        let step = follower.step(until);
        drop(turn);
        follower.give_way();
        match step {
            Ok(Step::Advanced) => {
                shared.condition().has_gone_on();
                pause = IDLE;
            }
            Ok(Step::Level) => {
                if shared.condition().is_level() {
                    tracing::info!(view = shared.name(), "view has room again");
                }
                match wait_for_head(&mut head, IDLE) {
                    Woken::ByHead => gather(shared, &mut head),
                    Woken::Late => {
                        follower.rest();
                        sync(&mut follower, shared);
                    }
                }
            }
            Ok(Step::Spoilt) => return halt(shared, follower.why_spoilt()),
            Err(_) if shared.is_stopping() => break,
            Err(error) => match after_failure(&mut follower, shared, &error) {
                Recovery::Retry => {
                    std::thread::park_timeout(pause);
                    pause = (pause * 2).min(limits::FAILURE_PAUSE_MAX);
                }
                Recovery::WhenThereIsPlace => std::thread::park_timeout(IDLE),
                Recovery::Halt(reason) => return halt(shared, reason),
            },
        }
    }
    sync(&mut follower, shared);
}

/// Waits for other views to finish a step while the log is moving and nobody waits for this view.
fn await_turn(shared: &Shared, head: &watch::Receiver<Position>) -> Option<Turn> {
    let is_needed = || shared.is_waited_for() || shared.is_stopping();
    if head.has_changed().unwrap_or(false) { shared.turns.take_unless(is_needed) } else { None }
}

/// Waits for a burst of appends to end, unless somebody waits for the view.
fn gather(shared: &Shared, head: &mut watch::Receiver<Position>) {
    let started = Instant::now();
    while started.elapsed() < limits::GATHER_WAIT_MAX && !shared.is_waited_for() && !shared.is_stopping() {
        head.mark_unchanged();
        std::thread::park_timeout(QUIET);
        if !head.has_changed().unwrap_or(false) {
            return;
        }
    }
}

enum Recovery {
    Retry,
    WhenThereIsPlace,
    Halt(String),
}

/// Decides whether to retry after a failure: temporary ones are retried, permanent ones stop the view.
fn after_failure(follower: &mut Follower, shared: &Shared, error: &EvaluateError) -> Recovery {
    let reason = error.to_string();
    let recovery = match error {
        EvaluateError::NoRoom(no_room) => {
            if shared.condition().has_no_room(*no_room) {
                tracing::warn!(view = shared.name(), reason, "view waits for room");
            }
            Recovery::Retry
        }
        EvaluateError::Interrupted(Interrupted::NoInstance { .. }) => {
            tracing::debug!(view = shared.name(), reason, "view waits for its turn");
            shared.condition().paused = Some(reason);
            Recovery::WhenThereIsPlace
        }
        EvaluateError::Interrupted(_) | EvaluateError::Source(SourceError::Unreadable(_)) => {
            tracing::warn!(view = shared.name(), error = reason, "view paused");
            shared.condition().paused = Some(reason);
            Recovery::Retry
        }
        EvaluateError::Source(SourceError::Unopened { .. })
        | EvaluateError::Store(_)
        | EvaluateError::Spoilt { .. } => {
            return Recovery::Halt(reason);
        }
    };
    match follower.reload() {
        Ok(()) => recovery,
        Err(error) => Recovery::Halt(error.to_string()),
    }
}

fn halt(shared: &Shared, reason: String) {
    tracing::error!(view = shared.name(), error = reason, "view stopped");
    shared.condition().stopped = Some(reason);
    shared.cursor.send_modify(|_| {});
}

fn sync(follower: &mut Follower, shared: &Shared) {
    let result: Result<(), StoreError> = follower.sync();
    if let Err(error) = result {
        tracing::warn!(view = shared.name(), %error, "view could not be synced; after a crash some work is repeated");
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    ByHead,
    Late,
}

/// Sleeps until the head moves, the thread is unparked, or the time is over.
fn wait_for_head(head: &mut watch::Receiver<Position>, timeout: Duration) -> Woken {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut moved = pin!(head.changed());
    let mut context = Context::from_waker(&waker);
    match moved.as_mut().poll(&mut context) {
        Poll::Ready(Ok(())) => return Woken::ByHead,
        // The head no longer moves: a completed future must not be polled again.
        Poll::Ready(Err(_)) => {
            std::thread::park_timeout(timeout);
            return Woken::Late;
        }
        Poll::Pending => std::thread::park_timeout(timeout),
    }
    match moved.poll(&mut context) {
        Poll::Ready(Ok(())) => Woken::ByHead,
        Poll::Ready(Err(_)) | Poll::Pending => Woken::Late,
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_moves_no_more_is_waited_for_like_any_other() {
        let (sender, mut head) = watch::channel(Position::ZERO);
        sender.send_replace(Position::new(1));
        drop(sender);
        assert_eq!(wait_for_head(&mut head, Duration::ZERO), Woken::ByHead);
        assert_eq!(wait_for_head(&mut head, Duration::ZERO), Woken::Late);
    }
}
