//! What holds a view up: reported by its thread, read by its status.

use crate::share::room::NoRoom;

/// What holds a view up, if anything does.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    /// A failure that is retried.
    pub(crate) paused: Option<String>,
    /// Why its file must not grow; retried.
    pub(crate) no_room: Option<NoRoom>,
    /// Whether the log says that the view waits for room, and not yet that it has some again.
    told_of_no_room: bool,
    /// A failure that is not retried.
    pub(crate) stopped: Option<String>,
}

impl Condition {
    /// Notes that the view has made progress.
    pub(crate) fn has_gone_on(&mut self) {
        (self.paused, self.no_room) = (None, None);
    }

    /// Notes that the view's file must not grow. Returns whether the log does not say so yet.
    pub(crate) fn has_no_room(&mut self, why: NoRoom) -> bool {
        self.no_room = Some(why);
        !std::mem::replace(&mut self.told_of_no_room, true)
    }

    /// Notes that the view has caught up. Returns whether the log says last that it waits for room: near the bound a view
    /// gets on in small steps, and is not spoken of at each.
    pub(crate) fn is_level(&mut self) -> bool {
        self.has_gone_on();
        std::mem::take(&mut self.told_of_no_room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_room_is_told_once_until_the_view_has_caught_up() {
        let (mut condition, no_room) = (Condition::default(), NoRoom::Disk { free: 1, left: 2 });
        assert!(!condition.is_level(), "it never waited");
        assert!(condition.has_no_room(no_room));
        condition.has_gone_on();
        assert!(!condition.has_no_room(no_room), "a small step is no end");
        assert!(condition.is_level());
        assert!(!condition.is_level() && condition.no_room.is_none());
        assert!(condition.has_no_room(no_room), "it waits anew");
    }
}
