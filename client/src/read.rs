//! `Read` and `Head`: entries page by page, and the end of the log.

use crate::{client::Client, entries::Entries, error::Error, proofs::subtrees, retry::Repeat};
use kith_core::{
    filter::Filter,
    position::Position,
    timestamp::Timestamp,
    tree::{Hash, Subtree},
};
use kith_proto::v1;

/// Which entries to read. The default is the first thousand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Where to start; the entry at this position is not included. Backwards, zero means from the head.
    pub after: Position,
    /// Which entries.
    pub filter: Filter,
    /// The maximum number of entries, up to 10,000; 0 means 1,000.
    pub limit: u32,
    /// Whether directory and administration entries are among them that the filter does not match.
    pub common: Common,
    /// In which order.
    pub direction: Direction,
    /// What is returned for entries left out.
    pub gaps: Gaps,
}

/// What becomes of directory and administration entries that a filter does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Common {
    /// They are read with those that match, as by a replica.
    #[default]
    Included,
    /// Only entries that match are read.
    OnlyMatching,
}

/// What is returned for the entries that a filter or a scope leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gaps {
    /// Nothing.
    #[default]
    Silent,
    /// Hashes of whole subtrees, for a [`crate::PartialTree`]. Forward only, up to 1,000 entries a page.
    Hashed,
}

/// In which order to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Oldest first.
    #[default]
    Forward,
    /// Newest first.
    Backward,
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The entries.
    pub entries: Entries,
    /// `after` of the next read.
    pub next: Position,
    /// Whether there is nothing more in this direction.
    pub end: bool,
    /// The head at the time of reading.
    pub head: Position,
    /// With [`Gaps::Hashed`]: hashes in place of the entries between `after` and `next` that are left out.
    pub left_out: Vec<Subtree>,
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last position; zero in an empty log.
    pub position: Position,
    /// Root of the hash tree over all entries.
    pub root: Hash,
    /// The log's incarnation.
    pub incarnation: Vec<u8>,
    /// When the last entry was recorded; `None` in an empty log.
    pub recorded_at: Option<Timestamp>,
}

impl Client {
    /// Reads a page of entries.
    pub async fn read(&self, options: &ReadOptions) -> Result<Page, Error> {
        let request = v1::ReadRequest {
            network: self.network_name(),
            after: options.after.get(),
            filter: Some(options.filter.to_proto()),
            limit: options.limit,
            direction: match options.direction {
                Direction::Forward => v1::Direction::Forward.into(),
                Direction::Backward => v1::Direction::Backward.into(),
            },
            with_left_out: options.gaps == Gaps::Hashed,
            matching_only: options.common == Common::OnlyMatching,
        };
        let log = self.log();
        let response = self
            .call(Repeat::Safe, request, |request| {
                let mut log = log.clone();
                async move { log.read(request).await }
            })
            .await?;
        Ok(Page {
            entries: Entries::new(response.entries, response.details),
            next: Position::new(response.next),
            end: response.end,
            head: Position::new(response.head),
            left_out: subtrees(&response.left_out)?,
        })
    }

    /// The log's last position and the root of its hash tree.
    pub async fn head(&self) -> Result<Head, Error> {
        let request = v1::HeadRequest { network: self.network_name() };
        let log = self.log();
        let response = self
            .call(Repeat::Safe, request, |request| {
                let mut log = log.clone();
                async move { log.head(request).await }
            })
            .await?;
        Ok(Head {
            position: Position::new(response.position),
            root: Hash::try_from(response.root.as_slice()).map_err(Error::answer)?,
            incarnation: response.incarnation,
            recorded_at: response.recorded_at.as_ref().and_then(Timestamp::from_proto),
        })
    }
}
