//! Limits of connections, calls and streams; everything that a peer can make large or slow has one.

use kith_log::{COMPONENT_PIECE_BYTES_MAX, Range};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// HTTP/2 window of a call: what of it may come before the server takes it. Decides how fast uploads from far away are;
/// answers go by the windows of whoever reads them.
pub const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// HTTP/2 window of a connection, over all its calls: the most that it holds of what the server does not take yet.
pub const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// Largest HTTP/2 frame that the server takes; a connection holds one beside its window.
pub const FRAME_BYTES_MAX: u32 = 64 * 1024;
/// Streams that a peer opened and reset before they were accepted, per connection.
pub const PENDING_RESET_STREAMS_MAX: usize = 20;
/// Streams that this side reset because of the peer's errors, per connection.
pub const LOCAL_RESET_STREAMS_MAX: usize = 256;
/// How long a connection without a login keeps its place for sure.
pub(crate) const STRANGER_GRACE: Duration = Duration::from_millis(500);
/// One place for a connection in so many is kept for addresses from which somebody logged in.
pub(crate) const KEPT_PLACES_SHARE: u32 = 8;
/// How long an address is remembered for a login.
pub(crate) const LOGIN_REMEMBERED: Duration = Duration::from_hours(1);
/// Connections without a login that are held, from which on those that wait for nothing are forgotten.
pub(crate) const STRANGERS_SWEEP: usize = 8_192;
/// Addresses that are held, from which on those that are nothing special are forgotten.
pub(crate) const ADDRESSES_SWEEP: usize = 4_096;
/// Calls after which full buckets are forgotten; so many, at most, are kept beside those in use.
pub(crate) const BUCKETS_SWEEP_CALLS: u32 = 4_096;
/// Shortest wait that a refused call is told.
pub(crate) const CALL_WAIT_MIN: Duration = Duration::from_millis(1);
/// Entries in one message of a subscription.
pub const SUBSCRIBE_ENTRIES_MAX: usize = 1_000;
/// Bytes of entries in one message of a subscription.
pub const SUBSCRIBE_BYTES_MAX: usize = 256 * 1024;
/// Positions of a range that is read where its call is: it is in memory, and a thread would cost more.
pub(crate) const INLINE_RANGE_MAX: u64 = 64;
/// Bytes of entries in one answer of a read.
pub const READ_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Reads of the log within one call, when a filter drops most entries.
pub(crate) const READ_ROUNDS_MAX: usize = 32;
/// One principal's part of a budget of bytes: one in so many.
pub(crate) const BUDGET_SHARE: usize = 8;
/// Bytes of details that are open at a time, over all readers.
pub const DETAILS_OPEN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How they are shared: answers of few details, up to the most that one entry has, have a part of their own.
pub(crate) const DETAILS: Sizes = Sizes { all: DETAILS_OPEN_BYTES_MAX, all_small: 8 * 1024 * 1024, small: 128 * 1024 };
/// Bytes of requests that are on their way in or at work at a time, over all callers. It is more where eight of the largest
/// messages (`request_bytes_max`) are more.
pub const REQUESTS_OPEN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How they are shared: small messages, as those of almost all calls are, have a part of their own.
pub(crate) const REQUESTS: Sizes = Sizes { all: REQUESTS_OPEN_BYTES_MAX, all_small: 8 * 1024 * 1024, small: 16 * 1024 };
/// Calls of one principal whose answers have not left yet, on all of its connections.
pub const CALLS_PER_PRINCIPAL_MAX: usize = 2_048;
/// Those of all whose tokens are for the same network.
pub const CALLS_PER_NETWORK_MAX: usize = 4_096;
/// Those of all, unless there may be more connections than are usual: so many for each of them then.
pub const CALLS_MAX: usize = 8_192;
/// Calls for each connection that there may be, where that is more.
const CALLS_PER_CONNECTION: usize = 8;
/// Bytes of an answer that are handed to the connection at once where there is no room for more. What is not larger is
/// counted with its call, and so is as much of a message of a stream behind it.
pub const ANSWER_PIECE_BYTES: usize = 8 * 1024;
/// Bytes that are handed over at once where there is room: a message of a subscription is one piece.
pub(crate) const ANSWER_PIECE_LARGE_BYTES_MAX: usize = SUBSCRIBE_BYTES_MAX + 64 * 1024;
/// Bytes of a piece that is copied, so that it keeps nothing else in memory. The memory of a larger one is at most four
/// times its bytes: buffers grow by doubling, and the message before it may have been in the same one.
pub(crate) const ANSWER_PIECE_COPIED_BYTES_MAX: usize = 192 * 1024;
/// Bytes of large pieces that the transport has at a time, over all callers.
pub const ANSWER_PIECES_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How they are shared.
pub(crate) const ANSWER_PIECES: Sizes = Sizes { all: ANSWER_PIECES_BYTES_MAX, all_small: 0, small: ANSWER_PIECE_BYTES };
/// Bytes of larger answers and messages of streams that are on their way out at a time, over all callers. It is more where
/// eight of the largest answers (`response_bytes_max`) are more.
pub const ANSWERS_OPEN_BYTES_MAX: usize = 48 * 1024 * 1024;
/// How they are shared.
pub(crate) const ANSWERS: Sizes = Sizes { all: ANSWERS_OPEN_BYTES_MAX, all_small: 0, small: ANSWER_PIECE_BYTES };
/// Answers that are made and wait for room.
pub const ANSWERS_WAITING_MAX: usize = 8;
/// Those of one principal.
pub const ANSWERS_WAITING_PER_PRINCIPAL_MAX: usize = 2;
/// How long they wait.
pub const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// When to make a call again for whose answer there was no room.
pub const ANSWERS_RETRY: Duration = Duration::from_secs(1);
/// Large messages of one principal that wait for room. What has come of them fills the windows of their calls, and leaves
/// one of those of a connection to those that have room.
pub const REQUESTS_WAITING_MAX: usize = (CONNECTION_WINDOW_BYTES / STREAM_WINDOW_BYTES - 1) as usize;
/// When to send a message again for which there was no room.
pub const REQUESTS_RETRY: Duration = Duration::from_secs(1);
/// Bytes of one message of a call that needs no token.
pub const OPEN_REQUEST_BYTES_MAX: usize = 4 * 1024;
/// Bytes of the things in one page of a list.
pub const LIST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Things in one page of a list unless asked otherwise.
pub(crate) const LIST_ROWS_DEFAULT: u32 = 1_000;
/// People whose names are opened at once: of the longest names, a megabyte.
pub(crate) const NAMES_AT_ONCE: usize = 256;
/// Moves that a comparison of two versions lists unless asked otherwise.
pub(crate) const MOVES_DEFAULT: u32 = 10;
/// Moves that it can list.
pub(crate) const MOVES_MAX: u32 = 1_000;
/// Bytes of what one error says.
pub(crate) const WORDS_BYTES_MAX: usize = 200;
/// Bytes of what an error says of a plugin, whose author needs all of it.
pub(crate) const PLUGIN_WORDS_BYTES_MAX: usize = 1_024;
/// Messages of a stream that wait for their reader, beside the one that is on its way.
pub const STREAM_MESSAGES_MAX: usize = 1;
/// Messages of an append stream whose answers are not yet known.
pub const APPEND_STREAM_PIPELINE_MAX: usize = 16;
/// Bytes of a backup in one message.
pub const BACKUP_MESSAGE_BYTES: usize = 256 * 1024;
/// Bytes of a message with a piece of a component: tags, lengths and the component's size come to it.
pub(crate) const COMPONENT_MESSAGE_BYTES_MAX: usize = COMPONENT_PIECE_BYTES_MAX + 32;
/// Components on their way to the server at a time, at most one for each principal.
pub const UPLOADS_MAX: usize = 8;
/// When to upload a component again while others upload.
pub const UPLOADS_RETRY: Duration = Duration::from_secs(1);
/// How long a component may be on its way.
pub const UPLOAD_DEADLINE: Duration = Duration::from_mins(10);
/// Threads that wait for the disk at a time. Each keeps memory of its own; on top of that many the disk gains nothing.
pub const DISK_THREADS: usize = 32;
/// Those that the reads of one network can have at a time.
pub const DISK_THREADS_PER_NETWORK: usize = 16;
/// Those that the reads of one principal can have at a time.
pub const DISK_THREADS_PER_PRINCIPAL: usize = 8;
/// Threads for work that may be slow.
pub const SLOW_THREADS: usize = 4;
/// Those that one network can have at a time.
pub const SLOW_THREADS_PER_NETWORK: usize = 2;
/// Those that one principal can have at a time.
pub const SLOW_THREADS_PER_PRINCIPAL: usize = 1;
/// Calls at work that may be slow, those that wait among them.
pub const SLOW_CALLS_MAX: usize = 256;
/// Those in one network.
pub const SLOW_CALLS_PER_NETWORK_MAX: usize = 64;
/// Those of one principal.
pub const SLOW_CALLS_PER_PRINCIPAL_MAX: usize = 16;
/// When to make a call again that found too many at work.
pub const SLOW_RETRY: Duration = Duration::from_secs(1);
/// Open streams of one principal.
pub const STREAMS_PER_PRINCIPAL_MAX: usize = 256;
/// Open streams in one network.
pub const STREAMS_PER_NETWORK_MAX: usize = 2_048;
/// When to open a stream again where too many were open.
pub const STREAMS_RETRY: Duration = Duration::from_secs(5);
/// The part of a call's time that is left for its last answer, that it took too long: one in so many.
pub const DEADLINE_ANSWER_SHARE: u32 = 20;
/// The longest that is left for it.
pub const DEADLINE_ANSWER: Duration = Duration::from_millis(50);
/// How long the views and the log have to close when the server goes down, beyond what was left for calls.
pub const CLOSING: Duration = Duration::from_secs(5);
/// How long a query waits for its view to reach the head.
pub const VIEW_WAIT: Duration = Duration::from_secs(2);

