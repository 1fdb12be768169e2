//! Every limit of a connection to a server, in one place.

use std::time::Duration;

/// Bytes of the HTTP/2 window of a stream: decides how fast a client far away catches up.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 8 * 1024 * 1024;
/// Bytes of the HTTP/2 window of the connection, the largest there is: streams that nobody reads at the moment fill their
/// own windows, and must not keep the answers of other calls from coming.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Bytes of the largest HTTP/2 frame.
pub(crate) const FRAME_BYTES_MAX: u32 = 1024 * 1024;
/// Bytes of the largest message that a server may send.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Time between pings on the connection, and until an unanswered one ends it.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(20);
/// Bytes of a component in one message of its upload.
pub(crate) const COMPONENT_PIECE_BYTES_MAX: usize = 256 * 1024;
