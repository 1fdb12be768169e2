//! The README of a new plugin, followed literally.

use super::{LANGUAGES, alone, built, built_with, command, kith, text};
use crate::village;
use kith_tests::{cli::Cli, ran::Ran};
use std::{fs, path::Path, process::Command};

/// The commands of a README: what begins a line of its block, before the explanation.
fn commands(readme: &str) -> Vec<String> {
    let block = readme.split("```").nth(1).expect("a block of commands");
    let command = |line: &str| line.split("   ").next().unwrap_or_default().trim().to_owned();
    block.lines().map(command).filter(|command| !command.is_empty()).collect()
}

/// Runs a command as it is written, in the folder.
fn run(cli: &Cli, folder: &Path, written: &str) {
    let words: Vec<&str> = written.split(' ').collect();
    let mut ready = if words[0] == "kith" {
        command(cli, &words[1..])
    } else {
        let mut other = Command::new(words[0]);
        other.args(&words[1..]).env("PYTHONDONTWRITEBYTECODE", "1").env("CARGO_TERM_COLOR", "never");
        // As on an author's machine, not as within this build.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO") && name != "CARGO_HOME") {
            other.env_remove(name);
        }
        other
    };
    Ran::run(ready.current_dir(folder), "").ok();
}

fn follow(language: &str, folder: &Path) {
    let (_server, cli) = village::village();
    cli.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    let readme = fs::read_to_string(folder.join("README.md")).expect("a README");
    let commands = commands(&readme);
    for begin in ["kith plugin build", "kith plugin test", "kith plugin check", "kith plugin try"] {
        assert!(commands.iter().any(|command| command == begin), "{language}: {commands:?}");
    }
    assert_eq!(commands.len(), 5, "{language}: and the tests of the language: {commands:?}");
    for command in &commands {
        run(&cli, folder, command);
    }
}

#[test]
fn the_readme_of_a_new_plugin_works_as_it_is_written() {
    for language in LANGUAGES {
        follow(language, &built(language).0);
    }
    follow("a report", &built_with("report", &["--lang", "rust", "--report"]).0);
}

/// The tutorial sets `minutes_min` to 15 by default: only the cases differ then.
#[test]
fn the_tests_of_a_new_plugin_pass_after_the_change_of_the_tutorial() {
    let changes = [
        ("python", "main.py", "\"default\": 0", "\"default\": 15", "python3 -m unittest"),
        ("js", "main.js", "default: 0", "default: 15", "node --test"),
    ];
    for (language, file, before, after, tests) in changes {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path().join("contacts");
        kith(&alone(), &["plugin", "new", "contacts", "--lang", language, "--folder", text(&folder)]).ok();
        let path = folder.join(file);
        let source = fs::read_to_string(&path).expect("a file");
        assert_eq!(source.matches(before).count(), 1, "{language}");
        fs::write(&path, source.replace(before, after)).expect("a file");
        run(&alone(), &folder, tests);
    }
}