/// Principals whose plugins wait to be compiled.
pub const COMPILES_WAITING_MAX: usize = 16;
/// How long after a built-in view could not be started it is tried again.
pub const VIEWS_RETRY: Duration = Duration::from_mins(1);
/// When to try again if too many wait for that.
pub const COMPILE_RETRY: Duration = Duration::from_secs(2);
/// Bytes of the disk that views leave free unless configured otherwise. Enough for the log to go on for a long while;
/// little enough for a laptop that is nearly full, and for the demonstration on it.
pub(crate) const FREE_BYTES_MIN_DEFAULT: u64 = 512 * 1024 * 1024;
/// Bytes of what a process that compiles says of a failure that are kept.
pub(crate) const COMPILER_WORDS_BYTES_MAX: u64 = 4_096;
/// Bytes of a file of the owner's token that are read: a secret and a line's end.
pub(crate) const OWNER_TOKEN_BYTES_MAX: u64 = 256;
/// Networks whose keys are printed at the start.
pub(crate) const KEYS_TOLD_MAX: usize = 16;
/// Appends of the demonstration that wait for their answer at a time; below the length of the log's queue.
pub(crate) const DEMO_APPENDS_MAX: usize = 512;

/// How large a budget is, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// All of it.
    pub(crate) all: usize,
    /// The part of it that is for what is small.
    pub(crate) all_small: usize,
    /// The most that is small.
    pub(crate) small: usize,
}

