//! Why a question has no answer: reason, field and message, the same wherever it is answered.

use crate::{
    ask::{columns::ColumnError, explain::ExplainError, query::QueryError, snapshot::SnapshotError, trace::TraceError},
    fold::evaluate::EvaluateError,
    limits,
    report::{error::ReportError, page::PageTokenInvalid},
    share::interrupted::Interrupted,
};
use kith_core::{
    id::{OrganisationId, PersonId},
    invalid::{Invalid, Problem},
    position::Position,
    reason::{Reason, meaning},
};
use std::{fmt::Display, time::Duration};

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unanswered {
    /// The reason; `None` if the view itself fails, which a caller cannot fix.
    pub reason: Option<Reason>,
    /// The field of the question that is at fault.
    pub field: Option<String>,
    /// The message.
    pub message: String,
    /// The position that the view (`cursor`) or the log (`head`) has reached, if that is the reason.
    pub reached: Option<(&'static str, Position)>,
    /// When to ask again, if waiting helps.
    pub retry_after: Option<Duration>,
}

impl Unanswered {
    fn because(reason: Reason, message: impl Display) -> Self {
        let message = message.to_string();
        Self { reason: Some(reason), field: None, message, reached: None, retry_after: None }
    }

    fn of_reason(reason: Reason) -> Self {
        Self::because(reason, meaning(reason).message)
    }

    fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    fn after(self, delay: Duration) -> Self {
        Self { retry_after: Some(delay), ..self }
    }

    /// A field that is missing or malformed.
    pub(super) fn request(field: &'static str, message: impl Display) -> Self {
        Self::because(Reason::RequestInvalid, format_args!("{field}: {message}")).at(field)
    }

    /// A field that breaks a rule of ids or filters.
    pub(super) fn invalid(invalid: &Invalid) -> Self {
        let reason = if invalid.is_limit() { Reason::LimitExceeded } else { Reason::RequestInvalid };
        Self::because(reason, invalid).at(&invalid.field)
    }

    pub(super) fn too_many(field: &'static str, max: usize, found: usize) -> Self {
        Self::invalid(&Invalid::new(field, Problem::TooMany { max, found }))
    }

    pub(super) fn limit(field: &'static str, message: impl Display) -> Self {
        Self::because(Reason::LimitExceeded, message).at(field)
    }

    pub(super) fn person_unknown(field: &'static str, id: &PersonId) -> Self {
        Self::because(Reason::PersonUnknown, format_args!("there is no person {id}")).at(field)
    }

    pub(super) fn organisation_unknown(field: &'static str, id: &OrganisationId) -> Self {
        Self::because(Reason::OrganisationUnknown, format_args!("there is no organisation {id}")).at(field)
    }

    pub(super) fn position_ahead(head: Position) -> Self {
        let message = format_args!("the log has only reached position {head}");
        let ahead = Self::because(Reason::PositionAhead, message).after(limits::RETRY_LAGGING);
        Self { reached: Some(("head", head)), ..ahead }
    }

    pub(super) fn inputs_building() -> Self {
        let message = "a view that the report reads is still being built";
        Self::because(Reason::ViewBuilding, message).after(limits::RETRY_LAGGING)
    }

    pub(super) fn cancelled() -> Self {
        Self::of_reason(Reason::DeadlineExceeded)
    }

    fn failed(error: &impl Display) -> Self {
        Self { reason: None, field: None, message: error.to_string(), reached: None, retry_after: None }
    }
}

impl From<SnapshotError> for Unanswered {
    fn from(error: SnapshotError) -> Self {
        (&error).into()
    }
}

impl From<&SnapshotError> for Unanswered {
    fn from(error: &SnapshotError) -> Self {
        let behind = |reason, cursor: &Position, delay| {
            let behind = Self::because(reason, error).after(delay);
            Self { reached: Some(("cursor", *cursor)), ..behind }
        };
        match error {
            SnapshotError::Building { cursor } | SnapshotError::WaitsForRoom { cursor } => {
                behind(Reason::ViewBuilding, cursor, limits::RETRY_BUILDING)
            }
            SnapshotError::PositionAhead { cursor } => behind(Reason::PositionAhead, cursor, limits::RETRY_LAGGING),
            SnapshotError::Evaluate(EvaluateError::Interrupted(interrupted)) => match interrupted {
                Interrupted::Cancelled | Interrupted::Deadline => Self::because(Reason::DeadlineExceeded, error),
                Interrupted::NoInstance { .. } => Self::because(Reason::ViewBuilding, error),
                Interrupted::TooLarge { .. } => Self::because(Reason::LimitExceeded, error),
            },
            SnapshotError::Evaluate(failure) => {
                // The caller cannot fix it and learns only that it failed; the cause is for the operator.
                tracing::error!(error = failure as &dyn std::error::Error, "a view failed while it was queried");
                Self::failed(error)
            }
        }
    }
}

impl From<QueryError> for Unanswered {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::Snapshot(error) => error.into(),
            QueryError::PersonAhead(_) => Self::because(Reason::ViewBuilding, error),
            QueryError::KeyShape { .. } => Self::because(Reason::RequestInvalid, error).at("key"),
            QueryError::FieldUnknown(_) => Self::because(Reason::RequestInvalid, error).at("sort"),
            QueryError::Columns(error) => error.into(),
            QueryError::PageRows { .. } => Self::because(Reason::LimitExceeded, error).at("page_size"),
            QueryError::PageToken => Self::because(Reason::RequestInvalid, error).at("page_token"),
        }
    }
}

impl From<&ColumnError> for Unanswered {
    fn from(error: &ColumnError) -> Self {
        match error {
            ColumnError::OnlyUnknown(_) | ColumnError::NotText { .. } => Self::request("only.column", error),
            ColumnError::Unknown(_) => Self::request("columns", error),
        }
    }
}

impl From<ExplainError> for Unanswered {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Query(error) => error.into(),
            ExplainError::RowUnknown => Self::because(Reason::RowUnknown, error),
        }
    }
}

impl From<TraceError> for Unanswered {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::Query(error) => error.into(),
            TraceError::FromLater { .. } => Self::request("from", error),
            TraceError::TooManyPoints { .. } => Self::limit("step_days", error),
            TraceError::TooLarge => Self::because(Reason::LimitExceeded, error),
        }
    }
}

impl From<ReportError> for Unanswered {
    fn from(error: ReportError) -> Self {
        (&error).into()
    }
}

impl From<&ReportError> for Unanswered {
    fn from(error: &ReportError) -> Self {
        match error {
            ReportError::View { error, .. } => error.into(),
            ReportError::FieldMissing { .. } | ReportError::NotNarrowed { .. } | ReportError::Failed(_) => {
                Self::because(Reason::ViewStopped, error)
            }
            ReportError::FieldUnknown(_) => Self::request("sort", error),
            ReportError::Columns(error) => error.into(),
            ReportError::Busy(_) => Self::because(Reason::ViewBuilding, error),
            ReportError::TooLarge(_) | ReportError::Input { .. } | ReportError::Memory { .. } => {
                Self::because(Reason::LimitExceeded, error)
            }
            ReportError::RowUnknown => Self::of_reason(Reason::RowUnknown),
            ReportError::Cancelled => Self::cancelled(),
        }
    }
}

impl From<PageTokenInvalid> for Unanswered {
    fn from(error: PageTokenInvalid) -> Self {
        Self::request("page_token", error)
    }
}
