//! What occurred in a simulation: a run over many seeds must have seen each of these.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

macro_rules! seen {
    ($($name:ident $text:literal,)*) => {
        /// Something that a fault did, or that came of it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Seen { $($name,)* }

        impl Seen {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// In words, without spaces.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

seen! {
    Partition "partition",
    OneWayPartition "one_way_partition",
    Hold "messages_held",
    Slow "slow_link",
    Reset "connection_reset",
    LostAnswers "answers_lost",
    ServerPowerCut "server_power_cut",
    ServerPowerCutInCommit "server_power_cut_in_a_commit",
    ServerRestart "server_restart",
    ServerIo "server_disk_error",
    ServerFull "server_disk_full",
    DevicePowerCut "device_power_cut",
    DevicePowerCutInCommit "device_power_cut_in_a_commit",
    DeviceKill "device_process_killed",
    DeviceIo "device_disk_error",
    DeviceFull "device_disk_full",
    SectorsLost "sectors_lost",
    ServerClockBack "server_clock_back",
    ServerClockForward "server_clock_forward",
    DeviceClockBack "device_clock_back",
    DeviceClockForward "device_clock_forward",
    Restore "old_backup_restored",
    Impostor "impostor",
    Alarm "alarm_raised",
    DuplicateAnswer "same_event_arrived_twice",
    Refused "event_refused",
    Returned "events_back_in_the_outbox",
    RecordFailed "recording_failed",
    Erased "person_erased",
    WordsDropped "words_dropped_before_sending",
}

/// How often each occurred.
#[derive(Debug, Default)]
pub(crate) struct Coverage(Mutex<BTreeMap<Seen, u64>>);

impl Coverage {
    pub(crate) fn add(&self, what: Seen, count: u64) {
        if count > 0 {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += count;
        }
    }

    /// Adds what a run printed of itself.
    pub(crate) fn add_printed(&self, text: &str) {
        for part in text.split(' ') {
            let Some((name, count)) = part.split_once('=') else { continue };
            let known = Seen::ALL.iter().find(|seen| seen.as_str() == name);
            if let (Some(seen), Ok(count)) = (known, count.parse()) {
                self.add(*seen, count);
            }
        }
    }

    /// How often each occurred, those that did not included.
    pub(crate) fn counts(&self) -> Vec<(Seen, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Seen::ALL.iter().map(|seen| (*seen, counts.get(seen).copied().unwrap_or(0))).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let occurred = self.counts().into_iter().filter(|(_, count)| *count > 0);
        let parts: Vec<_> = occurred.map(|(seen, count)| format!("{}={count}", seen.as_str())).collect();
        f.write_str(&parts.join(" "))
    }
}
