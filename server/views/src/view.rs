//! A view that follows a log: its thread, and the handle that questions go through.
//!
//! Nobody but the thread writes; questions read a snapshot of the file and never wait for the thread.

use crate::{
    FollowError, Following,
    abi::v1::Plugin,
    cancel::Cancel,
    evaluate::EvaluateError,
    follower::{Clock, Follower, Step},
    interrupted::Interrupted,
    kept::Corner,
    one_place::{OnePlace, Taken},
    room::{NoRoom, Room},
    runner::Counters,
    source::{Source, SourceError, ViewScope},
    status::Condition,
    store::{Store, StoreError},
    tables::Meta,
};
use kith_core::{filter::Filter, position::Position};
use std::{
    future::Future,
    path::PathBuf,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{JoinHandle, Thread},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How long a level view sleeps before it looks at the day again, and syncs.
const IDLE: Duration = Duration::from_secs(1);
/// How long the log must be quiet before a view takes in what came. One transaction of a view costs a millisecond or
/// more, whatever is in it: a burst of appends costs few of them this way.
const QUIET: Duration = Duration::from_millis(5);
/// The longest that an entry waits for the log to be quiet.
const GATHER_MAX: Duration = Duration::from_secs(1);
/// The longest that a view waits for its turn. One that has much to do, or a plugin that is slow, does not hold up others.
const TURN_WAIT_MAX: Duration = Duration::from_secs(1);
/// The longest pause after a failure that may pass.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// How far a view has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViewCursor {
    /// The last position taken in.
    pub position: Position,
    /// The day that its rows are as of, days since 1970-01-01, UTC; none until it is built.
    pub day: Option<i32>,
}

/// What the thread and the handles share.
pub(crate) struct Shared {
    name: String,
    id: [u8; 32],
    path: PathBuf,
    pub(crate) plugin: Plugin,
    pub(crate) scope: ViewScope,
    pub(crate) held: Filter,
    pub(crate) store: Store,
    pub(crate) source: Source,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tables: Corner,
    room: Room,
    cursor: watch::Sender<ViewCursor>,
    /// The furthest position that somebody waits for.
    wanted: AtomicU64,
    condition: Mutex<Condition>,
    /// Ends the thread that runs, within a call of the plugin if need be.
    stop: Mutex<Cancel>,
    turn: Turn,
}

/// A view's file, open.
pub(crate) struct File {
    /// The view's id.
    pub(crate) id: [u8; 32],
    pub(crate) path: PathBuf,
    pub(crate) store: Store,
}

/// Held by the one view that works while the log is busy: the others wait for a while, so that views take one processor
/// from whoever appends, and not all of them.
pub(crate) type Turn = OnePlace;

/// What a view has of its host.
pub(crate) struct Host {
    pub(crate) turn: Turn,
    pub(crate) tables: Corner,
    pub(crate) room: Room,
}

impl Shared {
    pub(crate) fn new(following: &Following, plugin: Plugin, file: File, source: Source, host: Host) -> Self {
        Self {
            name: following.name.clone(),
            id: file.id,
            path: file.path,
            plugin,
            scope: following.scope.clone(),
            held: following.held.clone(),
            store: file.store,
            source,
            counters: Arc::default(),
            tables: host.tables,
            room: host.room,
            cursor: watch::Sender::default(),
            wanted: AtomicU64::new(0),
            condition: Mutex::default(),
            stop: Mutex::default(),
            turn: host.turn,
        }
    }

    /// What the view is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Stands for its component, settings, contract, network and scope.
    pub(crate) fn id(&self) -> [u8; 32] {
        self.id
    }

    /// Tells everyone how far the view has come.
    pub(crate) fn publish(&self, meta: &Meta) {
        let cursor = ViewCursor { position: Position::new(meta.cursor), day: meta.day };
        self.cursor.send_if_modified(|known| std::mem::replace(known, cursor) != cursor);
    }

    /// Drops the tables computed for other days and positions.
    pub(crate) fn forget_tables(&self) {
        self.tables.clear();
    }

    /// Whether the view's file may grow.
    pub(crate) fn check_room(&self) -> Result<(), NoRoom> {
        self.room.check(&self.path)
    }

    /// How far the view has come.
    pub(crate) fn cursor(&self) -> ViewCursor {
        *self.cursor.borrow()
    }

    /// Whether somebody waits for more than what is taken in.
    fn is_waited_for(&self) -> bool {
        self.wanted.load(Ordering::Acquire) > self.cursor().position.get()
    }

    fn stop(&self) -> MutexGuard<'_, Cancel> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stop().is_cancelled()
    }

    pub(crate) fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The view stopped before it got there; its status says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the view stopped")]
pub struct ViewStopped;

/// A view that follows a log. Dropping it stops the thread; the file stays.
///
/// All methods but `wait_for`, `cursor` and `cursor_watch` block on the disk and the plugin: call them where blocking
/// is allowed.
pub struct ViewHandle {
    pub(crate) shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl ViewHandle {
    /// Starts the thread.
    pub(crate) fn start(
        follower: Follower,
        shared: Arc<Shared>,
        head: watch::Receiver<Position>,
    ) -> std::io::Result<Self> {
        let thread = start(follower, &shared, head)?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Lets a view go on that was stopped or held. Does nothing to one that follows. Blocks on the disk.
    pub fn resume(&self, head: watch::Receiver<Position>, clock: Clock) -> Result<(), FollowError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let follower = Follower::open(Arc::clone(&self.shared), clock)?;
            *self.shared.stop() = Cancel::default();
            *thread = Some(start(follower, &self.shared, head).map_err(FollowError::Thread)?);
        }
        Ok(())
    }

