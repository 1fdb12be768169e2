//! Checkpoints and proofs on the command line, and their verification without Kith's code.

use crate::village::{VILLAGE_ENTRIES, token, village};
use kith_tests::{
    cli::Cli,
    python::{python, verifier},
    ran::Ran,
    server::Server,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The village with some meetings, and files of everything that can be verified about it.
struct Files {
    server: Server,
    cli: Cli,
    folder: TempDir,
    key: String,
    meeting: String,
}

impl Files {
    fn make() -> Self {
        let (server, cli) = village();
        let folder = tempfile::tempdir().unwrap();
        let key = cli.json(&["audit", "checkpoint"])["key"].as_str().unwrap().to_owned();
        let mut files = Self { server, cli, folder, key, meeting: String::new() };
        files.write("earlier", &["audit", "checkpoint"]);
        for day in ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"] {
            let met = files.cli.json(&["met", "amina", "ben", "--on", day]);
            met["id"].as_str().unwrap().clone_into(&mut files.meeting);
        }
        let meeting = files.meeting.clone();
        files.write("receipt", &["audit", "prove", &meeting]);
        let earlier = files.path("earlier");
        files.write("growth", &["audit", "prove", "--since", earlier.to_str().unwrap()]);
        files.write("later", &["audit", "checkpoint"]);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, arguments: &[&str]) {
        fs::write(self.path(name), self.cli.run(arguments).ok().stdout).unwrap();
    }

    /// The command line of a user who has the key but no server.
    fn auditor(&self) -> Cli {
        Cli::new("http://127.0.0.1:1", &self.server.token())
    }

    fn verify(&self, path: &Path, with: &[&str]) -> Ran {
        let verify = ["-o", "json", "audit", "verify", path.to_str().unwrap(), "--key", &self.key];
        self.auditor().run(&[&verify, with].concat())
    }

    /// The same with the verifier in Python.
    fn verify_in_python(&self, path: &Path, earlier: Option<&Path>) -> Ran {
        let mut command = Command::new(python());
        command.arg(verifier()).arg(&self.key).arg(path).args(earlier);
        Ran::run(&mut command, "")
    }
}

/// Alterations of a text: bytes changed around each space and line end, truncations there, and an added letter.
fn alterations(text: &str) -> Vec<String> {
    let mut altered = Vec::new();
    let bounds: Vec<usize> = text.match_indices(['\n', ' ']).map(|(at, _)| at).collect();
    for bound in bounds {
        for at in [bound.saturating_sub(2), bound, bound + 1] {
            let mut bytes = text.as_bytes().to_vec();
            let Some(byte) = bytes.get_mut(at).filter(|byte| byte.is_ascii()) else { continue };
            *byte ^= 1;
            altered.push(String::from_utf8(bytes).unwrap());
        }
        altered.push(text[..=bound].to_owned());
    }
    altered.retain(|altered| altered != text);
    altered.push(format!("{text}x"));
    altered.push(String::new());
    altered
}

#[test]
fn everything_printed_verifies_without_a_server() {
    let files = Files::make();
    let entries = VILLAGE_ENTRIES + 5;
    let checkpoint = files.verify(&files.path("later"), &[]).ok().json();
    assert_eq!((checkpoint["kind"].as_str(), checkpoint["size"].as_u64()), (Some("checkpoint"), Some(entries)));
    assert_eq!(checkpoint["root"], files.cli.json(&["head"])["root"]);
    let receipt = files.verify(&files.path("receipt"), &[]).ok().json();
    assert_eq!(receipt["entry"]["id"], files.meeting);
    assert_eq!(
        (receipt["entry"]["kind"].as_str(), receipt["entry"]["position"].as_u64()),
        (Some("met"), Some(entries))
    );
    let (growth, earlier) = (files.path("growth"), files.path("earlier"));
    let grown = files.verify(&growth, &["--consistent-with", earlier.to_str().unwrap()]).ok().json();
    assert_eq!((grown["consistent_with"].as_u64(), grown["size"].as_u64()), (Some(VILLAGE_ENTRIES), Some(entries)));
    files.verify(&earlier, &["--consistent-with", earlier.to_str().unwrap()]).ok();
    files.verify_in_python(&files.path("later"), None).ok().prints(&format!("has {entries} entries"));
    files.verify_in_python(&files.path("receipt"), None).ok().prints(&format!("entry {entries} of {entries}"));
    files.verify_in_python(&growth, Some(&earlier)).ok().prints(&format!("grew from {VILLAGE_ENTRIES} to {entries}"));
}

