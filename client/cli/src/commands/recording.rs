//! Recording a single event from the command line: common flags, the scope, the answer.

use crate::{
    context::Context, failure::Failure, input::dates::parse_on_now, limits, place::Place, show::output::remark,
};
use clap::{Args, ValueEnum};
use kith_client::{Direction, Error, EventBuilder, NewEvent, Outcome, ReadOptions, replica::Recording};
use kith_core::reason::Reason;
use kith_core::{
    condition::Condition,
    detail::DetailKind,
    event::{AttributeValue, DirectoryFact, Event, Fact, Scope},
    id::{EventId, PersonId},
    position::Position,
    timestamp::Timestamp,
};
use kith_json::{outcome_json, time_text};
use serde_json::{Map, Value};
use std::str::FromStr;

/// Flags common to all commands that record an event.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhenArgs {
    /// When it happened: yesterday, 3 days ago, last monday, 2026-03-04, 2026-03-04 15:03, RFC 3339; in your time zone
    /// unless one is given. A day means its noon, or now if noon is still ahead [default: now]
    #[arg(long, value_name = "DATE", value_parser = parse_on_now)]
    pub(crate) on: Option<Timestamp>,
    /// A value for plugins to read; never personal. Use KEY:=JSON for numbers and true or false
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = parse_attribute, allow_hyphen_values = true)]
    pub(crate) attributes: Vec<(String, AttributeValue)>,
    /// Record only if this is the log's last position
    #[arg(long, value_name = "N")]
    pub(crate) if_head: Option<u64>,
}

/// Flags common to commands that record what people did.
#[derive(Debug, Clone, Args)]
pub(crate) struct EventArgs {
    #[command(flatten)]
    pub(crate) when: WhenArgs,
    /// A note; can be erased later
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) note: Option<String>,
    /// Who may see it [default: network, or that of the event it is about]
    #[arg(long, value_enum)]
    pub(crate) scope: Option<ScopeArg>,
    /// The event's id, so that recording it twice, with the same --on, has no effect
    #[arg(long, value_name = "UUID", requires = "on")]
    pub(crate) id: Option<EventId>,
}

/// Who may see an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeArg {
    /// Every member of the network
    Network,
    /// Only members of your organisation
    Organisation,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Network => Self::Network,
            ScopeArg::Organisation => Self::Organisation,
        }
    }
}

impl WhenArgs {
    /// When it happened.
    pub(crate) fn occurred_at(&self) -> Timestamp {
        self.on.unwrap_or_else(kith_client::now)
    }

    /// An event with these flags.
    pub(crate) fn builder(&self, fact: Fact) -> EventBuilder {
        let builder = EventBuilder::new(fact, self.occurred_at());
        self.attributes.iter().cloned().fold(builder, |builder, (key, value)| builder.attribute(key, value))
    }

    /// The failure of an append in words that fit the command line: a time taken from the clock was not typed.
    fn explain(&self, event: &NewEvent, error: Error) -> Failure {
        if self.on.is_none()
            && error.field() == Some("event.occurred_at")
            && error.reason() == Some(Reason::EventInvalid)
        {
            let message = "this computer's clock is ahead of the server's by more than a minute: correct it, or say \
                           with --on when it happened";
            return Failure::Refused { reason: Reason::EventInvalid, message: message.to_owned() };
        }
        Failure::of_change(error, Some(event.event()), again(event.event()))
    }

    fn condition(&self) -> Option<Condition> {
        self.if_head.map(|head| Condition::ExpectedHead(Position::new(head)))
    }
}

impl EventArgs {
    /// An event with these flags, in the scope of the event that it refers to, unless a flag says otherwise. A note is
    /// about `subjects`.
    pub(crate) fn builder(&self, fact: Fact, target: Option<&Event>, subjects: Vec<PersonId>) -> EventBuilder {
        let scope = self.scope.map(Scope::from).or_else(|| target.map(|target| target.scope));
        let mut builder = self.when.builder(fact).scope(scope.unwrap_or(Scope::Network));
        if let Some(id) = self.id {
            builder = builder.id(id);
        }
        match self.note.as_ref().filter(|note| !note.trim().is_empty()) {
            Some(note) => builder.detail(DetailKind::Note, subjects, note),
            None => builder,
        }
    }
}

/// Parses a name, which may begin with a dash. With two dashes it is taken as a mistyped option, because names are
/// permanent.
pub(crate) fn parse_name(text: &str) -> Result<String, String> {
    if text.starts_with("--") {
        return Err("there is no such option, and names cannot begin with two dashes".to_owned());
    }
    Ok(text.to_owned())
}

