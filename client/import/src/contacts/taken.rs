//! What is taken of a card, as details of an event.

use super::{
    card::Card,
    keys::{Country, Key, email_key, email_uri, link_key, phone, phone_key, phone_uri},
};
use crate::names::folded;
use kith_core::{detail::DetailKind, limits::DETAIL_TEXT_BYTES_MAX};

/// Something that is taken only if somebody says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// Telephone numbers.
    Phones,
    /// Notes.
    Notes,
    /// Postal addresses.
    Addresses,
    /// Job titles.
    Titles,
}

/// What a detail of a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// A name.
    Name,
    /// An e-mail address.
    Email,
    /// A link to a profile.
    Link,
    /// The id of a card.
    Id,
    /// A telephone number.
    Phone,
    /// A postal address.
    Address,
    /// A job title.
    Title,
    /// A note.
    Note,
}

/// A detail to record about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) sort: Sort,
    pub(super) kind: DetailKind,
    pub(super) text: String,
    /// What makes it the same as another one.
    pub(super) identity: Identity,
}

/// What makes two details the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    Key(Key),
    /// Text as people read it.
    Text(DetailKind, String),
}

impl Identity {
    /// The identity of a detail of the directory.
    pub(super) fn of_detail(kind: DetailKind, text: &str, country: Option<Country>) -> Self {
        let key = (kind == DetailKind::Contact).then(|| Key::of_detail(text, country)).flatten();
        key.map_or_else(|| Self::Text(kind, folded(text)), Self::Key)
    }
}

/// What is taken of a card besides its name, and what is not.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) words: Vec<Word>,
    /// What is not taken because nobody asked for it.
    pub(super) left_out: Vec<Sort>,
    /// What is longer than a detail may be.
    pub(super) too_long: u64,
}

/// What is taken of a card: its addresses, links and id, and what somebody asks for.
pub(super) fn taken(card: &Card, extras: &[Extra], country: Option<Country>) -> Taken {
    let mut taken = Taken::default();
    let contact = |sort, text: String, key: Option<Key>| {
        let identity = key.map_or_else(|| Identity::Text(DetailKind::Contact, folded(&text)), Identity::Key);
        Word { sort, kind: DetailKind::Contact, text, identity }
    };
    for address in &card.emails {
        taken.add(contact(Sort::Email, email_uri(address), email_key(address)), true);
    }
    for link in &card.links {
        taken.add(contact(Sort::Link, link.clone(), link_key(link)), true);
    }
    if let Some(id) = &card.id {
        taken.add(contact(Sort::Id, id.clone(), Some(Key::Id(id.clone()))), true);
    }
    let has = |extra: Extra| extras.contains(&extra);
    for number in card.phones.iter().filter_map(|number| phone(number, country)) {
        taken.add(contact(Sort::Phone, phone_uri(&number), phone_key(&number)), has(Extra::Phones));
    }
    for address in &card.addresses {
        taken.add(contact(Sort::Address, address.clone(), None), has(Extra::Addresses));
    }
    let words = |sort, text: &String| {
        let identity = Identity::Text(DetailKind::Words, folded(text));
        Word { sort, kind: DetailKind::Words, text: text.clone(), identity }
    };
    if !card.title.is_empty() {
        taken.add(words(Sort::Title, &card.title), has(Extra::Titles));
    }
    for note in &card.notes {
        taken.add(words(Sort::Note, note), has(Extra::Notes));
    }
    taken
}

impl Taken {
    /// Adds a word, unless it is one that is there, nobody asked for it, or it is too long.
    fn add(&mut self, word: Word, is_wanted: bool) {
        if !is_wanted {
            self.left_out.push(word.sort);
        } else if word.text.len() > DETAIL_TEXT_BYTES_MAX {
            self.too_long += 1;
        } else if self.words.iter().all(|known| known.identity != word.identity) {
            self.words.push(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_uris_and_only_what_is_asked_for() {
        let card = Card {
            name: "Ada".into(),
            emails: vec!["Ada@x.example".into(), "ada@X.example".into()],
            links: vec!["https://social.example/in/ada".into()],
            id: Some("urn:uuid:0f2c1f3e-7f6f-4d5e-9f0a-3b1c2d4e5f60".into()),
            phones: vec!["020 7946 0958".into()],
            addresses: vec!["12 High Street".into()],
            title: "GP".into(),
            notes: vec!["met at the fair".into(), "x".repeat(5_000)],
            ..Card::default()
        };
        let texts = |extras: &[Extra]| -> Vec<String> {
            taken(&card, extras, "44".parse().ok()).words.into_iter().map(|word| word.text).collect()
        };
        let always =
            ["mailto:Ada@x.example", "https://social.example/in/ada", "urn:uuid:0f2c1f3e-7f6f-4d5e-9f0a-3b1c2d4e5f60"];
        assert_eq!(texts(&[]), always);
        let all = texts(&[Extra::Phones, Extra::Notes, Extra::Addresses, Extra::Titles]);
        assert_eq!(all[3..], ["tel:+442079460958", "12 High Street", "GP", "met at the fair"]);
        assert_eq!(taken(&card, &[Extra::Notes], None).too_long, 1);
        assert_eq!(taken(&card, &[], None).left_out, [Sort::Phone, Sort::Address, Sort::Title, Sort::Note, Sort::Note]);
    }
}
