//! What a command works with: the connection and the output.

use crate::{output::Output, people::Resolver};
use kith_client::Client;

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Context {
    /// The connection.
    pub(crate) client: Client,
    /// The output.
    pub(crate) output: Output,
}

impl Context {
    /// Finds people by what was typed.
    pub(crate) fn resolver(&self) -> Resolver<'_> {
        Resolver::new(&self.client)
    }
}
