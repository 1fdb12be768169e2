//! Limits of connections, calls and streams. Everything that a peer can make large or slow has a limit.

use kith_core::history::Budget;
use kith_log::{COMPONENT_PIECE_BYTES_MAX, Range};
use serde::{Deserialize, Serialize};
use std::{num::NonZeroU32, time::Duration};

/// HTTP/2 window of a call: bytes that may arrive before the server reads them. It limits the speed of uploads from far
/// away; the speed of answers depends on the client's windows.
pub const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// HTTP/2 window of a connection, over all its calls: the most unread bytes that it buffers.
pub const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// Largest HTTP/2 frame that the server accepts; a connection buffers one in addition to its window.
pub const FRAME_BYTES_MAX: u32 = 64 * 1024;
/// Streams that a peer opened and reset before they were accepted, per connection.
pub const PENDING_RESET_STREAMS_MAX: usize = 20;
/// Streams that this side reset because of the peer's errors, per connection.
pub const LOCAL_RESET_STREAMS_MAX: usize = 256;
/// Bytes of a file of TLS: lists of revoked certificates are the largest.
pub(crate) const TLS_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long a connection without a login is sure to keep its place.
pub(crate) const STRANGER_GRACE: Duration = Duration::from_millis(500);
/// One in this many places for connections is reserved for addresses from which somebody has logged in.
pub(crate) const KEPT_PLACES_SHARE: u32 = 8;
/// How long a login from an address is remembered.
pub(crate) const LOGIN_REMEMBERED: Duration = Duration::from_hours(1);
/// When this many connections are tracked, those that no longer wait for a login are forgotten.
pub(crate) const STRANGERS_SWEEP: usize = 8_192;
/// When this many addresses are tracked, those with nothing to remember are forgotten.
pub(crate) const ADDRESSES_SWEEP: usize = 4_096;
/// Calls after which full buckets are forgotten; at most this many are kept in addition to those in use.
pub(crate) const BUCKETS_SWEEP_CALLS: u32 = 4_096;
/// Shortest wait that is reported to a refused call.
pub(crate) const CALL_WAIT_MIN: Duration = Duration::from_millis(1);
/// How long a code that opens the console may be used.
pub const CODE_LIFE: Duration = Duration::from_mins(1);
/// How long the token of whoever joins is valid on a server in production.
pub const JOINED_TOKEN_LIFE: Duration = Duration::from_hours(90 * 24);
/// How long an invitation is open unless it says otherwise.
pub const INVITATION_LIFE: Duration = Duration::from_hours(7 * 24);
/// When to open a stream again whose caller may do something else now.
pub const RIGHTS_CHANGED_RETRY: Duration = Duration::from_millis(100);
/// How long a caller with a certificate alone may take to name the network of a stream.
pub const CERTIFICATE_WAIT: Duration = Duration::from_secs(30);
/// How long a stream trusts the clock about the end of its caller's credential.
pub const CREDENTIAL_RECHECK: Duration = Duration::from_mins(1);
/// Codes that wait to be used.
pub const CODES_MAX: usize = 64;
/// The same of one token; its oldest makes room for another.
pub const CODES_PER_TOKEN_MAX: usize = 4;
/// Sessions that were ended before their time and are remembered until then.
pub const ENDED_MAX: usize = 10_000;
/// The same of one token; with more of them all its sessions end.
pub const ENDED_PER_TOKEN_MAX: usize = 64;
/// Bytes of a request to begin or end a session.
pub const SESSION_REQUEST_BYTES_MAX: usize = 4 * 1024;
/// How often a feed may be asked for in an hour.
pub(crate) const FEED_CALLS_PER_HOUR_MAX: NonZeroU32 = NonZeroU32::new(60).expect("60 is not zero");
/// Days for which something that is late stands on today in a feed.
pub(crate) const FEED_LATE_DAYS_MAX: i32 = 30;
/// Rows of each view that a feed is made of.
pub(crate) const FEED_ROWS_MAX: u32 = 500;
/// Webhooks of all networks.
pub const WEBHOOKS_MAX: usize = 20_000;
/// Bytes of a webhook's address.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_048;
/// Characters of a webhook's name.
pub const WEBHOOK_NAME_CHARACTERS_MAX: usize = 64;
/// Dead letters that one call names.
pub const REDELIVERED_AT_ONCE_MAX: usize = 1_000;
/// Webhooks that send at the same time.
pub const WEBHOOK_TURNS_MAX: usize = 32;
/// The same of one network.
pub const WEBHOOK_TURNS_PER_NETWORK_MAX: usize = 8;
/// The same to one host.
pub const WEBHOOK_TURNS_PER_HOST_MAX: usize = 8;
/// The same of those whose receiver took long the last time.
pub const WEBHOOK_SLOW_TURNS_MAX: usize = 16;
/// How long a receiver takes that counts as slow.
pub(crate) const WEBHOOK_SLOW: Duration = Duration::from_secs(1);
/// Time after which a turn sends no further event.
pub(crate) const WEBHOOK_TURN: Duration = Duration::from_secs(5);
/// What a turn reads at a time.
pub(crate) const WEBHOOK_READ: Budget = Budget { entries: 64, bytes: 64 * 1024 };
/// Bytes of an event as it is sent.
pub(crate) const WEBHOOK_BODY_BYTES_MAX: usize = 64 * 1024 - 1;
/// Bytes of memory that a turn takes: what it read, an event as JSON and as bytes, and the buffers of a connection.
pub const WEBHOOK_TURN_BYTES: usize = 512 * 1024;
/// How long a receiver may take to answer.
pub(crate) const WEBHOOK_REQUEST_TIME: Duration = Duration::from_secs(15);
/// How long it may take to connect to one of its addresses.
pub(crate) const WEBHOOK_CONNECT_TIME: Duration = Duration::from_secs(5);
/// Addresses of a name that are tried.
pub(crate) const WEBHOOK_ADDRESSES_MAX: usize = 4;
/// Names that are looked up at the same time, each on a thread.
pub(crate) const WEBHOOK_LOOKUPS_MAX: usize = 4;
/// Bytes of the head of an answer.
pub(crate) const WEBHOOK_HEAD_BYTES_MAX: usize = 32 * 1024;
/// Bytes of an answer that are read before the connection is closed, and how long that may take.
pub(crate) const WEBHOOK_ANSWER_BYTES_MAX: usize = 64 * 1024;
pub(crate) const WEBHOOK_ANSWER_REST: Duration = Duration::from_secs(1);
/// How long a webhook waits after each try that found its receiver down, give or take a fifth; then it stops.
pub(crate) const WEBHOOK_DOWN_WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// The longest that it waits because its receiver asks for that.
pub(crate) const WEBHOOK_RETRY_AFTER_MAX: Duration = Duration::from_hours(24);
/// How long a webhook waits after each try at which its event was refused; then the event is given up.
pub(crate) const WEBHOOK_REFUSED_WAITS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(10)];
/// How long a webhook waits after a fault of this server.
pub(crate) const WEBHOOK_FAILED_WAIT: Duration = Duration::from_secs(5);
/// How long the secret before the present one signs.
pub(crate) const WEBHOOK_FORMER_SECRET_LIFE: Duration = Duration::from_hours(24);
/// Time between two looks at which webhooks have something to send, while entries are recorded and while none are.
pub(crate) const WEBHOOK_LINE_UP: Duration = Duration::from_millis(100);
pub(crate) const WEBHOOK_LINE_UP_AGAIN: Duration = Duration::from_secs(1);
/// Time between two looks at whose turn it is, at least.
pub(crate) const WEBHOOK_PAUSE: Duration = Duration::from_millis(5);
/// Time between two commits of how far webhooks are.
pub(crate) const WEBHOOK_WRITE: Duration = Duration::from_secs(1);
/// Bytes of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Values in the JSON of one request: each takes some hundred bytes while it is read.
pub const JSON_VALUES_MAX: usize = 250_000;
/// Bytes of one of many lines of JSON: more than an event with its details can have.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of lines that are recorded at once.
pub const LINES_BATCH_BYTES_MAX: usize = 512 * 1024;
/// Room for lines that have arrived and are being recorded.
pub(crate) const LINES_ROOM_BYTES: usize = 512 * 1024;
/// Bytes of lines that are written as JSON at once, before others have their turn; of a stream also what is sent at once.
pub(crate) const LINES_AT_ONCE_BYTES: usize = 64 * 1024;
/// How many times as large as a message its JSON is assumed to be while it is written.
pub(crate) const JSON_GROWTH: usize = 4;
/// When to ask again that found something broken which needs no wait of its own.
pub(crate) const BROKEN_RETRY: Duration = Duration::from_secs(5);
/// Entries in one message of a subscription.
pub const SUBSCRIBE_ENTRIES_MAX: usize = 1_000;
/// Bytes of entries in one message of a subscription.
pub const SUBSCRIBE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a message of a subscription that is made at once: with its entries, their tags and lengths, and the cursor.
pub(crate) const SUBSCRIBE_MESSAGE_BYTES_MAX: usize = SUBSCRIBE_BYTES_MAX / 15 * 16;
/// Entries that a subscription is behind at most where a small message will do.
pub(crate) const SUBSCRIBE_NEAR_ENTRIES_MAX: u64 = 16;
/// Longest range, in positions, that is read on the task of its call: it is in memory, and a thread would cost more.
pub(crate) const INLINE_RANGE_MAX: u64 = 64;
/// The same for entries without details that are known to be in memory.
pub(crate) const INLINE_RECENT_RANGE_MAX: u64 = 1_024;
/// Bytes of entries in one answer of a read.
pub const READ_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Reads of the log within one call, when a filter drops most entries.
pub(crate) const READ_ROUNDS_MAX: usize = 32;
/// One principal's share of a budget of bytes: one part in this many.
pub(crate) const BUDGET_SHARE: usize = 8;
/// Bytes of details that are open at a time, over all readers.
pub const DETAILS_OPEN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How they are divided: answers with few details, up to the most that one entry can have, have a part of their own.
pub(crate) const DETAILS: Sizes = Sizes { all: DETAILS_OPEN_BYTES_MAX, all_small: 8 * 1024 * 1024, small: 128 * 1024 };
/// Bytes of requests that are arriving or being processed at a time, over all callers. More where eight of the largest
/// messages (`request_bytes_max`) need it.
pub const REQUESTS_OPEN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How they are divided: small messages, which almost all calls send, have a part of their own.
pub(crate) const REQUESTS: Sizes = Sizes { all: REQUESTS_OPEN_BYTES_MAX, all_small: 8 * 1024 * 1024, small: 16 * 1024 };
/// Calls of one principal whose answers have not been sent yet, on all of its connections.
pub const CALLS_PER_PRINCIPAL_MAX: usize = 2_048;
/// The same over all tokens of one network.
pub const CALLS_PER_NETWORK_MAX: usize = 4_096;
/// The same over all callers. Higher where `connections_max` is above its default.
pub const CALLS_MAX: usize = 8_192;
/// Calls for each connection of `connections_max`, where that is more than [`CALLS_MAX`].
const CALLS_PER_CONNECTION: usize = 8;
/// Bytes of an answer that are handed to the connection at once if there is no room for more. An answer up to this size is
/// counted with its call, and so is as much of a message of a stream behind it.
pub const ANSWER_PIECE_BYTES: usize = 8 * 1024;
/// Bytes that are handed over at once if there is room: a message of a subscription is one piece.
pub(crate) const ANSWER_PIECE_LARGE_BYTES_MAX: usize = SUBSCRIBE_BYTES_MAX + 64 * 1024;
/// Bytes up to which a piece is copied, so that it keeps nothing else in memory. The memory of a larger one is at most four
/// times its size: buffers grow by doubling, and the previous message may have been in the same one.
pub(crate) const ANSWER_PIECE_COPIED_BYTES_MAX: usize = 192 * 1024;
/// Bytes of large pieces that the transport has at a time, over all callers.
pub const ANSWER_PIECES_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How they are divided.
pub(crate) const ANSWER_PIECES: Sizes = Sizes { all: ANSWER_PIECES_BYTES_MAX, all_small: 0, small: ANSWER_PIECE_BYTES };
/// Bytes of larger answers and stream messages that are being sent at a time, over all callers. More where eight of the
/// largest answers (`response_bytes_max`) need it.
pub const ANSWERS_OPEN_BYTES_MAX: usize = 96 * 1024 * 1024;
/// How they are divided.
pub(crate) const ANSWERS: Sizes = Sizes { all: ANSWERS_OPEN_BYTES_MAX, all_small: 0, small: ANSWER_PIECE_BYTES };
/// Finished answers that wait for room.
pub const ANSWERS_WAITING_MAX: usize = 8;
/// The same for one principal.
pub const ANSWERS_WAITING_PER_PRINCIPAL_MAX: usize = 2;
/// How long a finished answer waits for room.
pub const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// When to repeat a call whose answer found no room.
pub const ANSWERS_RETRY: Duration = Duration::from_secs(1);
/// Large messages of one principal that wait for room. What has arrived of them fills the windows of their calls; one
/// call's window of a connection is left for messages that have room.
pub const REQUESTS_WAITING_MAX: usize = (CONNECTION_WINDOW_BYTES / STREAM_WINDOW_BYTES - 1) as usize;
/// When to resend a message that found no room.
pub const REQUESTS_RETRY: Duration = Duration::from_secs(1);
/// Bytes of one message of a call that needs no token.
pub const OPEN_REQUEST_BYTES_MAX: usize = 4 * 1024;
/// Bytes of the items in one page of a list.
pub const LIST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Items in one page of a list by default.
pub(crate) const LIST_ROWS_DEFAULT: u32 = 1_000;
/// People whose names are opened at once: a megabyte of the longest names.
pub(crate) const NAMES_AT_ONCE: usize = 256;
/// Moves that a comparison of two versions lists by default.
pub(crate) const MOVES_DEFAULT: u32 = 10;
/// Moves that a comparison lists at most.
pub(crate) const MOVES_MAX: u32 = 1_000;
/// Bytes of the text of an error.
pub(crate) const WORDS_BYTES_MAX: usize = 200;
/// Bytes of the text of an error about a plugin, whose author needs all of it.
pub(crate) const PLUGIN_WORDS_BYTES_MAX: usize = 1_024;
/// Messages of a stream that wait for their reader, besides the one that is being sent.
pub const STREAM_MESSAGES_MAX: usize = 1;
/// Messages of an append stream whose answers are not yet known.
pub const APPEND_STREAM_PIPELINE_MAX: usize = 16;
/// Bytes of lines in one message of an export.
pub const EXPORT_MESSAGE_BYTES: usize = 128 * 1024;
/// Bytes of a line's tag and length in such a message, at most.
pub(crate) const EXPORT_LINE_FRAME_BYTES: usize = 4;
/// Entries that an export looks at, or adds as erasures, at once: each can have 40 hashes before it.
pub(crate) const EXPORT_ENTRIES_AT_ONCE: usize = 256;
/// Bytes that an entry takes in an export, about.
pub(crate) const EXPORT_ENTRY_BYTES: usize = 512;
/// Positions of a range that an export looks at, at once, for what its caller may not see.
pub(crate) const EXPORT_POSITIONS_AT_ONCE: u64 = 1 << 18;
/// Bytes of a backup in one message.
pub const BACKUP_MESSAGE_BYTES: usize = 256 * 1024;
/// Bytes of a message with a piece of a component, including tags, lengths and the component's size.
pub(crate) const COMPONENT_MESSAGE_BYTES_MAX: usize = COMPONENT_PIECE_BYTES_MAX + 32;
/// Components being uploaded at a time, at most one for each principal.
pub const UPLOADS_MAX: usize = 8;
/// When to retry an upload that found all places taken.
pub const UPLOADS_RETRY: Duration = Duration::from_secs(1);
/// How long the upload of a component may take.
pub const UPLOAD_DEADLINE: Duration = Duration::from_mins(10);
/// Threads that wait for the disk at a time. Each needs memory of its own; with more of them the disk gains nothing.
pub const DISK_THREADS: usize = 32;
/// Disk threads that the reads of one network can use at a time.
pub const DISK_THREADS_PER_NETWORK: usize = 16;
/// Disk threads that the reads of one principal can use at a time.
pub const DISK_THREADS_PER_PRINCIPAL: usize = 8;
/// Threads for work that may be slow.
pub const SLOW_THREADS: usize = 4;
/// Slow threads that one network can use at a time.
pub const SLOW_THREADS_PER_NETWORK: usize = 2;
/// Slow threads that one principal can use at a time.
pub const SLOW_THREADS_PER_PRINCIPAL: usize = 1;
/// Slow calls at a time, those that wait included.
pub const SLOW_CALLS_MAX: usize = 256;
/// Slow calls at a time in one network.
pub const SLOW_CALLS_PER_NETWORK_MAX: usize = 64;
/// Slow calls at a time of one principal.
pub const SLOW_CALLS_PER_PRINCIPAL_MAX: usize = 16;
/// When to repeat a call that was refused because too many were running.
pub const SLOW_RETRY: Duration = Duration::from_secs(1);
/// Open streams of one principal.
pub const STREAMS_PER_PRINCIPAL_MAX: usize = 256;
/// Open streams in one network.
pub const STREAMS_PER_NETWORK_MAX: usize = 2_048;
/// When to retry opening a stream that was refused because too many were open.
pub const STREAMS_RETRY: Duration = Duration::from_secs(5);
/// The part of a call's time that is reserved for answering that it took too long: one in this many.
pub const DEADLINE_ANSWER_SHARE: u32 = 20;
/// The longest time that is reserved for it.
pub const DEADLINE_ANSWER: Duration = Duration::from_millis(50);
/// How long the views and the log have to close when the server shuts down, after the calls have ended.
pub const CLOSING: Duration = Duration::from_secs(5);
/// How long a query waits for its view to reach the head.
pub const VIEW_WAIT: Duration = Duration::from_secs(2);

