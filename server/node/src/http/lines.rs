//! Lines of JSON, recorded as they arrive, each on its own; their outcomes are lines in the same order.
//!
//! They take the path of an append stream: a part of them is handed to the log only when it takes more, and nothing more
//! is read while their outcomes wait to be sent.

use super::{
    Parts,
    answer::{Answer, LINES, stream, write_line},
    asked::Asked,
    body::{broken_off, check_encoding, too_large},
    events::{new_event, outcome},
    made::Made,
    problem::problem_within,
};
use crate::{
    bounds::{budget::Room, call_rate::Key},
    grpc::{
        Failure, convert,
        stream::{Messages, Sender, Stop, fill},
    },
    limits::{LINE_BYTES_MAX, LINES_AT_ONCE_BYTES, LINES_BATCH_BYTES_MAX, LINES_ROOM_BYTES},
    node::Node,
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream::unfold};
use http::header::IF_MATCH;
use http_body_util::BodyExt;
use kith_core::{
    id::EventId,
    limits::APPEND_EVENTS_MAX,
    reason::{self, Reason},
};
use kith_json::{NotRecord, outcome_json, problem_json, read_record};
use kith_proto::v1::{self, ErrorReason, append_result};
use serde_json::{Map, Value};
use tokio::{sync::mpsc, time::Instant};
use tonic::{Status, body::Body};

/// A line that was read: its number, and its event or why there is none.
struct Line {
    number: u64,
    event: Result<EventId, Failure>,
}

/// The lines of a message, in order.
struct Outline {
    /// The number of its first event in the stream; `None` if no line is an event.
    first: Option<u64>,
    lines: Vec<Line>,
}

/// Reads the lines of a body.
struct Reader {
    node: Node,
    key: Key,
    network: String,
    body: Body,
    made: Made,
    /// What was read so far.
    counts: Counts,
    /// What was received and not recorded yet.
    rest: BytesMut,
    room: Option<Room>,
    /// Has as many outlines as messages of the append stream wait for their answers.
    outlines: mpsc::UnboundedSender<Outline>,
}

#[derive(Default)]
struct Counts {
    lines: u64,
    /// Lines that are not blank.
    records: u64,
    /// Records that are events.
    events: u64,
}

pub(super) async fn record(door: &Parts, asked: Asked, body: Body) -> Answer {
    check_encoding(asked.headers())?;
    if asked.header(&IF_MATCH)?.is_some() {
        return Err(Failure::request(IF_MATCH.as_str(), "is for one event or a list of them").into());
    }
    let (outlines, read) = mpsc::unbounded_channel();
    let reader = Reader {
        node: door.node.clone(),
        key: asked.key(),
        network: asked.network.clone(),
        body,
        made: Made::for_request(door, &asked)?,
        counts: Counts::default(),
        rest: BytesMut::new(),
        room: None,
        outlines,
    };
    let messages = asked.call(unfold(reader, Reader::next).boxed());
    let mut answers = door.services.append_inbound(messages)?.into_inner();
    // What ends it before the first line was recorded is told by the status.
    let first = answers.next().await.transpose()?;
    let outgoing = door.node.outgoing(asked.key());
    Ok(stream(LINES, fill(outgoing, (), |sender| write(first, answers, read, sender))))
}

impl Reader {
    /// The next message of the append stream.
    async fn next(mut self) -> Option<(Result<v1::AppendStreamRequest, Status>, Self)> {
        match self.read_lines().await.transpose()? {
            Ok(lines) => Some((Ok(self.message(&lines)), self)),
            Err(failure) => Some((Err(failure.into()), self)),
        }
    }

