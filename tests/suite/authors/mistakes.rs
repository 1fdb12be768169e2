//! What authors are told about their mistakes: in words, with the key, the entry, the field or setting, and the line.

use super::{alone, built, built_from, kith, text};
use kith_tests::{programs::root, ran::Ran};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

/// A log in which a pair each meets with an attribute `do`, from the pair `p0`, `q0` on.
fn log_of(folder: &Path, what: &[&str]) -> String {
    let at = "2026-01-05T10:00:00Z";
    let event = |fact: &str, body: Value| json!({ "event": { "occurred_at": at, "scope": "network", fact: body } });
    let mut lines = Vec::new();
    for (number, what) in what.iter().enumerate() {
        let pair = [format!("p{number}"), format!("q{number}")];
        lines.extend(pair.iter().map(|person| event("person_added", json!({ "person": person }))));
        let mut met = event("met", json!({ "people": pair }));
        met["event"]["attributes"] = json!([{ "key": "do", "text": what }]);
        lines.push(met);
    }
    let path = folder.join("log.jsonl");
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(&path, lines.join("\n")).expect("a file");
    text(&path).to_owned()
}

/// What a component says about each of these, folded in a key of its own.
fn said_about(component: &str, what: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut said = Vec::new();
    // Few at a time: a check stops when many keys fail.
    for some in what.chunks(7) {
        let log = log_of(folder.path(), some);
        let checked = kith(&alone(), &["-o", "json", "plugin", "check", component, "--log", &log]).exits(6).json();
        let faults = checked["faults"].as_array().expect("a list");
        assert_eq!(faults.len(), some.len(), "{some:?}: {checked}");
        for (number, fault) in faults.iter().enumerate() {
            assert_eq!(fault["key"], json!([format!("p{number}"), format!("q{number}")]));
            assert_eq!(fault["position"], json!(3 * number + 3));
            said.push(fault["message"].as_str().expect("text").to_owned());
        }
    }
    said
}

fn refused_settings(component: &str, how: &str) -> Ran {
    let settings = json!({ "how": how }).to_string();
    kith(&alone(), &["plugin", "check", component, "--settings", &settings]).exits(4)
}

fn checked(component: &str, how: &str) -> Ran {
    let settings = json!({ "how": how }).to_string();
    kith(&alone(), &["plugin", "check", component, "--entries", "600", "--settings", &settings])
}

/// The line of a text that contains something, from 1.
fn line_of(text: &str, part: &str) -> usize {
    1 + text.lines().position(|line| line.contains(part)).expect(part)
}

const NO_CLOCK: &str = "a view has no clock: the same events must give the same rows everywhere";
const NO_CHANCE: &str = "a view has no chance: the same events must give the same rows everywhere";
const NO_FILES: &str = "a view has no files: the same events must give the same rows everywhere";
const NO_NETWORK: &str = "a view has no network";

#[test]
fn python_says_what_is_closed_and_where_and_what_was_printed() {
    let source = include_str!("mischief.py");
    let write = |folder: &Path| fs::write(folder.join("main.py"), source).expect("a file");
    let (_, component) = built_from("mischief-python", &["--lang", "python"], write);
    let component = text(&component);
    let where_it_is = format!("(main.py, line {})", line_of(source, "eval(do)"));
    let closed = [
        ("time.time()", NO_CLOCK),
        ("time.localtime()", NO_CLOCK),
        ("datetime.datetime.now()", NO_CLOCK),
        ("datetime.date.today()", NO_CLOCK),
        ("random.random()", NO_CHANCE),
        ("os.urandom(8)", NO_CHANCE),
        ("uuid.uuid4()", NO_CHANCE),
        ("open('/etc/passwd')", NO_FILES),
        ("io.open('x')", NO_FILES),
        ("os.listdir('.')", NO_FILES),
        ("__import__('socket')", NO_NETWORK),
    ];
    let said = said_about(component, &closed.map(|(code, _)| code));
    for ((code, expected), said) in closed.iter().zip(&said) {
        assert!(said.contains(expected) && said.ends_with(&where_it_is), "{code}: {said}");
    }
    let said = said_about(component, &["(print('debug', 1), [][3])", "[][3]"]);
    assert_eq!(said[0], format!("IndexError: list index out of range {where_it_is}; printed: debug 1"));
    assert_eq!(said[1], format!("IndexError: list index out of range {where_it_is}"), "of this key alone");
    let line = line_of(source, "{}[\"nothing\"]");
    let refused = refused_settings(component, "break");
    refused.says(&format!("KeyError: 'nothing' (main.py, line {line}); printed: about to break"));
    checked(component, "text").exits(6).prints("`days` is of type integer, which '2' is not");
    checked(component, "forget").ok().prints("look       no key has a state: does `fold` return it?");
    checked(component, "grow").ok().prints("and grows with each: at about ");
    let found = checked(component, "").ok();
    assert!(!found.stdout.contains("look "), "{}", found.stdout);
}

