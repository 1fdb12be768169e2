//! Large numbers of things in words.

use kith_core::counted::noun;

/// A number with commas between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    let mut text = head.to_owned();
    for (index, digit) in rest.chars().enumerate() {
        if index % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many things: `1 person`, `2,000 people`.
pub(crate) fn amount(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), noun(number, one, many))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        for (number, text) in [(0, "0"), (999, "999"), (1_204, "1,204"), (1_000_000, "1,000,000")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn one_thing_is_no_things() {
        let people = |number| amount(number, "person", "people");
        assert_eq!([0, 1, 2_000].map(people), ["0 people", "1 person", "2,000 people"]);
    }
}
