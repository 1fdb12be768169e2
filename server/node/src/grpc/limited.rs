//! Failures for callers that are not authenticated or exceed one of their bounds.

use super::Failure;
use crate::{
    bounds::{
        answers::NotTaken, call_rate::TooOften, calls::TooManyCalls, feed_rate::AskedTooOften, requests::NoRoom,
        slow::TooManySlowCalls, streams::TooManyStreams, uploads::UploadError,
    },
    door::authenticator::Unauthenticated,
    limits,
};
use kith_core::authority::Lost;
use kith_proto::v1::ErrorReason;
use std::{error::Error, time::Duration};

/// A limit is reached: the error's text, and when to try again.
fn limited(error: &dyn Error, limit: &str, retry_after: Duration) -> Failure {
    Failure::because(ErrorReason::RateLimited, error).with("limit", limit).retry_after(retry_after)
}

/// Too many calls from an address came without a valid token.
pub(super) fn too_many_failed_logins(wait: Duration) -> Failure {
    let message = "too many calls from this address came without a valid token";
    let failure = Failure::because(ErrorReason::RateLimited, message);
    failure.with("limit", "failed_logins_per_minute_max").retry_after(wait)
}

impl From<Unauthenticated> for Failure {
    fn from(error: Unauthenticated) -> Self {
        match error {
            Unauthenticated::TokenInvalid => Self::new(ErrorReason::TokenInvalid),
            Unauthenticated::ScopeLost(Lost::Organisation) => {
                Self::new(ErrorReason::ScopeLost).with("lost", "organisation")
            }
            Unauthenticated::ScopeLost(Lost::Network) => Self::new(ErrorReason::ScopeLost).with("lost", "network"),
            Unauthenticated::RightsChanged => {
                Self::new(ErrorReason::RightsChanged).retry_after(limits::RIGHTS_CHANGED_RETRY)
            }
        }
    }
}

impl From<TooOften> for Failure {
    fn from(TooOften { calls_per_s_max, wait }: TooOften) -> Self {
        let failure = Self::new(ErrorReason::RateLimited).with("limit", "calls_per_s_max");
        failure.with("calls_per_s_max", calls_per_s_max).retry_after(wait)
    }
}

impl From<AskedTooOften> for Failure {
    fn from(error: AskedTooOften) -> Self {
        Self::because(ErrorReason::RateLimited, error).retry_after(error.wait)
    }
}

impl From<TooManyCalls> for Failure {
    fn from(error: TooManyCalls) -> Self {
        limited(&error, error.limit, limits::REQUESTS_RETRY).with(error.limit, error.max)
    }
}

impl From<NotTaken> for Failure {
    fn from(error: NotTaken) -> Self {
        limited(&error, "answers_waiting_max", limits::ANSWERS_RETRY)
    }
}

impl From<NoRoom> for Failure {
    fn from(error: NoRoom) -> Self {
        limited(&error, "requests_waiting_max", limits::REQUESTS_RETRY)
    }
}

impl From<TooManySlowCalls> for Failure {
    fn from(error: TooManySlowCalls) -> Self {
        limited(&error, error.limit, limits::SLOW_RETRY).with(error.limit, error.max)
    }
}

impl From<TooManyStreams> for Failure {
    fn from(error: TooManyStreams) -> Self {
        limited(&error, error.limit, limits::STREAMS_RETRY).with(error.limit, error.max)
    }
}

impl From<UploadError> for Failure {
    fn from(error: UploadError) -> Self {
        match &error {
            UploadError::UnderWay => limited(&error, "uploads_per_principal_max", limits::UPLOADS_RETRY),
            UploadError::TooMany => limited(&error, "uploads_max", limits::UPLOADS_RETRY),
            UploadError::File(error) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;
    use tonic::Status;
    use tonic_types::StatusExt;

    #[test]
    fn who_calls_too_often_hears_how_often_it_may_and_when_there_is_room() {
        let wait = Duration::from_millis(100);
        let status = Status::from(Failure::from(TooOften { calls_per_s_max: NonZeroU32::new(10).unwrap(), wait }));
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.metadata["calls_per_s_max"].as_str()), ("RATE_LIMITED", "10"));
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(wait));
    }

    #[test]
    fn limits_are_named_with_what_they_let_be() {
        let status = Status::from(Failure::from(TooManyStreams { limit: "streams_per_principal_max", max: 256 }));
        let details = status.get_error_details();
        let metadata = &details.error_info().unwrap().metadata;
        assert_eq!(
            (metadata["limit"].as_str(), metadata["streams_per_principal_max"].as_str()),
            ("streams_per_principal_max", "256")
        );
        assert!(status.message().contains("256 (streams_per_principal_max)"), "{}", status.message());
        assert!(details.retry_info().is_some());
    }
}
