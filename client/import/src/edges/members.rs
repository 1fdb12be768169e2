//! Reads lists of people.

use super::{
    cell::{has_digit, refusal},
    columns::{Columns, PersonColumn},
    not_list::{NotList, uneven},
    table::{Heading, Layout, Parts, Table},
};
use crate::{
    limits::NUMBERED_ROWS_MIN,
    refusal::Refusal,
    spot::{File, Spot},
};
use kith_core::{
    id::{OrganisationId, PersonId},
    invalid::{Invalid, Problem},
};
use std::collections::HashMap;

/// Words that name a column of ids, besides those that end in `id`.
const ID_WORDS: [&str; 15] = [
    "id", "name", "person", "people", "user", "username", "login", "member", "employee", "staff", "node", "vertex",
    "actor", "email", "label",
];

/// A person in a list of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where they are listed, or the row of contacts that names them.
    pub spot: Spot,
    /// The person.
    pub person: PersonId,
    /// Their organisation.
    pub organisation: Option<OrganisationId>,
    /// Their role; may be empty.
    pub role: String,
}

/// The contents of a list of people.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Those who could be read.
    pub members: Vec<Member>,
    /// Rows that could not be read.
    pub refusals: Vec<Refusal>,
    /// The heading, if it was not said that there is one.
    pub heading: Option<Heading>,
}

/// Reads a list of people.
///
/// Rows may end early: what they leave out is unknown. A person listed twice must be described alike.
pub fn parse_members(text: &str, layout: Layout, columns: &Columns<PersonColumn>) -> Result<Members, NotList> {
    let table = Table::new(text, layout, |_| true, |table| is_headed(table, columns));
    let mut found = Members::default();
    let (mut seen, mut misfit, mut fitting) = (HashMap::<PersonId, usize>::new(), None, 0_usize);
    for row in table.records() {
        let spot = Spot { file: File::People, record: row.number, line: row.line };
        if columns.are_exceeded_by(&row.parts) {
            let (width, named) = (columns.width_of(&row.parts), columns.count());
            misfit.get_or_insert(NotList::Misfit { line: row.line, found: width, named });
            found.refusals.push(Refusal::unreadable(spot, "columns", format!("the row has {}", uneven(width, named))));
            continue;
        }
        fitting += 1;
        match parse_member(spot, &row.parts, columns) {
            Ok(member) => match seen.get(&member.person).map(|at| &found.members[*at]) {
                None => {
                    seen.insert(member.person.clone(), found.members.len());
                    found.members.push(member);
                }
                Some(first) if Member { spot: first.spot, ..member.clone() } == *first => {}
                Some(first) => {
                    let message = format!("{} is described differently in line {}", member.person, first.spot.line);
                    found.refusals.push(Refusal::unreadable(spot, "id", message));
                }
            },
            Err(refusal) => found.refusals.push(refusal),
        }
    }
    if let (Some(misfit), 0) = (misfit, fitting) {
        return Err(misfit);
    }
    found.heading = table.found_heading;
    Ok(found)
}

fn parse_member(spot: Spot, parts: &Parts<'_>, columns: &Columns<PersonColumn>) -> Result<Member, Refusal> {
    let part = |wanted: PersonColumn| columns.get(wanted, parts).filter(|text| !text.is_empty());
    let id = part(PersonColumn::Id);
    let id = id.ok_or_else(|| refusal(spot, "", Invalid::new("id", Problem::Missing)))?;
    let organisation = part(PersonColumn::Organisation)
        .map(|id| OrganisationId::parse_field(id, "org").map_err(|invalid| refusal(spot, id, invalid)));
    Ok(Member {
        spot,
        person: PersonId::parse_field(id, "id").map_err(|invalid| refusal(spot, id, invalid))?,
        organisation: organisation.transpose()?,
        role: part(PersonColumn::Role).unwrap_or_default().to_owned(),
    })
}

/// Whether the first row is a heading: it has no digits, and names the column of ids, or all other ids have digits.
fn is_headed(table: &Table<'_>, columns: &Columns<PersonColumn>) -> bool {
    let id_of = |parts: &Parts<'_>| columns.get(PersonColumn::Id, parts).unwrap_or_default().to_owned();
    let mut rows = table.records();
    let Some(first) = rows.next() else { return false };
    if first.parts.iter().any(|part| has_digit(part)) {
        return false;
    }
    let id = id_of(&first.parts);
    let word: String = id.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect();
    let is_word = ID_WORDS.iter().any(|known| word == *known || word.strip_suffix("id") == Some(*known));
    let mut others = 0;
    let are_numbered = rows.all(|row| {
        others += 1;
        has_digit(&id_of(&row.parts))
    });
    is_word || (!id.is_empty() && are_numbered && others >= NUMBERED_ROWS_MIN)
}

