//! A person as a record of a file describes them.

use super::keys::{Country, Key, card_id, email, email_key, link, link_key, phone, phone_key};
use crate::{
    limits::{CARD_BYTES_MAX, PROPERTIES_MAX},
    refusal::Refusal,
    spot::Spot,
    words,
};
use std::ops::AddAssign;

/// A person as a record of a file describes them, in normal forms. Only the name is never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Card {
    /// Their name, on one line.
    pub name: String,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// Links to profiles, with their schemes.
    pub links: Vec<String>,
    /// The record's random id, as `urn:uuid:`.
    pub id: Option<String>,
    /// Telephone numbers as they stand in the file; those that are none are not among them.
    pub phones: Vec<String>,
    /// Postal addresses, each on one line.
    pub addresses: Vec<String>,
    /// Their organisation's name or id.
    pub organisation: String,
    /// Their job title.
    pub title: String,
    /// Notes.
    pub notes: Vec<String>,
    /// When a service connected them with the owner of the file, as it stands there.
    pub connected_on: String,
}

/// How much of the records is never taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Omitted {
    /// Pictures.
    pub photos: u64,
    /// Birthdays.
    pub birthdays: u64,
    /// Public keys.
    pub keys: u64,
    /// Links to sites and not to a person's profile.
    pub sites: u64,
    /// Addresses, numbers and links that are none.
    pub unusable: u64,
    /// Everything else.
    pub others: u64,
}

impl AddAssign for Omitted {
    fn add_assign(&mut self, more: Self) {
        let Self { photos, birthdays, keys, sites, unusable, others } = more;
        self.photos += photos;
        self.birthdays += birthdays;
        self.keys += keys;
        self.sites += sites;
        self.unusable += unusable;
        self.others += others;
    }
}

impl Card {
    /// What tells this person apart, sorted and once each.
    pub fn keys(&self, country: Option<Country>) -> Vec<Key> {
        let emails = self.emails.iter().filter_map(|address| email_key(address));
        let links = self.links.iter().filter_map(|link| link_key(link));
        let numbers = self.phones.iter().filter_map(|number| phone_key(&phone(number, country)?));
        let mut keys: Vec<Key> = emails.chain(links).chain(self.id.clone().map(Key::Id)).chain(numbers).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Whether a card with all that another record of the same person has more is still one that can be recorded.
    pub(super) fn has_room_for(&self, other: &Self) -> bool {
        let size = |card: &Self| {
            let lists = [&card.emails, &card.links, &card.phones, &card.addresses, &card.notes];
            let bytes: usize = lists.iter().flat_map(|list| list.iter()).map(String::len).sum();
            (lists.iter().map(|list| list.len()).sum::<usize>(), bytes)
        };
        let ((count, bytes), (more_count, more_bytes)) = (size(self), size(other));
        count + more_count <= PROPERTIES_MAX && bytes + more_bytes <= CARD_BYTES_MAX
    }

    /// Adds what another record of the same person has more.
    pub(super) fn join(&mut self, other: Self) {
        let lists = [
            (&mut self.emails, other.emails),
            (&mut self.links, other.links),
            (&mut self.phones, other.phones),
            (&mut self.addresses, other.addresses),
            (&mut self.notes, other.notes),
        ];
        for (list, more) in lists {
            for text in more {
                push_new(list, text);
            }
        }
        self.id = self.id.take().or(other.id);
        let texts = [
            (&mut self.organisation, other.organisation),
            (&mut self.title, other.title),
            (&mut self.connected_on, other.connected_on),
        ];
        for (text, more) in texts {
            if text.is_empty() {
                *text = more;
            }
        }
    }
}

fn push_new(list: &mut Vec<String>, text: String) {
    if !text.is_empty() && !list.contains(&text) {
        list.push(text);
    }
}

/// What a property or a column contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// The whole name.
    Name,
    /// A part of the name: given, further given, family.
    Given,
    Middle,
    Family,
    Email,
    Phone,
    Link,
    Id,
    Organisation,
    Title,
    Note,
    /// A whole postal address.
    Address,
    /// A part of the postal address with a number.
    AddressPart(u8),
    ConnectedOn,
    Photo,
    Birthday,
    PublicKey,
    /// Something else that a person may miss.
    Other,
    /// Something that says nothing by itself, such as the label of another column.
    Ignored,
}

