//! Reads the log of a network into a temporary file, to be folded locally.

use crate::{failure::Failure, place::Place};
use indicatif::{ProgressBar, ProgressStyle};
use kith_authoring::log::spool::{Spool, SpoolWriter};
use kith_client::{ReadOptions, Recorded};
use kith_core::{event::Event, limits::READ_ENTRIES_MAX, position::Position};

/// Reads the entries up to a position, or up to the current head.
pub(crate) async fn read(place: &Place, until: Option<Position>) -> Result<Spool, Failure> {
    read_with_times(place, until, |_| i64::MIN).await
}

/// The same; `at` gets each event and returns when it happened, for [`Spool::until`].
pub(crate) async fn read_with_times(
    place: &Place,
    until: Option<Position>,
    mut at: impl FnMut(&Event) -> i64,
) -> Result<Spool, Failure> {
    let head = match until {
        Some(until) => until,
        None => place.head().await?.position,
    };
    let bar = ProgressBar::new(head.get());
    let style = ProgressStyle::with_template("reading {bar:30} {human_pos} of {human_len} entries, {eta} left");
    bar.set_style(style.expect("the template is well formed"));
    let mut spool = SpoolWriter::new()?;
    let mut options = ReadOptions { limit: READ_ENTRIES_MAX, ..ReadOptions::default() };
    while options.after < head {
        let page = place.read(&options).await?;
        for bytes in &page.entries.bytes {
            let Recorded { entry, event, .. } = Recorded::decode(bytes)?;
            if entry.position > head {
                break;
            }
            spool.push_at(entry.position, event.id, at(&event), bytes)?;
        }
        if page.end || page.next <= options.after {
            break;
        }
        options.after = page.next;
        bar.set_position(options.after.get());
    }
    bar.finish_and_clear();
    Ok(spool.finish()?)
}