/// Limits that an operator may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at a time; more wait.
    pub connections_max: u32,
    /// Calls at a time on one connection.
    pub streams_per_connection_max: u32,
    /// Calls a second that each principal may make for long, opened streams among them; 0 is no limit.
    pub calls_per_s_max: u32,
    /// Calls that each principal may make at once after a rest.
    pub calls_burst_max: u32,
    /// Bytes of a call's headers.
    pub header_list_bytes_max: u32,
    /// Bytes of one message from a client. Above the limit of an append, so that its own error can name the field.
    pub request_bytes_max: u32,
    /// Bytes of one message to a client; what answers are cut to fits into the least of it.
    pub response_bytes_max: u32,
    /// Seconds from connecting until a peer has greeted as HTTP says.
    pub handshake_s: u32,
    /// Seconds from connecting, or from the last time that health was checked, until a call with a token that holds.
    pub unauthenticated_s: u32,
    /// Connections at a time from one address, this machine's own apart.
    pub connections_per_peer_max: u32,
    /// Calls a minute from one address with a token that does not hold, beyond which they are told to wait.
    pub failed_logins_per_minute_max: u32,
    /// Seconds until a call without a stream is given up.
    pub unary_deadline_s: u32,
    /// Seconds between keepalive pings.
    pub keepalive_interval_s: u32,
    /// Seconds until an unanswered ping ends a connection.
    pub keepalive_timeout_s: u32,
    /// Seconds after which a connection is asked to end.
    pub connection_age_s: u32,
    /// Seconds from then on until it is cut.
    pub connection_age_grace_s: u32,
    /// Milliseconds between heartbeats of an idle stream.
    pub heartbeat_ms: u32,
    /// Milliseconds until a reader that takes nothing is cut, and a stream whose message was begun and not finished. What
    /// such a reader did not take is kept for as long again.
    pub stall_ms: u32,
    /// Milliseconds that calls have to end when the server goes down.
    pub drain_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            streams_per_connection_max: 256,
            calls_per_s_max: 50_000,
            calls_burst_max: 100_000,
            header_list_bytes_max: 16 * 1024,
            request_bytes_max: 2 * 1024 * 1024,
            response_bytes_max: 4 * 1024 * 1024,
            handshake_s: 5,
            unauthenticated_s: 10,
            connections_per_peer_max: 256,
            failed_logins_per_minute_max: 60,
            unary_deadline_s: 10,
            keepalive_interval_s: 30,
            keepalive_timeout_s: 10,
            connection_age_s: 3_600,
            connection_age_grace_s: 60,
            heartbeat_ms: 15_000,
            stall_ms: 30_000,
            drain_ms: 10_000,
        }
    }
}

