//! A file of the console: its type, its tags, and its bytes as they are and packed.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
    },
};
use http_body_util::Full;
use std::{convert::Infallible, io::Write, sync::OnceLock};
use tonic::body::Body;

/// The folder of files whose names change with their bytes.
const NAMED_BY_CONTENT: &str = "assets/";

/// A file in memory.
#[derive(Debug)]
pub(super) struct File {
    kind: &'static str,
    cache: &'static str,
    plain: Variant,
    /// Made when it is first asked for; `None` if packing makes it no smaller.
    packed: OnceLock<Option<Variant>>,
}

/// The bytes that are sent, and the tag by which a browser knows them.
#[derive(Debug)]
struct Variant {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Variant {
    fn new(bytes: Bytes, digest: &str) -> Self {
        let tag = HeaderValue::from_str(&format!("\"{digest}\"")).expect("a digest in hex is a header");
        Self { bytes, tag }
    }
}

impl File {
    /// The embedded file of a path.
    #[cfg(any(feature = "console", test))]
    pub(super) fn new(path: &str, file: rust_embed::EmbeddedFile) -> Self {
        let bytes = match file.data {
            std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let is_named_by_content = path.starts_with(NAMED_BY_CONTENT);
        let cache = if is_named_by_content { "public, max-age=31536000, immutable" } else { "no-cache" };
        let plain = Variant::new(bytes, &hex::encode(file.metadata.sha256_hash()));
        Self { kind: kind(path), cache, plain, packed: OnceLock::new() }
    }

    /// The file, or that a browser has it already.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let packed = if takes_gzip(asked) { self.packed() } else { None };
        let variant = packed.unwrap_or(&self.plain);
        let mut response = if knows(asked, &variant.tag) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            let mut response = Response::new(whole(variant.bytes.clone()));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
            headers.insert(CONTENT_LENGTH, variant.bytes.len().into());
            if packed.is_some() {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, variant.tag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        response
    }

    fn packed(&self) -> Option<&Variant> {
        let pack = || {
            let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packing.write_all(&self.plain.bytes).expect("memory takes bytes");
            let bytes = packing.finish().expect("memory takes bytes");
            let digest = format!("{}-gzip", self.plain.tag.to_str().expect("it is a digest in hex").trim_matches('"'));
            (bytes.len() < self.plain.bytes.len()).then(|| Variant::new(bytes.into(), &digest))
        };
        self.packed.get_or_init(pack).as_ref()
    }
}

/// A body that is in memory.
pub(super) fn whole(bytes: Bytes) -> Body {
    Body::new(http_body_util::BodyExt::map_err(Full::new(bytes), |never: Infallible| match never {}))
}

/// The media type of a file by its name.
#[cfg(any(feature = "console", test))]
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("json" | "webmanifest") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether the header `accept-encoding` lets gzip pass (RFC 9110, 12.5.3).
fn takes_gzip(asked: &HeaderMap) -> bool {
    let (mut named, mut any) = (None, None);
    for part in parts(asked, ACCEPT_ENCODING) {
        let (coding, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().trim_start_matches("q=").trim();
        let is_taken = weight.is_empty() || weight.parse::<f32>().is_ok_and(|weight| weight > 0.0);
        match coding.trim() {
            "*" => any = Some(is_taken),
            coding if coding.eq_ignore_ascii_case("gzip") => named = Some(is_taken),
            _ => {}
        }
    }
    named.or(any).unwrap_or(false)
}

/// Whether the header `if-none-match` names a tag (RFC 9110, 13.1.2).
fn knows(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let tag = tag.to_str().expect("it is a digest in hex");
    parts(asked, IF_NONE_MATCH).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// The parts of a header that is a list.
fn parts(asked: &HeaderMap, name: http::HeaderName) -> impl Iterator<Item = &str> {
    let values = asked.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}
