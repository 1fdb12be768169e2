//! The front door: where connections come from and how they are secured, which web pages may call, and who is calling.

pub(crate) mod authenticator;
pub(crate) mod connection;
pub(crate) mod front;
pub mod http_door;
mod own_page;
pub(crate) mod peers;
pub(crate) mod route;
pub(crate) mod session_call;
pub(crate) mod sessions;
pub mod tls;
