//! Who is who: records and the people of a network, compared by their keys.
//!
//! | what is equal | outcome |
//! |---|---|
//! | a card's id, or an e-mail address or a link and something of the name | the same person |
//! | an e-mail address or a link of somebody of another name | ask |
//! | only a telephone number | ask |
//! | the name, and the organisation or the domain of an address | ask |
//! | keys of several people | ask |
//! | nothing, or only the name | new |
//!
//! A key that two records or two people share is none. So that a second reading finds whom the first one added, a record
//! of which everything is known of a person of the same name is that person if they share a key, and is asked about if
//! nothing tells them apart.
//!
//! Offices have addresses and pages that many people give as theirs: words of one person must not end up with another.

use super::{
    card::Card,
    directory::{Directory, Known},
    keys::{Country, Key, mail_domain},
    taken::{Extra, Identity, taken},
};
use crate::{
    limits::{CANDIDATES_MAX, NAME_LETTERS_MAX},
    names::bare,
    refusal::Refusal,
    spot::Spot,
};
use kith_core::{detail::DetailKind, id::PersonId};
use std::collections::{HashMap, HashSet};

/// What a record turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody new.
    New,
    /// A person of the directory, by their index.
    Same(usize),
    /// Somebody has to decide.
    Ask,
}

/// A person whom a record may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Their id.
    pub person: PersonId,
    /// Their name; may be empty.
    pub name: String,
}

/// A record's verdict, who it may be, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The verdict.
    pub verdict: Verdict,
    /// The same person, or those to choose from.
    pub candidates: Vec<Candidate>,
    /// Why, in words; empty for somebody new.
    pub why: String,
    /// People of the same name, by their index, who have a key of the record or of whom all of it is known: one of them
    /// may have been added for it.
    pub(super) namesakes: Vec<usize>,
}

/// Joins records of a file that have the same name and a key other than a telephone number in common, and those that
/// are equal. Returns how many were joined to an earlier one, and those that would make one too large.
pub(super) fn join_repeated(cards: Vec<(Spot, Card)>) -> (Vec<(Spot, Card)>, usize, Vec<Refusal>) {
    let mut kept: Vec<(Spot, Card)> = Vec::with_capacity(cards.len());
    let mut by_key: HashMap<(String, Key), usize> = HashMap::new();
    let mut keyless: HashMap<Card, usize> = HashMap::new();
    let (mut repeated, mut refusals) = (0, Vec::new());
    for (spot, card) in cards {
        let name = name_key(&card.name);
        let keys: Vec<_> = card.keys(None).into_iter().filter(Key::is_strong).map(|key| (name.clone(), key)).collect();
        let known = match &keys[..] {
            [] => keyless.get(&card).copied(),
            keys => keys.iter().find_map(|key| by_key.get(key).copied()),
        };
        let index = known.unwrap_or(kept.len());
        match kept.get_mut(index) {
            Some((_, whole)) if *whole == card => repeated += 1,
            Some((first, whole)) if !whole.has_room_for(&card) => {
                let message = format!("with this record, the one in line {} would have too many values", first.line);
                refusals.push(Refusal::unreadable(spot, "record", message));
                continue;
            }
            Some((_, whole)) => {
                whole.join(card);
                repeated += 1;
            }
            None => {
                if keys.is_empty() {
                    keyless.insert(card.clone(), index);
                }
                kept.push((spot, card));
            }
        }
        for key in keys {
            by_key.entry(key).or_insert(index);
        }
    }
    (kept, repeated, refusals)
}

/// Compares records with the people of a network.
pub fn match_cards(
    cards: &[(Spot, Card)],
    directory: &Directory,
    extras: &[Extra],
    country: Option<Country>,
) -> Vec<Match> {
    let people = People::of(directory, country);
    let keys: Vec<Vec<Key>> = cards.iter().map(|(_, card)| card.keys(country)).collect();
    let mut records: HashMap<&Key, usize> = HashMap::new();
    keys.iter().flatten().for_each(|key| *records.entry(key).or_default() += 1);
    let matches = cards.iter().zip(&keys).map(|((_, card), keys)| {
        let is_shared = |key: &Key| records[key] > 1;
        people.find(&Record { card, keys, extras, country }, is_shared)
    });
    matches.collect()
}

