//! The body of an answer, which is sent in pieces and holds room for what has not been sent.
//!
//! The transport takes a piece as soon as the reader's window has space for a byte, and keeps it until the window has
//! space for the rest. A piece therefore counts until the transport drops it, a small one with its call, a large one in a
//! budget; all after it waits here.
//!
//! Invariant: what a reader does not take is dropped after a bounded time, except for one piece, and its room is freed.

use crate::{
    bounds::{budget::Room, calls::OpenCall, outgoing::Outgoing},
    grpc::stream::OnItsWay,
    limits::{ANSWER_PIECE_BYTES, ANSWER_PIECE_COPIED_BYTES_MAX, ANSWER_PIECE_LARGE_BYTES_MAX},
};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tonic::{Status, body::Body};

/// The room that one answer holds.
#[derive(Default)]
pub(super) struct Rooms {
    /// The room of the answer itself, if it is not small.
    pub(super) answer: Option<Room>,
    /// The room of its details.
    pub(super) details: Option<Arc<Room>>,
    /// For a stream, the room of its messages.
    pub(super) stream: Option<OnItsWay>,
}

/// The body of an answer.
pub(super) struct AnswerBody {
    call: Arc<OpenCall>,
    going: Arc<Mutex<Going>>,
    letting_go: Option<JoinHandle<()>>,
}

/// The part of an answer that has not been sent.
struct Going {
    /// The source of the rest; `None` once it was dropped.
    body: Option<Body>,
    /// What was made and not handed on yet.
    rest: Bytes,
    /// Whether `rest` is a whole frame.
    is_whole: bool,
    outgoing: Outgoing,
    rooms: Rooms,
    /// When to drop it, if something is waiting to be sent.
    late: Option<Instant>,
}

