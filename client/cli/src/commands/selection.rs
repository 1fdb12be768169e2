//! Which entries of the log a command is about.

use crate::{context::Context, failure::Failure, input::dates::parse_since_now};
use clap::Args;
use kith_core::{
    event::Kind,
    filter::{Filter, PeopleMatch},
    timestamp::Timestamp,
};

/// Which entries of the log.
#[derive(Debug, Args)]
pub(super) struct SelectionArgs {
    /// Only entries that involve this person; may be given several times
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    person: Vec<String>,
    /// Only entries that involve both of these people
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with = "person", allow_hyphen_values = true)]
    between: Vec<String>,
    /// Only entries of this kind, such as met or custom:org.example/visit.v1; may be given several times
    #[arg(long, value_parser = parse_kind)]
    kind: Vec<Kind>,
    /// Only what happened at this time or later; in your time zone unless one is given
    #[arg(long, value_name = "DATE", value_parser = parse_since_now)]
    since: Option<Timestamp>,
}

/// Parses a kind's name, accepting `-` for `_`.
pub(crate) fn parse_kind(text: &str) -> Result<Kind, String> {
    let name = if text.starts_with("custom:") { text.to_owned() } else { text.replace('-', "_") };
    Kind::parse(&name).ok_or_else(|| format!("unknown kind {text}: kinds are, for example, met, followed-up or helped"))
}

impl SelectionArgs {
    /// Whether all entries were asked for.
    pub(super) fn is_all(&self) -> bool {
        self.person.is_empty() && self.between.is_empty() && self.kind.is_empty() && self.since.is_none()
    }

    /// The entries that were asked for; all if nothing was.
    pub(super) async fn filter(&self, context: &Context) -> Result<Filter, Failure> {
        let mut resolver = context.resolver();
        let (texts, people_match) = match self.between.as_slice() {
            [] => (&self.person, PeopleMatch::Any),
            _ => (&self.between, PeopleMatch::All),
        };
        let mut people = resolver.people(texts).await?;
        people.sort_unstable();
        people.dedup();
        let mut kinds = self.kind.clone();
        kinds.sort_unstable();
        kinds.dedup();
        let occurred_from = self.since;
        Ok(Filter { kinds, people, people_match, occurred_from, ..Filter::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::event::HabitKind;

    #[test]
    fn kinds_are_read_with_either_dash() {
        assert_eq!(parse_kind("followed-up"), Ok(Kind::Habit(HabitKind::FollowedUp)));
        assert_eq!(parse_kind("followed_up"), Ok(Kind::Habit(HabitKind::FollowedUp)));
        let custom = parse_kind("custom:org.example/site-visit.v1").unwrap();
        assert_eq!(custom, Kind::Custom("org.example/site-visit.v1".into()));
        assert!(parse_kind("mett").is_err());
    }
}
