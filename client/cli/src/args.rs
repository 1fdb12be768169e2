//! The command line: what can be typed, and what runs.

use crate::{
    commands::{
        admin, answered, asked, audit, audit_verify, completions, evaluate, followed_up, head, helped, import, log,
        login, man, met, network, org, person, plugin, record, referred, replica::ReplicaCommand, retract, token, view,
        watch, why,
    },
    context::Context,
    failure::Failure,
    place::{
        Place,
        profile::{Profile, profile_path},
        settings::{GlobalArgs, ReplicaSettings, Settings},
    },
    show::output::Output,
};
use clap::{Parser, Subcommand};

/// Records who met, helped and introduced whom, and shows what follows from it
#[derive(Debug, Parser)]
#[command(
    name = "kith",
    version,
    propagate_version = true,
    after_help = "Examples:\n  kith met amina ben --on yesterday --note 'spoke about discharge letters'\n  \
                  kith view strength --person amina --top 10\n  kith why strength amina ben",
    max_term_width = 100
)]
pub(crate) struct Kith {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Met(met::MetArgs),
    FollowedUp(followed_up::FollowedUpArgs),
    Asked(asked::AskedArgs),
    Helped(helped::HelpedArgs),
    Referred(referred::ReferredArgs),
    Answered(answered::AnsweredArgs),
    Retract(retract::RetractArgs),
    Record(record::RecordArgs),
    Import(import::ImportArgs),
    Log(log::LogArgs),
    Head(head::HeadArgs),
    View(view::ViewArgs),
    Why(why::WhyArgs),
    Watch(watch::WatchArgs),
    Evaluate(evaluate::EvaluateArgs),
    #[command(flatten)]
    Replica(ReplicaCommand),
    #[command(subcommand)]
    Person(person::PersonCommand),
    #[command(subcommand)]
    Org(org::OrgCommand),
    #[command(subcommand)]
    Network(network::NetworkCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    Login(login::LoginArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Kith {
    /// Runs the command to its end.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut output = Output::new(self.global.output);
        match self.command {
            Command::Audit(audit::AuditCommand::Verify(args)) => {
                audit_verify::run(&args, &self.global, &mut output).await?;
            }
            Command::Plugin(command) if command.is_alone() => return command.run_alone(output).await,
            Command::Login(args) => login::run(&args, &self.global, &mut output).await?,
            Command::Completions(args) => completions::run(&args, &mut output)?,
            Command::Man(args) => man::run(&args, &mut output)?,
            command => return command.run_somewhere(&self.global, output).await,
        }
        output.flush()
    }
}

impl Command {
    /// Runs on the replica, if there is one and the command works there; at the server otherwise.
    async fn run_somewhere(self, global: &GlobalArgs, mut output: Output) -> Result<(), Failure> {
        let variable = |name: &str| std::env::var_os(name);
        let profile = match profile_path().and_then(|path| Profile::read(&path)) {
            // A profile that cannot be read stops nobody who needs none.
            Err(_) if global.say_all(variable) => None,
            profile => profile?,
        };
        let replica = ReplicaSettings::resolve(global, variable, profile.as_ref())?;
        let settings = || Settings::resolve(global, variable, profile.as_ref());
        if let Self::Replica(command) = self {
            let replica = replica.ok_or_else(no_replica)?;
            let replica = Place::open(&replica.folder, replica.network)?;
            let connect = || settings()?.connect_later();
            let done = command.run(replica, connect, &mut output).await;
            return done.and(output.flush());
        }
        let place = match (self.needs(), replica) {
            (Needs::Either, Some(replica)) => Place::Replica(Place::open(&replica.folder, replica.network)?),
            (Needs::Either, None) | (Needs::Server, _) => Place::Server(Box::new(settings()?.connect().await?)),
        };
        let keeps_level_with = match place {
            // Without a server the command goes on with what is here.
            Place::Replica(_) => settings().and_then(Settings::connect_later).ok(),
            Place::Server(_) => None,
        };
        let mut context = Context { place, keeps_level_with, output };
        let done = self.run(&mut context).await;
        let flushed = context.output.flush();
        done.and(flushed)
    }

    /// What it needs to run.
    fn needs(&self) -> Needs {
        match self {
            Self::Met(_)
            | Self::FollowedUp(_)
            | Self::Asked(_)
            | Self::Helped(_)
            | Self::Referred(_)
            | Self::Answered(_)
            | Self::Retract(_)
            | Self::Record(_)
            | Self::Log(_)
            | Self::Head(_)
            | Self::Person(_)
            | Self::Plugin(_)
            | Self::View(_)
            | Self::Why(_)
            | Self::Watch(_)
            | Self::Import(_)
            | Self::Org(_) => Needs::Either,
            Self::Evaluate(_)
            | Self::Network(_)
            | Self::Token(_)
            | Self::Audit(_)
            | Self::Admin(_)
            | Self::Replica(_)
            | Self::Login(_)
            | Self::Completions(_)
            | Self::Man(_) => Needs::Server,
        }
    }

    async fn run(self, context: &mut Context) -> Result<(), Failure> {
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
            Self::Log(args) => log::run(context, &args).await,
            Self::Head(args) => head::run(context, &args).await,
            Self::View(args) => view::run(context, args).await,
            Self::Why(args) => why::run(context, &args).await,
            Self::Watch(args) => watch::run(context, &args).await,
            Self::Evaluate(args) => evaluate::run(context, args).await,
            Self::Person(command) => person::run(context, command).await,
            Self::Org(command) => org::run(context, command).await,
            Self::Network(command) => network::run(context, command).await,
            Self::Token(command) => token::run(context, command).await,
            Self::Plugin(command) => plugin::run(context, command).await,
            Self::Audit(command) => audit::run(context, command).await,
            Self::Admin(command) => admin::run(context, command).await,
            Self::Replica(_) | Self::Login(_) | Self::Completions(_) | Self::Man(_) => {
                unreachable!("these run without a connection")
            }
        }
    }
}

/// What a command needs to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// The server.
    Server,
    /// A replica if one is named, the server otherwise.
    Either,
}

