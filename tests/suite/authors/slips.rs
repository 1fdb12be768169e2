//! Slips at the keyboard: each is refused in one line that says what is wrong and what would be right.

use super::{alone, kith, text};
use crate::village;
use std::fs;

/// The command, its exit code, and the line.
type Slip = (&'static [&'static str], i32, &'static str);

/// Where no server is needed.
const ALONE: [Slip; 10] = [
    (
        &["plugin", "new", "Home-Visits", "--lang", "rust"],
        2,
        "`Home-Visits` cannot be the name of a view: 1 to 64 characters of a-z, 0-9 and _ are needed, a letter first",
    ),
    (
        &["plugin", "new", "strength", "--lang", "rust"],
        2,
        "`strength` is the name of a built-in view or report: choose another, such as `our_strength`",
    ),
    (&["plugin", "new", "visits", "--lang", "go"], 2, "invalid value 'go' for '--lang <LANGUAGE>'"),
    (
        &["plugin", "new", "visits", "--lang", "python", "--report"],
        2,
        "reports are written in Rust, there is no kit for Python: use --lang rust",
    ),
    (
        &["plugin", "test", "--folder", "/"],
        3,
        "no kith-plugin.toml here or above: change to a plugin's folder, or make one with `kith plugin new`",
    ),
    (&["plugin", "check", "/absent.wasm"], 3, "cannot read /absent.wasm: No such file or directory (os error 2)"),
    (
        &["plugin", "check", "JUNK"],
        4,
        "this is not a WebAssembly component that can run here: it does not begin like one",
    ),
    (
        &["plugin", "check", "MODULE"],
        4,
        "this is not a WebAssembly component that can run here: it is a core module; `kith plugin build` makes components",
    ),
    (
        &["evaluate", "strength", "--window", "0d"],
        2,
        "invalid value '0d' for '--window <DURATION>': 0d is not a length of time: try 40s, 15m, 12h or 90d",
    ),
    (
        &["plugin", "activate", "visits"],
        2,
        "invalid value 'visits' for '<NAME@VERSION>': write the plugin and the version as NAME@VERSION; `kith plugin list` shows them",
    ),
];

/// On a network.
const ON_A_NETWORK: [Slip; 15] = [
    (
        &["plugin", "verify-certificate", "JUNK"],
        6,
        "not verified: the file is damaged, or not a certificate: expected value at line 1 column 1",
    ),
    (&["view", "strenght"], 3, "there is no view strenght"),
    (
        &["view", "strength", "--sort", "densty"],
        4,
        "there is no field `densty`: the fields are score, days_in_contact, last_contact, met, followed_up, helped, referred, decayed_days",
    ),
    (
        &["view", "strength", "--at", "2026-13-01"],
        2,
        "invalid value '2026-13-01' for '--at <DATE>': 2026-13-01 is not a date: try yesterday, 3 days ago, last monday, 2026-03-04 or 2026-03-04T10:30:00Z",
    ),
    (&["view", "strength", "--person", "nobody"], 3, "there is no person \"nobody\", neither by id nor by name"),
    (&["why", "strength", "amina"], 4, "a key of this view is two people: name as many, not 1"),
    (&["evaluate", "bridges"], 2, "rows of bridges are about two organisations: only pairs of people can be judged"),
    (
        &["evaluate", "strength", "--column", "scroe"],
        2,
        "strength has no such numeric column; it has: score, days_in_contact, met, followed_up, helped, referred, decayed_days",
    ),
    (&["plugin", "activate", "strength@2.0.0"], 4, "name: `strength` is built in and cannot be changed"),
    (&["plugin", "rollback", "strength"], 4, "name: `strength` is built in and cannot be changed"),
    (&["plugin", "diff", "visits"], 3, "no plugin is called `visits`"),
    (
        &["plugin", "install", "--builtin", "strenght", "--name", "weak"],
        3,
        "no built-in view or report is called strenght",
    ),
    (
        &["plugin", "install", "--builtin", "strength", "--name", "weak", "--settings", r#"{"half_life_days":0}"#],
        4,
        "the plugin refuses the settings: half_life_days is from 1 to 365",
    ),
    (
        &["plugin", "install", "--builtin", "strength", "--name", "weak", "--settings", r#"{"half_life":3}"#],
        4,
        "the plugin refuses the settings: unknown field `half_life`, expected one of `weights`, `half_life_days`, `divide`, `pace`, `gap_min_days`",
    ),
    (
        &["plugin", "install", "--builtin", "strength", "--name", "weak", "--settings", "half_life=3"],
        2,
        "invalid value 'half_life=3' for '--settings <JSON>': no JSON object: expected value at line 1 column 1",
    ),
];

#[test]
fn a_slip_is_refused_in_one_line_that_says_what_would_be_right() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (junk, module) = (folder.path().join("junk.wasm"), folder.path().join("module.wasm"));
    fs::write(&junk, "This is no component.").expect("a file");
    fs::write(&module, b"\0asm\x01\0\0\0").expect("a file");
    let (_server, cli) = village::village();
    cli.run(&["met", "amina", "ben", "--on", "2026-01-06"]).ok();
    let on_a_network = ON_A_NETWORK.iter().map(|slip| (&cli, slip));
    let alone = alone();
    for (cli, (command, code, line)) in ALONE.iter().map(|slip| (&alone, slip)).chain(on_a_network) {
        let named = |word: &&'static str| match *word {
            "JUNK" => text(&junk).to_owned(),
            "MODULE" => text(&module).to_owned(),
            word => word.to_owned(),
        };
        let command: Vec<String> = command.iter().map(named).collect();
        let ran = kith(cli, &command.iter().map(String::as_str).collect::<Vec<_>>()).exits(*code);
        let errors: Vec<_> = ran.stderr.lines().filter_map(|said| said.strip_prefix("error: ")).collect();
        assert_eq!(errors, [*line], "{command:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{command:?}");
    }
    assert_eq!(cli.run(&["-o", "json", "plugin", "list"]).ok().stdout, "", "nothing was installed");
}
