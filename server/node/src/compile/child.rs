//! The child process that compiles one component: from standard input to standard output, as `exchange.rs` says.
//!
//! Invariant: nothing is read before every limit is set.

use super::exchange::IS_OURS;
use kith_views::{KnownFunctions, Refused, limits};
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use std::{
    io::{self, Read, Write},
    sync::Arc,
};

/// The exit code of a child that refuses its component; standard error says why.
pub const EXIT_REFUSED: u8 = 3;
/// The exit code of a child that could not bound itself; standard error says why.
pub const EXIT_UNBOUNDED: u8 = 4;

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// A limit could not be set, so nothing was compiled.
    #[error("{limit} could not be set: {source}")]
    Unbounded {
        /// The limit.
        limit: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The component is refused.
    #[error("{}", reason(.0))]
    Refused(Refused),
    /// The component could not be read, or the code not written.
    #[error(transparent)]
    Pipe(#[from] io::Error),
}

impl ChildError {
    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unbounded { .. } => EXIT_UNBOUNDED,
            Self::Refused(_) => EXIT_REFUSED,
            Self::Pipe(_) => 1,
        }
    }
}

/// The reason without the prefix, which the parent adds.
fn reason(refused: &Refused) -> String {
    match refused {
        Refused::NoComponent { reason } => reason.clone(),
        other => other.to_string(),
    }
}

/// Compiles the component on standard input to standard output, within `seconds_max` of processor time.
pub fn compile(seconds_max: u32) -> Result<(), ChildError> {
    bound(seconds_max)?;
    let (functions, component) = read(io::stdin().lock())?;
    let code = kith_views::compile_component(&component, &functions).map_err(ChildError::Refused)?;
    let mut out = io::stdout().lock();
    out.write_all(&(code.len() as u64).to_le_bytes())?;
    out.write_all(&code)?;
    out.write_all(&functions.used().to_le_bytes())?;
    functions.take_made().iter().try_for_each(|piece| out.write_all(piece))?;
    out.flush()?;
    Ok(())
}

/// Reads the packs that are this program's, and the component.
fn read(mut input: impl Read) -> io::Result<(Arc<KnownFunctions>, Vec<u8>)> {
    let mut count = [0; 4];
    input.read_exact(&mut count)?;
    let mut packs = Vec::new();
    for _ in 0..u32::from_le_bytes(count) {
        let (mut length, mut whose) = ([0; 8], [0]);
        input.read_exact(&mut length)?;
        let length =
            usize::try_from(u64::from_le_bytes(length)).ok().filter(|length| *length <= limits::PACK_BYTES_MAX);
        let mut pack = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
        input.read_exact(&mut pack)?;
        input.read_exact(&mut whose)?;
        // An empty one has the number of what cannot be used.
        packs.push(if whose == [IS_OURS] { pack } else { Vec::new() });
    }
    let mut component = Vec::new();
    input.take(limits::COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut component)?;
    Ok((Arc::new(KnownFunctions::new(packs)), component))
}

/// Makes the process end with its parent and be killed first when memory runs out; bounds its memory and time.
fn bound(seconds_max: u32) -> Result<(), ChildError> {
    let failed = |limit: &'static str| move |source: io::Error| ChildError::Unbounded { limit, source };
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(io::Error::from)
        .map_err(failed("the end with the parent"))?;
    std::fs::write("/proc/self/oom_score_adj", "1000").map_err(failed("oom_score_adj"))?;
    let limits = [
        ("RLIMIT_CORE", Resource::Core, 0),
        ("RLIMIT_CPU", Resource::Cpu, u64::from(seconds_max)),
        ("RLIMIT_AS", Resource::As, limits::COMPILE_MEMORY_BYTES_MAX),
    ];
    for (name, resource, most) in limits {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(io::Error::from).map_err(failed(name))?;
    }
    Ok(())
}
