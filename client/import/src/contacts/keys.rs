//! What tells people apart: e-mail addresses, telephone numbers, profile links and ids of cards, in one form each.

use crate::{
    limits::{EMAIL_BYTES_MAX, LINK_BYTES_MAX, PHONE_DIGITS_MAX, PHONE_DIGITS_MIN, PHONE_KEY_DIGITS_MIN},
    words::{percent_decoded, percent_encoded},
};
use std::fmt;
use uuid::Uuid;

/// Schemes of contact details.
const MAIL_SCHEME: &str = "mailto:";
const PHONE_SCHEME: &str = "tel:";
const ID_SCHEME: &str = "urn:uuid:";
/// Domains of one provider, which ignores dots and what follows a plus in the names of its addresses.
const DOTLESS_DOMAINS: [&str; 2] = ["gmail.com", "googlemail.com"];

/// Parts of a link's query that say how somebody came to it, and not to whom it leads.
const TRACKING: [&str; 16] = [
    "fbclid",
    "gclid",
    "hl",
    "igsh",
    "igshid",
    "lang",
    "locale",
    "mibextid",
    "originalsubdomain",
    "ref",
    "refsrc",
    "s",
    "si",
    "source",
    "src",
    "trk",
];

/// Something that one person has and others have not, in the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An e-mail address.
    Email(String),
    /// A link to a profile.
    Link(String),
    /// The id of a card.
    Id(String),
    /// A telephone number, which people of one house or ward may share.
    Phone(String),
}

impl Key {
    /// Whether it alone says who somebody is.
    pub fn is_strong(&self) -> bool {
        match self {
            Self::Email(_) | Self::Link(_) | Self::Id(_) => true,
            Self::Phone(_) => false,
        }
    }

    /// The key of a contact detail as the directory has it; `None` for others, such as postal addresses.
    pub fn of_detail(text: &str, country: Option<Country>) -> Option<Self> {
        if let Some(address) = without_scheme(text, MAIL_SCHEME) {
            return email_key(&percent_decoded(address));
        }
        if let Some(number) = without_scheme(text, PHONE_SCHEME) {
            return phone_key(&phone(number, country)?);
        }
        if let Some(id) = card_id(text).filter(|_| without_scheme(text, ID_SCHEME).is_some()) {
            return Some(Self::Id(id));
        }
        let is_link = without_scheme(text, "https://").or_else(|| without_scheme(text, "http://")).is_some();
        is_link.then(|| link_key(text)).flatten()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Email(text) | Self::Link(text) | Self::Id(text) | Self::Phone(text)) = self;
        f.write_str(text)
    }
}

/// The calling code of a country, such as 44.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country(u16);

impl std::str::FromStr for Country {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let code = digits.parse().ok().filter(|code| (1..1_000).contains(code) && !digits.starts_with('0'));
        code.map(Self).ok_or_else(|| "it is a country's calling code, such as 44".to_owned())
    }
}

fn without_scheme<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
}

/// An e-mail address, without `mailto:` and without the name before it; `None` if it is none.
pub(super) fn email(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = text.rsplit_once('<').map_or(text, |(_, inner)| inner.trim_end_matches('>'));
    let address = without_scheme(inner, MAIL_SCHEME).unwrap_or(inner).trim().trim_end_matches([',', ';']);
    let (name, domain) = address.rsplit_once('@')?;
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control() && !"<>()[],;:\\\"@".contains(letter);
    let fits = !name.is_empty() && !domain.is_empty() && address.len() <= EMAIL_BYTES_MAX;
    let is_domain = !domain.starts_with('.') && !domain.ends_with('.') && !domain.contains('/');
    (fits && is_domain && name.chars().chain(domain.chars()).all(is_plain)).then(|| address.to_owned())
}

/// The key of an e-mail address.
pub(crate) fn email_key(address: &str) -> Option<Key> {
    let address = email(address)?.to_lowercase();
    let (name, domain) = address.rsplit_once('@')?;
    if !DOTLESS_DOMAINS.contains(&domain) {
        return Some(Key::Email(address));
    }
    let name = name.split('+').next().unwrap_or_default().replace('.', "");
    (!name.is_empty()).then(|| Key::Email(format!("{name}@{}", DOTLESS_DOMAINS[0])))
}

/// The domain of an e-mail address, as it is compared.
pub(super) fn mail_domain(key: &Key) -> Option<&str> {
    match key {
        Key::Email(address) => address.rsplit_once('@').map(|(_, domain)| domain),
        Key::Link(_) | Key::Id(_) | Key::Phone(_) => None,
    }
}

/// An e-mail address as a contact detail (RFC 6068).
pub(super) fn email_uri(address: &str) -> String {
    format!("{MAIL_SCHEME}{}", percent_encoded(address))
}

