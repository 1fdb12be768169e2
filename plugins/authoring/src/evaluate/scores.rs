//! Scores of pairs: a numeric column of a view's rows.

use super::contacts::Pair;
use crate::{
    failure::Failure,
    host::{Fold, Host},
};
use kith_core::{id::PersonId, timestamp::Timestamp};
use kith_views::{KeyShape, Manifest, Query, Value, limits::PAGE_ROWS_MAX};
use std::{collections::HashMap, hash::BuildHasher};

/// The view to evaluate.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The view's name.
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
    let column = column(folded.manifest(), subject.column)?;
    let day = Timestamp::from_millis(cut).day();
    let mut query = Query { day: Some(day), page_rows: PAGE_ROWS_MAX, ..Query::default() };
    let mut scores = HashMap::new();
    loop {
        let page = folded.query(query.clone()).await?;
        for row in page.rows {
            let Some(score) = number(&row.values[column]) else { continue };
            let [one, other] = &row.key[..] else { continue };
            let (Some(one), Some(other)) = (numbers.get(one), numbers.get(other)) else { continue };
            let best = scores.entry((*one.min(other), *one.max(other))).or_insert(score);
            *best = score.max(*best);
        }
        query.page_token = page.next_page_token;
        if query.page_token.is_none() {
            return Ok(scores);
        }
    }
}

fn column(manifest: &Manifest, name: Option<&str>) -> Result<usize, Failure> {
    let found = match name {
        None => manifest.first_numeric(),
        Some(name) => manifest.fields.iter().position(|field| field.name == name && field.of.is_numeric()),
    };
    found.ok_or_else(|| {
        let known: Vec<_> =
            manifest.fields.iter().filter(|field| field.of.is_numeric()).map(|field| &*field.name).collect();
        Failure::Usage(format!("{} has no such numeric column; it has: {}", manifest.name, known.join(", ")))
    })
}

#[allow(clippy::cast_precision_loss, reason = "scores are ranked, not added up")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Integer(integer) => Some(*integer as f64),
        Value::Day(day) => Some(f64::from(day.number())),
        Value::Flag(flag) => Some(f64::from(u8::from(*flag))),
        Value::None | Value::Text(_) | Value::Person(_) | Value::Event(_) => None,
    }
}
