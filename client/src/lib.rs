//! A typed client for a Kith server.
//!
//! [`Client`] has a method for every call of `kith.v1`. Events are built with [`EventBuilder`], which adds id, salt and
//! commitments and checks every rule before anything is sent. All failures are of one type, [`Error`], which says
//! whether the call can be retried and whether it had an effect. Calls that are safe to repeat are retried; streams
//! resume where they left off after a broken connection.
//!
//! Invariant: an event is encoded once. A retried append sends the same bytes, so it can never record anything twice.
//!
//! ```no_run
//! use kith_client::{Client, EventBuilder, Options, ReadOptions};
//! use kith_core::event::Met;
//!
//! # async fn record() -> Result<(), Box<dyn std::error::Error>> {
//! let options = Options::new("http://127.0.0.1:7420", "the token's secret", "default".parse()?);
//! let client = Client::connect(options).await?;
//!
//! let met = Met { people: vec!["amina".parse()?, "ben".parse()?] };
//! let event = EventBuilder::new(met, kith_client::now()).build()?;
//! match client.append(std::slice::from_ref(&event), None).await {
//!     Ok(outcomes) => println!("{} is {:?}", event.id(), outcomes[0]),
//!     Err(error) if error.is_retryable() => println!("try again later: {error}"),
//!     Err(error) => println!("{:?} is wrong: {error}", error.field()),
//! }
//!
//! let page = client.read(&ReadOptions::default()).await?;
//! for recorded in page.entries.decode()? {
//!     println!("{} {}", recorded.entry.position, recorded.event.kind());
//! }
//! # Ok(())
//! # }
//! ```

mod address;
mod append;
mod append_stream;
mod backup;
mod batch;
mod builder;
mod checkpoints;
mod client;
mod clock;
mod directory;
mod entries;
mod error;
mod evidence;
mod follow;
mod limits;
mod members;
mod merges;
mod networks;
mod options;
mod pair_history;
mod partial_tree;
mod plugins;
mod proofs;
mod read;
mod records;
#[cfg(feature = "replica")]
pub mod replica;
mod retry;
mod sessions;
mod status;
mod subscribe;
mod tls;
mod together;
mod views;
mod webhooks;

pub use address::{AddressInvalid, ServerAddress};
pub use append_stream::{AppendStream, EventRefused, EventResult, Window};
pub use backup::BackupStream;
pub use batch::Batcher;
pub use builder::{EventBuilder, NewEvent, random_bytes, random_event_id, random_person_id};
pub use checkpoints::{CheckpointUpdate, NotVouched, SignedHead};
pub use client::{Client, endpoint};
pub use clock::now;
pub use entries::{Entries, Recorded};
pub use error::{Error, Kind};
pub use evidence::{BundleEntries, BundleError, BundleLine, BundleReader, ExportStream, Redaction};
pub use kith_core::decide::Outcome;
pub use kith_core::reason::{self, Reason};
pub use kith_proto::v1;
pub use members::{Invitation, Joined, Members, MembersAt};
pub use merges::Merges;
pub use networks::{IssuedFeed, IssuedToken, NewToken};
pub use options::{ClientIdentity, Options, Retry, Secret, Timeouts, Tls};
pub use pair_history::{AsOf, PairHistory, ReferralOutcome, Standing, Told, ToldWords};
pub use partial_tree::{PartialTree, PartialTreeError};
pub use plugins::{Component, Installing, NewPlugin, Plugins};
pub use proofs::{ConsistencyProof, InclusionProof};
pub use read::{Common, Direction, Gaps, Head, Page, ReadOptions};
pub use records::Grounds;
pub use sessions::ConsoleCode;
pub use subscribe::{Cursor, Subscription, Update};
pub use tonic::transport::{Channel, Endpoint};
pub use views::{DigestQuery, RowQuery, TraceQuery, ViewQuery, Views, WatchView};
pub use webhooks::{AddedWebhook, NewWebhook};
