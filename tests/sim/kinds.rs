//! The kinds of faults, and what ends them. When they strike is drawn in `faults.rs`.

/// Everything that can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Link(Break),
    Reset,
    ServerPower,
    ServerRestart,
    ServerDisk,
    DevicePower,
    DeviceKill,
    DeviceDisk,
    ServerClock,
    DeviceClock,
    Restore,
    Impostor,
}

/// How the link between a device and the server breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nothing arrives.
    Both,
    /// Nothing that the device sends arrives.
    Requests,
    /// Nothing that the server sends arrives, and then the connection is reset.
    Answers,
    /// Everything arrives later, together.
    Held,
    /// Everything takes long.
    Slow,
}

pub(crate) const KINDS: [Kind; 16] = [
    Kind::Link(Break::Both),
    Kind::Link(Break::Requests),
    Kind::Link(Break::Answers),
    Kind::Link(Break::Held),
    Kind::Link(Break::Slow),
    Kind::Reset,
    Kind::ServerPower,
    Kind::ServerRestart,
    Kind::ServerDisk,
    Kind::DevicePower,
    Kind::DeviceKill,
    Kind::DeviceDisk,
    Kind::ServerClock,
    Kind::DeviceClock,
    Kind::Restore,
    Kind::Impostor,
];

/// What ends a fault.
#[derive(Debug)]
pub(crate) enum Ending {
    Repair(usize),
    Release(usize),
    SpeedUp(usize),
    /// Repairs the link and resets what hung on it.
    RepairAndReset(usize),
    Start(Host),
    Mend(Host),
    Replace(Host),
    Unmask(usize),
}

/// A host that can crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    Server,
    Device(usize),
}
