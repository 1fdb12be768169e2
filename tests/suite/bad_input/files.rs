//! Files that are missing, truncated or not what they were declared to be.

use crate::village::{VILLAGE_ENTRIES, village};
use flate2::{Compression, write::GzEncoder};
use kith_tests::{cli::Cli, ran::Ran};
use std::{fs, io::Write, path::Path};

const FLAGS: [&str; 8] = ["--columns", "time,from,to", "--epoch", "2026-01-01T00:00:00Z", "--unit", "s", "--as", "met"];

fn edges(cli: &Cli, file: &Path, flags: &[&str]) -> Ran {
    cli.run_json(&[&["import", "edges", file.to_str().unwrap()], flags].concat())
}

/// The flags, with another value for one of them.
fn with<'a>(flag: &str, value: &'a str) -> Vec<&'a str> {
    let mut flags = FLAGS.to_vec();
    let at = flags.iter().position(|known| *known == flag).expect("one of the flags");
    flags[at + 1] = value;
    flags
}

#[test]
fn missing_files_are_not_found() {
    let (_server, cli) = village();
    for command in [&["import", "absent.jsonl"][..], &["record", "absent.jsonl"]] {
        cli.run(command).exits(3).says("absent.jsonl");
    }
    edges(&cli, Path::new("absent.dat"), &FLAGS).exits(3).says("absent.dat");
    assert_eq!(cli.head(), VILLAGE_ENTRIES);
}

#[test]
fn wrong_descriptions_of_a_file_are_usage_errors() {
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contacts.dat");
    fs::write(&file, "20 amina ben\n").unwrap();
    let cases = [
        (with("--columns", "time,from"), "to"),
        (with("--columns", "time,from,from"), "from"),
        (with("--columns", "time,from,colour"), "colour"),
        (with("--epoch", "soon"), "soon"),
        (with("--unit", "fortnight"), "fortnight"),
        (with("--as", "shouted"), "shouted"),
        ([&FLAGS[..], &["--join", "briefly"]].concat(), "briefly"),
    ];
    for (flags, part) in cases {
        edges(&cli, &file, &flags).exits(2).says(part);
    }
    assert_eq!(cli.head(), VILLAGE_ENTRIES);
    edges(&cli, &file, &FLAGS).exits(0);
    assert_eq!(cli.head(), VILLAGE_ENTRIES + 1);
}

#[test]
fn rows_that_are_no_contacts_are_named_and_the_others_kept() {
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contacts.dat");
    fs::write(&file, "20 amina ben\nnoon amina ben\n60 amina\n80 amina amina\n100 carol dan\n").unwrap();
    let imported = edges(&cli, &file, &FLAGS).exits(4).json();
    assert_eq!((&imported["refused"], &imported["skipped"]), (&2.into(), &1.into()), "{imported}");
    let records: Vec<_> = imported["refusals"].as_array().unwrap().iter().map(|one| one["record"].clone()).collect();
    assert_eq!(records, [2, 3]);
    assert_eq!(cli.head(), VILLAGE_ENTRIES + 2);
}

#[test]
fn a_compressed_file_that_is_cut_off_is_said_to_be() {
    let (_server, cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let whole = gzip(&"{\"event\":{\"occurred_at\":\"2026-03-04T10:00:00Z\",\"scope\":\"network\",\"met\":{\"people\":[\"amina\",\"ben\"]}}}\n".repeat(50));
    let file = folder.path().join("records.jsonl.gz");
    fs::write(&file, &whole[..whole.len() - 9]).unwrap();
    let ran = cli.run(&["import", file.to_str().unwrap()]).exits(4);
    let ran = ran.says("records.jsonl.gz").says("cut off or damaged");
    assert_eq!(cli.head(), VILLAGE_ENTRIES, "nothing of it was recorded: {ran:?}");
    fs::write(&file, &whole).unwrap();
    let imported = cli.json(&["import", file.to_str().unwrap()]);
    assert_eq!(imported["refused"], 0);
    assert_eq!(cli.head(), VILLAGE_ENTRIES + 50);
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