const DAY_S: i64 = 86_400;
const HOUR_MS: i64 = 3_600_000;
const MIB: i64 = 1024 * 1024;

impl Limits {
    /// The least and the most that each setting may be.
    pub const RANGES: &[Range] = &[
        ("connections_max", 1, 1_000_000),
        ("streams_per_connection_max", 1, 10_000),
        ("calls_per_s_max", 0, 10_000_000),
        ("calls_burst_max", 1, 10_000_000),
        ("header_list_bytes_max", 4 * 1024, MIB),
        ("request_bytes_max", MIB, 64 * MIB),
        ("response_bytes_max", 4 * MIB, 64 * MIB),
        ("handshake_s", 1, 300),
        ("unauthenticated_s", 1, 300),
        ("connections_per_peer_max", 1, 1_000_000),
        ("failed_logins_per_minute_max", 1, 1_000_000),
        ("unary_deadline_s", 1, 3_600),
        ("keepalive_interval_s", 1, DAY_S),
        ("keepalive_timeout_s", 1, DAY_S),
        ("connection_age_s", 1, 365 * DAY_S),
        ("connection_age_grace_s", 1, DAY_S),
        ("heartbeat_ms", 10, HOUR_MS),
        ("stall_ms", 10, HOUR_MS),
        ("drain_ms", 0, HOUR_MS),
    ];

    /// Calls whose answers have not left yet, over all callers.
    pub fn calls_max(&self) -> usize {
        CALLS_MAX.max(CALLS_PER_CONNECTION * self.connections_max as usize)
    }

    /// `heartbeat_ms` as a duration.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms.into())
    }

    /// `stall_ms` as a duration.
    pub fn stall(&self) -> Duration {
        Duration::from_millis(self.stall_ms.into())
    }

    /// `drain_ms` as a duration.
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms.into())
    }
}

/// A duration of whole seconds.
pub(crate) fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}
