//! Turns mailboxes (mbox, RFC 4155) into follow-ups between people of a network.
//!
//! A mailbox is read as a stream and divided into messages (`mailbox`), of which only headers are kept; those that
//! people of the network sent each other become occasions (`mails`).
//!
//! Invariant: no subject and no body is ever kept, and nobody is added: only people whom the network knows are named.

mod mailbox;
mod mails;

pub use mailbox::NotMailbox;
pub use mails::{Mails, Passed, Settings, read_mails};
