//! `kith audit redact`: a copy of a bundle with less in it, which verifies as the bundle did. Needs no server.
//!
//! Invariant: nothing is written before all of the bundle is verified.

use super::audit_bundle::{failed, key_of, read_all};
use crate::{
    failure::Failure,
    input::files::Rereadable,
    place::settings::GlobalArgs,
    show::output::{Output, remark},
};
use clap::{ArgGroup, Args};
use kith_client::{BundleLine, BundleReader, Redaction};
use kith_core::counted::counted;
use kith_core::{checkpoint::VerifierKey, detail::DetailKind, evidence::Shown, id::EventId};
use std::{collections::BTreeSet, path::PathBuf, str::FromStr};

/// Hide words in a bundle of evidence, without a server
///
/// The copy verifies as the bundle did: what is hidden stays committed to. The bundle is verified before anything is
/// written.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true).args(["hide", "only"]),
    after_help = "Examples:\n  kith audit redact pair.evidence --hide name --hide note > shown.evidence\n  \
                  kith audit redact pair.evidence --hide 019d0000-0000-7000-8000-000000000000#1 > shown.evidence\n  \
                  kith audit redact pair.evidence --only 019d0000-0000-7000-8000-000000000000#2 > shown.evidence"
)]
pub(crate) struct RedactArgs {
    /// The bundle that `kith audit export` printed; - for standard input
    file: PathBuf,
    /// Hide words of this kind, or this detail of an event, counted from 1; may be given several times
    #[arg(long, value_name = "KIND|EVENT#N")]
    hide: Vec<Hidden>,
    /// Hide everything but this detail of an event; may be given several times
    #[arg(long, value_name = "EVENT#N")]
    only: Vec<OneDetail>,
    /// The log's public key, in the form NAME+ID+KEY
    #[arg(long, value_name = "KEY")]
    key: Option<VerifierKey>,
}

/// A detail of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct OneDetail {
    event: EventId,
    index: usize,
}

/// What to hide.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hidden {
    Kind(DetailKind),
    Detail(OneDetail),
}

impl FromStr for OneDetail {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let part = |(event, number): (&str, &str)| {
            let index = number.parse::<usize>().ok()?.checked_sub(1)?;
            Some(Self { event: event.parse().ok()?, index })
        };
        text.split_once('#').and_then(part).ok_or("a detail is an event's id, #, and a number from 1")
    }
}

impl FromStr for Hidden {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let detail = || text.parse().map(Self::Detail).ok();
        let found = DetailKind::parse(text).map(Self::Kind).or_else(detail);
        found.ok_or("say name, contact, note, place or words, or an event's id, #, and a number from 1")
    }
}

pub(crate) async fn run(args: &RedactArgs, global: &GlobalArgs, output: &mut Output) -> Result<(), Failure> {
    let mut file = Rereadable::open(&args.file)?;
    let wrong = |error| failed(&args.file, error);
    let bundle = BundleReader::open(file.raw(&args.file)?).map_err(wrong)?;
    let (key, _) = key_of(bundle.heading(), args.key.as_ref(), global).await?;
    let redaction = redaction(args);
    let mut left: BTreeSet<OneDetail> = named(&redaction).collect();
    let mut hidden = 0_u64;
    read_all(&args.file, bundle, &key, |line| {
        let BundleLine { shown: Shown::Entry(shown), .. } = line else { return Ok(()) };
        for (index, detail) in &shown.details {
            left.remove(&OneDetail { event: shown.event.id, index: *index });
            hidden += u64::from(redaction.hides(shown.event.id, *index, detail.kind));
        }
        Ok(())
    })?;
    if let Some(OneDetail { event, index }) = left.first() {
        let path = args.file.display();
        return Err(Failure::NotFound(format!("{path} discloses no detail {} of event {event}", index + 1)));
    }
    let bundle = BundleReader::open(file.raw(&args.file)?).map_err(wrong)?;
    output.line(&bundle.heading().to_string())?;
    read_all(&args.file, bundle, &key, |line| output.line(&redaction.apply(line).to_string()))?;
    output.flush()?;
    remark(&format!("{} hidden", counted(hidden, "detail is", "details are")));
    Ok(())
}

fn redaction(args: &RedactArgs) -> Redaction {
    if args.hide.is_empty() {
        return Redaction::AllBut(args.only.iter().map(|one| (one.event, one.index)).collect());
    }
    let (mut kinds, mut details) = (BTreeSet::new(), BTreeSet::new());
    for hidden in &args.hide {
        match hidden {
            Hidden::Kind(kind) => drop(kinds.insert(*kind)),
            Hidden::Detail(one) => drop(details.insert((one.event, one.index))),
        }
    }
    Redaction::Hide { kinds, details }
}

/// The single details that a redaction names.
fn named(redaction: &Redaction) -> impl Iterator<Item = OneDetail> {
    let (Redaction::Hide { details, .. } | Redaction::AllBut(details)) = redaction;
    details.iter().map(|(event, index)| OneDetail { event: *event, index: *index })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_a_kind_or_one_detail() {
        let event = "019d0000-0000-7000-8000-000000000000";
        let one = OneDetail { event: event.parse().unwrap(), index: 1 };
        assert_eq!("note".parse(), Ok(Hidden::Kind(DetailKind::Note)));
        assert_eq!(format!("{event}#2").parse(), Ok(Hidden::Detail(one)));
        for wrong in
            ["", "notes", event, "#1", &format!("{event}#"), &format!("{event}#0"), &format!("{event}#-1"), "62#1"]
        {
            assert!(wrong.parse::<Hidden>().is_err(), "{wrong}");
        }
    }
}
