//! The addresses that connections come from: how many connections each has, and how often a login from it failed.
//!
//! Invariant: a valid token is never refused because of what others at the same address did.

use crate::limits::{ADDRESSES_SWEEP, KEPT_PLACES_SHARE, LOGIN_REMEMBERED, Limits, STRANGER_GRACE, STRANGERS_SWEEP};
use futures_util::task::AtomicWaker;
use kith_core::timestamp::Timestamp;
use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

/// The period over which failed logins are counted.
const WINDOW: Duration = Duration::from_mins(1);

/// The peers of a server. Clones are handles to the same peers.
#[derive(Clone)]
pub(crate) struct Peers(Arc<Shared>);

struct Shared {
    per_peer_max: u32,
    strangers_max: u32,
    failures_max: u32,
    failed_logins: AtomicU64,
    connections: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    addresses: HashMap<IpAddr, Address>,
    /// Connections without a login, from addresses without one.
    strangers: u32,
    last_line: Option<Instant>,
    /// Connections in order of arrival. Those that have logged in or closed are removed lazily.
    waiting: VecDeque<(Instant, Weak<Stay>)>,
}

#[derive(Default)]
struct Address {
    connections: u32,
    logged_in: Option<Instant>,
    /// When counting began, and the failures since.
    failures: Option<(Instant, u32)>,
}

/// The peer at the other end of a connection. Clones are handles to the same peer.
#[derive(Clone)]
pub(crate) struct Peer(Arc<Guest>);

/// What a peer's certificate says.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    /// The URIs that it is for.
    pub(crate) uri_names: Arc<[String]>,
    /// When it expires.
    pub(crate) end: Timestamp,
}

struct Guest {
    /// `None` for a connection without an IP address.
    address: Option<IpAddr>,
    /// Set once the connection speaks TLS: the certificate that the peer showed, if it did.
    certificate: OnceLock<Option<Certificate>>,
    is_stranger: AtomicBool,
    stay: Arc<Stay>,
    peers: Peers,
}

/// Why a connection may keep its place.
#[derive(Default)]
struct Stay {
    logged_in: AtomicBool,
    /// Whether health was checked since this was last read.
    checked_health: AtomicBool,
    /// Whether another connection takes the place.
    is_over: AtomicBool,
    waker: AtomicWaker,
}

