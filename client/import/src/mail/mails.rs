//! Which messages of a mailbox count as follow-ups, and between whom.

use super::mailbox::{Mailbox, NotMailbox};
use crate::{
    addresses::{Addresses, Owner, Strangers},
    contacts::MONTHS,
    limits::{MAIL_RECIPIENTS_MAX, MESSAGE_ID_BYTES_MAX},
    occasions::{Content, Log, Occasion, OccasionKey, State},
    refusal::Refusal,
    spot::Spot,
};
use kith_core::{
    event::{FollowedUp, Habit, Scope},
    id::PersonId,
    timestamp::Timestamp,
};
use mail_parser::{Address, Message, MessageParser};
use std::{collections::BTreeSet, io::BufRead};

/// Separates the identity of mails from all other hashes.
const DOMAIN: &[u8] = b"kith/import/mail/1";
/// What `Precedence` says of mail to many.
const BULK: [&str; 3] = ["bulk", "junk", "list"];

/// How a mailbox is read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The log that it is for.
    pub log: Log,
    /// Who may see the follow-ups.
    pub scope: Scope,
    /// What was sent by then counts.
    pub now: Timestamp,
}

/// Messages that are no follow-ups, by why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// They came from lists.
    pub lists: u64,
    /// Programs sent them, or they went out in bulk.
    pub automatic: u64,
    /// They have more recipients than a follow-up may have.
    pub crowded: u64,
    /// The sender is nobody of the network.
    pub from_strangers: u64,
    /// No other recipient is of the network.
    pub to_strangers: u64,
}

/// The follow-ups of a mailbox.
#[derive(Debug, Default)]
pub struct Mails {
    /// What took place.
    pub occasions: Vec<Occasion>,
    /// Messages that cannot be read.
    pub refusals: Vec<Refusal>,
    /// What is no follow-up.
    pub passed: Passed,
    /// Addresses of nobody in the network.
    pub strangers: Strangers,
    /// All messages.
    pub messages: u64,
}

/// Reads the follow-ups of a mailbox.
pub fn read_mails(input: impl BufRead, settings: &Settings, addresses: &Addresses<'_>) -> Result<Mails, NotMailbox> {
    let mut mailbox = Mailbox::open(input)?;
    let mut mails = Mails::default();
    while let Some((spot, headers)) = mailbox.next_message()? {
        mails.messages += 1;
        let taken = match headers {
            Ok(headers) => mails.take(spot, headers, settings, addresses),
            Err(why) => Err(why),
        };
        if let Err(why) = taken {
            mails.refusals.push(Refusal::unreadable(spot, "message", why));
        }
    }
    Ok(mails)
}

impl Mails {
    fn take(
        &mut self,
        spot: Spot,
        mut headers: Vec<u8>,
        settings: &Settings,
        addresses: &Addresses<'_>,
    ) -> Result<(), String> {
        headers.extend_from_slice(b"\r\n");
        let message = MessageParser::default().parse_headers(&headers).ok_or("the message has no headers")?;
        if message.header("List-Id").is_some() {
            self.passed.lists += 1;
            return Ok(());
        }
        let is_automatic = raw(&message, "Auto-Submitted").is_some_and(|value| !value.eq_ignore_ascii_case("no"));
        let is_bulk = raw(&message, "Precedence").is_some_and(|value| BULK.contains(&&*value.to_lowercase()));
        if is_automatic || is_bulk {
            self.passed.automatic += 1;
            return Ok(());
        }
        let recipients: BTreeSet<&str> = message.all_to().chain(message.all_cc()).flat_map(texts).collect();
        if recipients.len() > MAIL_RECIPIENTS_MAX {
            self.passed.crowded += 1;
            return Ok(());
        }
        let sender = message.from().and_then(|from| texts(from).next()).ok_or("the message has no sender")?;
        let occurred_at = date(&message, settings.now)?;
        let id = message.message_id().filter(|id| !id.is_empty()).ok_or("the message has no Message-ID")?;
        if id.len() > MESSAGE_ID_BYTES_MAX {
            return Err(format!("the message's Message-ID has more than {MESSAGE_ID_BYTES_MAX} bytes"));
        }
        let by = match addresses.owner(sender) {
            Owner::Person(person) => person,
            Owner::Nobody(address) => {
                self.strangers.note(address);
                self.passed.from_strangers += 1;
                return Ok(());
            }
            Owner::NoAddress => return Err("the message's sender has no e-mail address".to_owned()),
        };
        let with = self.people(recipients, &by, addresses);
        if with.is_empty() {
            self.passed.to_strangers += 1;
            return Ok(());
        }
        let content = Content {
            habit: Habit::FollowedUp(FollowedUp { by, with, about: None }),
            occurred_at,
            minutes: None,
            scope: settings.scope,
            words: Vec::new(),
        };
        let keys = OccasionKey::in_both_scopes(DOMAIN, &settings.log, settings.scope, &[id.as_bytes()]).to_vec();
        self.occasions.push(Occasion { spot, keys, state: State::Happened(content) });
        Ok(())
    }

