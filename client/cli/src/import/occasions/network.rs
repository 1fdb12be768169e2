//! What an import of occasions knows of a network: who is there, what was recorded before, and by whom.

use crate::{
    failure::Failure,
    import::people::{principal, read_all, read_directory},
    place::Place,
};
use kith_core::{
    checkpoint::LogOrigin,
    event::{HabitKind, Kind},
    id::{OrganisationId, PersonId},
};
use kith_import::{
    contacts::Directory,
    occasions::{KnownOccasions, Log},
};
use std::collections::HashSet;

/// A network, as an import of occasions sees it.
#[derive(Debug)]
pub(crate) struct Network {
    /// Its people.
    pub(crate) directory: Directory,
    /// What it says about occasions.
    pub(crate) known: KnownOccasions,
    /// Its log, and the organisation of whoever imports.
    pub(crate) log: Log,
}

impl Network {
    /// Reads it. `kind` is that of the events to import, and `me` whose calendar or mailbox it is.
    pub(crate) async fn read(place: &Place, kind: HabitKind, me: Option<&PersonId>) -> Result<Self, Failure> {
        let directory = read_directory(place, &HashSet::new()).await?;
        let (log, recorder) = match place {
            Place::Server(client) => {
                let me = principal(client).await?;
                let incarnation = client.head().await?.incarnation.try_into();
                let incarnation: [u8; 16] = incarnation
                    .map_err(|_| Failure::Unexpected("the server does not say which log it has".to_owned()))?;
                let origin = LogOrigin::of(client.network(), &incarnation);
                (Log { origin, organisation: me.organisation }, Some(me.id.to_string()))
            }
            // A replica does not know whose token it syncs with: its entries are those of the person whose it is.
            Place::Replica(replica) => {
                let key = replica.status()?.key;
                let unknown = || Failure::Usage("the replica knows no log yet: kith sync first".to_owned());
                let origin = key.ok_or_else(unknown)?.origin().clone();
                let organisation = me.and_then(|me| organisation_of(&directory, me));
                (Log { origin, organisation }, me.map(|me| format!("person:{me}")))
            }
        };
        let mut known = KnownOccasions::default();
        read_all(place, vec![Kind::Habit(kind)], |recorded| {
            let is_own = recorder.as_deref() == Some(recorded.entry.recorded_by.as_str());
            known.learn(&recorded.event, &recorded.details, Some(recorded.entry.position), is_own);
        })
        .await?;
        if let Place::Replica(replica) = place {
            for pending in replica.pending()? {
                known.learn(pending.event.event(), pending.event.details(), None, true);
            }
        }
        Ok(Self { directory, known, log })
    }
}

fn organisation_of(directory: &Directory, person: &PersonId) -> Option<OrganisationId> {
    directory.people().iter().find(|known| known.id == *person)?.organisation.clone()
}
