//! Makes every call that could reveal something, and records the answers in full.
//!
//! Left out are hashes over entries of the whole log (they are salted, and that an entry exists is no secret) and a
//! view's counts of its own work, which depend on how fast it followed.

use super::history::{History, PEOPLE, person};
use futures_util::StreamExt;
use kith_core::{
    event::{Event, Fact, FollowedUp, Habit, Met, Retracted, RetractionReason, Scope},
    filter::{Filter, PeopleMatch},
    id::EventId,
    timestamp::Timestamp,
};
use kith_proto::v1::{self, condition, export_request};
use kith_tests::{
    events::{NOON, event, sent},
    random::Random,
    raw::{Raw, Refusal},
};
use std::fmt::Debug;

const VIEWS: [&str; 5] = ["strength", "introductions", "follow_ups", "help", "keep_in_touch"];
const REPORTS: [&str; 4] = ["bridges", "referrers", "follow_up_latency", "who_should_meet"];

/// Filters, views and reports queried for one seed; together the seeds cover all.
const FILTERS_AT_ONCE: usize = 3;
const VIEWS_AT_ONCE: usize = 2;

/// Calls and their answers, in order.
type Told = Vec<(String, String)>;

/// Makes every call; the random choices are the same in both worlds.
pub(super) async fn answers(raw: &Raw, random: &mut Random, history: &History) -> Told {
    let mut told = Told::new();
    log(raw, random, &mut told).await;
    appends(raw, history, &mut told).await;
    directory(raw, &mut told).await;
    records(raw, &mut told).await;
    proofs(raw, history, &mut told).await;
    exports(raw, random, &mut told).await;
    views(raw, random, &mut told).await;
    plugins(raw, &mut told).await;
    told
}

fn tell<T: Debug, E: Debug>(told: &mut Told, call: impl Into<String>, answer: &Result<T, E>) {
    told.push((call.into(), format!("{answer:?}")));
}

/// An answer, or the refusal as sent on the wire, including retry times.
fn told_as<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, Refusal> {
    answer.map(tonic::Response::into_inner).map_err(Refusal::from)
}

fn filters(random: &mut Random) -> Vec<Filter> {
    let mut some = |count: usize| {
        let mut people: Vec<_> = PEOPLE.iter().map(|(id, _)| person(id)).collect();
        random.shuffle(&mut people);
        people.truncate(count);
        people
    };
    let all = PeopleMatch::All;
    let mut filters = vec![
        Filter::default(),
        Filter { kinds: vec![kith_core::event::Kind::Habit(kith_core::event::HabitKind::Met)], ..Filter::default() },
        Filter { organisations: vec!["riverside".parse().unwrap()], ..Filter::default() },
        Filter { people: some(1), ..Filter::default() },
        Filter { people: some(2), ..Filter::default() },
        Filter { people: some(2), people_match: all, ..Filter::default() },
        Filter { people: some(3), people_match: all, ..Filter::default() },
        Filter { people: vec![person("amina"), person("ben")], people_match: all, ..Filter::default() },
    ];
    random.shuffle(&mut filters);
    filters.truncate(FILTERS_AT_ONCE);
    filters
}

async fn log(raw: &Raw, random: &mut Random, told: &mut Told) {
    let head = raw.head().await.map(|head| v1::HeadResponse { root: Vec::new(), ..head });
    tell(told, "Head", &head);
    let end = head.unwrap().position;
    for filter in filters(random) {
        let filter = Some(filter.to_proto());
        for direction in [v1::Direction::Forward, v1::Direction::Backward] {
            for passing in [Passing::Always, Passing::OnlyMatching] {
                read(raw, filter.clone(), (direction, passing), 1 + random.below(3), told).await;
            }
        }
        let mut messages = subscribed(raw, filter, end).await;
        for message in &mut messages {
            for subtree in &mut message.left_out {
                subtree.hash.clear();
            }
            message.checkpoint = None;
        }
        tell(told, "Subscribe", &Ok::<_, ()>(messages));
    }
}

/// What becomes of directory and administration entries that a filter does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passing {
    Always,
    OnlyMatching,
}