/// A telephone number as it is dialled: digits, with a plus if it says its country, and `;ext=` before an extension;
/// `None` if it is none.
pub(super) fn phone(text: &str, country: Option<Country>) -> Option<String> {
    let text = without_scheme(text.trim(), PHONE_SCHEME).unwrap_or(text).to_lowercase();
    let (number, extension) = split_extension(&text);
    let number = number.split(';').next().unwrap_or_default().trim();
    let (is_international, number) = match number.strip_prefix('+').or_else(|| number.strip_prefix("00")) {
        Some(rest) => (true, rest.replace("(0)", "")),
        None => (false, number.to_owned()),
    };
    let is_part = |letter: char| letter.is_ascii_digit() || " \u{a0}\u{2010}\u{2011}\u{2013}-./()\t".contains(letter);
    if !number.chars().all(is_part) {
        return None;
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let whole = if is_international { format!("+{digits}") } else { in_country(&digits, country) };
    let count = whole.bytes().filter(u8::is_ascii_digit).count();
    if !(PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&count) {
        return None;
    }
    Some(if extension.is_empty() { whole } else { format!("{whole};ext={extension}") })
}

/// A number without its extension, and the extension's digits.
fn split_extension(text: &str) -> (&str, String) {
    for mark in [";ext=", "extension", "ext.", "ext", "x", "#"] {
        if let Some((number, extension)) = text.split_once(mark) {
            let extension = extension.trim();
            let is_number = !extension.is_empty() && extension.bytes().all(|byte| byte.is_ascii_digit());
            return if is_number { (number, extension.to_owned()) } else { (text, String::new()) };
        }
    }
    (text, String::new())
}

/// A national number in its country: without the zero that is dialled first there, except in Italy.
fn in_country(digits: &str, country: Option<Country>) -> String {
    match country {
        None => digits.to_owned(),
        Some(Country(_)) if digits.len() < PHONE_KEY_DIGITS_MIN => digits.to_owned(),
        Some(Country(39)) => format!("+39{digits}"),
        Some(Country(1)) if digits.len() == 11 && digits.starts_with('1') => format!("+{digits}"),
        Some(Country(code)) => format!("+{code}{}", digits.strip_prefix('0').unwrap_or(digits)),
    }
}

/// The key of a number in the form of [`phone`]; `None` if it is too short to be one person's.
pub(super) fn phone_key(number: &str) -> Option<Key> {
    let main = number.split(';').next().unwrap_or_default();
    let count = main.bytes().filter(u8::is_ascii_digit).count();
    (count >= PHONE_KEY_DIGITS_MIN).then(|| Key::Phone(number.to_owned()))
}

/// A telephone number as a contact detail (RFC 3966).
pub(super) fn phone_uri(number: &str) -> String {
    format!("{PHONE_SCHEME}{number}")
}

/// A link with its scheme; `None` if it is none, or not one of the web.
pub(super) fn link(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = !text.chars().any(|letter| letter.is_whitespace() || letter.is_control() || "<>\"".contains(letter));
    let (link, rest) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") => {
            (format!("{}://{rest}", scheme.to_ascii_lowercase()), rest)
        }
        Some(_) => return None,
        None => (format!("https://{text}"), text),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = host.contains('.') && !host.contains(['@', ':']) && !host.starts_with('.') && !host.ends_with('.');
    (is_plain && is_host && link.len() <= LINK_BYTES_MAX).then_some(link)
}

/// The key of a link to a profile; `None` for a link to a whole site, which is not one person's.
pub(super) fn link_key(link: &str) -> Option<Key> {
    let (_, rest) = link.split_once("://")?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = percent_decoded(path).to_lowercase();
    let path = path.strip_prefix("www.").unwrap_or(&path).trim_end_matches('/');
    let query: Vec<&str> = query.split('&').filter(|part| tells(part)).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    (path.contains('/') || !query.is_empty()).then(|| Key::Link(format!("{path}{query}")))
}

/// Whether a part of a link's query may say to whom it leads, as in `profile?id=7`.
fn tells(part: &str) -> bool {
    let Some((name, value)) = part.split_once('=') else { return false };
    let name = name.to_lowercase();
    !value.is_empty() && !TRACKING.contains(&name.as_str()) && !name.starts_with("utm_") && !name.starts_with("trk")
}

