//! Rules of the house that a compiler does not check.

use kith_tests::{
    programs::root,
    worlds::{APART, COMPARED},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Which of our crates each crate may name, apart from development dependencies. A new arrow is a decision: write it
/// down here and in ARCHITECTURE.md.
const ARROWS: [(&str, &[&str]); 28] = [
    ("proto", &[]),
    ("server/core", &["kith-proto"]),
    ("server/json", &["kith-core", "kith-proto"]),
    ("server/blocks", &["kith-core"]),
    ("server/words", &["kith-core"]),
    ("server/log", &["kith-blocks", "kith-core", "kith-words"]),
    ("server/views", &["kith-core", "kith-proto"]),
    ("server/node", &["kith-bundle", "kith-core", "kith-json", "kith-log", "kith-proto", "kith-views"]),
    ("client", &["kith-blocks", "kith-bundle", "kith-core", "kith-proto", "kith-views", "kith-words"]),
    ("client/import", &["kith-client", "kith-core", "kith-json"]),
    ("client/cli", &["kith-authoring", "kith-client", "kith-core", "kith-import", "kith-json", "kith-views"]),
    ("plugins/sdk/words", &[]),
    ("plugins/sdk/view", &["kith-plugin-words"]),
    ("plugins/sdk/report", &["kith-plugin-words"]),
    ("plugins/strength", &["kith-plugin-sdk"]),
    ("plugins/introductions", &["kith-plugin-sdk"]),
    ("plugins/examples/rust", &["kith-plugin-sdk"]),
    ("plugins/follow_ups", &["kith-plugin-sdk"]),
    ("plugins/help", &["kith-plugin-sdk"]),
    ("plugins/keep_in_touch", &["kith-plugin-sdk"]),
    ("plugins/bridges", &["kith-report-sdk"]),
    ("plugins/referrers", &["kith-report-sdk"]),
    ("plugins/follow_up_latency", &["kith-report-sdk"]),
    ("plugins/who_should_meet", &["kith-report-sdk"]),
    ("plugins/build", &[]),
    ("plugins/authoring", &["kith-client", "kith-core", "kith-plugin-build", "kith-views"]),
    ("plugins/bundle", &["kith-plugin-build"]),
    (
        "tests",
        &[
            "kith-bundle",
            "kith-client",
            "kith-core",
            "kith-import",
            "kith-json",
            "kith-log",
            "kith-node",
            "kith-plugin-sdk",
            "kith-plugin-strength",
            "kith-proto",
            "kith-views",
            "kith-words",
        ],
    ),
];

fn manifest(path: &Path) -> toml::Table {
    let text = fs::read_to_string(path.join("Cargo.toml")).expect("every member has a manifest");
    text.parse().expect("manifests are TOML")
}

fn files_with(endings: &[&str]) -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder).expect("folders can be read") {
            let path = item.expect("folders can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("names are UTF-8").to_owned();
            if path.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn arrows_between_crates_are_those_written_down() {
    let allowed = BTreeMap::from(ARROWS);
    let workspace = manifest(&root());
    let members = workspace["workspace"]["members"].as_array().expect("members are a list");
    assert_eq!(members.len(), allowed.len(), "every member has its arrows written down");
    for member in members {
        let member = member.as_str().expect("members are paths");
        let manifest = manifest(&root().join(member));
        let tables = ["dependencies", "build-dependencies"].map(|table| manifest.get(table)?.as_table());
        let every = tables.into_iter().flatten().flat_map(toml::Table::keys);
        let ours = every.filter(|name| name.starts_with("kith-"));
        let named: BTreeSet<&str> = ours.map(String::as_str).collect();
        assert_eq!(named, allowed[member].iter().copied().collect(), "the arrows of {member}, and those written down");
    }
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    for (member, _) in ARROWS {
        let manifest = manifest(&root().join(member));
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let dependencies = manifest.get(section).and_then(toml::Value::as_table);
            for (name, value) in dependencies.into_iter().flatten() {
                let shared = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(shared, "{member}: {name} must be `workspace = true`");
            }
        }
    }
}

#[test]
fn only_the_plugin_host_names_wasmtime() {
    for (member, _) in ARROWS {
        let manifest = manifest(&root().join(member));
        let names = manifest["package"]["name"] != toml::Value::from("kith-views")
            && manifest.get("dependencies").and_then(|table| table.get("wasmtime")).is_some();
        assert!(!names, "{member} depends on wasmtime");
    }
}

#[test]
fn nothing_unfinished_is_left_in_the_code() {
    let words = [concat!("db", "g!("), concat!("to", "do!("), concat!("unimpl", "emented!("), concat!("#[ig", "nore")];
    for file in files_with(&[".rs"]) {
        let text = fs::read_to_string(&file).expect("sources are UTF-8");
        for word in words {
            assert!(!text.contains(word), "{} holds {word}", file.display());
        }
        let is_note =
            |line: &&str| line.split(|at: char| !at.is_alphanumeric()).any(|word| word == concat!("TO", "DO"));
        for line in text.lines().filter(is_note) {
            assert!(line.contains('#'), "{}: a note without an issue: {line}", file.display());
        }
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for file in files_with(&[".rs"]) {
        let text = fs::read_to_string(&file).expect("sources are UTF-8");
        let generated = text.starts_with("// Generated") || text.starts_with("// @generated");
        assert!(generated || text.starts_with("//!"), "{} starts without //!", file.display());
    }
}

#[test]
fn every_proto_item_is_commented() {
    for file in files_with(&[".proto"]) {
        let text = fs::read_to_string(&file).expect("protos are UTF-8");
        let mut before = "";
        for line in text.lines().map(str::trim) {
            let item = line.starts_with("message ")
                || line.starts_with("enum ")
                || line.starts_with("service ")
                || line.starts_with("rpc ")
                || line.starts_with("oneof ")
                || (line.contains(" = ") && line.ends_with(';') && !line.starts_with("syntax"));
            assert!(!item || before.starts_with("//"), "{}: no comment above `{line}`", file.display());
            before = line;
        }
    }
}

/// What the console in the program is built of: `client/web/scripts/sources.mjs` names the same files.
const CONSOLE_FILES: [&str; 8] = [
    "client/web/index.html",
    "client/web/package.json",
    "client/web/package-lock.json",
    "client/web/svelte.config.js",
    "client/web/tsconfig.json",
    "client/web/vite.config.ts",
    "client/typescript/package.json",
    "client/typescript/package-lock.json",
];
const CONSOLE_FOLDERS: [&str; 3] = ["client/web/public/", "client/web/src/", "client/typescript/src/"];

#[test]
fn the_console_in_the_program_is_built_of_its_sources() {
    let mut sources: Vec<String> = CONSOLE_FILES.map(str::to_owned).to_vec();
    let names = files_with(&[""]).into_iter().map(|file| {
        file.strip_prefix(root()).expect("it is in the project").to_str().expect("names are UTF-8").to_owned()
    });
    sources.extend(names.filter(|name| CONSOLE_FOLDERS.iter().any(|folder| name.starts_with(folder))));
    sources.sort_unstable();
    let mut digest = Sha256::new();
    for name in sources {
        digest.update(&name);
        digest.update([0]);
        digest.update(fs::read(root().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}")));
        digest.update([0]);
    }
    let built = fs::read_to_string(root().join("client/web/dist/SOURCES")).unwrap_or_default();
    assert_eq!(built.trim(), hex::encode(digest.finalize()), "run npm run build in client/web and commit dist");
}

#[test]
fn every_reason_is_explained_in_the_architecture() {
    let errors = fs::read_to_string(root().join("proto/kith/v1/errors.proto")).expect("errors.proto is there");
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let reasons = errors.lines().filter_map(|line| line.trim().strip_prefix("ERROR_REASON_")?.split(' ').next());
    for reason in reasons.filter(|reason| *reason != "UNSPECIFIED") {
        assert!(architecture.contains(reason), "ARCHITECTURE.md does not say what {reason} means");
    }
}

/// What the first part of a path in ARCHITECTURE.md stands for.
const FOLDERS: [(&str, &str); 9] = [
    ("core/", "server/core/src/"),
    ("log/", "server/log/src/"),
    ("words/", "server/words/src/"),
    ("views/", "server/views/src/"),
    ("node/", "server/node/src/"),
    ("cli/", "client/cli/src/"),
    ("replica/", "client/src/replica/"),
    ("authoring/", "plugins/authoring/src/"),
    ("tests/", "tests/"),
];

#[test]
fn every_file_that_the_architecture_names_is_there() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let files: Vec<String> = files_with(&[".rs"])
        .iter()
        .map(|file| file.strip_prefix(root()).expect("it is in the project").to_string_lossy().into_owned())
        .collect();
    let code = architecture
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| Path::new(code).extension().is_some_and(|end| end == "rs"));
    let mut named = 0;
    for name in code {
        let whole = FOLDERS.iter().find_map(|(short, folder)| Some(format!("{folder}{}", name.strip_prefix(short)?)));
        let is_there = |file: &&String| Some(*file) == whole.as_ref() || file.ends_with(&format!("/{name}"));
        assert!(files.iter().any(|file| is_there(&file)), "ARCHITECTURE.md names {name}, which is not there");
        named += 1;
    }
    assert!(named > 40, "{named} names are found");
}

/// Names of the constants in production code.
fn constants(text: &str) -> impl Iterator<Item = &str> {
    let production = text.split("#[cfg(test)]\nmod tests").next().expect("there is something");
    production.lines().filter_map(|line| {
        let (before, rest) = line.split_once("const ")?;
        let before = before.trim();
        let begins = before.is_empty() || before == "pub" || (before.starts_with("pub(") && before.ends_with(')'));
        begins.then(|| rest.split(':').next().unwrap_or_default())
    })
}

/// Folders of plugins: each is one small crate, whose limits stand where they are used.
fn plugins() -> Vec<PathBuf> {
    let is_plugin = |named: &[&str]| ["kith-plugin-sdk", "kith-report-sdk"].iter().any(|sdk| named.contains(sdk));
    let plugins = ARROWS.iter().filter(|(_, named)| is_plugin(named)).map(|(folder, _)| *folder);
    plugins.chain(["plugins/authoring/templates"]).map(PathBuf::from).collect()
}

/// Whether a name says that something is a limit; `Timestamp::MAX` is none.
fn is_limit(constant: &str) -> bool {
    constant.contains('_') && constant.split('_').any(|word| ["MAX", "MIN", "LIMIT"].contains(&word))
}

#[test]
fn limits_stand_in_limits_rs() {
    let plugins = plugins();
    let (mut kept, mut wrong) = (0, Vec::new());
    for file in files_with(&[".rs"]) {
        let name = file.strip_prefix(root()).expect("it is in the project");
        let is_test = name.iter().any(|part| part == "tests" || part == "tests.rs");
        if is_test || plugins.iter().any(|folder| name.starts_with(folder)) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("sources are UTF-8");
        let limits = constants(&text).filter(|constant| is_limit(constant));
        if file.ends_with("limits.rs") {
            kept += limits.count();
        } else {
            wrong.extend(limits.map(|constant| format!("{}: {constant}", name.display())));
        }
    }
    assert!(wrong.is_empty(), "move these to the limits.rs of their crate:\n{}", wrong.join("\n"));
    assert!(kept > 150, "{kept} limits are found");
}

/// What each part of a server takes of its memory at the most, in bytes, as ARCHITECTURE.md calls it.
fn parts_of_memory() -> Vec<(&'static str, usize)> {
    use kith_node::limits as node;
    use kith_views::limits as views;
    let log = kith_log::Config::default();
    let following = views::FOLLOWING_INSTANCES_MAX;
    let a_question_each = (node::SLOW_THREADS - 1) * views::ASKING_WORK_BYTES;
    let compiled = usize::try_from(views::CODE_BYTES_MAX).expect("code fits into memory");
    let compiling = usize::try_from(views::COMPILE_MEMORY_BYTES_MAX).expect("a process fits into memory");
    vec![
        ("program, threads, connections", 160 << 20),
        (
            "events that wait for the writer, pages of the log and of the keys",
            log.queue_bytes_max + log.redb_cache_bytes + kith_log::KEYS_PAGES_BYTES_MAX,
        ),
        ("details that are open", node::DETAILS_OPEN_BYTES_MAX),
        ("requests on their way in or at work", node::REQUESTS_OPEN_BYTES_MAX),
        (
            "answers and messages of streams on their way out, and those that wait for room",
            node::ANSWERS_OPEN_BYTES_MAX
                + node::ANSWERS_WAITING_MAX * node::Limits::default().response_bytes_max as usize,
        ),
        (
            "a piece of the answer to each call, and the next one of a stream",
            2 * node::CALLS_MAX * node::ANSWER_PIECE_BYTES,
        ),
        (
            "large pieces of answers that the transport has, four times for the buffers they lie in",
            4 * node::ANSWER_PIECES_BYTES_MAX,
        ),
        ("what webhooks send, a part for each turn", node::WEBHOOK_TURNS_MAX * node::WEBHOOK_TURN_BYTES),
        ("a component on its way in, and its code", views::COMPONENT_BYTES_MAX + compiled),
        ("the process that compiles it", compiling),
        ("pages of the files of views", views::STORE_CACHES_BYTES_MAX + following * views::STORE_CACHE_BYTES_MIN),
        ("memory of plugins that follow", views::FOLLOWING_BYTES_MAX),
        ("what views take in", 3 * (views::BATCHES_BYTES_MAX + following * views::BATCH_BYTES_MIN)),
        ("what views that are far behind take in beyond that", views::RUNS_BYTES_DEFAULT),
        (
            "states and rows of views, with the one large part",
            following * (views::FOLLOWING_WORK_BYTES + views::CALL_RESULT_BYTES) + views::FOLLOWING_LARGE_WORK_BYTES,
        ),
        ("memory of plugins that answer, with one large report", views::ASKING_BYTES_MAX),
        (
            "rows of questions, reports and comparisons, with the one large part",
            a_question_each + views::ASKING_LARGE_WORK_BYTES,
        ),
        ("tables that are kept", views::TABLES_KEPT_BYTES_MAX),
    ]
}

#[test]
fn the_memory_of_a_server_is_the_sum_of_its_parts() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let (_, section) = architecture.split_once("## Memory of a server").expect("it has a section of its own");
    let (section, _) = section.split_once("\n## ").expect("another one follows");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | ")).skip(1);
    let told: Vec<(&str, &str)> = rows.map(|(part, rest)| (part, rest.split(' ').next().unwrap_or_default())).collect();
    let parts = parts_of_memory();
    let mebibytes = |bytes: usize| bytes.div_ceil(1 << 20);
    let right: Vec<(&str, String)> = parts.iter().map(|(part, bytes)| (*part, mebibytes(*bytes).to_string())).collect();
    let right: Vec<(&str, &str)> = right.iter().map(|(part, number)| (*part, number.as_str())).collect();
    assert_eq!(told, right, "the table in ARCHITECTURE.md and the limits");
    let unit = fs::read_to_string(root().join("deploy/kithd.service")).expect("the unit is there");
    let most = unit.lines().find_map(|line| line.strip_prefix("MemoryMax=")?.strip_suffix('M'));
    let most: usize = most.and_then(|number| number.parse().ok()).expect("the unit bounds the memory in MiB");
    let sum: usize = parts.iter().map(|(_, bytes)| mebibytes(*bytes)).sum();
    assert!(sum <= most, "the parts take {sum} MiB, the unit gives {most}");
    assert!(most - sum < 128, "the unit gives {most} MiB, the parts take {sum}: more than is needed");
}

