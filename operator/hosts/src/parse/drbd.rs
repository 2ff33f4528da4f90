//! drbdadm and drbdsetup, 8.4 and 9: words of `name:value`.

use std::collections::BTreeMap;

use hapair_model::{
    observed::{Attached, DiskState, DrbdConfig, Resource, VolumeRecord},
    xml::Element,
};

/// The major version of the kernel's module, from its `version` as modinfo and /sys/module show it: 8 or 9.
pub fn major_version(text: &str) -> Option<u32> {
    text.trim().split_once('.')?.0.parse().ok()
}

/// Resources, from `drbdsetup events2 --now --statistics all`. Nothing, unless the dump is whole (`exists -` ends it).
pub fn resources(text: &str) -> BTreeMap<String, Resource> {
    let mut found: BTreeMap<String, Resource> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some("exists"), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        if kind == "-" {
            return found;
        }
        let values: BTreeMap<&str, &str> = words.filter_map(|word| word.split_once(':')).collect();
        let Some(name) = values.get("name") else { continue };
        let resource = found.entry((*name).to_owned()).or_default();
        let value = |key: &str| values.get(key).copied().unwrap_or("Unknown");
        let number = |key: &str| {
            values
                .get(key)
                .and_then(|value| value.parse().ok())
                .unwrap_or_default()
        };
        let disk = |key: &str| {
            let word = values.get(key).copied();
            word.map_or(DiskState::DUnknown, DiskState::from)
        };
        match kind {
            "resource" => {
                resource.role = value("role").into();
                let why = values.get("suspended").filter(|why| **why != "no");
                resource.suspended = why.map(|why| (*why).to_owned());
            }
            "connection" => {
                resource.connection = value("connection").into();
                resource.peer_role = value("role").into();
            }
            "device" => {
                resource.minor = values
                    .get("minor")
                    .and_then(|minor| minor.parse().ok())
                    .unwrap_or_default();
                resource.disk = disk("disk");
                resource.size = number("size");
            }
            "peer-device" => {
                resource.replication = value("replication").into();
                resource.peer_disk = disk("peer-disk");
                resource.out_of_sync = number("out-of-sync");
            }
            _ => {}
        }
    }
    BTreeMap::new()
}

/// The disks of running legs, from lines of a resource, a name and where that leads.
pub fn attached(text: &str) -> BTreeMap<String, Attached> {
    let disk = |line: &str| {
        let [resource, name, path] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            return None;
        };
        let (name, path) = (name.to_owned(), path.to_owned());
        Some((resource.to_owned(), Attached { name, path }))
    };
    text.lines().filter_map(disk).collect()
}

/// What the configuration files say, from `drbdadm dump-xml`, the names of the files that are ours, and where
/// the disks' names lead: lines of a name and a path.
pub fn config(xml: &str, ours: &str, paths: &str, host: &str) -> BTreeMap<String, DrbdConfig> {
    let Ok(root) = Element::parse(xml) else {
        return BTreeMap::new();
    };
    let resource = |element: &Element| {
        let file = element
            .get("conf-file-line")
            .and_then(|place| place.rsplit_once(':'))
            .map_or("", |(file, _)| file);
        let numbers = |tag: &str, attribute: &str| -> Vec<u32> {
            element
                .all()
                .into_iter()
                .filter(|each| each.name == tag)
                .filter_map(|each| each.get(attribute)?.parse().ok())
                .collect()
        };
        let config = DrbdConfig {
            minors: numbers("device", "minor"),
            ports: numbers("address", "port")
                .into_iter()
                .filter_map(|port| u16::try_from(port).ok())
                .collect(),
            disks: on_host(element, host)
                .into_iter()
                .flat_map(|disk| [Some(disk.clone()), leads_to(paths, &disk)])
                .flatten()
                .collect(),
            ours: ours.lines().any(|path| path == file),
        };
        Some((element.get("name")?.to_owned(), config))
    };
    root.children
        .iter()
        .filter(|each| each.name == "resource")
        .filter_map(resource)
        .collect()
}

/// The disks of a resource on a host, as they are written.
fn on_host(resource: &Element, host: &str) -> Vec<String> {
    let hosts = resource
        .children
        .iter()
        .filter(|each| each.name == "host" && each.get("name") == Some(host));
    hosts
        .flat_map(Element::all)
        .filter(|each| each.name == "disk")
        .map(|each| each.text.clone())
        .collect()
}

fn leads_to(paths: &str, disk: &str) -> Option<String> {
    let mut lines = paths.lines().filter_map(|line| line.split_once(' '));
    lines
        .find(|(name, path)| *name == disk && path != name && !path.is_empty())
        .map(|(_, path)| path.to_owned())
}

/// The current data generation's UUID and those it came from, from `drbdsetup get-gi` (current, bitmap, two
/// of history, then flags), without their lowest bit: that tells whether the node is Primary
/// (`drbd_uuid_compare` in drbd_receiver.c leaves it out too).
pub fn generations(text: &str) -> Option<(u64, Vec<u64>)> {
    let mut uuids = text
        .trim()
        .split(':')
        .take(4)
        .map(|uuid| u64::from_str_radix(uuid, 16).ok().map(|uuid| uuid & !1));
    let current = uuids.next()??;
    Some((current, uuids.flatten().filter(|uuid| *uuid != 0).collect()))
}

