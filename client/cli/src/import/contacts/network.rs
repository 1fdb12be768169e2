//! What an import of people knows of a network: who is there, as of which position.

use crate::{failure::Failure, import::people::read_directory, place::Place};
use kith_core::{id::PersonId, position::Position};
use kith_import::contacts::Directory;
use std::collections::HashSet;

/// The people of a network at some position.
#[derive(Debug)]
pub(crate) struct Network {
    /// Nothing after this position is missing that was there when it was read.
    pub(crate) head: Position,
    /// Its people and organisations.
    pub(crate) directory: Directory,
}

impl Network {
    /// Reads the directory and all words about people, without the people in `own`.
    pub(crate) async fn read(place: &Place, own: &HashSet<PersonId>) -> Result<Self, Failure> {
        let head = place.head().await?.position;
        Ok(Self { head, directory: read_directory(place, own).await? })
    }
}