#[test]
fn whatever_is_altered_is_refused_with_exit_code_6() {
    let files = Files::make();
    let (altered, earlier) = (files.path("altered"), files.path("earlier"));
    let earlier_flag = ["--consistent-with", earlier.to_str().unwrap()];
    let mut count = 0;
    for (name, flags) in [("later", &[][..]), ("receipt", &[]), ("growth", &earlier_flag)] {
        for (number, text) in alterations(&files.text(name)).into_iter().enumerate() {
            fs::write(&altered, &text).unwrap();
            let refused = files.verify(&altered, flags).exits(6);
            assert_eq!(refused.json_error()["reason"], "NOT_VERIFIED", "{name}\n{text}");
            // Python starts slowly: every third one is enough.
            if number % 3 == 0 {
                let earlier = (name == "growth").then_some(earlier.as_path());
                files.verify_in_python(&altered, earlier).exits(1).says("not verified");
            }
            count += 1;
        }
    }
    assert!(count > 100, "only {count} alterations");
    for text in alterations(&files.text("earlier")) {
        fs::write(&altered, text).unwrap();
        files.verify(&files.path("growth"), &["--consistent-with", altered.to_str().unwrap()]).exits(6);
    }
    for key in [files.key.replace("kith/", "kiht/"), files.key[..files.key.len() - 4].to_owned() + "AAA="] {
        let receipt = files.path("receipt");
        files.auditor().run(&["audit", "verify", receipt.to_str().unwrap(), "--key", &key]).exits(2);
    }
}

#[test]
fn proofs_that_prove_something_else_are_refused() {
    let files = Files::make();
    let later = files.path("later");
    let later_flag = ["--consistent-with", later.to_str().unwrap()];
    files.verify(&files.path("growth"), &later_flag).exits(6).says("the proof goes from 6 entries");
    files.verify(&files.path("growth"), &[]).exits(6).says("--consistent-with");
    files.verify(&files.path("earlier"), &later_flag).exits(6).says("kith audit prove --since");
    let other = Files::make();
    files.verify(&other.path("receipt"), &[]).exits(6).says("not signed by the key");
    files.verify_in_python(&other.path("receipt"), None).exits(1).says("not signed by the key");
    let foreign = other.path("later");
    files.cli.run(&["audit", "prove", "--since", foreign.to_str().unwrap()]).exits(6);
    files.auditor().run(&["audit", "verify", "/nonexistent"]).exits(3);
}

#[test]
fn keys_are_remembered_and_a_changed_one_is_noticed() {
    let (server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let printed = cli.run(&["audit", "checkpoint"]).ok().says("signed by kith/default/").says("known_logs");
    fs::write(&path, &printed.stdout).unwrap();
    let verify = ["audit", "verify", path.to_str().unwrap()];
    let stranger = Cli::new(&server.url(), &server.token());
    stranger.run(&verify).ok().prints("as the server shows it now");
    let offline = cli.server("http://127.0.0.1:1");
    offline.run(&verify).ok().prints("as remembered");
    Cli::new("http://127.0.0.1:1", &server.token()).run(&verify).exits(6).says("give it with --key");

    let data = server.data();
    assert!(server.terminate().success());
    fs::remove_file(data.path().join("keys/checkpoint.key")).unwrap();
    fs::remove_file(data.path().join("checkpoint")).unwrap();
    let server = Server::start_on(data, &[]);
    let moved = cli.server(&server.url());
    moved.run(&["audit", "checkpoint"]).exits(6).says("the key of this log changed");
    let mut input = fs::read_to_string(&path).unwrap();
    moved.run_with_input(&["audit", "verify", "-"], &input).ok();
    input.push('x');
    moved.run_with_input(&["audit", "verify", "-"], &input).exits(6);
}

#[test]
fn receipts_of_what_one_may_not_see_are_not_given() {
    let (_server, cli) = village();
    let (_, riverside) = token(&cli, &["--role", "recorder", "--organisation", "riverside"]);
    let (_, hillside) = token(&cli, &["--role", "auditor", "--organisation", "hillside"]);
    let met = cli.token(&riverside).json(&["met", "amina", "ben", "--scope", "organisation"]);
    let id = met["id"].as_str().unwrap();
    cli.token(&riverside).run(&["audit", "prove", id]).ok();
    let hidden = cli.token(&hillside).run(&["audit", "prove", id]).exits(3);
    let absent = "019d0000-0000-7000-8000-000000000000";
    let unknown = cli.token(&hillside).run(&["audit", "prove", absent]).exits(3);
    assert_eq!(hidden.stderr.replace(id, "ID"), unknown.stderr.replace(absent, "ID"));
    cli.token(&hillside).run(&["audit", "checkpoint"]).ok();
}
