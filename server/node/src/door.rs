//! The front door: where connections come from, which web pages may call, and who is calling.

pub(crate) mod authenticator;
pub(crate) mod connection;
pub mod http_door;
pub(crate) mod peers;
