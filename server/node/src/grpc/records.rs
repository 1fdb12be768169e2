//! `RecordsService`: erasing personal words, and holds that keep them.

mod change_hold;
mod erase_details;
mod erase_person;
mod get_erasure;
mod list_holds;

use super::{Answer, Failure, Services, people};
use kith_core::id::{CaseReference, PersonId, RecordsReason};
use kith_log::Network;
use kith_proto::v1::{self, records_service_server::RecordsService};
use tonic::Request;

#[tonic::async_trait]
impl RecordsService for Services {
    async fn erase_person(&self, request: Request<v1::ErasePersonRequest>) -> Answer<v1::ErasePersonResponse> {
        self.answer_recorded(erase_person::erase_person(&self.node, request).await)
    }

    async fn get_erasure(&self, request: Request<v1::GetErasureRequest>) -> Answer<v1::GetErasureResponse> {
        self.answer(get_erasure::get_erasure(&self.node, request).await)
    }

    async fn erase_details(&self, request: Request<v1::EraseDetailsRequest>) -> Answer<v1::EraseDetailsResponse> {
        self.answer_recorded(erase_details::erase_details(&self.node, request).await)
    }

    async fn change_hold(&self, request: Request<v1::ChangeHoldRequest>) -> Answer<v1::ChangeHoldResponse> {
        self.answer_recorded(change_hold::change_hold(&self.node, request).await)
    }

    async fn list_holds(&self, request: Request<v1::ListHoldsRequest>) -> Answer<v1::ListHoldsResponse> {
        self.answer(list_holds::list_holds(&self.node, request))
    }
}

/// Every id that means a person of the directory, the given one first.
fn ids(network: &Network, id: &str) -> Result<Vec<PersonId>, Failure> {
    people::ids(&network.directory(), id, "person")
}

/// Reads a reason, which must be in a list.
fn reason(reason: &str, known: &[&str]) -> Result<RecordsReason, Failure> {
    let listed = known.contains(&reason).then(|| reason.parse().ok()).flatten();
    listed.ok_or_else(|| Failure::request("reason", format_args!("must be one of {}", known.join(", "))))
}

/// Reads the reference of a case.
fn reference(reference: &str) -> Result<CaseReference, Failure> {
    CaseReference::parse_field(reference, "reference").map_err(|invalid| super::convert::request_invalid(&invalid))
}

/// Reads the reference of a case, which may be empty.
fn reference_or_none(text: &str) -> Result<Option<CaseReference>, Failure> {
    if text.is_empty() { Ok(None) } else { reference(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::erasures::ERASURE_REASONS;

    #[test]
    fn reasons_are_those_of_the_list_and_references_are_no_sentences() {
        assert_eq!(reason("withdrawn", &ERASURE_REASONS).unwrap().as_str(), "withdrawn");
        for wrong in ["", "restored", "inquiry", "asked for by Amina Shah"] {
            assert_eq!(reason(wrong, &ERASURE_REASONS).unwrap_err().field(), Some("reason"), "{wrong:?}");
        }
        assert_eq!(reference("IG-2026/0142").unwrap().as_str(), "IG-2026/0142");
        for wrong in ["", "asked for by Amina", &"x".repeat(65)] {
            assert_eq!(reference(wrong).unwrap_err().field(), Some("reference"), "{wrong:?}");
        }
        assert_eq!(reference_or_none("").unwrap(), None);
    }
}
