//! `kith import contacts` brings in the people of address books: nothing without a yes, nobody twice, nobody taken for
//! somebody else, and one clear line for each mistake.

use crate::{
    folder::{Folder, gzip},
    village::{VILLAGE_ENTRIES, token, village},
};
use kith_tests::{cli::Cli, ran::Ran, server::Server};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    process::Stdio,
    time::{Duration, Instant},
};

/// People of a phone: with a photo, a birthday, a company's number, and two who differ by everything but their name.
const PHONE: &str = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=B8rk;J=C3=BCrgen;;;\r\n\
    FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen=20=\r\nM=C3=B8rk\r\nEMAIL;INTERNET:juergen@fernhollow.example\r\n\
    PHOTO;ENCODING=BASE64;TYPE=JPEG:/9j/4AAQSkZJRg\r\n/9j/4AAQSkZJRg==\r\n\r\nEND:VCARD\r\n\
    BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nell Kettle\r\nitem1.EMAIL;type=INTERNET:nell@fernhollow.example\r\n\
    item1.X-ABLabel:_$!<Other>!$_\r\nTEL;TYPE=CELL:+44 20 7946 0958\r\nBDAY:1980-04-12\r\nNOTE:met at the\r\n  fair\r\n\
    END:VCARD\r\nBEGIN:VCARD\r\nVERSION:4.0\r\nFN:Otto Plum\r\nEMAIL:otto@riverside.example\r\nORG:Riverside Practice\r\n\
    UID:urn:uuid:0f2c1f3e-7f6f-4d5e-9f0a-3b1c2d4e5f60\r\nEND:VCARD\r\n";
const PHONE_PEOPLE: usize = 3;

/// The columns that a list of decisions must have.
const LIST: &str = "decision,record,name,match\n";

fn import(cli: &Cli, file: &str, flags: &[&str]) -> Ran {
    cli.run(&[&["import", "contacts", file], flags].concat())
}

fn import_json(cli: &Cli, file: &str, flags: &[&str]) -> Ran {
    cli.run_json(&[&["import", "contacts", file], flags].concat())
}

fn people(cli: &Cli) -> Vec<Value> {
    cli.json_lines(&["person", "list"])
}

