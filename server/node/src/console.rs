//! The pages of the console: files that are part of the program, served to anybody who asks.
//!
//! Invariant: an answer depends on the path and on a few headers alone. It reads no disk, needs no token, and shows
//! nothing of any network.

mod file;
mod headers;

use file::File;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use tonic::body::Body;

/// The file that is served at `/`.
const INDEX: &str = "index.html";

/// Settings of the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether the console is served, and browsers can have sessions.
    pub enabled: bool,
    /// Hours until a browser has to sign in again.
    pub session_hours: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { enabled: true, session_hours: 12 }
    }
}

impl Config {
    /// Minimum and maximum of each setting.
    pub const RANGES: &[kith_log::Range] = &[("session_hours", 1, 24 * 31)];
}

/// Files by their path. Clones are handles to the same files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Console(Arc<BTreeMap<String, File>>);

impl Console {
    /// The console in this program; empty if the program was built without it.
    pub(crate) fn embedded() -> Self {
        #[cfg(feature = "console")]
        return Self::of::<Embedded>();
        #[cfg(not(feature = "console"))]
        Self::default()
    }

    /// The files of an embedded folder.
    #[cfg(any(feature = "console", test))]
    fn of<E: rust_embed::RustEmbed>() -> Self {
        let files = E::iter().filter_map(|path| Some((path.to_string(), File::new(&path, E::get(&path)?))));
        Self(Arc::new(files.collect()))
    }

    /// Answers a request for a file.
    pub(crate) fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let file = self.0.get(if path.is_empty() { INDEX } else { path });
        let mut response = match file {
            Some(file) => file.answer(headers),
            None if self.0.contains_key(INDEX) => text(StatusCode::NOT_FOUND, "nothing is here; the console is at /\n"),
            None => text(StatusCode::NOT_FOUND, "nothing is here; this kithd was built without the console\n"),
        };
        if method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        headers::secure(response.headers_mut());
        response
    }
}

/// An answer that has no body.
pub(crate) fn nothing() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    headers::secure(response.headers_mut());
    response
}

/// An answer in plain text, for people.
pub(crate) fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(file::whole(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CONTENT_LENGTH, text.len().into());
    headers::secure(response.headers_mut());
    response
}

