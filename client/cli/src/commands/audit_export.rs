//! `kith audit export`: a part of the log as evidence, on standard output.

use super::audit::remember;
use crate::{context::Context, failure::Failure, show::output::remark};
use clap::{ArgGroup, Args};
use kith_core::{
    evidence::{About, Completeness, Disclosure},
    position::Position,
};
use std::str::FromStr;

/// Print a part of the log as evidence that anybody verifies
///
/// The evidence is a bundle of lines in JSON: the entries that you may see, hashes in place of all others, and a signed
/// checkpoint that covers all of it. `kith audit verify` verifies it without a server, and so does any program that
/// follows the description in proto/kith/v1/audit.proto. People are meant under every id that means them. Words stay
/// out unless --disclose says otherwise: what is disclosed is out of reach of a later erasure. Needs an auditor, a
/// records officer or an owner.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("about").required(true).args(["between", "person", "range"]),
    after_help = "Examples:\n  kith audit export --between amina ben --disclose name > pair.evidence\n  \
                  kith audit export --person amina --disclose name,note > amina.evidence\n  \
                  kith audit export --range 1..500 > range.evidence"
)]
pub(crate) struct ExportArgs {
    /// What these two people took part in together
    #[arg(long, num_args = 2, value_names = ["A", "B"], allow_hyphen_values = true)]
    between: Vec<String>,
    /// What this person took part in
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    person: Option<String>,
    /// All entries from one position to another
    #[arg(long, value_name = "M..N")]
    range: Option<Range>,
    /// The words to disclose: all, none, or kinds with commas between them (name, contact, note, place, words)
    #[arg(long, value_name = "KINDS", default_value = "none")]
    disclose: Disclosure,
}

/// A range of positions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: Position,
    last: Position,
}

impl FromStr for Range {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ends = text.split_once("..").and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
        match ends {
            Some((first, last)) if 1 <= first && first <= last => {
                Ok(Self { first: Position::new(first), last: Position::new(last) })
            }
            Some(_) | None => Err("a range is two positions from 1 on, such as 1..500"),
        }
    }
}

pub(crate) async fn run(context: &mut Context, args: &ExportArgs) -> Result<(), Failure> {
    let about = about(context, args).await?;
    let mut export = context.server()?.export(&about, &args.disclose).await?;
    let heading = export.heading().clone();
    remember(&heading.key)?;
    while let Some(line) = export.next().await? {
        context.output.line(&line)?;
    }
    context.output.flush()?;
    if heading.complete != Completeness::Range {
        remark(&format!("it is complete only {}: all else is in it as hashes", heading.complete));
    }
    remark(&format!("signed by {}", heading.key));
    Ok(())
}

async fn about(context: &Context, args: &ExportArgs) -> Result<About, Failure> {
    let mut resolver = context.participants();
    match (args.between.as_slice(), &args.person, args.range) {
        ([one, other], _, _) => Ok(About::Between([resolver.person(one).await?, resolver.person(other).await?])),
        (_, Some(person), _) => Ok(About::Person(resolver.person(person).await?)),
        (_, None, Some(Range { first, last })) => Ok(About::Range { first, last }),
        (_, None, None) => Err(Failure::Usage("say what about: --between, --person or --range".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_two_ends_in_order() {
        let range = |first, last| Ok(Range { first: Position::new(first), last: Position::new(last) });
        assert_eq!("1..500".parse(), range(1, 500));
        assert_eq!("7..7".parse(), range(7, 7));
        for wrong in ["", "7", "..7", "7..", "0..7", "8..7", "1...7", "a..b", "1..18446744073709551616"] {
            assert!(wrong.parse::<Range>().is_err(), "{wrong}");
        }
    }
}
