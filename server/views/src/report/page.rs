//! Pages of a report and their tokens.
//!
//! Invariant: all pages of a question have the same position and day.

use kith_core::{day::Day, position::Position};

/// Where a page begins. Displayed, it is the page's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportPage {
    /// The requested position; `None` for a first page without one.
    pub as_of: Option<Position>,
    /// The requested day; `None` for a first page without one.
    pub day: Option<Day>,
    /// Number of rows before the page.
    pub skip: usize,
}

/// A token that was not issued with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("was not issued for this question")]
pub struct PageTokenInvalid;

impl ReportPage {
    /// Parses a token.
    pub fn parse(token: &str) -> Result<Self, PageTokenInvalid> {
        let mut parts = token.split('.');
        let mut part = || parts.next().ok_or(PageTokenInvalid);
        let position: u64 = part()?.parse().map_err(|_| PageTokenInvalid)?;
        let day: i32 = part()?.parse().map_err(|_| PageTokenInvalid)?;
        let skip: usize = part()?.parse().map_err(|_| PageTokenInvalid)?;
        Ok(Self { as_of: Some(Position::new(position)), day: Some(Day::new(day)), skip })
    }

    /// The page after this one, which has this many rows.
    #[must_use]
    pub fn after(self, rows: usize) -> Self {
        Self { skip: self.skip.saturating_add(rows), ..self }
    }
}

impl std::fmt::Display for ReportPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (position, day) = (self.as_of.unwrap_or(Position::ZERO), self.day.map_or(0, Day::number));
        write!(f, "{position}.{day}.{}", self.skip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_on_where_they_were() {
        let page = ReportPage { as_of: Some(Position::new(7)), day: Some(Day::new(-3)), skip: 100 };
        assert_eq!(ReportPage::parse(&page.to_string()), Ok(page));
        assert_eq!(page.after(50).skip, 150);
        for wrong in ["", "7", "7.1", "7.x.1", "-1.1.1"] {
            assert_eq!(ReportPage::parse(wrong), Err(PageTokenInvalid), "{wrong}");
        }
    }
}
