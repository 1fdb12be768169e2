//! Resolves names to ids: people are named by id or by an unambiguous part of their name, and so are organisations.
//!
//! Invariant: an exact id always wins, so scripts that use ids never depend on anybody's name.

use super::Place;
use crate::{failure::Failure, limits, show::output::clean};
use kith_client::v1;
use kith_core::id::{OrganisationId, PersonId};
use kith_import::names::{bare, folded};
use std::collections::HashMap;

/// Finds people and organisations by what was typed. Lists are fetched once, when they are needed.
#[derive(Debug)]
pub(crate) struct Resolver<'a> {
    place: &'a Place,
    people: Option<Vec<v1::Person>>,
    /// If people must be distinct: whom each person found so far refers to after merges.
    apart: Option<HashMap<PersonId, PersonId>>,
}

impl<'a> Resolver<'a> {
    /// Looks people up in a place.
    pub(crate) fn new(place: &'a Place) -> Self {
        Self { place, people: None, apart: None }
    }

    /// The same for the people of one event, who must be distinct: two ids that were merged are refused. An id given
    /// twice is refused by the event's own rules.
    pub(crate) fn of_event(place: &'a Place) -> Self {
        Self { apart: Some(HashMap::new()), ..Self::new(place) }
    }

    /// The person named by this text.
    pub(crate) async fn person(&mut self, text: &str) -> Result<PersonId, Failure> {
        let id = self.find(text).await?;
        if self.apart.is_some() {
            let now = self.meant_by(&id).await?;
            self.keep_apart(&id, now)?;
        }
        Ok(id)
    }

    fn keep_apart(&mut self, id: &PersonId, now: PersonId) -> Result<(), Failure> {
        let Some(apart) = &mut self.apart else { return Ok(()) };
        if let Some(other) = apart.iter().find_map(|(other, meant)| (other != id && *meant == now).then_some(other)) {
            return Err(Failure::Usage(format!("{other} and {id} are one person: they were merged")));
        }
        apart.insert(id.clone(), now);
        Ok(())
    }

    /// The person that an id refers to after all merges.
    async fn meant_by(&self, id: &PersonId) -> Result<PersonId, Failure> {
        let mut id = id.clone();
        for _ in 0..limits::MERGES_FOLLOWED_MAX {
            match self.place.find_person(&id).await? {
                Some(person) if !person.merged_into.is_empty() => id = parse_answer(&person.merged_into)?,
                Some(_) | None => break,
            }
        }
        Ok(id)
    }

    async fn find(&mut self, text: &str) -> Result<PersonId, Failure> {
        if let Ok(id) = text.parse::<PersonId>()
            && self.is_person(&id).await?
        {
            return Ok(id);
        }
        if self.people.is_none() {
            self.people = Some(self.place.people(None).await?);
        }
        let people = self.people.iter().flatten().filter(|person| person.merged_into.is_empty());
        let candidates = people.map(|person| Candidate { id: &person.id, name: &person.name, more: about(person) });
        let picked = pick("person", text, &candidates.collect::<Vec<_>>());
        parse_answer(picked.map_err(|why| self.place.unless_empty(why))?)
    }

    /// The people named by these texts.
    pub(crate) async fn people(&mut self, texts: &[String]) -> Result<Vec<PersonId>, Failure> {
        let mut people = Vec::with_capacity(texts.len());
        for text in texts {
            people.push(self.person(text).await?);
        }
        Ok(people)
    }

    /// The person named by this text, if there is a text.
    pub(crate) async fn person_or_none(&mut self, text: Option<&String>) -> Result<Option<PersonId>, Failure> {
        match text {
            Some(text) => self.person(text).await.map(Some),
            None => Ok(None),
        }
    }

    /// The organisation named by this text, if there is a text.
    pub(crate) async fn organisation(&self, text: Option<&String>) -> Result<Option<OrganisationId>, Failure> {
        let Some(text) = text else { return Ok(None) };
        let all = self.place.organisations().await?;
        let exact = all.iter().find(|organisation| organisation.id == *text);
        if let Some(organisation) = exact {
            return parse_answer(&organisation.id).map(Some);
        }
        let candidates = all.iter().map(|one| Candidate { id: &one.id, name: &one.name, more: String::new() });
        let picked = pick("organisation", text, &candidates.collect::<Vec<_>>());
        parse_answer(picked.map_err(|why| self.place.unless_empty(why))?).map(Some)
    }

    async fn is_person(&self, id: &PersonId) -> Result<bool, Failure> {
        if let Some(people) = &self.people {
            return Ok(people.iter().any(|person| person.id == id.as_str()));
        }
        Ok(self.place.find_person(id).await?.is_some())
    }
}

/// The person of a list whom a text names: by id, else by an unambiguous part of their name.
pub(crate) fn find_among(text: &str, people: &[v1::Person]) -> Result<PersonId, Failure> {
    if people.iter().any(|person| person.id == text) {
        return parse_answer(text);
    }
    let candidates = people.iter().map(|person| Candidate { id: &person.id, name: &person.name, more: about(person) });
    parse_answer(pick("person", text, &candidates.collect::<Vec<_>>())?)
}

