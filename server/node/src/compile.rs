//! Compiles untrusted components in a child process of this program, with bounded memory and time.
//!
//! Invariant: a server compiles one component at a time, and a child never outlives the caller that waits for it.

pub mod child;
mod exchange;

use crate::limits::{COMPILE_RETRY, COMPILES_WAITING_MAX};
use exchange::{Said, exchange};
use kith_core::{
    id::NetworkName,
    may::{Principal, Reach},
};
use kith_views::{Author, NewPack, Pack, Packs, Refused, limits};
use std::{
    collections::BTreeSet,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
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
    packs: Arc<Packs>,
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
    pub(crate) fn new(program: PathBuf, seconds_max: u32, packs: Packs) -> Self {
        Self { program, seconds_max, packs: Arc::new(packs), turn: Semaphore::new(1), waiting: Mutex::default() }
    }

    /// Compiles a component and returns its code. What was compiled for an author before is not compiled again. Dropping
    /// the future ends the child.
    pub(crate) async fn compile(
        &self,
        component: &[u8],
        of: For,
        author: Option<Author>,
    ) -> Result<Vec<u8>, CompileError> {
        let _place = self.place(of)?;
        let _turn = self.turn.acquire().await.expect("the semaphore is never closed");
        let ended =
            tokio::time::timeout(Duration::from_secs(u64::from(self.seconds_max) * 2), self.run(component, author));
        ended.await.unwrap_or_else(|_| Err(self.too_slow().into()))
    }

    /// The compiled functions of authors.
    pub(crate) fn packs(&self) -> Arc<Packs> {
        Arc::clone(&self.packs)
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

    /// Compiles a component with the functions that are known of its author. If they take up the memory that compiling
    /// needs, without.
    async fn run(&self, component: &[u8], author: Option<Author>) -> Result<Vec<u8>, CompileError> {
        let Some(author) = author else { return self.run_with(component, Vec::new(), None).await };
        let (packs, of) = (Arc::clone(&self.packs), author.clone());
        let found = kith_log::blocking(move || Ok((packs.of(&of)?, packs.begin(&of)?))).await;
        let (known, new) = match found {
            Ok((known, new)) => (known, Some(new)),
            Err(error) => {
                tell(&error);
                (Vec::new(), None)
            }
        };
        let knew_some = !known.is_empty();
        let compiled = match self.run_with(component, known, new).await {
            Err(CompileError::Refused(Refused::Costly { limit })) if knew_some && limit == memory_limit() => {
                self.run_with(component, Vec::new(), None).await
            }
            ended => ended,
        };
        let packs = Arc::clone(&self.packs);
        kith_log::blocking(move || packs.cut(&author)).await.unwrap_or_else(|error| tell(&error));
        compiled
    }

    async fn run_with(
        &self,
        component: &[u8],
        known: Vec<Pack>,
        new: Option<NewPack>,
    ) -> Result<Vec<u8>, CompileError> {
        let mut child = self.start()?;
        let Said { code, used, made, words, damaged } = exchange(&mut child, component, &known, new).await?;
        let status = child.wait().await?;
        match (status.code().map(u8::try_from), code) {
            (Some(Ok(0)), Some(code)) => {
                kith_log::blocking(move || note(&known, used, &damaged, made)).await;
                Ok(code)
            }
            (Some(Ok(child::EXIT_REFUSED)), _) => Err(Refused::NoComponent { reason: words }.into()),
            (Some(Ok(child::EXIT_UNBOUNDED)), _) => Err(CompileError::Unbounded(words)),
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
        Refused::Costly { limit: memory_limit() }
    }

    fn too_slow(&self) -> Refused {
        Refused::Costly { limit: format!("{} s of processor time", self.seconds_max) }
    }
}

/// Notes which packs were of use, deletes those that cannot be used, and keeps the new one.
fn note(known: &[Pack], used: u64, damaged: &[usize], made: Option<NewPack>) {
    for (number, pack) in known.iter().enumerate() {
        if damaged.contains(&number) {
            pack.delete().unwrap_or_else(|error| tell(&error));
        } else if used & (1 << number) != 0 {
            pack.note_use().unwrap_or_else(|error| tell(&error));
        }
    }
    if let Some(made) = made {
        made.keep().unwrap_or_else(|error| tell(&error));
    }
}

/// Without its functions a component is compiled as a whole.
fn tell(error: &io::Error) {
    tracing::warn!(%error, "compiled functions cannot be read or written");
}

fn memory_limit() -> String {
    format!("{} MiB of memory", limits::COMPILE_MEMORY_BYTES_MAX / (1024 * 1024))
}