#[test]
fn every_test_that_stands_for_a_threat_is_there() {
    let text = fs::read_to_string(root().join("deploy/security.md")).expect("it can be read");
    let named: Vec<_> = text.split('`').filter_map(|word| word.split_once("::")).collect();
    for (file, test) in &named {
        let path = match file.strip_prefix("log/") {
            Some(file) => format!("server/log/tests/{file}.rs"),
            None => format!("tests/suite/{file}.rs"),
        };
        let source = fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let is_there = source.contains(&format!("fn {test}("));
        assert!(is_there, "deploy/security.md names {test}, which is not in {path}");
    }
    assert!(named.len() > 30, "{} tests are found", named.len());
}

#[test]
fn only_views_read_a_log_past_its_permissions() {
    let whole = |text: &str| text.contains("history()");
    for file in files_with(&[".rs"]) {
        let name = file.strip_prefix(root()).expect("it is in the project").to_string_lossy().into_owned();
        let served = name.starts_with("server/node/src") && name != "server/node/src/views/start.rs";
        let text = fs::read_to_string(&file).expect("files can be read");
        assert!(!(served && whole(&text)), "{name}: ask as somebody, not for the whole log");
    }
}

#[test]
fn wire_types_of_the_server_stop_in_its_services() {
    let source = "server/node/src/";
    let speak_it = ["grpc.rs", "grpc/", "http.rs", "http/", "serve.rs", "demo.rs", "demo/"];
    for file in files_with(&[".rs"]) {
        let name = file.strip_prefix(root()).expect("it is in the project").to_string_lossy().into_owned();
        let Some(name) = name.strip_prefix(source) else { continue };
        let text = fs::read_to_string(&file).expect("files can be read");
        let may_speak_it = speak_it.iter().any(|place| name.starts_with(place));
        assert!(may_speak_it || !text.contains("kith_proto"), "{source}{name} names kith_proto: let grpc convert it");
    }
}

#[test]
fn every_call_is_held_against_two_worlds_or_says_why_not() {
    let mut calls = Vec::new();
    for file in files_with(&[".proto"]) {
        let text = fs::read_to_string(&file).expect("files can be read");
        let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("rpc "));
        calls.extend(names.map(|rest| rest.split('(').next().expect("a call has a name").trim().to_owned()));
    }
    calls.sort();
    assert!(calls.len() > 30, "the calls are found");
    let mut known: Vec<_> = COMPARED.into_iter().chain(APART.into_iter().map(|(call, _)| call)).collect();
    known.sort_unstable();
    assert_eq!(calls, known, "compare a new call in tests/suite/two_worlds, or say in tests/src/worlds.rs why not");
}
