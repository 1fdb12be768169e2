//! A small network that many tests start from: two organisations, four people with names.

use kith_tests::{cli::Cli, server::Server};

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

/// Adds a token to a network, with these flags of `kith token add`; returns its id and its secret.
pub(crate) fn token(cli: &Cli, flags: &[&str]) -> (String, String) {
    let issued = cli.json(&[&["token", "add"], flags].concat());
    let text = |field: &str| issued[field].as_str().unwrap_or_else(|| panic!("{field}: {issued}")).to_owned();
    (text("id"), text("secret"))
}
