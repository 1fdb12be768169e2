//! Reads cards: vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350).
//!
//! A file is divided into cards and properties here, line by line; only the properties that are taken go through the
//! parser. Invariant: a broken card is refused alone, and what is never taken, such as photos, is never parsed.

use super::{
    card::{Draft, Field},
    format::{Contacts, Format, NotContacts},
    quoted,
};
use crate::{
    limits::{CARD_BYTES_MAX, CARDS_MAX, PROPERTIES_MAX, PROPERTY_BYTES_MAX},
    lines::Lines,
    refusal::Refusal,
    spot::Spot,
};
use calcard::vcard::{VCard, VCardEntry, VCardKind, VCardProperty, VCardValue};

const BEGIN: &str = "BEGIN:VCARD";
const END: &str = "END:VCARD";

/// Whether a text begins with a card.
pub(super) fn is_vcard(text: &str) -> bool {
    text.lines().find(|line| !is_blank(line)).is_some_and(|line| is(line, BEGIN))
}

fn is(line: &str, mark: &str) -> bool {
    visible(line).eq_ignore_ascii_case(mark)
}

fn is_blank(line: &str) -> bool {
    visible(line).is_empty()
}

/// A line without white space at its ends, nor what marks the beginning or the end of a file: files are put together of
/// several.
fn visible(line: &str) -> &str {
    line.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '\u{feff}')
}

/// Reads all cards of a text.
pub(super) fn read_vcards(text: &str) -> Result<Contacts, NotContacts> {
    let mut contacts = Contacts::of(Format::Vcard);
    let mut lines = Lines::new(text);
    let mut begun = None;
    let mut record = 0;
    let (mut is_stray, mut has_card) = (false, false);
    while let Some((line, number)) = begun.take().or_else(|| lines.next_line()) {
        if is_blank(line) {
            continue;
        }
        let is_card = is(line, BEGIN);
        if !is_card && std::mem::replace(&mut is_stray, true) {
            continue;
        }
        record += 1;
        if record > CARDS_MAX as u64 {
            return Err(NotContacts::TooMany { max: CARDS_MAX });
        }
        let spot = Spot::new(record, number);
        if !is_card {
            contacts.take(spot, Err(Refusal::unreadable(spot, "card", "the line is in no card")));
            continue;
        }
        (is_stray, has_card) = (false, true);
        let mut raw = RawCard::default();
        begun = raw.read(&mut lines);
        raw.finish(spot, &mut contacts);
    }
    if has_card { Ok(contacts) } else { Err(NotContacts::NoCards) }
}

/// A card before it is parsed.
#[derive(Debug, Default)]
struct RawCard {
    /// The properties that are taken, as they stand in the file.
    kept: String,
    properties: usize,
    draft: Draft,
    /// Why it cannot be read.
    fault: Option<String>,
}

