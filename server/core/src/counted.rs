//! Numbers of things in words.

use std::fmt::Display;

/// The word for so many things: `noun(1, "person", "people")` is `person`.
pub fn noun<'a, N: Copy + PartialEq + From<u8>>(number: N, one: &'a str, many: &'a str) -> &'a str {
    if number == N::from(1) { one } else { many }
}

/// So many things: `1 person`, `2000 people`.
pub fn counted<N: Display + Copy + PartialEq + From<u8>>(number: N, one: &str, many: &str) -> String {
    format!("{number} {}", noun(number, one, many))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_things() {
        let people = |number: u64| counted(number, "person", "people");
        assert_eq!([0, 1, 2_000].map(people), ["0 people", "1 person", "2000 people"]);
    }
}
