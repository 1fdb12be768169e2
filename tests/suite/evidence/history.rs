//! The history of two people is the same at the server, in a replica and from a bundle.

use super::{Pair, auditor};
use serde_json::{Value, json};

/// The history from everywhere, which must be equal.
fn everywhere(pair: &Pair, arguments: &[&str]) -> String {
    let (bundle, replica) = (pair.path("bundle"), pair.path("replica"));
    let (bundle, replica) = (bundle.to_str().unwrap(), replica.to_str().unwrap());
    let at_server = pair.cli.run(&[&["audit", "history"], arguments].concat()).ok().stdout;
    let in_replica = pair.cli.run(&[&["--replica", replica, "audit", "history"], arguments].concat()).ok().stdout;
    let from = [&["audit", "history"], arguments, &["--from", bundle, "--key", &pair.key]].concat();
    let from_bundle = auditor().run(&from).ok().stdout;
    assert_eq!(in_replica, at_server, "{arguments:?}");
    assert_eq!(from_bundle, at_server, "{arguments:?}");
    at_server
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn with_copies() -> Pair {
    let pair = Pair::make();
    pair.export("bundle", &["--between", "amina", "ben", "--disclose", "all"]);
    let replica = pair.path("replica");
    pair.cli.run(&["--replica", replica.to_str().unwrap(), "sync"]).ok();
    pair
}

#[test]
fn what_happened_is_told_alike_everywhere() {
    let pair = with_copies();
    let told = lines(&everywhere(&pair, &["amina", "ben", "-o", "json"]));
    let kinds: Vec<_> = told.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["met", "referred", "answered", "met", "helped", "met", "met", "met"]);
    let first = &told[0];
    assert_eq!(first["id"], pair.meeting);
    assert_eq!((&first["happened"], &first["status"]), (&json!("2026-03-01T12:00:00Z"), &json!("stands")));
    let note = json!({ "kind": "note", "subjects": ["amina", "ben"], "text": "spoke about discharge letters" });
    assert_eq!(first["words"][0], note, "{first}");
    assert_eq!(first["people"], json!(["amina", "ben"]));
    assert_eq!((&first["outcome"], &first["category"]), (&Value::Null, &Value::Null));
    assert_eq!(told[1]["id"], pair.referral);
    assert_eq!(told[1]["outcome"], json!({ "state": "accepted", "at": told[2]["position"] }));
    let retracted = json!({ "retracted_at": told[3]["position"].as_u64().unwrap() + 1, "reason": "mistake" });
    assert_eq!(told[3]["status"], retracted, "{}", told[3]);
    assert_eq!(told[4]["category"], "beds");
    let by_details = told[5]["words"][0]["erased_at"].as_u64().unwrap();
    assert_eq!(by_details, told[5]["position"].as_u64().unwrap() + 1, "{}", told[5]);
    assert!(told[6]["words"][0]["erased_at"].as_u64() > told[6]["position"].as_u64(), "{}", told[6]);
    assert_eq!(told[7]["people"], json!(["p-7", "ben"]), "an id that was merged");
    let fields: Vec<_> = first.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "position",
        "id",
        "happened",
        "recorded",
        "recorded_by",
        "organisation",
        "kind",
        "people",
        "category",
        "words",
        "status",
        "outcome",
    ];
    assert_eq!(fields.len(), expected.len());
    assert!(expected.iter().all(|field| fields.contains(field)), "{fields:?}");
}

#[test]
fn it_is_told_as_it_was_known_at_a_position_or_on_a_day() {
    let pair = with_copies();
    let told = |as_of: &str| lines(&everywhere(&pair, &["amina", "ben", "-o", "json", "--as-of", as_of]));
    let all = told(&pair.cli.head().to_string());
    let at = |place: usize| all[place]["position"].as_u64().unwrap();
    let before_answer = told(&(at(2) - 1).to_string());
    assert_eq!(before_answer.len(), 2);
    assert_eq!(before_answer[1]["outcome"], json!({ "state": "unanswered", "at": null }));
    let before_retraction = told(&at(3).to_string());
    assert_eq!(before_retraction[3]["status"], "stands");
    assert_eq!(told(&(at(3) + 1).to_string())[3]["status"]["reason"], "mistake");
    let before_merge = told(&at(7).to_string());
    assert_eq!(before_merge.len(), 7, "nobody knew yet that the two are one");
    assert_eq!(told(&(at(7) + 1).to_string()).len(), 8);
    assert_eq!(told("2026-03-01"), Vec::<Value>::new(), "it was recorded later");
    assert_eq!(told("today").len(), 8);
}

#[test]
fn it_is_told_to_people_with_answers_and_corrections_below() {
    let pair = with_copies();
    let table = everywhere(&pair, &["Amina Shah", "ben"]);
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert!(rows[0].contains("Amina Shah and Ben Okoro met  “spoke about discharge letters”  “ward 7”"), "{table}");
    assert!(rows[1].contains("  referred") && rows[1].contains("accepted"), "{table}");
    assert!(rows[2].contains("    answered"), "{table}");
    assert!(rows[3].ends_with("withdrawn") && rows[4].contains("    retracted"), "{table}");
    assert!(rows[4].contains("because of mistake") && table.contains("(words erased at "), "{table}");
    let history = |people: [&str; 2]| pair.cli.run(&["audit", "history", people[0], people[1]]);
    history(["amina", "p-7"]).exits(2).says("one person");
    history(["amina", "nobody"]).exits(3).says("nobody");
    let bundle = pair.path("bundle");
    let from = |people: [&str; 2]| {
        let history = ["audit", "history", people[0], people[1], "--from", bundle.to_str().unwrap()];
        auditor().run(&[&history[..], &["--key", &pair.key]].concat())
    };
    from(["amina", "dan"]).exits(3).says("there is no person \"dan\"");
    from(["amina", "p-7"]).exits(2).says("one person");
    let text = std::fs::read_to_string(&bundle).unwrap().replace("\"withheld\"", "\"withhold\"");
    let piped = ["audit", "history", "amina", "ben", "--from", "-", "--key", &pair.key];
    auditor().run_with_input(&piped, &text).ok();
    auditor().run_with_input(&piped, &text.replacen("\"hash\":\"", "\"hash\":\"A", 1)).exits(6);
}
