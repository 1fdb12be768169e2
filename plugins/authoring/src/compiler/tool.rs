//! Runs the programs that make up the compilers, quietly as long as they succeed.

use crate::failure::Failure;
use std::{
    io,
    process::{Command, Output},
};

/// Runs a program to its end; its output is shown if it fails, with what is needed for it to succeed.
pub(super) fn run(command: &mut Command, what: &str, needed: &str) -> Result<(), Failure> {
    let (name, output) = output(command, what, needed)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::Unexpected(format!(
        "cannot {what}; {needed}\n`{name}` ended with {}:\n{}",
        output.status,
        said(&output).trim()
    )))
}

/// Runs a compiler to its end. If it fails, that is the author's to mend: `about_plugin` takes from what it says the part
/// that is about the plugin. `needed` is said if there is no such program.
pub(super) fn compile(command: &mut Command, needed: &str, about_plugin: fn(&str) -> String) -> Result<(), Failure> {
    let (_, output) = output(command, "build the plugin", needed)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::Unexpected(format!("the plugin does not build:\n{}", about_plugin(&said(&output)).trim())))
}

fn output(command: &mut Command, what: &str, needed: &str) -> Result<(String, Output), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => format!("`{name}` is not installed"),
            _ => format!("`{name}` does not start: {error}"),
        };
        Failure::Unexpected(format!("cannot {what}: {why}; {needed}"))
    })?;
    Ok((name, output))
}

fn said(output: &Output) -> String {
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_and_what_to_do_are_said() {
        let missing =
            run(&mut Command::new("kith-no-such-program"), "do it", "install it").expect_err("it is not there");
        assert_eq!(missing.to_string(), "cannot do it: `kith-no-such-program` is not installed; install it");
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo out; echo err >&2; exit 3"]);
        let failed = run(&mut failing, "do it", "look").expect_err("it fails").to_string();
        assert!(failed.contains("cannot do it; look") && failed.ends_with("out\nerr"), "{failed}");
    }
}