#[cfg(test)]
mod tests {
    use super::super::columns::parse_people_columns;
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, columns: &str) -> Result<Members, NotList> {
        parse_members(text, Layout::default(), &parse_people_columns(columns).unwrap())
    }

    /// The people of a list in which nothing is refused: id, organisation, role.
    fn check(text: &str, columns: &str, expected: &[(&str, &str, &str)]) -> Option<String> {
        let Members { members, refusals, heading } = read(text, columns).unwrap();
        assert_eq!(refusals, [], "{text}");
        let organisation = |member: &Member| member.organisation.as_ref().map_or("", OrganisationId::as_str).to_owned();
        let shown: Vec<_> = members.iter().map(|member| (member, organisation(member))).collect();
        let shown: Vec<_> = shown
            .iter()
            .map(|(member, organisation)| (member.person.as_str(), organisation.as_str(), member.role.as_str()))
            .collect();
        assert_eq!(shown, expected, "{text}");
        heading.map(|heading| heading.text)
    }

    #[test]
    fn people_have_organisation_and_role_or_not() {
        check("0\t1098\tADM\n1\t1100\n", "_,id,org,role", &[("1098", "ADM", ""), ("1100", "", "")]);
        check("1098,ADM\n1100,,GP lead\n", "id,org,role", &[("1098", "ADM", ""), ("1100", "", "GP lead")]);
    }

    #[test]
    fn tabs_separate_names_of_several_words_and_empty_columns() {
        let people = [("1", "Trading", ""), ("2", "Trading", ""), ("3", "Legal", "")];
        check("1\tAda Quill\tTrading\n2\tPercy Moss\tTrading\n3\tNell Kettle\tLegal\n", "id,_,org", &people);
        check("1\tAda Quill\tTrading\t\n2\t\tTrading\n3\tNell O, Kettle\tLegal\n", "id,_,org", &people);
        check("1\t\t\n2\t\tclerk\n", "id,org,role", &[("1", "", ""), ("2", "", "clerk")]);
    }

    #[test]
    fn headings_are_told_from_people() {
        let people = [("V1", "1", ""), ("V2", "2", "")];
        for heading in ["Name,Office", "Personalnummer,Büro", "\u{feff}\"Employee ID\",Dept"] {
            let found = check(&format!("{heading}\nV1,1\nV2,2\n"), "id,org", &people);
            assert_eq!(found.as_deref(), Some(heading.trim_start_matches('\u{feff}')));
        }
        assert_eq!(
            check("user_id,team\namina,ward\n", "id,org", &[("amina", "ward", "")]).as_deref(),
            Some("user_id,team")
        );
        assert_eq!(check("amina,ward\nben,desk\n", "id,org", &[("amina", "ward", ""), ("ben", "desk", "")]), None);
        let ward = [("amina", "ward", ""), ("p2", "ward", "")];
        assert_eq!(check("amina,ward\np2,ward\n", "id,org", &ward), None, "one row is not enough");
        assert_eq!(check("", "id,org", &[]), None);
    }

    #[test]
    fn rows_with_surplus_columns_are_refused_and_the_others_kept() {
        let found = read("amina,ward\n\nShah, Amina,ward\nben\n", "id,org").unwrap();
        assert_eq!((found.members.len(), found.refusals.len()), (2, 1));
        let refused = &found.refusals[0];
        assert_eq!((refused.spot.record, refused.spot.line, refused.field.as_str()), (2, 3, "columns"));
        assert!(refused.message.starts_with("the row has 3 columns, but 2 are named: "), "{refused:?}");
        let spaced = read("1 Ada Quill Trading\n2 Percy Moss Trading\n", "id,_,org").unwrap_err();
        assert_eq!(spaced, NotList::Misfit { line: 1, found: 4, named: 3 });
        check("1 Ada Quill Trading\n", "id,...", &[("1", "", "")]);
    }

    #[test]
    fn whoever_is_listed_twice_is_described_alike() {
        let found = read("a,ward\nb,ward\na,ward\na,desk\n", "id,org").unwrap();
        assert_eq!(found.members.len(), 2);
        let told: Vec<_> = found.refusals.iter().map(|refusal| (refusal.spot.line, refusal.message.as_str())).collect();
        assert_eq!(told, [(4, "a is described differently in line 1")]);
    }

    #[test]
    fn what_cannot_be_an_id_is_quoted_so_that_it_can_be_seen() {
        let found = read("a,ward\nb\u{200b},ward\nc,North Ward\n,ward\n", "id,org").unwrap();
        let told: Vec<_> = found.refusals.iter().map(|refusal| refusal.message.as_str()).collect();
        assert!(told[0].ends_with(r#"; it is "b\u{200b}""#), "{told:?}");
        assert!(told[1].ends_with(r#"; it is "North Ward""#), "{told:?}");
        assert_eq!(told[2], "id: is missing");
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,100}") {
            let _ = read(&text, "id,org");
            let _ = read(&text.replace(' ', "\t"), "_,id,...");
        }
    }
}
