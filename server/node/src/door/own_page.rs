//! Which requests come from a page of this server itself. Only for those does the browser's cookie count.
//!
//! Invariant: what a page of another origin can make a browser send is never among them.

use http::{HeaderMap, HeaderName, Request, Uri, header::ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Marks a call that a page of this server made with gRPC-web.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnPage;

/// Whether a browser says that a request comes from a page of this server. Other programs say nothing, and pass.
pub(super) fn is_own<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let is_same_site = headers.get(SEC_FETCH_SITE).is_none_or(|site| site == "same-origin");
    let is_same_origin = headers.get(ORIGIN).is_none_or(|origin| {
        let origin = origin.to_str().ok().and_then(host_of_origin);
        origin.is_some_and(|origin| hosts(request.uri(), headers).any(|host| host.eq_ignore_ascii_case(origin)))
    });
    is_same_site && is_same_origin
}

/// Host and port of an origin, as far as it has them; `null` has none.
fn host_of_origin(origin: &str) -> Option<&str> {
    ["http://", "https://"].iter().find_map(|scheme| origin.strip_prefix(scheme)).filter(|host| !host.is_empty())
}

/// The names under which the request reached this server: its own, and that of the proxy in front of it.
fn hosts<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> impl Iterator<Item = &'r str> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let own = uri.authority().map(http::uri::Authority::as_str).or_else(|| text(http::header::HOST));
    own.into_iter().chain(text(X_FORWARDED_HOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)], expected: bool) {
        let request = headers
            .iter()
            .fold(Request::post("/kith.v1.LogService/Head"), |request, (name, value)| request.header(*name, *value));
        assert_eq!(is_own(&request.body(()).unwrap()), expected, "{headers:?}");
    }

    #[test]
    fn a_page_of_this_server_is_known_by_what_the_browser_says() {
        let host = ("host", "127.0.0.1:7420");
        check(&[host], true);
        check(&[host, ("origin", "http://127.0.0.1:7420")], true);
        check(&[host, ("origin", "http://127.0.0.1:7420"), ("sec-fetch-site", "same-origin")], true);
        check(&[("host", "Kith.Example"), ("origin", "https://kith.example")], true);
        let proxied = ("x-forwarded-host", "kith.example");
        check(&[host, proxied, ("origin", "https://kith.example")], true);
        for site in ["cross-site", "same-site", "none", ""] {
            check(&[host, ("sec-fetch-site", site)], false);
        }
        for origin in ["http://127.0.0.1:7421", "http://127.0.0.1", "https://evil.example", "null", "", "http://"] {
            check(&[host, ("origin", origin)], false);
        }
        check(&[("origin", "http://127.0.0.1:7420")], false);
    }

    #[test]
    fn http_2_names_the_host_in_its_address() {
        let request = |authority: &str| {
            let uri = format!("http://{authority}/kith.v1.LogService/Head");
            Request::post(uri).header("origin", "http://kith.example").body(()).unwrap()
        };
        assert!(is_own(&request("kith.example")));
        assert!(!is_own(&request("other.example")));
    }
}