/// Parses `key=text` or `key:=JSON`.
fn parse_attribute(text: &str) -> Result<(String, AttributeValue), String> {
    let (key, value) = text.split_once('=').ok_or("it has the form KEY=VALUE or KEY:=JSON")?;
    let Some(key) = key.strip_suffix(':') else {
        return Ok((key.to_owned(), AttributeValue::Text(value.to_owned())));
    };
    let value = match serde_json::from_str(value) {
        Ok(Value::Bool(flag)) => AttributeValue::Flag(flag),
        Ok(Value::String(text)) => AttributeValue::Text(text),
        Ok(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => AttributeValue::Integer(integer),
            (None, Some(number)) => AttributeValue::Number(number),
            (None, None) => return Err(format!("{value} is too large a number")),
        },
        Ok(Value::Null | Value::Array(_) | Value::Object(_)) | Err(_) => {
            return Err(format!("{value} is not a number, true, false or text in quotes"));
        }
    };
    Ok((key.to_owned(), value))
}

/// An event as users refer to it: by id or by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventRef {
    /// Its id.
    Id(EventId),
    /// Its position in the log.
    Position(Position),
}

impl FromStr for EventRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text.parse::<u64>(), text.parse::<EventId>()) {
            (Ok(position), _) if position > 0 => Ok(Self::Position(Position::new(position))),
            (_, Ok(id)) => Ok(Self::Id(id)),
            _ => Err("an event is named by its id (a UUID) or its position".to_owned()),
        }
    }
}

impl EventRef {
    /// Finds the event, which `field` of another one refers to.
    pub(crate) async fn find(self, place: &Place, field: &str) -> Result<Event, Failure> {
        match self {
            Self::Id(id) => place.event(&id, field).await,
            Self::Position(position) => {
                let head = place.head().await?.position;
                if position > head {
                    let message = format!("there is no event at position {position}: the log ends at {head}");
                    return Err(Failure::NotFound(message));
                }
                let after = position.previous();
                let options = ReadOptions { after, limit: 1, direction: Direction::Forward, ..ReadOptions::default() };
                let entries = place.read(&options).await?.entries.decode()?;
                let found = entries.into_iter().find(|recorded| recorded.entry.position == position);
                let unknown = || Failure::NotFound(format!("there is no event at position {position}"));
                Ok(found.ok_or_else(unknown)?.event)
            }
        }
    }
}

/// Records an event and prints the outcome; `extra` comes first in the JSON.
pub(crate) async fn append(
    context: &mut Context,
    when: &WhenArgs,
    event: &NewEvent,
    extra: Map<String, Value>,
) -> Result<(), Failure> {
    append_if(context, when, None, event, extra).await
}

/// The same with a condition, unless a flag sets another one. On a replica, which cannot check it, the condition is
/// ignored.
pub(crate) async fn append_if(
    context: &mut Context,
    when: &WhenArgs,
    condition: Option<Condition>,
    event: &NewEvent,
    extra: Map<String, Value>,
) -> Result<(), Failure> {
    let recorded = match &context.place {
        Place::Server(client) => {
            let condition = when.condition().or(condition);
            let appended = patiently(client.append(std::slice::from_ref(event), condition.as_ref())).await;
            Recorded::Answered(appended.map_err(|error| when.explain(event, of_only_event(error)))?[0])
        }
        Place::Replica(_) if when.if_head.is_some() => {
            let advice = "--if-head needs the server: leave out --replica (and KITH_REPLICA)";
            return Err(Failure::Usage(advice.to_owned()));
        }
        Place::Replica(replica) => replica.record(event)?.into(),
    };
    let mut answer = extra;
    answer.extend(recorded.fields(event.id()));
    let told = context.output.tell(&Value::Object(answer), || recorded.sentence(event.id()));
    // A user who does not see that it was recorded would record it again.
    told.and_then(|()| context.output.flush()).map_err(|failure| failure.after(&recorded.sentence(event.id())))
}

/// How to repeat a recording without recording the event twice.
fn again(event: &Event) -> String {
    match &event.fact {
        Fact::Directory(DirectoryFact::PersonAdded(added)) => {
            format!("repeat it with --id {}: nobody is added twice", added.person)
        }
        Fact::Directory(DirectoryFact::OrganisationAdded(added)) => {
            format!("repeat it with --id {}: no organisation is added twice", added.organisation)
        }
        Fact::Directory(DirectoryFact::PersonChanged(_)) => {
            "repeat it: a change that was already made is not recorded again".to_owned()
        }
        Fact::Directory(DirectoryFact::PeopleMerged(_)) => "repeat it: nobody is merged twice".to_owned(),
        _ => format!("repeat it with --id {} --on {}", event.id, time_text(event.occurred_at)),
    }
}

