//! What a replica needs from its environment besides disk and network: the time and random bytes. A simulation supplies
//! its own.

use kith_core::timestamp::Timestamp;
use std::{fmt, sync::Arc};

/// The clock and the source of randomness.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    random: Random,
    #[cfg(feature = "faults")]
    pub(super) planted: Option<super::Planted>,
}

/// Fills a slice with random bytes.
type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

impl Environment {
    /// Takes a clock, and a source that fills a slice with bytes. Ids and salts are only as hard to guess as those
    /// bytes.
    pub fn new(
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        random: impl Fn(&mut [u8]) + Send + Sync + 'static,
    ) -> Self {
        Self {
            clock: Arc::new(clock),
            random: Arc::new(random),
            #[cfg(feature = "faults")]
            planted: None,
        }
    }

    /// The same, with a deliberate fault.
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn with_planted(self, planted: Option<super::Planted>) -> Self {
        Self { planted, ..self }
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Random bytes.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.random)(&mut bytes);
        bytes
    }

    /// A random number in 0..1.
    pub(super) fn fraction(&self) -> f64 {
        f64::from(u32::from_le_bytes(self.random_bytes())) / (f64::from(u32::MAX) + 1.0)
    }
}

impl Default for Environment {
    fn default() -> Self {
        let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the operating system gives random bytes");
        Self::new(crate::clock::now, random)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}
