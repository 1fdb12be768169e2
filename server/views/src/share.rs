//! What all views and reports of a host share: memory for instances, for work and for cached tables, the disk, and
//! cancellation. Everything here has a limit, and reaching it says nothing about a plugin.

pub(crate) mod cancel;
pub(crate) mod folder;
pub(crate) mod interrupted;
pub(crate) mod kept;
pub(crate) mod one_place;
pub(crate) mod places;
pub(crate) mod portions;
pub(crate) mod room;
pub(crate) mod run_places;
pub(crate) mod turns;
pub(crate) mod work;
