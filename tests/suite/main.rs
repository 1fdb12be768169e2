//! The suite: real servers, the real command line and the client library, one file per feature.

mod bad_input;
mod follow;
mod introductions;
mod mail;
mod organisations;
mod record;
mod start;
mod views;
mod village;
mod ward;
