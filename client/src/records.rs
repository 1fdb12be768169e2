//! Erasing personal words, and holds that keep them. Erasing again changes nothing, so these calls can be repeated.

use crate::{client::Client, error::Error, retry::Repeat};
use kith_core::{
    id::{CaseReference, EventId, PersonId, RecordsReason},
    position::Position,
};
use kith_proto::v1;

/// Why words are erased, and the case that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// A word of [`kith_core::erasures::ERASURE_REASONS`].
    pub reason: RecordsReason,
    /// The case, which is never personal.
    pub reference: Option<CaseReference>,
}

impl Grounds {
    fn texts(&self) -> (String, String) {
        let reference = self.reference.as_ref().map(ToString::to_string).unwrap_or_default();
        (self.reason.to_string(), reference)
    }
}

impl Client {
    /// Counts what erasing a person would erase; nothing changes.
    pub async fn preview_erasure(
        &self,
        person: &PersonId,
        grounds: &Grounds,
    ) -> Result<v1::ErasePersonResponse, Error> {
        self.send_erasure(person, grounds, true).await
    }

    /// Erases all words about a person, under every id that means them. The server completes it afterwards: see
    /// [`Client::erasure`].
    pub async fn erase_person(&self, person: &PersonId, grounds: &Grounds) -> Result<v1::ErasePersonResponse, Error> {
        self.send_erasure(person, grounds, false).await
    }

    async fn send_erasure(
        &self,
        person: &PersonId,
        grounds: &Grounds,
        dry_run: bool,
    ) -> Result<v1::ErasePersonResponse, Error> {
        let (reason, reference) = grounds.texts();
        let (network, person) = (self.network_name(), person.to_string());
        let request = v1::ErasePersonRequest { network, person, reason, reference, dry_run };
        let records = self.records();
        let send = |request| {
            let mut records = records.clone();
            async move { records.erase_person(request).await }
        };
        self.call(Repeat::Safe, request, send).await
    }

    /// How far the erasure of each id that means a person has come; empty if none was asked for. Waits for the end if
    /// `wait` says so, for as long as a call may take.
    pub async fn erasure(&self, person: &PersonId, wait: bool) -> Result<Vec<v1::Erasure>, Error> {
        let request = v1::GetErasureRequest { network: self.network_name(), person: person.to_string(), wait };
        let records = self.records();
        let send = |request| {
            let mut records = records.clone();
            async move { records.get_erasure(request).await }
        };
        Ok(self.call(Repeat::Safe, request, send).await?.erasures)
    }

    /// Erases single details of an event, by index; all of them if none is given. Returns the position of the entry that
    /// does, and how many details there were to erase.
    pub async fn erase_details(
        &self,
        event: &EventId,
        details: &[u32],
        grounds: &Grounds,
    ) -> Result<(Position, u32), Error> {
        let (reason, reference) = grounds.texts();
        let (network, event, details) = (self.network_name(), event.as_bytes().to_vec(), details.to_vec());
        let request = v1::EraseDetailsRequest { network, event, details, reason, reference };
        let records = self.records();
        let send = |request| {
            let mut records = records.clone();
            async move { records.erase_details(request).await }
        };
        let response = self.call(Repeat::Safe, request, send).await?;
        Ok((Position::new(response.position), response.erased))
    }

    /// Sets a hold on a person's words, for a reason of [`kith_core::erasures::HOLD_REASONS`]. Returns the position of the
    /// entry that does.
    pub async fn set_hold(
        &self,
        person: &PersonId,
        reason: &RecordsReason,
        reference: &CaseReference,
    ) -> Result<Position, Error> {
        self.change_hold(Repeat::Safe, (person, true), (reason.to_string(), reference)).await
    }

    /// Lifts a hold. Returns the position of the entry that does.
    pub async fn lift_hold(&self, person: &PersonId, reference: &CaseReference) -> Result<Position, Error> {
        // A hold that was lifted cannot be lifted again.
        self.change_hold(Repeat::Unsafe, (person, false), (String::new(), reference)).await
    }

    async fn change_hold(
        &self,
        repeat: Repeat,
        (person, held): (&PersonId, bool),
        (reason, reference): (String, &CaseReference),
    ) -> Result<Position, Error> {
        let (network, person, reference) = (self.network_name(), person.to_string(), reference.to_string());
        let request = v1::ChangeHoldRequest { network, person, held, reason, reference };
        let records = self.records();
        let send = |request| {
            let mut records = records.clone();
            async move { records.change_hold(request).await }
        };
        Ok(Position::new(self.call(repeat, request, send).await?.position))
    }

    /// The holds that are set, of one person or of all, by person and reference.
    pub async fn list_holds(&self, person: Option<&PersonId>) -> Result<Vec<v1::Hold>, Error> {
        let person = person.map(ToString::to_string).unwrap_or_default();
        let request = v1::ListHoldsRequest { network: self.network_name(), person };
        let records = self.records();
        let send = |request| {
            let mut records = records.clone();
            async move { records.list_holds(request).await }
        };
        Ok(self.call(Repeat::Safe, request, send).await?.holds)
    }
}