/// A piece in the hands of the transport, until it drops it.
struct Piece {
    bytes: Bytes,
    _room: Option<Room>,
    _call: Arc<OpenCall>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AnswerBody {
    /// An answer that holds this room until it is sent, or until its reader takes twice as long for a message as it may: a
    /// stream that is cut says so first.
    pub(super) fn new(body: Body, call: OpenCall, rooms: Rooms, outgoing: Outgoing) -> Self {
        let holds = rooms.answer.is_some() || rooms.details.is_some();
        let watched = holds || rooms.stream.is_some();
        let late = holds.then(|| Instant::now() + patience(&outgoing));
        let (body, rest, is_whole) = (Some(body), Bytes::new(), false);
        let going = Arc::new(Mutex::new(Going { body, rest, is_whole, outgoing, rooms, late }));
        let letting_go = watched.then(|| tokio::spawn(let_go_when_late(Arc::downgrade(&going))));
        Self { call: Arc::new(call), going, letting_go }
    }
}

/// How long what is waiting to be sent is kept.
fn patience(outgoing: &Outgoing) -> Duration {
    outgoing.stall() * 2
}

/// Drops what is waiting to be sent once it is late, whether or not the body is polled.
async fn let_go_when_late(going: Weak<Mutex<Going>>) {
    while let Some(going) = going.upgrade() {
        let wake = {
            let mut going = lock(&going);
            match going.late() {
                Some(late) if late <= Instant::now() => return going.let_go(),
                Some(late) => late,
                None => Instant::now() + patience(&going.outgoing),
            }
        };
        drop(going);
        sleep_until(wake).await;
    }
}

fn lock(going: &Mutex<Going>) -> MutexGuard<'_, Going> {
    going.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Going {
    /// When what is waiting to be sent is late.
    fn late(&self) -> Option<Instant> {
        let cut = self.rooms.stream.as_ref().and_then(OnItsWay::late);
        self.late.into_iter().chain(cut).min()
    }

    fn let_go(&mut self) {
        (self.body, self.rest, self.late) = (None, Bytes::new(), None);
        self.let_go_of_rooms();
    }

    fn let_go_of_rooms(&mut self) {
        (self.rooms.answer, self.rooms.details) = (None, None);
        if let Some(stream) = &self.rooms.stream {
            stream.left();
        }
    }

    /// The next piece of what was made: a large one if there is room for it.
    fn next_piece(&mut self) -> (Bytes, Option<Room>) {
        let most = self.rest.len().min(ANSWER_PIECE_LARGE_BYTES_MAX);
        let room = self.outgoing.try_hold_piece(most);
        let bytes = self.rest.split_to(if room.is_some() { most } else { most.min(ANSWER_PIECE_BYTES) });
        let is_whole = std::mem::take(&mut self.is_whole) && self.rest.is_empty();
        if self.rest.is_empty() {
            self.late = None;
            self.let_go_of_rooms();
        }
        // Part of a larger buffer would keep all of it in memory.
        let shares_memory = !is_whole || bytes.len() <= ANSWER_PIECE_COPIED_BYTES_MAX;
        (if shares_memory { Bytes::copy_from_slice(&bytes) } else { bytes }, room)
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let mut going = lock(&this.going);
        if going.rest.is_empty() {
            let Some(body) = &mut going.body else {
                return Poll::Ready(Some(Err(Status::cancelled("the reader took too long"))));
            };
            match ready!(Pin::new(body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => (going.rest, going.is_whole) = (data, true),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        let (bytes, room) = going.next_piece();
        let more = !going.rest.is_empty();
        if more && going.late.is_none() {
            going.late = Some(Instant::now() + patience(&going.outgoing));
        }
        drop(going);
        let piece = Piece { bytes, _room: room, _call: Arc::clone(&this.call) };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        let going = lock(&self.going);
        going.rest.is_empty() && going.body.as_ref().is_some_and(HttpBody::is_end_stream)
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if let Some(letting_go) = &self.letting_go {
            letting_go.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bounds::{answers::Answers, call_rate::Key, calls::Calls},
        limits::{ANSWER_PIECES, Limits},
    };
    use futures_util::future::poll_fn;

    const STALL: Duration = Duration::from_secs(30);
    const PATIENCE: Duration = STALL.saturating_mul(2);
    const LARGE: usize = 100_000;

    fn key() -> Key {
        (None, "person:amina".parse().unwrap())
    }

    fn outgoing(answers: &Arc<Answers>) -> Outgoing {
        Outgoing::of(Arc::clone(answers), key(), STALL)
    }

    fn answers() -> Arc<Answers> {
        Arc::new(Answers::of(&Limits::default()))
    }

    /// An answer of `bytes` that is being sent.
    async fn answer(answers: &Arc<Answers>, bytes: usize) -> AnswerBody {
        let call = Calls::of(&Limits::default()).begin(&key()).unwrap();
        let rooms = Rooms { answer: answers.hold(&key(), bytes).await.unwrap(), ..Rooms::default() };
        AnswerBody::new(Body::new("x".repeat(bytes)), call, rooms, outgoing(answers))
    }

    /// Takes all the room that there is for large pieces.
    fn fill_pieces(answers: &Arc<Answers>) -> Vec<Room> {
        std::iter::from_fn(|| answers.try_hold_piece(&key(), ANSWER_PIECE_BYTES + 1)).collect()
    }

    async fn next(body: &mut AnswerBody) -> Option<Result<Bytes, Status>> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        frame.map(|frame| frame.map(|frame| frame.into_data().expect("it has no trailers")))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_goes_out_in_pieces_and_is_whole() {
        let answers = answers();
        let filled = fill_pieces(&answers);
        for bytes in [1, ANSWER_PIECE_BYTES, ANSWER_PIECE_BYTES + 1, LARGE] {
            let mut body = answer(&answers, bytes).await;
            let mut sent = 0;
            while let Some(piece) = next(&mut body).await {
                let piece = piece.unwrap();
                assert!((1..=ANSWER_PIECE_BYTES).contains(&piece.len()));
                sent += piece.len();
                let holds = bytes > ANSWER_PIECE_BYTES && sent < bytes;
                assert_eq!(answers.held(), if holds { bytes } else { 0 }, "after {sent} of {bytes}");
            }
            assert_eq!(sent, bytes);
        }
        drop(filled);
    }

    #[tokio::test(start_paused = true)]
    async fn pieces_are_large_while_there_is_room_for_what_the_transport_has() {
        let answers = answers();
        let (mut taken, mut with_transport) = (answer(&answers, LARGE).await, Vec::new());
        assert_eq!(next(&mut taken).await.unwrap().unwrap().len(), LARGE);
        for sent in 0.. {
            let mut untaken = answer(&answers, LARGE).await;
            with_transport.push(next(&mut untaken).await.unwrap().unwrap());
            if with_transport[sent].len() < LARGE {
                break;
            }
        }
        let large = with_transport.len() - 1;
        assert_eq!(large, ANSWER_PIECES.all / 8 / LARGE.next_multiple_of(1_024), "one share");
        assert_eq!(with_transport[large].len(), ANSWER_PIECE_BYTES);
        with_transport.clear();
        let mut again = answer(&answers, LARGE).await;
        assert_eq!(next(&mut again).await.unwrap().unwrap().len(), LARGE);
    }

    /// Of an answer that is let go of, what the transport has keeps nothing else in memory.
    #[tokio::test(start_paused = true)]
    async fn a_piece_of_something_larger_has_memory_of_its_own() {
        let answers = answers();
        for filled in [fill_pieces(&answers), Vec::new()] {
            let data = "x".repeat(ANSWER_PIECE_LARGE_BYTES_MAX + 1);
            let memory = data.as_bytes().as_ptr_range();
            let call = Calls::of(&Limits::default()).begin(&key()).unwrap();
            let mut body = AnswerBody::new(Body::new(data), call, Rooms::default(), outgoing(&answers));
            let piece = next(&mut body).await.unwrap().unwrap();
            assert!(!memory.contains(&piece.as_ptr()), "{} bytes", piece.len());
            drop(filled);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_is_let_go_of() {
        let answers = answers();
        let _filled = fill_pieces(&answers);
        let mut body = answer(&answers, LARGE).await;
        let _first = next(&mut body).await.unwrap().unwrap();
        tokio::time::sleep(PATIENCE / 2).await;
        assert_eq!(answers.held(), LARGE);
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(answers.held(), 0);
        assert!(next(&mut body).await.is_some_and(|frame| frame.is_err()), "its reader hears that it broke off");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_counts_as_a_call_until_its_last_piece_has_left() {
        let calls = Calls::of(&Limits { connections_max: 1, ..Limits::default() });
        let many: Vec<_> = std::iter::from_fn(|| calls.begin(&key()).ok()).collect();
        let call = many.into_iter().next().unwrap();
        let others: Vec<_> = std::iter::from_fn(|| calls.begin(&key()).ok()).collect();
        let mut body = AnswerBody::new(Body::new("x".to_owned()), call, Rooms::default(), outgoing(&answers()));
        let piece = next(&mut body).await;
        drop(body);
        assert!(calls.begin(&key()).is_err(), "the transport has it");
        drop(piece);
        assert!(calls.begin(&key()).is_ok());
        drop(others);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_dropped_gives_its_room_back() {
        let answers = answers();
        let body = answer(&answers, LARGE).await;
        assert_eq!(answers.held(), LARGE);
        drop(body);
        assert_eq!(answers.held(), 0);
    }
}
