//! What every import that names people knows of a network: who is there, with which addresses, and who asks.

use crate::{failure::Failure, place::Place};
use kith_client::{Client, Common, ReadOptions, Recorded};
use kith_core::{
    event::{DirectoryKind, Kind, Role},
    filter::Filter,
    id::PersonId,
    limits::READ_ENTRIES_MAX,
    may::{Credential, Principal, Reach},
};
use kith_import::contacts::Directory;
use std::collections::HashSet;

/// Reads the directory and all words about people, without the people in `own`.
pub(crate) async fn read_directory(place: &Place, own: &HashSet<PersonId>) -> Result<Directory, Failure> {
    let mut people = place.people(None).await?;
    people.retain(|person| !own.contains(person.id.as_str()));
    let mut directory = Directory::new(&people, &place.organisations().await?);
    let kinds = [DirectoryKind::PersonAdded, DirectoryKind::PersonChanged].map(Kind::Directory).to_vec();
    read_all(place, kinds, |recorded| directory.learn(recorded)).await?;
    Ok(directory)
}

/// Passes all entries of some kinds, and what withdraws them, to `take`.
pub(crate) async fn read_all(place: &Place, kinds: Vec<Kind>, mut take: impl FnMut(&Recorded)) -> Result<(), Failure> {
    let mut options = ReadOptions {
        filter: Filter { kinds, ..Filter::default() },
        limit: READ_ENTRIES_MAX,
        common: Common::OnlyMatching,
        ..ReadOptions::default()
    };
    loop {
        let page = place.read(&options).await?;
        page.entries.decode()?.iter().for_each(&mut take);
        if page.end {
            return Ok(());
        }
        options.after = page.next;
    }
}

/// Who the caller is in the network, as its rights are decided.
pub(crate) async fn principal(client: &Client) -> Result<Principal, Failure> {
    let me = client.who_am_i(Some(client.network())).await?;
    let unknown = || Failure::Unexpected("the server does not say who this token is".to_owned());
    Ok(Principal {
        id: me.principal.parse().map_err(|_| unknown())?,
        credential: Credential::Program,
        reach: Reach::Network(client.network().clone()),
        role: Role::from_proto(me.role).ok_or_else(unknown)?,
        person: me.person.parse().ok(),
        organisation: me.organisation.parse().ok(),
    })
}
