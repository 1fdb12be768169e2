//! Physical lines of a text, whatever ends them, and their numbers.

/// The lines of a text; `\r\n`, `\n` and `\r` end one.
#[derive(Debug, Clone)]
pub(crate) struct Lines<'t> {
    rest: &'t str,
    number: u64,
}

impl<'t> Lines<'t> {
    /// Starts at the beginning of a text, whose first line is number 1.
    pub(crate) fn new(text: &'t str) -> Self {
        Self { rest: text, number: 0 }
    }

    /// The next line without its end, and its number; `None` after the last.
    pub(crate) fn next_line(&mut self) -> Option<(&'t str, u64)> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find(['\r', '\n']).unwrap_or(self.rest.len());
        let (line, after) = self.rest.split_at(end);
        self.rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
        self.number += 1;
        Some((line, self.number))
    }

    /// The next line, which is not taken.
    pub(crate) fn peek(&self) -> Option<&'t str> {
        self.clone().next_line().map(|(line, _)| line)
    }
}

/// Number of lines that end within a text.
pub(crate) fn ends(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let is_end = |(index, byte): &(usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(index + 1) != Some(&b'\n'),
        _ => false,
    };
    bytes.iter().enumerate().filter(is_end).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_ends_one_line() {
        let mut lines = Lines::new("a\r\n\nb\rc");
        let found: Vec<_> = std::iter::from_fn(|| lines.next_line()).collect();
        assert_eq!(found, [("a", 1), ("", 2), ("b", 3), ("c", 4)]);
        assert_eq!(Lines::new("x").peek(), Some("x"));
        assert_eq!((Lines::new("").peek(), ends("a\r\n\nb\rc")), (None, 3));
    }
}
