//! What the documents show of the demonstration is what the commands print that they name.
//!
//! Every command about views that a document shows is run as it is written, in its order, on the network of
//! `kithd --demo` as of the documents' day. In what is shown, `...` stands for any lines or for the rest of a word;
//! speeds, fuel, bytes and digests of components are not compared. The plugins of authors are in Rust here, and named as
//! `kith plugin new` was asked for in the tests of authors.

use crate::authors;
use kith_core::timestamp::Timestamp;
use kith_tests::{
    node::{InProcess, SetClock},
    programs::{program, root},
    ran::Ran,
};
use std::{fs, path::Path};
use tempfile::TempDir;

const DOCUMENTS: [&str; 3] = ["README.md", "client/cli/README.md", "plugins/README.md"];
/// The commands whose output is compared.
const COMPARED: [&str; 9] = [
    "kith view",
    "kith why",
    "kith evaluate",
    "kith plugin install --builtin",
    "kith plugin new",
    "kith plugin check",
    "kith plugin try",
    "kith plugin diff strength_30",
    "kith plugin activate strength_30",
];
/// When the documents' demonstration was made, and its day.
const SHOWN_AT: Timestamp = Timestamp::from_millis(1_795_435_200_000);
const SHOWN_ON: &str = "2026-11-23";
/// What begins lines that say what something cost here, or in this language.
const OF_THIS_MACHINE: [&str; 5] = ["folded ", "cost ", "beside ", "instance ", "state "];
/// The setting that the documents have changed in the plugin that they make.
const CHANGED: &str = r#"{"minutes_min":15}"#;
/// How long a view may take to be built, in seconds.
const PATIENCE: &str = "60";

/// A command, and the lines shown as its output.
struct Shown {
    command: String,
    lines: Vec<String>,
}

/// The commands of a document. Blocks that set the surroundings of commands are about another network or place.
fn commands(document: &str) -> Vec<Shown> {
    let blocks = document.split("```console\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let mut found = Vec::<Shown>::new();
    for block in blocks.filter(|block| !block.contains("$ export KITH_")) {
        let mut in_block = Vec::<Shown>::new();
        for line in block.lines() {
            match (line.strip_prefix("$ "), in_block.last_mut()) {
                (Some(command), _) => in_block.push(Shown { command: command.to_owned(), lines: Vec::new() }),
                (None, Some(shown)) => shown.lines.push(line.to_owned()),
                (None, None) => {}
            }
        }
        found.extend(in_block);
    }
    found.retain(|shown| COMPARED.iter().any(|start| shown.command.starts_with(start)));
    found
}

/// A folder with the plugins that the documents make.
fn folder_of_author() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("dist")).unwrap();
    for (name, component) in [("home_visits", authors::built("rust").1), ("our_ties", authors::built_report().1)] {
        fs::copy(component, folder.path().join(format!("dist/{name}.wasm"))).unwrap();
    }
    folder
}