fn parse_answer<T: std::str::FromStr>(id: &str) -> Result<T, Failure> {
    id.parse().map_err(|_| Failure::Unexpected(format!("the server knows {id:?}, which is no id")))
}

/// A person or organisation that a text may refer to.
#[derive(Debug, Clone)]
struct Candidate<'a> {
    id: &'a str,
    name: &'a str,
    more: String,
}

fn about(person: &v1::Person) -> String {
    let parts = [person.role.as_str(), person.organisation.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The one candidate whose name equals the text, or else the one whose name contains it.
fn pick<'a>(what: &str, text: &str, candidates: &[Candidate<'a>]) -> Result<&'a str, Failure> {
    let wanted = folded(text);
    let unknown = || Failure::NotFound(format!("there is no {what} {text:?}, neither by id nor by name"));
    if wanted.is_empty() {
        return Err(unknown());
    }
    let by = |matches: &dyn Fn(&str) -> bool| -> Vec<&Candidate<'a>> {
        candidates.iter().filter(|candidate| matches(candidate.name)).collect()
    };
    let bare_wanted = bare(text);
    let attempts: [&dyn Fn(&str) -> bool; 4] = [
        &|name| folded(name) == wanted,
        &|name| folded(name).contains(&wanted),
        // Accents may be left out, as not every keyboard has them.
        &|name| bare(name) == bare_wanted,
        &|name| !bare_wanted.is_empty() && bare(name).contains(&bare_wanted),
    ];
    let matching = attempts.into_iter().map(by).find(|found| !found.is_empty()).unwrap_or_default();
    match matching.as_slice() {
        [] => Err(unknown()),
        [one] => Ok(one.id),
        several => Err(Failure::Usage(question(what, text, several))),
    }
}

fn question(what: &str, text: &str, candidates: &[&Candidate<'_>]) -> String {
    let mut lines = vec![format!("which {what} is {text:?}? Name one by id:")];
    lines.extend(candidates.iter().take(limits::CANDIDATES_TOLD_MAX).map(|candidate| {
        let line = format!("  {}  {}", candidate.id, candidate.name);
        clean(&if candidate.more.is_empty() { line } else { format!("{line} ({})", candidate.more) })
    }));
    if candidates.len() > limits::CANDIDATES_TOLD_MAX {
        lines.push(format!("  and {} more", candidates.len() - limits::CANDIDATES_TOLD_MAX));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let people = [("p-1", "Amina Shah"), ("p-2", "Amina Khan"), ("p-3", "Ben Okoro"), ("p-4", "Ben"), ("p-5", "")];
        let candidates = people.map(|(id, name)| Candidate { id, name, more: "GP, riverside".into() });
        match (pick("person", text, &candidates), expected) {
            (Ok(id), Ok(expected)) => assert_eq!(id, expected),
            (Err(failure), Err(part)) => assert!(failure.to_string().contains(part), "{failure}"),
            (found, expected) => panic!("{text}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_part_of_a_name_is_enough_if_it_is_one_person_s() {
        check("shah", Ok("p-1"));
        check("BEN OK", Ok("p-3"));
        check("ben", Ok("p-4"));
        check("amina", Err("p-2  Amina Khan (GP, riverside)"));
        check("nobody", Err("there is no person \"nobody\""));
        check(" ", Err("there is no person"));
    }

    #[test]
    fn names_are_found_however_they_are_spelt() {
        let people = [
            ("jose", "José Nuñez"),
            ("mary", "Mary\u{a0}Poole"),
            ("jg", "Jürgen Großmann"),
            ("ipek", "İpek Işık"),
            ("jurgen", "Jurgen Klein"),
        ];
        let candidates = people.map(|(id, name)| Candidate { id, name, more: String::new() });
        let check = |text: &str, id: &str| assert_eq!(pick("person", text, &candidates).unwrap(), id, "{text}");
        check("Jose\u{301}", "jose");
        check("jose nunez", "jose");
        check("mary  poole", "mary");
        check("GROSSMANN", "jg");
        check("ipek ışık", "ipek");
        check("jürgen", "jg");
        check("jurgen", "jurgen");
        assert!(pick("person", "\u{301}", &candidates).is_err());
    }

    #[test]
    fn a_name_cannot_forge_a_line_of_a_question() {
        let forged = Candidate { id: "sam1", name: "Sam\n  ben  Ben Okoro", more: String::new() };
        let other = Candidate { id: "sam2", name: "Sam Two\u{202e}", more: String::new() };
        let question = pick("person", "sam", &[forged, other]).unwrap_err().to_string();
        assert_eq!(question.lines().collect::<Vec<_>>()[1..], ["  sam1  Sam   ben  Ben Okoro", "  sam2  Sam Two "]);
    }

    #[test]
    fn ambiguity_is_a_question_and_absence_is_not_found() {
        let all = || vec![Candidate { id: "a", name: "X", more: String::new() }; 12];
        assert_eq!(pick("person", "x", &all()).unwrap_err().exit_code(), 2);
        assert!(pick("person", "x", &all()).unwrap_err().to_string().ends_with("and 2 more"));
        assert_eq!(pick("person", "y", &all()).unwrap_err().exit_code(), 3);
    }
}
