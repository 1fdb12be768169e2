//! The body of a request; each message is read once there is room for it.
//!
//! A message consists of a head, which says whether it is compressed and how long it is, and that many bytes (gRPC over
//! HTTP/2). The head waits with its message, since a decoder allocates at once what the head announces.

use crate::{
    bounds::{
        budget::Room,
        call_rate::Key,
        kept_room::Kept,
        requests::{MESSAGE_HEAD_BYTES, NoRoom, Requests},
    },
    grpc::Failure,
};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http_body::{Body as HttpBody, Frame};
use kith_proto::v1::ErrorReason;
use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::time::Sleep;
use tonic::{Status, body::Body};

/// The body of a request.
pub(crate) struct RequestBody {
    inner: Body,
    requests: Arc<Requests>,
    key: Key,
    kept: Arc<Kept>,
    /// What was received and not handed on yet.
    rest: Bytes,
    at: At,
}

/// The position within a body.
enum At {
    /// At the start of a message, or at the end.
    Head,
    /// Before a message that waits for room.
    Waiting { bytes: usize, room: BoxFuture<'static, Result<Room, NoRoom>> },
    /// In a message with `left` bytes to go. There is a deadline once they have to be waited for.
    Message { left: usize, deadline: Option<Pin<Box<Sleep>>> },
    /// After a head that announces more than is accepted: the decoder refuses it.
    Oversized,
    /// After a failure.
    Failed,
}

impl RequestBody {
    /// The body of a principal's call.
    pub(crate) fn new(inner: Body, requests: Arc<Requests>, key: Key, kept: Arc<Kept>) -> Self {
        Self { inner, requests, key, kept, rest: Bytes::new(), at: At::Head }
    }

    /// Asks for room for the message whose head was received.
    fn begin(&mut self, bytes: usize) -> At {
        if bytes > self.requests.message_bytes_max() + MESSAGE_HEAD_BYTES {
            return At::Oversized;
        }
        if let Some(room) = self.requests.try_hold(&self.key, bytes) {
            self.kept.keep(room);
            return At::Message { left: bytes, deadline: None };
        }
        let (requests, key) = (Arc::clone(&self.requests), self.key.clone());
        At::Waiting { bytes, room: async move { requests.hold(&key, bytes).await }.boxed() }
    }

    /// Receives the next frame; a frame that is not data is returned to the caller.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        let next = ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(match next.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => {
                self.rest = joined(mem::take(&mut self.rest), data);
                Next::Data
            }
            Some(Ok(Err(trailers))) => Next::Other(Some(Ok(trailers))),
            Some(Err(status)) => Next::Other(Some(Err(status))),
            None => Next::Other(None),
        })
    }

    /// Ready once a message that was started has taken too long.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let At::Message { deadline, .. } = &mut self.at else { return Poll::Pending };
        let stall = self.requests.stall();
        deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall))).poll_unpin(context)
    }

    fn fail(&mut self, failure: Failure) -> Poll<Polled> {
        self.at = At::Failed;
        self.kept.take();
        Poll::Ready(Some(Err(failure.into())))
    }
}

/// What a body yields; `None` at its end.
type Polled = Option<Result<Frame<Bytes>, Status>>;

/// What was received next of a body.
enum Next {
    Data,
    Other(Polled),
}

/// Bytes of a message with its head, if all of the head has been received.
fn announced(bytes: &Bytes) -> Option<usize> {
    let head = bytes.first_chunk::<MESSAGE_HEAD_BYTES>()?;
    let [_, length @ ..] = *head;
    Some(u32::from_be_bytes(length) as usize + MESSAGE_HEAD_BYTES)
}

/// The rest of a head, joined with what follows.
fn joined(rest: Bytes, more: Bytes) -> Bytes {
    if rest.is_empty() { more } else { [rest, more].concat().into() }
}

