//! Memory, threads and processor time of a process, from the system (Linux, `proc(5)`).

use anyhow::{Context, Result};
use std::{fs, time::Duration};

/// Clock ticks per second in `/proc`, which is 100 on every Linux that Rust runs on.
const TICKS_PER_SECOND: u64 = 100;

/// The memory that a process uses.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    status_bytes(pid, "VmRSS")
}

/// The peak memory of a process.
pub fn peak_resident_bytes(pid: u32) -> Result<u64> {
    status_bytes(pid, "VmHWM")
}

/// The number of threads of a process.
pub fn threads(pid: u32) -> Result<u64> {
    Ok(status(pid, "Threads")?.parse()?)
}

fn status_bytes(pid: u32, field: &str) -> Result<u64> {
    let kibibytes: u64 = status(pid, field)?.trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1_024)
}

/// What the system says of a process under a name.
fn status(pid: u32, field: &str) -> Result<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(name, _)| *name == field).context("the system says it of a process")?;
    Ok(value.trim().to_owned())
}

/// Processor time that a process has used.
pub fn processor_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("the name of the process ends")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<u64>();
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 1_000 / TICKS_PER_SECOND))
}
