//! What an import of people knows of a network: who is there, and who asks.

use crate::failure::Failure;
use kith_client::{Client, Common, ReadOptions};
use kith_core::{
    event::{DirectoryKind, Kind, Role},
    filter::Filter,
    id::PersonId,
    limits::READ_ENTRIES_MAX,
    may::{Credential, Principal, Reach},
    position::Position,
};
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
    pub(crate) async fn read(client: &Client, own: &HashSet<PersonId>) -> Result<Self, Failure> {
        let head = client.head().await?.position;
        let mut people = client.people(None).await?;
        people.retain(|person| !own.contains(person.id.as_str()));
        let mut directory = Directory::new(&people, &client.organisations().await?);
        let kinds = [DirectoryKind::PersonAdded, DirectoryKind::PersonChanged].map(Kind::Directory).to_vec();
        let mut options = ReadOptions {
            filter: Filter { kinds, ..Filter::default() },
            limit: READ_ENTRIES_MAX,
            common: Common::OnlyMatching,
            ..ReadOptions::default()
        };
        loop {
            let page = client.read(&options).await?;
            page.entries.decode()?.iter().for_each(|recorded| directory.learn(recorded));
            if page.end {
                return Ok(Self { head, directory });
            }
            options.after = page.next;
        }
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