/// Reads all pages to the end.
async fn read(
    raw: &Raw,
    filter: Option<v1::Filter>,
    (direction, passing): (v1::Direction, Passing),
    limit: usize,
    told: &mut Told,
) {
    let matching_only = passing == Passing::OnlyMatching;
    let with_left_out = direction == v1::Direction::Forward && !matching_only;
    let limit = u32::try_from(limit).unwrap();
    let mut request = v1::ReadRequest {
        filter,
        direction: direction.into(),
        limit,
        with_left_out,
        matching_only,
        ..Default::default()
    };
    loop {
        let mut page = raw.read(request.clone()).await.unwrap();
        page.left_out.iter_mut().for_each(|subtree| subtree.hash.clear());
        let (next, end) = (page.next, page.end);
        tell(told, format!("Read {direction:?} {passing:?} {limit} {}", request.after), &Ok::<_, ()>(page));
        request.after = next;
        if end {
            return;
        }
    }
}

/// The messages of a subscription up to the head.
async fn subscribed(raw: &Raw, filter: Option<v1::Filter>, end: u64) -> Vec<v1::SubscribeResponse> {
    let network = raw.network_name();
    let request =
        v1::SubscribeRequest { network, filter, with_left_out: true, replica: vec![7; 16], ..Default::default() };
    let mut messages = raw.log().subscribe(request).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(message) = messages.next().await {
        let message = message.unwrap();
        let at = message.cursor.as_ref().map_or(0, |cursor| cursor.position);
        let caught_up = message.caught_up;
        all.push(message);
        if caught_up && at >= end {
            break;
        }
    }
    all
}

/// Appends that are refused, so that nothing changes: what do they reveal about hidden events?
async fn appends(raw: &Raw, history: &History, told: &mut Told) {
    let nobody = |number: u8| Event {
        id: numbered(number),
        salt: [1; 16],
        ..event(Fact::Habit(Habit::Met(Met { people: vec![person("amina"), person("nobody")] })))
    };
    for (people, _) in PEOPLE {
        let filter = Filter { people: vec![person(people)], ..Filter::default() };
        for after in [12, 30] {
            let filter = Some(filter.to_proto());
            let condition = condition::Condition::NoneMatch(v1::NoneMatch { after, filter });
            tell(told, "Append", &raw.append_if(vec![sent(&nobody(1))], Some(condition)).await);
        }
    }
    for id in history.hidden.iter().take(3).chain(history.seen.iter().take(1)) {
        let mut refused = Vec::new();
        for scope in [Scope::Network, Scope::Organisation] {
            refused.push(retracted(*id, scope));
            refused.push(about(*id, scope));
            refused.push(Event { id: *id, ..nobody(2) });
        }
        for event in &refused {
            // An accepted event would change this world, so only events that nobody may record are tried.
            let events = vec![sent(event), sent(&nobody(3))];
            tell(told, "Append", &raw.append(events).await);
        }
        let mut results = Vec::new();
        let messages = vec![vec![sent(&Event { id: *id, ..nobody(2) }), sent(&nobody(3))]];
        let ended = raw.append_stream(messages, |result| results.push(result)).await;
        tell(told, "AppendStream", &ended.map(|()| results));
    }
}

fn numbered(number: u8) -> EventId {
    let mut bytes = [number; 16];
    bytes[6] = 0x81;
    bytes[8] = 0x81;
    EventId::from_bytes(bytes).expect("version and variant are set")
}

fn retracted(id: EventId, scope: Scope) -> Event {
    let fact = Fact::Retracted(Retracted { event: id, reason: RetractionReason::Mistake });
    Event { id: numbered(4), salt: [1; 16], scope, ..event(fact) }
}

fn about(id: EventId, scope: Scope) -> Event {
    let fact =
        Fact::Habit(Habit::FollowedUp(FollowedUp { by: person("carol"), with: vec![person("dan")], about: Some(id) }));
    Event { id: numbered(5), salt: [1; 16], scope, ..event(fact) }
}

