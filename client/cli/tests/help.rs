//! What the program says of itself: every command that records, reads or imports shows an example.

use std::process::{Command, Output};

fn kith(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kith")).args(arguments).output().expect("kith starts")
}

fn help(arguments: &[&str]) -> String {
    let output = kith(&[arguments, &["--help"]].concat());
    assert!(output.status.success(), "kith {arguments:?} --help");
    String::from_utf8(output.stdout).expect("help is UTF-8")
}

#[test]
fn every_command_shows_an_example() {
    let commands: [&[&str]; 29] = [
        &[],
        &["met"],
        &["followed-up"],
        &["asked"],
        &["helped"],
        &["referred"],
        &["answered"],
        &["retract"],
        &["record"],
        &["import"],
        &["import", "edges"],
        &["log"],
        &["head"],
        &["view"],
        &["why"],
        &["watch"],
        &["person", "add"],
        &["org", "add"],
        &["token", "add"],
        &["plugin", "new"],
        &["plugin", "build"],
        &["plugin", "check"],
        &["plugin", "test"],
        &["plugin", "try"],
        &["audit", "checkpoint"],
        &["audit", "prove"],
        &["audit", "verify"],
        &["admin", "backup"],
        &["login"],
    ];
    for command in commands {
        assert!(help(command).contains("Example"), "kith {command:?} --help shows no example");
    }
}

#[test]
fn unknown_commands_and_flags_are_usage_errors() {
    for arguments in
        [&["mett", "amina", "ben"][..], &["met", "amina", "ben", "--onn", "today"], &["view", "--top", "x"]]
    {
        assert_eq!(kith(arguments).status.code(), Some(2), "kith {arguments:?}");
    }
}
