//! What the thread of a view and its handles share.
//!
//! Only the follower writes the file and the people known to the source.

use super::{
    condition::Condition,
    following::{Clock, Following},
    thread::Priority,
};
use crate::{
    file::{store::Store, tables::Meta, zones::Bounded},
    fold::source::{Source, ViewScope},
    plugin::{abi::view_v1::Plugin, runner::Counters},
    share::{
        cancel::Cancel,
        kept::Corner,
        room::{FileRoom, Room},
        turns::Turns,
    },
};
use kith_core::{day::Day, filter::Filter, position::Position, timestamp::Timestamp};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};
use tokio::sync::watch;

/// How far a view has progressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViewCursor {
    /// The last position processed.
    pub position: Position,
    /// The day that its rows are as of; `None` until it is built.
    pub day: Option<Day>,
}

/// What the thread and the handles share.
pub(crate) struct Shared {
    name: String,
    id: [u8; 32],
    pub(crate) plugin: Plugin,
    /// The columns whose values have bounds in the file.
    pub(crate) bounded: Bounded,
    pub(crate) scope: ViewScope,
    pub(crate) held: Filter,
    clock: Clock,
    pub(crate) store: Store,
    pub(crate) source: Source,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tables: Corner,
    /// The disk space of its file.
    pub(crate) room: FileRoom,
    /// Moved by the follower.
    pub(super) cursor: watch::Sender<ViewCursor>,
    /// The highest position that somebody waits for.
    pub(super) wanted: AtomicU64,
    /// The day whose rows are being made beside those of an earlier day; `i64::MIN` if there is none.
    turning_to: AtomicI64,
    condition: Mutex<Condition>,
    /// Ends the running thread, within a call of the plugin if necessary.
    stop: Mutex<Cancel>,
    pub(super) turns: Turns,
    pub(super) priority: Priority,
}

/// A view's file, open.
pub(crate) struct File {
    /// The view's id.
    pub(crate) id: [u8; 32],
    pub(crate) path: PathBuf,
    pub(crate) store: Store,
}

/// What a view gets from its host.
pub(crate) struct Host {
    /// Views of a busy log work in turn, so that they leave processor time to appends.
    pub(crate) turns: Turns,
    pub(crate) tables: Corner,
    pub(crate) room: Room,
    pub(crate) priority: Priority,
}

impl Shared {
    pub(crate) fn new(following: &Following, plugin: Plugin, file: File, source: Source, host: Host) -> Self {
        Self {
            name: following.name.clone(),
            id: file.id,
            bounded: Bounded::of(&plugin.manifest().fields),
            plugin,
            scope: following.scope.clone(),
            held: following.held.clone(),
            clock: Arc::clone(&following.clock),
            store: file.store,
            source,
            counters: Arc::default(),
            tables: host.tables,
            room: host.room.of(file.path),
            cursor: watch::Sender::default(),
            wanted: AtomicU64::new(0),
            turning_to: AtomicI64::new(i64::MIN),
            condition: Mutex::default(),
            stop: Mutex::default(),
            turns: host.turns,
            priority: host.priority,
        }
    }

    /// The UTC day that it is.
    pub(crate) fn today(&self) -> Day {
        Timestamp::from_millis((self.clock)()).day()
    }

    /// The view's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Identifies its component, settings, contract, network and scope.
    pub(crate) fn id(&self) -> [u8; 32] {
        self.id
    }

    /// Publishes how far the view has progressed.
    pub(crate) fn publish(&self, meta: &Meta) {
        let cursor = ViewCursor { position: meta.cursor, day: meta.day };
        self.cursor.send_if_modified(|known| std::mem::replace(known, cursor) != cursor);
    }

    /// Notes the day whose rows are being made beside those of an earlier day.
    pub(crate) fn note_turning(&self, day: Option<Day>) {
        let day = day.map_or(i64::MIN, |day| i64::from(day.number()));
        if self.turning_to.swap(day, Ordering::AcqRel) != day {
            // Nobody waits for the end of it.
            self.cursor.send_modify(|_| {});
        }
    }

    /// Whether rows are as of today, or those of today are being made beside those of yesterday: until all are there,
    /// yesterday's are the latest.
    pub(crate) fn is_recent(&self, cursor: ViewCursor) -> bool {
        let today = self.today();
        let is_turning = self.turning_to.load(Ordering::Acquire) == i64::from(today.number());
        cursor.day.is_some_and(|day| day == today || is_turning && today.number().checked_sub(1) == Some(day.number()))
    }

    /// Drops the tables computed for other days and positions.
    pub(crate) fn forget_tables(&self) {
        self.tables.clear();
    }

    /// How far the view has progressed.
    pub(crate) fn cursor(&self) -> ViewCursor {
        *self.cursor.borrow()
    }

    /// Whether somebody waits for a later position.
    pub(super) fn is_waited_for(&self) -> bool {
        self.wanted.load(Ordering::Acquire) > self.cursor().position.get()
    }

    pub(super) fn stop(&self) -> MutexGuard<'_, Cancel> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop().is_cancelled()
    }

    /// Whether its file must not grow for the time being.
    pub(crate) fn waits_for_room(&self) -> bool {
        self.condition().no_room.is_some()
    }

    pub(crate) fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
