//! Queries of the rows of a view: filtered, ordered, a page at a time, as of any day and position.

use super::{
    answer::Row,
    columns::{Chosen, ColumnError, Only},
    page::{Best, Direction, Page, PageToken, RowOrder},
    snapshot::{Snapshot, SnapshotError},
};
use crate::{
    contract::{self, Field, FieldUnknown, Handle, KeyShape, key::Key},
    file::{people::Meaning, row::StoredRow, store::StoreError, zones::Zone},
    limits,
    share::cancel::Cancel,
    view::handle::ViewHandle,
};
use kith_core::{
    day::Day,
    id::{OrganisationId, PersonId},
    position::Position,
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashSet};

/// A query of the rows of a view. The default asks for the first 100 current rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Only rows with this person in the key, by any id that means the person.
    pub person: Option<PersonId>,
    /// Only rows with somebody in the key who currently belongs to this organisation.
    pub organisation: Option<OrganisationId>,
    /// Only rows of this key: one or two people, in any order.
    pub key: Option<Vec<PersonId>>,
    /// Only rows with one of some texts in a column.
    pub only: Option<Only>,
    /// The columns to return, each once; empty for all.
    pub columns: Vec<String>,
    /// As of the end of this UTC day: only what happened up to then.
    pub day: Option<Day>,
    /// As known at this position.
    pub as_of: Option<Position>,
    /// The order of rows; `None` for the first numeric column, largest first.
    pub order: Option<OrderBy>,
    /// Rows in the page, 1 to 10,000.
    pub page_rows: usize,
    /// Where to continue. The position and day of the first page apply to all pages.
    pub page_token: Option<String>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            person: None,
            organisation: None,
            key: None,
            only: None,
            columns: Vec::new(),
            day: None,
            as_of: None,
            order: None,
            page_rows: 100,
            page_token: None,
        }
    }
}

/// The order of rows by a column. Rows without a value come last in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    /// The column's name.
    pub field: String,
    /// Which values come first.
    pub direction: Direction,
}

