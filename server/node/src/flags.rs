//! The command line of `kithd`.

use crate::commands::{
    BackupArgs, BackupKeysArgs, CheckArgs, OperatorArgs, OwnerArgs, RestoreArgs, RestoreKeysArgs, RewriteArgs,
    RotateRootKeyArgs,
};
use clap::{Parser, Subcommand};
use etcetera::BaseStrategy;
use kith_node::config::{Demo, Flags};
use std::path::PathBuf;

/// The server of Kith: one process, one data folder, one port.
#[derive(Debug, Parser)]
#[command(
    name = "kithd",
    version,
    after_help = "Settings come from defaults, then the file, then KITH_* variables, then flags. A table's key is \
                  KITH_TABLE_KEY, such as KITH_LIMITS_HEARTBEAT_MS=5000.\n\n\
                  Example:\n  kithd --data ./data --listen 127.0.0.1:7420 --demo"
)]
pub(crate) struct Arguments {
    /// The data folder.
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        help = "The data folder [env: KITH_DATA] [default: kith in the XDG data folder]"
    )]
    data: Option<PathBuf>,
    /// Address and port.
    #[arg(
        long,
        value_name = "ADDRESS",
        global = true,
        help = "Address and port; port 0 picks a free port [env: KITH_LISTEN] [default: 127.0.0.1:7420]"
    )]
    listen: Option<String>,
    /// A configuration file in TOML
    #[arg(long, value_name = "FILE", env = "KITH_CONFIG", hide_env_values = true, global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Whether to add the fictional network `demo`.
    #[arg(
        long,
        global = true,
        help = "Add the fictional network `demo`, so that every view has something to show [env: KITH_DEMO]"
    )]
    demo: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The subcommands of `kithd`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(CheckArgs),
    Backup(BackupArgs),
    BackupKeys(BackupKeysArgs),
    Restore(RestoreArgs),
    RestoreKeys(RestoreKeysArgs),
    Owner(OwnerArgs),
    Operator(OperatorArgs),
    Rewrite(RewriteArgs),
    RotateRootKey(RotateRootKeyArgs),
    /// Print the effective configuration, secrets hidden
    #[command(after_help = "Example:\n  KITH_DATA=./data kithd config --listen 127.0.0.1:0")]
    Config,
    /// Compile the component on standard input, as a server does in a child process
    #[command(hide = true)]
    CompileComponent(CompileComponentArgs),
}

/// Limits of a compiling child process.
#[derive(Debug, clap::Args)]
pub(crate) struct CompileComponentArgs {
    /// Seconds of processor time.
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u32,
}

impl Arguments {
    /// The settings among the flags.
    pub(crate) fn flags(&self) -> Flags {
        Flags { data: self.data.clone(), listen: self.listen.clone(), demo: self.demo.then_some(Demo) }
    }
}

/// `kith` in the XDG data folder of this account.
pub(crate) fn data_default() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.data_dir().join("kith"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_every_help_has_an_example() {
        let mut command = Arguments::command();
        command.build();
        command.clone().debug_assert();
        assert!(command.render_help().to_string().contains("Example:"));
        for name in [
            "check",
            "backup",
            "backup-keys",
            "restore",
            "restore-keys",
            "owner",
            "rewrite",
            "rotate-root-key",
            "config",
        ] {
            let help = command.find_subcommand_mut(name).unwrap().render_help().to_string();
            assert!(help.contains("Example"), "{name}");
        }
    }

    #[test]
    fn flags_are_read_before_and_after_subcommands() {
        let arguments = Arguments::parse_from(["kithd", "check", "--data", "here"]);
        assert_eq!(arguments.flags().data, Some("here".into()));
        let arguments = Arguments::parse_from(["kithd", "--data", "here", "--demo"]);
        assert_eq!(arguments.flags(), Flags { data: Some("here".into()), listen: None, demo: Some(Demo) });
    }
}
