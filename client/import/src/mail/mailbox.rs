//! Divides a mailbox into messages, line by line, and keeps the headers that are needed.

use crate::{
    limits::{HEADER_BYTES_MAX, HEADERS_BYTES_MAX, MAILS_MAX},
    spot::Spot,
};
use std::io::{self, BufRead};

/// What every message begins with.
const SEPARATOR: &[u8] = b"From ";
/// The headers that are kept.
const KEPT: [&str; 8] = ["auto-submitted", "cc", "date", "from", "list-id", "message-id", "precedence", "to"];

/// Why a file is no mailbox.
#[derive(Debug)]
pub enum NotMailbox {
    /// Its first line is not that of a message.
    NoSeparator,
    /// It has more messages than are read.
    TooMany {
        /// The most that are read.
        max: u64,
    },
    /// It cannot be read.
    Unreadable(io::Error),
}

impl std::fmt::Display for NotMailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSeparator => f.write_str("is no mailbox: its first line does not begin with \"From \""),
            Self::TooMany { max } => write!(f, "has more than {max} messages: divide it"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl From<io::Error> for NotMailbox {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// The headers of a message that are kept, as they stand in the file; or why they cannot be read.
pub(super) type Headers = Result<Vec<u8>, String>;

/// The messages of a mailbox.
pub(super) struct Mailbox<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    record: u64,
    /// The number of the line with which the next message begins.
    begun: Option<u64>,
    /// Whether the line after that one is read already.
    is_read_on: bool,
}

impl<R: BufRead> Mailbox<R> {
    /// Starts at the beginning of a mailbox.
    pub(super) fn open(input: R) -> Result<Self, NotMailbox> {
        let mut mailbox = Self { input, line: Vec::new(), number: 0, record: 0, begun: None, is_read_on: false };
        while mailbox.next_line()? {
            if mailbox.line.starts_with(SEPARATOR) {
                mailbox.begun = Some(mailbox.number);
                return Ok(mailbox);
            }
            if !mailbox.line.trim_ascii().is_empty() {
                return Err(NotMailbox::NoSeparator);
            }
        }
        // A mailbox may have no messages.
        if mailbox.number == 0 { Ok(mailbox) } else { Err(NotMailbox::NoSeparator) }
    }

    /// The next message; `None` after the last.
    pub(super) fn next_message(&mut self) -> Result<Option<(Spot, Headers)>, NotMailbox> {
        let Some(line) = self.begun.take() else { return Ok(None) };
        self.record += 1;
        if self.record > MAILS_MAX {
            return Err(NotMailbox::TooMany { max: MAILS_MAX });
        }
        let mut headers = Kept::default();
        let mut goes_on = std::mem::take(&mut self.is_read_on) || self.next_line()?;
        while goes_on && !self.line.trim_ascii().is_empty() {
            headers.add(&self.line);
            goes_on = self.next_line()?;
        }
        if goes_on {
            self.pass_over_body()?;
        }
        Ok(Some((Spot::new(self.record, line), headers.finish())))
    }

    /// Passes over a body, up to the line with which the next message begins: it stands after a blank one, and before a
    /// header, unless it is a line of text.
    fn pass_over_body(&mut self) -> io::Result<()> {
        let mut is_after_blank = true;
        let mut may_begin = None;
        while self.next_line()? {
            if may_begin.is_some() && name_of(&self.line).is_some() {
                (self.begun, self.is_read_on) = (may_begin, true);
                return Ok(());
            }
            let is_separator = is_after_blank && self.line.starts_with(SEPARATOR);
            may_begin = is_separator.then_some(self.number);
            is_after_blank = self.line.trim_ascii().is_empty();
        }
        Ok(())
    }

    /// Reads a line, of which only as much is kept as a header may have. Whether there was one.
    fn next_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut has_any = false;
        loop {
            let part = match self.input.fill_buf() {
                Ok(part) => part,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if part.is_empty() {
                break;
            }
            has_any = true;
            let end = part.iter().position(|byte| *byte == b'\n').map(|place| place + 1);
            let count = end.unwrap_or(part.len());
            let room = (HEADER_BYTES_MAX + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..count.min(room)]);
            self.input.consume(count);
            if end.is_some() {
                break;
            }
        }
        self.number += u64::from(has_any);
        Ok(has_any)
    }
}

/// The name of the header that a line begins; `None` if it begins none.
fn name_of(line: &[u8]) -> Option<String> {
    let end = line.iter().position(|byte| *byte == b':')?;
    let name = line[..end].trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    is_name.then(|| name.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect())
}

