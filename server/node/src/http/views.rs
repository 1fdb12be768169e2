//! `GET /v1/{network}/views`, the rows of one (`/{name}`), and what a row stands on (`/{name}/why`).

use super::{
    Parts,
    answer::{Answer, Lines, apart, as_map},
    asked::Asked,
    directory::token,
    entries::{Form, Opened},
    query::{Query, time_or_day},
};
use crate::grpc::Failure;
use kith_core::{day::Day, timestamp::Timestamp};
use kith_json::{day_text, row_json, view_json};
use kith_proto::v1::{self, view_service_server::ViewService};
use serde_json::{Map, Value, json};

/// Up to what rows are known: a position, or 0 and a time, or 0 for now.
type Known = (u64, Option<prost_types::Timestamp>);

pub(super) async fn list(door: &Parts, mut asked: Asked) -> Answer {
    let mut query = std::mem::take(&mut asked.query);
    let request = v1::ListViewsRequest {
        network: asked.network.clone(),
        page_size: query.number("limit")?,
        page_token: query.text("page")?,
    };
    query.finish()?;
    let (page, answered) = apart(ViewService::list_views(&door.services, asked.call(request)).await?);
    let mut lines = Lines::of(door, &asked, &answered).await?;
    lines.push_all(page.views.iter().map(|view| as_map(view_json(view)))).await?;
    let last = json!({ "next": token(page.next_page_token), "head": page.head });
    Ok(lines.finish(as_map(last), answered))
}

pub(super) async fn query(door: &Parts, mut asked: Asked) -> Answer {
    let mut query = std::mem::take(&mut asked.query);
    let (as_of, as_of_time) = known(&mut query)?;
    let request = v1::QueryViewRequest {
        network: asked.network.clone(),
        view: asked.name.clone(),
        person: query.text("person")?,
        organisation: query.text("organisation")?,
        key: query.all("key"),
        at: query.day("at")?.map(Day::number),
        as_of,
        as_of_time,
        sort: query.text("sort")?,
        page_size: query.number("limit")?,
        page_token: query.text("page")?,
        only: None,
        columns: query.all("column"),
    };
    query.finish()?;
    let (page, answered) = apart(ViewService::query_view(&door.services, asked.call(request)).await?);
    let mut lines = Lines::of(door, &asked, &answered).await?;
    lines.push_all(page.rows.iter().map(|row| row_json(&page.fields, row))).await?;
    let last = json!({
        "next": token(page.next_page_token),
        "position": page.position,
        "day": day_text(Day::new(page.day)),
        "total": page.total,
        "failing_keys": page.failing_keys,
        "remarks": page.remarks,
    });
    Ok(lines.finish(as_map(last), answered))
}

pub(super) async fn explain(door: &Parts, mut asked: Asked) -> Answer {
    let mut query = std::mem::take(&mut asked.query);
    let (as_of, as_of_time) = known(&mut query)?;
    let request = v1::ExplainRowRequest {
        network: asked.network.clone(),
        view: asked.name.clone(),
        key: query.all("key"),
        item: query.number("item")?,
        at: query.day("at")?.map(Day::number),
        as_of,
        as_of_time,
    };
    query.finish()?;
    let (why, answered) = apart(ViewService::explain_row(&door.services, asked.call(request)).await?);
    let share_of = token(why.share_of);
    let mut lines = Lines::of(door, &asked, &answered).await?;
    let mut left_out = why.evidence.len();
    for one in &why.evidence {
        let opened = Opened::read(&one.entry)?.with_details(&one.details)?;
        let mut line = opened.json(&Form::Entries);
        line.insert("share".to_owned(), one.share.into());
        line.insert("share_of".to_owned(), share_of.clone().into());
        if !lines.push(line).await {
            break;
        }
        left_out -= 1;
    }
    for input in &why.inputs {
        lines.push_all(input.rows.iter().map(|row| row_of_input(input, row))).await?;
    }
    let last = json!({
        "hidden": why.hidden,
        "left_out": left_out,
        "position": why.position,
        "day": day_text(Day::new(why.day)),
    });
    Ok(lines.finish(as_map(last), answered))
}

/// A row of a view that a report's row stands on, with the view's name.
fn row_of_input(input: &v1::InputRows, row: &v1::Row) -> Map<String, Value> {
    let mut shown = row_json(&input.fields, row);
    shown.insert("view".to_owned(), input.view.as_str().into());
    shown
}

/// Up to what rows are to be known: a position, a time, or the end of a day.
fn known(query: &mut Query) -> Result<Known, Failure> {
    let Some(text) = query.one("as_of")? else { return Ok((0, None)) };
    if let Ok(position) = text.parse() {
        return Ok((position, None));
    }
    let time: Timestamp = time_or_day("as_of", &text, Day::end)?;
    Ok((0, Some(time.to_proto())))
}
