//! Randomness and time of day of this process, from a seed: whoever asks the system for random bytes gets the next ones
//! of a stream, and whoever asks for the time of day gets the simulated one.
//!
//! Keys, salts, tokens, jitter, the order of hash maps and the branches that tokio picks all begin with the system's
//! `getrandom`; the dates in HTTP headers with its `clock_gettime`. This program brings its own, which the linker takes
//! instead of the C library's, so that nothing has to be built another way to be repeatable. Invariant: only the thread
//! that simulates draws while it does.

use kith_tests::{events::NOON, random::Random};
use rustix::time::{ClockId, clock_gettime as read_clock};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

static STREAM: Mutex<Option<Random>> = Mutex::new(None);
/// Simulated milliseconds since the start.
static PASSED_MS: AtomicI64 = AtomicI64::new(0);

/// The clock of the time of day, among those of `clock_gettime(2)`.
const REALTIME: i32 = 0;

/// Sets the time of day, in simulated milliseconds since the start.
pub(crate) fn set_passed_ms(passed: i64) {
    PASSED_MS.store(passed, Ordering::Relaxed);
}

/// Begins the stream of a seed.
pub(crate) fn begin(seed: u64) {
    *STREAM.lock().unwrap_or_else(PoisonError::into_inner) = Some(Random::new(seed));
}

/// The system's source of random bytes, as the C library declares it: fills a buffer, gives its length.
///
/// The names of the library and of this function are the same on purpose.
#[expect(unsafe_code, reason = "taking the place of a function of the C library has no safe form")]
// SAFETY: the signature is that of getrandom(2), and it fills the whole buffer, which satisfies every caller.
#[unsafe(no_mangle)]
extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    if buffer.is_null() || length == 0 {
        return 0;
    }
    // SAFETY: callers of getrandom(2) give a buffer of this length that they own and that nobody else uses meanwhile.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer, length) };
    fill(bytes);
    isize::try_from(length).unwrap_or(isize::MAX)
}

fn fill(bytes: &mut [u8]) {
    let mut stream = STREAM.lock().unwrap_or_else(PoisonError::into_inner);
    let random = stream.get_or_insert_with(|| Random::new(0));
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&random.number().to_le_bytes()[..part.len()]);
    }
}

/// A time, as the C library lays it out on 64-bit systems.
#[repr(C)]
pub(crate) struct Time {
    seconds: i64,
    nanoseconds: i64,
}

/// The system's clocks, as the C library declares them. The time of day is simulated, others go on.
#[expect(unsafe_code, reason = "taking the place of a function of the C library has no safe form")]
// SAFETY: the signature is that of clock_gettime(2), and it fills the whole result, which satisfies every caller.
#[unsafe(no_mangle)]
extern "C" fn clock_gettime(clock: i32, time: *mut Time) -> i32 {
    let value = if clock == REALTIME { time_of_day() } else { time_since_boot() };
    // SAFETY: callers of clock_gettime(2) give a place for the result that they own, or none.
    if let Some(time) = unsafe { time.as_mut() } {
        *time = value;
    }
    0
}

fn time_of_day() -> Time {
    let millis = NOON.millis() + PASSED_MS.load(Ordering::Relaxed);
    Time { seconds: millis.div_euclid(1_000), nanoseconds: millis.rem_euclid(1_000) * 1_000_000 }
}

/// All other clocks that this process reads tell how long something takes.
fn time_since_boot() -> Time {
    let time = read_clock(ClockId::Monotonic);
    Time { seconds: time.tv_sec, nanoseconds: time.tv_nsec }
}
