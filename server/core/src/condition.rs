//! Conditions: what must hold for an append to be accepted.

use crate::{
    filter::Filter,
    invalid::{Invalid, Problem},
    position::Position,
};
use kith_proto::v1;

/// What must hold for an append to be accepted; checked by the writer against everything accepted before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The head is this position.
    ExpectedHead(Position),
    /// No entry after a position that the appending principal may see matches a filter.
    NoneMatch {
        /// The position.
        after: Position,
        /// The filter.
        filter: Filter,
    },
}

impl Condition {
    /// Reads the wire form.
    pub fn from_proto(proto: &v1::Condition) -> Result<Self, Invalid> {
        use v1::condition::Condition as Proto;
        match &proto.condition {
            Some(Proto::ExpectedHead(head)) => Ok(Self::ExpectedHead(Position::new(*head))),
            Some(Proto::NoneMatch(none)) => Ok(Self::NoneMatch {
                after: Position::new(none.after),
                filter: Filter::from_proto(none.filter.as_ref().unwrap_or(&v1::Filter::default()))?,
            }),
            None => Err(Invalid::new("condition", Problem::Missing)),
        }
    }

    /// The wire form.
    pub fn to_proto(&self) -> v1::Condition {
        use v1::condition::Condition as Proto;
        let condition = match self {
            Self::ExpectedHead(head) => Proto::ExpectedHead(head.get()),
            Self::NoneMatch { after, filter } => {
                Proto::NoneMatch(v1::NoneMatch { after: after.get(), filter: Some(filter.to_proto()) })
            }
        };
        v1::Condition { condition: Some(condition) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(condition: &Condition) {
        assert_eq!(Condition::from_proto(&condition.to_proto()).as_ref(), Ok(condition));
    }

    #[test]
    fn reads_back() {
        check(&Condition::ExpectedHead(Position::ZERO));
        check(&Condition::ExpectedHead(Position::new(u64::MAX)));
        let filter = Filter { people: vec!["amina".parse().unwrap()], ..Filter::default() };
        check(&Condition::NoneMatch { after: Position::new(7), filter });
    }

    #[test]
    fn a_missing_filter_matches_everything_and_a_bad_one_is_refused() {
        let none_match = |filter| {
            let none = v1::NoneMatch { after: 7, filter };
            Condition::from_proto(&v1::Condition { condition: Some(v1::condition::Condition::NoneMatch(none)) })
        };
        let everything = Condition::NoneMatch { after: Position::new(7), filter: Filter::default() };
        assert_eq!(none_match(None), Ok(everything));
        let bad = v1::Filter { kinds: vec!["mets".into()], ..v1::Filter::default() };
        assert_eq!(none_match(Some(bad)).unwrap_err().field, "filter.kinds");
        let missing = Condition::from_proto(&v1::Condition { condition: None });
        assert_eq!(missing, Err(Invalid::new("condition", Problem::Missing)));
    }
}