async fn directory(raw: &Raw, told: &mut Told) {
    let network = raw.network_name();
    let me = told_as(raw.sessions().who_am_i(v1::WhoAmIRequest { network: network.clone() }).await);
    tell(told, "WhoAmI", &me.map(|me| v1::WhoAmIResponse { server_time: None, ..me }));
    for organisation in ["", "riverside", "hillside"] {
        let organisation = organisation.to_owned();
        let request =
            v1::ListPeopleRequest { network: network.clone(), organisation, page_size: 4, ..Default::default() };
        tell(told, "ListPeople", &told_as(raw.directory().list_people(request).await));
    }
    for (person, _) in PEOPLE {
        let request = v1::GetPersonRequest { network: network.clone(), person: person.to_owned() };
        tell(told, "GetPerson", &told_as(raw.directory().get_person(request).await));
    }
    let request = v1::ListOrganisationsRequest { network: network.clone(), ..Default::default() };
    tell(told, "ListOrganisations", &told_as(raw.directory().list_organisations(request).await));
    tell(told, "ListNetworks", &told_as(raw.networks().list_networks(v1::ListNetworksRequest::default()).await));
    tell(
        told,
        "ListTokens",
        &told_as(
            raw.networks().list_tokens(v1::ListTokensRequest { network: network.clone(), ..Default::default() }).await,
        ),
    );
    let request = v1::GetPolicyRequest { network: network.clone() };
    tell(told, "GetPolicy", &told_as(raw.networks().get_policy(request).await));
    let known_at = prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 };
    for known_at in [None, Some(known_at)] {
        let request = v1::ListMembersRequest { network: network.clone(), known_at, ..Default::default() };
        tell(told, "ListMembers", &told_as(raw.members().list_members(request).await));
    }
    let request = v1::ListReplicasRequest { network, ..Default::default() };
    let mut replicas = told_as(raw.members().list_replicas(request).await);
    if let Ok(listed) = &mut replicas {
        // When, and whether the last message has gone out yet, is chance.
        listed.replicas.iter_mut().for_each(|one| (one.sent, one.heard_at) = (0, None));
    }
    tell(told, "ListReplicas", &replicas);
}

/// What erasing somebody would erase counts what the caller may see, and nothing else.
async fn records(raw: &Raw, told: &mut Told) {
    let network = raw.network_name();
    for (person, _) in PEOPLE {
        let (network, person) = (network.clone(), person.to_owned());
        let erasure = v1::GetErasureRequest { network: network.clone(), person: person.clone(), wait: false };
        tell(told, "GetErasure", &told_as(raw.records().get_erasure(erasure).await));
        let (reason, reference) = ("withdrawn".to_owned(), String::new());
        let preview = v1::ErasePersonRequest { network, person, reason, reference, dry_run: true };
        tell(told, "ErasePerson", &told_as(raw.records().erase_person(preview).await));
    }
    let holds = v1::ListHoldsRequest { network, person: String::new() };
    tell(told, "ListHolds", &told_as(raw.records().list_holds(holds).await));
}

async fn proofs(raw: &Raw, history: &History, told: &mut Told) {
    let network = raw.network_name();
    let head = raw.head().await.unwrap().position;
    let checkpoint = told_as(raw.audit().get_checkpoint(v1::GetCheckpointRequest { network: network.clone() }).await);
    let checkpoint = checkpoint.map(|checkpoint| (checkpoint.size, checkpoint.key, checkpoint.checkpoint.len()));
    tell(told, "GetCheckpoint", &checkpoint);
    for (from, to) in [(1, head), (head / 2, head), (head, head + 1)] {
        let request = v1::GetConsistencyProofRequest { network: network.clone(), from, to };
        let proof = told_as(raw.audit().get_consistency_proof(request).await);
        tell(told, "GetConsistencyProof", &proof.map(|proof| (proof.from, proof.to, proof.hashes.len())));
    }
    for id in history.hidden.iter().take(4).chain(history.seen.iter().take(2)) {
        let proof = raw.prove(id.as_bytes()).await;
        let proof = proof.map(|proof| (proof.entry, proof.position, proof.size, proof.hashes.len()));
        tell(told, "GetInclusionProof", &proof);
    }
}

