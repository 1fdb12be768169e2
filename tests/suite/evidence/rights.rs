//! Who may export, and what an export shows of what others keep to themselves.

use super::{Pair, token};
use serde_json::Value;
use std::fs;

#[test]
fn auditors_officers_and_owners_export_and_nobody_else() {
    let pair = Pair::make();
    for (role, may) in [
        ("reader", false),
        ("recorder", false),
        ("analyst", false),
        ("auditor", true),
        ("records-officer", true),
        ("owner", true),
    ] {
        for organisation in [&["--organisation", "riverside"][..], &[]] {
            let (_, secret) = token(&pair.cli, &[&["--role", role], organisation].concat());
            let export = pair.cli.token(&secret).run(&["audit", "export", "--between", "amina", "ben"]);
            if may {
                let of = if organisation.is_empty() { "the network" } else { "riverside" };
                export.ok().prints(&format!("as seen by {role} of {of}"));
            } else {
                assert_eq!(export.exits(4).stdout, "", "{role}");
            }
        }
    }
}

#[test]
fn what_another_organisation_keeps_to_itself_is_only_hashes() {
    let pair = Pair::make();
    let (_, hillside) = token(&pair.cli, &["--role", "recorder", "--organisation", "hillside"]);
    let (_, auditor) = token(&pair.cli, &["--role", "auditor", "--organisation", "riverside"]);
    let (_, own) = token(&pair.cli, &["--role", "auditor", "--organisation", "hillside"]);
    let hidden = ["met", "amina", "ben", "carol", "--scope", "organisation", "--note", "hillside alone"];
    let hidden = pair.cli.token(&hillside).json(&hidden);
    let position = hidden["position"].as_u64().unwrap();
    pair.cli.run(&["met", "amina", "ben"]).ok();
    let (head, shows) = (pair.cli.head(), |verified: &Value| {
        let runs = verified["positions"].as_array().unwrap().iter();
        let ends = |run: &Value| (run[0].as_u64().unwrap(), run[1].as_u64().unwrap());
        runs.map(ends).any(|(first, last)| (first..=last).contains(&position))
    });
    let range = format!("1..{head}");
    for about in [&["--range", &range][..], &["--between", "amina", "ben"], &["--person", "carol"]] {
        let export = [&["audit", "export", "--disclose", "all"], about].concat();
        for (secret, sees) in [(&auditor, false), (&own, true)] {
            let path = pair.path("bundle");
            fs::write(&path, pair.cli.token(secret).run(&export).ok().stdout).unwrap();
            let verified = pair.verify(&path).ok().json();
            assert_eq!(shows(&verified), sees, "{about:?}: {verified}");
            pair.verify_in_python(&path).ok();
            let seen_in_all = sees && about[0] == "--range";
            assert_eq!(verified["complete"] == "range", seen_in_all, "{about:?}: {verified}");
        }
    }
    // A range that ends before it is complete for everybody.
    let before = format!("1..{}", position - 1);
    let path = pair.path("bundle");
    let export = ["audit", "export", "--range", &before];
    fs::write(&path, pair.cli.token(&auditor).run(&export).ok().stdout).unwrap();
    assert_eq!(pair.verify(&path).ok().json()["complete"], "range");
}