    /// The recipients whom the network knows, without the sender.
    fn people(&mut self, recipients: BTreeSet<&str>, by: &PersonId, addresses: &Addresses<'_>) -> Vec<PersonId> {
        let mut people = BTreeSet::new();
        for address in recipients {
            match addresses.owner(address) {
                Owner::Person(person) if person != *by => drop(people.insert(person)),
                Owner::Nobody(address) => self.strangers.note(address),
                Owner::Person(_) | Owner::NoAddress => {}
            }
        }
        people.into_iter().collect()
    }
}

/// When a message was sent.
fn date(message: &Message<'_>, now: Timestamp) -> Result<Timestamp, String> {
    // The parser takes any word for some month.
    let text = raw(message, "Date").unwrap_or_default().to_lowercase();
    let has_month = MONTHS.iter().any(|month| text.contains(month));
    let date = message.date().filter(|date| has_month && date.is_valid() && date.year >= 1970);
    let date = date.ok_or("the message has no date that can be read")?;
    let time = Timestamp::from_millis(date.to_timestamp() * 1_000);
    if time > now { Err("the message's date is in the future".to_owned()) } else { Ok(time) }
}

/// The text of a header, without its comment.
fn raw<'m>(message: &'m Message<'_>, name: &'static str) -> Option<&'m str> {
    message.header_raw(name).map(|value| value.split(['(', ';']).next().unwrap_or_default().trim())
}

