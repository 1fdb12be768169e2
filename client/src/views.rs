//! Views: listing them, their rows now or at a past point, rows as they change, and the entries behind a row.

use crate::{
    client::Client,
    error::Error,
    follow::{Follow, Following, follow},
    retry::Repeat,
};
use futures_util::{Stream, StreamExt};
use kith_core::{
    day::Day,
    filter::Filter,
    id::{OrganisationId, PersonId},
    position::Position,
    timestamp::Timestamp,
};
use kith_proto::v1;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{Response, Status, Streaming};

/// The views of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Views {
    /// The views, by name.
    pub views: Vec<v1::View>,
    /// The log's head.
    pub head: Position,
}

/// Which rows of a view to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewQuery {
    /// The view's name.
    pub view: String,
    /// Only rows with this person in the key.
    pub person: Option<PersonId>,
    /// Only rows with a member of this organisation in the key.
    pub organisation: Option<OrganisationId>,
    /// Only rows with this key; empty = any.
    pub key: Vec<PersonId>,
    /// Only rows with one of these texts in this column.
    pub only: Option<(String, Vec<String>)>,
    /// The columns to return, each once; empty = all.
    pub columns: Vec<String>,
    /// As of the end of this UTC day; `None` = today.
    pub at: Option<Day>,
    /// As known at this position; zero = now. Excludes `as_of_time`.
    pub as_of: Position,
    /// As known at this time. Excludes `as_of`.
    pub as_of_time: Option<Timestamp>,
    /// Column to sort by, descending, or ascending with a leading `-`; empty = the first numeric one.
    pub sort: String,
    /// The maximum number of rows, up to 10,000; 0 = 100.
    pub page_size: u32,
    /// `next_page_token` of the previous page; empty for the first.
    pub page_token: String,
}

/// Which row to explain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowQuery {
    /// The view's name.
    pub view: String,
    /// The row's key: one or two people.
    pub key: Vec<PersonId>,
    /// The row's key in a report about organisations: one or two of them, instead of people.
    pub organisations: Vec<OrganisationId>,
    /// The row's item; zero = every row of the key.
    pub item: Position,
    /// As of the end of this UTC day; `None` = today.
    pub at: Option<Day>,
    /// As known at this position; zero = now. Excludes `as_of_time`.
    pub as_of: Position,
    /// As known at this time. Excludes `as_of`.
    pub as_of_time: Option<Timestamp>,
}

/// Which rows of a view to trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceQuery {
    /// The view's name.
    pub view: String,
    /// The rows' key: one or two people.
    pub key: Vec<PersonId>,
    /// The row's item; zero = every row of the key.
    pub item: Position,
    /// The first UTC day; `None` = as early as the most points reach.
    pub from: Option<Day>,
    /// The last UTC day; `None` = today.
    pub until: Option<Day>,
    /// Days from one point to the next; 0 = 1. A trace has at most 400 points.
    pub step_days: u32,
    /// As known at this position; zero = now. Excludes `as_of_time`.
    pub as_of: Position,
    /// As known at this time. Excludes `as_of`.
    pub as_of_time: Option<Timestamp>,
}

/// Which rows of a view to digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DigestQuery {
    /// The view's name.
    pub view: String,
    /// As of the end of this UTC day; `None` = today.
    pub at: Option<Day>,
    /// As known at this position; zero = now.
    pub as_of: Position,
    /// Only rows that can be fully computed from the entries that pass this filter.
    pub held: Filter,
}

/// Rows as they change. An error for which [`Error::is_retryable`] holds reports an interruption: the stream resumes on
/// its own. Any other error is the last item.
pub struct WatchView(Following<v1::WatchViewResponse>);

impl Stream for WatchView {
    type Item = Result<v1::WatchViewResponse, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for WatchView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchView").finish_non_exhaustive()
    }
}

impl ViewQuery {
    /// The request for a network.
    pub(crate) fn to_proto(&self, network: String) -> v1::QueryViewRequest {
        v1::QueryViewRequest {
            network,
            view: self.view.clone(),
            person: self.person.as_ref().map(ToString::to_string).unwrap_or_default(),
            organisation: self.organisation.as_ref().map(ToString::to_string).unwrap_or_default(),
            at: self.at.map(Day::number),
            as_of: self.as_of.get(),
            as_of_time: self.as_of_time.map(Timestamp::to_proto),
            sort: self.sort.clone(),
            page_size: self.page_size,
            page_token: self.page_token.clone(),
            key: self.key.iter().map(ToString::to_string).collect(),
            only: self.only.clone().map(|(column, texts)| v1::Only { column, texts }),
            columns: self.columns.clone(),
        }
    }
}

