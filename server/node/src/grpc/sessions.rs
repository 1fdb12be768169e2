//! `SessionService`: who a caller is, and how people sign in.

mod open_console;
mod sign_in_options;
mod who_am_i;

use super::{Answer, Services};
use kith_proto::v1::{self, session_service_server::SessionService};
use tonic::Request;

#[tonic::async_trait]
impl SessionService for Services {
    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Answer<v1::WhoAmIResponse> {
        self.answer(who_am_i::who_am_i(&self.node, request))
    }

    async fn sign_in_options(&self, _: Request<v1::SignInOptionsRequest>) -> Answer<v1::SignInOptionsResponse> {
        self.answer(Ok(sign_in_options::sign_in_options(&self.node)))
    }

    async fn open_console(&self, request: Request<v1::OpenConsoleRequest>) -> Answer<v1::OpenConsoleResponse> {
        self.answer(open_console::open_console(&self.node, request))
    }
}
