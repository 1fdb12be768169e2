//! The plugin host of Kith: derives views from entries in a sandbox. The only crate that names wasmtime.
//!
//! A view is a pure keyed fold of the log, and its file is a cache: delete it and the same rows come back. The log
//! never waits for a view, and a plugin that fails harms one key or, at worst, its own view.

mod abi;
mod answer;
mod cache;
mod call_clock;
mod cancel;
mod changes;
mod check;
mod compare;
mod compile;
mod complete;
mod contract;
mod declared;
mod derivation;
mod digest;
mod evaluate;
mod explain;
mod folder;
mod grouping;
mod host;
mod intake;
mod interrupted;
mod kept;
mod key;
pub mod limits;
mod manifest;
mod materialise;
mod one_place;
mod page;
mod people;
mod place;
mod places;
mod portions;
mod query;
mod refused;
mod report;
mod report_check;
mod report_input;
mod report_manifest;
mod report_page;
mod room;
mod routing;
mod row;
mod runner;
mod sandbox;
mod shape;
mod snapshot;
mod source;
mod store;
mod tables;
mod view;
pub mod wire;
mod work;

#[cfg(test)]
mod tests;

pub use answer::{RemovedRow, Row, Value};
pub use cache::CacheKey;
pub use cancel::Cancel;
pub use changes::{ChangeReader, Changes};
pub use check::found::{
    CheckError, CheckReport, Checking, CostReport, Difference, Differs, Fault, SampleReport, Trial,
};
pub use compare::{Comparison, Move};
pub use compile::{Compiled, Compiling, compile_component};
pub use contract::{Field, FieldType, KeyBy, KeyShape, Route};
pub use declared::Declared;
pub use digest::ViewDigest;
pub use evaluate::EvaluateError;
pub use explain::{Evidence, Explain, ExplainError, Explanation};
pub use host::{Config, Views};
pub use interrupted::Interrupted;
pub use manifest::{Manifest, ManifestInvalid, check_name};
pub use page::Direction;
pub use query::{OrderBy, Query, QueryAnswer, QueryError};
pub use refused::Refused;
pub use report::{
    InputRows, Report, ReportAnswer, ReportContext, ReportError, ReportExplanation, ReportQuery, ReportRow,
    ReportTable, TableOf,
};
pub use report_check::{ReportCheck, ReportTrial};
pub use report_manifest::{ReportInput, ReportKey, ReportManifest};
pub use report_page::{PageTokenInvalid, ReportPage};
pub use room::{NoRoom, Room};
pub use sandbox::{SandboxError, SandboxLimits};
pub use shape::Bound;
pub use snapshot::SnapshotError;
pub use source::{SourceError, ViewScope};
pub use store::StoreError;
pub use view::{
    following::{Clock, FollowError, Following},
    handle::{ViewHandle, ViewStopped},
    shared::ViewCursor,
    status::{QuarantinedKey, ViewState, ViewStatus},
};
