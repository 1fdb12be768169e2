//! What goes wrong in a simulation, and when: drawn from its seed.
//!
//! Invariant: every fault ends by itself or with [`Faults::end`], so that everybody can come to agree afterwards.

use crate::{
    coverage::Seen,
    disk::{Fault as DiskFault, Machine},
    kinds::{Break, Ending, Host, KINDS, Kind},
    restore,
    world::{Device, World, lock},
};
use kith_tests::random::Random;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use turmoil::Sim;

/// The faults of one simulation.
pub(crate) struct Faults {
    world: Arc<World>,
    random: Random,
    kinds: Vec<Kind>,
    next_ms: u64,
    endings: Vec<(u64, Ending)>,
    /// Devices whose link has a fault: one at a time.
    busy: Vec<bool>,
    /// Machines with an armed disk, or without power.
    troubled: Vec<Host>,
    backup: Option<restore::Kept>,
    restored: bool,
    impostor_busy: bool,
}

impl Faults {
    /// Draws what kinds there are in this simulation: about half of all.
    pub(crate) fn new(world: Arc<World>, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut kinds: Vec<_> = KINDS.into_iter().filter(|_| random.below(2) == 0).collect();
        // A replica that was reset trusts the first key it sees, so an impostor would be taken for the server.
        if kinds.contains(&Kind::Restore) {
            kinds.retain(|kind| *kind != Kind::Impostor);
        }
        let busy = vec![false; world.devices.len()];
        Self {
            world,
            random,
            kinds,
            next_ms: 0,
            endings: Vec::new(),
            busy,
            troubled: Vec::new(),
            backup: None,
            restored: false,
            impostor_busy: false,
        }
    }

    /// Looks at the machines, ends what is over, and now and then begins something.
    pub(crate) fn step(&mut self, sim: &mut Sim<'_>) {
        let now = self.world.trace.now_ms();
        self.crash_what_lost_power(sim);
        self.end_until(sim, now);
        if now < self.next_ms {
            return;
        }
        self.next_ms = now + 50 + self.random.below(900) as u64;
        if self.random.below(6) == 0 && self.backup.is_none() && !self.troubled.contains(&Host::Server) {
            self.backup = Some(restore::keep(&self.world));
        }
        if !self.kinds.is_empty() {
            let kind = *self.random.pick(&self.kinds);
            self.begin(sim, kind);
        }
    }

    /// Ends everything that is still wrong.
    pub(crate) fn end(&mut self, sim: &mut Sim<'_>) {
        for host in [Host::Server].into_iter().chain((0..self.world.devices.len()).map(Host::Device)) {
            self.world.trace.line(format_args!("{host:?} is in order again"));
            self.machine(host).calm();
        }
        self.crash_what_lost_power(sim);
        self.end_until(sim, u64::MAX);
    }

    fn machine(&self, host: Host) -> &Machine {
        match host {
            Host::Server => &self.world.server.machine,
            Host::Device(number) => &self.world.devices[number].machine,
        }
    }

    fn name(&self, host: Host) -> &str {
        match host {
            Host::Server => self.world.server.name,
            Host::Device(number) => &self.world.devices[number].name,
        }
    }

    fn later(&mut self, min_ms: u64, max_ms: u64, ending: Ending) {
        let span = usize::try_from(max_ms - min_ms).expect("times are short");
        let at = self.world.trace.now_ms() + min_ms + self.random.below(span) as u64;
        self.endings.push((at, ending));
    }

    /// Ends the processes on machines whose power went in the middle of something.
    fn crash_what_lost_power(&mut self, sim: &mut Sim<'_>) {
        for host in [Host::Server].into_iter().chain((0..self.world.devices.len()).map(Host::Device)) {
            if self.machine(host).is_off() && sim.is_host_running(self.name(host)) {
                self.world.saw(match host {
                    Host::Server => Seen::ServerPowerCutInCommit,
                    Host::Device(_) => Seen::DevicePowerCutInCommit,
                });
                self.crash(sim, host);
            }
        }
    }

    /// Takes power and processes away, for a while.
    fn crash(&mut self, sim: &mut Sim<'_>, host: Host) {
        self.world.trace.line(format_args!("{} crashes", self.name(host)));
        self.world.saw(match host {
            Host::Server => Seen::ServerPowerCut,
            Host::Device(_) => Seen::DevicePowerCut,
        });
        self.machine(host).cut();
        sim.crash(self.name(host));
        self.trouble(host);
        self.later(50, 3_000, Ending::Start(host));
    }

