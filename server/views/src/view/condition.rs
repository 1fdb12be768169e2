//! What holds a view up: reported by its thread, read by its status.

use crate::share::room::NoRoom;

/// What holds a view up, if anything does.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    /// A failure that is retried.
    pub(crate) paused: Option<String>,
    /// Why its file must not grow; retried.
    pub(crate) no_room: Option<NoRoom>,
    /// A failure that is not retried.
    pub(crate) stopped: Option<String>,
}

impl Condition {
    /// Notes that the view has made progress.
    pub(crate) fn has_gone_on(&mut self) {
        (self.paused, self.no_room) = (None, None);
    }
}