impl OrderBy {
    /// Parses an order: `score` is that column, largest first, and `-score` smallest first. `None` for empty text.
    pub fn parse(sort: &str) -> Option<Self> {
        let (field, direction) = match sort.strip_prefix('-') {
            Some(field) => (field, Direction::Ascending),
            None => (sort, Direction::Descending),
        };
        (!field.is_empty()).then(|| Self { field: field.to_owned(), direction })
    }
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryAnswer {
    /// The columns.
    pub fields: Vec<Field>,
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// The token of the next page; `None` after the last.
    pub next_page_token: Option<String>,
    /// The position that rows are as of.
    pub position: Position,
    /// The day that rows are as of.
    pub day: Day,
    /// Number of rows on all pages.
    pub total: u64,
    /// Number of keys that the plugin fails on, of the whole view: their rows are missing, or those of an earlier state.
    pub failing_keys: u64,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The view cannot be queried.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The view has not reached this person's entry. The caller has checked that the person exists.
    #[error("the view has not reached the entry of `{0}` yet")]
    PersonAhead(PersonId),
    /// The number of people does not match the view's keys.
    #[error("a key of this view is {expected}: name as many, not {found}")]
    KeyShape {
        /// The people in a key of the view.
        expected: &'static str,
        /// The number of people given.
        found: usize,
    },
    /// The column does not exist.
    #[error(transparent)]
    FieldUnknown(#[from] FieldUnknown),
    /// The columns asked for do not fit the view.
    #[error(transparent)]
    Columns(#[from] ColumnError),
    /// The page size is zero or too large.
    #[error("a page has 1 to {} rows, not {found}", limits::PAGE_ROWS_MAX)]
    PageRows {
        /// The rows asked for.
        found: usize,
    },
    /// The token does not belong to this query.
    #[error("the page token was not issued for this question")]
    PageToken,
}

impl From<StoreError> for QueryError {
    fn from(error: StoreError) -> Self {
        Self::Snapshot(error.into())
    }
}

impl ViewHandle {
    /// Answers a query.
    pub fn query(&self, query: &Query) -> Result<QueryAnswer, QueryError> {
        self.query_until(query, &Cancel::default())
    }

    /// The same, until it is cancelled.
    pub fn query_until(&self, query: &Query, cancel: &Cancel) -> Result<QueryAnswer, QueryError> {
        if !(1..=limits::PAGE_ROWS_MAX).contains(&query.page_rows) {
            return Err(QueryError::PageRows { found: query.page_rows });
        }
        let order = self.row_order(query.order.as_ref())?;
        let chosen = Chosen::of(self.fields(), query.only.as_ref(), &query.columns)?;
        let question = fingerprint(query, order);
        let token = query.page_token.as_deref().map(|token| read_token(token, question)).transpose()?;
        let snapshot = match &token {
            Some(token) => Snapshot::open(&self.shared, Some(token.day), Some(token.position))?,
            None => Snapshot::open(&self.shared, query.day, query.as_of)?,
        }
        .until(cancel);
        let members = query.organisation.as_ref().map(|id| self.shared.source.people().members(id));
        let keys = self.wanted_keys(query, &snapshot)?;
        let mut page = Page::new(order, query.page_rows, token.map(|token| token.after));
        let wants_all = keys.is_none() && members.is_none() && query.only.is_none();
        if wants_all && let Some(zones) = snapshot.zones_by(order)? {
            see_zones(&snapshot, &zones, &mut page)?;
            page.total = snapshot.stored_rows();
            return Ok(self.answer(&snapshot, question, &chosen, page)?);
        }
        snapshot.scan(keys.as_ref(), |row_key, row| {
            let is_member = members.as_ref().is_none_or(|members| has_member(row_key.key, members));
            if is_member && chosen.wants(|column| StoredRow::column(row, column)) {
                page.see(row_key, row);
            }
        })?;
        Ok(self.answer(&snapshot, question, &chosen, page)?)
    }

    fn answer(
        &self,
        snapshot: &Snapshot<'_>,
        question: [u8; 8],
        chosen: &Chosen<'_>,
        page: Page,
    ) -> Result<QueryAnswer, StoreError> {
        let (position, day, total) = (snapshot.position, snapshot.day, page.total);
        let (rows, last) = page.finish();
        let people = self.shared.source.people();
        let complete = self.complete(&self.shared.held, &people, &snapshot.meaning);
        let rows = rows.into_iter().filter_map(|(rank, row)| {
            let mut row = Row::of(rank.row_key, StoredRow::decode(&row)?, &people, &complete);
            row.changed = row.changed.filter(|_| snapshot.is_current());
            row.values = chosen.of_row(row.values);
            Some(row)
        });
        Ok(QueryAnswer {
            fields: chosen.of_row(self.fields().to_vec()),
            rows: rows.collect(),
            next_page_token: last.map(|after| PageToken { position, day, question, after }.encode()),
            position,
            day,
            total,
            failing_keys: snapshot.failing_keys()?,
        })
    }

    fn row_order(&self, order: Option<&OrderBy>) -> Result<RowOrder, QueryError> {
        let Some(order) = order else {
            let column = self.shared.plugin.manifest().first_numeric();
            return Ok(RowOrder { column, direction: Direction::Descending });
        };
        let column = contract::column(self.fields(), &order.field)?;
        Ok(RowOrder { column: Some(column), direction: order.direction })
    }

    /// The keys that a query is about; `None` for all keys.
    fn wanted_keys(&self, query: &Query, snapshot: &Snapshot<'_>) -> Result<Option<BTreeSet<Key>>, QueryError> {
        let of_person = match &query.person {
            Some(id) => Some(snapshot.keys_with(self.handle(id)?)?),
            None => None,
        };
        let Some(ids) = &query.key else { return Ok(of_person) };
        let forth = self.key(ids, &snapshot.meaning)?;
        let back = match self.shared.plugin.manifest().key_shape() {
            KeyShape::DirectedPair => forth.swapped(),
            KeyShape::Pair | KeyShape::Person => forth,
        };
        let mut keys = BTreeSet::from([forth, back]);
        if let Some(of_person) = of_person {
            keys.retain(|key| of_person.contains(key));
        }
        Ok(Some(keys))
    }

    /// The key of some people, after merges are resolved.
    pub(crate) fn key(&self, ids: &[PersonId], meaning: &Meaning) -> Result<Key, QueryError> {
        let shape = self.shared.plugin.manifest().key_shape();
        let meant = |id: &PersonId| self.handle(id).map(|handle| meaning.of(handle));
        match (shape, ids) {
            (KeyShape::Pair, [one, other]) => Ok(Key::pair(meant(one)?, meant(other)?)),
            (KeyShape::DirectedPair, [from, to]) => Ok(Key::directed(meant(from)?, meant(to)?)),
            (KeyShape::Person, [person]) => Ok(Key::person(meant(person)?)),
            (KeyShape::Pair | KeyShape::DirectedPair, _) => {
                Err(QueryError::KeyShape { expected: "two people", found: ids.len() })
            }
            (KeyShape::Person, _) => Err(QueryError::KeyShape { expected: "one person", found: ids.len() }),
        }
    }

    fn handle(&self, id: &PersonId) -> Result<Handle, QueryError> {
        self.shared.source.people().handle(id).ok_or_else(|| QueryError::PersonAhead(id.clone()))
    }
}

/// Fills a page from zones in their order, until no other row belongs on it. Returns how many zones were visited.
pub(crate) fn see_zones(
    snapshot: &Snapshot<'_>,
    zones: &[(Best, Zone)],
    page: &mut Page,
) -> Result<usize, SnapshotError> {
    for (visited, (best, zone)) in zones.iter().enumerate() {
        if page.is_complete_before(*best, zone.keys().0) {
            return Ok(visited);
        }
        snapshot.visit_zone(*zone, |row_key, row| page.see(row_key, row))?;
    }
    Ok(zones.len())
}

fn has_member(key: Key, members: &HashSet<Handle>) -> bool {
    key.people().any(|person| members.contains(&person))
}

/// A fingerprint of everything in a query except its page. No part contains a space, so the text is unique.
fn fingerprint(query: &Query, order: RowOrder) -> [u8; 8] {
    let Query { person, organisation, key, only, columns, day, as_of, order: _, page_rows: _, page_token: _ } = query;
    // Texts may contain anything.
    let only = only.as_ref().map(|Only { column, texts }| {
        let texts = [column].into_iter().chain(texts).map(hex::encode).collect::<Vec<_>>();
        texts.join(",")
    });
    let key = key.as_ref().map(|ids| ids.iter().map(PersonId::as_str).collect::<Vec<_>>().join(","));
    let direction = match order.direction {
        Direction::Ascending => "ascending",
        Direction::Descending => "descending",
    };
    let parts = [
        text(person.as_ref()),
        text(organisation.as_ref()),
        text(key),
        text(only),
        columns.iter().map(hex::encode).collect::<Vec<_>>().join(","),
        text(day.map(Day::number)),
        text(*as_of),
        text(order.column),
        direction.to_owned(),
    ];
    let digest: [u8; 32] = Sha256::digest(parts.join(" ")).into();
    crate::contract::key::first(&digest)
}

/// The text of a part; empty if it is missing.
fn text(part: Option<impl ToString>) -> String {
    part.map(|part| part.to_string()).unwrap_or_default()
}

fn read_token(token: &str, question: [u8; 8]) -> Result<PageToken, QueryError> {
    PageToken::decode(token).filter(|token| token.question == question).ok_or(QueryError::PageToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_minus_means_smallest_first() {
        let by = |field: &str, direction| Some(OrderBy { field: field.to_owned(), direction });
        assert_eq!(OrderBy::parse(""), None);
        assert_eq!(OrderBy::parse("score"), by("score", Direction::Descending));
        assert_eq!(OrderBy::parse("-score"), by("score", Direction::Ascending));
    }

    #[test]
    fn a_page_token_is_of_one_question() {
        let order = RowOrder { column: None, direction: Direction::Ascending };
        let one = fingerprint(&Query::default(), order);
        let paged = Query { page_rows: 7, page_token: Some("next".into()), ..Query::default() };
        assert_eq!(fingerprint(&paged, order), one, "pages may have any size");
        let ben = || "ben".parse::<PersonId>().unwrap();
        let only = |texts: &[&str]| {
            let texts = texts.iter().map(|text| (*text).to_owned()).collect();
            Some(Only { column: "state".into(), texts })
        };
        let others = [
            Query { person: Some(ben()), ..Query::default() },
            Query { organisation: Some("ben".parse().unwrap()), ..Query::default() },
            Query { key: Some(vec![ben()]), ..Query::default() },
            Query { day: Some(Day::new(7)), ..Query::default() },
            Query { as_of: Some(Position::new(7)), ..Query::default() },
            Query { only: only(&["ben"]), ..Query::default() },
            Query { only: only(&["ben", "chloe"]), ..Query::default() },
            Query { only: only(&["ben,chloe"]), ..Query::default() },
            Query { columns: vec!["ben".into()], ..Query::default() },
        ];
        let orders = [RowOrder { column: Some(0), ..order }, RowOrder { direction: Direction::Descending, ..order }];
        let mut all: Vec<_> = others.iter().map(|query| fingerprint(query, order)).collect();
        all.extend(orders.map(|order| fingerprint(&Query::default(), order)));
        all.push(one);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 12);
    }
}