impl RawCard {
    /// Reads up to the card's end. Returns the line with which another one begins before this one ends.
    fn read<'t>(&mut self, lines: &mut Lines<'t>) -> Option<(&'t str, u64)> {
        let mut is_agent = false;
        while let Some((line, number)) = lines.next_line() {
            if is(line, END) {
                return None;
            }
            if is(line, BEGIN) {
                if is_agent {
                    skip_card(lines);
                    continue;
                }
                self.fail(|| "the card has no end".to_owned());
                return Some((line, number));
            }
            if is_blank(line) {
                continue;
            }
            let property = Property::read(line, lines);
            is_agent = property.name == "AGENT";
            self.add(&property, number);
        }
        self.fail(|| "the card has no end".to_owned());
        None
    }

    fn add(&mut self, property: &Property, line: u64) {
        self.properties += 1;
        if self.properties > PROPERTIES_MAX {
            return self.fail(|| format!("the card has more than {PROPERTIES_MAX} properties"));
        }
        match field_of(&property.name) {
            Taken::Parsed if property.text.len() > PROPERTY_BYTES_MAX => {
                self.fail(|| format!("line {line} has a property of more than {PROPERTY_BYTES_MAX} bytes"));
            }
            Taken::Parsed if self.kept.len() + property.text.len() > CARD_BYTES_MAX => {
                self.fail(|| format!("the card has more than {CARD_BYTES_MAX} bytes"));
            }
            Taken::Parsed => self.kept.push_str(&property.text),
            // What it contains does not matter.
            Taken::Counted(field) => self.draft.put(field, "x"),
        }
    }

    /// Keeps the first reason.
    fn fail(&mut self, why: impl FnOnce() -> String) {
        self.fault.get_or_insert_with(why);
    }

    fn finish(mut self, spot: Spot, contacts: &mut Contacts) {
        if let Some(fault) = self.fault {
            return contacts.take(spot, Err(Refusal::unreadable(spot, "card", fault)));
        }
        let Ok(card) = VCard::parse(format!("{BEGIN}\r\n{}{END}\r\n", self.kept)) else {
            return contacts.take(spot, Err(Refusal::unreadable(spot, "card", "the card cannot be read")));
        };
        if card.entries.iter().any(is_no_person) {
            contacts.groups += 1;
            return;
        }
        card.entries.iter().for_each(|entry| put(&mut self.draft, entry));
        contacts.omitted += self.draft.omitted();
        contacts.take(spot, self.draft.finish(spot));
    }
}

/// Passes over a card within another one.
fn skip_card(lines: &mut Lines<'_>) {
    let mut depth = 1;
    while depth > 0 {
        let Some((line, _)) = lines.next_line() else { return };
        if is(line, BEGIN) {
            depth += 1;
        } else if is(line, END) {
            depth -= 1;
        }
    }
}

/// A property with all of its lines.
#[derive(Debug)]
struct Property {
    /// Its name in capitals, without the group before it.
    name: String,
    /// Its lines, each with an end.
    text: String,
}

impl Property {
    /// Reads the lines that continue a first one: they begin with white space, follow a soft line end, or are more of
    /// a value in Base64.
    fn read(first: &str, lines: &mut Lines<'_>) -> Self {
        let head = head_of(first);
        let upper = head.to_ascii_uppercase();
        let name = upper.split(';').next().unwrap_or_default();
        let name = name.rsplit('.').next().unwrap_or_default().trim().to_owned();
        let is_quoted = upper.contains("QUOTED-PRINTABLE");
        let is_base64 = upper.contains("BASE64") || upper.split(';').any(|part| part.trim() == "ENCODING=B");
        let mut text = String::from(first);
        let mut is_soft = is_quoted && first.trim_end().ends_with('=');
        while let Some(next) = lines.peek() {
            let is_folded = next.starts_with([' ', '\t']);
            let is_more =
                is_folded || (is_soft && !is(next, END) && !is(next, BEGIN)) || (is_base64 && is_base64_text(next));
            if !is_more {
                break;
            }
            is_soft = is_quoted && next.trim_end().ends_with('=');
            text.push_str("\r\n");
            text.push_str(next);
            lines.next_line();
        }
        // What is too long is not taken.
        if is_quoted && text.len() <= PROPERTY_BYTES_MAX {
            text = quoted::unquoted(head, &text[head.len()..]);
        }
        text.push_str("\r\n");
        text.retain(|letter| letter != '\0');
        Self { name, text }
    }
}

/// Name and parameters of a property: what stands before the first colon that is not in quotes.
fn head_of(line: &str) -> &str {
    let mut is_quoted = false;
    let end = line.find(|letter| {
        is_quoted ^= letter == '"';
        letter == ':' && !is_quoted
    });
    end.map_or(line, |end| &line[..end])
}

