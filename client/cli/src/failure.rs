//! Why a command failed: the message, what to do about it, and the exit code, with one exhaustive match for each.

use kith_client::{Error, Kind};
use kith_core::reason::{self, Code, Reason, meaning};
use kith_core::{event::Event, id::EventId, invalid::Invalid, timestamp::Timestamp};
use kith_json::{problem_json, time_text};
use serde_json::{Value, json};
use std::{fmt, io, path::Path};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is invalid.
    Usage(String),
    /// Something that was named does not exist.
    NotFound(String),
    /// A call to the server failed, or was refused before it was made.
    Call(Error),
    /// Something was sent and no answer came: it is not known whether it was done.
    Unanswered {
        /// The error of the call.
        error: Error,
        /// The event that was sent, if any, and when it happened.
        event: Option<(EventId, Timestamp)>,
        /// How to repeat it safely, in words.
        again: String,
    },
    /// A plugin breaks a rule.
    PluginRefused(String),
    /// Verification failed.
    NotVerified(String),
    /// It cannot be done now, but may succeed later.
    Unavailable(String),
    /// The replica refuses what the server would.
    Refused { reason: Reason, message: String },
    /// The server refused part of what was sent; it has been reported already.
    PartlyRefused,
    /// Somebody pressed Ctrl-C.
    Stopped,
    /// A file could not be read or written.
    File { action: &'static str, path: String, error: io::Error },
    /// Nobody reads the output any more.
    OutputClosed,
    /// Anything else, in words.
    Unexpected(String),
}

/// Exit codes, as documented.
mod code {
    pub(super) const DONE: u8 = 0;
    pub(super) const UNEXPECTED: u8 = 1;
    pub(super) const USAGE: u8 = 2;
    pub(super) const NOT_FOUND: u8 = 3;
    pub(super) const REFUSED: u8 = 4;
    pub(super) const UNAVAILABLE: u8 = 5;
    pub(super) const NOT_VERIFIED: u8 = 6;
    /// The exit code that shells report for a program ended by SIGINT.
    pub(super) const STOPPED: u8 = 130;
}

impl Failure {
    /// The failure of a call that changes something: without an answer it may have been done, and `again` says how to
    /// find out or repeat it.
    pub(crate) fn of_change(error: Error, event: Option<&Event>, again: impl Into<String>) -> Self {
        let may_be_done = match error.kind() {
            Kind::Unreachable | Kind::TimedOut | Kind::ServerFailed | Kind::AnswerInvalid => true,
            Kind::Refused(_) => !error.had_no_effect(),
            Kind::NotVerified | Kind::OptionsInvalid => false,
        };
        if !may_be_done {
            return Self::Call(error);
        }
        Self::Unanswered { error, event: event.map(|event| (event.id, event.occurred_at)), again: again.into() }
    }

