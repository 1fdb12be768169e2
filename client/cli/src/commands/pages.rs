//! Prints rows of a view, page by page: one line of JSON each, or a table with a remark on what it shows.

use crate::{
    context::Context,
    failure::Failure,
    limits,
    show::{
        output::{Format, remark},
        people::Names,
        rows::{cells, columns},
    },
};
use kith_client::v1::QueryViewResponse;
use kith_core::counted::counted;
use kith_core::{day::Day, position::Position, reason::Reason};
use kith_json::{day_text, row_json};
use serde_json::Value;

/// Which rows to print.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The maximum number; by default all as JSON, and some in a table.
    pub(super) top: Option<u64>,
    /// The head that rows should be as of. If they are not, each row says so in JSON.
    pub(super) head: Option<Position>,
}

/// What was printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printed {
    /// The position that the rows are as of.
    pub(super) position: Position,
    /// How many rows there are.
    pub(super) total: u64,
}

/// Prints rows. `ask` returns the page after a token, with a maximum number of rows; the first page's token is empty.
pub(super) async fn print(
    context: &mut Context,
    wanted: Wanted,
    mut ask: impl AsyncFnMut(u64, String) -> Result<QueryViewResponse, Failure>,
) -> Result<Printed, Failure> {
    let format = context.output.format();
    let (mut left, names) = match format {
        Format::Json => (wanted.top.unwrap_or(u64::MAX), Names::default()),
        Format::Table => (wanted.top.unwrap_or(limits::TABLE_ROWS_DEFAULT.into()), context.place.names().await?),
    };
    let (mut table, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = ask(left, page_token).await?;
        let position = Position::new(page.position);
        let lag = wanted.head.map_or(0, |head| head.since(position));
        if format == Format::Json && lag > 0 && page.total == 0 {
            return Err(nothing_yet(position, lag));
        }
        for row in &page.rows {
            match format {
                Format::Json => {
                    let mut shown = row_json(&page.fields, row);
                    if lag > 0 {
                        shown.extend([("as_of".into(), position.get().into()), ("lag".into(), lag.into())]);
                    }
                    context.output.json(&Value::Object(shown))?;
                }
                Format::Table => table.push(cells(row, &names)),
            }
        }
        left = left.saturating_sub(page.rows.len() as u64);
        if left == 0 || page.next_page_token.is_empty() {
            if format == Format::Table {
                let shown = table.len();
                context.output.table(&columns(&page.fields), table)?;
                context.output.flush()?;
                remark_on(shown, &page);
            }
            return Ok(Printed { position, total: page.total });
        }
        page_token = page.next_page_token;
    }
}

fn nothing_yet(position: Position, lag: u64) -> Failure {
    let message = format!(
        "the view has no such rows at position {position}, and is {} behind the log: --wait SECONDS waits for it",
        counted(lag, "entry", "entries")
    );
    Failure::Refused { reason: Reason::ViewBuilding, message }
}

/// Remarks how many of the rows are shown, and as of when.
pub(super) fn remark_on(shown: usize, last: &QueryViewResponse) {
    let (day, position) = (day_text(Day::new(last.day)), last.position);
    remark(&format!("{shown} of {} as of {day} UTC, position {position}", counted(last.total, "row", "rows")));
    last.remarks.iter().for_each(|line| remark(line));
    match last.failing_keys {
        0 => {}
        1 => {
            remark("1 key is missing or behind, because a plugin fails on it: `kith plugin list` says which and why");
        }
        keys => remark(&format!(
            "{keys} keys are missing or behind, because a plugin fails on them: `kith plugin list` says which and why"
        )),
    }
}