/// The headers of a message that are kept so far.
#[derive(Default)]
struct Kept {
    text: Vec<u8>,
    /// Whether the header of the line before is kept.
    goes_on: bool,
    fault: Option<String>,
}

impl Kept {
    fn add(&mut self, line: &[u8]) {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            self.goes_on = name_of(line).is_some_and(|name| KEPT.contains(&&*name));
        }
        if !self.goes_on || self.fault.is_some() {
            return;
        }
        if line.len() > HEADER_BYTES_MAX {
            self.fault = Some(format!("a header has more than {HEADER_BYTES_MAX} bytes"));
        } else if self.text.len() + line.len() > HEADERS_BYTES_MAX {
            self.fault = Some(format!("the headers have more than {HEADERS_BYTES_MAX} bytes"));
        } else {
            self.text.extend_from_slice(line.trim_ascii_end());
            self.text.extend_from_slice(b"\r\n");
        }
    }

    fn finish(self) -> Headers {
        self.fault.map_or(Ok(self.text), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let mut mailbox = Mailbox::open(text).unwrap();
        let mut found = Vec::new();
        while let Some((spot, headers)) = mailbox.next_message().unwrap() {
            found.push((spot.line, headers.map(|text| String::from_utf8(text).unwrap())));
        }
        found
    }

    fn kept(line: u64, text: &str) -> (u64, Result<String, String>) {
        (line, Ok(text.to_owned()))
    }

    #[test]
    fn only_some_headers_are_kept_and_no_bodies() {
        let text = b"From ada Mon Nov  2 09:00:00 2026\r\nFrom: ada@x.example\r\nSubject: bed 4\r\n goes on\r\nTO: ben@x.example,\r\n\
            \tcora@x.example\r\n\r\nDate: in the body\r\n\r\nFrom ben Tue\r\nDate: today\r\n\r\nx";
        let first = "From: ada@x.example\r\nTO: ben@x.example,\r\n\tcora@x.example\r\n";
        assert_eq!(all(text), [kept(1, first), kept(10, "Date: today\r\n")]);
    }

    #[test]
    fn lines_of_text_begin_no_message() {
        let text = b"From a\nTo: b\n\nx\nFrom here on\nTo: no message, for the line before is not blank\n\nFrom now on\nit is text\n\n\
            From c\nTo: d\n";
        assert_eq!(all(text), [kept(1, "To: b\r\n"), kept(11, "To: d\r\n")]);
        assert_eq!(all(b"From a\nFrom: b\nFrom c\nTo: d\n"), [kept(1, "From: b\r\nTo: d\r\n")]);
    }

    #[test]
    fn odd_ends_are_ends() {
        assert_eq!(all(b""), []);
        assert_eq!(all(b"From a"), [kept(1, "")]);
        assert_eq!(all(b"\n\nFrom a\n\n\nFrom b\nTo:"), [kept(3, ""), kept(6, "To:\r\n")]);
        assert_eq!(all(b"From a\nTo: b\n\n\n\nFrom c"), [kept(1, "To: b\r\n")], "the last line may be one of text");
    }

    #[test]
    fn what_is_too_long_is_refused_alone() {
        let long =
            format!("From a\nTo: {}\n\nbody {}\n\nFrom b\nTo: c\n", "x".repeat(HEADER_BYTES_MAX), "y".repeat(1 << 20));
        let found = all(long.as_bytes());
        assert_eq!((found[0].1.is_err(), &found[1]), (true, &kept(6, "To: c\r\n")));
        let many = format!("From a\n{}\nFrom b\nTo: c\n", "To: xxxxxxxxxxxxxxxx\n".repeat(HEADERS_BYTES_MAX / 16));
        let found = all(many.as_bytes());
        assert_eq!((found.len(), found[0].1.is_err()), (2, true));
        let unkept = format!("From a\nSubject: {}\nTo: b\n", "x".repeat(1 << 20));
        assert_eq!(all(unkept.as_bytes()), [kept(1, "To: b\r\n")]);
    }

    #[test]
    fn other_files_are_no_mailboxes() {
        for text in ["To: b\n\nx", "\n\n", "BEGIN:VCARD", "\0\0"] {
            assert!(matches!(Mailbox::open(text.as_bytes()), Err(NotMailbox::NoSeparator)), "{text:?}");
        }
    }
}
