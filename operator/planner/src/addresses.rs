//! Addresses and the interfaces they are on.

use std::net::IpAddr;

use hapair_model::observed::Host;

/// The interface in whose network an address lies: the narrowest such network. Floating addresses say
/// nothing: they come and go.
pub fn interface(host: &Host, address: IpAddr, floating: &[IpAddr]) -> Option<String> {
    let networks = host.addresses.iter().filter_map(|(text, interface)| {
        let (own, prefix) = text.split_once('/')?;
        Some((own.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?, interface))
    });
    let holding =
        networks.filter(|(own, prefix, _)| !floating.contains(own) && holds(*own, *prefix, address));
    holding
        .max_by_key(|(_, prefix, _)| *prefix)
        .map(|(_, _, interface)| interface.clone())
}

/// Whether the network of an address with this prefix holds the other.
fn holds(own: IpAddr, prefix: u8, other: IpAddr) -> bool {
    let network = |bits: u128, width: u32| {
        bits.checked_shr(width.saturating_sub(u32::from(prefix)))
            .unwrap_or_default()
    };
    match (own, other) {
        (IpAddr::V4(own), IpAddr::V4(other)) => {
            network(u32::from(own).into(), 32) == network(u32::from(other).into(), 32)
        }
        (IpAddr::V6(own), IpAddr::V6(other)) => network(own.into(), 128) == network(other.into(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_goes_to_the_interface_whose_network_holds_it_whatever_its_own_prefix() {
        let addresses = [
            ("192.0.2.11/24", "eth0"),
            ("192.0.2.100/32", "eth9"),
            ("192.0.0.1/16", "eth1"),
            ("198.51.100.9/24", "eth3"),
            ("2001:db8::1/64", "eth2"),
        ];
        let addresses = addresses
            .map(|(address, interface)| (address.to_owned(), interface.to_owned()))
            .to_vec();
        let host = Host {
            addresses,
            ..Host::default()
        };
        let floating = ["192.0.2.100", "198.51.100.9"].map(|address| address.parse().expect("an address"));
        let on = |address: &str| interface(&host, address.parse().expect("an address"), &floating);
        assert_eq!(on("192.0.2.100").as_deref(), Some("eth0"));
        assert_eq!(on("192.0.7.7").as_deref(), Some("eth1"));
        assert_eq!(on("2001:db8::100").as_deref(), Some("eth2"));
        assert_eq!(on("198.51.100.1"), None);
    }
}
