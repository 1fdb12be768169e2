//! Rows of a view as a table, and page by page for any format.

use super::{Table, Written, value_text};
use crate::{
    failure::Failure,
    place::{
        Place,
        views::{Asked, Counted},
    },
    show::{destination::Destination, people::Names},
};
use kith_client::{ViewQuery, v1};

/// The rows that a query asks for, page after page.
pub(super) struct Pages {
    views: Asked,
    query: ViewQuery,
    is_over: bool,
}

impl Pages {
    pub(super) async fn of(place: &Place, query: ViewQuery) -> Result<Self, Failure> {
        Ok(Self { views: Asked::at(place, Counted::Entries).await?, query, is_over: false })
    }

    /// What the rows of the view are about: `person`, `pair`, `organisation` and others.
    pub(super) async fn key(&self) -> Result<String, Failure> {
        let views = self.views.list().await?.views;
        let unknown = || Failure::NotFound(format!("there is no view {}: `kith view` lists them", self.query.view));
        Ok(views.into_iter().find(|view| view.name == self.query.view).ok_or_else(unknown)?.key)
    }

    pub(super) async fn next(&mut self) -> Result<Option<v1::QueryViewResponse>, Failure> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.views.query(&self.query).await?;
        self.query.page_token.clone_from(&page.next_page_token);
        self.is_over = page.next_page_token.is_empty();
        Ok(Some(page))
    }
}

/// Writes the rows of a view.
pub(crate) async fn write(
    place: &Place,
    query: ViewQuery,
    with_names: bool,
    out: &mut Destination,
) -> Result<Written, Failure> {
    let mut pages = Pages::of(place, query).await?;
    let key = pages.key().await?;
    let width = if key.ends_with("pair") { 2 } else { 1 };
    let names = if with_names { place.names().await? } else { Names::default() };
    let mut table = Table::new(out);
    let (mut written, mut has_heading) = (Written::of(0, ("row", "rows")), false);
    while let Some(page) = pages.next().await? {
        if !has_heading {
            table.row(heading(width, with_names, &page.fields))?;
            has_heading = true;
        }
        for row in &page.rows {
            table.row(cells(row, width, with_names.then_some(&names)))?;
            written.count += 1;
        }
    }
    table.finish()?;
    Ok(written)
}

fn heading(width: usize, with_names: bool, fields: &[v1::Field]) -> Vec<String> {
    let numbered = |what: &'static str| (1..=width).map(move |number| format!("{what}_{number}"));
    let names = with_names.then(|| numbered("name")).into_iter().flatten();
    let values = fields.iter().map(|field| field.name.clone());
    numbered("key").chain(names).chain(["item".to_owned()]).chain(values).chain(["evidence".to_owned()]).collect()
}

fn cells(row: &v1::Row, width: usize, names: Option<&Names>) -> Vec<String> {
    let key = (0..width).map(|at| row.key.get(at).map_or("", String::as_str));
    let called = names.into_iter().flat_map(|names| key.clone().map(|id| names.of(id).to_owned()));
    let item = if row.item == 0 { String::new() } else { row.item.to_string() };
    let values = row.values.iter().map(value_text);
    key.clone().map(str::to_owned).chain(called).chain([item]).chain(values).chain([row.evidence.to_string()]).collect()
}
