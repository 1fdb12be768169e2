//! Records that were not recorded, and why.

use crate::spot::Spot;
use kith_client::{Error, EventRefused};
use kith_core::reason::{self, Reason};
use kith_json::{NotRecord, problem_json};
use serde_json::Value;

/// A record of a file that was not recorded, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it stands in its file.
    pub spot: Spot,
    /// The name of the reason.
    pub reason: &'static str,
    /// The field at fault; may be empty.
    pub field: String,
    /// The reason in words.
    pub message: String,
}

impl Refusal {
    /// A record that was refused before it was sent.
    pub fn local(spot: Spot, error: &Error) -> Self {
        let reason = error.reason().unwrap_or(Reason::EventInvalid);
        let field = error.field().unwrap_or_default().to_owned();
        Self { spot, reason: reason::name(reason), field, message: error.to_string() }
    }

    /// A record that could not be read.
    pub fn unread(spot: Spot, why: NotRecord) -> Self {
        match why {
            NotRecord::NotJson(why) => {
                Self { spot, reason: "EVENT_INVALID", field: String::new(), message: why.to_string() }
            }
            NotRecord::Invalid(invalid) => Self::local(spot, &Error::from(invalid)),
        }
    }

    /// A record that is not as it must be, in words.
    pub(crate) fn unreadable(spot: Spot, field: &str, message: impl Into<String>) -> Self {
        let reason = reason::name(Reason::EventInvalid);
        Self { spot, reason, field: field.to_owned(), message: message.into() }
    }

    /// A record that the server refused.
    pub fn of_server(spot: Spot, refused: EventRefused) -> Self {
        let reason = refused.reason.map_or("UNKNOWN", reason::name);
        Self { spot, reason, field: refused.field, message: refused.message }
    }

    /// The refusal as JSON.
    pub fn to_json(&self) -> Value {
        let mut object = self.spot.fields();
        object.extend(problem_json(self.reason, Some(&self.field), &self.message));
        object.into()
    }
}
