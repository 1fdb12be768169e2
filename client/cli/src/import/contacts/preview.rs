//! Shows what an import of people would record, and what everybody would see then.

use super::sending::Sent;
use crate::{
    failure::Failure,
    import::refusals::{listed, told},
    limits::{NAME_SHOWN_MAX, PREVIEWED_TOLD_MAX},
    show::{
        amounts::{amount, grouped},
        output::{Column, Output, shorten},
    },
};
use kith_core::id::NetworkName;
use kith_import::{
    Refusal,
    contacts::{Counts, Decided, Decision, Format, Key, Plan, Sort, Tally},
};
use serde_json::{Map, Value, json};

/// What is seen of people, in the order in which it is told: the sort, and its name.
const SORTS: [(Sort, &str); 8] = [
    (Sort::Name, "names"),
    (Sort::Email, "e-mail addresses"),
    (Sort::Link, "links"),
    (Sort::Id, "ids"),
    (Sort::Phone, "numbers"),
    (Sort::Address, "postal addresses"),
    (Sort::Title, "job titles"),
    (Sort::Note, "notes"),
];

/// What is never taken, or cannot be, in the order in which it is told.
const OTHERS: [&str; 8] = [
    "birthdays",
    "photos",
    "keys",
    "links to sites",
    "dates of connections",
    "unusable addresses and numbers",
    "words too long or too many",
    "other properties",
];

/// What an import of people would record.
pub(crate) struct Preview<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) format: Format,
    pub(crate) encoding: &'static str,
    pub(crate) network: &'p NetworkName,
    /// People of the network who were erased.
    pub(crate) erased: usize,
}

impl Preview<'_> {
    /// Prints it for people.
    pub(crate) fn tell(&self, output: &mut Output) -> Result<(), Failure> {
        self.table(output)?;
        self.lines().iter().try_for_each(|line| output.line(line))
    }

    /// Everything as JSON: with what was recorded, if anything was, and all refusals.
    pub(crate) fn json(&self, sent: Option<&Sent>, is_dry_run: bool, refusals: &[Refusal]) -> Value {
        let Counts {
            known,
            new,
            to_decide,
            skipped,
            unreadable,
            repeated,
            groups,
            changed,
            kept_out,
            without_organisation,
            cut: _,
            dates: _,
            connections,
        } = self.plan.counts;
        let mut answer = Map::new();
        let mut put = |name: &str, value: Value| drop(answer.insert(name.to_owned(), value));
        put("dry_run", is_dry_run.into());
        put("sent", sent.is_some().into());
        put("format", self.format.name().into());
        put("encoding", self.encoding.into());
        put("records", self.records().into());
        for (name, count) in [
            ("known", known),
            ("new", new),
            ("to_decide", to_decide),
            ("skipped", skipped),
            ("unreadable", unreadable),
            ("repeated", repeated),
            ("groups", groups),
            ("people_to_change", changed),
            ("not_changed", kept_out),
            ("without_organisation", without_organisation),
            ("connections", connections),
            ("erased", self.erased as u64),
        ] {
            put(name, count.into());
        }
        put("seen", counted(&seen(&self.plan.seen)));
        put("left_out", counted(&self.left_out()));
        put("organisations_to_add", json!(self.plan.organisations));
        put("unknown_organisations", json!(self.plan.unknown_organisations));
        if let Some(sent) = sent {
            put("people_added", sent.people.into());
            put("people_changed", sent.changed.into());
            put("organisations_added", sent.organisations.into());
            put("connections_recorded", sent.connections.into());
            put("connections_known", sent.connections_known.into());
        }
        put("rows", self.plan.rows.iter().map(row_json).collect());
        put("refused", refusals.len().into());
        put("refusals", listed(refusals));
        Value::Object(answer)
    }

    /// Records of people, whatever became of them.
    fn records(&self) -> u64 {
        let Counts { known, new, to_decide, skipped, unreadable, .. } = self.plan.counts;
        known + new + to_decide + skipped + unreadable
    }

    /// What has to be decided, the first of it.
    fn table(&self, output: &mut Output) -> Result<(), Failure> {
        let open: Vec<&Decided> = self.plan.rows.iter().filter(|row| row.decision == Decision::Ask).collect();
        if open.is_empty() {
            return Ok(());
        }
        let columns = [Column::number("line"), Column::text("to decide"), Column::text("match"), Column::text("why")];
        let rows = open.iter().take(PREVIEWED_TOLD_MAX).map(|row| {
            let who: Vec<String> =
                row.candidates.iter().map(|one| format!("{} {}", one.person, one.name).trim_end().to_owned()).collect();
            vec![row.spot.line.to_string(), shorten(&row.name, NAME_SHOWN_MAX), who.join(", "), row.why.clone()]
        });
        output.table(&columns, rows.collect())
    }

    fn lines(&self) -> Vec<String> {
        let counts = &self.plan.counts;
        let mut heads = vec![self.heading()];
        let seen = seen(&self.plan.seen);
        if !seen.is_empty() {
            heads.push(format!("would be seen by every member of {}: {}", self.network, in_words(&seen)));
        }
        let left_out = self.left_out();
        if !left_out.is_empty() {
            heads.push(format!("left out: {}", in_words(&left_out)));
        }
        let mut lines = vec![heads.join(" · ")];
        if counts.repeated > 0 {
            lines.push(format!("{} repeated in the file, counted once", grouped(counts.repeated)));
        }
        let mut tell = |count: u64, [one, many]: [&str; 2], rest: &str| {
            let space = if rest.is_empty() || rest.starts_with(':') { "" } else { " " };
            lines.extend((count > 0).then(|| format!("{}{space}{rest}", amount(count, one, many))));
        };
        tell(counts.groups, ["group or organisation", "groups and organisations"], "skipped");
        let (gets, get) = ("known person gets", "known people get");
        tell(counts.changed, [gets, get], "what is new of them; nothing is taken away");
        let (stays, stay) = ("known person stays as they are", "known people stay as they are");
        tell(counts.kept_out, [stays, stay], ": this token may not change them");
        let (is_added, are_added) =
            ("person of another organisation is added", "people of other organisations are added");
        tell(counts.without_organisation, [is_added, are_added], "without organisation");
        tell(counts.connections, ["connection, which counts in no view", "connections, which count in no view"], "");
        let (was_erased, were_erased) = ("person of this network was erased", "people of this network were erased");
        tell(self.erased as u64, [was_erased, were_erased], ": whoever was counts as new here");
        let organisations = &self.plan.organisations;
        tell(
            organisations.len() as u64,
            ["organisation", "organisations"],
            &format!("to add: {}", first_of(organisations)),
        );
        let unknown = &self.plan.unknown_organisations;
        let advice = format!("in the network: {} (--add-orgs adds them, for owners of the network)", first_of(unknown));
        tell(unknown.len() as u64, ["organisation is not", "organisations are not"], &advice);
        lines.extend(told(&self.plan.refusals));
        lines
    }

    /// The line that counts the records.
    fn heading(&self) -> String {
        let Counts { known, new, to_decide, skipped, unreadable, .. } = self.plan.counts;
        let all = [(known, "known"), (new, "new"), (to_decide, "to decide"), (unreadable, "unreadable")];
        let skipped = (skipped > 0).then_some((skipped, "to skip"));
        let parts: Vec<String> =
            all.into_iter().chain(skipped).map(|(count, what)| format!("{} {what}", grouped(count))).collect();
        format!("{}: {}", amount(self.records(), "record", "records"), parts.join(", "))
    }

    /// What is not taken, with its name.
    fn left_out(&self) -> Vec<(&'static str, u64)> {
        let omitted = self.plan.omitted;
        let sorts = seen(&self.plan.left_out);
        let counts = [
            omitted.birthdays,
            omitted.photos,
            omitted.keys,
            omitted.sites,
            self.plan.counts.dates,
            omitted.unusable,
            self.plan.counts.cut,
            omitted.others,
        ];
        let others = OTHERS.into_iter().zip(counts);
        sorts.into_iter().chain(others.filter(|(_, count)| *count > 0)).collect()
    }
}