/// A name as it is compared: without case and accents, and in any order of its words.
pub(super) fn name_key(name: &str) -> String {
    let name = bare(name);
    let mut words: Vec<&str> =
        name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

/// Whether two names may be of one person: a word of one begins like a word of the other. Nobody's name is like all.
fn are_alike(one: &str, other: &str) -> bool {
    let (one, other) = (name_key(one), name_key(other));
    let begins_like = |word: &str| {
        other.split(' ').any(|next| {
            let letters = word.chars().count().min(next.chars().count()).min(NAME_LETTERS_MAX);
            word.chars().take(letters).eq(next.chars().take(letters))
        })
    };
    one.is_empty() || other.is_empty() || one.split(' ').any(begins_like)
}

/// A record to find somebody for.
struct Record<'r> {
    card: &'r Card,
    keys: &'r [Key],
    extras: &'r [Extra],
    country: Option<Country>,
}

/// The people of a network by what is compared.
struct People<'d> {
    directory: &'d Directory,
    by_key: HashMap<Key, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    words: Vec<HashSet<Identity>>,
}

impl<'d> People<'d> {
    fn of(directory: &'d Directory, country: Option<Country>) -> Self {
        let mut people = Self { directory, by_key: HashMap::new(), by_name: HashMap::new(), words: Vec::new() };
        for (index, person) in directory.people().iter().enumerate() {
            let words: HashSet<Identity> =
                person.words.iter().map(|(kind, text)| Identity::of_detail(*kind, text, country)).collect();
            for word in &words {
                if let Identity::Key(key) = word {
                    people.by_key.entry(key.clone()).or_default().push(index);
                }
            }
            let name = name_key(&person.name);
            if !name.is_empty() {
                people.by_name.entry(name).or_default().push(index);
            }
            people.words.push(words);
        }
        people
    }

    fn find(&self, record: &Record<'_>, is_shared: impl Fn(&Key) -> bool) -> Match {
        let namesakes = self.by_name.get(&name_key(&record.card.name)).map_or(&[][..], Vec::as_slice);
        let repeats = self.repeats(record, namesakes);
        let found = self.compare(record, namesakes, &repeats, is_shared);
        let same = match found.verdict {
            Verdict::Same(person) if namesakes.contains(&person) => Some(person),
            Verdict::Same(_) | Verdict::New | Verdict::Ask => None,
        };
        Match { namesakes: same.into_iter().chain(repeats).collect(), ..found }
    }

    fn compare(
        &self,
        record: &Record<'_>,
        namesakes: &[usize],
        repeats: &[usize],
        is_shared: impl Fn(&Key) -> bool,
    ) -> Match {
        let owners = |key: &Key| self.by_key.get(key).map_or(&[][..], Vec::as_slice);
        let own: Vec<(&Key, usize)> = record
            .keys
            .iter()
            .filter(|key| !is_shared(key))
            .filter_map(|key| match owners(key) {
                [only] => Some((key, *only)),
                _ => None,
            })
            .collect();
        let mut found: Vec<usize> = own.iter().map(|(_, person)| *person).collect();
        found.sort_unstable();
        found.dedup();
        if found.len() > 1 {
            return self.ask(&found, self.merge_advice(&found));
        }
        if let Some((key, person)) = own.iter().max_by_key(|(key, _)| strength(key)).filter(|(key, _)| key.is_strong())
        {
            let is_certain = matches!(key, Key::Id(_)) || are_alike(&record.card.name, &self.person(*person).name);
            if is_certain {
                return self.same(*person, &format!("the same {}", kind_of(key)));
            }
            return self.ask(&[*person], format!("the same {}, but another name", kind_of(key)));
        }
        let sharing: Vec<usize> = repeats
            .iter()
            .copied()
            .filter(|person| record.keys.iter().any(|key| owners(key).contains(person)))
            .collect();
        if let [only] = sharing[..] {
            return self.same(only, "the same name and keys, and nothing more");
        }
        if let [only] = found[..] {
            return self.ask(&[only], "the same telephone number".to_owned());
        }
        let near: Vec<usize> = namesakes.iter().copied().filter(|person| self.is_near(record, *person)).collect();
        if !near.is_empty() {
            return self.ask(&near, "the same name, and the same organisation or mail domain".to_owned());
        }
        if !repeats.is_empty() {
            return self.ask(repeats, "the same name, and nothing tells them apart".to_owned());
        }
        Match { verdict: Verdict::New, candidates: Vec::new(), why: String::new(), namesakes: Vec::new() }
    }

