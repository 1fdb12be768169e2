//! Streams that resume after a broken connection, where they left off.
//!
//! Invariant: a position only advances with a message that is yielded, so that resuming leaves no gap.

use crate::{
    client::Client,
    error::{Error, Kind},
    retry::Backoff,
};
use futures_util::{Stream, stream};
use std::pin::Pin;
use tonic::{Response, Status, Streaming};

/// A stream of the server that can be reopened where it left off.
pub(crate) trait Follow: Send + 'static {
    /// What the server sends.
    type Message: Send + 'static;
    /// What is yielded.
    type Item;

    /// Opens the stream where it left off.
    fn open(&self, client: &Client) -> impl Future<Output = Result<Response<Streaming<Self::Message>>, Status>> + Send;

    /// Converts a message and remembers its position.
    fn take(&mut self, message: Self::Message) -> Result<Self::Item, Error>;
}

/// A stream that ends only with an error that retrying cannot resolve.
pub(crate) type Following<T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>;

/// Follows a stream. A retryable error reports an interruption; any other error is the last item.
pub(crate) fn follow<F: Follow>(client: &Client, source: F) -> Following<F::Item> {
    let (client, backoff) = (client.clone(), client.backoff());
    let follower = Follower { client, source, connection: Connection::New, backoff };
    Box::pin(stream::unfold(follower, async |mut follower| {
        let item = follower.next().await?;
        Some((item, follower))
    }))
}

struct Follower<F: Follow> {
    client: Client,
    source: F,
    connection: Connection<F::Message>,
    backoff: Backoff,
}

enum Connection<M> {
    New,
    Open(Box<Streaming<M>>),
    Broken(Error),
    Ended,
}

impl<F: Follow> Follower<F> {
    async fn next(&mut self) -> Option<Result<F::Item, Error>> {
        let item = match std::mem::replace(&mut self.connection, Connection::Ended) {
            Connection::Ended => return None,
            Connection::New => self.open_and_read().await,
            Connection::Open(messages) => self.read(messages).await,
            Connection::Broken(error) => {
                tokio::time::sleep(self.backoff.next_delay(error.retry_after())).await;
                self.open_and_read().await
            }
        };
        if let Err(error) = &item
            && error.is_retryable()
        {
            self.connection = Connection::Broken(error.clone());
        }
        Some(item)
    }

    async fn open_and_read(&mut self) -> Result<F::Item, Error> {
        let opened = Client::within(self.client.timeouts.call, self.source.open(&self.client)).await?;
        self.read(Box::new(opened.into_inner())).await
    }

    async fn read(&mut self, mut messages: Box<Streaming<F::Message>>) -> Result<F::Item, Error> {
        let message = Client::within(self.client.timeouts.silence, messages.message()).await?;
        let message = message.ok_or_else(|| Error::new(Kind::Unreachable, "the server ended the stream"))?;
        let item = self.source.take(message)?;
        self.backoff.reset();
        self.connection = Connection::Open(messages);
        Ok(item)
    }
}
