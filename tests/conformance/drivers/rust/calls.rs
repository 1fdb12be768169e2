//! Connections, and calls with one answer.

use crate::{
    answers::{Failure, entries_json},
    commands::{events, filter, flag, id, id_or_none, millis, number, position, text, texts},
    proofs::key,
};
use futures_util::StreamExt;
use kith_client::{
    Client, Common, Direction, EventResult, Options, ReadOptions, Retry, RowQuery, Timeouts, ViewQuery, Window, v1,
};
use kith_core::{checkpoint::SignedCheckpoint, condition::Condition, day::Day, event::Role};
use kith_json::{day_text, outcome_json, person_json, read_day, row_json, view_json};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Clients by the names that the runner gave them.
#[derive(Default)]
pub(crate) struct Connections(HashMap<String, Client>);

impl Connections {
    pub(crate) fn connect(&mut self, command: &Value) -> Result<Value, Failure> {
        let mut options = Options::new(text(command, "server"), text(command, "token"), id(text(command, "network")));
        let Timeouts { connect, call, silence } = options.timeouts;
        let (call, silence) =
            (millis(command, "call_ms").unwrap_or(call), millis(command, "silence_ms").unwrap_or(silence));
        options.timeouts = Timeouts { connect, call, silence };
        let Retry { attempts_max, delay_first, delay_max } = options.retry;
        let attempts = number(command, "attempts").map(|most| u32::try_from(most).expect("attempts are few"));
        options.retry = Retry { attempts_max: attempts.unwrap_or(attempts_max), delay_first, delay_max };
        self.0.insert(text(command, "as").to_owned(), Client::lazy(options)?);
        Ok(json!({}))
    }

    /// The client that a command names.
    pub(crate) fn on(&self, command: &Value) -> &Client {
        &self.0[text(command, "on")]
    }
}

/// Makes a call.
pub(crate) async fn call(name: &str, client: &Client, command: &Value) -> Result<Value, Failure> {
    match name {
        "who" => who(client).await,
        "head" => head(client).await,
        "append" => append(client, command).await,
        "append_many" => append_many(client, command).await,
        "read" => read(client, command).await,
        "people" => people(client, command).await,
        "create_network" => create_network(client, command).await,
        "views" => views(client).await,
        "view" => view(client, command).await,
        "why" => why(client, command).await,
        "checkpoint" => checkpoint(client).await,
        "receipt" => receipt(client, command).await,
        "growth" => growth(client, command).await,
        _ => Err(Failure::Unknown),
    }
}

async fn who(client: &Client) -> Result<Value, Failure> {
    let who = client.who_am_i(Some(client.network())).await?;
    let role = Role::from_proto(who.role).map(Role::as_str);
    Ok(json!({
        "principal": who.principal,
        "role": role,
        "person": who.person,
        "organisation": who.organisation,
    }))
}

async fn head(client: &Client) -> Result<Value, Failure> {
    let head = client.head().await?;
    Ok(json!({
        "position": head.position.get(),
        "root": hex::encode(head.root.as_bytes()),
        "incarnation": hex::encode(head.incarnation),
    }))
}

async fn append(client: &Client, command: &Value) -> Result<Value, Failure> {
    let events = events(command)?;
    let condition = condition(&command["condition"]);
    let outcomes = client.append(&events, condition.as_ref()).await?;
    let outcomes = events.iter().zip(outcomes).map(|(event, outcome)| outcome_json(event.id(), outcome));
    Ok(json!({ "outcomes": outcomes.collect::<Vec<_>>() }))
}

fn condition(given: &Value) -> Option<Condition> {
    if given["expected_head"].is_u64() {
        return Some(Condition::ExpectedHead(position(given, "expected_head")));
    }
    let filter = given["none_match"].is_object().then(|| filter(&given["none_match"]))?;
    Some(Condition::NoneMatch { after: position(given, "after"), filter })
}

async fn append_many(client: &Client, command: &Value) -> Result<Value, Failure> {
    let batches: Vec<_> = events(command)?.chunks(100).map(<[_]>::to_vec).collect();
    let mut answers = client.append_stream(tokio_stream::iter(batches), Window::default());
    let mut results = Vec::new();
    while let Some(answer) = answers.next().await {
        results.extend(answer?.iter().map(result_json));
    }
    Ok(json!({ "results": results }))
}

fn result_json(EventResult { number, id, result }: &EventResult) -> Value {
    let mut told = match result {
        Ok(outcome) => Value::Object(outcome_json(*id, *outcome)),
        Err(refused) => json!({
            "id": id.to_string(),
            "refused": { "reason": refused.reason.map(kith_client::reason::name), "field": refused.field },
        }),
    };
    told["number"] = json!(number);
    told
}