fn no_replica() -> Failure {
    Failure::Usage("no replica: name its folder with --replica or KITH_REPLICA".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Kith::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                command.get_subcommands().for_each(|inner| check(inner, &path));
            }
            if !command.has_subcommands() || command.get_after_help().is_some() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.starts_with("Example"), "{path} has no example");
            }
        }
        check(&Kith::command(), "");
    }

    #[test]
    fn whoever_and_whatever_is_named_may_begin_with_a_dash() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            for argument in command.get_arguments() {
                let names = argument.get_value_names().unwrap_or_default();
                if names.iter().any(|name| ["PERSON", "ORGANISATION", "CATEGORY", "TEXT"].contains(&name.as_str())) {
                    let allowed = argument.is_allow_hyphen_values_set() || argument.is_allow_negative_numbers_set();
                    assert!(allowed, "{path}: {argument}");
                }
            }
            command.get_subcommands().for_each(|inner| check(inner, &path));
        }
        check(&Kith::command(), "");
    }

    #[test]
    fn everything_documented_can_be_typed() {
        let id = "019d0000-0000-7000-8000-000000000000";
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let lines = [
            "network add demo",
            "network list",
            "token add --role recorder --person amina --organisation riverside --expires 90d",
            "token list",
            "token revoke t1",
            "org add Riverside --id riverside",
            "org list",
            "person add Amina --org riverside --role GP --id amina",
            "person list",
            "person show amina",
            "person change amina --name Amina --org riverside --role GP",
            "person change amina --no-org --on yesterday",
            "person merge p-abc --into amina",
            "met amina ben carol --on yesterday --place ward --note text --attribute a=b --attribute n:=1 --scope organisation --if-head 7",
            "met amina ben --id ID --on 2026-01-01",
            "met amina ben --note -5_degrees --place -1st",
            "met amina -1 --note x",
            "log --person -1",
            "log --between -1 amina",
            "why strength -1 amina",
            "answered ID --by -1 accepted",
            "org add -helpers",
            "person list --org -helpers",
            "sync --person -helpers --org -1",
            "met --on 2026-01-01 -- -helpers -ben",
            "person add -ann --id -1 --org -2",
            "followed-up amina ben --about ID --on today",
            "asked amina ben --for beds",
            "helped amina ben --category beds --about ID --note text",
            "referred carol amina --to ben",
            "answered ID --by ben accepted",
            "retract ID --reason mistake --note text",
            "record -",
            "log --person amina --person ben --kind met --kind followed-up --after 3 --limit 5 --since yesterday --follow",
            "log --between amina ben",
            "head -o json",
            "view",
            "view strength --person amina --org riverside --top 5 --sort -score --at 2026-01-01 --as-of 12",
            "view strength --as-of yesterday",
            "why strength amina ben",
            "watch strength",
            "import contacts.jsonl",
            "import edges f.dat --columns time,from,to --epoch 2010-12-06T13:00:00Z --unit s --as met --join 40s",
            "import edges f.gz --columns from,to,time --epoch 2003-10-01T00:00:00Z --unit s --as followed-up --group",
            "import edges f --columns time,from,to --epoch 2010-12-06 --unit s --as met --people p --people-columns _,id,org --scope organisation",
            "sync",
            "sync --follow",
            "sync --person amina --kind met --org riverside",
            "sync --all",
            "--replica folder status",
            "verify",
            "explain ID",
            "outbox",
            "outbox list",
            "outbox drop ID",
            "outbox drop --all",
            "outbox retry ID",
            "outbox retry --all",
            "reset --keep-outbox",
            "audit checkpoint",
            "audit prove ID",
            "audit prove --since old.checkpoint",
            "audit verify met.tlog-proof --key KEY --consistent-with old.checkpoint",
            "plugin new home_visits --lang python --folder x",
            "plugin new visits --lang js",
            "plugin build --folder x --tools t",
            "plugin check dist/visits.wasm --settings {} --entries 100",
            "plugin check dist/visits.wasm --log x",
            "plugin test",
            "plugin test dist/visits.wasm --accept",
            "plugin try dist/visits.wasm --settings {} --person amina --org riverside --top 3 --sort -days --at yesterday",
            "admin backup --to kith.backup",
            "login http://127.0.0.1:7420 --token-file f --network demo",
            "completions bash",
            "man",
            "--server http://x --token t --network n --output table head",
        ];
        for line in lines {
            let words = line.split(' ').map(|word| match word {
                "ID" => id,
                "KEY" => key,
                word => word,
            });
            if let Err(error) = Kith::try_parse_from(std::iter::once("kith").chain(words)) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let lines = [
            "met amina",
            "org add --iid",
            "person add --help-me",
            "met amina ben --id 019d0000-0000-7000-8000-000000000000",
            "met amina ben --on tomorrow",
            "met amina ben --attribute x",
            "followed-up amina",
            "answered 7 --by ben maybe",
            "retract 7",
            "retract 7 --reason boredom",
            "log --between amina",
            "log --between a b --person c",
            "log --kind mett",
            "log --limit 0",
            "import",
            "import edges f --columns time,from --epoch 2010-12-06 --unit s --as met",
            "import edges f --columns time,from,to --epoch 2010-12-06 --unit s --as met --people-columns id",
            "token add --role king",
            "head --token a --token-file b",
            "plugin new visits",
            "plugin new visits --lang cobol",
            "plugin check",
            "plugin check dist/visits.wasm --settings {\"days\":1,\"days\":2}",
            "plugin try dist/visits.wasm --settings {\"days\":1,\"days\":2}",
            "plugin install dist/visits.wasm --settings {\"days\":1,\"days\":2}",
            "evaluate strength --settings [1]",
            "plugin try",
            "admin backup",
            "reset",
            "sync --all --person amina",
            "outbox drop 7",
            "outbox drop",
            "outbox retry",
            "outbox retry 019d0000-0000-7000-8000-000000000000 --all",
            "audit prove",
            "audit prove 7",
            "audit prove 019d0000-0000-7000-8000-000000000000 --since old",
            "audit verify",
            "audit verify file --key 7",
        ];
        for line in lines {
            let parsed = Kith::try_parse_from(std::iter::once("kith").chain(line.split(' ')));
            assert_eq!(parsed.map(drop).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
