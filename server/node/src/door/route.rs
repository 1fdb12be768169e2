//! Routes of the HTTP door, as the front door and the layers know them.

/// Where the routes are.
const NETWORKS: &str = "/v1/";
/// Where they are described.
pub(crate) const DESCRIPTION: &str = "/openapi.json";

/// Marks a request for a route of the HTTP door, which is no call of gRPC. It is the name of the route, which takes the
/// place of the path in log lines: paths and parameters hold what was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route(pub(crate) &'static str);

/// Whether a path is one of the HTTP door.
pub(crate) fn is_of_http_door(path: &str) -> bool {
    path.starts_with(NETWORKS) || path == DESCRIPTION
}
