//! The address of a receiver.

use crate::limits::WEBHOOK_URL_BYTES_MAX;
use http::{Uri, uri::PathAndQuery};

/// An address that a webhook may have; whether it leads somewhere is asked at each delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url(Uri);

/// Why a text is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    /// It is too long.
    #[error("has more than {WEBHOOK_URL_BYTES_MAX} bytes")]
    TooLong,
    /// It is none.
    #[error("must be an address such as https://hooks.example.org/kith")]
    Malformed,
    /// It has a part that no receiver should be told.
    #[error("must have no user, and nothing behind #")]
    Extra,
}

impl Url {
    /// Reads an address.
    pub(crate) fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > WEBHOOK_URL_BYTES_MAX {
            return Err(UrlError::TooLong);
        }
        let uri: Uri = text.parse().map_err(|_| UrlError::Malformed)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(UrlError::Malformed);
        };
        if authority.as_str().contains('@') || text.contains('#') {
            return Err(UrlError::Extra);
        }
        let port = authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':'));
        let has_good_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        let is_good = ["https", "http"].contains(&scheme) && !authority.host().is_empty() && has_good_port;
        if is_good && text.is_ascii() { Ok(Self(uri)) } else { Err(UrlError::Malformed) }
    }

    /// Whether it is encrypted.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// The name or the address of the host, without brackets.
    pub(crate) fn host(&self) -> &str {
        let host = self.0.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_secure() { 443 } else { 80 })
    }

    /// What the header `host` says.
    pub(crate) fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    /// What is asked of the host.
    pub(crate) fn target(&self) -> &str {
        self.0.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    /// The address as text.
    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_parts() {
        for (text, host, port, target) in [
            ("https://hooks.example.org/a?b=c", "hooks.example.org", 443, "/a?b=c"),
            ("https://hooks.example.org", "hooks.example.org", 443, "/"),
            ("https://[2001:db8::1]:8443/x", "2001:db8::1", 8443, "/x"),
            ("http://10.0.0.7:80/", "10.0.0.7", 80, "/"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host(), url.port(), url.target()), (host, port, target), "{text}");
            assert_eq!(Url::parse(&url.text()), Ok(url));
        }
    }

    #[test]
    fn other_texts_are_no_addresses() {
        for text in [
            "",
            "hooks.example.org",
            "/hooks",
            "ftp://hooks.example.org/",
            "https://",
            "https:///x",
            "https://hooks.example.org:0/",
            "https://hooks.example.org:65536/",
            "https://hooks.example.org:/",
            "https://h\u{f6}oks.example.org/",
            "https://hooks.example.org/\u{f6}",
            "https://hooks.example.org/a b",
            "https://hooks.example.org/\r\nx: y",
        ] {
            assert_eq!(Url::parse(text), Err(UrlError::Malformed), "{text}");
        }
        for text in ["https://amina:secret@hooks.example.org/", "https://@hooks.example.org/", "https://a.example/#x"] {
            assert_eq!(Url::parse(text), Err(UrlError::Extra), "{text}");
        }
        let long = format!("https://a.example/{}", "x".repeat(WEBHOOK_URL_BYTES_MAX));
        assert_eq!(Url::parse(&long), Err(UrlError::TooLong));
    }
}
