//! How a server is doing, for whoever runs it.

use crate::{client::Client, error::Error, retry::Repeat};
use kith_proto::v1;

impl Client {
    /// How the server is doing, with all its networks. Needs an owner token for the whole server.
    pub async fn server_status(&self) -> Result<v1::GetStatusResponse, Error> {
        let admin = self.admin();
        let send = |request| {
            let mut admin = admin.clone();
            async move { admin.get_status(request).await }
        };
        let mut status = self.call(Repeat::Safe, v1::GetStatusRequest::default(), send).await?;
        while !status.next_page_token.is_empty() {
            let page_token = std::mem::take(&mut status.next_page_token);
            let page = self.call(Repeat::Safe, v1::GetStatusRequest { page_token, ..Default::default() }, send).await?;
            status.networks.extend(page.networks);
            status.next_page_token = page.next_page_token;
        }
        Ok(status)
    }
}