    fn trouble(&mut self, host: Host) {
        if !self.troubled.contains(&host) {
            self.troubled.push(host);
        }
    }

    fn end_until(&mut self, sim: &mut Sim<'_>, now: u64) {
        while let Some(place) = self.endings.iter().position(|(at, _)| *at <= now) {
            let (_, ending) = self.endings.remove(place);
            self.world.trace.line(format_args!("ends: {ending:?}"));
            self.end_one(sim, &ending);
        }
    }

    fn end_one(&mut self, sim: &mut Sim<'_>, ending: &Ending) {
        match *ending {
            Ending::Repair(device) => {
                sim.repair("server", self.name(Host::Device(device)));
                self.busy[device] = false;
            }
            Ending::Release(device) => {
                sim.release("server", self.name(Host::Device(device)));
                self.busy[device] = false;
            }
            Ending::SpeedUp(device) => {
                sim.set_link_max_message_latency("server", self.name(Host::Device(device)), Duration::from_millis(30));
                self.busy[device] = false;
            }
            Ending::RepairAndReset(device) => {
                sim.repair("server", self.name(Host::Device(device)));
                self.world.devices[device].cable.reset();
                self.busy[device] = false;
            }
            Ending::Start(host) => self.start(sim, host),
            Ending::Mend(host) => self.mend(host),
            Ending::Replace(host) => self.replace(sim, host),
            Ending::Unmask(device) => {
                self.world.devices[device].cable.replug("server");
                lock(&self.world.devices[device].shown).masked_until_ms = Some(self.world.trace.now_ms());
                self.impostor_busy = false;
            }
        }
    }

    fn start(&mut self, sim: &mut Sim<'_>, host: Host) {
        let lost = self.machine(host).switch_on();
        self.world.coverage.add(Seen::SectorsLost, lost);
        self.troubled.retain(|troubled| *troubled != host);
        sim.bounce(self.name(host));
    }

    /// There is space again, or the disk works again.
    fn mend(&mut self, host: Host) {
        let struck = self.machine(host).disarm();
        self.world.trace.line(format_args!("{} is mended after {struck} failures", self.name(host)));
        self.troubled.retain(|troubled| *troubled != host);
    }

    /// After an error of its disk a server takes nothing more until its machine is started again.
    fn replace(&mut self, sim: &mut Sim<'_>, host: Host) {
        let struck = self.machine(host).disarm();
        if struck == 0 {
            self.troubled.retain(|troubled| *troubled != host);
            return;
        }
        self.crash(sim, host);
    }

    fn begin(&mut self, sim: &mut Sim<'_>, kind: Kind) {
        let number = self.random.below(self.world.devices.len());
        let device = self.world.devices[number].clone();
        match kind {
            Kind::Link(_) if self.busy[number] => {}
            Kind::Link(link) => {
                self.busy[number] = true;
                self.break_link(sim, link, &device);
            }
            Kind::Reset => {
                self.told(kind, &device.name, Seen::Reset);
                device.cable.reset();
            }
            Kind::ServerPower => self.cut_power(sim, Host::Server),
            Kind::DevicePower => self.cut_power(sim, Host::Device(number)),
            Kind::ServerRestart => {
                self.told(kind, "server", Seen::ServerRestart);
                self.world.server.stop.notify_one();
            }
            Kind::DeviceKill => self.kill(sim, &device),
            Kind::ServerDisk => self.break_disk(Host::Server),
            Kind::DeviceDisk => self.break_disk(Host::Device(number)),
            Kind::ServerClock => self.turn_clock(kind, Host::Server),
            Kind::DeviceClock => self.turn_clock(kind, Host::Device(number)),
            Kind::Restore => self.restore(sim),
            Kind::Impostor => self.mask(sim, &device),
        }
    }

    fn told(&self, kind: Kind, host: &str, seen: Seen) {
        self.world.trace.line(format_args!("begins: {kind:?} of {host}"));
        self.world.saw(seen);
    }

    fn break_link(&mut self, sim: &mut Sim<'_>, link: Break, device: &Device) {
        let (number, name) = (device.number, device.name.as_str());
        let (seen, ending, max_ms) = match link {
            Break::Both => {
                sim.partition("server", name);
                let reset = self.random.below(2) == 0;
                let ending = if reset { Ending::RepairAndReset(number) } else { Ending::Repair(number) };
                (Seen::Partition, ending, 6_000)
            }
            Break::Requests => {
                sim.partition_oneway(name, "server");
                (Seen::OneWayPartition, Ending::Repair(number), 5_000)
            }
            Break::Answers => {
                sim.partition_oneway("server", name);
                (Seen::LostAnswers, Ending::RepairAndReset(number), 1_200)
            }
            Break::Held => {
                sim.hold("server", name);
                (Seen::Hold, Ending::Release(number), 4_000)
            }
            Break::Slow => {
                sim.set_link_max_message_latency("server", name, Duration::from_millis(1_500));
                (Seen::Slow, Ending::SpeedUp(number), 5_000)
            }
        };
        self.told(Kind::Link(link), name, seen);
        self.later(200, max_ms, ending);
    }