impl Peers {
    /// Peers within these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Shared {
            per_peer_max: limits.connections_per_peer_max,
            strangers_max: limits.connections_max - limits.connections_max / KEPT_PLACES_SHARE,
            failures_max: limits.failed_logins_per_minute_max,
            failed_logins: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            state: Mutex::default(),
        }))
    }

    /// Admits a connection; `None` if its address has too many, or all places for strangers are taken.
    pub(crate) fn connect(&self, address: Option<IpAddr>) -> Option<Peer> {
        let now = Instant::now();
        let address = address.map(of_one_subscriber);
        let mut state = self.state();
        let mut is_stranger = true;
        if let Some(address) = address {
            state.sweep(now);
            let known = state.addresses.entry(address).or_default();
            // Behind a proxy on this machine everybody has the same address: the proxy has to limit them itself.
            if known.connections >= self.0.per_peer_max && !address.is_loopback() {
                return None;
            }
            is_stranger = !known.is_remembered(now);
        }
        if is_stranger && state.strangers >= self.0.strangers_max && !state.send_one_away(now) {
            return None;
        }
        state.strangers += u32::from(is_stranger);
        if let Some(address) = address {
            state.addresses.entry(address).or_default().connections += 1;
        }
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        let stay = Arc::<Stay>::default();
        state.wait(now, &stay);
        Some(Peer(Arc::new(Guest {
            address,
            certificate: OnceLock::new(),
            is_stranger: AtomicBool::new(is_stranger),
            stay,
            peers: self.clone(),
        })))
    }

    /// Ends the connection that has been without a login for longest, to make its place available. Returns whether
    /// there was one.
    pub(crate) fn send_one_away(&self) -> bool {
        self.state().send_one_away(Instant::now())
    }

    /// Number of calls without a valid token.
    pub(crate) fn failed_logins(&self) -> u64 {
        self.0.failed_logins.load(Ordering::Relaxed)
    }

    /// Number of open connections.
    pub(crate) fn connections(&self) -> u64 {
        self.0.connections.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer {
    /// The address that its connections are counted under; `None` without one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// Notes that the connection speaks TLS, and the certificate that the peer showed.
    pub(crate) fn secure(&self, certificate: Option<Certificate>) {
        self.0.certificate.set(certificate).expect("a connection has one handshake");
    }

    /// Whether the connection speaks TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.certificate.get().is_some()
    }

    /// The peer's certificate, if it has URIs: an authority that this server trusts has signed it.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.0.certificate.get()?.as_ref().filter(|certificate| !certificate.uri_names.is_empty())
    }

    /// Whether somebody has logged in over this connection.
    pub(crate) fn is_logged_in(&self) -> bool {
        self.0.stay.logged_in.load(Ordering::Acquire)
    }

    /// Whether another connection takes the place; if not yet, wakes the waker when it does.
    pub(crate) fn is_sent_away(&self, waker: &Waker) -> bool {
        self.0.stay.waker.register(waker);
        self.0.stay.is_over.load(Ordering::Acquire)
    }

    /// Notes a health check.
    pub(crate) fn check_health(&self) {
        self.0.stay.checked_health.store(true, Ordering::Relaxed);
    }

    /// Whether health was checked since the last call of this.
    pub(crate) fn take_checked_health(&self) -> bool {
        self.0.stay.checked_health.swap(false, Ordering::Relaxed)
    }

    /// Notes a call with a valid token.
    pub(crate) fn log_in(&self) {
        if self.is_logged_in() {
            return;
        }
        let mut state = self.0.peers.state();
        self.0.stay.logged_in.store(true, Ordering::Release);
        if self.0.is_stranger.swap(false, Ordering::AcqRel) {
            state.strangers -= 1;
        }
        if let Some(address) = self.0.address {
            state.addresses.entry(address).or_default().logged_in = Some(Instant::now());
        }
    }

    /// Notes a call without a valid token. Returns how long its caller has to wait if there were too many.
    pub(crate) fn fail(&self) -> Option<Duration> {
        let peers = &self.0.peers;
        let count = peers.0.failed_logins.fetch_add(1, Ordering::Relaxed) + 1;
        let now = Instant::now();
        let mut state = peers.state();
        if state.last_line.is_none_or(|line| now - line >= Duration::from_secs(1)) {
            state.last_line = Some(now);
            let peer = self.0.address.map(tracing::field::display);
            tracing::warn!(peer, failed_logins = count, "call without a valid token");
        }
        let address = self.0.address?;
        let known = state.addresses.entry(address).or_default();
        let (since, failures) = known.failures.filter(|(since, _)| now - *since < WINDOW).unwrap_or((now, 0));
        known.failures = Some((since, failures.saturating_add(1)));
        (failures >= peers.0.failures_max).then(|| WINDOW.saturating_sub(now - since))
    }
}

impl Stay {
    /// Whether a login is still awaited.
    fn is_for_login(&self) -> bool {
        !self.logged_in.load(Ordering::Acquire) && !self.is_over.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.waker.wake();
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.peers.0.connections.fetch_sub(1, Ordering::Relaxed);
        let mut state = self.peers.state();
        state.strangers -= u32::from(*self.is_stranger.get_mut());
        if let Some(known) = self.address.and_then(|address| state.addresses.get_mut(&address)) {
            known.connections -= 1;
        }
    }
}

/// Maps an address to its subscriber: the first 64 bits of an IPv6 address, since whoever has one has all that begin
/// with them (RFC 4291, 2.5.4).
fn of_one_subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) if address.is_loopback() => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

impl State {
    /// Adds a new connection.
    fn wait(&mut self, now: Instant, stay: &Arc<Stay>) {
        if self.waiting.len() >= STRANGERS_SWEEP {
            self.waiting.retain(|(_, waiting)| waiting.upgrade().is_some_and(|stay| stay.is_for_login()));
        }
        self.waiting.push_back((now, Arc::downgrade(stay)));
    }

    /// Ends the oldest connection without a login; those that check health are ended last.
    fn send_one_away(&mut self, now: Instant) -> bool {
        let (mut probers, mut found) = (VecDeque::new(), None);
        while let Some((since, waiting)) = self.waiting.pop_front_if(|(since, _)| now - *since >= STRANGER_GRACE) {
            let Some(stay) = waiting.upgrade().filter(|stay| stay.is_for_login()) else { continue };
            if !stay.checked_health.load(Ordering::Relaxed) {
                found = Some(stay);
                break;
            }
            probers.push_back((since, waiting));
        }
        // Probers stay while others wait for a login: a flood of new connections waits until its own are old enough.
        let is_waiting = |(_, stay): &(Instant, Weak<Stay>)| stay.upgrade().is_some_and(|stay| stay.is_for_login());
        if found.is_none() && !self.waiting.iter().any(is_waiting) {
            found = probers.pop_front().and_then(|(_, prober)| prober.upgrade());
        }
        probers.append(&mut self.waiting);
        self.waiting = probers;
        found.inspect(|stay| stay.end()).is_some()
    }

