//! Compiles untrusted components in a child process of this program, with bounded memory and time.
//!
//! Invariant: a server compiles one component at a time, and a child never outlives the caller that waits for it.

pub mod child;

use crate::limits::{COMPILE_RETRY, COMPILER_WORDS_BYTES_MAX, COMPILES_WAITING_MAX};
use kith_core::{
    id::NetworkName,
    may::{Principal, Reach},
};
use kith_views::{Refused, limits};
use std::{
    collections::BTreeSet,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    sync::Semaphore,
};

/// Has the allocator return what is free to the system: address space that it reserves or keeps counts as well, and half
/// of the bound would go to it.
const ALLOCATOR: (&str, &str) = ("MIMALLOC_DISALLOW_ARENA_ALLOC", "1");

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Too many are waiting, or the same principal is waiting already.
    #[error("{0}")]
    Busy(&'static str),
    /// The caller is gone.
    #[error("the caller no longer waits for the component")]
    Gone,
    /// The child process could not be run.
    #[error("the compiling process could not be started: {0}")]
    Child(#[from] io::Error),
    /// The limits of the child could not be set.
    #[error("the compiling process failed: {0}")]
    Unbounded(String),
}

impl CompileError {
    /// When to try again, if that may help.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(_) | Self::Refused(Refused::Busy { .. }) => Some(COMPILE_RETRY),
            Self::Refused(_) | Self::Gone | Self::Child(_) | Self::Unbounded(_) => None,
        }
    }
}

/// On whose behalf a component is compiled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum For {
    /// The server itself, which asks for each component once.
    Server,
    /// A principal of a network, or of the whole server.
    Principal(Option<NetworkName>, String),
}

impl For {
    pub(crate) fn principal(principal: &Principal) -> Self {
        let network = match &principal.reach {
            Reach::Server => None,
            Reach::Network(name) => Some(name.clone()),
        };
        Self::Principal(network, principal.id.to_string())
    }
}

/// Starts the children, one at a time.
pub(crate) struct Compiler {
    program: PathBuf,
    seconds_max: u32,
    turn: Semaphore,
    waiting: Mutex<BTreeSet<For>>,
}

/// A place in the queue, returned when dropped.
struct Place<'a> {
    compiler: &'a Compiler,
    of: For,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.compiler.waiting().remove(&self.of);
    }
}

impl Compiler {
    /// `program` is this program's file. A child may use `seconds_max` of processor time and run for twice as long.
    pub(crate) fn new(program: PathBuf, seconds_max: u32) -> Self {
        Self { program, seconds_max, turn: Semaphore::new(1), waiting: Mutex::default() }
    }

    /// Compiles a component and returns its code. Dropping the future ends the child.
    pub(crate) async fn compile(&self, component: &[u8], of: For) -> Result<Vec<u8>, CompileError> {
        let _place = self.place(of)?;
        let _turn = self.turn.acquire().await.expect("the semaphore is never closed");
        let ended = tokio::time::timeout(Duration::from_secs(u64::from(self.seconds_max) * 2), self.run(component));
        ended.await.unwrap_or_else(|_| Err(self.too_slow().into()))
    }

    fn place(&self, of: For) -> Result<Option<Place<'_>>, CompileError> {
        if of == For::Server {
            return Ok(None);
        }
        let mut waiting = self.waiting();
        if waiting.contains(&of) {
            return Err(CompileError::Busy("another plugin of yours is being compiled: try again when it is done"));
        }
        if waiting.len() >= COMPILES_WAITING_MAX {
            return Err(CompileError::Busy("too many plugins wait to be compiled: try again shortly"));
        }
        waiting.insert(of.clone());
        Ok(Some(Place { compiler: self, of }))
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<For>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        let mut child = self.start()?;
        let (code, said) = exchange(&mut child, component).await?;
        let status = child.wait().await?;
        match status.code().map(u8::try_from) {
            Some(Ok(0)) if code.len() as u64 <= limits::CODE_BYTES_MAX => Ok(code),
            Some(Ok(child::EXIT_REFUSED)) => Err(Refused::NoComponent { reason: said }.into()),
            Some(Ok(child::EXIT_UNBOUNDED)) => Err(CompileError::Unbounded(said)),
            _ => Err(self.ended(status).into()),
        }
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(["compile-component", "--seconds", &self.seconds_max.to_string()])
            .env_clear()
            .env(ALLOCATOR.0, ALLOCATOR.1)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    /// Which limit ended a child that did not exit by itself.
    fn ended(&self, status: ExitStatus) -> Refused {
        use std::os::unix::process::ExitStatusExt;
        let out_of_time =
            [rustix::process::Signal::XCPU, rustix::process::Signal::KILL].map(rustix::process::Signal::as_raw);
        if status.signal().is_some_and(|signal| out_of_time.contains(&signal)) {
            return self.too_slow();
        }
        let mebibytes = limits::COMPILE_MEMORY_BYTES_MAX / (1024 * 1024);
        Refused::Costly { limit: format!("{mebibytes} MiB of memory") }
    }

    fn too_slow(&self) -> Refused {
        Refused::Costly { limit: format!("{} s of processor time", self.seconds_max) }
    }
}

/// Writes the component to a child and reads its output and error text to the end.
async fn exchange(child: &mut Child, component: &[u8]) -> io::Result<(Vec<u8>, String)> {
    let (mut stdin, stdout, stderr) = (
        child.stdin.take().expect("it is piped"),
        child.stdout.take().expect("it is piped"),
        child.stderr.take().expect("it is piped"),
    );
    let give = async move {
        // If a child ends before it has read everything, its exit code says why.
        drop(stdin.write_all(component).await);
        drop(stdin.shutdown().await);
    };
    let ((), code, said) =
        tokio::join!(give, read(stdout, limits::CODE_BYTES_MAX + 1), read(stderr, COMPILER_WORDS_BYTES_MAX));
    Ok((code?, String::from_utf8_lossy(&said?).trim().to_owned()))
}

async fn read(from: impl AsyncRead + Unpin, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(bytes_max).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