    /// In the middle of a write to come, or now.
    fn cut_power(&mut self, sim: &mut Sim<'_>, host: Host) {
        if self.troubled.contains(&host) {
            return;
        }
        if self.random.below(3) == 0 {
            self.crash(sim, host);
            return;
        }
        let after = self.random.below(60) as u64;
        self.world.trace.line(format_args!("begins: power of {} goes after {after} calls", self.name(host)));
        self.machine(host).arm(DiskFault::PowerCut { after });
    }

    fn kill(&mut self, sim: &mut Sim<'_>, device: &Device) {
        let host = Host::Device(device.number);
        if self.troubled.contains(&host) || device.machine.is_off() {
            return;
        }
        self.told(Kind::DeviceKill, &device.name, Seen::DeviceKill);
        sim.crash(device.name.as_str());
        device.machine.end_process();
        sim.bounce(device.name.as_str());
    }

    fn break_disk(&mut self, host: Host) {
        if self.troubled.contains(&host) {
            return;
        }
        let after = self.random.below(40) as u64;
        let full = self.random.below(2) == 0;
        let fault = if full { DiskFault::Full { after } } else { DiskFault::Io { after } };
        self.world.trace.line(format_args!("begins: {fault:?} of {}", self.name(host)));
        self.world.saw(match (host, full) {
            (Host::Server, true) => Seen::ServerFull,
            (Host::Server, false) => Seen::ServerIo,
            (Host::Device(_), true) => Seen::DeviceFull,
            (Host::Device(_), false) => Seen::DeviceIo,
        });
        self.machine(host).arm(fault);
        self.trouble(host);
        let ending = match host {
            Host::Server => Ending::Replace(host),
            Host::Device(_) => Ending::Mend(host),
        };
        self.later(500, 3_000, ending);
    }

    fn turn_clock(&mut self, kind: Kind, host: Host) {
        let by_ms = *self.random.pick(&[-86_400_000, -3_600_000, -10_000, 10_000, 50_000, 3_600_000]);
        let (clock, seen) = match (host, by_ms > 0) {
            (Host::Server, true) => (&self.world.server.clock, Seen::ServerClockForward),
            (Host::Server, false) => (&self.world.server.clock, Seen::ServerClockBack),
            (Host::Device(number), true) => (&self.world.devices[number].clock, Seen::DeviceClockForward),
            (Host::Device(number), false) => (&self.world.devices[number].clock, Seen::DeviceClockBack),
        };
        clock.jump(by_ms);
        self.told(kind, self.name(host), seen);
    }

    /// An operator puts an old backup in the place of the log, and accepts what is lost.
    fn restore(&mut self, sim: &mut Sim<'_>) {
        if self.restored || self.troubled.contains(&Host::Server) || self.world.server.machine.is_off() {
            return;
        }
        let Some(backup) = &self.backup else { return };
        if !backup.is_behind(&self.world) {
            return;
        }
        sim.crash("server");
        self.told(Kind::Restore, "server", Seen::Restore);
        if let Err(error) = backup.restore(&self.world) {
            self.world.wrong(format!("the backup could not be restored: {error}"));
        }
        self.restored = true;
        sim.bounce("server");
    }

    /// Somebody with a copy of the log, but without its key, takes the server's place for a device that knows the key.
    fn mask(&mut self, sim: &mut Sim<'_>, device: &Device) {
        let knows_key = lock(&device.shown).held.is_some();
        if self.impostor_busy
            || !knows_key
            || self.troubled.contains(&Host::Server)
            || self.world.server.machine.is_off()
        {
            return;
        }
        self.told(Kind::Impostor, &device.name, Seen::Impostor);
        let impostor = &self.world.impostor;
        sim.crash(impostor.name);
        impostor.machine.put(self.world.server.machine.images());
        impostor.runs.store(true, Ordering::Relaxed);
        sim.bounce(impostor.name);
        device.cable.replug(impostor.name);
        lock(&device.shown).masked_until_ms = Some(u64::MAX);
        self.impostor_busy = true;
        self.later(1_000, 4_000, Ending::Unmask(device.number));
    }
}
