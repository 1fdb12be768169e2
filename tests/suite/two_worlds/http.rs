//! The same over the HTTP door: its routes make the calls of their names, and must tell no more.

use super::history::{History, PEOPLE};
use kith_tests::http::{Answer, open, request};
use serde_json::Value;

const VIEWS: [&str; 3] = ["strength", "introductions", "bridges"];

/// What an observer is told by every route; each is named as the call that it makes.
pub(super) fn answers(url: &str, secret: &str, network: &str, history: &History) -> Vec<(String, String)> {
    let bearer = format!("Bearer {secret}");
    let get = |path: &str| request(url, "GET", &format!("/v1/{network}/{path}"), &[("authorization", &bearer)], b"");
    let mut told = Vec::new();
    let mut tell = |call: &str, path: &str| {
        let answer = get(path);
        told.push((format!("{call} {path}"), shown(&answer)));
        answer
    };
    tell("Head", "head");
    let mut paths = vec!["entries".to_owned(), "entries?order=newest&limit=5".to_owned()];
    paths.push("entries?organisation=riverside&kind=met".to_owned());
    paths.extend(PEOPLE.iter().map(|(person, _)| format!("entries?person={person}&limit=3")));
    let ids = history.hidden.iter().take(5).chain(history.seen.iter().take(2));
    paths.extend(ids.map(|id| format!("entries/{id}")));
    for path in paths {
        tell("Read", &path);
    }
    tell("ListPeople", "people");
    tell("ListOrganisations", "organisations");
    for view in VIEWS {
        let rows = tell("QueryView", &format!("views/{view}")).json_lines();
        let keys = rows.iter().filter_map(|row| row["key"].as_array()).take(2);
        for key in keys {
            let key: Vec<_> = key.iter().filter_map(Value::as_str).map(|id| format!("key={id}")).collect();
            tell("ExplainRow", &format!("views/{view}/why?{}", key.join("&")));
        }
    }
    let events = [("authorization", bearer.as_str()), ("accept", "text/event-stream")];
    let text = open(url, "GET", &format!("/v1/{network}/entries"), &events, b"").wait_for(": caught up");
    let data: Vec<_> = text.lines().filter(|line| line.starts_with("id: ") || line.starts_with("data: ")).collect();
    told.push(("Subscribe entries".to_owned(), data.join("\n")));
    told
}

/// An answer without the root, which hashes what is hidden as well.
fn shown(answer: &Answer) -> String {
    let mut lines = answer.json_lines();
    for line in &mut lines {
        if let Some(fields) = line.as_object_mut() {
            fields.remove("root");
        }
    }
    format!("{} {} {lines:?}", answer.status, answer.header("etag"))
}
