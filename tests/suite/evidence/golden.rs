//! A bundle that was made once: both verifiers take it as it is, and no other.
//!
//! `tests/fixtures/pair.evidence` and its key are made by `KITH_RENEW=1` and this test.

use super::Pair;
use kith_client::BundleReader;
use kith_core::{checkpoint::VerifierKey, tree::leaf_hash};
use kith_tests::{
    programs::root,
    python::{evidence_verifier, python},
    ran::Ran,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command};

/// Applies alterations to a bundle, one after the other, and says which of them are taken.
const IN_PYTHON: &str = r#"
import json, sys
sys.path.insert(0, sys.argv[1])
import evidence
key, bundle, alterations, scratch = sys.argv[2:]
lines = open(bundle, encoding="utf-8").read().splitlines()
for alteration in map(json.loads, open(alterations, encoding="utf-8")):
    at, count, new = alteration
    with open(scratch, "w", encoding="utf-8", newline="") as file:
        file.writelines(line + "\n" for line in lines[:at] + new + lines[at + count:])
    try:
        evidence.main(key, scratch)
        print("taken:", alteration)
    except Exception:
        pass
"#;

fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures").join(name)
}

fn verify(lines: &[String], key: &VerifierKey) -> Result<u64, String> {
    let text = lines.join("\n") + "\n";
    let bundle = BundleReader::open(text.as_bytes()).map_err(|error| error.to_string())?;
    let mut entries = bundle.verify_with(key).map_err(|error| error.to_string())?;
    let mut count = 0;
    while entries.next().map_err(|error| error.to_string())?.is_some() {
        count += 1;
    }
    entries.verified().map(|_| count).ok_or_else(|| "not verified".to_owned())
}

/// Lines in the place of others: where, how many, and which.
struct Alteration {
    at: usize,
    count: usize,
    new: Vec<String>,
}

impl Alteration {
    fn of(&self, lines: &[String]) -> Vec<String> {
        [&lines[..self.at], &self.new, &lines[self.at + self.count..]].concat()
    }
}

/// Every byte of what is in base64 under a path, flipped in one of its bits.
fn flips(at: usize, line: &Value, path: &str, all: &mut Vec<Alteration>) {
    let bytes = decode(line.pointer(path).unwrap().as_str().unwrap());
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        let mut line = line.clone();
        *line.pointer_mut(path).unwrap() = encode(&flipped).into();
        all.push(Alteration { at, count: 1, new: vec![line.to_string()] });
    }
}

/// Every byte of the checkpoint, altered to another letter.
fn flips_of_note(heading: &Value, all: &mut Vec<Alteration>) {
    let note = heading["checkpoint"].as_str().unwrap();
    for (place, letter) in note.char_indices() {
        let other = char::from_u32(u32::from(letter) ^ 1).unwrap();
        let note = format!("{}{other}{}", &note[..place], &note[place + letter.len_utf8()..]);
        let mut heading = heading.clone();
        heading["checkpoint"] = note.into();
        all.push(Alteration { at: 0, count: 1, new: vec![heading.to_string()] });
    }
}

fn alterations(lines: &[String]) -> Vec<Alteration> {
    let mut all = Vec::new();
    let values: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    flips_of_note(&values[0], &mut all);
    for (at, line) in values.iter().enumerate().skip(1) {
        all.push(Alteration { at, count: 1, new: Vec::new() });
        all.push(Alteration { at, count: 0, new: vec![lines[at].clone()] });
        if at + 1 < lines.len() {
            all.push(Alteration { at, count: 2, new: vec![lines[at + 1].clone(), lines[at].clone()] });
        }
        if line.get("hash").is_some() {
            flips(at, line, "/hash", &mut all);
            continue;
        }
        flips(at, line, "/entry", &mut all);
        for (index, detail) in line["details"].as_array().unwrap().iter().enumerate() {
            if detail.get("salt").is_some() {
                flips(at, line, &format!("/details/{index}/salt"), &mut all);
                flips(at, line, &format!("/details/{index}/rest"), &mut all);
            }
            if let Some(by) = detail.get("erased_at").and_then(Value::as_u64) {
                all.extend([by - 1, by + 1, 0].map(|other| {
                    let mut line = line.clone();
                    line["details"][index] = json!({ "erased_at": other });
                    Alteration { at, count: 1, new: vec![line.to_string()] }
                }));
                all.push(without_entry(&values, by));
            }
        }
    }
    all
}

