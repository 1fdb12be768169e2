//! All limits of a connection to a server.

use std::time::Duration;

/// Size of the HTTP/2 window of a stream in bytes: determines how fast a distant client catches up.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 8 * 1024 * 1024;
/// Size of the HTTP/2 window of the connection in bytes, the maximum: streams that nobody is reading fill their own
/// windows, and must not hold up the answers to other calls.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Bytes of the largest HTTP/2 frame.
pub(crate) const FRAME_BYTES_MAX: u32 = 1024 * 1024;
/// Bytes of the largest message that a server may send.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Time between pings on the connection, and until an unanswered ping ends it.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(20);
/// Messages of the stream that single appends share, which are on their way at the same time: one that is being
/// recorded, and the next one. What comes meanwhile is in the one after them.
pub(crate) const TOGETHER_MESSAGES_MAX: usize = 2;
/// How long that stream stays open without appends.
pub(crate) const TOGETHER_IDLE: Duration = Duration::from_secs(1);
/// Merges that are followed from one id.
pub(crate) const MERGES_FOLLOWED_MAX: usize = 64;
/// Bytes of a component in one message of its upload.
pub(crate) const COMPONENT_PIECE_BYTES_MAX: usize = 256 * 1024;