fn too_late() -> Failure {
    Failure::because(ErrorReason::DeadlineExceeded, "a message was started but not completed in time")
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Polled> {
        let this = self.get_mut();
        loop {
            match &mut this.at {
                At::Head => {
                    if let Some(bytes) = announced(&this.rest) {
                        this.at = this.begin(bytes);
                        continue;
                    }
                    match ready!(this.poll_more(context)) {
                        Next::Data => {}
                        Next::Other(None) if !this.rest.is_empty() => {
                            return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut this.rest)))));
                        }
                        Next::Other(other) => return Poll::Ready(other),
                    }
                }
                At::Waiting { bytes, room } => match ready!(room.poll_unpin(context)) {
                    Ok(room) => {
                        this.at = At::Message { left: *bytes, deadline: None };
                        this.kept.keep(room);
                    }
                    Err(no_room) => return this.fail(no_room.into()),
                },
                At::Message { left: 0, .. } => {
                    this.at = At::Head;
                    this.kept.take();
                }
                At::Message { left, .. } if !this.rest.is_empty() => {
                    let part = this.rest.split_to(this.rest.len().min(*left));
                    *left -= part.len();
                    return Poll::Ready(Some(Ok(Frame::data(part))));
                }
                At::Message { .. } => match this.poll_more(context) {
                    Poll::Ready(Next::Data) => {}
                    Poll::Ready(Next::Other(other)) => return Poll::Ready(other),
                    Poll::Pending => {
                        ready!(this.poll_deadline(context));
                        return this.fail(too_late());
                    }
                },
                At::Oversized if !this.rest.is_empty() => {
                    return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut this.rest)))));
                }
                At::Oversized => return Pin::new(&mut this.inner).poll_frame(context),
                At::Failed => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.kept.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bounds::kept_room::UntilAnswered,
        limits::{Limits, REQUESTS},
    };
    use std::time::Duration;
    use tokio::sync::mpsc;
    use tonic::Code;

    const LARGE: usize = 2 * 1024 * 1024;

    /// A body whose frames are sent by a test.
    struct Sent(mpsc::Receiver<Bytes>);

    impl HttpBody for Sent {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Polled> {
            self.0.poll_recv(context).map(|data| data.map(|data| Ok(Frame::data(data))))
        }
    }

    /// A call of a principal: where its frames are sent, how they arrive, and what keeps it open.
    struct Call {
        sender: mpsc::Sender<Bytes>,
        body: RequestBody,
        until_answered: UntilAnswered,
    }

    fn call(requests: &Arc<Requests>) -> Call {
        let (sender, receiver) = mpsc::channel(64);
        let kept = Arc::<Kept>::default();
        let until_answered = kept.until_answered();
        let key = (None, "person:amina".parse().unwrap());
        let body = RequestBody::new(Body::new(Sent(receiver)), Arc::clone(requests), key, kept);
        Call { sender, body, until_answered }
    }

    fn requests() -> Arc<Requests> {
        Arc::new(Requests::of(&Limits::default()))
    }

    fn message(length: usize) -> Vec<u8> {
        let head = u32::try_from(length).unwrap().to_be_bytes();
        [&[0], &head[..], &vec![7; length]].concat()
    }

    async fn next(body: &mut RequestBody) -> Option<Result<Bytes, Status>> {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        frame.map(|frame| frame.map(|frame| frame.into_data().expect("it is data")))
    }

    /// What has arrived, if anything has.
    async fn soon(body: &mut RequestBody) -> Option<Bytes> {
        let next = tokio::time::timeout(Duration::from_millis(1), next(body)).await;
        next.ok().map(|frame| frame.expect("it goes on").expect("nothing failed"))
    }

    #[tokio::test(start_paused = true)]
    async fn all_bytes_pass_however_they_are_cut() {
        let sent = [message(3), message(0), message(20_000), message(1), vec![0, 0]].concat();
        for size in [1, 2, 5, 7, 4_096, sent.len()] {
            let requests = requests();
            let Call { sender, mut body, until_answered } = call(&requests);
            drop(until_answered);
            let frames: Vec<_> = sent.chunks(size).map(Bytes::copy_from_slice).collect();
            tokio::spawn(async move {
                for frame in frames {
                    sender.send(frame).await.unwrap();
                }
            });
            let mut come = Vec::new();
            while let Some(frame) = next(&mut body).await {
                come.extend(frame.unwrap());
            }
            assert!(come == sent, "frames of {size} bytes");
            assert_eq!(requests.held(), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_message_of_a_call_holds_room_until_it_is_answered() {
        let requests = requests();
        let Call { sender, mut body, until_answered } = call(&requests);
        sender.send(message(1_000).into()).await.unwrap();
        drop(sender);
        assert!(next(&mut body).await.is_some() && next(&mut body).await.is_none());
        drop(body);
        assert_eq!(requests.held(), 1_000 + MESSAGE_HEAD_BYTES);
        drop(until_answered);
        assert_eq!(requests.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_of_a_stream_holds_room_until_the_next_is_asked_for() {
        let requests = requests();
        let Call { sender, mut body, until_answered } = call(&requests);
        drop(until_answered);
        sender.send([message(1_000), message(2_000)].concat().into()).await.unwrap();
        for length in [1_000, 2_000] {
            assert_eq!(soon(&mut body).await.unwrap(), message(length));
            assert_eq!(requests.held(), length + MESSAGE_HEAD_BYTES);
        }
        assert!(soon(&mut body).await.is_none());
        assert_eq!(requests.held(), 0, "a stream that is idle holds nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_without_room_waits_head_and_all_and_is_not_read() {
        let requests = requests();
        let mut calls: Vec<_> = (0..4).map(|_| call(&requests)).collect();
        let start = Bytes::from(message(LARGE)).slice(..100_000);
        for Call { sender, body, .. } in &mut calls[..3] {
            sender.send(start.clone()).await.unwrap();
            assert_eq!(soon(body).await.unwrap(), start);
        }
        let last = calls.last_mut().unwrap();
        last.sender.send(start.clone()).await.unwrap();
        last.sender.send(start.clone()).await.unwrap();
        assert!(soon(&mut last.body).await.is_none(), "three have the share");
        assert_eq!(last.sender.capacity(), 63, "what comes behind is left where it is");
        let few = call(&requests);
        few.sender.send(message(100).into()).await.unwrap();
        assert!(soon(&mut { few.body }).await.is_some(), "small messages go on");
        calls.remove(0);
        assert_eq!(soon(&mut calls.last_mut().unwrap().body).await.unwrap(), start);
        assert!(requests.held() <= REQUESTS.all / 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_not_finished_ends_its_call_and_an_idle_stream_goes_on() {
        let requests = requests();
        let Call { sender, mut body, until_answered } = call(&requests);
        drop(until_answered);
        let idle = tokio::time::timeout(requests.stall() * 3, next(&mut body)).await;
        assert!(idle.is_err(), "nothing was begun");
        sender.send(Bytes::from(message(LARGE)).slice(..LARGE)).await.unwrap();
        assert!(soon(&mut body).await.is_some());
        let failed = next(&mut body).await.unwrap().unwrap_err();
        assert_eq!(failed.code(), Code::DeadlineExceeded);
        assert!(next(&mut body).await.is_none());
        assert_eq!(requests.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_larger_than_any_message_passes_to_be_refused() {
        let requests = requests();
        let Call { sender, mut body, until_answered: _until } = call(&requests);
        let start = Bytes::from(message(LARGE + 1)).slice(..1_000);
        sender.send(start.clone()).await.unwrap();
        assert_eq!(soon(&mut body).await.unwrap(), start);
        assert_eq!(requests.held(), 0);
    }
}
