//! A disk that is almost full: requests that make the log grow are refused, nothing is poisoned, and no restart is
//! needed.

use crate::support::*;
use kith_core::{
    event::{Administration, Grant, Role, Scope},
    id::MemberId,
    position::Position,
};
use kith_log::{AppendError, Config, CreateNetworkError, Health, Log, NewToken, Unavailable};

/// A log in the same folder, on a disk that counts as almost full.
fn almost_full(place: &Place) -> Log {
    Log::open(&Config { disk_reserve_bytes: u64::MAX, ..place.config.clone() }, ticking()).unwrap()
}

#[tokio::test]
async fn a_disk_that_is_almost_full_refuses_what_grows_and_nothing_else() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    let member: MemberId = "person:amina".parse().unwrap();
    let joins = Administration::MemberChanged {
        member: member.clone(),
        role: Some(Role::Reader),
        organisation: None,
        identity: None,
    };
    network.administer(&owner(), Scope::Network, vec![joins]).await.unwrap();
    let reader = NewToken { grant: Grant::Role(Role::Reader), person: None, organisation: None, expires_at: None };
    let issued = network.issue_token(&owner(), reader.clone()).await.unwrap();
    let component = log.put_component(b"component".as_slice().into()).await.unwrap();
    log.shutdown().await;
    drop((log, network));

    let log = almost_full(&place);
    let network = north(&log).await;
    let head = network.head();
    assert!(!log.has_room());
    let refused = network.append(command(vec![meets(10, &["amina", "ben"])])).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(Unavailable::DiskFull))), "{refused:?}");
    let refused = network.append_each(owner(), vec![meets(10, &["amina", "ben"])]).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(Unavailable::DiskFull))), "{refused:?}");
    let refused = network.issue_token(&owner(), reader).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(Unavailable::DiskFull))), "{refused:?}");
    let refused = log.create_network(&"south".parse().unwrap()).await;
    assert!(matches!(refused, Err(CreateNetworkError::Unavailable(Unavailable::DiskFull))), "{refused:?}");
    let refused = log.put_component(b"another".as_slice().into()).await;
    assert!(matches!(refused, Err(Unavailable::DiskFull)), "{refused:?}");
    assert_eq!((network.head(), *log.health().borrow()), (head, Health::Serving));
    assert_eq!(network.history().read(Position::ZERO, END, ALL).unwrap().len() as u64, head.get(), "reading goes on");

    // Requests that revoke tokens, end memberships or free space are accepted.
    let change =
        |role| Administration::MemberChanged { member: member.clone(), role, organisation: None, identity: None };
    let refused = network.administer(&owner(), Scope::Network, vec![change(Some(Role::Owner))]).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(Unavailable::DiskFull))), "{refused:?}");
    network.administer(&owner(), Scope::Network, vec![change(None)]).await.unwrap();
    let head = network.head();
    assert_eq!(network.revoke_token(&owner(), &issued.token.id).await.unwrap(), head.next());
    log.remove_component(&component).await.unwrap();
    assert!(log.components().unwrap().is_empty());
    log.shutdown().await;
    drop((log, network));

    let (log, network) = place.network().await;
    assert!(log.has_room());
    append(&network, vec![meets(10, &["amina", "ben"])]).await;
    log.shutdown().await;
}
