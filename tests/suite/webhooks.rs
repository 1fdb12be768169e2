//! Webhooks: events arrive in order at a receiver that may be down, refuse them or be gone, and nowhere else.

mod receiver;

use crate::village::{populate, token};
use kith_tests::{
    certificates::Authority,
    cli::Cli,
    server::{DataFolder, Server},
};
use receiver::{Receiver, Reply, Request};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A server with the village, whose webhooks may send to this machine.
struct Place {
    /// None while it is being restarted.
    server: Option<Server>,
    cli: Cli,
    data: Arc<DataFolder>,
    config: PathBuf,
    /// Holds the settings.
    _folder: TempDir,
}

impl Place {
    fn start() -> Self {
        Self::start_with("[webhooks]\nallow_networks = [\"127.0.0.0/8\"]")
    }

    fn start_with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("kith.toml");
        fs::write(&config, settings).unwrap();
        let server = Server::start_with(&["--config", config.to_str().unwrap()]);
        let (cli, data) = (server.cli(), server.data());
        populate(&cli);
        Self { server: Some(server), cli, data, config, _folder: folder }
    }

    /// Kills the server, and starts it again.
    fn kill(&mut self) {
        self.server.take().unwrap().kill();
        self.start_again(Server::start_on);
    }

    /// Stops the server, and starts it again.
    fn restart(&mut self) {
        assert!(self.server.take().unwrap().terminate().success());
        self.start_again(Server::start_on);
    }

    /// The same with a server that trusts an authority.
    fn restart_trusting(&mut self, authority: &Authority) {
        assert!(self.server.take().unwrap().terminate().success());
        self.start_again(|data, flags| Server::start_trusting(data, flags, &authority.path("ca.pem")));
    }

    fn start_again(&mut self, start: impl FnOnce(Arc<DataFolder>, &[&str]) -> Server) {
        let server = start(Arc::clone(&self.data), &["--config", self.config.to_str().unwrap()]);
        self.cli = self.cli.server(&server.url());
        self.server = Some(server);
    }
}

/// Adds a webhook; gives its id and its secret.
fn add(cli: &Cli, url: &str, flags: &[&str]) -> (String, String) {
    let added = cli.json(&[&["webhook", "add", url, "--name", "crm"], flags].concat());
    let text = |field: &str| added[field].as_str().unwrap_or_else(|| panic!("{field}: {added}")).to_owned();
    (text("id"), text("secret"))
}

fn listed(cli: &Cli, id: &str) -> Value {
    let all = cli.json_lines(&["webhook", "list"]);
    all.iter().find(|webhook| webhook["id"] == id).unwrap_or_else(|| panic!("{id} is not in {all:?}")).clone()
}

/// Waits until what is listed of a webhook is so.
fn wait_until(cli: &Cli, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let webhook = listed(cli, id);
        if is_so(&webhook) {
            return webhook;
        }
        assert!(begun.elapsed() < Duration::from_secs(40), "{webhook}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_level(webhook: &Value) -> bool {
    webhook["lag"] == 0
}

/// Records a meeting; returns its position.
fn met(cli: &Cli, people: [&str; 2]) -> u64 {
    cli.json(&["met", people[0], people[1]])["position"].as_u64().unwrap()
}

/// Records meetings; returns their positions.
fn meet(cli: &Cli, count: usize) -> Vec<u64> {
    (0..count).map(|_| met(cli, ["amina", "ben"])).collect()
}

/// The positions of what was delivered, in the order in which it arrived.
fn positions(receiver: &Receiver) -> Vec<u64> {
    receiver.received().iter().map(Request::position).collect()
}

#[test]
fn what_is_recorded_arrives_in_order_signed_and_without_words() {
    let place = Place::start();
    let receiver = Receiver::start();
    met(&place.cli, ["amina", "ben"]);
    let (id, secret) = add(&place.cli, &receiver.url(), &["--kind", "met", "--kind", "helped"]);
    let first = met(&place.cli, ["amina", "carol"]);
    place.cli.run(&["followed-up", "amina", "carol"]).ok();
    place.cli.run(&["met", "ben", "carol", "--note", "spoke about letters"]).ok();
    let level = wait_until(&place.cli, &id, is_level);
    assert_eq!(positions(&receiver), [first, first + 2], "from when it was added, and what it is for");
    assert_eq!(
        (&level["state"], &level["last_result"], &level["last_status"]),
        (&json!("running"), &json!("delivered"), &json!(200))
    );

    let requests = receiver.received();
    let event = requests[1].json();
    let entry = &place.cli.json_lines(&["log", "--kind", "met", "--newest", "--limit", "1"])[0];
    assert_eq!(requests[1].header("webhook-id"), entry["event"]["id"].as_str().unwrap());
    assert_eq!(event["id"], entry["event"]["id"]);
    assert_eq!(event["type"], "kith.v1.met");
    assert_eq!(event["data"]["details"], json!([]));
    assert!(!requests[1].text().contains("letters"));
    assert_eq!(requests[1].header("content-type"), "application/cloudevents+json");
    requests[1].check_signed_by(&[&secret]);
    let file = fs::read(place.data.path().join("access/webhooks.redb")).unwrap();
    let holds = |text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds(&id) && !holds("http://127.0.0.1") && !holds(&secret[6..]), "address and secret are sealed");

    // With words where that was asked for.
    let with_words = Receiver::start();
    let told = place.cli.run(&["webhook", "add", &with_words.url(), "--name", "notes", "--with-words"]).ok();
    told.says("cannot be erased");
    place.cli.run(&["met", "ben", "carol", "--note", "spoke about letters"]).ok();
    let requests = with_words.wait_for(1);
    assert!(requests[0].text().contains("spoke about letters"), "{}", requests[0].text());
}

