//! Two organisations in one network: what one keeps to itself never reaches a token of the other.
//!
//! Every answer about a hidden event is compared, in full, with the answer about an event that does not exist.

use kith_core::{event::Event, id::EventId};
use kith_proto::v1::{self, condition};
use kith_tests::{
    events::{
        accepted, confidential, followed_up, met, new_id, organisation_added, person_added, referred, retracted, sent,
        sent_with_note,
    },
    raw::{Raw, Refusal, decode},
    server::Server,
};
use std::collections::BTreeSet;

/// A network of two organisations. Riverside has kept a meeting, a referral and a note on both to itself.
struct Network {
    server: Server,
    owner: Raw,
    riverside: Raw,
    /// Everybody who must not learn about it: another organisation's recorder and officer, and the network's owner.
    others: Vec<Raw>,
    meeting: Event,
    referral: Event,
    /// Position of the last entry before the hidden ones.
    before: u64,
}

impl Network {
    async fn start() -> Self {
        let server = Server::start();
        let owner = Raw::connect(&server.url(), &server.token()).await;
        let directory = [
            organisation_added("riverside"),
            organisation_added("hillside"),
            person_added("amina", "riverside"),
            person_added("ben", "riverside"),
            person_added("carol", "hillside"),
            person_added("dan", "hillside"),
        ];
        owner.append(directory.iter().map(sent).collect()).await.unwrap();
        owner.append(vec![sent(&met(&["amina", "carol"]))]).await.unwrap();
        let riverside = member(&server, &owner, v1::Role::Recorder, "riverside").await;
        let recorder = member(&server, &owner, v1::Role::Recorder, "hillside").await;
        let officer = member(&server, &owner, v1::Role::RecordsOfficer, "hillside").await;
        let before = owner.head().await.unwrap().position;

        let meeting = confidential(met(&["amina", "ben"]));
        let referral = confidential(referred("amina", "ben", "carol"));
        let hidden = vec![sent_with_note(&meeting, "about the merger"), sent_with_note(&referral, "in confidence")];
        riverside.append(hidden).await.unwrap();
        let others = vec![recorder, officer, owner.clone()];
        Self { server, owner, riverside, others, meeting, referral, before }
    }

    async fn head(&self) -> u64 {
        self.owner.head().await.unwrap().position
    }

    /// The answer to `probe` about a hidden event is the one about an event that was never recorded.
    async fn check<T>(&self, hidden: EventId, probe: impl AsyncFn(Raw, EventId) -> Result<T, Refusal>)
    where
        T: std::fmt::Debug,
    {
        for other in &self.others {
            let head = self.head().await;
            let absent = new_id();
            let about_absent = normal(&probe(other.clone(), absent).await, absent);
            let about_hidden = normal(&probe(other.clone(), hidden).await, hidden);
            assert_eq!(about_hidden, about_absent);
            assert!(about_hidden.starts_with("Err"), "the probe is refused: {about_hidden}");
            assert_eq!(self.head().await, head, "a probe changes nothing");
        }
    }
}

async fn member(server: &Server, owner: &Raw, role: v1::Role, organisation: &str) -> Raw {
    let organisation = organisation.to_owned();
    let request = v1::IssueTokenRequest { role: role.into(), organisation, ..Default::default() };
    let (_, secret) = owner.issue_token(request).await.unwrap();
    Raw::connect(&server.url(), &secret).await
}

/// A full answer, with the requested id replaced.
fn normal<T: std::fmt::Debug>(answer: &Result<T, Refusal>, id: EventId) -> String {
    format!("{answer:?}").replace(&id.to_string(), "ID")
}

#[tokio::test]
async fn an_organisations_owner_lists_and_ends_its_own_tokens_only() {
    let server = Server::start();
    let owner = Raw::connect(&server.url(), &server.token()).await;
    owner
        .append([organisation_added("riverside"), organisation_added("hillside")].iter().map(sent).collect())
        .await
        .unwrap();
    let issue = async |role: v1::Role, organisation: &str| {
        let organisation = organisation.to_owned();
        let request = v1::IssueTokenRequest { role: role.into(), organisation, ..Default::default() };
        owner.issue_token(request).await.unwrap()
    };
    let (reader, _) = issue(v1::Role::Reader, "riverside").await;
    let (own, secret) = issue(v1::Role::Owner, "riverside").await;
    let (other, other_secret) = issue(v1::Role::Recorder, "hillside").await;
    let (of_network, _) = issue(v1::Role::Reader, "").await;
    let riverside = Raw::connect(&server.url(), &secret).await;
    // Tokens of the same millisecond are listed by id, which is random.
    let listed = async |raw: &Raw| -> BTreeSet<String> {
        let request = v1::ListTokensRequest { network: "default".into(), ..Default::default() };
        let tokens = raw.networks().list_tokens(request).await.unwrap().into_inner().tokens;
        tokens.into_iter().filter(|token| !token.server).map(|token| token.id).collect()
    };
    assert_eq!(listed(&riverside).await, BTreeSet::from([own, reader.clone()]));
    assert_eq!(listed(&owner).await.len(), 4);
    let revoke = async |raw: &Raw, token: &str| {
        let request = v1::RevokeTokenRequest { network: "default".into(), token: token.to_owned() };
        raw.networks().revoke_token(request).await.map(|answer| answer.into_inner().position).map_err(Refusal::from)
    };
    let head = riverside.head().await.unwrap().position;
    let absent = revoke(&riverside, "t-absent").await.unwrap_err();
    assert_eq!(absent.reason, "TOKEN_UNKNOWN");
    for hidden in [other.as_str(), &of_network, "owner"] {
        assert_eq!(revoke(&riverside, hidden).await.unwrap_err(), absent, "{hidden}");
    }
    assert_eq!(riverside.head().await.unwrap().position, head, "nothing is recorded");
    Raw::connect(&server.url(), &other_secret).await.head().await.unwrap();
    assert_eq!(revoke(&riverside, &reader).await.unwrap(), head + 1);
    assert_eq!(revoke(&owner, &other).await.unwrap(), head + 2);
    assert_eq!(revoke(&riverside, &other).await.unwrap_err(), absent, "revoked ones are hidden, too");
}