    /// A file that could not be read or written.
    pub(crate) fn file(action: &'static str, path: &Path, error: io::Error) -> Self {
        Self::File { action, path: path.display().to_string(), error }
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::OutputClosed => code::DONE,
            Self::Usage(_) => code::USAGE,
            Self::NotFound(_) => code::NOT_FOUND,
            Self::NotVerified(_) => code::NOT_VERIFIED,
            Self::Unavailable(_) => code::UNAVAILABLE,
            Self::Refused { reason, .. } => reason_exit_code(*reason),
            Self::PartlyRefused | Self::PluginRefused(_) => code::REFUSED,
            Self::Stopped => code::STOPPED,
            Self::Call(error) | Self::Unanswered { error, .. } => call_exit_code(error.kind()),
            Self::File { error, .. } if error.kind() == io::ErrorKind::NotFound => code::NOT_FOUND,
            Self::File { error, .. } if is_damage(error) => code::REFUSED,
            Self::File { .. } | Self::Unexpected(_) => code::UNEXPECTED,
        }
    }

    /// Whether a view is only lagging behind.
    pub(crate) fn is_lag(&self) -> bool {
        match self {
            Self::Call(error) => error.reason() == Some(Reason::ViewBuilding),
            _ => false,
        }
    }

    /// A failure after something was already done; the message starts with what was done.
    pub(crate) fn after(self, done: &str) -> Self {
        match self {
            Self::Unexpected(message) => Self::Unexpected(format!("{done}; {message}")),
            other => other,
        }
    }

    /// Whether nothing needs to be printed.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::OutputClosed | Self::PartlyRefused | Self::Stopped)
    }

    /// What to do, if the message does not make that obvious.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Call(error) => match error.kind() {
                Kind::Refused(reason) => hint(reason),
                Kind::Unreachable => Some(unreachable_hint(&error.to_string())),
                Kind::OptionsInvalid => Some("see --server and --token-file"),
                Kind::NotVerified => Some("keep what you have as evidence, and ask the server's operator"),
                Kind::TimedOut | Kind::ServerFailed | Kind::AnswerInvalid => None,
            },
            Self::File { error, .. } if is_damage(error) => {
                Some("the file is cut off or damaged: get it whole, then import it again")
            }
            Self::Refused { reason, .. } => hint(*reason),
            Self::Unanswered { .. }
            | Self::Usage(_)
            | Self::NotFound(_)
            | Self::Unavailable(_)
            | Self::NotVerified(_)
            | Self::PluginRefused(_)
            | Self::PartlyRefused
            | Self::Stopped
            | Self::File { .. }
            | Self::OutputClosed
            | Self::Unexpected(_) => None,
        }
    }

    /// The failure as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let field = match self {
            Self::Call(error) => error.field(),
            _ => None,
        };
        let mut error = problem_json(self.reason(), field, &self.to_string());
        if let Self::Unanswered { event: Some((event, occurred_at)), .. } = self {
            error.insert("id".into(), event.to_string().into());
            error.insert("occurred_at".into(), time_text(*occurred_at).into());
        }
        json!({ "error": error })
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Usage(_) => "USAGE",
            Self::NotFound(_) => "NOT_FOUND",
            Self::NotVerified(_) => "NOT_VERIFIED",
            Self::Unavailable(_) => "UNAVAILABLE",
            Self::Refused { reason, .. } => reason::name(*reason),
            Self::PluginRefused(_) => "PLUGIN_REFUSED",
            Self::PartlyRefused => "PARTLY_REFUSED",
            Self::Stopped => "STOPPED",
            Self::File { .. } => "FILE",
            Self::OutputClosed => "OUTPUT_CLOSED",
            Self::Unexpected(_) => "UNEXPECTED",
            Self::Call(error) | Self::Unanswered { error, .. } => match error.kind() {
                Kind::Refused(reason) => reason::name(reason),
                Kind::Unreachable => "UNREACHABLE",
                Kind::TimedOut => "TIMED_OUT",
                Kind::ServerFailed => "SERVER_FAILED",
                Kind::AnswerInvalid => "ANSWER_INVALID",
                Kind::NotVerified => "NOT_VERIFIED",
                Kind::OptionsInvalid => "OPTIONS_INVALID",
            },
        }
    }
}

/// Whether a file was read but is damaged, for example a truncated compressed file.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

fn call_exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Refused(reason) => reason_exit_code(reason),
        Kind::Unreachable | Kind::TimedOut => code::UNAVAILABLE,
        Kind::OptionsInvalid => code::USAGE,
        Kind::NotVerified => code::NOT_VERIFIED,
        Kind::ServerFailed | Kind::AnswerInvalid => code::UNEXPECTED,
    }
}

fn reason_exit_code(reason: Reason) -> u8 {
    match meaning(reason).code {
        Code::Unknown => code::UNEXPECTED,
        Code::NotFound => code::NOT_FOUND,
        Code::ResourceExhausted | Code::Unavailable | Code::DeadlineExceeded => code::UNAVAILABLE,
        Code::InvalidArgument
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unimplemented
        | Code::Unauthenticated => code::REFUSED,
    }
}

/// What to do about a connection that failed, by what the transport says.
fn unreachable_hint(message: &str) -> &'static str {
    if message.contains("invalid peer certificate") {
        return "--ca FILE (KITH_CA) names the authorities that may vouch for the server";
    }
    if message.contains("received fatal alert") || message.contains("connection closed") {
        return "https:// if the server speaks TLS; if it asks for a certificate, --client-cert and --client-key name yours";
    }
    "is kithd running there? --server or KITH_SERVER says where to look: https:// if it speaks TLS, otherwise http://"
}