#[test]
fn a_receiver_that_is_down_has_everything_in_order_once_it_is_back_whenever_the_server_was_killed() {
    let mut place = Place::start();
    let receiver = Receiver::start();
    let (id, _) = add(&place.cli, &receiver.url(), &["--kind", "met"]);
    let mut recorded = meet(&place.cli, 3);
    receiver.wait_for(3);
    receiver.reply(Reply::Status(503));
    for _ in 0..2 {
        recorded.extend(meet(&place.cli, 5));
        place.cli.run(&["webhook", "resume", &id]).ok();
        receiver.wait_for(receiver.received().len() + 1);
        place.kill();
        recorded.extend(meet(&place.cli, 5));
    }
    receiver.reply(Reply::Status(200));
    place.cli.run(&["webhook", "resume", &id]).ok();
    wait_until(&place.cli, &id, is_level);
    let accepted = receiver.accepted();
    assert_eq!(
        accepted.iter().copied().collect::<BTreeSet<_>>(),
        recorded.iter().copied().collect(),
        "none is missing"
    );
    let mut first = Vec::new();
    for position in &accepted {
        if !first.contains(position) {
            first.push(*position);
        }
    }
    assert_eq!(first, recorded, "in order: {accepted:?}");

    // What was delivered is remembered when the server stops in good order.
    place.restart();
    let more = met(&place.cli, ["amina", "ben"]);
    wait_until(&place.cli, &id, is_level);
    assert_eq!(receiver.accepted()[accepted.len()..], [more]);
}

#[test]
fn an_event_that_is_refused_becomes_a_dead_letter_and_the_next_one_is_sent() {
    let mut place = Place::start();
    let receiver = Receiver::start();
    let (id, _) = add(&place.cli, &receiver.url(), &["--kind", "met"]);
    receiver.refuse_next(3, 422);
    let recorded = meet(&place.cli, 2);
    let level = wait_until(&place.cli, &id, is_level);
    assert_eq!(positions(&receiver), [recorded[0], recorded[0], recorded[0], recorded[1]], "three tries");
    assert_eq!(level["dead_letters"], 1);
    let letters = place.cli.json_lines(&["webhook", "letters", &id]);
    assert_eq!((&letters[0]["position"], &letters[0]["status"]), (&json!(recorded[0]), &json!(422)));
    place.cli.run(&["webhook", "redeliver", &id, "999"]).exits(4).says("999");

    place.restart();
    assert_eq!(place.cli.json_lines(&["webhook", "letters", &id]), letters);
    place.cli.run(&["webhook", "redeliver", &id, "--all"]).ok().prints("1 event is sent again");
    wait_until(&place.cli, &id, |webhook| webhook["dead_letters"] == 0);
    assert_eq!(receiver.accepted(), [recorded[1], recorded[0]]);
    assert!(place.cli.json_lines(&["webhook", "letters", &id]).is_empty());
    let more = met(&place.cli, ["amina", "ben"]);
    wait_until(&place.cli, &id, is_level);
    assert_eq!(receiver.accepted().last(), Some(&more));
}

