//! A server's address: a host and a port. Other parts of a URL are rejected rather than ignored, because whoever wrote
//! them meant something by them.

use std::{fmt, str::FromStr};
use tonic::transport::Uri;

/// The port if none is given.
const PORT_DEFAULT: u16 = 80;

/// A server's address in canonical form, so that equal addresses have equal text: `http://`, the host in lower case,
/// and the port unless it is 80.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    host: String,
    port: u16,
}

/// Why a text is not a server's address. The text itself is never shown, because it may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressInvalid {
    /// It is empty.
    #[error("the server's address is empty")]
    Empty,
    /// Its scheme is not http.
    #[error("this client speaks http to the server, not {scheme}: put a proxy in between")]
    NotHttp {
        /// The scheme.
        scheme: String,
    },
    /// It contains more than a host and a port.
    #[error("the server's address is a host and a port, such as http://127.0.0.1:7420: leave out {what}")]
    TooMuch {
        /// The part to leave out.
        what: &'static str,
    },
    /// Its host or port is malformed.
    #[error("the server's address is a host and a port, such as http://127.0.0.1:7420: this one has no valid {what}")]
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
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(AddressInvalid::NotHttp { scheme: scheme.to_owned() });
        }
        let authority = alone(rest)?;
        if authority.is_empty() {
            return Err(AddressInvalid::Empty);
        }
        let malformed = |what| AddressInvalid::Malformed { what };
        let uri: Uri = format!("http://{authority}").parse().map_err(|_| malformed("host"))?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| malformed("host"))?;
        let port = match authority[host.len()..].strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| malformed("port"))?,
            None => PORT_DEFAULT,
        };
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.host)?;
        if self.port == PORT_DEFAULT { Ok(()) } else { write!(f, ":{}", self.port) }
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
        check("https://kith.example", Err("not https"));
        check("unix:///run/kith", Err("not unix"));
        for text in ["http://kith.example:", "http://kith.example:0", "http://kith.example:65536", "kith.example:x"] {
            check(text, Err("no valid port"));
        }
        for text in ["http://a b", ":7420", "http://[::1"] {
            check(text, Err("no valid host"));
        }
    }
}
