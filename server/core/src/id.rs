//! Ids: parsing is the only constructor, so every id is well formed.

use crate::{
    invalid::{Invalid, Problem},
    limits,
};
use smol_str::SmolStr;
use std::{borrow::Borrow, fmt};

/// Defines a text id with its allowed characters and maximum length; short ones are cheap to clone.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:expr, $rule:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// Reads an id found in `field`.
            pub fn parse_field(text: &str, field: &str) -> Result<Self, Invalid> {
                if text.is_empty() {
                    return Err(Invalid::new(field, Problem::Missing));
                }
                if text.len() > $max {
                    return Err(Invalid::new(field, Problem::TooLong { max: $max, found: text.len() }));
                }
                let allowed: fn(u8) -> bool = $allowed;
                if !text.bytes().all(allowed) {
                    return Err(Invalid::new(field, Problem::MustBe($rule)));
                }
                Ok(Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::parse_field(text, "id")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// A person's pseudonym.
    PersonId, limits::PERSON_ID_BYTES_MAX, "made of letters, digits and _ . @ -",
    |byte| byte.is_ascii_alphanumeric() || b"_.@-".contains(&byte)
);
text_id!(
    /// An organisation's id, preferably a slug.
    OrganisationId, limits::ORGANISATION_ID_BYTES_MAX, "made of letters, digits and _ . -",
    |byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
);
text_id!(
    /// A network's name.
    NetworkName, limits::NETWORK_NAME_BYTES_MAX, "made of a-z, 0-9, _ and -",
    |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
);
text_id!(
    /// What help was asked for or given with.
    Category, limits::CATEGORY_BYTES_MAX, "made of a-z, 0-9, _ and -",
    |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
);
text_id!(
    /// The public id of a token.
    TokenId, 64, "made of a-z, 0-9, _ and -",
    |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
);
text_id!(
    /// A principal's id, as entries name it: `person:ID`, `service:NAME` or `token:ID`.
    PrincipalId, 80, "made of letters, digits and _ . @ : -",
    |byte| byte.is_ascii_alphanumeric() || b"_.@:-".contains(&byte)
);

text_id!(
    /// Why words are erased or held, as a word of a list: see [`crate::erasures`].
    RecordsReason, 32, "made of a-z and -",
    |byte| byte.is_ascii_lowercase() || byte == b'-'
);
text_id!(
    /// The case that an erasure or a hold belongs to.
    CaseReference, 64, "made of letters, digits and / _ . -",
    |byte| byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte)
);

text_id!(
    /// The name of a service.
    ServiceName, 32, "made of a-z, 0-9, _ and -",
    |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
);

/// A member of a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberId {
    /// A person of the directory, written `person:ID`.
    Person(PersonId),
    /// A service, written `service:NAME`.
    Service(ServiceName),
}

/// What precedes a person's id.
const PERSON: &str = "person:";
/// What precedes a service's name.
const SERVICE: &str = "service:";

impl MemberId {
    /// Reads an id found in `field`.
    pub fn parse_field(text: &str, field: &str) -> Result<Self, Invalid> {
        if let Some(person) = text.strip_prefix(PERSON) {
            return PersonId::parse_field(person, field).map(Self::Person);
        }
        match text.strip_prefix(SERVICE) {
            Some(name) => ServiceName::parse_field(name, field).map(Self::Service),
            None => Err(Invalid::new(field, Problem::MustBe("`person:ID` or `service:NAME`"))),
        }
    }

    /// How entries name the member.
    pub fn principal(&self) -> PrincipalId {
        PrincipalId(self.to_string().into())
    }

    /// The person.
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person(person) => Some(person),
            Self::Service(_) => None,
        }
    }
}

impl std::str::FromStr for MemberId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse_field(text, "member")
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(f, "{PERSON}{person}"),
            Self::Service(name) => write!(f, "{SERVICE}{name}"),
        }
    }
}

/// What a service signs in with: a URI among the subject alternative names of its certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateUri(SmolStr);

impl CertificateUri {
    /// Reads a URI found in `field`.
    pub fn parse_field(text: &str, field: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid::new(field, Problem::Missing));
        }
        if text.len() > limits::CERTIFICATE_URI_BYTES_MAX {
            let problem = Problem::TooLong { max: limits::CERTIFICATE_URI_BYTES_MAX, found: text.len() };
            return Err(Invalid::new(field, problem));
        }
        let has_scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
            let scheme = scheme.as_bytes();
            let starts = scheme.first().is_some_and(u8::is_ascii_alphabetic);
            starts
                && !rest.is_empty()
                && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
        });
        if !has_scheme || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid::new(field, Problem::MustBe("a URI, such as spiffe://example.org/feeds")));
        }
        Ok(Self(text.into()))
    }

    /// The URI as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An event's id: any RFC 9562 UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; 16]);

impl EventId {
    /// The id with these bytes; `None` unless they are an RFC 9562 UUID (variant and version 1 to 8).
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let uuid = uuid::Uuid::from_bytes(bytes);
        let known = uuid.get_variant() == uuid::Variant::RFC4122 && (1..=8).contains(&uuid.get_version_num());
        known.then_some(Self(bytes))
    }

    /// Reads an id found in `field`.
    pub fn parse_field(bytes: &[u8], field: &str) -> Result<Self, Invalid> {
        if bytes.is_empty() {
            return Err(Invalid::new(field, Problem::Missing));
        }
        <[u8; 16]>::try_from(bytes)
            .ok()
            .and_then(Self::from_bytes)
            .ok_or_else(|| Invalid::new(field, Problem::MustBe("an RFC 9562 UUID of 16 bytes")))
    }

    /// Its 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::str::FromStr for EventId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        uuid::Uuid::try_parse(text)
            .ok()
            .and_then(|uuid| Self::from_bytes(uuid.into_bytes()))
            .ok_or_else(|| Invalid::new("id", Problem::MustBe("a UUID")))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the ids of feeds begin with.
const FEED_PREFIX: &str = "feed-";
/// What the ids of webhooks begin with.
const WEBHOOK_PREFIX: &str = "hook-";

impl TokenId {
    /// An id of a feed with these digits.
    pub fn of_feed(digits: &str) -> Result<Self, Invalid> {
        format!("{FEED_PREFIX}{digits}").parse()
    }

    /// Whether it is the secret of a feed: it opens the calendar of its person, and no call.
    pub fn is_feed(&self) -> bool {
        self.as_str().starts_with(FEED_PREFIX)
    }

    /// An id of a webhook with these digits.
    pub fn of_webhook(digits: &str) -> Result<Self, Invalid> {
        format!("{WEBHOOK_PREFIX}{digits}").parse()
    }

    /// Whether it is that of a webhook: the server sends what it may see, and it opens no call.
    pub fn is_webhook(&self) -> bool {
        self.as_str().starts_with(WEBHOOK_PREFIX)
    }
}
