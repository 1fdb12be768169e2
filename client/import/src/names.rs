//! How names are compared, as people read them and not byte by byte; and ids that are made of them.

use kith_core::{id::OrganisationId, limits::ORGANISATION_ID_BYTES_MAX};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A name in the form used for comparison: one form for each letter (NFKC), in one case, with single spaces between
/// words.
pub fn folded(name: &str) -> String {
    // Via upper case, because `ß` and `SS` only agree in upper case.
    let letters = name.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc();
    let letters: String = letters.collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same without accents.
pub fn bare(name: &str) -> String {
    let letters: String = folded(name).nfkd().filter(|letter| !is_combining_mark(*letter)).collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An id derived from a name's letters and digits, without accents: `Riverside Practice` becomes `riverside-practice`.
/// `None` if a letter would be lost: ids are permanent, and one derived from half a name could be mistaken for
/// another's.
pub fn slug(name: &str) -> Option<OrganisationId> {
    let name = bare(name);
    if name.chars().any(|letter| letter.is_alphanumeric() && !letter.is_ascii()) {
        return None;
    }
    let parts = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let slug = parts.collect::<Vec<_>>().join("-");
    let end = slug.len().min(ORGANISATION_ID_BYTES_MAX);
    slug[..end].trim_end_matches('-').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name_are_one() {
        for (one, other) in [
            ("José", "Jose\u{301}"),
            ("Mary\u{a0}Poole", " mary   POOLE "),
            ("Großmann", "GROSSMANN"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
            ("ﬁona", "FIONA"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        assert_ne!(folded("José"), folded("Jose"));
        assert_eq!(bare("José Nuñez"), bare("jose nunez"));
        assert_eq!(bare("İpek Işık"), bare("ipek isik"));
        assert_eq!(bare("\u{301}"), "");
    }

    #[test]
    fn ids_are_made_from_names() {
        let check = |name: &str, id: Option<&str>| {
            assert_eq!(slug(name).as_ref().map(OrganisationId::as_str), id, "{name}");
        };
        check("Riverside Practice", Some("riverside-practice"));
        check("  St. Anne's (North) ", Some("st-anne-s-north"));
        check("東京", None);
        check("Ärztehaus Köln", Some("arztehaus-koln"));
        check("Großer Weg", Some("grosser-weg"));
        check("Клиника № 3", None);
        check("Sygehus Ærø", None);
        check("", None);
        assert_eq!(slug(&"long name ".repeat(20)).unwrap().as_str().len(), 64);
    }
}