impl TraceQuery {
    /// The request for a network.
    pub(crate) fn to_proto(&self, network: String) -> v1::TraceRowRequest {
        v1::TraceRowRequest {
            network,
            view: self.view.clone(),
            key: self.key.iter().map(ToString::to_string).collect(),
            item: self.item.get(),
            from: self.from.map(Day::number),
            until: self.until.map(Day::number),
            step_days: self.step_days,
            as_of: self.as_of.get(),
            as_of_time: self.as_of_time.map(Timestamp::to_proto),
        }
    }
}

impl RowQuery {
    /// The request for a network.
    pub(crate) fn to_proto(&self, network: String) -> v1::ExplainRowRequest {
        let people = self.key.iter().map(ToString::to_string);
        let organisations = self.organisations.iter().map(ToString::to_string);
        v1::ExplainRowRequest {
            network,
            view: self.view.clone(),
            key: people.chain(organisations).collect(),
            item: self.item.get(),
            at: self.at.map(Day::number),
            as_of: self.as_of.get(),
            as_of_time: self.as_of_time.map(Timestamp::to_proto),
        }
    }
}

impl DigestQuery {
    /// The request for a network.
    pub(crate) fn to_proto(&self, network: String) -> v1::DigestViewRequest {
        v1::DigestViewRequest {
            network,
            view: self.view.clone(),
            at: self.at.map(Day::number),
            as_of: self.as_of.get(),
            filter: Some(self.held.to_proto()),
        }
    }
}

impl Client {
    /// All views, with their status.
    pub async fn list_views(&self) -> Result<Views, Error> {
        let views = self.views();
        let send = |request| {
            let mut views = views.clone();
            async move { views.list_views(request).await }
        };
        let mut request = v1::ListViewsRequest { network: self.network_name(), ..Default::default() };
        let mut listed = Vec::new();
        loop {
            let page = self.call(Repeat::Safe, request.clone(), send).await?;
            listed.extend(page.views);
            if page.next_page_token.is_empty() {
                return Ok(Views { views: listed, head: Position::new(page.head) });
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Rows of a view, one page at a time.
    pub async fn query_view(&self, query: &ViewQuery) -> Result<v1::QueryViewResponse, Error> {
        let request = query.to_proto(self.network_name());
        let views = self.views();
        self.call(Repeat::Safe, request, |request| {
            let mut views = views.clone();
            async move { views.query_view(request).await }
        })
        .await
    }

    /// The rows of one key on many days. For views, not for reports.
    pub async fn trace_row(&self, query: &TraceQuery) -> Result<v1::TraceRowResponse, Error> {
        let request = query.to_proto(self.network_name());
        let views = self.views();
        self.call(Repeat::Safe, request, |request| {
            let mut views = views.clone();
            async move { views.trace_row(request).await }
        })
        .await
    }

    /// The entries that a row is derived from, newest first, each with its share and its words.
    pub async fn explain_row(&self, query: &RowQuery) -> Result<v1::ExplainRowResponse, Error> {
        let request = query.to_proto(self.network_name());
        let views = self.views();
        self.call(Repeat::Safe, request, |request| {
            let mut views = views.clone();
            async move { views.explain_row(request).await }
        })
        .await
    }

    /// A digest over the rows of a view: equal to that of a replica with the same entries.
    pub async fn digest_view(&self, query: &DigestQuery) -> Result<v1::DigestViewResponse, Error> {
        let request = query.to_proto(self.network_name());
        let views = self.views();
        self.call(Repeat::Safe, request, |request| {
            let mut views = views.clone();
            async move { views.digest_view(request).await }
        })
        .await
    }

    /// Rows of a view that changed after a position, then rows as they change; zero = all rows first.
    pub fn watch_view(&self, view: impl Into<String>, after: Position) -> WatchView {
        WatchView(follow(self, Watching { view: view.into(), after }))
    }
}

/// A view, and the position up to which its rows were yielded.
struct Watching {
    view: String,
    after: Position,
}

impl Follow for Watching {
    type Message = v1::WatchViewResponse;
    type Item = v1::WatchViewResponse;

    async fn open(&self, client: &Client) -> Result<Response<Streaming<v1::WatchViewResponse>>, Status> {
        let (network, view) = (client.network().to_string(), self.view.clone());
        client.view_streams().watch_view(v1::WatchViewRequest { network, view, after: self.after.get() }).await
    }

    fn take(&mut self, message: v1::WatchViewResponse) -> Result<v1::WatchViewResponse, Error> {
        self.after = Position::new(message.position);
        Ok(message)
    }
}
