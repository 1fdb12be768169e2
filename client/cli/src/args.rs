//! The command line: parses the arguments and runs the command.

use crate::{
    commands::{self, AuditCommand, Command, PluginCommand, ReplicaCommand},
    context::Context,
    failure::Failure,
    place::{
        Place,
        profile::{Profile, profile_path},
        settings::{GlobalArgs, ReplicaSettings, Settings},
    },
    show::output::Output,
};
use clap::{CommandFactory, Parser};
use std::ffi::OsString;

/// Record who met, helped and introduced whom, and show what follows from it
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

impl Kith {
    /// Runs the command to completion.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut output = Output::new(self.global.output);
        match self.command {
            Command::Alone(command) => {
                command.run(&self.global, Self::command(), &mut output).await?;
                output.flush()
            }
            Command::Audit(AuditCommand::Alone(command)) => {
                command.run(&self.global, &mut output).await?;
                output.flush()
            }
            Command::Audit(AuditCommand::History(args)) => {
                if let Some(bundle) = &args.from {
                    commands::history_from(bundle, &args, &self.global, &mut output).await?;
                    return output.flush();
                }
                let given = Given::read(&self.global)?;
                given.anywhere(output, async |context| commands::history(context, &args).await).await
            }
            Command::Plugin(PluginCommand::Alone(command)) => command.run(output).await,
            Command::Replica(command) => Given::read(&self.global)?.on_replica(command, output).await,
            Command::Either(command) => {
                Given::read(&self.global)?.anywhere(output, async |context| command.run(context).await).await
            }
            Command::Plugin(PluginCommand::Either(command)) => {
                Given::read(&self.global)?.anywhere(output, async |context| command.run(context).await).await
            }
            Command::Server(command) => {
                Given::read(&self.global)?.at_server(output, async |context| command.run(context).await).await
            }
            Command::Audit(AuditCommand::Server(command)) => {
                Given::read(&self.global)?.at_server(output, async |context| command.run(context).await).await
            }
        }
    }
}

/// What flags, environment and profile say about the place.
struct Given<'g> {
    global: &'g GlobalArgs,
    profile: Option<Profile>,
    replica: Option<ReplicaSettings>,
}

impl<'g> Given<'g> {
    fn read(global: &'g GlobalArgs) -> Result<Self, Failure> {
        let profile = match profile_path().and_then(|path| Profile::read(&path)) {
            // An unreadable profile does not matter to a command that needs none.
            Err(_) if global.say_all(variable) => None,
            profile => profile?,
        };
        let replica = ReplicaSettings::resolve(global, variable, profile.as_ref())?;
        Ok(Self { global, profile, replica })
    }

    fn settings(&self) -> Result<Settings, Failure> {
        Settings::resolve(self.global, variable, self.profile.as_ref())
    }

    /// Runs at the server.
    async fn at_server(
        self,
        output: Output,
        command: impl AsyncFnOnce(&mut Context) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let place = Place::Server(Box::new(self.settings()?.connect().await?));
        run(command, Context { place, keeps_level_with: None, output }).await
    }

    /// Runs on the replica, if there is one; at the server otherwise.
    async fn anywhere(
        self,
        output: Output,
        command: impl AsyncFnOnce(&mut Context) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(replica) = &self.replica else { return self.at_server(output, command).await };
        let place = Place::Replica(Place::open(&replica.folder, replica.network.clone())?);
        // Without a server the command continues with what is here.
        let keeps_level_with = self.settings().and_then(Settings::connect_later).ok();
        run(command, Context { place, keeps_level_with, output }).await
    }

    /// Runs a command about the replica itself.
    async fn on_replica(self, command: ReplicaCommand, mut output: Output) -> Result<(), Failure> {
        let replica = self.replica.as_ref().ok_or_else(no_replica)?;
        let replica = Place::open(&replica.folder, replica.network.clone())?;
        let connect = || self.settings()?.connect_later();
        let done = command.run(replica, connect, &mut output).await;
        done.and(output.flush())
    }
}

async fn run(
    command: impl AsyncFnOnce(&mut Context) -> Result<(), Failure>,
    mut context: Context,
) -> Result<(), Failure> {
    let done = command(&mut context).await;
    done.and(context.output.flush())
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn no_replica() -> Failure {
    Failure::Usage("no replica: name its folder with --replica or KITH_REPLICA".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "audit export --between -1 ben --disclose name,note",
            "audit export --person -ann --disclose all",
            "audit export --range 1..7",
            "audit redact pair.evidence --hide note --hide 019d0000-0000-7000-8000-000000000000#1 --key KEY",
            "audit redact - --only 019d0000-0000-7000-8000-000000000000#1",
            "audit history amina ben --as-of 2026-03-01",
            "audit history amina ben --as-of 12 --from pair.evidence --key KEY",
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
            "whoami",
            "console",
            "console --print",
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
    fn imports_of_people_can_be_typed() {
        for line in [
            "import contacts phone.vcf",
            "import contacts f.csv --map name=Name,email=Mail --delimiter ; --header 3 --encoding latin1 --yes",
            "import contacts f.csv --format linkedin --connections --me -ann --dates dmy --dry-run",
            "import contacts f.vcf --with phones,notes --with addresses --country 44 --role-map r --add-orgs --review l",
            "import contacts f.vcf --decisions l --yes",
            "import calendar work.ics --me amina --dry-run",
            "import calendar f --me -ann --people-max 8 --with title,place --all-day --private --needs-answer --yes",
            "import calendar f --me a --timezone Europe/Berlin --encoding latin1 --scope organisation --review l",
            "import mail sent.mbox",
            "import mail - --me amina --scope network --yes",
            "import mail f --review l",
        ] {
            if let Err(error) = Kith::try_parse_from(std::iter::once("kith").chain(line.split(' '))) {
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
            "import contacts",
            "import contacts f --format excel",
            "import contacts f --connections",
            "import contacts f --me amina",
            "import contacts f --with birthdays",
            "import contacts f --country gb",
            "import contacts f --map email=Mail",
            "import contacts f --yes --dry-run",
            "import calendar f",
            "import calendar f --me a --people-max 1",
            "import calendar f --me a --people-max 65",
            "import calendar f --me a --timezone Narnia",
            "import calendar f --me a --with attendees",
            "import mail",
            "import mail f --yes --review l",
            "token add --role king",
            "head --token a --token-file b",
            "plugin new visits",
            "plugin new visits --lang cobol",
            "plugin check dist/visits.wasm --settings {\"days\":1,\"days\":2}",
            "plugin try dist/visits.wasm --settings {\"days\":1,\"days\":2}",
            "plugin install dist/visits.wasm --settings {\"days\":1,\"days\":2}",
            "evaluate strength --settings [1]",
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
            "audit export",
            "audit export --between amina",
            "audit export --person amina --range 1..7",
            "audit export --range 7..1",
            "audit export --person amina --disclose notes",
            "audit redact pair.evidence",
            "audit redact pair.evidence --hide notes",
            "audit redact pair.evidence --hide note --only 019d0000-0000-7000-8000-000000000000#1",
            "audit redact pair.evidence --only note",
            "audit history amina",
            "audit history amina ben --as-of 0",
            "audit history amina ben --key KEY",
        ];
        for line in lines {
            let parsed = Kith::try_parse_from(std::iter::once("kith").chain(line.split(' ')));
            assert_eq!(parsed.map(drop).unwrap_err().exit_code(), 2, "{line}");
        }
    }
}
