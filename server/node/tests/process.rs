//! The program `kithd` as an operator runs it.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

fn kithd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kithd"));
    command.args(arguments).env_remove("KITH_CONFIG").env_remove("KITH_DATA").env_remove("KITH_LISTEN");
    command
}

/// Starts a server and reads what it says up to the line that tells its address.
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
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("checkpoints of default are signed by kith/default/"), "{lines:?}");
    assert!(lines[1].starts_with("listening on 127.0.0.1:"), "{lines:?}");
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

/// Where systemd is installed, its own checker reads the unit.
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
