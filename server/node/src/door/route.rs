//! Routes of the HTTP door, as the front door and the layers know them.

use std::{fmt, sync::Arc};

/// Where the routes are.
const NETWORKS: &str = "/v1/";
/// Where feeds are.
const FEEDS: &str = "/feeds/";
/// Where they are described.
pub(crate) const DESCRIPTION: &str = "/openapi.json";

/// Marks a request for a route of the HTTP door, which is no call of gRPC. It is the name of the route, which takes the
/// place of the path in log lines: paths and parameters hold what was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route(pub(crate) &'static str);

/// Whether a path is one of the HTTP door.
pub(crate) fn is_of_http_door(path: &str) -> bool {
    path.starts_with(NETWORKS) || path.starts_with(FEEDS) || path == DESCRIPTION
}

/// Marks a request for a feed, with the secret from its path, by which its reader is known. Nothing else that a request
/// shows counts then.
#[derive(Clone)]
pub(crate) struct FeedSecret(pub(crate) Arc<str>);

impl fmt::Debug for FeedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
