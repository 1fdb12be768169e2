//! Scores of pairs: a numeric column of the rows of a view or report.

use super::contacts::Pair;
use crate::{
    failure::Failure,
    host::{
        Fold, Host,
        report::{Input, Ready},
    },
};
use kith_client::v1;
use kith_core::{id::PersonId, timestamp::Timestamp};
use kith_views::{Field, KeyShape, Query, ReportKey, ReportQuery, limits::PAGE_ROWS_MAX, wire};
use std::{collections::HashMap, hash::BuildHasher};

/// The view or report to evaluate.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its numeric column; `None` for the first.
    pub column: Option<&'a str>,
}

/// Scores of the view's rows as of the end of the cut's day; for a pair with several rows, the highest.
pub async fn scores(
    host: &Host,
    fold: Fold,
    subject: Subject<'_>,
    cut: i64,
    numbers: &HashMap<PersonId, u32, impl BuildHasher>,
) -> Result<HashMap<Pair, f64>, Failure> {
    let folded = host.fold(fold).await?;
    if folded.manifest().key_shape() == KeyShape::Person {
        return Err(Failure::Usage(format!("rows of {} are about one person: only pairs can be judged", subject.name)));
    }
    let column = column(&folded.manifest().name, &folded.manifest().fields, subject.column)?;
    let day = Timestamp::from_millis(cut).day();
    let mut query = Query { day: Some(day), page_rows: PAGE_ROWS_MAX, ..Query::default() };
    let mut scores = HashMap::new();
    loop {
        let page = folded.query(query.clone()).await?;
        for row in page.rows {
            keep(&mut scores, wire::row(row), column, numbers);
        }
        query.page_token = page.next_page_token;
        if query.page_token.is_none() {
            return Ok(scores);
        }
    }
}

/// The same for a report, of which `inputs` are the views that it reads.
pub async fn suggested(
    host: &Host,
    inputs: Vec<Input>,
    fold: Fold,
    subject: Subject<'_>,
    cut: i64,
    numbers: &HashMap<PersonId, u32, impl BuildHasher>,
) -> Result<HashMap<Pair, f64>, Failure> {
    let ready = Ready::fold(host, inputs, &fold).await?;
    let manifest = ready.manifest();
    if manifest.key != ReportKey::Pair {
        return Err(Failure::Usage(format!(
            "rows of {} are not about two people: only pairs can be judged",
            subject.name
        )));
    }
    let column = column(&manifest.name, &manifest.fields, subject.column)?;
    let day = Timestamp::from_millis(cut).day();
    let mut query = ReportQuery { page_rows: PAGE_ROWS_MAX, ..ReportQuery::default() };
    let mut scores = HashMap::new();
    loop {
        let page = ready.query(query.clone(), Some(day)).await?;
        query.skip += page.rows.len();
        for row in page.rows {
            keep(&mut scores, row, column, numbers);
        }
        if page.next_page_token.is_empty() {
            return Ok(scores);
        }
    }
}

fn column(of: &str, fields: &[Field], name: Option<&str>) -> Result<usize, Failure> {
    let found = fields.iter().position(|field| field.of.is_numeric() && name.is_none_or(|name| field.name == name));
    found.ok_or_else(|| {
        let known: Vec<_> = fields.iter().filter(|field| field.of.is_numeric()).map(|field| &*field.name).collect();
        Failure::Usage(format!("{of} has no such numeric column; it has: {}", known.join(", ")))
    })
}

/// Keeps the score of a row if it has one and is about two people who are known; the highest of a pair.
fn keep(
    scores: &mut HashMap<Pair, f64>,
    row: v1::Row,
    column: usize,
    numbers: &HashMap<PersonId, u32, impl BuildHasher>,
) {
    let [one, other] = &row.key[..] else { return };
    let number_of = |id: &String| id.parse::<PersonId>().ok().and_then(|id| numbers.get(&id));
    let (Some(one), Some(other)) = (number_of(one), number_of(other)) else { return };
    let Some(score) = row.values.into_iter().nth(column).and_then(number) else { return };
    let best = scores.entry((*one.min(other), *one.max(other))).or_insert(score);
    *best = score.max(*best);
}

#[allow(clippy::cast_precision_loss, reason = "scores are ranked, not added up")]
fn number(value: v1::Value) -> Option<f64> {
    match value.value? {
        v1::value::Value::Number(number) => Some(number),
        v1::value::Value::Integer(integer) => Some(integer as f64),
        v1::value::Value::Day(day) => Some(f64::from(day)),
        v1::value::Value::Flag(flag) => Some(f64::from(u8::from(flag))),
        v1::value::Value::Text(_) | v1::value::Value::Person(_) | v1::value::Value::Event(_) => None,
    }
}