/// The hash of an entry that erased something in its place.
fn without_entry(values: &[Value], position: u64) -> Alteration {
    let at = values.iter().position(|line| line["position"].as_u64() == Some(position)).unwrap();
    let leaf = leaf_hash(&decode(values[at]["entry"].as_str().unwrap()));
    let hash = encode(leaf.as_bytes());
    let line = format!(r#"{{"left_out":{},"level":0,"hash":"{hash}"}}"#, position - 1);
    Alteration { at, count: 1, new: vec![line] }
}

#[test]
fn no_byte_of_a_bundle_can_be_altered() {
    if std::env::var_os("KITH_RENEW").is_some() {
        let pair = Pair::make();
        let bundle = pair.export("bundle", &["--between", "amina", "ben", "--disclose", "name,note"]);
        fs::copy(bundle, fixture("pair.evidence")).unwrap();
        fs::write(fixture("pair.key"), format!("{}\n", pair.key)).unwrap();
    }
    let lines: Vec<String> = fs::read_to_string(fixture("pair.evidence")).unwrap().lines().map(str::to_owned).collect();
    let key_text = fs::read_to_string(fixture("pair.key")).unwrap().trim().to_owned();
    let key: VerifierKey = key_text.parse().unwrap();
    assert_eq!(verify(&lines, &key), Ok(lines.len() as u64 - 1));
    let python = |arguments: &[&str]| Ran::run(Command::new(python()).args(arguments), "");
    let (verifier, bundle) = (evidence_verifier(), fixture("pair.evidence"));
    let (verifier, bundle) = (verifier.to_str().unwrap(), bundle.to_str().unwrap());
    python(&[verifier, &key_text, bundle]).ok().prints("verified: ").prints("3 erased");

    let (alterations, folder) = (alterations(&lines), tempfile::tempdir().unwrap());
    // The first one alters nothing.
    let mut written = "[0, 0, []]\n".to_owned();
    for alteration in &alterations {
        let altered = alteration.of(&lines);
        assert!(verify(&altered, &key).is_err(), "taken: {} {:?}", alteration.at, alteration.new);
        written.push_str(&json!([alteration.at, alteration.count, alteration.new]).to_string());
        written.push('\n');
    }
    assert!(alterations.len() > 2_500, "only {} alterations", alterations.len());
    let (file, scratch) = (folder.path().join("alterations"), folder.path().join("scratch"));
    fs::write(&file, written).unwrap();
    let imports = root().join("tests/verifier");
    let (imports, file, scratch) = (imports.to_str().unwrap(), file.to_str().unwrap(), scratch.to_str().unwrap());
    let ran = python(&["-B", "-c", IN_PYTHON, imports, &key_text, bundle, file, scratch]).ok();
    assert_eq!(ran.stdout, "taken: [0, 0, []]\n", "what Python takes");
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64, so that what is altered is written as it must be.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().chain(&[0; 2]).take(3).fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        let digits = (0..4).map(|place| char::from(DIGITS[number >> (18 - 6 * place) & 63]));
        text.extend(digits.take(three.len() + 1));
        text.extend(std::iter::repeat_n('=', 3 - three.len()));
    }
    text
}

fn decode(text: &str) -> Vec<u8> {
    let digits: Vec<usize> = text
        .bytes()
        .filter(|letter| *letter != b'=')
        .map(|letter| DIGITS.iter().position(|digit| *digit == letter).unwrap())
        .collect();
    let bytes = |four: &[usize]| {
        let number = four.iter().chain(&[0; 3]).take(4).fold(0, |number, digit| number << 6 | digit);
        let bytes = [16, 8, 0].map(|place| u8::try_from(number >> place & 255).unwrap());
        bytes[..four.len() - 1].to_vec()
    };
    digits.chunks(4).flat_map(bytes).collect()
}