fn seen(tally: &Tally) -> Vec<(&'static str, u64)> {
    SORTS.iter().map(|(sort, name)| (*name, tally.of(*sort))).filter(|(_, count)| *count > 0).collect()
}

fn in_words(counts: &[(&str, u64)]) -> String {
    let parts: Vec<String> = counts.iter().map(|(name, count)| amount(*count, one_of(name), name)).collect();
    parts.join(", ")
}

/// What one of several is called.
fn one_of(many: &str) -> &str {
    match many {
        "e-mail addresses" => "e-mail address",
        "postal addresses" => "postal address",
        "links to sites" => "link to a site",
        "dates of connections" => "date of a connection",
        "unusable addresses and numbers" => "unusable address or number",
        "words too long or too many" => "text too long or too many",
        "other properties" => "other property",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

/// Counts by their names as fields of JSON.
fn counted(counts: &[(&str, u64)]) -> Value {
    let name = |name: &str| name.replace([' ', '-'], "_");
    counts.iter().map(|(what, count)| (name(what), Value::from(*count))).collect::<Map<_, _>>().into()
}

/// The first of several names.
fn first_of(all: &[String]) -> String {
    let shown: Vec<String> = all.iter().take(PREVIEWED_TOLD_MAX).map(|name| shorten(name, NAME_SHOWN_MAX)).collect();
    let more = if all.len() > PREVIEWED_TOLD_MAX { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn row_json(row: &Decided) -> Value {
    let Decided { spot, decision, name, organisation, keys, candidates, why } = row;
    let mut answer = spot.fields();
    let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    answer.extend([
        ("decision".to_owned(), decision.name().into()),
        ("name".to_owned(), name.as_str().into()),
        ("organisation".to_owned(), given(organisation)),
        ("keys".to_owned(), keys.iter().map(Key::to_string).collect()),
        (
            "match".to_owned(),
            candidates.iter().map(|one| json!({ "person": one.person.as_str(), "name": given(&one.name) })).collect(),
        ),
        ("why".to_owned(), given(why)),
    ]);
    Value::Object(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_is_told_in_the_singular() {
        let all: Vec<&str> = SORTS.iter().map(|(_, name)| *name).chain(OTHERS).collect();
        for many in all {
            assert_eq!(in_words(&[(many, 2)]), format!("2 {many}"));
            assert_ne!(in_words(&[(many, 1)]), format!("1 {many}"));
        }
        assert_eq!(in_words(&[("e-mail addresses", 1), ("ids", 2)]), "1 e-mail address, 2 ids");
    }

    #[test]
    fn only_the_first_names_are_told() {
        let names: Vec<String> = (1..=12).map(|number| format!("o{number}")).collect();
        assert!(first_of(&names).ends_with("o10, ..."), "{}", first_of(&names));
        assert_eq!(first_of(&names[..2]), "o1, o2");
        assert_eq!(first_of(&["x".repeat(60_000)]), format!("{}…", "x".repeat(NAME_SHOWN_MAX - 1)));
    }
}
