//! The routes: which there are, and which one a request is for.

use super::refused::Refused;
use http::{HeaderValue, Method};

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    RecordEvents,
    RecordCloudEvents,
    ListEntries,
    GetEntry,
    GetHead,
    ListPeople,
    ListOrganisations,
    ListViews,
    QueryView,
    ExplainRow,
    GetCalendar,
    Describe,
}

/// Every route: its name, which is method and path, and what it does.
pub(super) const ROUTES: [(&str, Endpoint); 12] = [
    ("POST /v1/{network}/events", Endpoint::RecordEvents),
    ("POST /v1/{network}/cloudevents", Endpoint::RecordCloudEvents),
    ("GET /v1/{network}/entries", Endpoint::ListEntries),
    ("GET /v1/{network}/entries/{event}", Endpoint::GetEntry),
    ("GET /v1/{network}/head", Endpoint::GetHead),
    ("GET /v1/{network}/people", Endpoint::ListPeople),
    ("GET /v1/{network}/organisations", Endpoint::ListOrganisations),
    ("GET /v1/{network}/views", Endpoint::ListViews),
    ("GET /v1/{network}/views/{name}", Endpoint::QueryView),
    ("GET /v1/{network}/views/{name}/why", Endpoint::ExplainRow),
    ("GET /feeds/{secret}/calendar.ics", Endpoint::GetCalendar),
    ("GET /openapi.json", Endpoint::Describe),
];

/// The methods of routes that are read.
const READING: &str = "GET, HEAD";

/// The route of a request, and what its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The route's name.
    pub(super) name: &'static str,
    /// What it does.
    pub(super) endpoint: Endpoint,
    /// The parts of the path in the place of names in braces.
    pub(super) named: Vec<String>,
}

/// The route of a method and a path. HEAD is for whatever GET is for.
pub(super) fn find(method: &Method, path: &str) -> Result<Found, Refused> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut allowed = None;
    for (name, endpoint) in ROUTES {
        let (route_method, route_path) = name.split_once(' ').expect("a name is method and path");
        let Some(named) = fits(route_path, path) else { continue };
        if method == route_method {
            return Ok(Found { name, endpoint, named });
        }
        let methods = if route_method == Method::GET { READING } else { route_method };
        allowed = Some(HeaderValue::from_static(methods));
    }
    Err(allowed.map_or_else(Refused::no_route, Refused::wrong_method))
}

/// What a path has in the place of a route's names; `None` if it is another route's.
fn fits(route: &str, path: &str) -> Option<Vec<String>> {
    let (mut route, mut path, mut named) = (route.split('/'), path.split('/'), Vec::new());
    loop {
        match (route.next(), path.next()) {
            (None, None) => return Some(named),
            (Some(name), Some(part)) if name.starts_with('{') && !part.is_empty() => named.push(decoded(part)?),
            (Some(name), Some(part)) if name == part => {}
            _ => return None,
        }
    }
}

/// Text that is percent-encoded (RFC 3986, 2.1); `None` if it is not, or not UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_first_chunk::<2>()?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).ok()?;
        bytes.extend(byte);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Response, StatusCode, header::ALLOW};
    use tonic::body::Body;

    fn check(method: &Method, path: &str, expected: Endpoint, named: &[&str]) {
        let found = find(method, path).expect(path);
        assert_eq!(
            (found.endpoint, found.named.iter().map(String::as_str).collect::<Vec<_>>()),
            (expected, named.into())
        );
    }

    #[test]
    fn every_route_is_found_by_method_and_path() {
        check(&Method::POST, "/v1/north/events", Endpoint::RecordEvents, &["north"]);
        check(&Method::GET, "/v1/north/views/strength/why", Endpoint::ExplainRow, &["north", "strength"]);
        check(&Method::GET, "/v1/north/views/caf%C3%A9%2Fx", Endpoint::QueryView, &["north", "café/x"]);
        check(&Method::GET, "/openapi.json", Endpoint::Describe, &[]);
        check(&Method::HEAD, "/v1/north/head", Endpoint::GetHead, &["north"]);
        for (name, endpoint) in ROUTES {
            let (method, path) = name.split_once(' ').unwrap();
            let path = path.replace(['{', '}'], "");
            assert_eq!(find(&method.parse().unwrap(), &path).expect(name).endpoint, endpoint);
        }
    }

    #[test]
    fn what_is_no_route_is_not_found_and_a_wrong_method_is_told_the_right_one() {
        for path in [
            "/v1/",
            "/v1//head",
            "/v1/north",
            "/v1/north/head/",
            "/v1/north/heads",
            "/v1/%ff/head",
            "/v1/%4/head",
            "/v1/north/./head",
            "/v1/north/x/../head",
            "/v1/north/%2e/head",
        ] {
            let response: Response<Body> = find(&Method::GET, path).expect_err(path).into();
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        }
        for (method, path, allowed) in
            [(Method::GET, "events", "POST"), (Method::HEAD, "events", "POST"), (Method::PUT, "head", "GET, HEAD")]
        {
            let response: Response<Body> = find(&method, &format!("/v1/north/{path}")).expect_err(path).into();
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(response.headers()[ALLOW], allowed);
        }
    }
}