/// Evidence about pairs, people and ranges, with all words: what is hidden is in it as hashes, which are left out here.
async fn exports(raw: &Raw, random: &mut Random, told: &mut Told) {
    let head = raw.head().await.unwrap().position;
    let mut people: Vec<String> = PEOPLE.iter().map(|(id, _)| (*id).to_owned()).collect();
    random.shuffle(&mut people);
    let (person, other) = (people[0].clone(), people[1].clone());
    let first = 1 + u64::try_from(random.below(usize::try_from(head).unwrap())).unwrap();
    let abouts = [
        export_request::About::Between(v1::ExportBetween { person: person.clone(), other }),
        export_request::About::Person(person),
        export_request::About::Range(v1::ExportRange { first, last: head }),
        export_request::About::Range(v1::ExportRange { first: head, last: head + 1 }),
    ];
    for about in abouts {
        let network = raw.network_name();
        let request = v1::ExportRequest { network, about: Some(about), disclose: Vec::new(), disclose_all: true };
        let call = format!("Export {:?}", request.about);
        let messages = match raw.audit().export(request).await {
            Ok(messages) => messages.into_inner().collect::<Vec<_>>().await,
            Err(refused) => {
                tell::<(), _>(told, call, &Err(Refusal::from(refused)));
                continue;
            }
        };
        let lines = messages.into_iter().map(|message| {
            let lines = message.map_err(Refusal::from)?.lines.into_iter();
            Ok::<_, Refusal>(lines.map(|line| without_hashes(&line)).collect::<Vec<_>>())
        });
        tell(told, call, &lines.collect::<Result<Vec<_>, _>>());
    }
}

/// A line of a bundle without the hash or the checkpoint in it, and without the time at which it was made.
fn without_hashes(line: &str) -> serde_json::Value {
    let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
    for field in ["hash", "checkpoint", "made_at"] {
        line.as_object_mut().unwrap().remove(field);
    }
    line
}

async fn views(raw: &Raw, random: &mut Random, told: &mut Told) {
    let head = raw.head().await.unwrap().position;
    for view in some_of(VIEWS, VIEWS_AT_ONCE, random) {
        raw.follow_view(view, head).await.unwrap();
        rows(raw, view, random, told).await;
        watched(raw, view, head, told).await;
        let request =
            v1::DigestViewRequest { network: raw.network_name(), view: view.to_owned(), ..Default::default() };
        tell(told, format!("DigestView {view}"), &told_as(raw.views().digest_view(request).await));
        traced(raw, view, random, told).await;
    }
    for report in some_of(REPORTS, 1, random) {
        rows(raw, report, random, told).await;
    }
    as_of_times(raw, random, told).await;
    let request = v1::CertifyViewRequest { network: raw.network_name(), view: "strength".into(), day: Some(20_500) };
    let certified = told_as(raw.plugins().certify_view(request).await).map(|certified| {
        let certificate = certified.certificate.unwrap_or_default();
        v1::ViewCertificate { checkpoint: String::new(), ..certificate }
    });
    tell(told, "CertifyView", &certified);
    let listed = told_as(
        raw.views().list_views(v1::ListViewsRequest { network: raw.network_name(), ..Default::default() }).await,
    );
    tell(told, "ListViews", &listed.map(|listed| listed.views.into_iter().map(without_work).collect::<Vec<_>>()));
}