/// Waits for an answer, and says so if it takes long, so that it does not look as if nothing were happening.
pub(crate) async fn patiently<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answered = &mut answer => return answered,
        () = tokio::time::sleep(limits::ANSWER_SILENT_MAX) => remark("no answer yet: trying again"),
    }
    answer.await
}

/// The outcome of an event that was not refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Recorded {
    /// The log has it.
    Answered(Outcome),
    /// The outbox has it.
    Queued,
}

impl From<Recording> for Recorded {
    fn from(recording: Recording) -> Self {
        match recording {
            Recording::Queued | Recording::AlreadyQueued => Self::Queued,
            Recording::AlreadyRecorded(position) => Self::Answered(Outcome::Duplicate(position)),
        }
    }
}

impl Recorded {
    /// The outcome as JSON.
    pub(crate) fn fields(self, id: EventId) -> Map<String, Value> {
        match self {
            Self::Answered(outcome) => outcome_json(id, outcome),
            Self::Queued => Map::from_iter([
                ("id".to_owned(), id.to_string().into()),
                ("position".to_owned(), Value::Null),
                ("queued".to_owned(), true.into()),
            ]),
        }
    }

    /// The outcome as a sentence.
    pub(crate) fn sentence(self, id: EventId) -> String {
        match self {
            Self::Answered(outcome) => sentence(id, outcome),
            Self::Queued => format!("queued as {id}: `kith sync` sends it"),
        }
    }
}

/// The failure of appending a single event, with the field named as in that event.
fn of_only_event(error: Error) -> Error {
    match error.field().and_then(|field| field.strip_prefix("events[0].")) {
        Some(field) => {
            let field = field.to_owned();
            error.at(field)
        }
        None => error,
    }
}

/// The outcome for an event, as a sentence.
pub(crate) fn sentence(id: EventId, outcome: Outcome) -> String {
    match outcome {
        Outcome::Accepted(position) => format!("recorded at position {position} as {id}"),
        Outcome::Duplicate(position) => format!("already recorded at position {position} as {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_text_or_typed() {
        let check = |text: &str, value: AttributeValue| {
            assert_eq!(parse_attribute(text), Ok(("k".to_owned(), value)), "{text}");
        };
        check("k=7", AttributeValue::Text("7".into()));
        check("k=a=b", AttributeValue::Text("a=b".into()));
        check("k=", AttributeValue::Text(String::new()));
        check("k:=7", AttributeValue::Integer(7));
        check("k:=7.5", AttributeValue::Number(7.5));
        check("k:=true", AttributeValue::Flag(true));
        check("k:=\"x\"", AttributeValue::Text("x".into()));
        for text in ["k", "k:=x", "k:=[1]", "k:=null", "k:=NaN", "k:=1e999"] {
            assert!(parse_attribute(text).is_err(), "{text}");
        }
    }

    #[test]
    fn events_are_named_by_id_or_position() {
        let id = "019d0000-0000-7000-8000-000000000000";
        assert_eq!(id.parse::<EventRef>(), Ok(EventRef::Id(id.parse().unwrap())));
        assert_eq!("12".parse::<EventRef>(), Ok(EventRef::Position(Position::new(12))));
        for text in ["0", "-1", "x", ""] {
            assert!(text.parse::<EventRef>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_event_takes_the_scope_of_the_one_it_names() {
        let people = vec!["a".parse().unwrap(), "b".parse().unwrap()];
        let met = || Fact::from(kith_core::event::Met { people: people.clone() });
        let when = WhenArgs { on: Some(Timestamp::from_millis(86_400_000)), attributes: Vec::new(), if_head: None };
        let args = EventArgs { when, note: Some("x".into()), scope: None, id: None };
        let target = args.when.builder(met()).scope(Scope::Organisation).build().unwrap();
        let scope =
            |args: &EventArgs, target| args.builder(met(), target, people.clone()).build().unwrap().event().scope;
        assert_eq!(scope(&args, Some(target.event())), Scope::Organisation);
        assert_eq!(scope(&args, None), Scope::Network);
        let explicit = EventArgs { scope: Some(ScopeArg::Network), ..args };
        assert_eq!(scope(&explicit, Some(target.event())), Scope::Network);
    }
}
