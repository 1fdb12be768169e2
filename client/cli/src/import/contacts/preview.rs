//! Shows what an import of people would record, and what everybody would see then.

use super::sending::Sent;
use crate::{
    failure::Failure,
    import::refusals::{listed, told},
    limits::{NAME_SHOWN_MAX, PREVIEWED_TOLD_MAX},
    show::output::{Column, Output, shorten},
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
        let mut tell = |count: u64, sentence: &dyn Fn(String) -> String| {
            lines.extend((count > 0).then(|| sentence(grouped(count))));
        };
        tell(counts.repeated, &|count| format!("{count} repeated in the file, counted once"));
        tell(counts.groups, &|count| format!("{count} groups and organisations skipped"));
        tell(counts.changed, &|count| format!("{count} known people get what is new of them; nothing is taken away"));
        tell(counts.kept_out, &|count| {
            format!("{count} known people stay as they are: this token may not change them")
        });
        tell(counts.without_organisation, &|count| {
            format!("{count} people of other organisations are added without organisation")
        });
        tell(counts.connections, &|count| format!("{count} connections, which count in no view"));
        tell(self.erased as u64, &|count| {
            format!("{count} people of this network were erased: whoever was counts as new here")
        });
        let organisations = &self.plan.organisations;
        if !organisations.is_empty() {
            lines.push(format!("{} organisations to add: {}", organisations.len(), first_of(organisations)));
        }
        let unknown = &self.plan.unknown_organisations;
        if !unknown.is_empty() {
            let advice = "--add-orgs adds them, for owners of the network";
            lines.push(format!(
                "{} organisations are not in the network: {} ({advice})",
                unknown.len(),
                first_of(unknown)
            ));
        }
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
        format!("{} records: {}", grouped(self.records()), parts.join(", "))
    }

    /// What is not taken, with its name.
    fn left_out(&self) -> Vec<(&'static str, u64)> {
        let omitted = self.plan.omitted;
        let sorts = seen(&self.plan.left_out);
        let others = [
            ("birthdays", omitted.birthdays),
            ("photos", omitted.photos),
            ("keys", omitted.keys),
            ("links to sites", omitted.sites),
            ("dates of connections", self.plan.counts.dates),
            ("unusable addresses and numbers", omitted.unusable),
            ("words too long or too many", self.plan.counts.cut),
            ("other properties", omitted.others),
        ];
        sorts.into_iter().chain(others.into_iter().filter(|(_, count)| *count > 0)).collect()
    }
}

fn seen(tally: &Tally) -> Vec<(&'static str, u64)> {
    SORTS.iter().map(|(sort, name)| (*name, tally.of(*sort))).filter(|(_, count)| *count > 0).collect()
}

fn in_words(counts: &[(&str, u64)]) -> String {
    let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{} {name}", grouped(*count))).collect();
    parts.join(", ")
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

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    let mut text = head.to_owned();
    for (index, digit) in rest.chars().enumerate() {
        if index % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
    fn numbers_have_commas() {
        for (number, text) in [(0, "0"), (999, "999"), (1_204, "1,204"), (1_000_000, "1,000,000")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn only_the_first_names_are_told() {
        let names: Vec<String> = (1..=12).map(|number| format!("o{number}")).collect();
        assert!(first_of(&names).ends_with("o10, ..."), "{}", first_of(&names));
        assert_eq!(first_of(&names[..2]), "o1, o2");
        assert_eq!(first_of(&["x".repeat(60_000)]), format!("{}…", "x".repeat(NAME_SHOWN_MAX - 1)));
    }
}
