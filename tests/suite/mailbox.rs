//! `kith import mail` records who wrote to whom: headers alone, people of the network alone, for one organisation, no
//! message twice.

use crate::{
    folder::{Folder, gzip},
    village::{give_addresses, token, village},
};
use kith_tests::{cli::Cli, ran::Ran, server::Server};
use serde_json::json;

/// A server with the village, everybody with an address, and a recorder of riverside.
fn addressed() -> (Server, Cli, Cli) {
    let (server, cli) = village();
    give_addresses(&cli);
    let (_, secret) = token(&cli, &["--role", "recorder", "--organisation", "riverside"]);
    let recorder = cli.token(&secret);
    (server, cli, recorder)
}

fn mail(number: u32, to: &str, more: &str) -> String {
    format!(
        "From amina@village.example Mon Mar  2 09:00:00 2026\nFrom: Amina Shah <amina@village.example>\nTo: {to}\n\
         Date: Mon, 2 Mar 2026 10:00:00 +0100\nMessage-ID: <{number}@village.example>\nSubject: About bed 4\n{more}\n\
         The patient of bed 4.\n\n"
    )
}

fn import(cli: &Cli, file: &str, flags: &[&str]) -> Ran {
    cli.run(&[&["import", "mail", file], flags].concat())
}

#[test]
fn messages_are_follow_ups_for_ones_own_organisation_and_nothing_of_them_is_kept() {
    let (_server, cli, recorder) = addressed();
    let folder = Folder::new();
    let box_of = [
        mail(1, "Ben <ben@village.example>, zoe@elsewhere.example", ""),
        mail(2, "ben@village.example", "List-Id: <ward.example>\n"),
        mail(3, "zoe@elsewhere.example", ""),
        mail(1, "Ben <ben@village.example>", ""),
    ];
    let file = folder.put("sent.mbox", box_of.concat());
    let ran = import(&recorder, &file, &["--dry-run"]).ok().prints("2026-03-02T09:00:00Z  followed_up");
    let ran = ran.prints("1 mail: 1 new, 0 changed, 0 known · left out: 1 from lists, 1 to nobody else of the network");
    ran.prints("1 repeated in the file, counted once").prints("zoe@elsewhere.example (2)");
    import(&recorder, &file, &[]).exits(2).says("--yes records it");
    import(&recorder, &file, &["--yes"]).ok().prints("1 recorded, 0 retracted");
    let head = cli.head();
    let packed = folder.put("sent.mbox.gz", gzip(box_of.concat().as_bytes()));
    for again in [&file, &packed] {
        import(&recorder, again, &["--yes"]).ok().prints("1 known").prints("0 recorded, 0 retracted");
    }
    assert_eq!(cli.head(), head);
    let entries = recorder.json_lines(&["log", "--kind", "followed_up"]);
    assert_eq!(entries[0]["event"]["followed_up"], json!({ "by": "amina", "with": ["ben"] }), "{entries:?}");
    assert_eq!((&entries[0]["event"]["scope"], entries.len()), (&json!("organisation"), 1));
    let log = recorder.run_json(&["log"]).ok().stdout;
    assert!(!log.contains("bed 4") && !log.contains("zoe"), "{log}");
    let (_, other) = token(&cli, &["--role", "recorder", "--organisation", "hillside"]);
    let other = cli.token(&other);
    assert_eq!(other.json_lines(&["log", "--kind", "followed_up"]).len(), 0);
    import(&other, &file, &["--yes"]).ok().prints("1 recorded, 0 retracted");
}

#[test]
fn a_mail_whose_people_are_known_better_is_corrected() {
    let (_server, cli, recorder) = addressed();
    let folder = Folder::new();
    let file = folder.put("sent.mbox", mail(1, "ben@village.example, nell@village.example", ""));
    import(&recorder, &file, &["--yes"]).ok().prints("1 recorded, 0 retracted");
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nell Kettle\r\nEMAIL:nell@village.example\r\nEND:VCARD\r\n";
    cli.run(&["import", "contacts", &folder.put("nell.vcf", card), "--yes"]).ok();
    import(&recorder, &file, &["--yes"]).ok().prints("0 new, 1 changed, 0 known").prints("1 recorded, 1 retracted");
    import(&recorder, &file, &["--yes"]).ok().prints("0 recorded, 0 retracted");
    let shared = import(&recorder, &file, &["--scope", "network", "--yes"]).ok();
    shared.prints("1 recorded, 1 retracted");
    import(&recorder, &file, &["--scope", "network", "--yes"]).ok().prints("0 recorded, 0 retracted");
}

#[test]
fn mistakes_have_a_clear_line_each_and_the_rest_goes_on() {
    let (_server, cli, recorder) = addressed();
    let folder = Folder::new();
    let dateless = mail(1, "ben@village.example", "").replace("Date:", "X-Date:");
    let file = folder.put("sent.mbox", [dateless, mail(2, "ben@village.example", "")].concat());
    import(&recorder, &file, &["--yes"])
        .exits(4)
        .prints("line 1: EVENT_INVALID the message has no date")
        .prints("1 recorded");
    let head = cli.head();
    let other = folder.put("mail.eml", "From: amina@village.example\n\nx\n");
    import(&recorder, &other, &["--yes"]).exits(4).says("is no mailbox: its first line does not begin with \"From \"");
    import(&recorder, &folder.path("missing"), &["--yes"]).exits(3);
    import(&cli, &file, &["--yes"]).exits(2).says("this token is of no organisation");
    import(&cli, &file, &["--scope", "network", "--dry-run"]).exits(4).prints("1 new");
    let replica = folder.path("replica");
    let run = |arguments: &[&str]| Ran::run(recorder.command(arguments).env("KITH_REPLICA", &replica), "");
    run(&["sync"]).ok();
    run(&["import", "mail", &file, "--yes"]).exits(2).says("--me says whose mailbox this is");
    run(&["import", "mail", &file, "--me", "amina", "--yes"]).exits(4).prints("1 known").prints("0 queued");
    assert_eq!(cli.head(), head);
}