/// All addresses of a header, also those of groups.
fn texts<'m>(address: &'m Address<'_>) -> impl Iterator<Item = &'m str> {
    address.iter().filter_map(|one| one.address.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::tests::directory;
    use kith_json::time_text;
    use proptest::prelude::*;

    const PEOPLE: [&str; 3] = ["ada ada@x.example", "ben ben@x.example", "cora cora@x.example"];
    /// 2026-11-20T12:00:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);
    const HEAD: &str = "Date: Mon, 2 Nov 2026 09:00:00 +0100\nMessage-ID: <1@x.example>\n";
    const SENT: &str = "2026-11-02T08:00:00Z ada: ben";

    fn settings() -> Settings {
        let log = Log { origin: "kith/demo/1".parse().unwrap(), organisation: "riverside".parse().ok() };
        Settings { log, scope: Scope::Organisation, now: NOW }
    }

    fn read(text: &[u8]) -> Mails {
        let known = directory(&PEOPLE);
        read_mails(text, &settings(), &Addresses::of(&known)).unwrap()
    }

    fn happened(mails: &Mails) -> Vec<String> {
        let line = |occasion: &Occasion| match &occasion.state {
            State::Happened(Content { habit: Habit::FollowedUp(FollowedUp { by, with, .. }), occurred_at, .. }) => {
                let with: Vec<&str> = with.iter().map(PersonId::as_str).collect();
                format!("{} {by}: {}", time_text(*occurred_at), with.join(" "))
            }
            state => panic!("{state:?} is no mail"),
        };
        mails.occasions.iter().map(line).collect()
    }

    fn check(headers: &str, expected: &[&str], passed: Passed) {
        let found = read(format!("From x\n{HEAD}{headers}\nbody\n").as_bytes());
        assert_eq!(happened(&found), expected, "{headers}");
        assert_eq!(found.passed, passed, "{headers}");
        assert!(found.refusals.is_empty(), "{headers}: {:?}", found.refusals);
    }

    #[test]
    fn a_mail_between_people_of_the_network_is_a_follow_up() {
        let passed = Passed::default;
        let ada = "From: Ada Quill <ADA@x.example>\n";
        check(&format!("{ada}To: ben@x.example\n"), &[SENT], passed());
        check(
            &format!("{ada}To: \"Okoro, Ben\" <ben@x.example>, zoe@x.example\nCc: ada@x.example\n"),
            &[SENT],
            passed(),
        );
        check(
            &format!("{ada}Cc: Team: ben@x.example, cora@x.example;\n"),
            &["2026-11-02T08:00:00Z ada: ben cora"],
            passed(),
        );
        check(
            &format!("{ada}To: ben@x.example,\n cora@x.example\n"),
            &["2026-11-02T08:00:00Z ada: ben cora"],
            passed(),
        );
        check(&format!("{ada}To: =?utf-8?Q?Ben_Ok=C3=B6ro?= <ben@x.example>\n"), &[SENT], passed());
        check(&format!("{ada}To: ada@x.example\n"), &[], Passed { to_strangers: 1, ..passed() });
        check(&format!("{ada}To: undisclosed-recipients:;\n"), &[], Passed { to_strangers: 1, ..passed() });
        check(ada, &[], Passed { to_strangers: 1, ..passed() });
        check("From: zoe@x.example\nTo: ben@x.example\n", &[], Passed { from_strangers: 1, ..passed() });
        check(&format!("{ada}To: ben@x.example\nSender: zoe@x.example\nReply-To: zoe@x.example\n"), &[SENT], passed());
    }

    #[test]
    fn lists_programs_and_crowds_do_not_follow_up() {
        let mail = "From: ada@x.example\nTo: ben@x.example\n";
        let automatic = Passed { automatic: 1, ..Passed::default() };
        check(&format!("{mail}List-Id: Ward news <news.x.example>\n"), &[], Passed { lists: 1, ..Passed::default() });
        check(&format!("{mail}Auto-Submitted: auto-replied (vacation)\n"), &[], automatic);
        check(&format!("{mail}AUTO-SUBMITTED: no\n"), &[SENT], Passed::default());
        for bulk in ["bulk", "List", "junk"] {
            check(&format!("{mail}Precedence: {bulk}\n"), &[], automatic);
        }
        check(&format!("{mail}Precedence: first-class\n"), &[SENT], Passed::default());
        let others =
            |count: usize| (1..count).map(|number| format!("p{number}@x.example")).collect::<Vec<_>>().join(",");
        let to = |count: usize| format!("From: ada@x.example\nTo: {}, ben@x.example\n", others(count));
        check(&to(MAIL_RECIPIENTS_MAX), &[SENT], Passed::default());
        check(&to(MAIL_RECIPIENTS_MAX + 1), &[], Passed { crowded: 1, ..Passed::default() });
    }

    #[test]
    fn broken_messages_are_refused_alone() {
        let good = format!("From x\n{HEAD}From: ada@x.example\nTo: ben@x.example\n\n");
        let to = "From: ada@x.example\nTo: ben@x.example\n";
        let refused = |headers: &str, why: &str| {
            let found = read(format!("{good}From y\n{headers}\nbody\n\n{}", good.replace("<1@", "<2@")).as_bytes());
            let [Refusal { spot, message, .. }] = &found.refusals[..] else { panic!("{headers}: {found:?}") };
            assert!(message.contains(why), "{headers}: {message}");
            assert_eq!((spot.record, spot.line), (2, 7), "{headers}");
            assert_eq!((happened(&found), found.messages), (vec![SENT.to_owned(); 2], 3), "{headers}");
        };
        let date = "Date: Mon, 2 Nov 2026 09:00:00 +0100\n";
        let id = "Message-ID: <3@x.example>\n";
        refused(&format!("{date}{to}"), "no Message-ID");
        refused(&format!("{date}Message-ID:\n{to}"), "no Message-ID");
        refused(&format!("{date}Message-ID: <{}@x.example>\n{to}", "x".repeat(1_000)), "more than 998 bytes");
        refused(&format!("{id}{to}"), "no date");
        refused(&format!("Date: soon\n{id}{to}"), "no date");
        refused(&format!("Date: Mon, 2 Foo 2026 09:00:00 +0100\n{id}{to}"), "no date");
        refused(&format!("Date: Mon, 2 Nov 1926 09:00:00 +0100\n{id}{to}"), "no date");
        refused(&format!("Date: Mon, 2 Nov 2126 09:00:00 +0100\n{id}{to}"), "in the future");
        refused(&format!("{date}{id}To: ben@x.example\n"), "no sender");
        refused(&format!("{date}{id}From:\nTo: ben@x.example\n"), "no sender");
        refused(&format!("{date}{id}From: Ada\nTo: ben@x.example\n"), "no");
        refused(&format!("{date}{id}From: ada@x.example\nTo: {}\n", "x".repeat(70_000)), "more than 65536 bytes");
        refused("Subject: nothing else\n", "no");
    }

    #[test]
    fn odd_mailboxes_are_read_all_the_same() {
        let mail = format!("From x\n{HEAD}From: ada@x.example\nTo: ben@x.example\n");
        let odd = [
            mail.clone().into_bytes(),
            mail.replace('\n', "\r\n").into_bytes(),
            format!("\n\n{mail}\n\n\n").into_bytes(),
            format!("{mail}\nFrom here on, all is text\n>From x\n").into_bytes(),
            mail.replace("From: ada", "FROM : ada").into_bytes(),
            mail.replace("To:", "Received: x\n\tby y\nTo:").into_bytes(),
            [mail.as_bytes(), b"Subject: \xff\xfe\x00\n\n\xff\xfe\n"].concat(),
            format!("{mail}{mail}").into_bytes(),
        ];
        for text in odd {
            let found = read(&text);
            assert_eq!(happened(&found), [SENT], "{}", String::from_utf8_lossy(&text));
            assert!(found.refusals.is_empty(), "{:?}", found.refusals);
        }
    }

    #[test]
    fn a_mail_has_one_id_in_each_log_and_organisation() {
        let known = directory(&PEOPLE);
        let addresses = Addresses::of(&known);
        let key = |text: &str, settings: &Settings| {
            read_mails(text.as_bytes(), settings, &addresses).unwrap().occasions[0].keys.clone()
        };
        let mail = format!("From x\n{HEAD}From: ada@x.example\nTo: ben@x.example\n");
        let one = key(&mail, &settings());
        assert_eq!(one, key(&mail.replace("09:00", "10:00").replace("ben@", "cora@"), &settings()));
        assert_ne!(one, key(&mail.replace("<1@", "<2@"), &settings()));
        let log = Log { organisation: "hillside".parse().ok(), ..settings().log };
        let there = key(&mail, &Settings { log, ..settings() });
        assert_ne!(one[0], there[0], "what an organisation keeps to itself is its own");
        assert_eq!(one[1], there[1], "what all see is one");
        let open = key(&mail, &Settings { scope: Scope::Network, ..settings() });
        assert_eq!((open[0], open[1]), (one[1], one[0]));
    }

    fn sample() -> Vec<u8> {
        let mail = format!(
            "From x\n{HEAD}From: =?utf-8?B?QWRh?= <ada@x.example>\nTo: Team: ben@x.example, \"C, D\" <cora@x.example>;\n\
             Subject: x\n\nbody\n\n"
        );
        [mail.as_bytes(), mail.replace("<1@", "<2@").as_bytes()].concat()
    }

    #[test]
    fn a_mailbox_that_is_cut_off_anywhere_is_read() {
        let known = directory(&PEOPLE);
        let addresses = Addresses::of(&known);
        let text = sample();
        assert_eq!(happened(&read(&text)).len(), 2);
        for end in 0..text.len() {
            let _ = read_mails(&text[..end], &settings(), &addresses);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_reader(changes in prop::collection::vec((0..1_000_usize, any::<u8>()), 1..8)) {
            let known = directory(&PEOPLE);
            let mut bytes = sample();
            for (place, byte) in changes {
                let place = place % bytes.len();
                bytes[place] = byte;
            }
            let _ = read_mails(&bytes[..], &settings(), &Addresses::of(&known));
        }
    }
}
