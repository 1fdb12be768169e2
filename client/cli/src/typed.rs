//! Inspects a command line that could not be parsed, or that was parsed in an unintended way.

use crate::args::Kith;
use clap::{Parser, error::ErrorKind};
use std::ffi::OsString;

/// Flags that print something instead of running a command.
const ANSWERING_FLAGS: [&str; 2] = ["-h", "-V"];

/// Whether JSON output was requested.
pub(crate) fn wants_json(typed: &[OsString]) -> bool {
    let texts: Vec<&str> = typed.iter().filter_map(|argument| argument.to_str()).collect();
    let together = ["-ojson", "-o=json", "--output=json"];
    texts.iter().any(|text| together.contains(text))
        || texts.windows(2).any(|pair| matches!(pair, ["-o" | "--output", "json"]))
}

/// The word, such as `-helpers`, that was parsed as `-h` or `-V` followed by more flags, if nothing else in the line
/// asks for help or the version.
pub(crate) fn word_taken_for_help<'t>(error: &clap::Error, typed: &'t [OsString]) -> Option<&'t str> {
    if !is_answer(error) {
        return None;
    }
    let word = typed.iter().filter_map(|argument| argument.to_str()).find(|word| is_cluster(word))?;
    // If the line without such words no longer asks for help, help was not intended.
    let plain = |argument: &OsString| argument.to_str().is_none_or(|word| !is_cluster(word));
    let rest = typed.iter().map(|argument| if plain(argument) { argument.clone() } else { "x".into() });
    let asked = Kith::try_parse_from(rest).err().is_some_and(|error| is_answer(&error));
    (!asked).then_some(word)
}

fn is_cluster(word: &str) -> bool {
    ANSWERING_FLAGS.iter().any(|flag| word.len() > flag.len() && word.starts_with(flag))
}

fn is_answer(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn json_is_seen_in_lines_that_cannot_be_read() {
        let check = |line: &str, wanted: bool| assert_eq!(wants_json(&words(line)), wanted, "{line}");
        check("kith -o json met", true);
        check("kith met --output=json", true);
        check("kith -ojson", true);
        check("kith -o table met json", false);
    }

    #[test]
    fn words_that_begin_like_a_call_for_help_are_told_from_one() {
        let check = |line: &str, word: Option<&str>| {
            let typed = words(line);
            let error = Kith::try_parse_from(&typed).unwrap_err();
            assert_eq!(word_taken_for_help(&error, &typed), word, "{line}");
        };
        check("kith met -helpers ben", Some("-helpers"));
        check("kith met amina ben -Victor", Some("-Victor"));
        check("kith person show -hugo", Some("-hugo"));
        check("kith why strength -hugo", Some("-hugo"));
        for line in ["kith -h", "kith help met", "kith met --help", "kith met amina ben -h", "kith --version"] {
            check(line, None);
        }
        check("kith met -helpers ben --help", None);
        check("kith met amina", None);
    }
}
