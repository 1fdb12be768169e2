//! The suite: real servers, the real command line and the client library, one file per feature.

mod audit;
mod authors;
mod backpressure;
mod backup;
mod bad_input;
mod call_rate;
mod follow;
mod format;
mod full_disk;
mod introductions;
mod mail;
mod metrics;
mod organisations;
mod partial;
mod plugins;
mod plugins_of_organisations;
mod rebuild;
mod record;
mod replica;
mod reports;
mod rollback;
mod start;
mod views;
mod village;
mod ward;