#[test]
fn a_receiver_that_is_gone_is_left_alone_until_it_is_resumed() {
    let place = Place::start();
    let receiver = Receiver::start();
    let (id, _) = add(&place.cli, &receiver.url(), &["--kind", "met"]);
    receiver.reply(Reply::Status(410));
    let first = met(&place.cli, ["amina", "ben"]);
    let stopped = wait_until(&place.cli, &id, |webhook| webhook["state"] != "running");
    assert_eq!((&stopped["state"], &stopped["last_status"]), (&json!("stopped: gone"), &json!(410)));
    receiver.reply(Reply::Status(200));
    let second = met(&place.cli, ["amina", "ben"]);
    place.cli.run(&["webhook", "resume", &id]).ok();
    wait_until(&place.cli, &id, is_level);
    assert_eq!(receiver.accepted(), [first, second]);

    // From an earlier position, all of it again.
    let from = first.to_string();
    place.cli.run(&["webhook", "resume", &id, "--from", &from]).ok();
    wait_until(&place.cli, &id, is_level);
    assert_eq!(receiver.accepted(), [first, second, first, second]);
    for wrong in ["0", "999"] {
        place.cli.run(&["webhook", "resume", &id, "--from", wrong]).exits(4).says("change.resume.from");
    }

    place.cli.run(&["webhook", "pause", &id]).ok().prints("is paused");
    met(&place.cli, ["amina", "ben"]);
    assert_eq!(listed(&place.cli, &id)["state"], "paused");
    place.cli.run(&["webhook", "resume", &id]).ok();
    wait_until(&place.cli, &id, is_level);
    assert_eq!(receiver.accepted().len(), 5);
}