/// Principals whose plugins wait to be compiled.
pub const COMPILES_WAITING_MAX: usize = 16;
/// When to try again to start a built-in view that could not be started.
pub const VIEWS_RETRY: Duration = Duration::from_mins(1);
/// Networks whose views are open at a time. Each built-in view has a thread and a file.
pub const VIEWS_OPEN_MAX: usize = 48;
/// Networks whose views stay open although nobody uses them.
pub const VIEWS_RESTING_MAX: usize = 8;
/// Networks whose views are opened at the same time, because they have entries to process.
pub const VIEWS_OPENING_MAX: usize = 4;
/// How long views stay open after they were last used.
pub const VIEWS_IDLE: Duration = Duration::from_secs(30);
/// How long views that have entries to process keep their place while others wait for it.
pub const VIEWS_TURN: Duration = Duration::from_secs(10);
/// How often views are opened that have entries to process, and closed that nobody uses.
pub const VIEWS_SWEEP: Duration = Duration::from_secs(1);
/// How often it is written how far the views have come that are not open.
pub const VIEWS_LEVELS_WRITE: Duration = Duration::from_mins(1);
/// How long a question waits for views to be opened while all places are in use.
pub const VIEWS_OPEN_WAIT_MAX: Duration = Duration::from_secs(5);
/// How often it tries again meanwhile.
pub const VIEWS_PLACE_RETRY: Duration = Duration::from_millis(50);
/// When to retry an installation that found too many plugins waiting to be compiled.
pub const COMPILE_RETRY: Duration = Duration::from_secs(2);
/// Bytes of the disk that views leave free by default. Enough for the log to continue for a long while; little enough
/// to run the demonstration on a laptop whose disk is nearly full.
pub(crate) const FREE_BYTES_MIN_DEFAULT: u64 = 512 * 1024 * 1024;
/// Bytes that are kept of a compiling process's error text.
pub(crate) const COMPILER_WORDS_BYTES_MAX: u64 = 4_096;
/// Bytes that are read of the owner token's file: enough for a secret and a line end.
pub(crate) const OWNER_TOKEN_BYTES_MAX: u64 = 256;
/// Networks whose keys are printed at the start.
pub(crate) const KEYS_TOLD_MAX: usize = 16;
/// Appends of the demonstration that wait for answers at a time; fewer than the log's queue can hold.
pub(crate) const DEMO_APPENDS_MAX: usize = 512;