    /// Some whole lines; `None` after the last.
    async fn read_lines(&mut self) -> Result<Option<BytesMut>, Failure> {
        if self.rest.is_empty() {
            self.room = None;
        }
        // A line may arrive byte by byte: each byte is searched once, and all of them have to come in time.
        let (mut searched, mut deadline) = (0, None);
        loop {
            if self.rest[searched..].contains(&b'\n') {
                let end = end_of_lines(&self.rest).expect("there is the end of a line");
                return Ok(Some(self.rest.split_to(end)));
            }
            searched = self.rest.len();
            if searched > LINE_BYTES_MAX {
                return Err(too_large(LINE_BYTES_MAX));
            }
            if searched > 0 {
                deadline.get_or_insert_with(|| Instant::now() + self.node.limits().stall());
            }
            if !self.receive(deadline).await? {
                return Ok(Some(self.rest.split()).filter(|last| !last.is_empty()));
            }
        }
    }

    /// Receives more, once there is room for it; returns false at the end.
    async fn receive(&mut self, deadline: Option<Instant>) -> Result<bool, Failure> {
        let frame = self.body.frame();
        let frame = match deadline {
            None => frame.await,
            Some(deadline) => {
                let late = || Failure::because(ErrorReason::DeadlineExceeded, "a line was not completed in time");
                tokio::time::timeout_at(deadline, frame).await.map_err(|_| late())?
            }
        };
        let Some(frame) = frame else { return Ok(false) };
        let data = frame.map_err(|_| broken_off())?.into_data().unwrap_or_default();
        if self.room.is_none() {
            self.room = Some(self.node.requests().hold(&self.key, LINES_ROOM_BYTES).await?);
        }
        self.rest.extend_from_slice(&data);
        Ok(true)
    }

    fn message(&mut self, lines: &[u8]) -> v1::AppendStreamRequest {
        let (mut outline, mut events) = (Outline { first: None, lines: Vec::new() }, Vec::new());
        let first = self.counts.events + 1;
        for line in lines.strip_suffix(b"\n").unwrap_or(lines).split(|byte| *byte == b'\n') {
            self.counts.lines += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let record = read_record(line, self.made.at(self.counts.records)).map_err(|why| unread(&why));
            self.counts.records += 1;
            let event = record.map(|record| {
                let (id, event) = new_event(record);
                events.push(event);
                id
            });
            outline.lines.push(Line { number: self.counts.lines, event });
        }
        self.counts.events += events.len() as u64;
        outline.first = (!events.is_empty()).then_some(first);
        // Nobody reads it where the caller is gone, and then it is not needed either.
        drop(self.outlines.send(outline));
        v1::AppendStreamRequest { network: self.network.clone(), events }
    }
}

/// Where the whole lines end that are recorded at once; `None` if there is none.
fn end_of_lines(text: &[u8]) -> Option<usize> {
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let fitting = ends.take(APPEND_EVENTS_MAX).enumerate();
    fitting.take_while(|(before, end)| *before == 0 || *end <= LINES_BATCH_BYTES_MAX).last().map(|(_, end)| end)
}

fn unread(why: &NotRecord) -> Failure {
    match why {
        NotRecord::NotJson(not_json) => Failure::because(ErrorReason::EventInvalid, not_json),
        NotRecord::Invalid(invalid) => convert::event_invalid(invalid),
    }
}

/// Writes the outcomes of the lines of each message.
async fn write(
    mut next: Option<v1::AppendStreamResponse>,
    mut answers: Messages<v1::AppendStreamResponse>,
    mut read: mpsc::UnboundedReceiver<Outline>,
    sender: Sender<Bytes>,
) -> Result<(), Stop> {
    while let Some(answer) = next {
        let outline = answered(&mut read, &answer).await.expect("each message has an outline");
        send(lines_of(outline, answer), &sender).await?;
        answers.on_its_way().left();
        next = tokio::select! {
            answer = answers.next() => match answer.transpose() {
                Ok(answer) => answer,
                Err(status) => return send([problem_within(&status)].into_iter(), &sender).await,
            },
            () = sender.closed() => return Err(Stop::Gone),
        };
    }
    Ok(())
}

