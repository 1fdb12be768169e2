//! What a command needs to run: the connection and the output.

use crate::{
    failure::Failure,
    place::{Place, level::Leveller, people::Resolver},
    show::output::Output,
};
use kith_client::Client;

/// What a command needs to run.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where it records and reads.
    pub(crate) place: Place,
    /// The server that a replica keeps syncing with while a command runs, if one is set.
    pub(crate) keeps_level_with: Option<Client>,
    /// The output.
    pub(crate) output: Output,
}

impl Context {
    /// Finds people by what was typed.
    pub(crate) fn resolver(&self) -> Resolver<'_> {
        Resolver::new(&self.place)
    }

    /// Finds people of one event, who must be different people.
    pub(crate) fn participants(&self) -> Resolver<'_> {
        Resolver::of_event(&self.place)
    }

    /// A background sync for a long-running command.
    pub(crate) fn leveller(&self) -> Leveller {
        Leveller::of(&self.place, self.keeps_level_with.as_ref())
    }

    /// The server, for what only a server can do.
    pub(crate) fn server(&self) -> Result<&Client, Failure> {
        self.place.server()
    }
}
