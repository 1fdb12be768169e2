//! `kith import mail`: who wrote to whom, from the headers of a mailbox.

use super::{
    import_calendar::NO_ORGANISATION,
    occasions::{ConsentArgs, record},
    recording::ScopeArg,
};
use crate::{
    context::Context,
    failure::Failure,
    import::occasions::{network::Network, preview::Preview},
    input::files::Rereadable,
    place::Place,
};
use clap::Args;
use kith_core::{
    event::{HabitKind, Scope},
    reason::Reason,
};
use kith_import::{
    addresses::Addresses,
    mail::{Mails, NotMailbox, Passed, Settings, read_mails},
    occasions::plan,
};
use kith_json::derived::digest_of;
use std::path::PathBuf;

/// Import who wrote to whom from a mailbox (mbox): headers only
///
/// A message from a person of the network to others of it, found by their e-mail addresses, is a follow-up. Subjects and
/// bodies are never read, and nobody is ever added: addresses of nobody here are left out and listed. Mail of lists and
/// programs, and mail to more than 20 recipients, is left out.
///
/// Only your organisation sees what is recorded, unless you say otherwise. Importing a mailbox twice adds nothing; a
/// message whose people are known better by now is withdrawn and recorded anew. Broken messages are refused by their
/// line, and the others recorded.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith import mail sent.mbox --dry-run\n  kith import mail sent.mbox.gz --yes\n  \
                        kith import mail sent.mbox --replica net --me amina --yes")]
pub(crate) struct MailArgs {
    /// The mailbox; it may be compressed with gzip, - is standard input
    file: PathBuf,
    /// Whose mailbox it is, by id or part of the name: needed with a replica, which does not know whose it is
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    me: Option<String>,
    /// Who may see the follow-ups
    #[arg(long, value_enum, default_value = "organisation")]
    scope: ScopeArg,
    #[command(flatten)]
    consent: ConsentArgs,
}

pub(crate) async fn run(context: &mut Context, args: &MailArgs) -> Result<(), Failure> {
    let path = &args.file;
    let me = context.resolver().person_or_none(args.me.as_ref()).await?;
    if me.is_none() && matches!(context.place, Place::Replica(_)) {
        return Err(Failure::Usage("a replica does not know whose it is: --me says whose mailbox this is".to_owned()));
    }
    let Network { directory, known, log } = Network::read(&context.place, HabitKind::FollowedUp, me.as_ref()).await?;
    let scope = Scope::from(args.scope);
    if scope == Scope::Organisation && log.organisation.is_none() {
        return Err(Failure::Usage(NO_ORGANISATION.to_owned()));
    }
    let settings = Settings { log, scope, now: kith_client::now() };
    let mut source = Rereadable::open(path)?;
    let file = digest_of(source.again_bytes(path)?).map_err(|error| Failure::file("read", path, error))?;
    let addresses = Addresses::of(&directory);
    let mails = read_mails(source.again_bytes(path)?, &settings, &addresses).map_err(|why| match why {
        NotMailbox::Unreadable(error) => Failure::file("read", path, error),
        why @ (NotMailbox::NoSeparator | NotMailbox::TooMany { .. }) => Failure::Refused {
            reason: Reason::EventInvalid,
            message: format!("{} {why}; nothing was recorded", path.display()),
        },
    })?;
    let Mails { occasions, mut refusals, passed, strangers, .. } = mails;
    let plan = plan(occasions, &known, &addresses, &file, settings.now);
    refusals.extend(plan.refusals());
    refusals.sort_by_key(|refusal| refusal.spot);
    let preview =
        Preview { plan: &plan, noun: ("mail", "mails"), passed: named(passed), strangers: &strangers, refusals };
    record(context, &args.consent, &preview).await
}

/// What is no follow-up, with its name.
fn named(passed: Passed) -> Vec<(&'static str, u64)> {
    let Passed { lists, automatic, crowded, from_strangers, to_strangers } = passed;
    vec![
        ("from lists", lists),
        ("from programs", automatic),
        ("to too many recipients", crowded),
        ("from nobody of the network", from_strangers),
        ("to nobody else of the network", to_strangers),
    ]
}