#[test]
fn javascript_says_what_is_closed_and_where_and_what_was_logged() {
    let source = include_str!("mischief.js");
    let write = |folder: &Path| fs::write(folder.join("main.js"), source).expect("a file");
    let (_, component) = built_from("mischief-js", &["--lang", "js"], write);
    let component = text(&component);
    let closed = [
        ("date", NO_CLOCK, "new Date()"),
        ("now", NO_CLOCK, "Date.now()"),
        ("random", NO_CHANCE, "Math.random()"),
        ("uuid", NO_CHANCE, "crypto.randomUUID()"),
        ("fetch", NO_NETWORK, "fetch("),
        ("timeout", NO_CLOCK, "setTimeout("),
    ];
    let said = said_about(component, &closed.map(|(name, _, _)| name));
    for ((_, expected, code), said) in closed.iter().zip(&said) {
        let line = line_of(source, code);
        assert!(said.contains(expected) && said.ends_with(&format!("(main.js, line {line})")), "{code}: {said}");
    }
    let said = &said_about(component, &["log"])[0];
    let line = line_of(source, "return undefined.length");
    assert!(said.starts_with("TypeError: "), "{said}");
    assert!(said.ends_with(&format!("(main.js, line {line}); logged: debug {{\"n\":1}}")), "{said}");
    refused_settings(component, "break").says("; logged: about to break");
    checked(component, "text").exits(6).prints("`days` is of type integer, which \"2\" is not");
    checked(component, "forget").ok().prints("look       no key has a state: does `fold` return it?");
}

#[test]
fn a_rust_panic_is_reported_with_its_text_and_place_and_a_setting_by_its_name() {
    let change = |folder: &Path| {
        let path = folder.join("src/lib.rs");
        let source = fs::read_to_string(&path).expect("a file");
        let begin = "        for event in events {\n";
        assert!(source.contains(begin));
        let panics = "            assert!(event.attribute(\"do\").is_none(), \"{} is too much\", events.len());\n";
        fs::write(&path, source.replacen(begin, &format!("{begin}{panics}"), 1)).expect("a file");
    };
    let (folder, component) = built_from("mischief-rust", &["--lang", "rust"], change);
    let component = text(&component);
    let source = fs::read_to_string(folder.join("src/lib.rs")).expect("a file");
    let expected = format!("panicked at src/lib.rs, line {}: 1 is too much", line_of(&source, "is too much"));
    assert_eq!(said_about(component, &["anything"]), [expected]);
    let settings = ["plugin", "check", component, "--settings", r#"{"minutes_min":"x"}"#];
    kith(&alone(), &settings).exits(4).says("refuses the settings: `minutes_min`: found text, expected u16");
}

#[test]
fn a_check_tells_what_others_cost_on_the_same_log() {
    for (language, fuel) in [("rust", 900.0), ("python", 41_000.0), ("js", 53_000.0)] {
        let (_, component) = built(language);
        let checked = kith(&alone(), &["-o", "json", "plugin", "check", text(&component)]).ok().json();
        let found = checked["fuel_per_event"].as_f64().expect("a number");
        assert!((found / fuel - 1.0).abs() < 0.1, "{language}: {found} where {fuel} is told");
        let beside = checked["beside"].as_array().expect("a list");
        let strength = beside.iter().find(|other| other["view"] == "strength").expect("it is built in");
        assert!(strength["fuel_per_event"].as_u64() > Some(0), "{checked}");
    }
    let (_, component) = built("rust");
    let lines = kith(&alone(), &["plugin", "check", text(&component)]).ok();
    lines.prints("beside     built in, in Rust, on the same log: ").prints("Python 41000, JavaScript 53000");
}

/// Whatever differs from machine to machine, or from call to call, is closed before a plugin's own code runs; everything
/// that is listed as closed is.
#[test]
fn everything_on_the_lists_of_what_is_closed_says_so() {
    let sdk = |name: &str| root().join("plugins/sdk").join(name);
    let python = r#"
from kith_plugin.sealed import CLOSED_MODULES, SEALED
count = 0
for what, functions in SEALED.items():
    for module, name in functions:
        try:
            getattr(module, name)()
        except Exception as error:
            assert f"a view has no {what}: the same events" in str(error), (module, name, error)
            count += 1
        else:
            raise AssertionError((module, name))
for what, modules in CLOSED_MODULES.items():
    for name in modules:
        try:
            __import__(name)
        except ImportError as error:
            assert f"a view has no {what}, so it cannot import `{name}`" in str(error), error
            count += 1
import datetime, time
assert time.gmtime(86400)[:3] == (1970, 1, 2) and time.strftime("%Y", time.gmtime(0)) == "1970"
moment = datetime.datetime(2026, 1, 2)
assert isinstance(moment.date(), datetime.date) and isinstance(moment, datetime.datetime)
assert datetime.date(2026, 1, 2) + datetime.timedelta(1) == datetime.date.fromisoformat("2026-01-03")
for now in (datetime.datetime.now, datetime.datetime.today, datetime.date.today):
    try:
        now()
    except RuntimeError as error:
        assert "no clock" in str(error)
        count += 1
print(count)
"#;
    let mut command = Command::new("python3");
    command.args(["-c", python]).env("PYTHONPATH", sdk("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    let count: u32 = Ran::run(&mut command, "").ok().stdout.trim().parse().expect("a number");
    assert!(count > 60, "{count}");
    let sealed = sdk("javascript").join("sealed.js");
    let script = r#"
let count = 0;
const says = (call, what) => {
  try { call(); } catch (error) {
    if (`${error.message}`.includes(`a view has no ${what}: the same events`)) { count += 1; return; }
    throw error;
  }
  throw new Error(`${call} is open`);
};
for (const [what, places] of Object.entries(SEALED)) {
  for (const [place, names] of places) {
    for (const name of names) if (place?.[name]) says(() => place[name](), what);
  }
}
for (const call of [() => Date.now(), () => new Date(), () => Date()]) says(call, "clock");
if (new Date(86400000).toISOString() !== "1970-01-02T00:00:00.000Z") throw new Error("no date");
console.log(count);
"#;
    let script = format!("const {{ SEALED }} = await import({}); {script}", json!(text(&sealed)));
    let ran = Ran::run(Command::new("node").args(["--input-type=module", "--eval", &script]), "").ok();
    assert!(ran.stdout.trim().parse::<u32>().expect("a number") >= 10, "{}", ran.stdout);
}
