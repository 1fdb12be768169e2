//! Limits on what callers use: how much each may have, and how often.

pub(crate) mod answers;
pub(crate) mod budget;
pub(crate) mod call_rate;
pub(crate) mod calls;
pub(crate) mod counted;
pub(crate) mod feed_rate;
pub(crate) mod kept_room;
pub(crate) mod outgoing;
pub(crate) mod reads;
pub(crate) mod requests;
pub(crate) mod shares;
pub(crate) mod slow;
pub(crate) mod streams;
pub(crate) mod uploads;