/// The outline of the message that was answered. Messages that the log did not take are not answered, and those behind them
/// may be: their outlines are passed over.
async fn answered(read: &mut mpsc::UnboundedReceiver<Outline>, answer: &v1::AppendStreamResponse) -> Option<Outline> {
    let first = answer.results.first().map(|result| result.number);
    loop {
        let outline = read.recv().await?;
        if outline.first == first {
            return Some(outline);
        }
    }
}

/// The outcome of each line: `{"line", "id", "position", "duplicate"}`, or `{"line", "reason", "field", "message"}`.
fn lines_of(outline: Outline, answer: v1::AppendStreamResponse) -> impl Iterator<Item = Map<String, Value>> {
    let mut results = answer.results.into_iter().filter_map(|result| result.result);
    outline.lines.into_iter().map(move |Line { number, event }| {
        let outcome = match event {
            Ok(id) => match results.next().expect("each event has a result") {
                append_result::Result::Outcome(told) => outcome_json(id, outcome(&told)),
                append_result::Result::Refused(refused) => {
                    problem_json(reason::name(refused.reason()), given(&refused.field), &refused.message)
                }
            },
            Err(failure) => problem_json(reason_name(&failure), failure.field(), failure.message()),
        };
        [("line".to_owned(), number.into())].into_iter().chain(outcome).collect()
    })
}

fn reason_name(failure: &Failure) -> &'static str {
    let reason: Reason = failure.reason();
    reason::name(reason)
}

fn given(field: &str) -> Option<&str> {
    (!field.is_empty()).then_some(field)
}

/// Sends lines, many at once.
async fn send(mut lines: impl Iterator<Item = Map<String, Value>>, sender: &Sender<Bytes>) -> Result<(), Stop> {
    loop {
        let mut text = Vec::new();
        for line in lines.by_ref() {
            write_line(&mut text, line);
            if text.len() >= LINES_AT_ONCE_BYTES {
                break;
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        sender.part_of(text.len()).await?.send(text.into(), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(first: Option<u64>, number: u64) -> Outline {
        Outline { first, lines: vec![Line { number, event: Err(broken_off()) }] }
    }

    fn answer(first: Option<u64>) -> v1::AppendStreamResponse {
        let result = first.map(|number| v1::AppendResult { number, result: None });
        v1::AppendStreamResponse { results: result.into_iter().collect() }
    }

    #[tokio::test]
    async fn outcomes_are_those_of_their_lines_where_a_message_in_between_has_none() {
        let (outlines, mut read) = mpsc::unbounded_channel();
        for (first, number) in [(Some(1), 1), (None, 3), (Some(3), 4), (None, 6), (Some(5), 7)] {
            outlines.send(outline(first, number)).unwrap();
        }
        for (first, number) in [(Some(1), 1), (None, 3), (None, 6), (Some(5), 7)] {
            let found = answered(&mut read, &answer(first)).await.unwrap();
            assert_eq!(found.lines[0].number, number, "the third failed");
        }
    }

    #[test]
    fn whole_lines_are_taken_as_many_as_fit_and_at_least_one() {
        assert_eq!(end_of_lines(b""), None);
        assert_eq!(end_of_lines(b"{\"a\":1"), None);
        assert_eq!(end_of_lines(b"a\n\nb\nc"), Some(5));
        let many = "x\n".repeat(APPEND_EVENTS_MAX + 1);
        assert_eq!(end_of_lines(many.as_bytes()), Some(2 * APPEND_EVENTS_MAX));
        let long = format!("{}\nx\n", "x".repeat(LINES_BATCH_BYTES_MAX));
        assert_eq!(end_of_lines(long.as_bytes()), Some(LINES_BATCH_BYTES_MAX + 1), "one is always taken");
        let two = format!("x\n{}\n", "x".repeat(LINES_BATCH_BYTES_MAX));
        assert_eq!(end_of_lines(two.as_bytes()), Some(2));
    }
}
