//! Pages of lists: as many items as were asked for, and no more bytes than one answer can hold.
//!
//! Invariant: a page has at least one item, if any are left, so that reading page by page reaches the end.

use super::{Failure, convert};
use crate::limits::{LIST_BYTES_MAX, LIST_ROWS_DEFAULT};
use kith_core::limits::PAGE_ROWS_MAX;
use prost::Message;

/// A page that is being filled.
#[derive(Debug)]
pub(super) struct Page<T> {
    start: usize,
    size: usize,
    items: Vec<T>,
    bytes: usize,
    /// Index of the first item of the next page.
    next: Option<usize>,
}

impl<T: Message> Page<T> {
    /// An empty page that starts where the token says.
    pub(super) fn begin(page_size: u32, page_token: &str) -> Result<Self, Failure> {
        let size = convert::page_size("page_size", page_size, LIST_ROWS_DEFAULT, PAGE_ROWS_MAX)?;
        Ok(Self { start: start(page_token)?, size, items: Vec::new(), bytes: 0, next: None })
    }

    /// How many items of the list precede the page.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// How many more items fit, if they are small.
    pub(super) fn room(&self) -> usize {
        self.size - self.items.len()
    }

    /// Adds the item at an index of the list; returns false if there is no room for it.
    pub(super) fn take(&mut self, index: usize, item: T) -> bool {
        let bytes = self.bytes + item.encoded_len();
        let is_full = self.room() == 0 || (bytes > LIST_BYTES_MAX && !self.items.is_empty());
        if is_full {
            self.next = Some(index);
            return false;
        }
        self.bytes = bytes;
        self.items.push(item);
        true
    }

    /// Adds items from the start of the page until it is full.
    pub(super) fn fill<E>(mut self, all: impl Iterator<Item = Result<T, E>>) -> Result<Self, E> {
        for (index, item) in all.enumerate().skip(self.start) {
            if self.room() == 0 {
                self.next = Some(index);
            }
            if self.next.is_some() || !self.take(index, item?) {
                break;
            }
        }
        Ok(self)
    }

    /// The items, and the token of the next page; empty if there is none.
    pub(super) fn finish(self) -> (Vec<T>, String) {
        (self.items, self.next.map(|next| next.to_string()).unwrap_or_default())
    }
}

/// Reads a page token: how many items precede the page.
fn start(token: &str) -> Result<usize, Failure> {
    if token.is_empty() {
        return Ok(0);
    }
    token.parse().map_err(|_| Failure::request("page_token", "must be the `next_page_token` of the previous page"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// The pages of a list of texts, read to the end.
    fn pages(size: u32, texts: &[String]) -> Vec<usize> {
        let (mut pages, mut token, mut read) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = Page::begin(size, &token).unwrap();
            let (items, next) = page.fill(texts.iter().cloned().map(Ok::<_, Infallible>)).unwrap().finish();
            pages.push(items.len());
            read.extend(items);
            token = next;
            if token.is_empty() {
                assert_eq!(read, texts, "everything once, in order");
                return pages;
            }
        }
    }

    #[test]
    fn pages_end_at_their_size_and_at_their_bytes() {
        let texts = |count: usize, bytes: usize| (0..count).map(|_| "x".repeat(bytes)).collect::<Vec<_>>();
        assert_eq!(pages(3, &texts(7, 10)), [3, 3, 1]);
        assert_eq!(pages(3, &texts(6, 10)), [3, 3]);
        assert_eq!(pages(0, &[]), [0]);
        assert_eq!(pages(0, &texts(3, LIST_BYTES_MAX / 2 - 100)), [2, 1]);
        assert_eq!(pages(0, &texts(2, LIST_BYTES_MAX + 1)), [1, 1], "one is always given");
    }

    #[test]
    fn other_texts_are_no_tokens() {
        for token in ["-1", "x", "1.5", "99999999999999999999999"] {
            assert_eq!(Page::<String>::begin(0, token).unwrap_err().field(), Some("page_token"), "{token}");
        }
    }
}