/// The random id of a card as `urn:uuid:`; `None` if it has another form.
pub(super) fn card_id(text: &str) -> Option<String> {
    let text = text.trim();
    let text = without_scheme(text, ID_SCHEME).or_else(|| without_scheme(text, "uuid:")).unwrap_or(text);
    let id = text.split(':').next().unwrap_or_default();
    let id = Uuid::try_parse(id).ok().filter(|_| id.len() == 36)?;
    (!id.is_nil()).then(|| format!("{ID_SCHEME}{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_have_one_form() {
        let check = |text: &str, expected: Option<&str>| {
            let found = email_key(text).map(|key| key.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check(" MailTo:Ada@X.Example ", Some("ada@x.example"));
        check("Ada Quill <ada@x.example>", Some("ada@x.example"));
        check("ada+list@x.example", Some("ada+list@x.example"));
        check("A.da.Q+list@GoogleMail.com", Some("adaq@gmail.com"));
        for text in ["", "ada", "@x.example", "ada@", "a b@x.example", "a@b@c", "ada@.x", "+@gmail.com"] {
            check(text, None);
        }
        assert_eq!(email(&format!("{}@x.example", "a".repeat(300))), None);
    }

    #[test]
    fn numbers_have_one_form() {
        let check = |text: &str, country: Option<u16>, expected: Option<&str>| {
            assert_eq!(phone(text, country.map(Country)).as_deref(), expected, "{text}");
        };
        check("+44 (0)20 7946-0958", None, Some("+442079460958"));
        check("0044 20 7946 0958", None, Some("+442079460958"));
        check("020 7946 0958", None, Some("02079460958"));
        check("020 7946 0958", Some(44), Some("+442079460958"));
        check("(202) 555-0123", Some(1), Some("+12025550123"));
        check("1.202.555.0123", Some(1), Some("+12025550123"));
        check("06 555 0123", Some(39), Some("+39065550123"));
        check("tel:+1-202-555-0123;ext=12", None, Some("+12025550123;ext=12"));
        check("020 7946 0958 ext. 7", None, Some("02079460958;ext=7"));
        check("020 7946 0958 x7", Some(44), Some("+442079460958;ext=7"));
        check("4321", Some(44), Some("4321"));
        for text in ["", "call me", "12", "0800 FLOWERS", "020 7946 0958 / 020 7946 0959", "+", "x7"] {
            check(text, None, None);
        }
        assert_eq!(phone_key("4321"), None);
        assert_ne!(phone_key("+442079460958;ext=7"), phone_key("+442079460958;ext=8"));
    }

    #[test]
    fn links_of_profiles_have_one_form_and_sites_are_nobody() {
        let check = |text: &str, expected: Option<&str>| {
            let found = link(text).and_then(|link| link_key(&link)).map(|key| key.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("https://www.LinkedIn.example/in/Ada-Quill/?trk=x#top", Some("linkedin.example/in/ada-quill"));
        check("linkedin.example/in/ada-quill", Some("linkedin.example/in/ada-quill"));
        check("HTTP://social.example/in/jos%C3%A9", Some("social.example/in/josé"));
        check("social.example/profile.php?id=7&ref=x&utm_source=y", Some("social.example/profile.php?id=7"));
        check("https://social.example/?user=Ada", Some("social.example?user=Ada"));
        for text in
            ["https://www.hillside.example/", "hillside.example?ref=x", "xmpp://ada", "not a link", "", "https://"]
        {
            check(text, None);
        }
    }

    #[test]
    fn only_random_ids_of_cards_are_taken() {
        let id = "urn:uuid:0f2c1f3e-7f6f-4d5e-9f0a-3b1c2d4e5f60";
        for text in [id, "0F2C1F3E-7F6F-4D5E-9F0A-3B1C2D4E5F60", "0f2c1f3e-7f6f-4d5e-9f0a-3b1c2d4e5f60:ABPerson"] {
            assert_eq!(card_id(text).as_deref(), Some(id), "{text}");
        }
        for text in ["", "7", "ada@x.example", "urn:uuid:7", "00000000-0000-0000-0000-000000000000"] {
            assert_eq!(card_id(text), None, "{text}");
        }
    }

    #[test]
    fn details_of_the_directory_have_keys() {
        let key = |text: &str| Key::of_detail(text, Some(Country(44))).map(|key| key.to_string());
        assert_eq!(key(&email_uri("ada%x@x.example")).as_deref(), Some("ada%x@x.example"));
        assert_eq!(key("tel:02079460958").as_deref(), Some("+442079460958"));
        assert_eq!(key("https://social.example/ada").as_deref(), Some("social.example/ada"));
        assert_eq!(key("1 High Street, Exampleton"), None);
    }

    #[test]
    fn countries_are_calling_codes() {
        assert_eq!("+44".parse(), Ok(Country(44)));
        for text in ["", "GB", "0", "044", "1000"] {
            assert!(text.parse::<Country>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_none(text in "\\PC{0,40}") {
            let _ = (email_key(&text), phone(&text, Some(Country(44))), link(&text), card_id(&text));
            let _ = Key::of_detail(&text, None);
        }

        #[test]
        fn numbers_stay_as_they_are(text in "[0-9+() -]{0,20}( x[0-9]{1,4})?") {
            if let Some(number) = phone(&text, Some(Country(44))) {
                prop_assert_eq!(phone(&number, Some(Country(44))), Some(number));
            }
        }
    }
}
