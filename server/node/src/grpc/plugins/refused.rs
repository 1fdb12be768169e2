//! Failures for callers whose plugin change is refused.

use crate::{
    compile::CompileError,
    grpc::Failure,
    plugins::{Misfit, PluginChangeError},
};
use kith_core::plugins::{PluginRefusal, SettingsInvalid};
use kith_proto::v1::ErrorReason;
use kith_views::Refused;

impl From<PluginChangeError> for Failure {
    fn from(error: PluginChangeError) -> Self {
        use PluginChangeError as Error;
        match error {
            Error::Forbidden => Self::new(ErrorReason::PermissionDenied),
            Error::Refused(refusal) => refusal.into(),
            Error::Settings(invalid) => invalid.into(),
            Error::NameBuiltIn(_) | Error::SameAs { .. } => Self::because(ErrorReason::AlreadyExists, error).at("name"),
            Error::SameAsBuiltIn(_) => Self::because(ErrorReason::AlreadyExists, error).at("settings"),
            Error::Name(_) | Error::BuiltIn(_) | Error::NothingBefore(_) | Error::NothingToPause(_) => {
                Self::request("name", error)
            }
            Error::Misfit(misfit) => misfit.into(),
            Error::Compile(error) => error.into(),
            Error::Views(all_in_use) => all_in_use.into(),
            Error::NotKept(problem) => Self::because(ErrorReason::ViewStopped, problem),
            Error::Stopped => Self::new(ErrorReason::ViewStopped),
            Error::Building { cursor, head, .. } => {
                let failure = Self::because(ErrorReason::ViewBuilding, error);
                failure.with("cursor", cursor).with("head", head).retry_after(kith_views::limits::RETRY_BUILDING)
            }
            Error::Overtaken(_) => {
                Self::because(ErrorReason::ViewBuilding, error).retry_after(kith_views::limits::RETRY_BUILDING)
            }
            Error::Append(error) => error.into(),
            Error::Component(error) => error.into(),
            Error::Log(error) => error.into(),
        }
    }
}

impl From<Misfit> for Failure {
    fn from(misfit: Misfit) -> Self {
        Self::because(ErrorReason::PluginRefused, misfit)
    }
}

impl From<SettingsInvalid> for Failure {
    fn from(invalid: SettingsInvalid) -> Self {
        match &invalid {
            SettingsInvalid::TooLong { .. } => Self::because(ErrorReason::LimitExceeded, &invalid).at("settings"),
            SettingsInvalid::NotJson(_) | SettingsInvalid::NotObject | SettingsInvalid::Repeated(_) => {
                Self::request("settings", &invalid)
            }
        }
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        let delay = error.retry_after();
        match &error {
            CompileError::Busy(_) | CompileError::Gone | CompileError::Refused(Refused::Busy { .. }) => {
                let failure = Self::because(ErrorReason::ViewBuilding, &error);
                delay.into_iter().fold(failure, Self::retry_after)
            }
            CompileError::Refused(refused) => Self::because(ErrorReason::PluginRefused, refused).at("data"),
            CompileError::Child(_) | CompileError::Unbounded(_) => Self::internal(&error),
        }
    }
}

impl From<PluginRefusal> for Failure {
    fn from(refusal: PluginRefusal) -> Self {
        let (reason, field) = match &refusal {
            PluginRefusal::Unknown(_) => (ErrorReason::ViewUnknown, "name"),
            PluginRefusal::VersionUnknown { .. } => (ErrorReason::ViewUnknown, "version"),
            PluginRefusal::NameTaken(_) | PluginRefusal::Unchanged(_) => (ErrorReason::AlreadyExists, "name"),
            PluginRefusal::VersionTaken { .. } => (ErrorReason::AlreadyExists, "version"),
            PluginRefusal::NoOrganisation => (ErrorReason::RequestInvalid, "scope"),
            PluginRefusal::TooMany(_) => (ErrorReason::LimitExceeded, "name"),
            PluginRefusal::InstallationUnknown(_) => (ErrorReason::EventUnknown, "installed"),
        };
        Self::because(reason, refusal).at(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::{limits::SETTINGS_BYTES_MAX, plugins::PluginSettings};

    #[test]
    fn settings_that_cannot_be_meant_are_refused_at_their_field() {
        let check = |text: &str, reason: ErrorReason, part: &str| {
            let failure = Failure::from(text.parse::<PluginSettings>().unwrap_err());
            assert_eq!((failure.reason(), failure.field()), (reason, Some("settings")), "{text}");
            assert!(failure.message().contains(part), "{text}: {}", failure.message());
        };
        check("[1]", ErrorReason::RequestInvalid, "no JSON object");
        check(r#"{"days":1,"days":2}"#, ErrorReason::RequestInvalid, "`days` is there twice");
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(SETTINGS_BYTES_MAX));
        check(&long, ErrorReason::LimitExceeded, "are allowed");
    }
}
