//! Table values that are more than a number, as protobuf messages private to this file format. Fields are only ever
//! added.

use kith_proto::v1;

/// The file format version that this program reads and writes.
pub(super) const FORMAT: u32 = 4;

/// The replica's network, how far it reaches and how the last attempts went.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct State {
    /// The network's name.
    #[prost(string, tag = "1")]
    pub(super) network: String,
    /// Incarnation of the cursor; empty before the first sync.
    #[prost(bytes = "vec", tag = "2")]
    pub(super) incarnation: Vec<u8>,
    /// The filter.
    #[prost(message, optional, tag = "3")]
    pub(super) filter: Option<v1::Filter>,
    /// Frontier of the tree; its size is the cursor's position.
    #[prost(bytes = "vec", tag = "4")]
    pub(super) frontier: Vec<u8>,
    /// The signed checkpoint that everything here was verified against; empty before the first.
    #[prost(string, tag = "5")]
    pub(super) checkpoint: String,
    /// The log's public key; empty until it is known.
    #[prost(string, tag = "6")]
    pub(super) key: String,
    /// The number of the last event recorded here.
    #[prost(uint64, tag = "7")]
    pub(super) next_number: u64,
    /// When the last successful sync ended, ms since 1970; 0 if none did.
    #[prost(int64, tag = "8")]
    pub(super) synced_at: i64,
    /// Why the last attempt failed; empty if it did not.
    #[prost(string, tag = "9")]
    pub(super) failure: String,
    /// When that was, ms since 1970.
    #[prost(int64, tag = "10")]
    pub(super) failed_at: i64,
    /// What the last verification found to be wrong; empty if nothing.
    #[prost(string, tag = "11")]
    pub(super) alarm: String,
    /// The file with the evidence for that.
    #[prost(string, tag = "12")]
    pub(super) evidence: String,
    /// Fingerprint of the token that entries were read with; empty before the first sync.
    #[prost(bytes = "vec", tag = "13")]
    pub(super) token: Vec<u8>,
    /// The server's head when it was last seen.
    #[prost(uint64, tag = "14")]
    pub(super) server_head: u64,
    /// How often entries other than at the end were added or removed: what is derived from them belongs to one
    /// generation.
    #[prost(uint64, tag = "15")]
    pub(super) generation: u64,
    /// The random number that words are sealed under.
    #[prost(bytes = "vec", tag = "16")]
    pub(super) sealing: Vec<u8>,
    /// Days after the last sync for which the network lets words be shown; 0 = for ever.
    #[prost(uint32, tag = "17")]
    pub(super) replica_days: u32,
    /// Whether the words of entries were destroyed since, and have to be fetched again.
    #[prost(bool, tag = "18")]
    pub(super) words_gone: bool,
    /// The random number by which the server tells this replica from others.
    #[prost(bytes = "vec", tag = "19")]
    pub(super) replica: Vec<u8>,
}

/// An event of this device.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OwnEvent {
    /// The event's bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub(super) event: Vec<u8>,
    /// Its details, sealed: a row of `kith-words`.
    #[prost(bytes = "vec", tag = "2")]
    pub(super) words: Vec<u8>,
}

/// An event in the outbox.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Pending {
    /// The event.
    #[prost(message, optional, tag = "1")]
    pub(super) event: Option<OwnEvent>,
    /// When it was recorded here, ms since 1970.
    #[prost(int64, tag = "2")]
    pub(super) recorded_at: i64,
    /// Its position in the log; 0 until the server answered.
    #[prost(uint64, tag = "3")]
    pub(super) position: u64,
    /// Whether the log lost it and it is waiting to be sent again.
    #[prost(bool, tag = "4")]
    pub(super) returned: bool,
}

/// An event that the server refused.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Refused {
    /// The event.
    #[prost(message, optional, tag = "1")]
    pub(super) event: Option<OwnEvent>,
    /// When it was recorded here, ms since 1970.
    #[prost(int64, tag = "2")]
    pub(super) recorded_at: i64,
    /// Number of the `ErrorReason`; 0 if it is not known here.
    #[prost(int32, tag = "3")]
    pub(super) reason: i32,
    /// The field at fault; may be empty.
    #[prost(string, tag = "4")]
    pub(super) field: String,
    /// The reason in words.
    #[prost(string, tag = "5")]
    pub(super) message: String,
}