/// A card that is being read.
#[derive(Debug, Default)]
pub(super) struct Draft {
    card: Card,
    parts: [String; 3],
    address_parts: Vec<(u8, Vec<String>)>,
    omitted: Omitted,
    /// Texts that were put.
    texts: usize,
}

impl Draft {
    /// Adds what a property or cell contains. Empty text adds nothing.
    pub(super) fn put(&mut self, field: Field, text: &str) {
        let line = words::line(text);
        if line.is_empty() || self.is_full() {
            return;
        }
        self.texts += 1;
        match field {
            Field::Name => first(&mut self.card.name, line),
            Field::Given => first(&mut self.parts[0], line),
            Field::Middle => first(&mut self.parts[1], line),
            Field::Family => first(&mut self.parts[2], line),
            Field::Email => self.put_emails(&line),
            Field::Phone => match phone(&line, None) {
                Some(_) => push_new(&mut self.card.phones, line),
                None => self.omitted.unusable += 1,
            },
            Field::Link => match link(&line) {
                Some(whole) if link_key(&whole).is_some() => push_new(&mut self.card.links, whole),
                Some(_) => self.omitted.sites += 1,
                None => self.omitted.unusable += 1,
            },
            Field::Id => match card_id(&line) {
                Some(id) => self.card.id = Some(id),
                None => self.omitted.others += 1,
            },
            Field::Organisation => first(&mut self.card.organisation, line),
            Field::Title => first(&mut self.card.title, line),
            Field::Note => push_new(&mut self.card.notes, words::lines(text)),
            Field::Address => push_new(&mut self.card.addresses, line.trim_matches([',', ' ']).to_owned()),
            Field::AddressPart(number) => self.put_address_part(number, line),
            Field::ConnectedOn => first(&mut self.card.connected_on, line),
            Field::Photo => self.omitted.photos += 1,
            Field::Birthday => self.omitted.birthdays += 1,
            Field::PublicKey => self.omitted.keys += 1,
            Field::Other => self.omitted.others += 1,
            Field::Ignored => {}
        }
    }

    /// Adds the addresses of a text, which may be several.
    fn put_emails(&mut self, line: &str) {
        if let Some(address) = email(line) {
            return push_new(&mut self.card.emails, address);
        }
        for part in line.split([',', ';', ' ']).filter(|part| part.contains('@')) {
            self.texts += 1;
            if self.is_full() {
                return;
            }
            match email(part) {
                Some(address) => push_new(&mut self.card.emails, address),
                None => self.omitted.unusable += 1,
            }
        }
        self.omitted.unusable += u64::from(!line.contains('@'));
    }

    fn put_address_part(&mut self, number: u8, line: String) {
        match self.address_parts.iter_mut().find(|(known, _)| *known == number) {
            Some((_, parts)) => parts.push(line),
            None => self.address_parts.push((number, vec![line])),
        }
    }

    /// What was never taken so far.
    pub(super) fn omitted(&self) -> Omitted {
        self.omitted
    }

    /// Whether there is more than a card may have.
    fn is_full(&self) -> bool {
        self.texts > PROPERTIES_MAX
    }

    /// The card, unless it says nobody's name or too much.
    pub(super) fn finish(mut self, spot: Spot) -> Result<Card, Refusal> {
        if self.is_full() {
            let message = format!("the record has more than {PROPERTIES_MAX} addresses, numbers and other values");
            return Err(Refusal::unreadable(spot, "record", message));
        }
        for (_, parts) in std::mem::take(&mut self.address_parts) {
            push_new(&mut self.card.addresses, parts.join(", "));
        }
        if self.card.name.is_empty() {
            self.card.name = words::line(&self.parts.join(" "));
        }
        if !self.card.name.chars().any(char::is_alphanumeric) {
            return Err(Refusal::unreadable(spot, "name", "the record has no name"));
        }
        Ok(self.card)
    }
}

