//! `GetPerson`: one person of the directory.

use crate::{
    grpc::{Call, Failure, convert, enter},
    node::Node,
};
use kith_core::id::PersonId;
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) async fn get_person(
    node: &Node,
    request: Request<v1::GetPersonRequest>,
) -> Result<v1::GetPersonResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let id = PersonId::parse_field(&message.person, "person").map_err(|invalid| convert::request_invalid(&invalid))?;
    let directory = network.directory();
    let person = directory
        .person(&id)
        .ok_or_else(|| Failure::because(ErrorReason::PersonUnknown, format_args!("there is no person {id}")))?;
    let (asked, reading) = (id.clone(), network.clone());
    let names = node.reads(&caller.principal, &network).run(move || reading.names(&[asked])).await?;
    let person = convert::person(&directory, &network.erasures(), person, names.get(&id));
    Ok(v1::GetPersonResponse { person: Some(person) })
}
