//! People and organisations.

use crate::harness::{reason, start};
use kith_proto::v1::{self, ErrorReason};

#[tokio::test]
async fn people_come_in_pages_in_the_order_they_were_added() {
    let (node, _data) = start().await;
    node.add_people(&["carol", "amina", "ben"]).await;
    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListPeopleRequest {
            network: "default".into(),
            organisation: "riverside".into(),
            page_size: 2,
            page_token,
        };
        let page = node.directory().list_people(node.by_owner(request)).await.unwrap().into_inner();
        ids.push(page.people.into_iter().map(|person| (person.handle, person.id)).collect::<Vec<_>>());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let of = |handle, id: &str| (handle, id.to_owned());
    assert_eq!(ids, [vec![of(1, "carol"), of(2, "amina")], vec![of(3, "ben")]]);
}

#[tokio::test]
async fn one_person_is_found_or_unknown() {
    let (node, _data) = start().await;
    node.add_people(&["amina"]).await;
    let ask = |person: &str| v1::GetPersonRequest { network: "default".into(), person: person.into() };
    let person = node.directory().get_person(node.by_owner(ask("amina"))).await.unwrap().into_inner().person.unwrap();
    assert_eq!((person.organisation.as_str(), person.role.as_str(), person.position), ("riverside", "GP", 2));
    let status = node.directory().get_person(node.by_owner(ask("nobody"))).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::PersonUnknown);
    let status = node.directory().get_person(node.by_owner(ask("no body"))).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::RequestInvalid);
}

#[tokio::test]
async fn organisations_are_listed() {
    let (node, _data) = start().await;
    node.add_people(&[]).await;
    let request = v1::ListOrganisationsRequest { network: "default".into(), ..Default::default() };
    let listed = node.directory().list_organisations(node.by_owner(request)).await.unwrap().into_inner();
    let expected = v1::Organisation { id: "riverside".into(), name: "Riverside Practice".into(), position: 1 };
    assert_eq!(listed.organisations, [expected]);
}