    /// Those of whom everything is known that would be recorded.
    fn repeats(&self, record: &Record<'_>, namesakes: &[usize]) -> Vec<usize> {
        if namesakes.is_empty() {
            return Vec::new();
        }
        let words = taken(record.card, record.extras, record.country).words;
        let knows_all = |person: &usize| words.iter().all(|word| self.words[*person].contains(&word.identity));
        namesakes.iter().copied().filter(knows_all).collect()
    }

    /// Whether a person has the organisation of a record, or an address of the same domain.
    fn is_near(&self, record: &Record<'_>, person: usize) -> bool {
        let organisation = self.directory.organisation(&record.card.organisation);
        let is_colleague = organisation.is_some() && self.person(person).organisation.as_ref() == organisation;
        let domains: Vec<&str> = record.keys.iter().filter_map(mail_domain).collect();
        let has_domain = self.words[person].iter().any(|word| match word {
            Identity::Key(key) => mail_domain(key).is_some_and(|domain| domains.contains(&domain)),
            Identity::Text(..) => false,
        });
        is_colleague || has_domain
    }

    fn person(&self, index: usize) -> &'d Known {
        &self.directory.people()[index]
    }

    /// The first of some people.
    fn candidates(&self, people: &[usize]) -> Vec<Candidate> {
        let candidate = |index: &usize| {
            let Known { id, name, .. } = self.person(*index);
            Candidate { person: id.clone(), name: name.clone() }
        };
        people.iter().take(CANDIDATES_MAX).map(candidate).collect()
    }

    fn same(&self, person: usize, why: &str) -> Match {
        let (verdict, candidates) = (Verdict::Same(person), self.candidates(&[person]));
        Match { verdict, candidates, why: why.to_owned(), namesakes: Vec::new() }
    }

    fn ask(&self, people: &[usize], why: String) -> Match {
        let more = people.len().saturating_sub(CANDIDATES_MAX);
        let why = if more > 0 { format!("{why} (and {more} more)") } else { why };
        Match { verdict: Verdict::Ask, candidates: self.candidates(people), why, namesakes: Vec::new() }
    }

    fn merge_advice(&self, found: &[usize]) -> String {
        let (kept, merged) = (&self.person(found[0]).id, &self.person(found[1]).id);
        format!(
            "its keys are those of {} people: if they are one, kith person merge {merged} --into {kept}",
            found.len()
        )
    }
}

/// How much a key says: an id the most.
fn strength(key: &Key) -> u8 {
    match key {
        Key::Id(_) => 3,
        Key::Email(_) => 2,
        Key::Link(_) => 1,
        Key::Phone(_) => 0,
    }
}

fn kind_of(key: &Key) -> &'static str {
    match key {
        Key::Email(_) => "e-mail address",
        Key::Link(_) => "link",
        Key::Id(_) => "id",
        Key::Phone(_) => "telephone number",
    }
}

