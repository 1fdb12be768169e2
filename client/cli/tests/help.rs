//! The program's help: every command that records, reads or imports shows an example.

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
    let commands: [&[&str]; 35] = [
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
        &["import", "calendar"],
        &["import", "contacts"],
        &["import", "edges"],
        &["import", "mail"],
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
        &["audit", "export"],
        &["audit", "redact"],
        &["audit", "history"],
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

#[test]
fn a_name_that_begins_like_help_is_no_call_for_help() {
    for arguments in [&["met", "-helpers", "ben"][..], &["person", "show", "-Victor"], &["-o", "json", "met", "-hugo"]]
    {
        let output = kith(arguments);
        assert_eq!(output.status.code(), Some(2), "kith {arguments:?}");
        assert!(output.stdout.is_empty(), "kith {arguments:?} prints help");
        assert!(String::from_utf8(output.stderr).unwrap().contains("after `--`"), "kith {arguments:?}");
    }
    for arguments in [&["org", "add", "-h"][..], &["help", "met"], &["met", "-h"], &["-V"]] {
        assert!(kith(arguments).status.success(), "kith {arguments:?}");
    }
}
