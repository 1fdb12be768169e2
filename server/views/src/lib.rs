//! The plugin host of Kith: derives views from entries in a sandbox. The only crate that names wasmtime.
//!
//! A view is a pure keyed fold of the log, and its file is a cache: delete it and the same rows come back. The log
//! never waits for a view, and a plugin that fails harms one key or, at worst, its own view.
//!
//! Modules, each of which depends only on those before it: `contract` and `share`, `plugin`, `file`, `fold`, `view`,
//! `ask`, `check`, `report`, `wire`, `answering`, and `host` on top. `limits` is used by all of them.

mod answering;
mod ask;
mod check;
mod contract;
mod file;
mod fold;
mod host;
pub mod limits;
mod plugin;
mod report;
mod share;
mod view;
pub mod wire;

#[cfg(test)]
mod tests;

pub use answering::{
    digest_of_view, explanation_of_report, explanation_of_view,
    question::{Asked, Question, ReportQuestion},
    report_as_of, rows_of_report, rows_of_view, trace_of_view,
    unanswered::Unanswered,
};
/// Questions, read from their messages.
pub mod question {
    pub use crate::answering::question::{AsOf, ReportAsOf, as_of, day, digest, explain, explain_report, trace};
}
pub use ask::{
    answer::{RemovedRow, Row, Value},
    changes::{ChangeReader, Changes},
    columns::{ColumnError, Only},
    compare::{Comparison, Move},
    digest::ViewDigest,
    explain::{Evidence, Explain, ExplainError, Explanation},
    page::Direction,
    query::{OrderBy, Query, QueryAnswer, QueryError},
    snapshot::SnapshotError,
    trace::{Trace, TraceError, Traced},
};
pub use check::found::{
    CheckError, CheckReport, Checking, CostReport, Difference, Differs, Fault, Growth, SampleReport, Trial,
};
pub use contract::{
    Field, FieldType, FieldUnknown, KeyBy, KeyShape, Route,
    declared::Declared,
    manifest::{Manifest, ManifestInvalid, check_name},
    report_manifest::{ReportInput, ReportKey, ReportManifest},
};
pub use file::store::StoreError;
pub use fold::{
    evaluate::EvaluateError,
    source::{SourceError, ViewScope},
};
pub use host::{Config, Views};
pub use plugin::{
    cache::CacheKey,
    compile::{Compiled, Compiling, compile_component},
    engine::SandboxLimits,
    known::KnownFunctions,
    packs::{Author, NewPack, Pack, PackReader, Packs},
    refused::Refused,
    sandbox::SandboxError,
    shape::Bound,
};
pub use report::{
    Report, ReportContext,
    answer::{InputRows, ReportAnswer, ReportExplanation, ReportQuery, ReportRow},
    check::{ReportCheck, ReportTrial},
    error::ReportError,
    page::{PageTokenInvalid, ReportPage},
    table::{ReportTable, TableOf},
};
pub use share::{
    cancel::Cancel,
    interrupted::Interrupted,
    room::{NoRoom, Room},
};
pub use view::{
    following::{Clock, FollowError, Following},
    handle::{ViewHandle, ViewStopped},
    shared::ViewCursor,
    status::{QuarantinedKey, ViewState, ViewStatus},
    thread::Priority,
};