fn some_of<const N: usize>(mut names: [&'static str; N], count: usize, random: &mut Random) -> Vec<&'static str> {
    random.shuffle(&mut names);
    names[..count].to_vec()
}

/// A view's status without its counts of its own work.
fn without_work(view: v1::View) -> v1::View {
    v1::View { events_folded: 0, fuel: 0, fuel_per_event: 0, events_per_second: 0.0, ..view }
}

/// The rows of some pairs on many days, also as of a moment at which hidden entries may have been recorded.
async fn traced(raw: &Raw, view: &str, random: &mut Random, told: &mut Told) {
    for as_of_time in [None, Some(i64::try_from(random.below(430)).unwrap())] {
        let mut people: Vec<_> = PEOPLE.iter().map(|(id, _)| (*id).to_owned()).collect();
        random.shuffle(&mut people);
        people.truncate(2);
        let time = as_of_time.map(|tenth| Timestamp::from_millis(NOON.millis() + 100 * tenth).to_proto());
        let request = v1::TraceRowRequest {
            network: raw.network_name(),
            view: view.to_owned(),
            key: people,
            from: Some(20_300),
            until: Some(20_500),
            step_days: 7,
            as_of_time: time,
            ..Default::default()
        };
        tell(told, format!("TraceRow {view} {as_of_time:?}"), &told_as(raw.views().trace_row(request).await));
    }
}

/// The rows of a view, and the evidence of some of them.
async fn rows(raw: &Raw, view: &str, random: &mut Random, told: &mut Told) {
    let (network, at) = (raw.network_name(), Some(20_500));
    let request = v1::QueryViewRequest { view: view.to_owned(), at, page_size: 1_000, ..Default::default() };
    let answer = raw.query(request.clone()).await;
    let rows = answer.as_ref().map(|answer| answer.rows.clone()).unwrap_or_default();
    tell(told, format!("QueryView {view}"), &answer);
    for column in answer.iter().flat_map(|answer| &answer.fields).filter(|field| field.r#type() == v1::FieldType::Text)
    {
        let texts = rows.iter().flat_map(|row| &row.values).filter_map(|value| match &value.value {
            Some(v1::value::Value::Text(text)) => Some(text.clone()),
            _ => None,
        });
        let only =
            Some(v1::Only { column: column.name.clone(), texts: texts.take(1).chain(["late".into()]).collect() });
        let request = v1::QueryViewRequest { only, columns: vec![column.name.clone()], ..request.clone() };
        tell(told, format!("QueryView {view} {}", column.name), &raw.query(request).await);
    }
    for (person, as_of) in [("amina", 0), ("carol", 30)] {
        let request = v1::QueryViewRequest { person: person.to_owned(), as_of, page_size: 3, ..request.clone() };
        tell(told, format!("QueryView {view} {person}"), &raw.query(request).await);
    }
    for _ in 0..rows.len().min(2) {
        let row = random.pick(&rows);
        let request = v1::ExplainRowRequest {
            network: network.clone(),
            view: view.to_owned(),
            key: row.key.clone(),
            item: row.item,
            at,
            ..Default::default()
        };
        tell(told, format!("ExplainRow {view}"), &raw.explain(request).await);
    }
}

/// The rows that a watch from the beginning yields up to the head.
async fn watched(raw: &Raw, view: &str, head: u64, told: &mut Told) {
    let request = v1::WatchViewRequest { network: raw.network_name(), view: view.to_owned(), after: 0 };
    let mut messages = raw.views().watch_view(request).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(message) = messages.message().await.unwrap() {
        let at = message.position;
        all.push(message);
        if at >= head {
            break;
        }
    }
    tell(told, format!("WatchView {view}"), &Ok::<_, ()>(all));
}

/// Rows as of moments at which hidden entries may have been recorded.
async fn as_of_times(raw: &Raw, random: &mut Random, told: &mut Told) {
    for _ in 0..12 {
        let tenth = i64::try_from(random.below(430)).unwrap();
        let time = Timestamp::from_millis(NOON.millis() + 100 * tenth);
        let request = v1::QueryViewRequest {
            view: "strength".into(),
            at: Some(20_500),
            as_of_time: Some(time.to_proto()),
            page_size: 2,
            ..Default::default()
        };
        tell(told, format!("QueryView as of {tenth}"), &raw.query(request).await);
    }
}

async fn plugins(raw: &Raw, told: &mut Told) {
    let network = raw.network_name();
    let listed = told_as(
        raw.plugins().list_plugins(v1::ListPluginsRequest { network: network.clone(), ..Default::default() }).await,
    );
    tell(told, "ListPlugins", &listed);
    let request = v1::DiffPluginRequest { network: network.clone(), name: "strength".into(), ..Default::default() };
    tell(told, "DiffPlugin", &told_as(raw.plugins().diff_plugin(request).await).map(|_| ()));
    let request = v1::FetchComponentRequest { network, component: vec![7; 32] };
    let fetched = raw.plugins().fetch_component(request).await.map(|_| ()).map_err(Refusal::from);
    tell(told, "FetchComponent", &fetched);
}
