//! The only place that reads the machine's clock; everything else receives a [`Clock`].

use kith_core::timestamp::Timestamp;
pub use kith_log::Clock;
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// The machine's clock, in whole milliseconds. Times before 1970 read as 1970.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        #[allow(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)).min(Timestamp::MAX)
    })
}