/// Whether a text is among the words of a person.
pub(super) fn knows(person: &Known, identity: &Identity, country: Option<Country>) -> bool {
    person
        .words
        .iter()
        .any(|(kind, text): &(DetailKind, String)| Identity::of_detail(*kind, text, country) == *identity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_client::{EventBuilder, Recorded, v1};
    use kith_core::{entry::Entry, event::PersonAdded, position::Position, timestamp::Timestamp};

    /// A directory of people by id, name, organisation and contact details.
    fn directory(people: &[(&str, &str, &str, &[&str])]) -> Directory {
        let listed: Vec<v1::Person> = people
            .iter()
            .map(|(id, name, organisation, _)| v1::Person {
                id: (*id).into(),
                name: (*name).into(),
                organisation: (*organisation).into(),
                ..v1::Person::default()
            })
            .collect();
        let organisation = |id: &str| v1::Organisation { id: id.into(), name: id.to_uppercase(), position: 1 };
        let mut directory = Directory::new(&listed, &[organisation("riverside"), organisation("hillside")]);
        for (id, .., contacts) in people {
            directory.learn(&recorded(id, contacts));
        }
        directory
    }

    fn recorded(id: &str, contacts: &[&str]) -> Recorded {
        let person: PersonId = id.parse().unwrap();
        let added = PersonAdded { person: person.clone(), organisation: None, role: String::new() };
        let builder = EventBuilder::new(added, Timestamp::from_millis(0));
        let detail =
            |builder: EventBuilder, text: &&str| builder.detail(DetailKind::Contact, vec![person.clone()], *text);
        let event = contacts.iter().fold(builder, detail).build().unwrap();
        let entry = Entry {
            position: Position::new(1),
            recorded_at: Timestamp::from_millis(0),
            recorded_by: "token:a".parse().unwrap(),
            organisation: None,
            event_bytes: event.to_proto().event,
            signature: None,
        };
        let decoded = Recorded::decode(&entry.encode()).unwrap();
        Recorded { details: event.details().to_vec(), ..decoded }
    }

    fn card(name: &str, organisation: &str, email: &str, phone: &str) -> (Spot, Card) {
        let list = |text: &str| (!text.is_empty()).then(|| text.to_owned()).into_iter().collect();
        let card = Card {
            name: name.into(),
            organisation: organisation.into(),
            emails: list(email),
            phones: list(phone),
            ..Card::default()
        };
        (Spot::new(1, 1), card)
    }

    fn verdicts(cards: &[(Spot, Card)], directory: &Directory, extras: &[Extra]) -> Vec<(Verdict, String)> {
        let found = match_cards(cards, directory, extras, "44".parse().ok());
        found.into_iter().map(|found| (found.verdict, found.why)).collect()
    }

    fn check(record: (Spot, Card), directory: &Directory, expected: Verdict, why: &str) {
        let found = verdicts(&[record], directory, &[]);
        assert_eq!(found, [(expected, why.to_owned())]);
    }

    #[test]
    fn an_address_a_link_or_an_id_is_one_person_s() {
        let id = "urn:uuid:0f2c1f3e-7f6f-4d5e-9f0a-3b1c2d4e5f60";
        let people = directory(&[
            ("p-1", "Ada Quill", "", &["mailto:ada@x.example", "https://www.social.example/in/ada/"]),
            ("p-2", "Percy Moss", "", &[id]),
        ]);
        check(card("A. Q.", "", "ADA@x.example", ""), &people, Verdict::Same(0), "the same e-mail address");
        let mut linked = card("Q. Ada", "", "", "");
        linked.1.links = vec!["http://social.example/in/Ada?x".into()];
        check(linked, &people, Verdict::Same(0), "the same link");
        let mut identified = card("Someone", "", "", "");
        identified.1.id = Some(id.into());
        check(identified, &people, Verdict::Same(1), "the same id");
        check(card("Nell", "", "nell@x.example", ""), &people, Verdict::New, "");
    }

    #[test]
    fn the_address_of_an_office_does_not_make_two_people_one() {
        let contacts: &[&str] = &["mailto:reception@x.example", "https://x.example/team"];
        let people = directory(&[("p-1", "Ada Quill", "", contacts), ("p-2", "", "", &["mailto:nobody@x.example"])]);
        let why = "the same e-mail address, but another name";
        check(card("Percy Moss", "", "reception@x.example", ""), &people, Verdict::Ask, why);
        let mut linked = card("Nell Kettle", "", "", "");
        linked.1.links = vec!["https://x.example/team/".into()];
        check(linked, &people, Verdict::Ask, "the same link, but another name");
        check(card("Nell Kettle", "", "nobody@x.example", ""), &people, Verdict::Same(1), "the same e-mail address");
        for (one, other) in
            [("Jürgen Mørk", "Moerk, Juergen"), ("A. Quill", "Ada Moss"), ("Ada", "quill ada"), ("", "Ada")]
        {
            assert!(are_alike(one, other), "{one} {other}");
        }
        for (one, other) in [("Ada Quill", "Percy Moss"), ("Ada", "李明")] {
            assert!(!are_alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn telephones_and_names_with_a_place_are_asked_about() {
        let people = directory(&[
            ("p-1", "Ada Quill", "riverside", &["mailto:ada@x.example", "tel:+442079460958"]),
            ("p-2", "José Moss", "hillside", &[]),
        ]);
        check(card("Nell", "", "", "020 7946 0958"), &people, Verdict::Ask, "the same telephone number");
        let near = "the same name, and the same organisation or mail domain";
        check(card("Moss, Jose", "Hillside", "j@y.example", ""), &people, Verdict::Ask, near);
        check(card("QUILL ADA", "", "quill@x.example", ""), &people, Verdict::Ask, near);
        check(card("Ada Quill", "Hillside", "ada@y.example", ""), &people, Verdict::New, "");
    }

    #[test]
    fn keys_of_two_people_are_asked_about_with_advice() {
        let people =
            directory(&[("p-1", "Ada", "", &["mailto:a@x.example"]), ("p-2", "Ada", "", &["mailto:b@x.example"])]);
        let mut both = card("Ada", "", "a@x.example", "");
        both.1.emails.push("b@x.example".into());
        let why = "its keys are those of 2 people: if they are one, kith person merge p-2 --into p-1";
        check(both, &people, Verdict::Ask, why);
    }

    #[test]
    fn what_two_share_is_no_key() {
        let people = directory(&[
            ("p-1", "Ada", "", &["mailto:home@x.example"]),
            ("p-2", "Percy", "", &["mailto:home@x.example"]),
            ("p-3", "Otto", "", &["mailto:otto@y.example"]),
        ]);
        check(card("Nell", "", "home@x.example", ""), &people, Verdict::New, "");
        let twins = [card("Ida", "", "otto@y.example", ""), card("Uma", "", "otto@y.example", "")];
        assert!(verdicts(&twins, &people, &[]).iter().all(|(verdict, _)| *verdict == Verdict::New));
    }

    #[test]
    fn a_second_reading_finds_whom_the_first_one_added() {
        let people = directory(&[
            ("p-1", "Rosa Reed", "", &["tel:+442079460958"]),
            ("p-2", "Tim Reed", "", &["tel:+442079460958"]),
            ("p-3", "Sam Green", "", &[]),
        ]);
        let landline = [card("Rosa Reed", "", "", "020 7946 0958"), card("Tim Reed", "", "", "020 7946 0958")];
        let found = verdicts(&landline, &people, &[Extra::Phones]);
        assert_eq!((found[0].0, found[1].0), (Verdict::Same(0), Verdict::Same(1)));
        let why = "the same name, and nothing tells them apart";
        check(card("Sam Green", "", "", ""), &people, Verdict::Ask, why);
        check(card("Sam Green", "", "sam@x.example", ""), &people, Verdict::New, "");
    }

    #[test]
    fn records_of_one_person_are_joined() {
        let cards = vec![
            card("Ada Quill", "", "ada@x.example", ""),
            card("Percy Moss", "", "ada@x.example", ""),
            card("quill, ada", "Riverside", "ADA@x.example", "020 7946 0958"),
            card("Sam Green", "", "", ""),
            card("Sam Green", "", "", ""),
            card("Sam Green", "", "sam@x.example", ""),
        ];
        let (kept, repeated, refusals) = join_repeated(cards);
        assert_eq!((kept.len(), repeated, refusals), (4, 2, Vec::new()));
        assert_eq!((kept[0].1.organisation.as_str(), kept[0].1.phones.len()), ("Riverside", 1));
    }

    #[test]
    fn many_records_of_one_name_or_one_person_are_not_slow_and_do_not_grow_without_end() {
        let namesakes = (0..20_000).map(|number| card("Ada Quill", &format!("o{number}"), "", "")).collect();
        assert_eq!(join_repeated(namesakes).0.len(), 20_000);
        let address = |number: u64| {
            let mut card = card("Ada Quill", "", "ada@x.example", "");
            card.0 = Spot::new(number, number);
            card.1.emails.push(format!("a{number}@x.example"));
            card
        };
        let (kept, repeated, refusals) = join_repeated((1..=2_000).map(address).collect());
        assert_eq!((kept.len(), repeated + refusals.len()), (1, 1_999));
        assert!(kept[0].1.emails.len() <= crate::limits::PROPERTIES_MAX, "{}", kept[0].1.emails.len());
        assert_eq!(refusals[0].message, "with this record, the one in line 1 would have too many values");
    }

    #[test]
    fn only_the_first_of_many_candidates_are_told() {
        let ids: Vec<String> = (0..40).map(|number| format!("p-{number}")).collect();
        let all: Vec<(&str, &str, &str, &[&str])> =
            ids.iter().map(|id| (id.as_str(), "Sam Green", "riverside", &[][..])).collect();
        let found = match_cards(&[card("Sam Green", "riverside", "sam@y.example", "")], &directory(&all), &[], None);
        assert_eq!((found[0].verdict, found[0].candidates.len()), (Verdict::Ask, CANDIDATES_MAX));
        assert!(found[0].why.ends_with("(and 24 more)"), "{}", found[0].why);
    }

    #[test]
    fn names_are_compared_in_any_order() {
        assert_eq!(name_key("Quill, Ada-Maria"), name_key("ada MARIA quill"));
        assert_eq!(name_key("?"), "");
    }
}
