//! The JSON of Kith: one codec for every program that reads or writes JSON.
//!
//! What is written:
//!
//! | what | by | shape |
//! |---|---|---|
//! | an event | [`event_json`] | `{"id", "occurred_at", "scope", "caused_by", "attributes", FACT: {...}}` |
//! | its words | [`details_json`] | `[{"kind", "subjects", "text"}, ...]` |
//! | an entry | [`entry_json`] | `{"position", "id", "kind", ..., "event", "details"}` |
//! | the outcome of an append | [`outcome_json`] | `{"id", "position", "duplicate"}` |
//! | a row of a view or report | [`row_json`], [`removed_row_json`], [`value_json`] | `{"key", "item", FIELD: value, ..., "evidence"}` |
//! | a view and its status | [`view_json`] | `{"name", "version", "state", "cursor", "lag", ...}` |
//! | people, organisations | [`person_json`], [`organisation_json`] | `{"id", "name", ..., "position"}` |
//! | the end of a log | [`head_json`] | `{"network", "position", "root", "recorded_at"}` |
//! | an entry as a CloudEvent | [`cloud_event_json`] | `{"specversion", "id", "source", "type", ..., "data"}` |
//! | a problem | [`problem_json`] | `{"reason", "field", "message"}` |
//!
//! What is read is a record, `{"event": {...}, "details": [...]}`: [`read_record`]. It is the JSON of
//! `kith.v1.NewEvent`, and what [`event_json`] and [`details_json`] write is read back. Reading is strict: unknown and
//! repeated fields and wrong types are errors that name the field.
//!
//! Times are RFC 3339 in UTC, days `YYYY-MM-DD`, ids text, enums the names of `kith.v1` in lower case. Fields keep the
//! order in which they are written, and fields may be added to what is written. [`dates`] reads times and days as
//! people write them. CloudEvents with records as their data are read by [`read_cloud_event`].
//!
//! Invariant: what is written of an event that clients may record reads back as the same content.
//!
//! ```
//! use kith_json::{derived::Derived, event_json, read_record};
//!
//! let line = r#"{"event":{"occurred_at":"2026-03-04T10:00:00Z","scope":"network","met":{"people":["amina","ben"]}}}"#;
//! let record = read_record(line.as_bytes(), &mut Derived::of([7; 32]))?;
//! assert_eq!(event_json(&record.event)["met"]["people"][0], "amina");
//!
//! let error = read_record(br#"{"event":{"met":7}}"#, &mut Derived::of([7; 32])).unwrap_err();
//! assert_eq!(error.to_string(), "event.occurred_at: is missing");
//! # Ok::<_, kith_json::NotRecord>(())
//! ```

mod cloud_event;
pub mod dates;
pub mod derived;
mod detail;
mod directory;
mod entry;
mod event;
mod head;
mod missing;
mod name;
mod outcome;
mod problem;
mod record;
mod row;
mod time;
pub mod value;
mod values;
mod view;

pub use cloud_event::{CloudEventAttributes, cloud_event_json, read_cloud_event, read_cloud_event_data};
pub use detail::{detail_json, details_json};
pub use directory::{organisation_json, person_json};
pub use entry::entry_json;
pub use event::event_json;
pub use head::head_json;
pub use missing::Missing;
pub use name::{answer_name, retraction_reason_name, role_name, scope_name};
pub use outcome::outcome_json;
pub use problem::problem_json;
pub use record::{NotRecord, Record, read_record, read_record_value};
pub use row::{removed_row_json, row_json, value_json};
pub use time::{NotDay, day_text, read_day, read_time, time_text, whole_millis};
pub use view::{view_json, view_state_name};