    /// Stops the view and deletes its file. Whoever holds the handle can still ask; nobody can open the view again
    /// before all handles are gone.
    pub fn delete(&self) -> std::io::Result<()> {
        self.stop();
        std::fs::remove_file(&self.shared.path)
    }

    /// A handle to a view that stands still, or that somebody else steps.
    pub(crate) fn without_thread(shared: Arc<Shared>) -> Self {
        Self { shared, thread: Mutex::default() }
    }

    /// How far the view has come.
    pub fn cursor(&self) -> ViewCursor {
        self.shared.cursor()
    }

    /// Moves whenever a batch is committed or the day turns.
    pub fn cursor_watch(&self) -> watch::Receiver<ViewCursor> {
        self.shared.cursor.subscribe()
    }

    /// Waits until the view is built and has taken in a position. The view hurries while somebody waits.
    pub async fn wait_for(&self, position: Position) -> Result<ViewCursor, ViewStopped> {
        let mut cursor = self.cursor_watch();
        self.shared.wanted.fetch_max(position.get(), Ordering::AcqRel);
        self.unpark();
        loop {
            let now = *cursor.borrow_and_update();
            if now.day.is_some() && now.position >= position {
                return Ok(now);
            }
            if self.shared.condition().stopped.is_some() || self.shared.is_stopping() {
                return Err(ViewStopped);
            }
            cursor.changed().await.map_err(|_| ViewStopped)?;
        }
    }

    fn unpark(&self) {
        if let Some(thread) = &*self.thread.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.thread().unpark();
        }
    }

    /// Stops the thread and waits for it: a call of the plugin is broken off, and with it the batch, which is taken in
    /// anew when the view goes on. Questions can still be asked.
    pub fn stop(&self) {
        self.shared.stop().cancel();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!(view = self.shared.name(), "view thread panicked");
            }
        }
    }
}

impl Drop for ViewHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start(follower: Follower, shared: &Arc<Shared>, head: watch::Receiver<Position>) -> std::io::Result<JoinHandle<()>> {
    let inside = Arc::clone(shared);
    let follower = follower.until(&shared.stop());
    std::thread::Builder::new().name(format!("view-{}", shared.name())).spawn(move || {
        let_others_run_first();
        follow(follower, &inside, head);
    })
}

/// Lowers the priority of this thread: under load views lag for a while, and appends and reads do not wait for them.
#[cfg(target_os = "linux")]
fn let_others_run_first() {
    /// A ninth of the processor that a thread of the usual priority gets, if both want all of it.
    const NICENESS: i32 = 10;
    // On Linux this is about the calling thread alone. Where a sandbox forbids it, everything runs as before.
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the priority of a view thread stays as it is");
    }
}

#[cfg(not(target_os = "linux"))]
fn let_others_run_first() {}

fn follow(mut follower: Follower, shared: &Shared, mut head: watch::Receiver<Position>) {
    let mut pause = IDLE;
    while !shared.is_stopping() {
        let turn = await_turn(shared, &head);
        let until = head.borrow_and_update().get();
        let step = follower.step(until);
        drop(turn);
        follower.give_way();
        match step {
            Ok(Step::Advanced) => {
                shared.condition().has_gone_on();
                pause = IDLE;
            }
            Ok(Step::Level) => {
                shared.condition().has_gone_on();
                match wait_for_head(&mut head, IDLE) {
                    Woken::ByHead => gather(shared, &mut head),
                    Woken::Late => {
                        follower.rest();
                        sync(&mut follower, shared);
                    }
                }
            }
            Ok(Step::Spoilt) => return halt(shared, "too many keys are in quarantine".to_owned()),
            Err(_) if shared.is_stopping() => break,
            Err(error) => match after_failure(&mut follower, shared, &error) {
                Recovery::Retry => {
                    std::thread::park_timeout(pause);
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Recovery::WhenThereIsPlace => std::thread::park_timeout(IDLE),
                Recovery::Halt(reason) => return halt(shared, reason),
            },
        }
    }
    sync(&mut follower, shared);
}

/// Waits for a while until no other view works, if the log moves meanwhile and nobody waits for this view.
fn await_turn(shared: &Shared, head: &watch::Receiver<Position>) -> Option<Taken> {
    let busy = head.has_changed().unwrap_or(false) && !shared.is_waited_for();
    if busy { shared.turn.take_within(TURN_WAIT_MAX) } else { None }
}

/// Lets a burst of appends go by, unless somebody waits for the view.
fn gather(shared: &Shared, head: &mut watch::Receiver<Position>) {
    let started = Instant::now();
    while started.elapsed() < GATHER_MAX && !shared.is_waited_for() && !shared.is_stopping() {
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

/// What may pass is tried again; what stays is the end.
fn after_failure(follower: &mut Follower, shared: &Shared, error: &EvaluateError) -> Recovery {
    let reason = error.to_string();
    let recovery = match error {
        EvaluateError::NoRoom(no_room) => {
            if shared.condition().no_room.replace(*no_room).is_none() {
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
        EvaluateError::Source(SourceError::Unopened { .. }) | EvaluateError::Store(_) | EvaluateError::Spoilt => {
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
        tracing::warn!(view = shared.name(), %error, "view could not be synced, a crash will cost some work");
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    ByHead,
    Late,
}

/// Sleeps until the head moves, somebody unparks the thread, or the time is over.
fn wait_for_head(head: &mut watch::Receiver<Position>, timeout: Duration) -> Woken {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut moved = pin!(head.changed());
    let mut context = Context::from_waker(&waker);
    match moved.as_mut().poll(&mut context) {
        Poll::Ready(Ok(())) => return Woken::ByHead,
        // The head moves no more: a future that is done must not be asked again.
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