/// The answer to a request with a method that a path does not have.
pub(crate) fn wrong_method(allowed: &'static str) -> Response<Body> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "this address is not asked with this method\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

#[cfg(feature = "console")]
#[derive(rust_embed::RustEmbed)]
#[folder = "../../client/web/dist/"]
#[allow_missing = true]
struct Embedded;

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use http::header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, VARY,
    };
    use http_body_util::BodyExt;
    use std::io::Read;

    /// A small folder in the form in which the console is built.
    #[derive(rust_embed::RustEmbed)]
    #[folder = "tests/fixtures/console/"]
    struct Fixture;

    struct Got {
        status: StatusCode,
        headers: HeaderMap,
        body: Vec<u8>,
    }

    impl Got {
        fn header(&self, name: http::HeaderName) -> &str {
            self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
        }
    }

    async fn ask(console: &Console, method: Method, path: &str, headers: &[(http::HeaderName, &str)]) -> Got {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let (parts, body) = console.answer(&method, path, &headers).into_parts();
        Got { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes().to_vec() }
    }

    async fn get(path: &str, headers: &[(http::HeaderName, &str)]) -> Got {
        ask(&Console::of::<Fixture>(), Method::GET, path, headers).await
    }

    #[tokio::test]
    async fn each_file_is_served_with_its_type_and_for_as_long_as_its_name_allows() {
        for (path, kind, cache) in [
            ("/", "text/html; charset=utf-8", "no-cache"),
            ("/index.html", "text/html; charset=utf-8", "no-cache"),
            ("/icon.svg", "image/svg+xml", "no-cache"),
            ("/assets/main-4f1d2c.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
            ("/assets/main-9a0b7e.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
        ] {
            let got = get(path, &[]).await;
            assert_eq!(
                (got.status, got.header(CONTENT_TYPE), got.header(CACHE_CONTROL)),
                (StatusCode::OK, kind, cache)
            );
            let file = if path == "/" { "index.html" } else { &path[1..] };
            assert_eq!(got.body, &*Fixture::get(file).unwrap().data, "{path}");
            assert_eq!((got.header(VARY), got.header(CONTENT_ENCODING)), ("accept-encoding", ""), "{path}");
            assert_eq!(got.header(CONTENT_LENGTH), got.body.len().to_string(), "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found_and_says_where_the_console_is() {
        for path in ["/nothing", "/assets/", "/assets", "//", "/../Cargo.toml", "/index.html/", "/%69ndex.html"] {
            let got = get(path, &[]).await;
            assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(got.header(CONTENT_TYPE), "text/plain; charset=utf-8");
            assert!(String::from_utf8(got.body).unwrap().contains("the console is at /"), "{path}");
        }
        let got = ask(&Console::default(), Method::GET, "/", &[]).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND);
        assert!(String::from_utf8(got.body).unwrap().contains("built without the console"));
    }

    #[tokio::test]
    async fn a_browser_that_takes_gzip_gets_the_same_bytes_packed() {
        let path = "/assets/main-4f1d2c.js";
        let plain = get(path, &[]).await;
        for accepted in ["gzip", "br, gzip;q=0.5", "deflate , GZIP", "*"] {
            let packed = get(path, &[(ACCEPT_ENCODING, accepted)]).await;
            assert_eq!(
                (packed.header(CONTENT_ENCODING), packed.header(VARY)),
                ("gzip", "accept-encoding"),
                "{accepted}"
            );
            let mut unpacked = Vec::new();
            GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, plain.body);
            assert!(packed.body.len() < plain.body.len());
            assert_ne!(packed.header(ETAG), plain.header(ETAG), "other bytes have another tag");
        }
        for accepted in ["br", "gzip;q=0", "gzip; q=0.0", "identity", "*;q=0", "xgzip", "gzip;q=0, *"] {
            assert_eq!(get(path, &[(ACCEPT_ENCODING, accepted)]).await.header(CONTENT_ENCODING), "", "{accepted}");
        }
        let tiny = get("/assets/tiny-000001.js", &[(ACCEPT_ENCODING, "gzip")]).await;
        assert_eq!(tiny.header(CONTENT_ENCODING), "", "packing it makes it no smaller");
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        for accepted in ["identity", "gzip"] {
            let path = "/assets/main-4f1d2c.js";
            let first = get(path, &[(ACCEPT_ENCODING, accepted)]).await;
            let tag = first.header(ETAG).to_owned();
            assert!(tag.len() > 64 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
            for known in [tag.clone(), format!("\"x\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
                let again = get(path, &[(ACCEPT_ENCODING, accepted), (IF_NONE_MATCH, &known)]).await;
                assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
                assert_eq!(again.header(ETAG), tag);
                assert_eq!(again.header(CACHE_CONTROL), first.header(CACHE_CONTROL));
            }
            let changed = get(path, &[(ACCEPT_ENCODING, accepted), (IF_NONE_MATCH, "\"x\"")]).await;
            assert_eq!(changed.status, StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn a_head_is_an_answer_without_its_body() {
        for path in ["/", "/assets/main-4f1d2c.js", "/nothing"] {
            let console = Console::of::<Fixture>();
            let whole = ask(&console, Method::GET, path, &[]).await;
            let head = ask(&console, Method::HEAD, path, &[]).await;
            assert_eq!((head.status, head.body.len()), (whole.status, 0), "{path}");
            assert_eq!(head.headers, whole.headers, "{path}");
        }
    }

    #[tokio::test]
    async fn the_policy_stands_on_every_answer() {
        let known = [(IF_NONE_MATCH, "*")];
        for got in [get("/", &[]).await, get("/nothing", &[]).await, get("/icon.svg", &known).await] {
            let policy = got.header(CONTENT_SECURITY_POLICY);
            for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "trusted-types"] {
                assert!(policy.contains(part), "{policy}");
            }
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert_eq!(got.headers[name], value);
            }
            assert!(got.headers.contains_key("permissions-policy"));
        }
    }
}
