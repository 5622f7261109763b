//! Counts connections, so that neither a crowd nor one machine takes all of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Limits;

/// Who is connected.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    limits: Limits,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// A place that is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    open: Arc<Mutex<Open>>,
    address: Option<IpAddr>,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            open: Arc::default(),
        }
    }

    /// A place for a connection from `address`, unless there is none.
    pub(super) fn place(&self, address: IpAddr) -> Option<Place> {
        let address = counted(address);
        let mut open = lock(&self.open);
        if open.total >= self.limits.connections_max {
            return None;
        }
        if let Some(address) = address {
            let theirs = open.by_address.entry(address).or_default();
            if *theirs >= self.limits.connections_per_address_max {
                return None;
            }
            *theirs += 1;
        }
        open.total += 1;
        Some(Place {
            open: Arc::clone(&self.open),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.total = open.total.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(theirs) = open.by_address.get_mut(&address) {
            *theirs = theirs.saturating_sub(1);
            if *theirs == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

/// What counts as one address: this machine's own do not count, and of IPv6 the network that one customer gets.
fn counted(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        IpAddr::V4(address) => (!address.is_loopback()).then_some(IpAddr::V4(address)),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            let network = Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0);
            (!address.is_loopback()).then_some(IpAddr::V6(network))
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections() -> Connections {
        Connections::new(Limits {
            connections_max: 4,
            connections_per_address_max: 2,
            ..Limits::default()
        })
    }

    #[test]
    fn one_address_gets_its_share_and_all_together_get_the_whole() {
        let connections = connections();
        let from = |text: &str| connections.place(text.parse().unwrap());
        let (first, _second) = (
            from("192.0.2.1").unwrap(),
            from("::ffff:192.0.2.1").unwrap(),
        );
        assert!(from("192.0.2.1").is_none());
        drop(first);
        let _third = from("192.0.2.1").unwrap();
        let _fourth = from("192.0.2.2").unwrap();
        let _fifth = from("192.0.2.3").unwrap();
        assert!(from("192.0.2.4").is_none());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_this_machine_is_none() {
        let connections = connections();
        let from = |text: &str| connections.place(text.parse().unwrap());
        let _held = [
            from("2001:db8::1").unwrap(),
            from("2001:db8:0:0:9::2").unwrap(),
        ];
        assert!(from("2001:db8::3").is_none());
        let other = from("2001:db8:0:1::1").unwrap();
        drop(other);
        let own = [from("127.0.0.1"), from("::1")];
        assert!(own.iter().all(Option::is_some));
        drop(own);
        assert_eq!(lock(&connections.open).by_address.len(), 1);
    }
}
