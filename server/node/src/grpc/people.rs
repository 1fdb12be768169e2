//! People that a request names.

use super::{Failure, convert};
use kith_core::{directory::Directory, id::PersonId};
use kith_proto::v1::ErrorReason;

/// Reads a person of the directory, named in a field.
pub(super) fn person(directory: &Directory, id: &str, field: &str) -> Result<PersonId, Failure> {
    let id = PersonId::parse_field(id, field).map_err(|invalid| convert::request_invalid(&invalid))?;
    if directory.person(&id).is_none() {
        let failure = Failure::because(ErrorReason::PersonUnknown, format_args!("there is no person {id}"));
        return Err(failure.with("person", &id).at(field));
    }
    Ok(id)
}

/// Every id that means a person of the directory, the given one first.
pub(super) fn ids(directory: &Directory, id: &str, field: &str) -> Result<Vec<PersonId>, Failure> {
    Ok(directory.ids_of(&person(directory, id, field)?))
}
