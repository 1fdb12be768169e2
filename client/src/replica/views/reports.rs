//! Reports of a replica: computed here from the views here, as a server computes them.
//!
//! Invariant: only a replica of the whole log computes one. A part would give other numbers, and nothing would show it.

use super::{
    ViewError, asking,
    host::{Found, Host, blocking},
};
use crate::{
    error::Error,
    views::{RowQuery, ViewQuery},
};
use kith_core::reason::Reason;
use kith_core::{filter::Filter, position::Position};
use kith_proto::v1;
use kith_views::{Report, ReportContext, ReportError, ReportPage, ReportQuery, ViewHandle, wire};
use std::sync::Arc;

/// A report, and the views that it reads, level with what is here.
pub(super) struct Ready {
    report: Arc<Report>,
    views: Vec<Arc<ViewHandle>>,
    host: Arc<Host>,
}

impl Ready {
    /// The report of a name, if the name is one.
    pub(super) async fn find(host: &Arc<Host>, name: &str) -> Result<Option<Self>, ViewError> {
        let Found::Report(report, inputs) = host.find(name).await? else { return Ok(None) };
        if host.replica().filter()? != Filter::default() {
            let message =
                format!("the report {name} needs the whole log, and this replica holds a part: ask the server");
            return Err(Error::refused(Reason::ViewIncomplete, message).at("view").into());
        }
        let mut views = Vec::new();
        for input in &report.manifest().inputs {
            views.push(host.level_of(&input.view, inputs).await?);
        }
        Ok(Some(Self { report, views, host: Arc::clone(host) }))
    }

    /// Answers a question.
    pub(super) async fn query(self, query: &ViewQuery) -> Result<v1::QueryViewResponse, ViewError> {
        let asked = asking::question(self.host.replica(), query)?;
        let page = match &asked.page_token {
            Some(token) => ReportPage::parse(token).map_err(|invalid| refused("page_token", &invalid))?,
            None => ReportPage { as_of: asked.as_of, day: asked.day, skip: 0 },
        };
        let query = ReportQuery {
            person: asked.person,
            organisation: asked.organisation,
            key: asked.key.map(|key| key.iter().map(ToString::to_string).collect()),
            order: asked.order,
            skip: page.skip,
            page_rows: asked.page_rows,
        };
        blocking(move || {
            let (position, day) = self.as_of(page.as_of, page.day)?;
            let directory = self.host.directory_at(position)?;
            let context = ReportContext { views: &self.views, directory: &directory, position, day };
            let answer = self.report.query(&context, &query)?;
            let page = ReportPage { as_of: Some(position), day: Some(day), ..page };
            Ok(wire::report::answer(&self.report, &page, answer))
        })
        .await
    }

    /// Explains a row.
    pub(super) async fn explain(self, query: &RowQuery) -> Result<v1::ExplainRowResponse, ViewError> {
        let people = query.key.iter().map(ToString::to_string);
        let key: Vec<String> = people.chain(query.organisations.iter().map(ToString::to_string)).collect();
        let (as_of, day) = (asking::as_of(query.as_of), asking::day(query.at)?);
        blocking(move || {
            let (position, day) = self.as_of(as_of, day)?;
            let directory = self.host.directory_at(position)?;
            let context = ReportContext { views: &self.views, directory: &directory, position, day };
            let found = self.report.explain(&context, &key)?;
            Ok(wire::report::explanation(&self.report, found, (position, day)))
        })
        .await
    }

    /// How it is doing.
    pub(super) async fn status(self, name: String) -> Result<v1::View, ViewError> {
        let status = blocking(move || wire::report::view(&name, &self.report, &self.views)).await;
        status.map_err(|error| ViewError::Host(error.to_string()))
    }

    /// The position and day that a question is about: unless it says otherwise, as far as every view has come.
    fn as_of(&self, as_of: Option<Position>, day: Option<i32>) -> Result<(Position, i32), Error> {
        let building =
            || Error::refused(Reason::ViewBuilding, "a view that the report reads is being built".to_owned());
        let (reached, today) = Report::reached(&self.views).ok_or_else(building)?;
        Ok((as_of.unwrap_or(reached), day.unwrap_or(today)))
    }
}

fn refused(field: &str, why: &dyn std::error::Error) -> Error {
    Error::refused(Reason::RequestInvalid, why.to_string()).at(field)
}

impl From<ReportError> for ViewError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::View { error, .. } => error.into(),
            ReportError::FieldMissing { .. } | ReportError::Failed(_) => {
                Error::refused(Reason::ViewStopped, error.to_string()).into()
            }
            ReportError::FieldUnknown(_) => refused("sort", &error).into(),
            ReportError::Cancelled => Error::refused(Reason::DeadlineExceeded, error.to_string()).into(),
            ReportError::Busy(_) => Error::refused(Reason::ViewBuilding, error.to_string()).into(),
            ReportError::TooLarge(_) => Error::refused(Reason::LimitExceeded, error.to_string()).into(),
            ReportError::RowUnknown => Error::refused(Reason::RowUnknown, error.to_string()).into(),
        }
    }
}
