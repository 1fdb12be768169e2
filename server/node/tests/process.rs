//! The program `kithd`, run as an operator does.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

fn kithd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kithd"));
    command.args(arguments).env_remove("KITH_CONFIG").env_remove("KITH_DATA").env_remove("KITH_LISTEN");
    command
}

/// Starts a server and reads its output up to the line with its address.
fn serve(data: &Path) -> (Child, Vec<String>) {
    let mut command = kithd(&["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
        lines.push(line.unwrap());
        if lines.last().unwrap().starts_with("listening on ") {
            break;
        }
    }
    (child, lines)
}

fn terminate(mut child: Child) -> Option<i32> {
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait().unwrap().code()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn it_announces_itself_drains_on_sigterm_and_its_folder_checks_out() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let (child, lines) = serve(&data);
    assert!(lines.iter().any(|line| line.contains("owner.token")), "{lines:?}");
    assert_eq!(terminate(child), Some(0));

    let (child, lines) = serve(&data);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("the owner token is 0 days old and does not expire"), "{lines:?}");
    assert!(lines[1].starts_with("checkpoints of default are signed by kith/default/"), "{lines:?}");
    assert!(lines[2].starts_with("listening on 127.0.0.1:"), "{lines:?}");
    let busy = kithd(&["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(busy.status.code(), Some(1));
    assert!(text(&busy).contains("in use by another process"), "{}", text(&busy));
    assert_eq!(terminate(child), Some(0));

    check_exits_with(&data, 0);
}

fn check_exits_with(data: &Path, code: i32) {
    let check = kithd(&["check", "--data", data.to_str().unwrap()]).output().unwrap();
    assert_eq!(check.status.code(), Some(code), "{}", text(&check));
}

#[test]
fn check_tells_damage_use_and_absence_apart() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    check_exits_with(&data, 3);
    let (child, _) = serve(&data);
    check_exits_with(&data, 5);
    assert_eq!(terminate(child), Some(0));
    check_exits_with(&data, 0);

    let file = data.join("log.redb");
    let mut bytes = std::fs::read(&file).unwrap();
    for byte in bytes.iter_mut().skip(8_192).step_by(256) {
        *byte ^= 0xff;
    }
    std::fs::write(&file, bytes).unwrap();
    check_exits_with(&data, 6);
}

/// Runs a command on a data folder with redirected standard output; returns its exit code and standard error.
fn run_into(data: &Path, command: &[&str], stdout: Stdio) -> (Option<i32>, String) {
    let arguments = [command, &["--data", data.to_str().unwrap()]].concat();
    let output = kithd(&arguments).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn output_that_cannot_be_written_is_said_and_a_closed_pipe_is_not() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let (child, _) = serve(&data);
    assert_eq!(terminate(child), Some(0));
    for command in [&["check"][..], &["config"], &["backup", "--to"], &["backup-keys", "--to"]] {
        let run = |name: &str, stdout| {
            let file = parent.path().join(format!("{}-{name}", command[0]));
            let with_file = [command, &[file.to_str().unwrap()]].concat();
            run_into(&data, if command.len() > 1 { &with_file } else { command }, stdout)
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(run("closed", writer.into()), (Some(0), String::new()), "{command:?}");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, said) = run("full", full.into());
        assert_eq!(code, Some(1), "{command:?}");
        assert!(said.starts_with("kithd: standard output cannot be written") && said.lines().count() == 1, "{said}");
    }
}

/// Runs a command with bytes on standard input; returns its exit code and output.
fn run_with(arguments: &[&str], input: &[u8]) -> Output {
    let mut child =
        kithd(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, bytes) = (child.stdin.take().unwrap(), input.to_vec());
    // A command that refuses its input stops reading.
    let writing = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    output
}

#[test]
fn backups_go_through_pipes() {
    let parent = tempfile::tempdir().unwrap();
    let (data, copy) = (parent.path().join("data"), parent.path().join("copy"));
    let (child, _) = serve(&data);
    assert_eq!(terminate(child), Some(0));
    let (data, copy) = (data.to_str().unwrap(), copy.to_str().unwrap());
    let backup = run_with(&["backup", "--data", data, "--to", "-"], &[]);
    assert_eq!(backup.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&backup.stderr).contains("- holds 1 network,"), "reported on standard error");
    let keys = run_with(&["backup-keys", "--data", data, "--to", "-"], &[]);
    assert_eq!(keys.status.code(), Some(0));
    let checked = run_with(&["check", "--data", data, "--backup", "-"], &backup.stdout);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    for (what, bytes) in [("restore-keys", &keys.stdout), ("restore", &backup.stdout)] {
        let cut = run_with(&[what, "--data", copy, "--from", "-"], &bytes[..bytes.len() - 100]);
        assert_eq!(cut.status.code(), Some(6), "{}", text(&cut));
        let restored = run_with(&[what, "--data", copy, "--from", "-"], bytes);
        assert_eq!(restored.status.code(), Some(0), "{}", text(&restored));
    }
    let checked = kithd(&["check", "--data", copy]).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    assert!(text(&checked).contains("token owner of the whole server: owner, issued "), "{}", text(&checked));
    assert!(!Path::new("-").exists(), "no file of that name is created");

    let folder = kithd(&["restore", "--data", copy, "--from", data]).output().unwrap();
    assert_eq!(folder.status.code(), Some(1), "{}", text(&folder));
}

