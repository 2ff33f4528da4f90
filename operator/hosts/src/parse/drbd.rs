//! drbdadm and drbdsetup, 8.4 and 9: words of `name:value`.

use std::collections::BTreeMap;

use hapair_model::observed::{Resource, VolumeRecord};

/// The major version of the kernel's module, from its `version` as modinfo and /sys/module show it: 8 or 9.
pub fn major_version(text: &str) -> Option<u32> {
    text.trim().split_once('.')?.0.parse().ok()
}

/// Resources and their minors, from `drbdsetup events2 --now all`. Nothing, unless the dump is whole (`exists -` ends it).
pub fn resources(text: &str) -> BTreeMap<String, (u32, Resource)> {
    let mut found: BTreeMap<String, (u32, Resource)> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some("exists"), Some(kind)) = (words.next(), words.next()) else { continue };
        if kind == "-" {
            return found;
        }
        let values: BTreeMap<&str, &str> = words.filter_map(|word| word.split_once(':')).collect();
        let Some(name) = values.get("name") else { continue };
        let (minor, resource) = found.entry((*name).to_owned()).or_default();
        let value = |key: &str| values.get(key).copied().unwrap_or("Unknown").to_owned();
        match kind {
            "resource" => resource.role = value("role"),
            "connection" => {
                resource.connection = value("connection");
                resource.peer_role = value("role");
            }
            "device" => {
                *minor = values.get("minor").and_then(|minor| minor.parse().ok()).unwrap_or_default();
                resource.disk = value("disk");
            }
            "peer-device" => {
                resource.replication = value("replication");
                resource.peer_disk = value("peer-disk");
                resource.done = values.get("done").and_then(|done| done.split('.').next()?.parse().ok());
            }
            _ => {}
        }
    }
    BTreeMap::new()
}

/// The current data generation's UUID, from `drbdsetup get-gi`, without its lowest bit: that tells whether the node is Primary
/// (`drbd_uuid_compare` in drbd_receiver.c leaves it out too).
pub fn generation(text: &str) -> Option<u64> {
    let first = text.trim().split(':').next()?;
    u64::from_str_radix(first, 16).ok().map(|uuid| uuid & !1)
}

/// The record of the metadata that was created here: `UUID zeroes|unknown MINOR PORT`.
pub fn record(text: &str) -> Option<VolumeRecord> {
    let words: Vec<_> = text.split_whitespace().collect();
    let [uuid, zeroes, minor, port] = words.as_slice() else { return None };
    Some(VolumeRecord {
        device_uuid: uuid.to_lowercase(),
        zeroes: *zeroes == "zeroes",
        minor: minor.parse().ok()?,
        port: port.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECTED: &str = "exists resource name:logs role:Secondary suspended:no\n\
        exists connection name:logs peer-node-id:0 conn-name:peer connection:Connected role:Secondary\n\
        exists device name:logs volume:0 minor:0 disk:Inconsistent\n\
        exists peer-device name:logs peer-node-id:0 conn-name:peer volume:0 replication:Established peer-disk:Inconsistent resync-suspended:no\n\
        exists -\n";

    #[test]
    fn two_connected_blank_legs_read_as_such() {
        let (minor, logs) = &resources(CONNECTED)["logs"];
        assert_eq!(*minor, 0);
        assert!(logs.is_connected() && !logs.is_up_to_date());
        assert_eq!((logs.disk.as_str(), logs.peer_disk.as_str()), ("Inconsistent", "Inconsistent"));
        assert_eq!(generation("0000000000000004:0000000000000000:0:0:0:0:0:1:0:1:0\n"), Some(4));
    }

    #[test]
    fn a_dump_without_its_end_is_nothing() {
        assert!(resources(CONNECTED.strip_suffix("exists -\n").unwrap()).is_empty());
    }

    #[test]
    fn the_role_bit_is_not_part_of_a_generation() {
        assert_eq!(generation("31FB47575D8966C7:0:0:0"), generation("31FB47575D8966C6:0:0:0"));
    }

    #[test]
    fn the_module_tells_its_generation() {
        assert_eq!(major_version("8.4.11\n"), Some(8));
        assert_eq!(major_version("9.2.8-1\n"), Some(9));
        assert_eq!(major_version("modinfo: ERROR"), None);
    }
}
