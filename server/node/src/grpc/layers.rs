//! What every call passes on its way to a service, and its answer on the way back: layers of tower.

pub(crate) mod auth;
pub(crate) mod deadline;
mod held_body;
mod request_body;
pub(crate) mod requests;