fn is_base64_text(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

/// What becomes of a property.
enum Taken {
    /// It is parsed.
    Parsed,
    /// It is only counted.
    Counted(Field),
}

fn field_of(name: &str) -> Taken {
    match name {
        "VERSION"
        | "FN"
        | "N"
        | "EMAIL"
        | "TEL"
        | "URL"
        | "UID"
        | "ORG"
        | "TITLE"
        | "NOTE"
        | "ADR"
        | "KIND"
        | "X-ADDRESSBOOKSERVER-KIND"
        | "X-ABSHOWAS"
        | "SOCIALPROFILE"
        | "X-SOCIALPROFILE" => Taken::Parsed,
        "PHOTO" | "LOGO" => Taken::Counted(Field::Photo),
        "BDAY" => Taken::Counted(Field::Birthday),
        "KEY" => Taken::Counted(Field::PublicKey),
        "PRODID" | "REV" | "SOURCE" | "LABEL" | "CATEGORIES" | "CLIENTPIDMAP" | "MAILER" | "CLASS" | "SORT-STRING"
        | "LANG" | "PROFILE" | "NAME" | "CREATED" | "MEMBER" => Taken::Counted(Field::Ignored),
        _ if name.starts_with("X-AB") || name.starts_with("X-PHONETIC") || name.starts_with("X-ADDRESSBOOKSERVER") => {
            Taken::Counted(Field::Ignored)
        }
        _ => Taken::Counted(Field::Other),
    }
}

/// Whether an entry says that the card is a group, an organisation or a thing.
fn is_no_person(entry: &VCardEntry) -> bool {
    let says = |word: &str| texts(entry).iter().any(|text| text.trim().eq_ignore_ascii_case(word));
    match &entry.name {
        VCardProperty::Kind => entry.values.iter().any(|value| match value {
            VCardValue::Kind(VCardKind::Individual) => false,
            VCardValue::Kind(_) => true,
            _ => ["group", "org", "location"].iter().any(|word| says(word)),
        }),
        VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-ADDRESSBOOKSERVER-KIND") => says("group"),
        VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-ABSHOWAS") => says("company"),
        _ => false,
    }
}

/// The texts of an entry, one for each component.
fn texts(entry: &VCardEntry) -> Vec<String> {
    let texts = entry.values.iter().map(|value| match value {
        VCardValue::Text(text) => text.clone(),
        VCardValue::Component(parts) => parts.join(", "),
        VCardValue::Integer(number) => number.to_string(),
        VCardValue::Float(number) => number.to_string(),
        _ => String::new(),
    });
    texts.collect()
}

fn put(draft: &mut Draft, entry: &VCardEntry) {
    let parts = texts(entry);
    let whole = || parts.join(";");
    match &entry.name {
        VCardProperty::Fn => draft.put(Field::Name, &parts.join(" ")),
        VCardProperty::N => {
            for (field, part) in [Field::Family, Field::Given, Field::Middle].into_iter().zip(&parts) {
                draft.put(field, part);
            }
        }
        VCardProperty::Email => draft.put(Field::Email, &whole()),
        VCardProperty::Tel => draft.put(Field::Phone, &whole()),
        VCardProperty::Url | VCardProperty::Socialprofile => draft.put(Field::Link, &whole()),
        VCardProperty::Uid => draft.put(Field::Id, &whole()),
        VCardProperty::Org => draft.put(Field::Organisation, parts.first().map_or("", String::as_str)),
        VCardProperty::Title => draft.put(Field::Title, &parts.join(", ")),
        VCardProperty::Note => draft.put(Field::Note, &parts.join(", ")),
        VCardProperty::Adr => {
            let full: Vec<&str> = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
            draft.put(Field::Address, &full.join(", "));
        }
        VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-SOCIALPROFILE") => draft.put(Field::Link, &whole()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::card::{Card, Omitted};
    use proptest::prelude::*;

    fn read(text: &str) -> Contacts {
        read_vcards(text).unwrap()
    }

    /// The only card with these properties.
    fn card(properties: &str) -> Card {
        let text = format!("BEGIN:VCARD\r\n{}\r\nEND:VCARD\r\n", properties.replace('\n', "\r\n"));
        let found = read(&text);
        assert_eq!((found.cards.len(), &found.refusals[..]), (1, &[][..]), "{text}");
        found.cards[0].1.clone()
    }

    fn told(text: &str) -> Vec<(u64, u64, String)> {
        read(text).refusals.into_iter().map(|one| (one.spot.record, one.spot.line, one.message)).collect()
    }

    #[test]
    fn version_2_1_has_charsets_and_soft_line_ends() {
        let found = card(
            "VERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=B8rk;J=\n=C3=BCrgen;;;\n\
             FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen=20=\nM=C3=B8rk\n\
             NOTE;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:caf=E9=0D=0Aand more\n\
             TEL;CELL;VOICE:+44 20 7946 0958\nEMAIL;INTERNET:juergen@x.example\nORG:Riverside;Ward 3",
        );
        assert_eq!((found.name.as_str(), found.organisation.as_str()), ("Jürgen Mørk", "Riverside"));
        assert_eq!(found.notes, ["café\nand more"]);
        assert_eq!((found.emails.len(), found.phones.len()), (1, 1));
        assert_eq!(card("VERSION:2.1\nFN;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen").name, "Jürgen");
        assert_eq!(card("VERSION:2.1\nFN;ENCODING=QUOTED-PRINTABLE:J=FCrgen").name, "Jürgen");
    }

    #[test]
    fn photos_and_birthdays_are_counted_and_never_parsed() {
        let photo = "/9j/4AAQSkZJRg\n".repeat(8_000);
        let text = format!(
            "BEGIN:VCARD\nVERSION:2.1\nFN:Ada Quill\nPHOTO;ENCODING=BASE64;TYPE=JPEG:{photo}\nBDAY:--0412\n\
             KEY:x\nLOGO;VALUE=uri:https://p.example/l\nX-WEIRD:1\nEND:VCARD\n"
        );
        let found = read(&text);
        assert_eq!((found.cards.len(), found.refusals.len()), (1, 0));
        let omitted = Omitted { photos: 2, birthdays: 1, keys: 1, others: 1, ..Omitted::default() };
        assert_eq!(found.omitted, omitted);
    }

    #[test]
    fn apple_groups_and_labels_are_understood() {
        let found = card(
            "VERSION:3.0\nN:Quill;Ada;M.;Dr.;\nFN:Ada Quill\nitem1.EMAIL;type=INTERNET:ada@x.example\n\
             item1.X-ABLabel:_$!<Other>!$_\nitem2.URL;type=pref:https\\://social.example/in/ada\n\
             X-SOCIALPROFILE;type=linkedin:http://social.example/in/quill\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12\n\
             UID:0F2C1F3E-7F6F-4D5E-9F0A-3B1C2D4E5F60:ABPerson\nADR;type=HOME:;;12 High Street\\, Flat 3;Exampleton;;EX1 2AB;",
        );
        assert_eq!(found.emails, ["ada@x.example"]);
        assert_eq!(found.links, ["https://social.example/in/ada", "http://social.example/in/quill"]);
        assert_eq!(found.id.as_deref(), Some("urn:uuid:0f2c1f3e-7f6f-4d5e-9f0a-3b1c2d4e5f60"));
        assert_eq!(found.addresses, ["12 High Street, Flat 3, Exampleton, EX1 2AB"]);
    }

    #[test]
    fn version_4_has_uris_and_folded_lines() {
        let found = card(
            "VERSION:4.0\nKIND:individual\nFN:Ada\n  Quill\nTEL;VALUE=uri;TYPE=\"voice,home\":tel:+1-202-555-0123;ext=12\n\
             EMAIL;PREF=1:ada@x.example\nUID:urn:uuid:0f2c1f3e-7f6f-4d5e-9f0a-3b1c2d4e5f60\nORG:Hillside",
        );
        assert_eq!((found.name.as_str(), found.phones.len()), ("Ada Quill", 1));
        assert_eq!(found.phones, ["tel:+1-202-555-0123;ext=12"]);
        assert!(found.id.is_some());
    }

    #[test]
    fn groups_and_organisations_are_no_people() {
        for kind in ["KIND:group", "KIND:org", "X-ADDRESSBOOKSERVER-KIND:group", "X-ABShowAs:COMPANY"] {
            let found = read(&format!("BEGIN:VCARD\nVERSION:4.0\nFN:Board\n{kind}\nEND:VCARD\n"));
            assert_eq!((found.cards.len(), found.refusals.len(), found.groups), (0, 0, 1), "{kind}");
        }
    }

    #[test]
    fn broken_cards_are_refused_alone() {
        let good = "BEGIN:VCARD\nFN:Ada Quill\nEND:VCARD\n";
        let found = told(&format!(
            "BEGIN:VCARD\nFN:Percy\n{good}BEGIN:VCARD\nEMAIL:a@x.example\nEND:VCARD\nx\ny\n{good}BEGIN:VCARD\nFN:Nell\n"
        ));
        let expected = [
            (1, 1, "the card has no end".to_owned()),
            (3, 6, "the record has no name".to_owned()),
            (4, 9, "the line is in no card".to_owned()),
            (6, 14, "the card has no end".to_owned()),
        ];
        assert_eq!(found, expected);
        let many = "X-A:1\n".repeat(PROPERTIES_MAX + 1);
        assert!(
            told(&format!("BEGIN:VCARD\nFN:A\n{many}END:VCARD\n{good}"))[0].2.contains("more than 1000 properties")
        );
        let long = "x".repeat(1024 * 1024);
        let found = told(&format!("{good}BEGIN:VCARD\nFN:A\nNOTE:{long}\nEND:VCARD\n{good}"));
        assert_eq!(found, [(2, 4, "line 6 has a property of more than 65536 bytes".to_owned())]);
    }

    #[test]
    fn a_card_within_a_card_is_an_agent() {
        let text = "BEGIN:VCARD\nVERSION:2.1\nFN:Ada\nAGENT:\nBEGIN:VCARD\nFN:Percy\nEND:VCARD\nEMAIL:a@x.example\nEND:VCARD\n";
        let found = read(text);
        assert_eq!((found.cards.len(), found.refusals.len(), found.omitted.others), (1, 0, 1));
        assert_eq!((found.cards[0].1.name.as_str(), found.cards[0].1.emails.len()), ("Ada", 1));
    }

    #[test]
    fn line_ends_and_nulls_do_not_matter() {
        for text in ["BEGIN:VCARD\rFN:Ada\rEND:VCARD\r", "begin:vcard\r\n\r\nfn:A\u{0}da\nend:vcard"] {
            let found = read(text);
            assert_eq!((found.cards.len(), found.cards[0].1.name.as_str()), (1, "Ada"), "{text:?}");
        }
    }

    #[test]
    fn lines_are_unfolded_in_every_way_that_programs_fold_them() {
        for (folded, name) in [
            ("FN:Ada\r\n  Quill", "Ada Quill"),
            ("FN:Ada Qu\r\n ill", "Ada Quill"),
            ("FN:Ada Qu\r\n\till", "Ada Quill"),
            ("FN:Ada \r\n Qu\r\n i\r\n ll", "Ada Quill"),
            ("FN\r\n :Ada Quill", "Ada Quill"),
            ("item1.FN;LANGUAGE=\"a:b;c\":Ada\\, Quill", "Ada, Quill"),
            ("FN:Ada Quill\r\n \r\nX-A:1", "Ada Quill"),
            ("FN;CHARSET=KOI8-R;ENCODING=QUOTED-PRINTABLE:=E1=C4=\r\n=C1", "Ада"),
            ("FN;ENCODING=BASE64;CHARSET=UTF-8:SsO8cmdlbg==", "Jürgen"),
            ("FN;ENCODING=b:QWRhIFF1\r\n aWxs", "Ada Quill"),
        ] {
            let found = read(&format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{folded}\r\nEND:VCARD\r\n"));
            let names: Vec<&str> = found.cards.iter().map(|(_, card)| card.name.as_str()).collect();
            assert_eq!((names, &found.refusals[..]), (vec![name], &[][..]), "{folded:?}");
        }
        let note = card("VERSION:3.0\nFN:Ada\nNOTE:one\\ntwo\\; three\\\\\n BEGIN:VCARD\n END:VCARD");
        assert_eq!(note.notes, ["one\ntwo; three\\BEGIN:VCARDEND:VCARD"], "what is folded ends no card");
        let named = card("VERSION:4.0\nN:Quill;Ada\\;x,Bea;M.;;\nORG:A\\;B;C");
        assert_eq!((named.name.as_str(), named.organisation.as_str()), ("Ada;x, Bea M. Quill", "A;B"));
    }

    #[test]
    fn hostile_cards_are_refused_or_read_and_never_slow() {
        let nested = format!(
            "BEGIN:VCARD\nFN:Ada\nAGENT:\n{}{}END:VCARD\n",
            "BEGIN:VCARD\n".repeat(50_000),
            "END:VCARD\n".repeat(50_000)
        );
        assert_eq!(read(&nested).cards.len(), 1);
        let open = "BEGIN:VCARD\nFN:A\n".repeat(50_000);
        assert_eq!(read(&open).refusals.len(), 50_000);
        let bare = format!("BEGIN:VCARD\nFN:Ada\nAGENT:\n{}", "BEGIN:VCARD\n".repeat(50_000));
        assert_eq!(told(&bare), [(1, 1, "the card has no end".to_owned())]);
        let many = "BEGIN:VCARD\nFN:A\nEND:VCARD\n".repeat(CARDS_MAX + 1);
        assert_eq!(read_vcards(&many), Err(NotContacts::TooMany { max: CARDS_MAX }));
        for line in [
            "x".repeat(8 << 20),
            "FN:".repeat(1 << 20),
            ";\"".repeat(1 << 20),
            "=".repeat(1 << 20),
            "FN;A=".repeat(1 << 18),
        ] {
            for head in ["", "FN:", "NOTE;ENCODING=QUOTED-PRINTABLE:", "PHOTO;ENCODING=b:", "N;X=", "\u{feff}"] {
                let found =
                    read(&format!("BEGIN:VCARD\nFN:Ada\n{head}{line}\nEND:VCARD\nBEGIN:VCARD\nFN:Nell\nEND:VCARD\n"));
                assert_eq!(found.cards.last().map(|(_, card)| card.name.as_str()), Some("Nell"), "{head}");
            }
        }
        let soft = format!("BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:Ada=\n{}END:VCARD\n", "=\n".repeat(100_000));
        assert!(told(&soft)[0].2.contains("more than 65536 bytes"), "{:?}", told(&soft));
    }

    #[test]
    fn files_that_were_put_together_keep_all_their_cards() {
        let one = "\u{feff}BEGIN:VCARD\r\nFN:Ada\r\nEND:VCARD\r\n\u{1a}";
        let found = read(&one.repeat(3));
        assert_eq!((found.cards.len(), found.refusals.len()), (3, 0));
        assert!(is_vcard(one));
    }

    proptest! {
        #[test]
        fn any_text_in_a_card_is_read_or_refused(text in "[A-Z:;=.,\\\\ \n\r\"a-e0-9\u{e9}]{0,80}") {
            let _ = read(&format!("BEGIN:VCARD\n{text}\nEND:VCARD\n"));
            let _ = read(&format!("BEGIN:VCARD\nFN:A\nN;ENCODING=QUOTED-PRINTABLE:{text}\nADR:{text}\nEND:VCARD\n"));
        }
    }
}
