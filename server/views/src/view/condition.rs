//! What holds a view up: told by its thread, read by its status.

use crate::share::room::NoRoom;

/// What holds a view up, if anything does.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    /// A failure that is tried again.
    pub(crate) paused: Option<String>,
    /// Why its file may not grow; looked at again.
    pub(crate) no_room: Option<NoRoom>,
    /// A failure that is not.
    pub(crate) stopped: Option<String>,
}

impl Condition {
    /// Nothing holds the view up.
    pub(crate) fn has_gone_on(&mut self) {
        (self.paused, self.no_room) = (None, None);
    }
}
