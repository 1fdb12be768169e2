//! `production = true`: what a server refuses to start with, and how it runs without all that.

use kith_tests::{
    certificates::{Authority, Pair, write_private},
    cli::Cli,
    ran::Ran,
    server::{DataFolder, Server, kithd},
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Writes a configuration of a server in production, with more lines before its tables and in the one of the log.
fn config(authority: &Authority, pair: &Pair, more: &str, log: &str) -> String {
    let (certificate, key) = (text(&pair.certificate), text(&pair.key));
    let config =
        format!("production = true\n{more}\n[log]\n{log}\n[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n");
    let path = authority.path("production.toml");
    fs::write(&path, config).unwrap();
    text(&path).to_owned()
}

/// Starts a server that must refuse to, with everything that is wrong.
fn refused(data: &DataFolder, config: &str, expected: &[&str]) {
    let ran = kithd(&["--config", config, "--data", text(data.path())]).exits(2);
    let reasons = ran.stderr.lines().filter(|line| line.starts_with("  ")).count();
    assert_eq!(reasons, expected.len(), "{}", ran.stderr);
    expected.iter().fold(ran, |ran, part| ran.says(part));
}

#[test]
fn everything_that_is_wrong_in_production_is_named_at_once() {
    let authority = Authority::default();
    let data: Arc<DataFolder> = Arc::default();
    let server = Server::start_on(Arc::clone(&data), &[]);
    server.cli().run(&["token", "add", "--role", "owner"]).ok();
    server.terminate();
    for name in ["owner.token", "keys/root.key"] {
        fs::set_permissions(data.path().join(name), fs::Permissions::from_mode(0o604)).unwrap();
    }
    let expired = authority.issue("expired", |params| params.not_after = rcgen::date_time_ymd(2021, 1, 1));
    fs::set_permissions(&expired.key, fs::Permissions::from_mode(0o604)).unwrap();
    let more = "listen = '127.0.0.1:0'\nallow_plaintext = true\nreflection = true\ndemo = true\n\
                telemetry = { metrics_listen = '0.0.0.0:0' }\n";
    let expected = [
        "tls.certificate: the certificate in",
        "tls.key: others may read",
        "telemetry.metrics_listen: 0.0.0.0:0",
        "allow_plaintext: ",
        "reflection: ",
        "demo: ",
        "log.root_key: others may read",
        "the owner token: others may read",
        "is inside the data folder",
    ];
    refused(&data, &config(&authority, &expired, more, ""), &expected);

    // With a root key that can be read, the tokens are looked at as well.
    fs::set_permissions(data.path().join("keys/root.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let expected: Vec<_> = expected
        .into_iter()
        .filter(|part| !part.starts_with("log.root_key"))
        .chain(["default has an owner of its own"])
        .collect();
    refused(&data, &config(&authority, &expired, more, ""), &expected);

    let plain = authority.path("plain.toml");
    fs::write(&plain, "production = true\nlisten = '0.0.0.0:0'\n[log]\nroot_key = '/nowhere/root.key'\n").unwrap();
    fs::set_permissions(data.path().join("owner.token"), fs::Permissions::from_mode(0o600)).unwrap();
    refused(&data, text(&plain), &["listen: 0.0.0.0:0 is not a loopback address"]);
}

#[test]
fn a_server_in_production_has_its_root_key_elsewhere_and_issues_tokens_with_an_end() {
    let authority = Authority::default();
    let root = authority.path("root.key");
    let pair = authority.server("server");
    let config = config(&authority, &pair, "", &format!("root_key = '{}'", root.display()));
    let data: Arc<DataFolder> = Arc::default();
    let server = Server::start_on(Arc::clone(&data), &["--config", &config]);
    assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!data.path().join("keys/root.key").exists());
    let kith = Cli::new(&server.secure_url(), &server.token());
    let ca = authority.flags();
    let run = |arguments: &[&str]| kith.run(&[&["--ca", &ca[1]], arguments].concat());
    run(&["token", "add", "--role", "owner"]).exits(4).says("every token expires");
    let issued: Ran = run(&["-o", "json", "token", "add", "--role", "owner", "--expires", "30d"]).ok();
    run(&["person", "add", "Amina Shah", "--id", "amina"]).ok();
    server.terminate();

    // The network has an owner of its own: the file of the first one must go.
    let started = kithd(&["--config", &config, "--data", text(data.path())]);
    started.exits(2).says("owner.token is still there");
    fs::remove_file(data.path().join("owner.token")).unwrap();
    kithd(&["owner", "rotate", "--config", &config, "--data", text(data.path())]).exits(1).says("--expires-days");
    let server = Server::start_on(Arc::clone(&data), &["--config", &config]);
    let owner = Cli::new(&server.secure_url(), issued.json()["secret"].as_str().unwrap());
    owner.run(&["--ca", &ca[1], "person", "show", "amina"]).ok().prints("Amina Shah");
    server.terminate();

    let flags = ["--config", config.as_str(), "--data", text(data.path())];
    let kithd = |arguments: &[&str]| kithd(&[arguments, &flags].concat());
    kithd(&["check"]).ok();
    kithd(&["rotate-root-key"]).ok();
    kithd(&["check"]).ok();
    let backup = authority.path("kith.keys");
    kithd(&["backup-keys", "--to", text(&backup)]).ok();

    // Restored beside another root key, then where there is none, then beside the same one.
    fs::rename(data.path().join("keys"), data.path().join("old")).unwrap();
    let own = fs::read(&root).unwrap();
    write_private(&root, &"x".repeat(32));
    kithd(&["restore-keys", "--from", text(&backup)]).exits(4).says("root.key");
    for is_there in [false, true] {
        if !is_there {
            fs::remove_file(&root).unwrap();
        }
        kithd(&["restore-keys", "--from", text(&backup)]).ok();
        assert_eq!(fs::read(&root).unwrap(), own);
        assert!(!data.path().join("keys/root.key").exists());
        kithd(&["check"]).ok();
        fs::remove_dir_all(data.path().join("keys")).unwrap();
    }
}
