//! Who the caller is, and codes that sign a browser in.

use crate::{client::Client, error::Error, options::Secret, retry::Repeat};
use kith_core::{id::NetworkName, timestamp::Timestamp};
use kith_proto::v1;

/// A code that signs a browser in to the console, once.
#[derive(Debug, Clone)]
pub struct ConsoleCode {
    /// The code: whoever has it can sign in, so it is as secret as the token.
    pub code: Secret,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Client {
    /// What the token makes of the caller, in a network if one is named.
    pub async fn who_am_i(&self, network: Option<&NetworkName>) -> Result<v1::WhoAmIResponse, Error> {
        let request = v1::WhoAmIRequest { network: network.map(ToString::to_string).unwrap_or_default() };
        let sessions = self.sessions();
        self.call(Repeat::Safe, request, |request| {
            let mut sessions = sessions.clone();
            async move { sessions.who_am_i(request).await }
        })
        .await
    }

    /// A code that signs a browser in as the caller, at `SERVER/#/login?code=CODE`.
    pub async fn open_console(&self) -> Result<ConsoleCode, Error> {
        let sessions = self.sessions();
        let send = |request| {
            let mut sessions = sessions.clone();
            async move { sessions.open_console(request).await }
        };
        // A second code is as good as the first, which expires by itself.
        let response = self.call(Repeat::Safe, v1::OpenConsoleRequest {}, send).await?;
        let expires_at = response.expires_at.as_ref().and_then(Timestamp::from_proto);
        Ok(ConsoleCode {
            code: response.code.into(),
            expires_at: expires_at.ok_or_else(|| Error::answer("it has no end"))?,
        })
    }
}