/// How large a budget is, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// The whole budget.
    pub(crate) all: usize,
    /// The part of it for small items.
    pub(crate) all_small: usize,
    /// The largest size that counts as small.
    pub(crate) small: usize,
}

/// Limits that an operator may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at a time; further ones wait.
    pub connections_max: u32,
    /// Calls at a time on one connection.
    pub streams_per_connection_max: u32,
    /// Sustained calls a second of each principal, including opened streams; 0 is no limit.
    pub calls_per_s_max: u32,
    /// Calls that each principal may make at once after a pause.
    pub calls_burst_max: u32,
    /// Bytes of a call's headers.
    pub header_list_bytes_max: u32,
    /// Bytes of one message from a client. Above the limit of an append, so that its own error can name the field.
    pub request_bytes_max: u32,
    /// Bytes of one message to a client. Answers that are cut to a size fit into its minimum.
    pub response_bytes_max: u32,
    /// Seconds from connecting until a peer has completed HTTP's opening.
    pub handshake_s: u32,
    /// Seconds from connecting, or from the last health check, until a call with a valid token.
    pub unauthenticated_s: u32,
    /// Connections at a time from one address, except this machine's own.
    pub connections_per_peer_max: u32,
    /// Calls a minute from one address without a valid token; further ones are asked to wait.
    pub failed_logins_per_minute_max: u32,
    /// Seconds until a call without a stream is abandoned.
    pub unary_deadline_s: u32,
    /// Seconds between keepalive pings.
    pub keepalive_interval_s: u32,
    /// Seconds until an unanswered ping ends a connection.
    pub keepalive_timeout_s: u32,
    /// Seconds after which a client is asked to close its connection.
    pub connection_age_s: u32,
    /// Seconds after that request until the connection is cut.
    pub connection_age_grace_s: u32,
    /// Milliseconds between heartbeats of an idle stream.
    pub heartbeat_ms: u32,
    /// Milliseconds until a reader that takes nothing is cut, or a stream with an unfinished message. What such a
    /// reader did not take is kept for as long again.
    pub stall_ms: u32,
    /// Milliseconds that calls have to finish when the server shuts down.
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
    /// Minimum and maximum of each setting.
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

    /// Calls whose answers have not been sent yet, over all callers.
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

/// A duration in whole seconds.
pub(crate) fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}
