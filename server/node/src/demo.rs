//! The fictional network `demo`: its events are appended once, like any others, so that every view has rows to show.

mod cast;
mod random;
mod story;

use crate::limits::DEMO_APPENDS_MAX;
use cast::{Member, ORGANISATIONS, members};
use futures_util::FutureExt;
use kith_core::{
    decide::{Command, Origin, Outcome},
    detail::{Detail, DetailKind},
    event::{DirectoryFact, Event, Fact, OrganisationAdded, PersonAdded, Role, Scope},
    id::{EventId, NetworkName},
    invalid::Invalid,
    may::{Credential, Principal, Reach},
    prepare::Prepared,
    timestamp::{DAY_MS, Timestamp},
};
use kith_log::{AppendError, Network, ReadError};
use story::{Scene, event_id, story};

/// The network's name.
pub(crate) const NAME: &str = "demo";

/// Why the demonstration network is not complete. The next start continues filling it.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// An event was not accepted.
    #[error("an event of the network demo was not accepted: {0}")]
    Append(#[from] AppendError),
    /// The log could not be read.
    #[error("the network demo could not be read: {0}")]
    Read(#[from] ReadError),
    /// An event breaks a rule.
    #[error("an event of the network demo breaks a rule: {0}")]
    Invalid(#[from] Invalid),
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// Fills the network unless it is full already. The story ends on the day before the network was created.
pub(crate) async fn fill(network: &Network) -> Result<(), DemoError> {
    let (cast, end) = (members(), network.created_at());
    let scenes = story(&cast, end);
    if let Some(last) = scenes.last()
        && network.position_of(&owner(), &last.id)?.is_some()
    {
        return Ok(());
    }
    tracing::info!(events = scenes.len(), "filling the network demo");
    let mut commands = vec![command(owner(), directory(&cast, end)?)];
    for scene in &scenes {
        commands.push(command(recorder(&cast[scene.recorder]), vec![prepare_scene(scene)?]));
    }
    append_all(network, commands).await
}

/// Appends commands in order, many at a time.
async fn append_all(network: &Network, commands: Vec<Command>) -> Result<(), DemoError> {
    let mut commands = commands.into_iter().peekable();
    while commands.peek().is_some() {
        let mut waiting = Vec::with_capacity(DEMO_APPENDS_MAX);
        for command in commands.by_ref().take(DEMO_APPENDS_MAX) {
            let mut append: futures_util::future::BoxFuture<'_, Result<Vec<Outcome>, AppendError>> =
                network.append(command).boxed();
            // The first poll puts the command into the log's queue, so events are in the log in the order of polling.
            match (&mut append).now_or_never() {
                Some(answer) => drop(answer?),
                None => waiting.push(append),
            }
        }
        for append in waiting {
            append.await?;
        }
    }
    Ok(())
}

fn command(principal: Principal, events: Vec<Prepared>) -> Command {
    Command { principal, events, condition: None, origin: Origin::Client }
}

fn reach() -> Reach {
    Reach::Network(NAME.parse::<NetworkName>().expect("the name is well formed"))
}

fn owner() -> Principal {
    let id = "token:owner".parse().expect("the id is well formed");
    Principal {
        id,
        credential: Credential::Program,
        reach: reach(),
        role: Role::Owner,
        person: None,
        organisation: None,
    }
}

/// The principal of a member, who records what they did themselves.
fn recorder(member: &Member) -> Principal {
    Principal {
        id: format!("person:{}", member.id).parse().expect("person ids are allowed in principals"),
        credential: Credential::Program,
        reach: reach(),
        role: Role::Recorder,
        person: Some(member.id.clone()),
        organisation: Some(member.organisation()),
    }
}

/// The organisations and people, as of two years before the end.
fn directory(cast: &[Member], end: Timestamp) -> Result<Vec<Prepared>, DemoError> {
    let at = Timestamp::from_millis(end.millis() - 731 * DAY_MS);
    let organisations = ORGANISATIONS.iter().enumerate().map(|(ordinal, (id, name))| {
        let organisation = id.parse().expect("the ids are well formed");
        let fact = Fact::Directory(DirectoryFact::OrganisationAdded(OrganisationAdded {
            organisation,
            name: (*name).to_owned(),
        }));
        prepare(event_id("organisation", ordinal), at, (fact, Scope::Network), None)
    });
    let people = cast.iter().enumerate().map(|(ordinal, member)| {
        let organisation = Some(member.organisation());
        let added = PersonAdded { person: member.id.clone(), organisation, role: member.role.to_owned() };
        prepare(
            event_id("person", ordinal),
            at,
            (Fact::Directory(DirectoryFact::PersonAdded(added)), Scope::Network),
            Some((DetailKind::Name, member.name)),
        )
    });
    organisations.chain(people).collect()
}

fn prepare_scene(scene: &Scene) -> Result<Prepared, DemoError> {
    let fact = (scene.fact.clone(), scene.scope);
    prepare(scene.id, scene.at, fact, scene.note.map(|note| (DetailKind::Note, note)))
}

/// Makes an event as a client does; its words are about everybody in it.
fn prepare(
    id: EventId,
    occurred_at: Timestamp,
    (fact, scope): (Fact, Scope),
    words: Option<(DetailKind, &str)>,
) -> Result<Prepared, DemoError> {
    let mut event = Event {
        id,
        occurred_at,
        scope,
        caused_by: Vec::new(),
        attributes: Vec::new(),
        salt: random()?,
        details: Vec::new(),
        fact,
    };
    let details = match words {
        Some((kind, text)) => {
            let mut subjects: Vec<_> = event.people().into_iter().cloned().collect();
            subjects.sort_unstable();
            vec![Detail { kind, subjects, text: text.to_owned(), salt: random()? }]
        }
        None => Vec::new(),
    };
    event.details = details.iter().map(Detail::commitment).collect();
    let new = kith_proto::v1::NewEvent {
        event: event.encode().into(),
        details: details.iter().map(Detail::to_proto).collect(),
        signature: Vec::new(),
    };
    Ok(Prepared::new(&new)?)
}

fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
