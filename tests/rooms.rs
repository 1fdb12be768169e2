//! Rooms within crates: which there are, and which of them each may name. Names go down only, so that a crate can be
//! read from below. A new arrow is a decision: write it down here.

use kith_tests::programs::root;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A room, which is a module at the root of a crate, and the rooms that it names.
type Room = (&'static str, &'static [&'static str]);

/// The rooms of each crate that has some, from the lowest to the highest.
const ROOMS: [(&str, &[Room]); 6] = [
    (
        "server/log",
        &[
            ("blocking", &[]),
            ("config", &[]),
            ("error", &[]),
            ("limits", &[]),
            ("measures", &[]),
            ("files", &["config", "error", "limits"]),
            ("rows", &["error", "limits"]),
            ("space", &["config"]),
            ("keys", &["config", "error", "files"]),
            ("state", &["error", "rows"]),
            ("sign", &["error", "files", "rows", "state"]),
            ("store", &["config", "error", "files", "keys", "measures", "rows", "sign", "space", "state"]),
            ("read", &["error", "limits", "rows", "state", "store"]),
            ("worker", &[]),
            ("access", &["error", "files", "limits", "worker"]),
            ("write", &["blocking", "error", "limits", "read", "rows", "sign", "state", "store", "worker"]),
            ("erase", &["blocking", "error", "keys", "limits", "read", "rows", "state", "store", "worker", "write"]),
            ("inner", &["blocking", "erase", "error", "store", "worker", "write"]),
            ("offline", &["config", "error", "files", "keys", "limits", "rows", "sign", "state", "store", "write"]),
            ("network", &["blocking", "error", "inner", "read", "sign", "state", "store", "write"]),
            (
                "log",
                &[
                    "config", "erase", "error", "inner", "measures", "network", "offline", "rows", "sign", "space",
                    "state", "store", "write",
                ],
            ),
        ],
    ),
    (
        "server/views",
        &[
            ("limits", &[]),
            ("contract", &["limits"]),
            ("share", &["limits"]),
            ("file", &["contract", "share"]),
            ("plugin", &["contract", "limits", "share"]),
            ("fold", &["contract", "file", "limits", "plugin", "share"]),
            ("check", &["contract", "file", "fold", "limits", "plugin", "share"]),
            ("view", &["contract", "file", "fold", "limits", "plugin", "share"]),
            ("ask", &["contract", "file", "fold", "limits", "plugin", "share", "view"]),
            ("report", &["ask", "contract", "file", "limits", "plugin", "share", "view"]),
            ("host", &["check", "contract", "file", "fold", "limits", "plugin", "report", "share", "view"]),
            ("wire", &["ask", "contract", "file", "limits", "report", "view"]),
            ("answering", &["ask", "fold", "limits", "report", "share", "view", "wire"]),
        ],
    ),
    (
        "server/node",
        &[
            ("clock", &[]),
            ("commands", &[]),
            ("limits", &[]),
            ("telemetry", &[]),
            ("bounds", &["limits"]),
            ("compile", &["limits"]),
            ("console", &[]),
            ("demo", &["limits"]),
            ("last_backup", &[]),
            ("random", &[]),
            ("door", &["bounds", "clock", "console", "limits", "random"]),
            ("flags", &["commands"]),
            ("server_token", &["clock", "limits"]),
            ("first_start", &["server_token"]),
            ("views", &["bounds", "clock", "compile", "limits"]),
            ("webhooks", &["clock", "limits", "random"]),
            ("config", &["console", "door", "limits", "telemetry", "views", "webhooks"]),
            ("plugins", &["bounds", "compile", "limits", "views"]),
            ("production", &["clock", "config", "server_token"]),
            (
                "node",
                &[
                    "bounds",
                    "clock",
                    "config",
                    "demo",
                    "door",
                    "first_start",
                    "last_backup",
                    "limits",
                    "plugins",
                    "production",
                    "views",
                    "webhooks",
                ],
            ),
            ("announce", &["config", "demo", "limits", "node", "server_token"]),
            ("delivery", &["bounds", "limits", "node", "webhooks"]),
            ("grpc", &["bounds", "compile", "door", "last_backup", "limits", "node", "plugins", "views", "webhooks"]),
            ("http", &["bounds", "door", "grpc", "limits", "node", "random"]),
            ("metrics", &["node", "views", "webhooks"]),
            ("serve", &["console", "delivery", "door", "grpc", "http", "limits", "node"]),
        ],
    ),
    (
        "client",
        &[
            ("address", &[]),
            ("batch", &[]),
            ("builder", &[]),
            ("clock", &[]),
            ("limits", &[]),
            ("options", &[]),
            ("merges", &["limits"]),
            ("error", &["address"]),
            ("entries", &["error"]),
            ("retry", &["error", "options"]),
            ("tls", &["address", "error", "options"]),
            ("together", &["builder", "limits"]),
            ("client", &["address", "error", "limits", "options", "retry", "tls", "together"]),
            ("backup", &["client", "error"]),
            ("directory", &["client", "error", "retry"]),
            ("follow", &["client", "error", "retry"]),
            ("members", &["client", "error", "options", "retry"]),
            ("networks", &["client", "error", "options", "retry"]),
            ("plugins", &["client", "error", "limits", "retry"]),
            ("evidence", &["client", "error"]),
            ("pair_history", &["entries"]),
            ("proofs", &["client", "entries", "error", "retry"]),
            ("records", &["client", "error", "retry"]),
            ("sessions", &["client", "error", "options", "retry"]),
            ("status", &["client", "error", "retry"]),
            ("webhooks", &["client", "error", "options", "retry"]),
            ("append_stream", &["builder", "client", "error", "retry"]),
            ("append", &["append_stream", "builder", "client", "error", "limits", "options", "retry", "together"]),
            ("checkpoints", &["client", "error", "proofs", "retry"]),
            ("read", &["client", "entries", "error", "proofs", "retry"]),
            ("views", &["client", "error", "follow", "retry"]),
            ("subscribe", &["checkpoints", "client", "entries", "error", "follow", "proofs"]),
            ("partial_tree", &["read", "subscribe"]),
            (
                "replica",
                &[
                    "append_stream",
                    "batch",
                    "builder",
                    "checkpoints",
                    "client",
                    "clock",
                    "entries",
                    "error",
                    "options",
                    "partial_tree",
                    "read",
                    "retry",
                    "subscribe",
                    "views",
                ],
            ),
        ],
    ),
    (
        "client/cli",
        &[
            ("failure", &[]),
            ("limits", &[]),
            ("input", &["failure"]),
            ("show", &["failure", "limits"]),
            ("place", &["failure", "input", "limits", "show"]),
            ("authoring", &["failure", "input", "place"]),
            ("context", &["failure", "place", "show"]),
            ("import", &["failure", "limits", "place", "show"]),
            ("export", &["failure", "place", "show"]),
            ("commands", &["authoring", "context", "export", "failure", "import", "input", "limits", "place", "show"]),
            ("args", &["commands", "context", "failure", "place", "show"]),
            ("typed", &["args"]),
        ],
    ),
    (
        "plugins/authoring",
        &[
            ("failure", &[]),
            ("limits", &[]),
            ("log", &["failure"]),
            ("project", &["failure"]),
            ("compiler", &["failure", "project"]),
            ("host", &["failure", "limits", "log", "project"]),
            ("evaluate", &["failure", "host", "limits"]),
            ("scaffold", &["failure", "project"]),
        ],
    ),
];

/// The rooms that files of each room name, tests apart. Items of the root itself are of the room `lib`.
fn named(crate_folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let source = crate_folder.join("src");
    let mut named = BTreeMap::<String, BTreeSet<String>>::new();
    for file in sources(&source) {
        let inside = file.strip_prefix(&source).expect("it was found there");
        let room = inside.iter().next().and_then(|name| name.to_str()).expect("names are UTF-8");
        let room = room.trim_end_matches(".rs").to_owned();
        if room == "lib" || room == "main" {
            continue;
        }
        let text = fs::read_to_string(&file).expect("sources are UTF-8");
        let production = text.split("#[cfg(test)]\nmod tests").next().expect("there is something");
        let is_root = inside.iter().count() == 1;
        assert!(!is_root || !production.contains("super::"), "{}: say `crate::`", file.display());
        let others = named.entry(room.clone()).or_default();
        others.extend(names_after_crate(production));
        others.remove(&room);
    }
    let rooms: BTreeSet<String> = named.keys().cloned().collect();
    for others in named.values_mut() {
        let items = others.len();
        others.retain(|name| rooms.contains(name));
        if others.len() < items {
            others.insert("lib".to_owned());
        }
    }
    named
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for item in fs::read_dir(folder).expect("folders can be read") {
        let path = item.expect("folders can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("names are UTF-8").to_owned();
        if path.is_dir() && name != "tests" {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
            files.push(path);
        }
    }
    files
}

/// The first names of all paths that begin with `crate::`, those in braces included.
fn names_after_crate(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let whole = !code[..at].ends_with(|before: char| before.is_alphanumeric() || "_$".contains(before));
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            _ if !whole => {}
            Some(tree) => names.extend(first_names(tree)),
            None => names.extend(identifier(rest)),
        }
    }
    names
}

/// The first names in a use tree, from behind its opening brace.
fn first_names(tree: &str) -> Vec<String> {
    let (mut names, mut depth, mut begins) = (Vec::new(), 0, true);
    for (at, letter) in tree.char_indices() {
        match letter {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            _ if letter.is_whitespace() => {}
            _ => {
                if begins && depth == 0 {
                    names.extend(identifier(&tree[at..]));
                }
                begins = false;
            }
        }
    }
    names
}

fn identifier(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn rooms_name_only_what_is_written_down_and_lies_below_them() {
    let mut wrong = Vec::new();
    for (folder, rooms) in ROOMS {
        let written: BTreeMap<_, BTreeSet<_>> = rooms
            .iter()
            .map(|(room, names)| ((*room).to_owned(), names.iter().map(|name| (*name).to_owned()).collect()))
            .collect();
        let found = named(&root().join(folder));
        for (room, names) in &found {
            if written.get(room) != Some(names) {
                wrong.push(format!(
                    "{folder}: (\"{room}\", &{names:?}) is there, and {:?} written down",
                    written.get(room)
                ));
            }
        }
        for room in written.keys().filter(|room| !found.contains_key(*room)) {
            wrong.push(format!("{folder}: there is no room {room}"));
        }
        for (index, (room, names)) in rooms.iter().enumerate() {
            for name in *names {
                let below = rooms[..index].iter().any(|(lower, _)| lower == name);
                if !below {
                    wrong.push(format!("{folder}: {room} names {name}, which does not lie below it"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_found_in_paths_and_in_use_trees() {
    let text = "use crate::{\n    error::{OpenError, ReadError},\n    files,\n};\nfn f() -> crate::read::X { $crate::no::x() }\n// crate::comment\n";
    let found: Vec<_> = names_after_crate(text).into_iter().collect();
    assert_eq!(found, ["error", "files", "read"]);
}
