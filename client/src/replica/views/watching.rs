//! Rows of a replica's view as they change.

use super::{
    OfflineViews, ViewError,
    host::{blocking, stopped},
};
use futures_util::{Stream, StreamExt, stream};
use kith_core::position::Position;
use kith_proto::v1;
use kith_views::{ChangeReader, ViewHandle, limits::CHANGES_BYTES_MAX, wire};
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

type Item = Result<v1::WatchViewResponse, ViewError>;

/// Rows as they change. An error is the last item.
pub struct OfflineWatch(Pin<Box<dyn Stream<Item = Item> + Send>>);

impl Stream for OfflineWatch {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for OfflineWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfflineWatch").finish_non_exhaustive()
    }
}

/// The state of a watcher.
struct Watch {
    views: OfflineViews,
    name: String,
    reader: ChangeReader,
    /// The view whose rows were yielded last; `None` before the first.
    told: Option<Arc<ViewHandle>>,
}

pub(super) fn watch(views: OfflineViews, name: String, after: Position) -> OfflineWatch {
    let watch = Watch { views, name, reader: ChangeReader::new(after), told: None };
    OfflineWatch(Box::pin(stream::unfold(Some(watch), |watch| async {
        let mut watch = watch?;
        match watch.next().await {
            Ok(change) => Some((Ok(change), Some(watch))),
            Err(error) => Some((Err(error), None)),
        }
    })))
}

impl Watch {
    async fn next(&mut self) -> Result<v1::WatchViewResponse, ViewError> {
        let mut head = self.views.0.head_watch();
        loop {
            head.borrow_and_update();
            let view = self.views.0.view(&self.name).await?;
            let is_other = self.told.as_ref().is_some_and(|told| !Arc::ptr_eq(told, &view));
            if is_other {
                // The replica holds different entries than before: earlier rows are no longer valid.
                self.reader = ChangeReader::new(Position::ZERO);
            }
            let mut cursor = view.cursor_watch();
            let now = *cursor.borrow_and_update();
            if self.reader.has_news(now) {
                let mut change = self.read(Arc::clone(&view)).await?;
                change.reset = is_other;
                self.told = Some(view);
                return Ok(change);
            }
            tokio::select! {
                moved = cursor.changed() => if moved.is_err() { return Err(stopped(view).await) },
                reached = view.wait_for(self.reader.further()) => {
                    let same = Arc::ptr_eq(&view, &self.views.0.view(&self.name).await?);
                    if reached.is_err() && same {
                        return Err(stopped(view).await);
                    }
                }
                // The replica outlives its watchers.
                _ = head.changed() => {}
            }
        }
    }

    async fn read(&mut self, view: Arc<ViewHandle>) -> Result<v1::WatchViewResponse, ViewError> {
        let mut reader = self.reader;
        let fields = if reader.is_new() { wire::fields(view.fields()) } else { Vec::new() };
        let read = move || reader.read(&view, CHANGES_BYTES_MAX).map(|changes| (reader, changes));
        let (reader, changes) = blocking(read).await?;
        self.reader = reader;
        let mut rows: Vec<v1::Row> = changes.rows.into_iter().map(wire::row).collect();
        self.views.mark(&mut rows);
        let (removed, position) = (wire::removed(&changes.removed), changes.position.get());
        Ok(v1::WatchViewResponse { fields, rows, removed, position, reset: false })
    }
}