#[test]
fn a_backup_into_a_pipe_that_closes_ends_quietly_and_is_none() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let (child, _) = serve(&data);
    assert_eq!(terminate(child), Some(0));
    for command in ["backup", "backup-keys"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(run_into(&data, &[command, "--to", "-"], writer.into()), (Some(1), String::new()), "{command}");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, said) = run_into(&data, &[command, "--to", "-"], full.into());
        assert_eq!(code, Some(1), "{command}");
        assert!(said.starts_with("kithd: the backup could not be written: No space left"), "{said}");
    }
}

#[test]
fn the_owner_token_is_made_anew_while_no_server_runs() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let owner = |arguments: &[&str]| run_into(&data, &[&["owner"], arguments].concat(), Stdio::null());
    assert_eq!(owner(&["rotate"]).0, Some(3), "there is no log yet");
    let (child, _) = serve(&data);
    let (code, said) = owner(&["rotate"]);
    assert_eq!(code, Some(5), "{said}");
    assert_eq!(terminate(child), Some(0));
    let secret = || std::fs::read_to_string(data.join("owner.token")).unwrap();
    let first = secret();
    let (code, said) = owner(&["issue"]);
    assert_eq!(code, Some(4));
    assert!(said.contains("`kithd owner rotate` replaces it"), "{said}");
    assert_eq!(secret(), first);
    let (code, said) = owner(&["rotate", "--expires-days", "30"]);
    assert_eq!(code, Some(0), "{said}");
    assert_ne!(secret(), first);

    let (child, lines) = serve(&data);
    assert!(lines[0].starts_with("the owner token is 0 days old and expires in 29 days"), "{lines:?}");
    assert_eq!(terminate(child), Some(0));
    check_exits_with(&data, 0);
}

#[test]
fn an_owner_token_that_is_none_opens_nothing() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("owner.token"), "").unwrap();
    let start = || kithd(&["--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]).output().unwrap();
    let exposed = start();
    assert_eq!(exposed.status.code(), Some(1));
    assert!(text(&exposed).contains("chmod 600"), "{}", text(&exposed));
}

#[test]
fn wrong_settings_are_all_told_before_anything_starts() {
    let mut command = kithd(&["--listen", "0.0.0.0:0", "--data", "/nonexistent/kith"]);
    let output = command.env("KITH_LIMITS_STALL_MS", "soon").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = text(&output);
    assert!(text.contains("KITH_LIMITS_STALL_MS") && text.contains("allow_plaintext"), "{text}");
}

#[test]
fn the_effective_configuration_is_printed() {
    let output = kithd(&["config", "--data", "/somewhere"]).env("KITH_LIMITS_STALL_MS", "5000").output().unwrap();
    let text = text(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("data = \"/somewhere\"") && text.contains("stall_ms = 5000"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_setting_in_the_environment_that_is_no_text_is_not_taken_for_unset() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    for name in ["KITH_DATA", "KITH_LIMITS_STALL_MS"] {
        let output = kithd(&["config"]).env(name, OsStr::from_bytes(b"/srv/kith\xff")).output().unwrap();
        let text = text(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(&format!("(from {name}): is not text (UTF-8)")), "{text}");
    }
}

/// Where systemd is installed, its own checker verifies the unit.
#[test]
fn the_systemd_unit_is_valid() {
    let unit = include_str!("../../../deploy/kithd.service");
    assert!(unit.contains("\nType=notify\n"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kithd.service");
    std::fs::write(&path, unit.replace("/usr/local/bin/kithd", env!("CARGO_BIN_EXE_kithd"))).unwrap();
    let verify = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no", path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut verify) = verify else { return };
    let mut told = String::new();
    verify.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    let status = verify.wait().unwrap();
    let own: Vec<_> = told.lines().filter(|line| line.contains("kithd.service")).collect();
    assert!(status.success() && own.is_empty(), "{told}");
}
