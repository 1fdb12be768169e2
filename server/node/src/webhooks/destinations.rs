//! Which addresses a webhook may reach: public ones, and those of networks that the operator has opened.
//!
//! Whoever keeps a webhook names any host, and names lead anywhere: so addresses are looked at, each time, and not names.
//! An IPv4 address inside an IPv6 one counts as the former.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A range of addresses, such as `10.20.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressRange {
    base: IpAddr,
    prefix: u32,
}

/// A text is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRange;

impl FromStr for AddressRange {
    type Err = NoRange;

    fn from_str(text: &str) -> Result<Self, NoRange> {
        let (base, prefix) = text.split_once('/').ok_or(NoRange)?;
        let base: IpAddr = base.parse().map_err(|_| NoRange)?;
        let prefix: u32 = prefix.parse().map_err(|_| NoRange)?;
        if prefix > if base.is_ipv4() { 32 } else { 128 } { Err(NoRange) } else { Ok(Self { base, prefix }) }
    }
}

impl AddressRange {
    fn contains(self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let differs = u32::from(base) ^ u32::from(address);
                differs.checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let differs = u128::from(base) ^ u128::from(address);
                differs.checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Where webhooks may send.
#[derive(Debug, Clone, Default)]
pub(crate) struct Destinations {
    opened: Vec<AddressRange>,
}

impl Destinations {
    /// Public addresses, and those in these ranges.
    pub(crate) fn new(opened: Vec<AddressRange>) -> Self {
        Self { opened }
    }

    /// Whether any of these addresses may be sent to. If not all may, none may: whoever answers for a name must not choose.
    pub(crate) fn allow(&self, addresses: &[IpAddr], is_secure: bool) -> bool {
        !addresses.is_empty() && addresses.iter().all(|address| self.allows(*address, is_secure))
    }

    /// Whether plain HTTP leads anywhere.
    pub(crate) fn has_plain(&self) -> bool {
        !self.opened.is_empty()
    }

    fn allows(&self, address: IpAddr, is_secure: bool) -> bool {
        let meant = unwrapped(address);
        let is_opened = self.opened.iter().any(|range| range.contains(meant));
        is_opened || (is_secure && is_public(meant))
    }
}

/// The address that is meant: one of IPv4 that an IPv6 address maps, translates or tunnels to is that one.
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(outer) = address else { return address };
    let at = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match outer.segments() {
        // Mapped (RFC 4291), translated (RFC 6052), and 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            at(high, low)
        }
        _ => address,
    }
}

/// Whether an address is one of the public internet (the IANA registries of special-purpose addresses).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    // This network, private ones, loopback, link-local ones, multicast, reserved ones and broadcast.
    let is_local = matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..]
    );
    // Behind the network address translation of providers, and benchmarks.
    let is_shared = matches!(address.octets(), [100, 64..=127, ..] | [198, 18 | 19, ..]);
    // Protocol assignments, documentation, relays of 6to4.
    let is_special =
        matches!(address.octets(), [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _]);
    !(is_local || is_shared || is_special)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocol assignments (Teredo among them), documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Global unicast is all that was ever given out.
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(opened: &[&str], address: &str) -> [bool; 2] {
        let destinations = Destinations::new(opened.iter().map(|range| range.parse().unwrap()).collect());
        let address = address.parse().unwrap();
        [true, false].map(|is_secure| destinations.allow(&[address], is_secure))
    }

    #[test]
    fn public_addresses_are_reached_over_tls_alone() {
        for address in
            ["1.1.1.1", "9.255.255.255", "172.15.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "2a00::1"]
        {
            assert_eq!(allows(&[], address), [true, false], "{address}");
        }
    }

    #[test]
    fn nothing_else_is_reached_in_whatever_clothes() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert_eq!(allows(&[], address), [false, false], "{address}");
        }
    }

    #[test]
    fn an_address_that_wraps_a_public_one_is_public() {
        for address in ["::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"] {
            assert_eq!(allows(&[], address), [true, false], "{address}");
        }
    }

    #[test]
    fn what_the_operator_opens_is_reached_in_plain_too_and_what_wraps_it() {
        let opened = ["10.20.0.0/16", "fd00::/8"];
        for address in ["10.20.0.1", "10.20.255.255", "::ffff:10.20.0.1", "fd12::1"] {
            assert_eq!(allows(&opened, address), [true, true], "{address}");
        }
        for address in ["10.21.0.1", "10.19.255.255", "fc00::1", "::ffff:10.21.0.1"] {
            assert_eq!(allows(&opened, address), [false, false], "{address}");
        }
        assert_eq!(allows(&["0.0.0.0/0"], "8.8.8.8"), [true, true]);
        assert_eq!(allows(&["127.0.0.1/32"], "127.0.0.2"), [false, false]);
    }

    #[test]
    fn one_address_that_is_not_allowed_is_enough() {
        let destinations = Destinations::default();
        let [public, own] = ["1.1.1.1".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        assert!(destinations.allow(&[public], true));
        assert!(!destinations.allow(&[public, own], true) && !destinations.allow(&[], true));
    }

    #[test]
    fn other_texts_are_no_ranges() {
        for text in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "localhost/8", "10.0.0.0/8/8"]
        {
            assert_eq!(text.parse::<AddressRange>(), Err(NoRange), "{text}");
        }
    }
}
