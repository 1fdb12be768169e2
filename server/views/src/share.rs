//! What all views and reports of a host share: memory of instances, of work and of tables that are kept, the disk, and
//! the time of whoever waits. Everything here has a limit, and running into it says nothing about a plugin.

pub(crate) mod cancel;
pub(crate) mod folder;
pub(crate) mod interrupted;
pub(crate) mod kept;
pub(crate) mod one_place;
pub(crate) mod places;
pub(crate) mod portions;
pub(crate) mod room;
pub(crate) mod work;