/// Keeps the first of several.
fn first(place: &mut String, text: String) {
    if place.is_empty() {
        *place = text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(fields: &[(Field, &str)]) -> Result<Card, Refusal> {
        let mut draft = Draft::default();
        for (field, text) in fields {
            draft.put(*field, text);
        }
        draft.finish(Spot::new(1, 1))
    }

    #[test]
    fn names_come_whole_or_in_parts() {
        let whole = card(&[(Field::Given, "A."), (Field::Name, " Ada  Quill "), (Field::Name, "B")]).unwrap();
        assert_eq!(whole.name, "Ada Quill");
        let parts = card(&[(Field::Family, "Quill"), (Field::Middle, "M."), (Field::Given, "Ada")]).unwrap();
        assert_eq!(parts.name, "Ada M. Quill");
        for nameless in [&[][..], &[(Field::Email, "a@x.example")], &[(Field::Name, "?!")], &[(Field::Name, "\u{0}")]] {
            assert_eq!(card(nameless).unwrap_err().message, "the record has no name");
        }
    }

    #[test]
    fn several_addresses_in_a_cell_are_several_and_what_is_none_is_counted() {
        let mut draft = Draft::default();
        draft.put(Field::Email, "a@x.example, b@x.example;c@x.example a@x.example");
        draft.put(Field::Email, "none");
        draft.put(Field::Email, "d@@x");
        draft.put(Field::Phone, "by post");
        draft.put(Field::Link, "hillside.example");
        draft.put(Field::Birthday, "--0412");
        let omitted = Omitted { unusable: 3, sites: 1, birthdays: 1, ..Omitted::default() };
        assert_eq!(draft.omitted(), omitted);
        draft.put(Field::Name, "Ada");
        assert_eq!(draft.finish(Spot::new(1, 1)).unwrap().emails, ["a@x.example", "b@x.example", "c@x.example"]);
    }

    #[test]
    fn parts_of_addresses_make_one_line_each() {
        let parts = [
            (Field::Name, "Ada"),
            (Field::AddressPart(0), "12 High Street\nFlat 3"),
            (Field::AddressPart(1), "Elsewhere"),
            (Field::AddressPart(0), "Exampleton"),
        ];
        assert_eq!(card(&parts).unwrap().addresses, ["12 High Street Flat 3, Exampleton", "Elsewhere"]);
    }

    #[test]
    fn a_record_with_too_many_values_is_refused_and_not_slow() {
        let addresses: Vec<String> = (0..20_000).map(|number| format!("a{number}@x.example")).collect();
        let refused = card(&[(Field::Name, "Ada"), (Field::Email, &addresses.join(","))]).unwrap_err();
        assert_eq!(refused.message, "the record has more than 1000 addresses, numbers and other values");
        let most = card(&[(Field::Name, "Ada"), (Field::Email, &addresses[..990].join(" "))]).unwrap();
        assert_eq!(most.emails.len(), 990);
        assert!(most.has_room_for(&Card { notes: vec!["x".into(); 10], ..Card::default() }));
        assert!(!most.has_room_for(&Card { notes: vec!["x".into(); 11], ..Card::default() }));
        assert!(!most.has_room_for(&Card { notes: vec!["x".repeat(CARD_BYTES_MAX)], ..Card::default() }));
    }

    #[test]
    fn joining_adds_what_is_more_and_changes_nothing() {
        let mut one = card(&[(Field::Name, "Ada"), (Field::Email, "a@x.example"), (Field::Title, "GP")]).unwrap();
        let two = card(&[(Field::Name, "Ada Q"), (Field::Email, "b@x.example"), (Field::Title, "Dr")]).unwrap();
        one.join(two);
        assert_eq!((one.name.as_str(), one.title.as_str()), ("Ada", "GP"));
        assert_eq!(one.emails, ["a@x.example", "b@x.example"]);
    }
}
