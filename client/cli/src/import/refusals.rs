//! Prints the refusals of an import.

use crate::limits;
use kith_import::Refusal;
use serde_json::Value;

/// The refusals as JSON.
pub(crate) fn listed(refusals: &[Refusal]) -> Value {
    refusals.iter().map(Refusal::to_json).collect()
}

/// The first refusals in words. Records in a row that are refused alike take one line.
pub(crate) fn told(refusals: &[Refusal]) -> Vec<String> {
    let is_next = |one: &Refusal, next: &Refusal| {
        one.spot.file == next.spot.file
            && one.spot.record + 1 == next.spot.record
            && (one.reason, &one.message) == (next.reason, &next.message)
    };
    let runs: Vec<&[Refusal]> = refusals.chunk_by(is_next).collect();
    let (shown, more) = runs.split_at(runs.len().min(limits::REFUSALS_TOLD_MAX));
    let mut lines: Vec<String> = shown.iter().filter_map(|run| line(run)).collect();
    if !more.is_empty() {
        lines.push(format!("and {} more: see -o json", more.iter().map(|run| run.len()).sum::<usize>()));
    }
    lines
}

/// One line about records that are refused alike.
fn line(run: &[Refusal]) -> Option<String> {
    let (first, last) = (run.first()?, run.last()?);
    let Refusal { spot, reason, message, .. } = first;
    Some(if first.spot == last.spot {
        format!("{spot}: {reason} {message}")
    } else {
        format!("lines {} to {}{}: {reason} {message}", spot.line, last.spot.line, spot.file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_import::{File, Spot};

    fn refusal(file: File, record: u64, message: &str) -> Refusal {
        let spot = Spot { file, record, line: record + 1 };
        Refusal { spot, reason: "EVENT_INVALID", field: "event.met".into(), message: message.into() }
    }

    #[test]
    fn records_in_a_row_that_are_refused_alike_take_one_line() {
        let refusals = [
            refusal(File::Records, 1, "is wrong"),
            refusal(File::Records, 2, "is wrong"),
            refusal(File::Records, 3, "is worse"),
            refusal(File::Records, 5, "is worse"),
            refusal(File::People, 6, "is worse"),
            refusal(File::People, 7, "is worse"),
        ];
        let expected = [
            "lines 2 to 3: EVENT_INVALID is wrong",
            "line 4: EVENT_INVALID is worse",
            "line 6: EVENT_INVALID is worse",
            "lines 7 to 8 of the list of people: EVENT_INVALID is worse",
        ];
        assert_eq!(told(&refusals), expected);
    }

    #[test]
    fn only_the_first_are_told() {
        let refusals: Vec<_> = (1..=25).map(|number| refusal(File::Records, number, &number.to_string())).collect();
        let lines = told(&refusals);
        assert_eq!(lines.len(), limits::REFUSALS_TOLD_MAX + 1);
        assert_eq!(
            (lines[0].as_str(), lines.last().unwrap().as_str()),
            ("line 2: EVENT_INVALID 1", "and 5 more: see -o json")
        );
    }
}
