//! What an import of occasions leaves open, as a table for spreadsheets.

use super::plan::Open;
use crate::{addresses::Strangers, cells::as_text, refusal::Refusal};
use csv::Writer;

/// The columns.
const COLUMNS: [&str; 6] = ["what", "line", "position", "address", "records", "why"];

/// Entries that the file contradicts, records that were refused, and addresses that are nobody's.
pub fn review(open: &[Open], refusals: &[Refusal], strangers: &Strangers) -> Vec<u8> {
    let mut writer = Writer::from_writer(Vec::new());
    let mut write = |cells: [&str; 6]| writer.write_record(cells.map(as_text)).expect("memory takes all rows");
    write(COLUMNS);
    for Open { spot, position, why } in open {
        let position = position.map(|position| position.get().to_string()).unwrap_or_default();
        write(["entry", &spot.line.to_string(), &position, "", "", why]);
    }
    for Refusal { spot, message, .. } in refusals {
        write(["refused", &spot.line.to_string(), "", "", "", message]);
    }
    for (address, count) in strangers.by_count() {
        write(["address", "", "", address, &count.to_string(), "it is nobody's of the network, or several people's"]);
    }
    writer.into_inner().expect("memory takes all rows")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spot::Spot;
    use kith_core::position::Position;

    #[test]
    fn everything_open_is_a_row_and_no_cell_a_formula() {
        let spot = Spot::new(2, 30);
        let open = [Open { spot, position: Some(Position::new(7)), why: "somebody withdrew it" }];
        let refusals = [Refusal::unreadable(spot, "event", "the event has no UID")];
        let mut strangers = Strangers::default();
        strangers.note("=1+1@x.example".to_owned());
        let text = String::from_utf8(review(&open, &refusals, &strangers)).unwrap();
        let expected = "what,line,position,address,records,why\nentry,30,7,,,somebody withdrew it\n\
            refused,30,,,,the event has no UID\naddress,,,'=1+1@x.example,1,\"it is nobody's of the network, or several people's\"\n";
        assert_eq!(text, expected);
    }
}