/// Runs a command as a shell in a folder does; output and remarks in the order of printing.
fn run(server: &InProcess, folder: &Path, command: &str) -> Vec<String> {
    // What is tried here is as of today, unless it says so.
    let more = if command.starts_with("kith plugin try") {
        format!(" --at {SHOWN_ON}")
    } else if command.starts_with("kith plugin check dist/home_visits.wasm") {
        format!(" --settings '{CHANGED}'")
    } else {
        String::new()
    };
    let mut shell = server.cli().network("demo").command(&[]);
    let programs = program("kith").parent().unwrap().to_owned();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let envs: Vec<_> = shell.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    shell = std::process::Command::new("sh");
    for (name, value) in envs {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.env("PATH", path).env("XDG_CACHE_HOME", root().join("target/plugin-tools/cache")).current_dir(folder);
    let ran = Ran::run(shell.args(["-c", &format!("exec 2>&1; {command}{more}")]), "").ok();
    let named = |line: &str| match command
        .strip_prefix("kith plugin check dist/")
        .and_then(|file| file.strip_suffix(".wasm"))
    {
        Some(name) => line.replace(" contacts 1.0.0,", &format!(" {name} 1.0.0,")),
        None => line.to_owned(),
    };
    ran.stdout.lines().map(|line| named(line.trim_end())).collect()
}

/// Whether a line is the one shown. Columns of speeds are named by the header of their table.
fn is_shown(shown: &str, found: &str, speeds: &[usize]) -> bool {
    let (shown, found) = (shown.split_whitespace(), found.split_whitespace().collect::<Vec<_>>());
    let words: Vec<&str> = shown.collect();
    words.len() == found.len()
        && words.iter().zip(&found).enumerate().all(|(place, (word, other))| {
            let is_speed = speeds.contains(&place)
                || words.get(place + 1).is_some_and(|unit| ["events/s,", "fuel"].contains(unit));
            // A comma may follow.
            let is_digest = word.len() >= 64 && word.len() == other.len();
            let starts = word.strip_suffix("...").is_some_and(|start| other.starts_with(start));
            word == other || is_digest || starts || (is_speed && other.parse::<f64>().is_ok())
        })
}

/// Compares the output of a command with what is shown.
fn compare(document: &str, shown: &Shown, found: &[String]) -> Result<(), String> {
    let is_compared = |line: &&String| !OF_THIS_MACHINE.iter().any(|begin| line.starts_with(begin));
    let (mut found_lines, mut speeds, mut columns) = (found.iter().filter(is_compared), Vec::new(), 0);
    let mut may_skip = false;
    for line in shown.lines.iter().filter(is_compared) {
        if line.trim() == "..." {
            may_skip = true;
            continue;
        }
        if line.contains("events/s  fuel/event") {
            let words: Vec<_> = line.split_whitespace().collect();
            columns = words.len();
            let is_speed = |column: &usize| ["events/s", "fuel/event"].contains(&words[*column]);
            speeds = (0..columns).filter(is_speed).collect();
        }
        // The last column of a table may be empty, and one of its titles has two words.
        let is_row = line.split_whitespace().count() + 2 >= columns;
        let is_it = |found: &String| is_shown(line, found, if is_row { &speeds } else { &[] });
        let is_next = if may_skip { found_lines.any(is_it) } else { found_lines.next().is_some_and(is_it) };
        if !is_next {
            let printed = found.join("\n");
            return Err(format!("{document}: `{}` does not print\n{line}\nbut\n{printed}\n", shown.command));
        }
        may_skip = false;
    }
    match found_lines.next().filter(|_| !shown.lines.is_empty() && !may_skip) {
        Some(_) => Err(format!("{document}: `{}` prints more:\n{}\n", shown.command, found.join("\n"))),
        None => Ok(()),
    }
}

#[test]
fn the_documents_show_what_their_commands_print() {
    let (mut wrong, mut compared, folder) = (Vec::new(), 0, folder_of_author());
    for document in DOCUMENTS {
        let clock = SetClock::at(SHOWN_AT);
        let server = InProcess::start_with_demo(&clock);
        for view in kith_bundle::views() {
            run(&server, folder.path(), &format!("kith view {} --top 1 --wait {PATIENCE}", view.name));
        }
        for shown in commands(&fs::read_to_string(root().join(document)).unwrap()) {
            let found = run(&server, folder.path(), &shown.command);
            wrong.extend(compare(document, &shown, &found).err());
            compared += usize::from(!shown.lines.is_empty());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 15, "{compared}");
}

#[test]
fn what_is_not_shown_is_found() {
    let shown = |lines: &[&str]| Shown {
        command: "kith".to_owned(),
        lines: lines.iter().copied().map(str::to_owned).collect(),
    };
    let found = ["view   rows  events/s  fuel/event", "a      1     5         7", "b      2     6         8", "2 rows"];
    let found = found.map(str::to_owned);
    let is_right = |lines: &[&str]| compare("README.md", &shown(lines), &found).is_ok();
    assert!(is_right(&["view rows events/s  fuel/event", "a 1 9 9", "b 2 9 9", "2 rows"]));
    assert!(is_right(&["...", "b 2 6 8", "..."]));
    assert!(is_right(&["vi... rows events/s fuel/...", "..."]));
    assert!(is_right(&[]));
    assert!(!is_right(&["view rows events/s  fuel/event", "a 2 9 9", "..."]));
    assert!(!is_right(&["view rows events/s  fuel/event", "...", "3 rows"]));
    assert!(!is_right(&["view rows events/s  fuel/event"]));
}
