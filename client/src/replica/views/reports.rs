//! Reports of a replica: computed from its views, as a server computes them.
//!
//! Invariant: only a replica of the whole log computes a report. A part would silently give other numbers.

use super::{
    ViewError, asking,
    host::{Found, Host, blocking},
};
use crate::error::Error;
use kith_core::{day::Day, directory::Directory, filter::Filter, position::Position, reason::Reason};
use kith_proto::v1;
use kith_views::{
    Cancel, Question, Report, ReportContext, ViewHandle, explanation_of_report, question, report_as_of, rows_of_report,
    wire,
};
use std::sync::Arc;

/// A report, and the views that it reads, caught up with the replica.
pub(super) struct Ready {
    report: Arc<Report>,
    views: Vec<Arc<ViewHandle>>,
    host: Arc<Host>,
}

impl Ready {
    /// Finds a report by name; `None` if the name is not that of a report.
    pub(super) async fn find(host: &Arc<Host>, name: &str) -> Result<Option<Self>, ViewError> {
        let Found::Report(report, inputs) = host.find(name).await? else { return Ok(None) };
        if host.replica().filter()? != Filter::default() {
            let message =
                format!("the report {name} needs the whole log, and this replica holds only a part: ask the server");
            return Err(Error::refused(Reason::ViewIncomplete, message).at("view").into());
        }
        let mut views = Vec::new();
        for input in &report.manifest().inputs {
            views.push(host.level_of(&input.view, inputs).await?);
        }
        Ok(Some(Self { report, views, host: Arc::clone(host) }))
    }

    /// Answers a query.
    pub(super) async fn query(self, question: Question) -> Result<v1::QueryViewResponse, ViewError> {
        let known_at = asking::known_at(self.host.replica(), question.known_at())?;
        let question = question.of_report(&self.report, known_at)?;
        blocking(move || {
            let as_of = report_as_of(&self.views, question.page.as_of, question.page.day)?;
            let directory = self.host.directory_at(as_of.0)?;
            let table = self.report.table(&self.context(&directory, as_of), &Cancel::default())?;
            Ok(rows_of_report(&self.report, &table, &directory, &question, as_of)?)
        })
        .await
    }

    /// Explains a row.
    pub(super) async fn explain(self, message: v1::ExplainRowRequest) -> Result<v1::ExplainRowResponse, ViewError> {
        let (as_of, known_at, day) = question::explain_report(&message, &self.host.asked())?;
        let as_of = asking::known_at(self.host.replica(), known_at)?.or(as_of);
        blocking(move || {
            let as_of = report_as_of(&self.views, as_of, day)?;
            let directory = self.host.directory_at(as_of.0)?;
            let context = self.context(&directory, as_of);
            let cancel = Cancel::default();
            let table = self.report.table(&context, &cancel)?;
            Ok(explanation_of_report(&self.report, &table, &context, &message.key, &cancel)?)
        })
        .await
    }

    fn context<'a>(&'a self, directory: &'a Directory, (position, day): (Position, Day)) -> ReportContext<'a> {
        ReportContext { views: &self.views, directory, position, day }
    }

    /// Its status.
    pub(super) async fn status(self, name: String) -> Result<v1::View, ViewError> {
        let status = blocking(move || wire::report::view(&name, &self.report, &self.views)).await;
        status.map_err(|error| ViewError::Host(error.to_string()))
    }
}
