//! The directory as a table.

use super::{Table, Written};
use crate::{failure::Failure, place::Place, show::destination::Destination};

/// Writes people, in the order in which they were added.
pub(crate) async fn write(place: &Place, with_names: bool, out: &mut Destination) -> Result<Written, Failure> {
    let mut table = Table::new(out);
    let heading = ["id", "organisation", "role", "position", "merged_into", "erased", "name"];
    let columns = if with_names { heading.len() } else { heading.len() - 1 };
    table.row(&heading[..columns])?;
    let mut written = Written::of(0, ("person", "people"));
    for person in place.people(None).await? {
        let (position, erased) = (person.position.to_string(), person.erased.to_string());
        let cells = [
            &*person.id,
            &*person.organisation,
            &*person.role,
            &*position,
            &*person.merged_into,
            &*erased,
            &*person.name,
        ];
        table.row(&cells[..columns])?;
        written.count += 1;
    }
    table.finish()?;
    Ok(written)
}