#[tokio::test]
async fn naming_a_hidden_event_is_naming_none() {
    let network = Network::start().await;
    let append = async |other: Raw, event: Event| other.append(vec![sent(&event)]).await;
    let (meeting, referral) = (network.meeting.id, network.referral.id);
    network.check(meeting, async |raw, id| append(raw, followed_up("carol", "dan", Some(id))).await).await;
    network.check(referral, async |raw, id| append(raw, accepted(id, "carol")).await).await;
    network.check(meeting, async |raw, id| append(raw, accepted(id, "carol")).await).await;
    network.check(meeting, async |raw, id| append(raw, retracted(id)).await).await;
    network.check(referral, async |raw, id| append(raw, retracted(id)).await).await;
    network.check(meeting, async |raw, id| append(raw, confidential(retracted(id))).await).await;
    network.check(meeting, async |raw, id| raw.prove(id.as_bytes()).await).await;
    let refused = network.others[0].append(vec![sent(&retracted(meeting))]).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field.as_str()), ("EVENT_UNKNOWN", "events[0].event.retracted.event"));
}

#[tokio::test]
async fn naming_it_in_a_stream_is_naming_none() {
    let network = Network::start().await;
    let probe = async |raw: Raw, id: EventId| {
        let mut answers = Vec::new();
        let events = vec![sent(&retracted(id)), sent(&followed_up("carol", "dan", Some(id)))];
        raw.append_stream(vec![events], |answer| answers.push(answer)).await?;
        Err::<(), _>(Refusal {
            code: tonic::Code::Ok,
            reason: String::new(),
            field: String::new(),
            message: format!("{answers:?}"),
            retry_after: None,
        })
    };
    network.check(network.meeting.id, probe).await;
}

#[tokio::test]
async fn a_hidden_events_id_is_just_taken() {
    let network = Network::start().await;
    for other in &network.others {
        let head = network.head().await;
        let same = other.append(vec![sent(&network.meeting)]).await.unwrap_err();
        let different = Event { id: network.meeting.id, ..met(&["carol", "dan"]) };
        let different = other.append(vec![sent(&different)]).await.unwrap_err();
        assert_eq!(same, different, "the answer does not tell whether the content is the same");
        assert_eq!(same.reason, "EVENT_ID_REUSED");
        assert_eq!(network.head().await, head);
    }
    let again = network.riverside.append(vec![sent(&network.meeting)]).await.unwrap();
    assert!(again[0].duplicate, "its own organisation is told of the duplicate");
}

#[tokio::test]
async fn conditions_look_past_hidden_events() {
    let network = Network::start().await;
    let condition = || {
        let filter = v1::Filter { people: vec!["ben".into()], ..Default::default() };
        Some(condition::Condition::NoneMatch(v1::NoneMatch { after: network.before, filter: Some(filter) }))
    };
    for other in &network.others {
        let event = vec![sent(&met(&["carol", "dan"]))];
        other.append_if(event, condition()).await.expect("nothing that they see matches");
    }
    let event = vec![sent(&met(&["amina", "carol"]))];
    let refused = network.riverside.append_if(event, condition()).await.unwrap_err();
    assert_eq!(refused.reason, "CONDITION_FAILED");
}

