//! Tower layers that every call passes on its way to a service, and its answer on the way back.

mod answer_body;
pub(crate) mod auth;
pub(crate) mod deadline;
mod request_body;
pub(crate) mod requests;