fn hint(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::ConditionFailed => Some("something was recorded in the meantime: see `kith log`, then decide again"),
        Reason::ViewUnknown => Some("`kith view` lists the available views"),
        Reason::PersonUnknown => Some("`kith person list` lists the people, `kith person add` adds somebody"),
        Reason::OrganisationUnknown => Some("`kith org list` lists the organisations, `kith org add` adds one"),
        Reason::EventUnknown => Some("`kith log -o json` shows the ids of events"),
        Reason::NetworkUnknown => Some("`kith network list` shows the networks that your token gives access to"),
        Reason::TokenUnknown => Some("`kith token list` shows the ids of tokens"),
        Reason::MemberUnknown => Some("`kith member list` shows the members"),
        Reason::EventIdReused => Some("use another --id, or look up what is recorded under this one"),
        Reason::ScopeMismatch => Some("an event that names another takes its scope: see --scope"),
        Reason::TokenInvalid => Some("log in again: kith login URL --token-file FILE"),
        Reason::PermissionDenied | Reason::ScopeLost => Some("ask an owner of the network"),
        Reason::LogBusy
        | Reason::ViewBuilding
        | Reason::PositionAhead
        | Reason::SubscriberTooSlow
        | Reason::RateLimited
        | Reason::DeadlineExceeded
        | Reason::RightsChanged
        | Reason::ShuttingDown => Some("try again in a moment"),
        Reason::LogPoisoned => Some("tell the server's operator: it must be restarted"),
        Reason::DiskFull => Some("tell the server's operator: its disk is almost full; reading still works"),
        Reason::LogRolledBack => Some("tell the server's operator; reading and proofs still work"),
        Reason::PersonHeld => Some("`kith hold list` shows who set the hold; they can lift it"),
        Reason::ViewStopped => Some("`kith view -o json` shows why it stopped"),
        Reason::Unspecified
        | Reason::EventInvalid
        | Reason::ResetRequired
        | Reason::PersonErased
        | Reason::ViewIncomplete
        | Reason::DetailsMismatch
        | Reason::SignatureInvalid
        | Reason::PluginRefused
        | Reason::LimitExceeded
        | Reason::RequestInvalid
        | Reason::Unsupported
        | Reason::AlreadyExists
        | Reason::RowUnknown => None,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message)
            | Self::NotFound(message)
            | Self::Unavailable(message)
            | Self::PluginRefused(message)
            | Self::Refused { message, .. }
            | Self::Unexpected(message) => f.write_str(message),
            Self::NotVerified(why) => write!(f, "not verified: {why}"),
            Self::Call(error) => error.fmt(f),
            Self::Unanswered { error, event: Some((event, _)), again } => {
                write!(f, "{error}: it may be recorded, as event {event}; {again}")
            }
            Self::Unanswered { error, event: None, again } => write!(f, "{error}: it may be done; {again}"),
            Self::PartlyRefused => f.write_str("some records were refused"),
            Self::Stopped => f.write_str("stopped"),
            Self::File { action, path, error } => write!(f, "cannot {action} {path}: {error}"),
            Self::OutputClosed => f.write_str("nobody reads the output"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Call(invalid.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_documented() {
        let check = |failure: Failure, code: u8| assert_eq!(failure.exit_code(), code, "{failure:?}");
        check(Failure::OutputClosed, 0);
        check(Failure::Unexpected(String::new()), 1);
        check(Failure::Usage(String::new()), 2);
        check(Failure::NotFound(String::new()), 3);
        check(Failure::file("read", Path::new("x"), io::ErrorKind::NotFound.into()), 3);
        check(Failure::file("read", Path::new("x"), io::ErrorKind::PermissionDenied.into()), 1);
        check(Failure::PartlyRefused, 4);
        check(Failure::PluginRefused(String::new()), 4);
        check(Failure::NotVerified(String::new()), 6);
        check(Failure::Stopped, 130);
        let invalid = "a b".parse::<kith_core::id::PersonId>().unwrap_err();
        check(invalid.into(), 4);
        let reasons = [
            (Reason::PersonUnknown, 3),
            (Reason::ConditionFailed, 4),
            (Reason::TokenInvalid, 4),
            (Reason::LogBusy, 5),
            (Reason::RateLimited, 5),
            (Reason::ViewBuilding, 5),
        ];
        for (reason, code) in reasons {
            assert_eq!(reason_exit_code(reason), code, "{reason:?}");
        }
        assert_eq!(call_exit_code(Kind::Unreachable), 5);
        assert_eq!(call_exit_code(Kind::TimedOut), 5);
        assert_eq!(call_exit_code(Kind::NotVerified), 6);
    }

    #[test]
    fn programs_get_reason_field_and_message() {
        let invalid = "a b".parse::<kith_core::id::PersonId>().unwrap_err();
        let shown = Failure::from(invalid).to_json();
        assert_eq!(shown["error"]["reason"], "EVENT_INVALID");
        assert_eq!(shown["error"]["field"], "id");
        assert!(shown["error"]["message"].as_str().unwrap().contains("letters"));
    }
}