async fn read(client: &Client, command: &Value) -> Result<Value, Failure> {
    let options = ReadOptions {
        after: position(command, "after"),
        filter: filter(&command["filter"]),
        limit: u32::try_from(number(command, "limit").unwrap_or_default()).expect("limits are small"),
        common: if flag(command, "matching_only") { Common::OnlyMatching } else { Common::Included },
        direction: if flag(command, "backward") { Direction::Backward } else { Direction::Forward },
        ..ReadOptions::default()
    };
    let page = client.read(&options).await?;
    Ok(json!({
        "entries": entries_json(&page.entries)?,
        "next": page.next.get(),
        "end": page.end,
        "head": page.head.get(),
    }))
}

async fn people(client: &Client, command: &Value) -> Result<Value, Failure> {
    let organisation = id_or_none(command, "organisation");
    let people = client.people(organisation.as_ref()).await?;
    Ok(json!({ "people": people.iter().map(person_json).collect::<Vec<_>>() }))
}

async fn create_network(client: &Client, command: &Value) -> Result<Value, Failure> {
    let network = client.create_network(&id(text(command, "name"))).await?;
    Ok(json!({ "name": network.name }))
}

async fn views(client: &Client) -> Result<Value, Failure> {
    let listed = client.list_views().await?;
    let view = |view: &v1::View| {
        let told = view_json(view);
        json!({ "name": told["name"], "version": told["version"], "state": told["state"] })
    };
    Ok(json!({ "views": listed.views.iter().map(view).collect::<Vec<_>>() }))
}

async fn view(client: &Client, command: &Value) -> Result<Value, Failure> {
    let top = number(command, "top").unwrap_or(u64::MAX);
    let mut query = ViewQuery {
        view: text(command, "view").to_owned(),
        person: id_or_none(command, "person"),
        organisation: id_or_none(command, "organisation"),
        key: texts(command, "key").into_iter().map(id).collect(),
        columns: texts(command, "columns").into_iter().map(str::to_owned).collect(),
        at: day(command),
        as_of: position(command, "as_of"),
        sort: text(command, "sort").to_owned(),
        page_size: 100,
        ..ViewQuery::default()
    };
    let mut rows = Vec::new();
    loop {
        let page = client.query_view(&query).await?;
        rows.extend(page.rows.iter().map(|row| row_json(&page.fields, row)));
        if page.next_page_token.is_empty() || rows.len() as u64 >= top {
            rows.truncate(usize::try_from(top).unwrap_or(usize::MAX));
            let (position, day) = (page.position, day_text(Day::new(page.day)));
            return Ok(json!({ "rows": rows, "position": position, "day": day, "total": page.total }));
        }
        query.page_token = page.next_page_token;
    }
}

fn day(command: &Value) -> Option<Day> {
    let text = command["at"].as_str()?;
    Some(read_day(text).expect("days in commands are well formed"))
}

async fn why(client: &Client, command: &Value) -> Result<Value, Failure> {
    let query = RowQuery {
        view: text(command, "view").to_owned(),
        key: texts(command, "key").into_iter().map(id).collect(),
        at: day(command),
        as_of: position(command, "as_of"),
        ..RowQuery::default()
    };
    let found = client.explain_row(&query).await?;
    let evidence = found.evidence.iter().map(|one| {
        let position = kith_client::Recorded::of_evidence(one)?.entry.position.get();
        Ok::<_, Failure>(json!({ "position": position, "share": one.share }))
    });
    Ok(json!({
        "rows": found.rows.iter().map(|row| row_json(&found.fields, row)).collect::<Vec<_>>(),
        "evidence": evidence.collect::<Result<Vec<_>, _>>()?,
        "hidden": found.hidden,
        "share_of": found.share_of,
    }))
}

async fn checkpoint(client: &Client) -> Result<Value, Failure> {
    let head = client.checkpoint().await?;
    Ok(json!({ "note": head.checkpoint.to_string(), "key": head.key.to_string() }))
}

async fn receipt(client: &Client, command: &Value) -> Result<Value, Failure> {
    let (receipt, found) = client.receipt(&id(text(command, "event"))).await?;
    receipt.verify(&key(command)?).map_err(|why| crate::answers::not_verified(format!("{found}: {why}")))?;
    Ok(json!({ "receipt": receipt.to_string() }))
}

async fn growth(client: &Client, command: &Value) -> Result<Value, Failure> {
    let earlier = SignedCheckpoint::parse(text(command, "earlier")).map_err(crate::answers::not_verified)?;
    let (growth, _) = client.growth(&earlier).await?;
    growth.verify(&earlier, &key(command)?).map_err(crate::answers::not_verified)?;
    Ok(json!({ "growth": growth.to_string() }))
}
