//! The server that is called, and those who call it.

use kith_proto::v1;
use kith_tests::{
    events::{met, organisation_added, person_added, sent, sent_with_note},
    heard::Heard,
    raw::Raw,
    server::DataFolder,
};
use std::fs;

/// Somebody who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What it is.
    pub(crate) name: &'static str,
    /// Its token; none calls without.
    pub(crate) secret: Option<String>,
}

/// A server with some history, and callers of every role.
pub(crate) struct Place {
    pub(crate) server: Heard,
    pub(crate) callers: Vec<Caller>,
    /// Ids of events in the log.
    pub(crate) events: Vec<Vec<u8>>,
    data: DataFolder,
}

impl Place {
    /// Starts it.
    pub(crate) async fn start() -> Self {
        let data = DataFolder::default();
        let server = Heard::start(&data);
        let secret = fs::read_to_string(data.path().join("owner.token")).expect("the first start writes it");
        let owner = Raw::connect(server.url(), secret.trim()).await;
        let mut directory = vec![sent(&organisation_added("riverside")), sent(&organisation_added("hillside"))];
        directory.extend(["amina", "ben", "carol"].map(|id| sent(&person_added(id, "riverside"))));
        owner.append(directory).await.expect("the directory is taken");
        let met: Vec<_> = (0..200).map(|_| met(&["amina", "ben", "carol"])).collect();
        let note = "n".repeat(2_000);
        owner.append(met.iter().map(|event| sent_with_note(event, &note)).collect()).await.expect("they met");
        owner.create_network("n1").await.expect("there is room for a network");
        let mut callers = vec![
            Caller { name: "owner", secret: Some(secret.trim().to_owned()) },
            Caller { name: "nobody", secret: None },
            Caller { name: "a stranger", secret: Some("kith_".to_owned() + &"a".repeat(52)) },
        ];
        let roles = [
            ("recorder", v1::Role::Recorder),
            ("reader", v1::Role::Reader),
            ("auditor", v1::Role::Auditor),
            ("analyst", v1::Role::Analyst),
            ("revoked", v1::Role::Owner),
            // Last, because an organisation with an owner is closed to others.
            ("owner of an organisation", v1::Role::Owner),
        ];
        for (name, role) in roles {
            let request =
                v1::IssueTokenRequest { role: role.into(), organisation: "riverside".into(), ..Default::default() };
            let (token, secret) = owner.issue_token(request).await.expect("tokens are issued");
            if name == "revoked" {
                let request = v1::RevokeTokenRequest { network: "default".into(), token };
                owner.networks().revoke_token(request).await.expect("it is revoked");
            }
            callers.push(Caller { name, secret: Some(secret) });
        }
        let events = met.iter().map(|event| event.id.as_bytes().to_vec()).collect();
        Self { server, callers, events, data }
    }

    /// How many views there have been.
    pub(crate) fn views(&self) -> u64 {
        let files = fs::read_dir(self.data.path().join("views")).expect("the server makes it");
        files.count() as u64
    }
}
