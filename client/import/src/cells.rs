//! Cells of tables that spreadsheets open: none of them is a formula.

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// What makes a cell text in a spreadsheet.
const TEXT_MARK: char = '\'';

/// A cell that no spreadsheet takes for a formula.
pub(crate) fn as_text(cell: &str) -> String {
    if is_formula(cell) { format!("{TEXT_MARK}{cell}") } else { cell.to_owned() }
}

/// Whether a cell is a formula, or one that is marked as text already.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches(TEXT_MARK).starts_with(FORMULA)
}

/// A cell as it was before [`as_text`].
pub(crate) fn as_written(cell: &str) -> &str {
    cell.strip_prefix(TEXT_MARK).filter(|text| is_formula(text)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_cell_reads_back(cell in "[=+@' a-]{0,6}") {
            let text = as_text(&cell);
            prop_assert!(!text.starts_with(FORMULA));
            prop_assert_eq!(as_written(&text), cell);
        }
    }
}