#[test]
fn a_receiver_that_is_down_says_when_to_come_again() {
    let place = Place::start();
    let receiver = Receiver::start();
    let (id, _) = add(&place.cli, &receiver.url(), &["--kind", "met"]);
    receiver.reply(Reply::RetryAfter(600));
    met(&place.cli, ["amina", "ben"]);
    let waiting = wait_until(&place.cli, &id, |webhook| webhook["failed_tries"] == 1);
    assert_eq!((&waiting["last_result"], &waiting["last_status"]), (&json!("down"), &json!(429)));
    let at = |field: &str| waiting[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!((at("next_try_at") - at("last_try_at")).get_seconds(), 600);
}

#[test]
fn after_a_rotation_both_secrets_sign() {
    let place = Place::start();
    let receiver = Receiver::start();
    let (id, former) = add(&place.cli, &receiver.url(), &["--kind", "met"]);
    met(&place.cli, ["amina", "ben"]);
    receiver.wait_for(1)[0].check_signed_by(&[&former]);
    let rotated = place.cli.json(&["webhook", "rotate", &id]);
    let secret = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(secret, former);
    assert!(listed(&place.cli, &id)["former_secret_until"].is_string());
    met(&place.cli, ["amina", "ben"]);
    receiver.wait_for(2)[1].check_signed_by(&[&secret, &former]);
}

#[test]
fn nothing_is_sent_to_addresses_that_are_not_public() {
    let receiver = Receiver::start();
    let closed = Place::start_with("");
    let port = receiver.port();
    for url in [
        format!("https://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://[::ffff:7f00:1]:{port}/"),
        format!("https://[64:ff9b::7f00:1]:{port}/"),
        format!("https://2130706433:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[::ffff:169.254.169.254]/".to_owned(),
        "https://10.0.0.1/".to_owned(),
    ] {
        closed.cli.run(&["webhook", "add", &url, "--name", "x"]).exits(4).says("not public");
    }
    closed.cli.run(&["webhook", "add", &receiver.url(), "--name", "x"]).exits(4).says("https://");
    let with_user = format!("https://amina:secret@127.0.0.1:{port}/");
    closed.cli.run(&["webhook", "add", &with_user, "--name", "x"]).exits(4).says("no user");
    closed.cli.run(&["webhook", "add", "https://hooks.example.org/", "--name", ""]).exits(4).says("name");
    assert!(closed.cli.json_lines(&["webhook", "list"]).is_empty());
    assert_eq!(receiver.received().len(), 0);
}

#[test]
fn what_was_opened_and_is_closed_again_is_not_sent_to_and_a_redirect_is_not_followed() {
    let mut place = Place::start();
    let (receiver, elsewhere) = (Receiver::start(), Receiver::start());
    let (id, _) = add(&place.cli, &receiver.url(), &["--kind", "met"]);
    receiver.reply(Reply::Redirect(elsewhere.url()));
    let moved = met(&place.cli, ["amina", "ben"]);
    wait_until(&place.cli, &id, |webhook| webhook["dead_letters"] == 1);
    assert_eq!(elsewhere.received().len(), 0);
    assert_eq!(place.cli.json_lines(&["webhook", "letters", &id])[0]["status"], 307);

    // The settings count at each delivery, and not when the webhook was added.
    fs::write(&place.config, "").unwrap();
    place.restart();
    receiver.reply(Reply::Status(200));
    met(&place.cli, ["amina", "ben"]);
    wait_until(&place.cli, &id, |webhook| webhook["last_result"] == "not allowed");
    assert_eq!(positions(&receiver), [moved; 3]);
}

#[test]
fn webhooks_are_kept_by_owners_of_their_own_organisation() {
    let place = Place::start();
    let receiver = Receiver::start();
    let owner = |organisation: &str| {
        place.cli.token(&token(&place.cli, &["--role", "owner", "--organisation", organisation]).1)
    };
    let (riverside, hillside) = (owner("riverside"), owner("hillside"));
    let (_, officer) = token(&riverside, &["--role", "records-officer", "--organisation", "riverside"]);
    let refused = ["webhook", "add", &receiver.url(), "--name", "crm"];
    place.cli.token(&officer).run(&refused).exits(4);
    place.cli.token(&officer).run(&["webhook", "list"]).exits(4);
    let (id, _) = add(&riverside, &receiver.url(), &["--kind", "met"]);
    for other in [&hillside, &place.cli] {
        assert!(other.json_lines(&["webhook", "list"]).is_empty());
        for command in ["pause", "resume", "rotate", "remove", "letters"] {
            other.run(&["webhook", command, &id]).exits(3).says("there is no webhook");
        }
        other.run(&["webhook", "redeliver", &id, "--all"]).exits(3).says("there is no webhook");
    }
    // It sees what its organisation sees.
    let confidential = riverside.json(&["met", "amina", "ben", "--scope", "organisation"]);
    hillside.json(&["met", "carol", "dan", "--scope", "organisation"]);
    let public = met(&place.cli, ["carol", "dan"]);
    wait_until(&riverside, &id, is_level);
    assert_eq!(receiver.accepted(), [confidential["position"].as_u64().unwrap(), public]);

    // The token opens nothing, and ending it, as the network's owners may, ends the webhook.
    assert_eq!(listed(&riverside, &id)["organisation"], "riverside");
    place.cli.run(&["token", "revoke", &id]).ok();
    assert!(riverside.json_lines(&["webhook", "list"]).is_empty());
    met(&place.cli, ["carol", "dan"]);
    let other = Receiver::start();
    let (last, _) = add(&place.cli, &other.url(), &["--kind", "met"]);
    met(&place.cli, ["carol", "dan"]);
    wait_until(&place.cli, &last, is_level);
    assert_eq!(receiver.accepted().len(), 2);
    place.cli.run(&["webhook", "remove", &last]).ok().prints("has ended");
    assert!(place.cli.json_lines(&["webhook", "list"]).is_empty());
    place.cli.run(&["webhook", "resume", &last]).exits(3);
}

#[test]
fn a_network_has_so_many_webhooks_and_slow_receivers_hold_up_nobody_else() {
    let place = Place::start();
    let slow: Vec<Receiver> = (0..10).map(|_| Receiver::start()).collect();
    for receiver in &slow {
        receiver.reply(Reply::Silence);
    }
    let quick = Receiver::start();
    for number in 0..63 {
        add(&place.cli, &slow[number % slow.len()].url(), &["--kind", "met"]);
    }
    place.cli.run(&["network", "add", "south"]).ok();
    let south = place.cli.network("south");
    populate(&south);
    // Another host: all of one host share its turns.
    let elsewhere = quick.url().replace("127.0.0.1", "localhost");
    let (id, _) = add(&south, &elsewhere, &["--kind", "met"]);
    let (last, _) = add(&place.cli, &quick.url(), &["--kind", "met"]);
    let too_many = ["webhook", "add", &quick.url(), "--name", "x"];
    place.cli.run(&too_many).exits(4).says("64");
    met(&place.cli, ["amina", "ben"]);
    // All turns of the network that this machine has room for wait for an answer now.
    slow[0].wait_for(1);
    let begun = Instant::now();
    met(&south, ["amina", "ben"]);
    wait_until(&south, &id, is_level);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    place.cli.run(&["webhook", "remove", &last]).ok();
    add(&place.cli, &quick.url(), &["--kind", "met"]);
}

#[test]
fn over_tls_a_receiver_has_to_be_who_it_says() {
    let [authority, stranger] = [Authority::default(), Authority::default()];
    let receiver = Receiver::start_secure(&authority);
    let mut place = Place::start();
    place.restart_trusting(&authority);
    let (id, secret) = add(&place.cli, &receiver.url(), &["--kind", "met"]);
    met(&place.cli, ["amina", "ben"]);
    wait_until(&place.cli, &id, is_level);
    receiver.received()[0].check_signed_by(&[&secret]);
    place.restart_trusting(&stranger);
    met(&place.cli, ["amina", "ben"]);
    wait_until(&place.cli, &id, |webhook| webhook["last_result"] == "unreachable");
    assert_eq!(receiver.received().len(), 1);
}
