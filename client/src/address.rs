//! A server's address: a host and a port. Other parts of a URL are rejected rather than ignored, because whoever wrote
//! them meant something by them.

use std::{fmt, net::IpAddr, str::FromStr};
use tonic::transport::Uri;

/// A server's address in canonical form, so that equal addresses have equal text: the scheme, the host in lower case, and
/// the port unless it is the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    scheme: Scheme,
    host: String,
    port: u16,
}

/// How to speak to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port if none is given.
    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl ServerAddress {
    /// Whether the connection is secured by TLS.
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// Whether nobody in between can read what is sent: it goes through TLS or stays on this machine.
    pub fn is_private(&self) -> bool {
        self.is_secure() || self.is_loopback()
    }

    /// Whether the server is this machine, so that what is sent to it never leaves it: `localhost` (RFC 6761, 6.3) or a
    /// loopback address. Other names are not looked up, because whoever answers could lie.
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host == "localhost",
        }
    }
}

/// Why a text is not a server's address. The text itself is never shown, because it may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressInvalid {
    /// It is empty.
    #[error("the server's address is empty")]
    Empty,
    /// Its scheme is neither http nor https.
    #[error("this client speaks http and https to the server, not {scheme}")]
    NotHttp {
        /// The scheme.
        scheme: String,
    },
    /// It contains more than a host and a port.
    #[error("the server's address is a host and a port, such as https://kith.example:7420: leave out {what}")]
    TooMuch {
        /// The part to leave out.
        what: &'static str,
    },
    /// Its host or port is malformed.
    #[error(
        "the server's address is a host and a port, such as https://kith.example:7420: this one has no valid {what}"
    )]
    Malformed {
        /// The part at fault.
        what: &'static str,
    },
}

impl FromStr for ServerAddress {
    type Err = AddressInvalid;

    /// Parses an address; `http://`, in upper or lower case, may be left out.
    fn from_str(text: &str) -> Result<Self, AddressInvalid> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let known = [Scheme::Http, Scheme::Https].into_iter().find(|known| scheme.eq_ignore_ascii_case(known.name()));
        let scheme = known.ok_or_else(|| AddressInvalid::NotHttp { scheme: scheme.to_owned() })?;
        let authority = alone(rest)?;
        if authority.is_empty() {
            return Err(AddressInvalid::Empty);
        }
        let malformed = |what| AddressInvalid::Malformed { what };
        let uri: Uri = format!("http://{authority}").parse().map_err(|_| malformed("host"))?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| malformed("host"))?;
        let port = match authority[host.len()..].strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| malformed("port"))?,
            None => scheme.port(),
        };
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.host)?;
        if self.port == self.scheme.port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// Host and port, if nothing but a slash follows them.
fn alone(rest: &str) -> Result<&str, AddressInvalid> {
    let too_much = |what| Err(AddressInvalid::TooMuch { what });
    if rest.contains('@') {
        return too_much("the user and password: a token says who you are");
    }
    let (place, fragment) = rest.split_once('#').map_or((rest, None), |(place, rest)| (place, Some(rest)));
    let (place, query) = place.split_once('?').map_or((place, None), |(place, rest)| (place, Some(rest)));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    match (path, query, fragment) {
        ("", None, None) => Ok(authority),
        ("", None, Some(_)) => too_much("the part after #"),
        ("", Some(_), _) => too_much("the query"),
        _ => too_much("the path"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        match (text.parse::<ServerAddress>(), expected) {
            (Ok(address), Ok(expected)) => assert_eq!(address.to_string(), expected, "{text}"),
            (Err(invalid), Err(part)) => assert!(invalid.to_string().contains(part), "{text}: {invalid}"),
            (found, expected) => panic!("{text}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn addresses_of_one_server_are_one() {
        for text in ["127.0.0.1:7420", "http://127.0.0.1:7420", "http://127.0.0.1:7420/", "HTTP://127.0.0.1:07420"] {
            check(text, Ok("http://127.0.0.1:7420"));
        }
        check("Http://Kith.Example", Ok("http://kith.example"));
        check("kith.example:80", Ok("http://kith.example"));
        check("http://[::1]:7420", Ok("http://[::1]:7420"));
        check("HTTPS://Kith.Example:443/", Ok("https://kith.example"));
        check("https://kith.example:80", Ok("https://kith.example:80"));
    }

    #[test]
    fn this_machine_is_known_by_its_addresses_and_its_own_name() {
        let is_loopback = |text: &str| text.parse::<ServerAddress>().unwrap().is_loopback();
        for text in [
            "127.0.0.1:7420",
            "http://127.8.9.1",
            "[::1]:7420",
            "[::ffff:127.0.0.1]:7420",
            "https://localhost:7420",
            "LOCALHOST",
        ] {
            assert!(is_loopback(text), "{text}");
        }
        for text in
            ["kith.example", "10.0.0.7", "128.0.0.1", "0.0.0.0", "[::]", "localhost.example", "127.0.0.1.example"]
        {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn what_would_be_dropped_is_refused_and_named() {
        check("http://kith.example/kith", Err("leave out the path"));
        check("kith.example:7420/kith?x", Err("leave out the path"));
        check("http://kith.example//", Err("leave out the path"));
        check("http://kith.example?network=x", Err("leave out the query"));
        check("http://kith.example/?", Err("leave out the query"));
        check("http://kith.example#top", Err("leave out the part after #"));
        check("http://amina@kith.example", Err("leave out the user"));
    }

    #[test]
    fn a_password_is_not_repeated() {
        for text in ["http://amina:se/cret@kith.example", "amina:se/cret@kith.example", "http://amina:se#cret@x"] {
            let invalid = text.parse::<ServerAddress>().unwrap_err().to_string();
            assert!(invalid.contains("leave out the user") && !invalid.contains("cret"), "{invalid}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        check("", Err("is empty"));
        check("http://", Err("is empty"));
        check("ftp://kith.example", Err("not ftp"));
        check("unix:///run/kith", Err("not unix"));
        for text in ["http://kith.example:", "http://kith.example:0", "http://kith.example:65536", "kith.example:x"] {
            check(text, Err("no valid port"));
        }
        for text in ["http://a b", ":7420", "http://[::1"] {
            check(text, Err("no valid host"));
        }
    }
}
