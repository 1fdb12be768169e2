//! `OpenConsole`: a code that signs a browser in as the caller.

use crate::{
    door::sessions::NoCode,
    grpc::{Call, Failure},
    limits::CODE_LIFE,
    node::Node,
};
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) fn open_console(
    node: &Node,
    request: Request<v1::OpenConsoleRequest>,
) -> Result<v1::OpenConsoleResponse, Failure> {
    let Call { visitor, .. } = Call::new(request)?;
    if visitor.session_end().is_some() {
        // Or a session would go on for ever.
        let message = "a session of a browser opens no other: call this with the token";
        return Err(Failure::because(ErrorReason::PermissionDenied, message));
    }
    let standing = visitor.standing().ok_or_else(|| {
        Failure::because(ErrorReason::PermissionDenied, "a certificate opens no console: call this with a token")
    })?;
    let (code, end) = node.sessions().make_code(&standing.principal)?;
    Ok(v1::OpenConsoleResponse { code, expires_at: Some(end.to_proto()) })
}

impl From<NoCode> for Failure {
    fn from(error: NoCode) -> Self {
        match error {
            NoCode::Disabled => {
                Self::because(ErrorReason::Unsupported, "the console is switched off (console.enabled)")
            }
            NoCode::TokenInvalid => Self::new(ErrorReason::TokenInvalid),
            NoCode::TooMany(error) => {
                Self::because(ErrorReason::RateLimited, error).with("limit", "codes_max").retry_after(CODE_LIFE)
            }
        }
    }
}
