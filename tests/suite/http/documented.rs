//! What the README shows of the HTTP door works as it is printed.

use kith_core::timestamp::Timestamp;
use kith_tests::{
    http::open,
    node::{InProcess, SetClock},
    programs::root,
};
use std::fs;

/// The day of the README's demonstration.
const SHOWN_AT: Timestamp = Timestamp::from_millis(1_795_435_200_000);
/// The address in the README.
const ADDRESS: &str = "http://127.0.0.1:7420";

/// The words of the commands in a text, as a shell divides them; a command ends with its line.
fn commands(text: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word, mut quote) = (Vec::new(), Vec::new(), String::new(), None);
    for letter in text.chars().chain(['\n']) {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ' ' | '\n') => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                if letter == '\n' && !words.is_empty() {
                    commands.push(std::mem::take(&mut words));
                }
            }
            _ => word.push(letter),
        }
    }
    commands
}

#[test]
fn the_commands_of_the_readme_are_answered() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let block = readme.split("```sh\n").find(|block| block.starts_with("TOKEN=")).expect("it shows some");
    let server = InProcess::start_with_demo(&SetClock::at(SHOWN_AT));
    server.cli().network("demo").run(&["view", "strength", "--wait", "60"]).ok();
    let mut answered = 0;
    for words in commands(block.split("\n```").next().unwrap()).iter().filter(|words| words[0] == "curl") {
        let (mut headers, mut body, mut path) = (Vec::new(), None, None);
        let mut words = words[1..].iter().map(|word| word.replace("$TOKEN", &server.token()));
        while let Some(word) = words.next() {
            match word.as_str() {
                "-H" => headers.push(words.next().expect("a header")),
                "--json" => body = Some(words.next().expect("a body")),
                "-N" => {}
                address => path = Some(address.strip_prefix(ADDRESS).expect("the address").to_owned()),
            }
        }
        if body.is_some() {
            headers.extend(["content-type: application/json".to_owned(), "accept: application/json".to_owned()]);
        }
        let headers: Vec<_> = headers.iter().map(|header| header.split_once(": ").unwrap()).collect();
        let (method, body) = body.as_ref().map_or(("GET", ""), |body| ("POST", body));
        let expected = if body.is_empty() { "\"position\":" } else { "\"duplicate\":false" };
        let mut answer = open(&server.url(), method, &path.expect("an address"), &headers, body.as_bytes());
        let told = answer.wait_for(expected);
        assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
        answered += 1;
    }
    assert_eq!(answered, 3);
}

#[test]
fn words_are_divided_as_a_shell_does() {
    assert_eq!(
        commands("curl -H 'a: b' --json '\n {\"c\": 1}'\nls"),
        [vec!["curl", "-H", "a: b", "--json", "\n {\"c\": 1}"], vec!["ls"]]
    );
}