#[tokio::test]
async fn no_read_gives_them() {
    let network = Network::start().await;
    let people = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let filters = [
        v1::Filter::default(),
        v1::Filter { people: people(&["amina", "ben"]), ..Default::default() },
        v1::Filter { people: people(&["amina", "ben"]), all_people: true, ..Default::default() },
        v1::Filter { kinds: people(&["met", "referred"]), ..Default::default() },
        v1::Filter { organisations: people(&["riverside"]), ..Default::default() },
    ];
    let hidden = [network.before + 1, network.before + 2];
    for filter in filters {
        let own = positions(&network.riverside, &filter).await;
        assert!(own.iter().any(|position| hidden.contains(position)), "riverside sees its own: {filter:?}");
        for other in &network.others {
            let seen = positions(other, &filter).await;
            assert!(!seen.iter().any(|position| hidden.contains(position)), "{filter:?}: {seen:?}");
            let expected: Vec<_> = own.iter().copied().filter(|position| !hidden.contains(position)).collect();
            assert_eq!(seen, expected, "they see all the rest");
        }
    }
}

/// Positions that a token sees through a filter: by reading both ways and by subscribing, which must agree. None of the
/// answers may contain a detail of any other entry.
async fn positions(raw: &Raw, filter: &v1::Filter) -> Vec<u64> {
    let mut found = Vec::new();
    for direction in [v1::Direction::Forward, v1::Direction::Backward] {
        let request =
            v1::ReadRequest { filter: Some(filter.clone()), direction: direction.into(), ..Default::default() };
        let page = raw.read(request).await.unwrap();
        assert!(page.end);
        let mut positions: Vec<_> = page.entries.iter().map(|bytes| decode(bytes).position.get()).collect();
        assert!(page.details.iter().all(|details| positions.contains(&details.position)));
        positions.sort_unstable();
        found.push(positions);
    }
    let mut updates = raw.subscribe(None, Some(filter.clone())).await.unwrap();
    let mut positions = Vec::new();
    loop {
        let update = updates.message().await.unwrap().expect("a subscription goes on");
        positions.extend(update.entries.iter().map(|bytes| decode(bytes).position.get()));
        assert!(update.details.iter().all(|details| positions.contains(&details.position)));
        if update.caught_up {
            break;
        }
    }
    found.push(positions);
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
    found.pop().expect("three ways to read")
}

#[tokio::test]
async fn a_live_follower_hears_nothing_of_them() {
    let network = Network::start().await;
    let mut updates = network.others[0].subscribe(None, None).await.unwrap();
    network.riverside.append(vec![sent_with_note(&confidential(met(&["amina", "ben"])), "again")]).await.unwrap();
    let end = network.owner.append(vec![sent(&met(&["amina", "dan"]))]).await.unwrap()[0].position;
    let mut last = 0;
    while last < end {
        let update = updates.message().await.unwrap().expect("a subscription goes on");
        for bytes in &update.entries {
            let entry = decode(bytes);
            assert!(entry.event().unwrap().scope == kith_core::event::Scope::Network, "{entry:?}");
            last = entry.position.get();
        }
        assert!(update.details.iter().flat_map(|details| &details.details).all(|detail| detail.text != "again"));
    }
    assert_eq!(last, end);
}

#[tokio::test]
async fn views_of_the_network_do_not_count_them() {
    let network = Network::start().await;
    let head = network.head().await;
    for raw in network.others.iter().chain([&network.riverside]) {
        let rows = raw.rows_at("strength", None, head).await.unwrap();
        let keys: Vec<_> = rows.iter().map(|row| row.key.join(" ")).collect();
        assert_eq!(keys, ["amina carol"], "the one meeting that the network sees");
        assert_eq!(raw.rows_at("introductions", None, head).await.unwrap(), []);
        let hidden = explain(raw, "amina", "ben").await.unwrap_err();
        let absent = explain(raw, "carol", "dan").await.unwrap_err();
        let other_names = |text: &str| text.replace("amina", "A").replace("ben", "B");
        let absent_names = absent.message.replace("carol", "A").replace("dan", "B");
        assert_eq!(other_names(&hidden.message), absent_names);
        assert_eq!((&hidden.reason[..], hidden.code), ("ROW_UNKNOWN", absent.code));
    }
    let explained = explain(&network.others[0], "amina", "carol").await.unwrap();
    assert_eq!((explained.evidence.len(), explained.hidden), (1, 0));
}

async fn explain(raw: &Raw, a: &str, b: &str) -> Result<v1::ExplainRowResponse, Refusal> {
    let key = vec![a.to_owned(), b.to_owned()];
    raw.explain(v1::ExplainRowRequest { view: "strength".into(), key, ..Default::default() }).await
}

#[tokio::test]
async fn the_command_line_shows_none_of_them() {
    let network = Network::start().await;
    let owner = network.server.cli();
    let log = owner.run_json(&["log"]).ok().stdout;
    let meeting = network.meeting.id.to_string();
    assert!(!log.contains(&meeting) && !log.contains("merger") && !log.contains("confidence"), "{log}");
    let about = |id: EventId| {
        let ran = owner.run_json(&["retract", &id.to_string(), "--reason", "mistake"]).exits(3);
        format!("{}{}", ran.stdout, ran.stderr).replace(&id.to_string(), "ID")
    };
    assert_eq!(about(network.meeting.id), about(new_id()));
}
