//! A small network that many tests start from: two organisations, four people with names.

use kith_tests::{cli::Cli, server::Server};
use serde_json::json;

/// A server with the village on its network `default`.
pub(crate) fn village() -> (Server, Cli) {
    let server = Server::start();
    let cli = server.cli();
    populate(&cli);
    (server, cli)
}

/// Entries of the village: organisations and people.
pub(crate) const VILLAGE_ENTRIES: u64 = 6;

/// Adds the village to a network.
pub(crate) fn populate(cli: &Cli) {
    cli.run(&["org", "add", "Riverside Practice", "--id", "riverside"]).ok();
    cli.run(&["org", "add", "Hillside Hospital", "--id", "hillside"]).ok();
    let people = [
        ("Amina Shah", "riverside", "GP", "amina"),
        ("Ben Okoro", "riverside", "nurse", "ben"),
        ("Carol Jones", "hillside", "geriatrician", "carol"),
        ("Dan Jones", "hillside", "porter", "dan"),
    ];
    for (name, organisation, role, id) in people {
        cli.run(&["person", "add", name, "--org", organisation, "--role", role, "--id", id]).ok();
    }
}

/// Gives everybody of the village the address `ID@village.example`; one entry each.
pub(crate) fn give_addresses(cli: &Cli) {
    let people = [("amina", "riverside", "GP"), ("ben", "riverside", "nurse"), ("carol", "hillside", "geriatrician")];
    let lines = people.map(|(id, organisation, role)| {
        let changed = json!({ "person": id, "organisation": organisation, "role": role });
        let event = json!({ "occurred_at": "2026-01-01T00:00:00Z", "scope": "network", "person_changed": changed });
        let address = format!("mailto:{id}@village.example");
        json!({ "event": event, "details": [{ "kind": "contact", "subjects": [id], "text": address }] }).to_string()
    });
    cli.run_with_input(&["import", "-"], &lines.join("\n")).ok().prints("3 accepted");
}

/// Adds a token to a network, with these flags of `kith token add`; returns its id and its secret.
pub(crate) fn token(cli: &Cli, flags: &[&str]) -> (String, String) {
    let issued = cli.json(&[&["token", "add"], flags].concat());
    let text = |field: &str| issued[field].as_str().unwrap_or_else(|| panic!("{field}: {issued}")).to_owned();
    (text("id"), text("secret"))
}
