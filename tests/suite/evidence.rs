//! Evidence bundles and the history of two people, on the command line, and their verification without Kith's code.

mod golden;
mod history;
mod rights;

use crate::village::{token, village};
use kith_tests::{
    cli::Cli,
    python::{evidence_verifier, python},
    ran::Ran,
    server::Server,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The village, in which much has happened between Amina and Ben.
struct Pair {
    _server: Server,
    cli: Cli,
    folder: TempDir,
    key: String,
    /// A meeting with a note and a place.
    meeting: String,
    /// Carol's introduction of Amina to Ben.
    referral: String,
}

impl Pair {
    fn make() -> Self {
        let (server, cli) = village();
        let id = |arguments: &[&str]| cli.json(arguments)["id"].as_str().unwrap().to_owned();
        let note = "spoke about discharge letters";
        let meeting = id(&["met", "amina", "ben", "--on", "2026-03-01", "--note", note, "--place", "ward 7"]);
        id(&["met", "amina", "carol", "--on", "2026-03-01", "--note", "about somebody else"]);
        let referral = id(&["referred", "carol", "amina", "--to", "ben", "--on", "2026-03-02"]);
        id(&["answered", &referral, "--by", "ben", "accepted", "--on", "2026-03-03"]);
        let mistake = id(&["met", "amina", "ben", "--on", "2026-03-04", "--note", "never happened"]);
        id(&["retract", &mistake, "--reason", "mistake"]);
        id(&["helped", "amina", "ben", "--category", "beds", "--on", "2026-03-05", "--note", "a word too much"]);
        let misheard = id(&["met", "ben", "amina", "--on", "2026-03-06", "--note", "misheard"]);
        cli.run(&["details", "erase", &misheard, "--reason", "error"]).ok();
        cli.run(&["person", "add", "Wilhelmina Quicksilver", "--id", "p-wq", "--org", "riverside"]).ok();
        id(&["met", "amina", "ben", "p-wq", "--on", "2026-03-07", "--note", "of all three"]);
        cli.run(&["person", "erase", "p-wq", "--reason", "withdrawn", "--wait"]).ok();
        cli.run(&["person", "add", "Amina S.", "--id", "p-7", "--org", "riverside"]).ok();
        id(&["met", "p-7", "ben", "--on", "2026-03-08"]);
        cli.run(&["person", "merge", "p-7", "--into", "amina"]).ok();
        id(&["met", "dan", "carol", "--on", "2026-03-09"]);
        let key = cli.json(&["audit", "checkpoint"])["key"].as_str().unwrap().to_owned();
        Self { _server: server, cli, folder: tempfile::tempdir().unwrap(), key, meeting, referral }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command and keeps what it prints in a file.
    fn write(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, self.cli.run(arguments).ok().stdout).unwrap();
        path
    }

    fn export(&self, name: &str, arguments: &[&str]) -> PathBuf {
        self.write(name, &[&["audit", "export"], arguments].concat())
    }

    fn verify(&self, bundle: &Path) -> Ran {
        auditor().run(&["-o", "json", "audit", "verify", bundle.to_str().unwrap(), "--key", &self.key])
    }

    fn verify_in_python(&self, bundle: &Path) -> Ran {
        Ran::run(Command::new(python()).arg(evidence_verifier()).arg(&self.key).arg(bundle), "")
    }

    fn redact(&self, name: &str, bundle: &Path, what: &[&str]) -> PathBuf {
        let redact = ["audit", "redact", bundle.to_str().unwrap(), "--key", &self.key];
        let path = self.path(name);
        fs::write(&path, auditor().run(&[&redact, what].concat()).ok().stdout).unwrap();
        path
    }
}

/// The command line of somebody who has bundles and no server.
fn auditor() -> Cli {
    Cli::new("http://127.0.0.1:1", "none")
}

#[test]
fn a_pair_is_exported_hidden_in_part_and_verified_by_anybody() {
    let pair = Pair::make();
    let names = pair.export("pair", &["--between", "amina", "ben", "--disclose", "name"]);
    let verified = pair.verify(&names).ok().json();
    assert_eq!((verified["kind"].as_str(), verified["key_from"].as_str()), (Some("evidence"), Some("given")));
    assert_eq!(verified["complete"], "as seen by owner of the network");
    let details = &verified["details"];
    assert_eq!((details["disclosed"].as_u64(), details["erased"].as_u64()), (Some(4), Some(3)), "{verified}");
    assert_eq!(details["withheld"].as_u64(), Some(4), "{verified}");
    let pairs: Vec<_> = verified["pairs"].as_array().unwrap().iter().map(ToString::to_string).collect();
    assert!(pairs.contains(&r#"["amina","ben"]"#.to_owned()), "{verified}");
    assert!(!pairs.contains(&r#"["carol","dan"]"#.to_owned()), "{verified}");
    assert_eq!(verified["hints"]["about"]["between"][0], "amina", "{verified}");
    pair.verify_in_python(&names).ok().prints("4 details disclosed, 4 not, 3 erased");
    assert!(!fs::read_to_string(&names).unwrap().contains("about somebody else"));

    let shown = pair.redact("shown", &names, &["--hide", "name"]);
    pair.verify_in_python(&shown).ok().prints("0 details disclosed, 8 not, 3 erased");
    let told = ["audit", "verify", shown.to_str().unwrap(), "--key", &pair.key];
    let told = auditor().run(&told).ok().prints("0 disclosed, 8 withheld, 3 erased").prints("a hint, not proved");
    assert!(!told.stdout.contains("Amina Shah"), "{told:?}");
    pair.cli.run(&["audit", "verify", names.to_str().unwrap()]).ok().prints("Amina Shah (amina)").prints("remembered");
}

#[test]
fn single_words_are_hidden_or_all_others() {
    let pair = Pair::make();
    let all = pair.export("all", &["--between", "ben", "amina", "--disclose", "all"]);
    pair.verify_in_python(&all).ok().prints("8 details disclosed, 0 not, 3 erased");
    let (note, place) = (format!("{}#1", pair.meeting), format!("{}#2", pair.meeting));
    let hidden = pair.redact("hidden", &all, &["--hide", &place, "--hide", "name"]);
    assert_eq!(pair.verify(&hidden).ok().json()["details"]["disclosed"], 3);
    let only = pair.redact("only", &all, &["--only", &note]);
    assert_eq!(pair.verify(&only).ok().json()["details"]["disclosed"], 1);
    let history = ["audit", "history", "amina", "ben", "--from", only.to_str().unwrap(), "--key", &pair.key];
    auditor().run(&history).ok().prints("spoke about discharge letters").prints("(words withheld)");
    let less = pair.redact("less", &only, &["--hide", &note]);
    assert_eq!(pair.verify(&less).ok().json()["details"]["disclosed"], 0);

    let redact = |what: &[&str]| {
        let redact = ["audit", "redact", less.to_str().unwrap(), "--key", &pair.key];
        auditor().run(&[&redact, what].concat())
    };
    let refused = redact(&["--hide", &note]).exits(3).says("discloses no detail 1");
    assert_eq!(refused.stdout, "", "nothing is written");
    redact(&["--hide", "note"]).ok().says("0 details are hidden");
    redact(&["--hide", "notes"]).exits(2);
    redact(&[]).exits(2);
    let through_pipe = ["audit", "redact", "-", "--hide", "name", "--key", &pair.key];
    let text = fs::read_to_string(&all).unwrap();
    let piped = auditor().run_with_input(&through_pipe, &text).ok().says("4 details are hidden");
    fs::write(&less, piped.stdout).unwrap();
    pair.verify_in_python(&less).ok();
    let (altered, cut) = (pair.path("altered"), text.rsplit_once('{').unwrap().0);
    fs::write(&altered, cut).unwrap();
    let redact = ["audit", "redact", altered.to_str().unwrap(), "--hide", "name", "--key", &pair.key];
    assert_eq!(auditor().run(&redact).exits(6).stdout, "", "nothing is written before all is verified");
}

#[test]
fn what_is_about_a_person_and_what_is_a_range() {
    let pair = Pair::make();
    let person = pair.export("person", &["--person", "dan", "--disclose", "all"]);
    let verified = pair.verify(&person).ok().json();
    assert_eq!(verified["people"].to_string(), r#"["carol","dan"]"#, "{verified}");
    assert_eq!(verified["details"]["disclosed"], 2, "the names of both: {verified}");
    let head = pair.cli.head();
    let all = pair.export("range", &["--range", &format!("1..{head}")]);
    let verified = pair.verify(&all).ok().json();
    assert_eq!((verified["complete"].as_str(), verified["entries"].as_u64()), (Some("range"), Some(head)));
    assert_eq!(verified["positions"].to_string(), format!("[[1,{head}]]"));
    pair.verify_in_python(&all).ok().prints("0 details disclosed");
    let part = pair.export("part", &["--range", "8..9", "--disclose", "note"]);
    let verified = pair.verify(&part).ok().json();
    let with_directory = "[[3,5],[8,9],[22,22]]";
    assert_eq!(verified["positions"].to_string(), with_directory, "and the directory about those in it: {verified}");
    pair.verify_in_python(&part).ok();
    // A range from which something was taken out does not pass for complete.
    let text = fs::read_to_string(&part).unwrap().replace(r#""range":[8,9]"#, r#""range":[7,9]"#);
    fs::write(&part, text).unwrap();
    pair.verify(&part).exits(6).says("all of positions 7 to 9");
    pair.verify_in_python(&part).exits(1).says("the range is not complete");

    let export = |arguments: &[&str]| pair.cli.run(&[&["audit", "export"], arguments].concat());
    export(&["--range", &format!("1..{}", head + 1)]).exits(4).says("must be up to the head");
    export(&["--between", "amina", "p-7"]).exits(2).says("one person");
    export(&["--person", "nobody"]).exits(3).says("nobody");
    export(&["--range", "0..7"]).exits(2);
    export(&["--person", "amina", "--disclose", "secrets"]).exits(2).says("all, none");
    export(&[]).exits(2);
}

#[test]
fn a_whole_network_is_exported_in_parts_and_verified() {
    let server = Server::start_with(&["--demo"]);
    let cli = server.cli().network("demo");
    let (head, folder) = (cli.head(), tempfile::tempdir().unwrap());
    let key = cli.json(&["audit", "checkpoint"])["key"].as_str().unwrap().to_owned();
    let bundle = folder.path().join("all.evidence");
    let range = format!("1..{head}");
    for about in [&["--range", &range][..], &["--person", "lotte"], &["--between", "lotte", "monty"]] {
        let export = [&["audit", "export", "--disclose", "all"], about].concat();
        fs::write(&bundle, cli.run(&export).ok().stdout).unwrap();
        let path = bundle.to_str().unwrap();
        let verified = cli.json(&["audit", "verify", path, "--key", &key]);
        assert_eq!(verified["size"].as_u64(), Some(head), "{about:?}");
        assert!(verified["details"]["disclosed"].as_u64() > Some(2), "{}", verified["details"]);
        Ran::run(Command::new(python()).arg(evidence_verifier()).args([&key, path]), "").ok();
    }
    let history = |place: &[&str]| {
        let history = ["-o", "json", "audit", "history", "lotte", "monty"];
        cli.run(&[&history, place].concat()).ok().stdout
    };
    let path = bundle.to_str().unwrap();
    assert_eq!(history(&["--from", path, "--key", &key]), history(&[]));
}

#[test]
fn damaged_bundles_are_refused_with_the_line() {
    let pair = Pair::make();
    let bundle = pair.export("bundle", &["--between", "amina", "ben", "--disclose", "all"]);
    let good = fs::read_to_string(&bundle).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let last = lines.len();
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let check = |text: &[u8], says: &str| {
        fs::write(&bundle, text).unwrap();
        let refused = pair.verify(&bundle).exits(6);
        assert_eq!(refused.json_error()["reason"], "NOT_VERIFIED");
        assert!(refused.stderr.contains(says), "{says}: {refused:?}");
        pair.verify_in_python(&bundle).exits(1).says("not verified");
    };
    check(format!("\u{feff}{good}").as_bytes(), "line 1: it begins with a byte order mark");
    check(good.replace('\n', "\r\n").as_bytes(), "line 1: it ends with a carriage return");
    check(good.trim_end().as_bytes(), &format!("line {last}: it is cut short"));
    check(format!("{good}\n").as_bytes(), &format!("line {}: ", last + 1));
    check(format!("{good}{}\n", lines[last - 1]).as_bytes(), &format!("line {}: ", last + 1));
    check(joined(&lines[..last - 1]).as_bytes(), "the bundle ends after position");
    check(joined(&[&lines[..2], &lines[1..]].concat()).as_bytes(), "line 3: ");
    check(joined(&lines[..1]).as_bytes(), "line 1: the bundle ends after position 0");
    check(&[joined(&lines[..2]).as_bytes(), b"\xff\xfe\n"].concat(), "line 3: it is not text");
    check(format!("{}{}", joined(&lines[..2]), "x".repeat(3 << 20)).as_bytes(), "line 3: it is longer than any line");
    check(b"{", "line 1: it is cut short");
    check(b"{}\n", "line 1: the first line is not that of an evidence bundle");
    check(
        good.replacen("kith-evidence/1", "kith-evidence/2", 1).as_bytes(),
        "line 1: the format is not kith-evidence/1",
    );
    let depth = format!("{{\"format\":{}\n", "[".repeat(100_000));
    check(depth.as_bytes(), "line 1: ");
    fs::write(&bundle, &good).unwrap();
    let other = Pair::make();
    other.verify(&bundle).exits(6).says("line 1: ");
    other.verify_in_python(&bundle).exits(1).says("not signed by the key");
    let flag = ["audit", "verify", bundle.to_str().unwrap(), "--consistent-with", bundle.to_str().unwrap()];
    pair.cli.run(&flag).exits(2).says("one checkpoint");
    auditor().run(&["audit", "verify", bundle.to_str().unwrap()]).exits(6).says("give it with --key");
}
