//! Contacts between two people, a row each: what network analysis begins with.

use super::{Table, Written};
use crate::{
    failure::Failure,
    place::{Place, matching::Matching},
    show::{destination::Destination, people::Names},
};
use kith_client::Merges;
use kith_core::{
    event::{Event, Fact, Habit, Kind},
    filter::Filter,
    id::{EventId, PersonId},
    position::Position,
};
use kith_json::time_text;
use std::collections::HashSet;

/// Writes the contacts of entries that match, withdrawn ones apart. Ids that were merged are those of the person whom they
/// mean.
pub(crate) async fn write(
    place: &Place,
    filter: Filter,
    after: Position,
    with_names: bool,
    out: &mut Destination,
) -> Result<Written, Failure> {
    let withdrawn = withdrawn(place).await?;
    let people = place.people(None).await?;
    let merges = Merges::of(&people);
    let names = if with_names { Names::of_people(people) } else { Names::default() };

    let mut table = Table::new(out);
    let heading = ["time", "from", "to", "kind", "id", "from_name", "to_name"];
    let columns = if with_names { heading.len() } else { 5 };
    table.row(&heading[..columns])?;
    let mut written = Written::of(0, ("contact", "contacts"));
    let mut pages = Matching::after(place, filter, after);
    while let Some(page) = pages.next().await? {
        for event in page.iter().map(|recorded| &recorded.event).filter(|event| !withdrawn.contains(&event.id)) {
            for (from, to) in contacts(&event.fact) {
                let [from, to] = [from, to].map(|person| merges.meant(person.as_str()));
                if from == to {
                    continue;
                }
                let (time, kind, id) = (time_text(event.occurred_at), event.kind().to_string(), event.id.to_string());
                let cells = [&*time, from, to, &*kind, &*id, names.of(from), names.of(to)];
                table.row(&cells[..columns])?;
                written.count += 1;
            }
        }
    }
    written.position = Some(pages.reached());
    table.finish()?;
    Ok(written)
}

/// The events that were withdrawn.
async fn withdrawn(place: &Place) -> Result<HashSet<EventId>, Failure> {
    let filter = Filter { kinds: vec![Kind::Retracted], ..Filter::default() };
    let mut pages = Matching::after(place, filter, Position::ZERO);
    let mut found = HashSet::new();
    while let Some(page) = pages.next().await? {
        let targets = page.iter().filter_map(|recorded| match &recorded.event {
            Event { fact: Fact::Retracted(retracted), .. } => Some(retracted.event),
            _ => None,
        });
        found.extend(targets);
    }
    Ok(found)
}

/// Who had to do with whom: from whoever acted to each other, in a meeting and in facts of other types between all.
fn contacts(fact: &Fact) -> Vec<(&PersonId, &PersonId)> {
    match fact {
        Fact::Habit(Habit::Met(met)) => pairs(&met.people),
        Fact::Habit(Habit::FollowedUp(followed_up)) => from_one(&followed_up.by, &followed_up.with),
        Fact::Habit(Habit::Asked(asked)) => from_one(&asked.by, &asked.of),
        Fact::Habit(Habit::Helped(helped)) => vec![(&helped.helper, &helped.helped)],
        Fact::Habit(Habit::Referred(referred)) => {
            vec![(&referred.referrer, &referred.person), (&referred.referrer, &referred.to)]
        }
        Fact::Custom(custom) => pairs(&custom.people),
        Fact::Habit(Habit::Answered(_))
        | Fact::Retracted(_)
        | Fact::Directory(_)
        | Fact::Administration(_)
        | Fact::Newer(_) => Vec::new(),
    }
}

fn from_one<'p>(one: &'p PersonId, others: &'p [PersonId]) -> Vec<(&'p PersonId, &'p PersonId)> {
    others.iter().map(|other| (one, other)).collect()
}

fn pairs(people: &[PersonId]) -> Vec<(&PersonId, &PersonId)> {
    let each = people.iter().enumerate();
    each.flat_map(|(index, one)| people[index + 1..].iter().map(move |other| (one, other))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::event::{Met, Referred};

    fn of(fact: &Fact) -> Vec<String> {
        contacts(fact).into_iter().map(|(from, to)| format!("{from}>{to}")).collect()
    }

    fn id(text: &str) -> PersonId {
        text.parse().unwrap()
    }

    #[test]
    fn whoever_acts_is_the_one_that_a_contact_comes_from() {
        let met = Fact::from(Met { people: vec![id("a"), id("b"), id("c")] });
        assert_eq!(of(&met), ["a>b", "a>c", "b>c"]);
        let referred = Fact::from(Referred { referrer: id("a"), person: id("b"), to: id("c") });
        assert_eq!(of(&referred), ["a>b", "a>c"]);
    }
}