/// In the place of the UUID while the metadata is being made (see the script create-metadata).
const PENDING: &str = "pending";

/// The record of the metadata that was created here: `UUID zeroes|unknown MINOR PORT`; while it is being made the device is
/// behind that.
pub fn record(text: &str) -> Option<VolumeRecord> {
    let words: Vec<_> = text.split_whitespace().collect();
    let [uuid, zeroes, minor, port, ..] = words.as_slice() else {
        return None;
    };
    Some(VolumeRecord {
        device_uuid: (*uuid != PENDING).then(|| uuid.to_lowercase()),
        zeroes: *zeroes == "zeroes",
        minor: minor.parse().ok()?,
        port: port.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_known_by_the_name_under_which_it_was_attached() {
        let text = "logs /dev/disk/by-partlabel/hapair-logs /dev/sdb1\nhalf /dev/sdc\n";
        let found = attached(text);
        let disk = Attached {
            name: "/dev/disk/by-partlabel/hapair-logs".into(),
            path: "/dev/sdb1".into(),
        };
        assert_eq!(found, BTreeMap::from([("logs".to_owned(), disk)]));
    }

    const CONNECTED: &str = "exists resource name:logs role:Secondary suspended:no\n\
        exists connection name:logs peer-node-id:0 conn-name:peer connection:Connected role:Secondary\n\
        exists device name:logs volume:0 minor:0 disk:Inconsistent\n\
        exists peer-device name:logs peer-node-id:0 conn-name:peer volume:0 replication:Established \
        peer-disk:Inconsistent resync-suspended:no\n\
        exists -\n";

    #[test]
    fn two_connected_blank_legs_read_as_such() {
        let logs = &resources(CONNECTED)["logs"];
        assert_eq!(logs.minor, 0);
        assert!(logs.is_connected() && !logs.is_up_to_date());
        assert_eq!(
            (&logs.disk, &logs.peer_disk),
            (&DiskState::Inconsistent, &DiskState::Inconsistent)
        );
        assert_eq!(
            generations("0000000000000004:0000000000000000:0:0:0:0:0:1:0:1:0\n"),
            Some((4, Vec::new()))
        );
    }

    #[test]
    fn what_differs_is_a_part_of_the_device() {
        let text = "exists resource name:logs role:Primary suspended:no write-ordering:flush\n\
            exists device name:logs volume:0 minor:0 disk:UpToDate size:522188 read:1149 written:108\n\
            exists peer-device name:logs replication:SyncSource peer-disk:Inconsistent out-of-sync:130547 pending:0\n\
            exists -\n";
        let logs = &resources(text)["logs"];
        assert_eq!((logs.out_of_sync, logs.in_sync()), (130_547, Some(75)));
        let nearly = Resource {
            out_of_sync: 4,
            ..logs.clone()
        };
        assert_eq!(nearly.in_sync(), Some(99), "only what is the same is all of it");
        assert_eq!(Resource::default().in_sync(), None);
    }

    #[test]
    fn a_dump_without_its_end_is_nothing() {
        assert!(resources(CONNECTED.strip_suffix("exists -\n").unwrap()).is_empty());
    }

    #[test]
    fn the_role_bit_is_not_part_of_a_generation() {
        let uuids = "31FB47575D8966C7:ABA9A26F1E8D8E05:ABA9A26F1E8D8E04:0000000000000000:1:1:1:1:0:0:0\n";
        assert_eq!(
            generations(uuids),
            Some((
                0x31FB_4757_5D89_66C6,
                vec![0xABA9_A26F_1E8D_8E04, 0xABA9_A26F_1E8D_8E04]
            ))
        );
        assert_eq!(generations("drbdsetup: no such device"), None);
    }

    #[test]
    fn a_configuration_tells_whose_it_is_and_what_it_takes() {
        let xml = r#"<config file="/etc/drbd.conf"><common></common>
            <resource name="logs" conf-file-line="/etc/drbd.d/logs.res:2">
              <host name="node1"><volume vnr="0"><device minor="3">/dev/drbd3</device><disk>/dev/sdb</disk></volume>
                <address family="ipv4" port="7791">198.51.100.11</address></host>
              <host name="node2"><volume vnr="0"><device minor="3">/dev/drbd3</device><disk>/dev/sdb</disk></volume>
                <address family="ipv4" port="7791">198.51.100.12</address></host>
            </resource></config>"#;
        let of = |ours: &str| config(xml, ours, "/dev/sdb /dev/vdb\n", "node2")["logs"].clone();
        assert_eq!(
            of("/etc/drbd.d/logs.res\n"),
            DrbdConfig {
                minors: vec![3, 3],
                ports: vec![7791, 7791],
                disks: vec!["/dev/sdb".into(), "/dev/vdb".into()],
                ours: true
            }
        );
        assert!(!of("/etc/drbd.d/other.res\n").ours);
        assert!(config("<config><resource", "", "", "node2").is_empty());
    }

    #[test]
    fn the_module_tells_its_generation() {
        assert_eq!(major_version("8.4.11\n"), Some(8));
        assert_eq!(major_version("9.2.8-1\n"), Some(9));
        assert_eq!(major_version("modinfo: ERROR"), None);
    }
}
