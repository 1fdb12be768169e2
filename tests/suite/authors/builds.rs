//! Building again, building what does not build, and reports on views of one's own.

use super::{alone, built, built_from, kith, text};
use crate::village;
use serde_json::json;
use std::{fs, path::Path};

/// A copy of a plugin's folder as `kith plugin new` made it, with its component.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for item in fs::read_dir(from).expect("a folder") {
        let path = item.expect("a file").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => copied(&path, &target),
            false => drop(fs::copy(&path, &target).expect("a copy")),
        }
    }
}

#[test]
fn what_has_not_changed_is_not_built_again() {
    for (language, file) in [("rust", "src/lib.rs"), ("python", "main.py"), ("js", "main.js")] {
        let own = tempfile::tempdir().expect("a temporary folder");
        copied(&built(language).0, own.path());
        let folder = text(own.path());
        let component = own.path().join("dist/contacts.wasm");
        let build = || kith(&alone(), &["-o", "json", "plugin", "build", "--folder", folder]);
        assert_eq!(build().ok().json()["anew"], json!(false), "{language}");
        kith(&alone(), &["plugin", "build", "--folder", folder]).ok().prints("nothing has changed");
        kith(&alone(), &["plugin", "test", "--folder", folder]).ok();
        let check = || {
            let mut command = super::command(&alone(), &["plugin", "check", "--entries", "200"]);
            kith_tests::ran::Ran::run(command.current_dir(own.path()), "")
        };
        assert!(!check().ok().stderr.contains("earlier sources"), "{language}");

        let path = own.path().join(file);
        let source = fs::read_to_string(&path).expect("a file");
        fs::write(&path, format!("{source}\nthis is not a program\n")).expect("a file");
        check().ok().says("dist/contacts.wasm is of earlier sources: `kith plugin build` makes it anew");
        let failed = build().exits(1);
        let message = failed.json_error()["message"].as_str().expect("text").to_owned();
        assert!(message.starts_with("the plugin does not build:"), "{language}: {message}");
        assert!(
            message.contains(file) && message.contains("the component of an earlier build was removed"),
            "{message}"
        );
        assert!(!message.contains("rustup") && !message.contains("see what the compiler says"), "{message}");
        assert!(message.lines().count() < 25, "{language}: {message}");
        assert!(!component.exists(), "{language}");
        check().exits(3).says("there is no dist/contacts.wasm yet: `kith plugin build` makes it");
    }
}

#[test]
fn bytes_that_are_no_component_are_refused_in_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("junk.wasm");
    fs::write(&file, [7; 100]).expect("a file");
    let refused = kith(&alone(), &["plugin", "check", text(&file)]).exits(4).says("it does not begin like one");
    assert_eq!(refused.stderr.trim().lines().count(), 1, "{}", refused.stderr);
}

#[test]
fn a_report_on_a_view_of_ones_own_is_checked_tested_and_tried() {
    let change = |folder: &Path| {
        let path = folder.join("src/lib.rs");
        let source = fs::read_to_string(&path).expect("a file");
        fs::write(&path, source.replace("of(\"strength\"", "of(\"own_ties\"")).expect("a file");
    };
    let (folder, component) = built_from("own-report", &["--lang", "rust", "--report"], change);
    let component = text(&component);
    let strength = kith_bundle::views().find(|view| view.name == "strength").expect("it is built in");
    let own = tempfile::tempdir().expect("a temporary folder");
    let ties = own.path().join("ties.wasm");
    fs::write(&ties, strength.component).expect("a file");
    let (given, unread) = (format!("own_ties={}", text(&ties)), format!("other={}", text(&ties)));

    kith(&alone(), &["plugin", "check", component]).exits(4).says("name its component with --view own_ties=FILE");
    kith(&alone(), &["plugin", "check", component, "--view", &given]).ok().prints("reads      own_ties");
    let unread = ["plugin", "check", component, "--view", &given, "--view", &unread];
    kith(&alone(), &unread).exits(2).says("the report does not read `other`; it reads own_ties");
    kith(&alone(), &["plugin", "check", text(&ties), "--view", &given]).exits(2).says("--view is for reports");

    copied(&folder, own.path());
    let here = text(own.path());
    let test = |more: &[&str]| kith(&alone(), &[&["plugin", "test", component, "--folder", here], more].concat());
    test(&[]).exits(4).says("\"views\": {\"own_ties\": {\"component\": \"FILE\"}}");
    let case = own.path().join("tests/everything.json");
    let good = fs::read_to_string(&case).expect("a file");
    let views = "  \"views\": {\"own_ties\":{\"component\":\"../ties.wasm\",\"settings\":{}}},\n  \"rows\"";
    let good = good.replacen("  \"rows\"", views, 1);
    fs::write(&case, &good).expect("a file");
    test(&[]).ok().prints("passed everything: 4 rows");
    test(&["--accept"]).ok();
    assert_eq!(fs::read_to_string(&case).expect("a file"), good, "accepted rows are written as they were");

    let (_server, cli) = village::village();
    cli.run(&["met", "amina", "carol", "--on", "2026-01-05"]).ok();
    kith(&cli, &["plugin", "try", component]).exits(4).says("the view `own_ties`, which is not known here");
    kith(&cli, &["plugin", "try", component, "--view", &given]).ok().prints("elsewhere");
    let settings = r#"{"half_life_days":30}"#;
    cli.run(&["plugin", "install", text(&ties), "--name", "own_ties", "--settings", settings]).ok();
    kith(&cli, &["plugin", "try", component]).ok().prints("elsewhere");
    cli.run(&["plugin", "install", component]).ok();
    cli.run(&["plugin", "remove", "own_ties"]).ok().says("the report contacts has no rows without own_ties");
}
