//! `kithd`: flags, log lines, a socket, and an exit code. Everything else is in the library.

mod commands;
mod flags;

use anyhow::Context;
use clap::Parser;
use flags::{Arguments, Command, CompileComponentArgs};
use kith_core::text;
use kith_node::{
    Config, RunError, StartError,
    clock::system_clock,
    compile,
    config::{ProcessEnvironment, Read, Sources},
    limits, telemetry,
};
use std::{fs, process::ExitCode};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// Decoding and committing events makes many small allocations: a quarter more events a second than with glibc's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Wrong flags or settings.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::CompileComponent(args)) = &arguments.command {
        return compile_component(args);
    }
    let Read { config, ignored_variables } = match read_config(&arguments) {
        Ok(read) => read,
        Err(error) => {
            commands::complain_of(&error);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let result = match arguments.command {
        Some(Command::Config) => Ok(commands::write_out(ExitCode::SUCCESS, config.to_toml())),
        Some(Command::Owner(args)) => commands::owner(&config, system_clock(), &args),
        Some(Command::Operator(args)) => commands::operator(&config, system_clock(), &args),
        Some(Command::Rewrite(_)) => Ok(commands::rewrite(&config.log, &system_clock())),
        Some(Command::RotateRootKey(_)) => Ok(commands::rotate_root_key(&config.log)),
        Some(Command::Check(args)) => Ok(commands::check(&config.log, &args)),
        Some(Command::Backup(args)) => Ok(commands::backup(&config.log, &system_clock(), &args)),
        Some(Command::BackupKeys(args)) => Ok(commands::backup_keys(&config.log, &args)),
        Some(Command::Restore(args)) => Ok(commands::restore(&config.log, system_clock(), &args)),
        Some(Command::RestoreKeys(args)) => Ok(commands::restore_keys(&config.log, &args)),
        // Handled before settings are read: a child has none.
        Some(Command::CompileComponent(args)) => Ok(compile_component(&args)),
        None => serve(config, &ignored_variables),
    };
    result.unwrap_or_else(|error| {
        commands::complain_of(&error);
        ExitCode::FAILURE
    })
}

fn compile_component(args: &CompileComponentArgs) -> ExitCode {
    match compile::child::compile(args.seconds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn read_config(arguments: &Arguments) -> anyhow::Result<Read> {
    let file = arguments.config.as_ref().map(|path| {
        let bytes = fs::read(path).with_context(|| format!("{}", path.display()))?;
        let text = text::decode(bytes).map_err(|why| anyhow::anyhow!("{} {why}", path.display()))?;
        anyhow::Ok((path.clone(), text))
    });
    Ok(Config::read(Sources {
        data_default: flags::data_default(),
        file: file.transpose()?,
        environment: &ProcessEnvironment,
        flags: arguments.flags(),
    })?)
}

fn serve(config: Config, ignored_variables: &[String]) -> anyhow::Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().max_blocking_threads(limits::DISK_THREADS).enable_all().build()?;
    let ended = runtime.block_on(serve_on(config, ignored_variables));
    // A thread that hangs in a system call ends with the process.
    runtime.shutdown_background();
    ended
}

async fn serve_on(config: Config, ignored_variables: &[String]) -> anyhow::Result<ExitCode> {
    let clock = system_clock();
    if let Err(faults) = kith_node::check_start(&config, &clock).await {
        commands::complain_of(&faults.into());
        return Ok(ExitCode::from(EXIT_USAGE));
    }
    telemetry::start(&config.telemetry)?;
    // With a handler in place, a file at its size limit (ulimit -f) is a write error and does not end the process.
    let _file_too_large = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    for variable in ignored_variables {
        tracing::warn!(variable, "environment variable is not a setting");
    }
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hup = signal(SignalKind::hangup())?;
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let shutdown = async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    };
    let reload = async || match hup.recv().await {
        Some(()) => {}
        None => std::future::pending().await,
    };
    match kith_node::run(config, listener, shutdown, reload).await {
        Err(error @ RunError::Start(StartError::Production(_) | StartError::Tls(_))) => {
            commands::complain_of(&error.into());
            Ok(ExitCode::from(EXIT_USAGE))
        }
        ended => ended.map(|()| ExitCode::SUCCESS).map_err(anyhow::Error::from),
    }
}