    fn sweep(&mut self, now: Instant) {
        if self.addresses.len() >= ADDRESSES_SWEEP {
            self.addresses.retain(|_, known| known.connections > 0 || known.is_remembered(now));
        }
    }
}

impl Address {
    fn is_remembered(&self, now: Instant) -> bool {
        self.logged_in.is_some_and(|at| now - at < LOGIN_REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers() -> Peers {
        Peers::new(&Limits {
            connections_max: 8,
            connections_per_peer_max: 3,
            failed_logins_per_minute_max: 2,
            ..Limits::default()
        })
    }

    /// A connection from an address, if it gets a place.
    fn connect(peers: &Peers, last: u8) -> Option<Peer> {
        peers.connect(Some(IpAddr::from([192, 0, 2, last])))
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let peers = peers();
        let mut held: Vec<_> = (0..3).map(|_| connect(&peers, 1).unwrap()).collect();
        assert!(connect(&peers, 1).is_none());
        assert!(connect(&peers, 2).is_some());
        assert_eq!(peers.connections(), 3, "one has gone, one was not let in");
        held.pop();
        assert!(connect(&peers, 1).is_some());
    }

    #[test]
    fn addresses_of_one_subscriber_share() {
        let peers = peers();
        let at = |address: &str| peers.connect(Some(address.parse().unwrap()));
        let _held: Vec<_> = ["2001:db8::1", "2001:db8::2", "2001:db8::3:0:0:4"].map(at).map(Option::unwrap).into();
        assert!(at("2001:db8::5").is_none());
        assert!(at("2001:db8:0:1::1").is_some());
    }

    #[test]
    fn whoever_has_been_without_a_login_for_longest_makes_room() {
        let peers = peers();
        let is_over = |peer: &Peer| peer.is_sent_away(Waker::noop());
        let held: Vec<_> = (0..3).map(|last| connect(&peers, last).unwrap()).collect();
        assert!(!peers.send_one_away(), "nobody goes at once");
        std::thread::sleep(STRANGER_GRACE);
        held[0].log_in();
        held[1].check_health();
        let young = connect(&peers, 3).unwrap();
        assert!(peers.send_one_away());
        assert!(!peers.send_one_away(), "a prober stays while there are others, were they new");
        drop(young);
        assert_eq!(held.iter().map(is_over).collect::<Vec<_>>(), [false, false, true]);
        assert!(peers.send_one_away(), "a prober goes where nobody else is left");
        assert!(is_over(&held[1]));
        assert!(!peers.send_one_away(), "whoever logged in stays");
    }

    #[test]
    fn a_stranger_has_the_place_of_an_older_one() {
        let peers = peers();
        let strangers: Vec<_> = (0..7).map(|last| connect(&peers, last).unwrap()).collect();
        assert!(connect(&peers, 7).is_none());
        std::thread::sleep(STRANGER_GRACE);
        assert!(connect(&peers, 7).is_some());
        assert!(strangers[0].is_sent_away(Waker::noop()) && !strangers[1].is_sent_away(Waker::noop()));
    }

    #[test]
    fn strangers_leave_a_place_for_whoever_logged_in_before() {
        let peers = peers();
        let friend = connect(&peers, 9).unwrap();
        friend.log_in();
        drop(friend);
        let strangers: Vec<_> = (0..7).map(|last| connect(&peers, last).unwrap()).collect();
        assert!(connect(&peers, 7).is_none());
        assert!(connect(&peers, 9).is_some());
        strangers[0].log_in();
        assert!(connect(&peers, 7).is_some(), "who logs in is no stranger any more");
    }

    #[test]
    fn failed_logins_are_counted_and_slowed_for_each_address() {
        let peers = peers();
        let (one, other) = (connect(&peers, 1).unwrap(), connect(&peers, 2).unwrap());
        let is_to_wait: Vec<_> = (0..3).map(|_| one.fail().is_some()).collect();
        assert_eq!(is_to_wait, [false, false, true]);
        assert_eq!(other.fail(), None);
        assert_eq!(peers.failed_logins(), 4);
    }
}