fn names(cli: &Cli) -> Vec<String> {
    let mut names: Vec<String> =
        people(cli).iter().map(|person| person["name"].as_str().unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}

fn card(name: &str, email: &str) -> String {
    format!("BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nEMAIL:{email}\nEND:VCARD\n")
}

/// Text in UTF-16 with a byte order mark, as spreadsheets save it.
fn utf_16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_preview_says_what_everybody_would_see_and_writes_nothing() {
    let (_server, cli) = village();
    let folder = Folder::new();
    let phone = folder.put("phone.vcf", PHONE);
    let ran = import(&cli, &phone, &["--dry-run"]).ok();
    let ran = ran.prints("3 records: 0 known, 3 new, 0 to decide, 0 unreadable");
    let ran = ran.prints("would be seen by every member of default: 3 names, 3 e-mail addresses, 1 id");
    ran.prints("left out: 1 number, 1 note, 1 birthday, 1 photo");
    import(&cli, &phone, &[]).exits(2).says("nothing was recorded: without a terminal to ask on, --yes records it");
    let shown = import_json(&cli, &phone, &["--dry-run"]).ok().json();
    assert_eq!((&shown["dry_run"], &shown["sent"], &shown["new"]), (&json!(true), &json!(false), &json!(3)), "{shown}");
    assert_eq!(shown["seen"], json!({ "names": 3, "e_mail_addresses": 3, "ids": 1 }));
    assert_eq!(shown["rows"][0]["name"], "Jürgen Mørk");
    let list = folder.path("people.csv");
    import(&cli, &phone, &["--review", &list]).ok().says("change the column decision");
    assert_eq!(fs::metadata(&list).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(import(&cli, &phone, &["--review", "-"]).ok().stdout.starts_with("decision,record,name,"));
    assert_eq!(cli.head(), VILLAGE_ENTRIES);
}

#[test]
fn the_same_file_again_changes_nothing_and_more_of_it_is_added_once() {
    let (_server, cli) = village();
    let folder = Folder::new();
    let phone = folder.put("phone.vcf", PHONE);
    import(&cli, &phone, &["--yes"]).ok().prints("3 people added, 0 changed");
    let head = cli.head();
    assert_eq!(head, VILLAGE_ENTRIES + PHONE_PEOPLE as u64);
    let otto = cli.json(&["person", "show", "Otto Plum"]);
    assert_eq!((&otto["organisation"], &otto["role"]), (&json!("riverside"), &Value::Null), "{otto}");
    let packed = folder.put("phone.vcf.gz", gzip(PHONE.as_bytes()));
    for file in [&phone, &packed] {
        import(&cli, file, &["--yes"]).ok().prints("3 records: 3 known, 0 new").prints("0 people added, 0 changed");
    }
    assert_eq!(cli.head(), head);
    let more = ["--with", "phones,notes", "--yes"];
    import(&cli, &phone, &more)
        .ok()
        .prints("1 known person gets what is new of them")
        .prints("0 people added, 1 changed");
    import(&cli, &phone, &more).ok().prints("0 people added, 0 changed");
    assert_eq!(cli.head(), head + 1);
    let recorded = cli.run_json(&["log"]).ok().stdout;
    assert!(recorded.contains("met at the fair") && !recorded.contains("1980-04-12"), "{recorded}");
}

#[test]
fn exports_of_the_same_people_from_everywhere_make_one_person_each() {
    let (_server, cli) = village();
    let folder = Folder::new();
    let google = "First Name,Middle Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Organization Name\r\n\
        Jürgen,,Mørk,* myContacts,Work,JUERGEN@fernhollow.example ::: j@home.example,Fernhollow\r\n\
        Nell,,Kettle,* myContacts,,nell@fernhollow.example,\r\n";
    let outlook = "\"First Name\";\"Last Name\";\"Company\";\"E-mail Address\";\"Notes\"\r\n\
        \"J\u{fc}rgen\";\"Moerk\";\"\";\"juergen@fernhollow.example\";\"two\r\nlines\"\r\n\
        \"Otto\";\"Plum\";\"Riverside Practice\";\"otto@riverside.example\";\"\"\r\n";
    let outlook: Vec<u8> = outlook.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let linkedin = "Notes:\r\n\"Some addresses are missing, as people wish.\"\r\n\r\nFirst Name,Last Name,URL,Email Address,\
        Company,Position,Connected On\r\nNell,Kettle,https://www.social.example/in/nell,nell@fernhollow.example,,Porter,12 Mar 2024\r\n\
        ,,,,,,\r\nIda,Reed,https://www.social.example/in/ida,,,,13 Mar 2024\r\n";
    import(&cli, &folder.put("phone.vcf", PHONE), &["--yes"]).ok();
    import(&cli, &folder.put("google.csv", format!("\u{feff}{google}")), &["--yes"])
        .ok()
        .prints("0 people added, 1 changed");
    let ran = import(&cli, &folder.put("outlook.csv", outlook), &["--yes"]).ok();
    ran.says("is not UTF-8: read as windows-1252").prints("0 people added, 0 changed");
    let linkedin = folder.put("Connections.csv", utf_16(linkedin));
    import(&cli, &linkedin, &["--yes"]).ok().prints("1 person added, 1 changed").prints("2 dates of connections");
    import(&cli, &linkedin, &["--yes"]).ok().prints("0 people added, 0 changed");
    assert_eq!(
        names(&cli)[4..],
        ["Ida Reed", "Jürgen Mørk", "Nell Kettle", "Otto Plum"].map(str::to_owned),
        "after those of the village"
    );
    let flags = ["--connections", "--me", "amina", "--yes"];
    import(&cli, &linkedin, &flags).ok().prints("2 connections recorded, 0 known");
    let head = cli.head();
    import(&cli, &linkedin, &flags).ok().prints("0 connections recorded, 2 known");
    assert_eq!(cli.head(), head);
    assert_eq!(cli.json_lines(&["view", "strength"]).len(), 0, "a connection is no meeting");
}

#[test]
fn people_of_one_name_are_asked_about_and_never_merged() {
    let (_server, cli) = village();
    let folder = Folder::new();
    let text = "Name;Mail;Company\nAmina Shah;;Riverside Practice\nShah, Ben;;\nDan Jones;dan@hillside.example;Hillside Hospital\n";
    let table = folder.put("staff.csv", text);
    let map = ["--map", "name=Name,email=Mail,org=Company"];
    let flags = |more: &[&'static str]| [&map[..], more].concat();
    let ran = import(&cli, &table, &flags(&["--yes"])).exits(4).prints("3 records: 0 known, 1 new, 2 to decide");
    let ran = ran.prints("the same name, and the same organisation or mail domain").prints("1 person added, 0 changed");
    ran.prints("line 2: EVENT_INVALID to decide: the same name").prints("(amina)").prints("(dan)");
    assert_eq!(names(&cli).iter().filter(|name| *name == "Dan Jones").count(), 1);
    let head = cli.head();
    import(&cli, &table, &flags(&["--yes"])).exits(4).prints("0 people added");
    assert_eq!(cli.head(), head);

    let decided = format!("{LIST}skip,1,Amina Shah,amina\nnew,2,\"Shah, Ben\",\nnew,3,Dan Jones,dan\n");
    let list = folder.put("decided.csv", decided);
    let decide = [&map[..], &["--decisions", &list, "--yes"]].concat();
    let ran = import(&cli, &table, &decide).ok().prints("1 person added").says("already somebody called Dan Jones");
    ran.prints("1 to skip");
    import(&cli, &table, &decide).ok().prints("0 people added, 0 changed");
    assert_eq!(names(&cli).iter().filter(|name| *name == "Dan Jones").count(), 2);
    let same =
        folder.put("same.csv", format!("{LIST}same,1,Amina Shah,amina\nskip,2,\"Shah, Ben\",\nask,3,Dan Jones,dan\n"));
    let decide = [&map[..], &["--decisions", &same, "--yes"]].concat();
    import(&cli, &table, &decide).exits(4).prints("1 known, 0 new, 1 to decide, 0 unreadable, 1 to skip");
}

#[test]
fn the_mailbox_of_an_office_does_not_make_two_people_one() {
    let (_server, cli) = village();
    let folder = Folder::new();
    let first = folder.put("first.vcf", card("Nell Kettle", "reception@fernhollow.example"));
    let second = folder.put("second.vcf", card("Otto Plum", "reception@fernhollow.example"));
    import(&cli, &first, &["--yes"]).ok().prints("1 person added");
    let ran = import(&cli, &second, &["--with", "notes", "--yes"]).exits(4);
    ran.prints("the same e-mail address, but another name").prints("0 people added, 0 changed");
}

#[test]
fn what_an_interrupted_import_recorded_stays_and_the_next_one_goes_on() {
    const PEOPLE: usize = 20_000;
    let server = Server::start();
    let cli = server.cli();
    let folder = Folder::new();
    let cards: String =
        (0..PEOPLE).map(|number| card(&format!("Person {number}"), &format!("p{number}@x.example"))).collect();
    let file = folder.put("many.vcf", cards);
    let running = cli.command(&["import", "contacts", &file, "--yes"]);
    let mut running = running_with_pipes(running);
    let begun = Instant::now();
    while cli.head() == 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing is recorded");
        assert!(running.try_wait().unwrap().is_none(), "it ended before it was interrupted");
    }
    let data = server.kill();
    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && said.contains("so far ") && said.contains("people added"), "{said}");
    assert!(said.contains("import the file again: whoever is there is found"), "{said}");

    let server = Server::start_on(data, &[]);
    let cli = cli.server(&server.url());
    let recorded = people(&cli).len();
    assert!((1..PEOPLE).contains(&recorded), "{recorded}");
    let rest = PEOPLE - recorded;
    let rest = if rest < 1_000 { rest.to_string() } else { format!("{},{:03}", rest / 1_000, rest % 1_000) };
    import(&cli, &file, &["--yes"]).ok().prints(&format!("{rest} people added, 0 changed"));
    let found: BTreeSet<String> = names(&cli).into_iter().collect();
    assert_eq!((found.len(), people(&cli).len()), (PEOPLE, PEOPLE));
    import(&cli, &file, &["--yes"]).ok().prints("0 people added, 0 changed");
}

fn running_with_pipes(mut command: std::process::Command) -> std::process::Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn two_imports_at_once_add_everybody_once() {
    let (_server, cli) = village();
    let folder = Folder::new();
    let cards: String =
        (0..3_000).map(|number| card(&format!("Person {number}"), &format!("p{number}@x.example"))).collect();
    let file = folder.put("many.vcf", cards);
    let running = [0, 1].map(|_| running_with_pipes(cli.command(&["import", "contacts", &file, "--yes"])));
    for child in running {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert_eq!(people(&cli).len(), 4 + 3_000);
}

#[test]
fn each_mistake_is_one_clear_line_and_nothing_is_recorded() {
    let (_server, cli) = village();
    let folder = Folder::new();
    let phone = folder.put("phone.vcf", PHONE);
    let table = folder.put("table.csv", "Full Name,Mail\nNell Kettle,nell@x.example\n");
    let dated = folder.put("dated.csv", "First Name,Last Name,Connected On\nNell,Kettle,03/04/2024\n");
    let check = |code: i32, arguments: &[&str], told: &str| {
        let ran = cli.run(&[&["import", "contacts"], arguments].concat()).exits(code).says(told);
        let lines = ran.stderr.lines().filter(|line| !line.starts_with("hint: ")).count();
        assert_eq!(lines, 1, "{arguments:?}: {}", ran.stderr);
    };
    let put = |name: &str, bytes: &[u8]| folder.put(name, bytes);
    check(3, &[&folder.path("none.vcf")], "none.vcf");
    check(2, &[&folder.path("")], "is a folder");
    check(4, &[&put("empty.vcf", b"")], "has neither cards nor a header of Google, LinkedIn or Outlook");
    check(4, &[&put("photo.jpg", b"\xff\xd8\xe0\0\x10JFIF\0\x01")], "has neither cards nor a header");
    check(4, &[&table], "--map says what the columns of another table contain; nothing was recorded");
    check(4, &[&table, "--format", "vcard"], "has no card: a card begins with BEGIN:VCARD");
    check(4, &[&table, "--format", "google"], "has no header of the format google in its first 20 rows");
    check(2, &[&table, "--format", "csv"], "--format csv needs a --map");
    check(2, &[&phone, "--format", "vcard", "--map", "name=Name"], "--map goes with --format csv");
    check(4, &[&table, "--map", "name=Name,email=Mail"], "has no row with the columns Name, Mail in its first 20 rows");
    check(4, &[&put("header.csv", b"First Name,Last Name,Connected On\n")], "has a header, but no record below it");
    check(2, &[&phone, "--encoding", "klingon"], "\"klingon\" is not an encoding");
    check(
        2,
        &[&put("latin.vcf", b"BEGIN:VCARD\nFN:J\xfcrgen\nEND:VCARD\n"), "--encoding", "utf-8"],
        "is not text in UTF-8",
    );
    check(4, &[&put("cut.gz", &gzip(PHONE.as_bytes())[..60])], "cannot read");
    check(
        2,
        &[&dated, "--connections", "--me", "amina"],
        "line 2: day and month of 03/04/2024 cannot be told apart: --dates",
    );
    check(3, &[&dated, "--connections", "--me", "nobody", "--dates", "dmy"], "nobody");
    check(
        2,
        &[&phone, "--role-map", &put("roles", b"Porter\n")],
        "is no map of roles: line 1: a row has a title and a role",
    );
    check(2, &[&phone, "--decisions", &table], "has no column decision: it is a list that --review wrote");
    let other = put("other.csv", format!("{LIST}new,1,Ada Quill,\n").as_bytes());
    check(
        2,
        &[&phone, "--decisions", &other],
        "is about another file: record 1 is \"Ada Quill\" in it, and \"Jürgen Mørk\" here",
    );
    let maybe = put("maybe.csv", format!("{LIST}maybe,1,Jürgen Mørk,\n").as_bytes());
    check(2, &[&phone, "--decisions", &maybe], "line 2: \"maybe\" is no decision: there are new, same, skip and ask");
    check(1, &[&phone, "--review", &table], "exists");
    check(2, &[&phone], "--yes records it");
    let (_, secret) = token(&cli, &["--role", "reader"]);
    let ran = import(&cli.token(&secret), &phone, &["--yes"]).exits(4);
    ran.says("this token may not add people: a recorder's, officer's or owner's may");
    assert_eq!(cli.head(), VILLAGE_ENTRIES + 1, "only the token was added");
    let decided = put("nobody.csv", format!("{LIST}same,1,Jürgen Mørk,nobody\n").as_bytes());
    let ran = import(&cli, &phone, &["--decisions", &decided, "--dry-run"]).exits(4);
    ran.prints("line 1: EVENT_INVALID nobody is nobody of this network, or erased");
}

#[test]
fn recorders_add_people_of_others_without_organisation_and_change_none_of_them() {
    let (_server, cli) = village();
    let (_, secret) = token(&cli, &["--role", "recorder", "--organisation", "riverside"]);
    let recorder = cli.token(&secret);
    let folder = Folder::new();
    let rows = "Name,Mail,Company\nIda Reed,ida@hillside.example,Hillside Hospital\nCarol Jones,carol@hillside.example,hillside\n\
        Amina Shah,amina@riverside.example,riverside\n";
    let table = folder.put("staff.csv", rows);
    let same = format!("{LIST}same,2,Carol Jones,carol\nsame,3,Amina Shah,amina\n");
    let list = folder.put("list.csv", same);
    let flags = ["--map", "name=Name,email=Mail,org=Company", "--decisions", &list, "--yes"];
    let ran = import(&recorder, &table, &flags).ok().prints("1 person added, 1 changed");
    let ran = ran.prints("1 person of another organisation is added without organisation");
    ran.prints("1 known person stays as they are: this token may not change them");
    assert_eq!(cli.json(&["person", "show", "Ida Reed"])["organisation"], Value::Null);
    let head = cli.head();
    import(&recorder, &table, &flags).ok().prints("0 people added, 0 changed");
    assert_eq!(cli.head(), head);
    let unknown = folder.put("unknown.csv", "Name,Company\nUma Reed,Fernhollow Clinic\n");
    let flags = ["--map", "name=Name,org=Company", "--yes"];
    import(&cli, &unknown, &flags).ok().prints("1 organisation is not in the network: Fernhollow Clinic (--add-orgs");
    let flags = ["--map", "name=Name,org=Company", "--add-orgs", "--yes"];
    let other = folder.put("more.csv", "Name,Company\nTim Reed,Fernhollow Clinic\n");
    import(&cli, &other, &flags).ok().prints("1 person added, 0 changed, 1 organisation added");
    assert_eq!(cli.json(&["person", "show", "Tim Reed"])["organisation"], "fernhollow-clinic");
}

#[test]
fn erased_people_come_back_only_with_a_warning() {
    let (_server, cli) = village();
    let folder = Folder::new();
    let file = folder.put("one.vcf", card("Nell Kettle", "nell@x.example"));
    import(&cli, &file, &["--yes"]).ok();
    let id = cli.json(&["person", "show", "Nell Kettle"])["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("p-"), "{id}");
    cli.run(&["person", "erase", &id, "--reason", "withdrawn", "--wait"]).ok();
    let ran = import(&cli, &file, &["--dry-run"]).ok().prints("0 known, 1 new");
    ran.prints("1 person of this network was erased: whoever was counts as new here");
}

#[test]
fn hostile_files_are_refused_or_read_without_harm() {
    let (_server, cli) = village();
    let folder = Folder::new();
    let text = format!(
        "{}{}{}\u{feff}{}BEGIN:VCARD\nFN:Cut off\n",
        card("\u{202e}lleN\u{202c} \u{200b}Ket\u{0}tle\u{7}\u{1b}[31m", "nell@x.ex\u{200b}ample"),
        format_args!("BEGIN:VCARD\nFN:{}\nNOTE:{}\nEND:VCARD\n", "Long", "x".repeat(1 << 20)),
        format_args!(
            "BEGIN:VCARD\nFN:Agent\nAGENT:\n{}{}END:VCARD\n",
            "BEGIN:VCARD\n".repeat(5_000),
            "END:VCARD\n".repeat(5_000)
        ),
        card("=HYPERLINK(\"https://x.example\")", "formula@x.example"),
    );
    let file = folder.put("hostile.vcf", text);
    let ran = import(&cli, &file, &["--yes"]).exits(4).prints("3 people added");
    let ran = ran
        .prints("EVENT_INVALID line 8 has a property of more than 65536 bytes")
        .prints("EVENT_INVALID the card has no end");
    assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}', '\0']), "{}", ran.stdout);
    assert!(names(&cli).contains(&"lleN Kettle [31m".to_owned()), "{:?}", names(&cli));
    let list = folder.path("list.csv");
    import(&cli, &file, &["--review", &list]).exits(4);
    assert!(fs::read_to_string(&list).unwrap().contains(",\"'=HYPERLINK("), "a formula is text");

    let nested = gzip(&gzip(PHONE.as_bytes()));
    import(&cli, &folder.put("nested.gz", nested), &[]).exits(4).says("has neither cards nor a header");
    let bomb = gzip(&vec![b'\n'; 300 << 20]);
    assert!(bomb.len() < 400_000);
    import(&cli, &folder.put("bomb.gz", bomb), &[]).exits(2).says("has more than 268435456 bytes: divide it");
    let many = "BEGIN:VCARD\nFN:A\nEND:VCARD\n".repeat(1_000_000);
    import(&cli, &folder.put("many.vcf", many), &[]).exits(4).says("has more than 200000 records: divide it");
    let rows = format!("First Name,Last Name,Connected On\n{}", "\"Ada,Quill,\n".repeat(100_000));
    import(&cli, &folder.put("quotes.csv", rows), &["--dry-run"]).exits(4).prints("a quote has no end");
}
