//! The commands, one file each, with their arguments and what they do. They are grouped by what they need to run.

mod admin;
mod answered;
mod asked;
mod audit;
mod audit_bundle;
mod audit_export;
mod audit_history;
mod audit_redact;
mod audit_verify;
mod completions;
mod console;
mod details;
mod evaluate;
mod export;
mod feed;
mod followed_up;
mod head;
mod helped;
mod hold;
mod import;
mod import_calendar;
mod import_contacts;
mod import_edges;
mod import_mail;
mod log;
mod login;
mod man;
mod member;
mod met;
mod network;
mod occasions;
mod org;
mod pages;
mod person;
mod plugin;
mod record;
mod recording;
mod records;
mod referred;
mod replica;
mod replicas;
mod retract;
mod selection;
mod token;
mod view;
mod watch;
mod webhook;
mod whoami;
mod why;

pub(crate) use audit::AuditCommand;
pub(crate) use audit_history::{run as history, run_from as history_from};
pub(crate) use plugin::PluginCommand;
pub(crate) use replica::ReplicaCommand;

use crate::{context::Context, failure::Failure, place::settings::GlobalArgs, show::output::Output};
use clap::Subcommand;

/// All commands. Help lists them in the order given here, those with a number last.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Either(EitherCommand),
    #[command(flatten)]
    Server(ServerCommand),
    #[command(flatten)]
    Replica(ReplicaCommand),
    #[command(flatten)]
    Alone(AloneCommand),
    #[command(subcommand, display_order = 104)]
    Plugin(PluginCommand),
    #[command(subcommand, display_order = 105)]
    Audit(AuditCommand),
}

/// Commands that work on a replica if one is named, otherwise at the server.
#[derive(Debug, Subcommand)]
pub(crate) enum EitherCommand {
    Met(met::MetArgs),
    FollowedUp(followed_up::FollowedUpArgs),
    Asked(asked::AskedArgs),
    Helped(helped::HelpedArgs),
    Referred(referred::ReferredArgs),
    Answered(answered::AnsweredArgs),
    Retract(retract::RetractArgs),
    Record(record::RecordArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    Log(log::LogArgs),
    Head(head::HeadArgs),
    View(view::ViewArgs),
    Why(why::WhyArgs),
    Watch(watch::WatchArgs),
    #[command(subcommand, display_order = 100)]
    Person(person::PersonCommand),
    #[command(subcommand, display_order = 101)]
    Org(org::OrgCommand),
}

/// Commands that need the server.
#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    Evaluate(evaluate::EvaluateArgs),
    Console(console::ConsoleArgs),
    Whoami(whoami::WhoamiArgs),
    #[command(subcommand, display_order = 102)]
    Network(network::NetworkCommand),
    #[command(subcommand, display_order = 103)]
    Token(token::TokenCommand),
    #[command(subcommand, display_order = 103)]
    Member(member::MemberCommand),
    #[command(subcommand, display_order = 103)]
    Feed(feed::FeedCommand),
    #[command(subcommand, display_order = 103)]
    Webhook(webhook::WebhookCommand),
    #[command(subcommand, name = "replica", display_order = 103)]
    Replicas(replicas::ReplicasCommand),
    #[command(subcommand, display_order = 103)]
    Hold(hold::HoldCommand),
    #[command(subcommand, display_order = 103)]
    Details(details::DetailsCommand),
    #[command(subcommand, display_order = 106)]
    Admin(admin::AdminCommand),
}

/// Commands that need neither server nor replica.
#[derive(Debug, Subcommand)]
pub(crate) enum AloneCommand {
    #[command(display_order = 107)]
    Login(login::LoginArgs),
    #[command(display_order = 108)]
    Completions(completions::CompletionsArgs),
    #[command(display_order = 109)]
    Man(man::ManArgs),
}

impl EitherCommand {
    /// Runs on a replica or at the server.
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Met(args) => met::run(context, &args).await,
            Self::FollowedUp(args) => followed_up::run(context, &args).await,
            Self::Asked(args) => asked::run(context, &args).await,
            Self::Helped(args) => helped::run(context, &args).await,
            Self::Referred(args) => referred::run(context, &args).await,
            Self::Answered(args) => answered::run(context, &args).await,
            Self::Retract(args) => retract::run(context, &args).await,
            Self::Record(args) => record::run(context, args).await,
            Self::Import(args) => import::run(context, args).await,
            Self::Export(args) => export::run(context, &args).await,
            Self::Log(args) => log::run(context, &args).await,
            Self::Head(args) => head::run(context, &args).await,
            Self::View(args) => view::run(context, args).await,
            Self::Why(args) => why::run(context, &args).await,
            Self::Watch(args) => watch::run(context, &args).await,
            Self::Person(command) => person::run(context, command).await,
            Self::Org(command) => org::run(context, command).await,
        }
    }
}

impl ServerCommand {
    /// Runs at the server.
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Evaluate(args) => evaluate::run(context, args).await,
            Self::Console(args) => console::run(context, &args).await,
            Self::Whoami(args) => whoami::run(context, &args).await,
            Self::Network(command) => network::run(context, command).await,
            Self::Token(command) => token::run(context, command).await,
            Self::Member(command) => member::run(context, command).await,
            Self::Feed(command) => feed::run(context, command).await,
            Self::Webhook(command) => webhook::run(context, command).await,
            Self::Replicas(command) => replicas::run(context, command).await,
            Self::Hold(command) => hold::run(context, command).await,
            Self::Details(command) => details::run(context, command).await,
            Self::Admin(command) => admin::run(context, command).await,
        }
    }
}

impl AloneCommand {
    /// Runs without server or replica. `kith` is the definition of the command line.
    pub(crate) async fn run(
        self,
        global: &GlobalArgs,
        kith: clap::Command,
        output: &mut Output,
    ) -> Result<(), Failure> {
        match self {
            Self::Login(args) => login::run(&args, global, output).await,
            Self::Completions(args) => completions::run(&args, kith, output),
            Self::Man(args) => man::run(&args, kith, output),
        }
    }
}
