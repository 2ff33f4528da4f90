//! Block devices: lsblk, wipefs, blkid.

use std::collections::BTreeMap;

use hapair_model::observed::{Mounted, Signature, SignatureKind};
use serde::Deserialize;

#[derive(Deserialize)]
struct Lsblk {
    blockdevices: Vec<LsblkDevice>,
}

#[derive(Deserialize)]
struct LsblkDevice {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    mountpoint: Option<String>,
    partlabel: Option<String>,
    partuuid: Option<String>,
    #[serde(default)]
    children: Vec<LsblkDevice>,
}

/// The names of a disk's partitions, from the same; one without a name counts as an empty one.
pub fn partitions(json: &str) -> Vec<String> {
    let devices = serde_json::from_str::<Lsblk>(json)
        .map(|lsblk| lsblk.blockdevices)
        .unwrap_or_default();
    let parts = devices
        .into_iter()
        .flat_map(|device| device.children)
        .filter(|child| child.kind.as_deref() == Some("part"));
    parts.map(|part| part.partlabel.unwrap_or_default()).collect()
}

/// A disk's partitions as signatures: consent to overwrite a disk names each of them.
pub fn partition_signatures(json: &str) -> Vec<Signature> {
    let devices = serde_json::from_str::<Lsblk>(json)
        .map(|lsblk| lsblk.blockdevices)
        .unwrap_or_default();
    let parts = devices
        .into_iter()
        .flat_map(|device| device.children)
        .filter(|child| child.kind.as_deref() == Some("part"));
    parts
        .map(|part| Signature {
            kind: SignatureKind::Partition,
            uuid: part.partuuid.unwrap_or_default(),
        })
        .collect()
}

/// What uses a device, from `lsblk --json --output NAME,TYPE,MOUNTPOINT,PARTLABEL`: a mount, swap, LVM, RAID.
/// DRBD on it is looked at elsewhere, and a mere partition table is a signature, not a use.
pub fn in_use(json: &str) -> Option<String> {
    let Ok(lsblk) = serde_json::from_str::<Lsblk>(json) else {
        return Some("something that lsblk shows in a form that is not understood".into());
    };
    lsblk.blockdevices.iter().find_map(use_of)
}

fn use_of(device: &LsblkDevice) -> Option<String> {
    if let Some(point) = &device.mountpoint {
        return Some(format!("{} is mounted on {point}", device.name));
    }
    device
        .children
        .iter()
        .filter(|child| !is_drbd(child))
        .find_map(|child| match child.kind.as_deref() {
            Some("part") => use_of(child),
            kind => Some(format!("{} is on it ({})", child.name, kind.unwrap_or("unknown"))),
        })
}

/// A device of DRBD's, by its number: a volume group may be called drbdpool.
fn is_drbd(device: &LsblkDevice) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    device.name.strip_prefix("drbd").is_some_and(is_number) && device.kind.as_deref() != Some("lvm")
}

#[derive(Deserialize)]
struct Named {
    blockdevices: Vec<NamedDevice>,
}

#[derive(Deserialize)]
struct NamedDevice {
    name: String,
    fstype: Option<String>,
    uuid: Option<String>,
}

/// Devices with DRBD's metadata, by its device UUID, from `lsblk --json --list --paths --output
/// NAME,FSTYPE,UUID`.
pub fn drbd_devices(json: &str) -> BTreeMap<String, String> {
    let devices = serde_json::from_str::<Named>(json)
        .map(|lsblk| lsblk.blockdevices)
        .unwrap_or_default();
    devices
        .into_iter()
        .filter(|device| device.fstype.as_deref() == Some("drbd"))
        .filter_map(|device| Some((device.uuid?, device.name)))
        .collect()
}

/// How DRBD's devices are named.
const DRBD_DEVICE: &str = "/dev/drbd";

/// The file systems on DRBD's devices, from lines of a device, a directory and options, and `df
/// --output=source,used,avail,iused,iavail` of those directories.
pub fn mounted(mounts: &str, usage: &str) -> BTreeMap<String, Mounted> {
    let used_of = |device: &str| {
        let mut words = usage
            .lines()
            .find_map(|line| line.strip_prefix(device)?.strip_prefix(' '))?
            .split_whitespace()
            .map(str::parse::<u64>);
        let mut percent = || {
            let (used, left) = (words.next()?.ok()?, words.next()?.ok()?);
            u8::try_from(used * 100 / (used + left).max(1)).ok()
        };
        // XFS makes its inodes as they are needed, and may have none to count.
        let (space, inodes) = (percent(), percent());
        space.map(|space| space.max(inodes.unwrap_or_default()))
    };
    let one = |line: &str| {
        let mut words = line.split(' ');
        let (device, options) = (words.next()?, words.nth(1)?);
        if !device.starts_with(DRBD_DEVICE) {
            return None;
        }
        // "emergency_ro" is ext4's word from Linux 6.15 on (fs/ext4/super.c).
        let read_only = options
            .split(',')
            .any(|option| matches!(option, "ro" | "emergency_ro"));
        Some((
            device.to_owned(),
            Mounted {
                read_only,
                used: used_of(device),
            },
        ))
    };
    mounts.lines().filter_map(one).collect()
}

/// What is mounted where, from the same lines. What was mounted last covers what is below it (proc(5): in their order).
pub fn mount_points(mounts: &str) -> BTreeMap<String, String> {
    let one = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let (device, directory) = (words.next()?, words.next()?);
        Some((directory, device))
    };
    mounts.lines().filter_map(one).collect()
}

#[derive(Deserialize)]
struct Wipefs {
    signatures: Vec<WipefsSignature>,
}

#[derive(Deserialize)]
struct WipefsSignature {
    #[serde(rename = "type")]
    kind: String,
    uuid: Option<String>,
}

/// Signatures, from `wipefs --no-act --json`; it prints nothing at all for a blank device.
pub fn signatures(json: &str) -> Vec<Signature> {
    if json.trim().is_empty() {
        return Vec::new();
    }
    let Ok(wipefs) = serde_json::from_str::<Wipefs>(json) else {
        return vec![Signature {
            kind: "unknown".into(),
            uuid: String::new(),
        }];
    };
    let mut found: Vec<Signature> = Vec::new();
    for WipefsSignature { kind, uuid } in wipefs.signatures {
        // A backup of the same signature (GPT keeps one at the end) is the same signature.
        let signature = Signature {
            kind: kind.as_str().into(),
            uuid: uuid.unwrap_or_default(),
        };
        if !found.contains(&signature) {
            found.push(signature);
        }
    }
    found
}

/// Signatures of a partition table get its UUID, from `blkid --match-tag PTUUID`: wipefs leaves it out, and
/// consent has to name one table.
pub fn named(mut signatures: Vec<Signature>, table: &str) -> Vec<Signature> {
    for signature in &mut signatures {
        if signature.uuid.is_empty()
            && matches!(
                signature.kind,
                SignatureKind::Gpt | SignatureKind::Dos | SignatureKind::ProtectiveMbr
            )
        {
            signature.uuid = table.to_owned();
        }
    }
    signatures
}

/// A value from `blkid --output export`.
pub fn export<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mounted_partition_is_a_use_and_drbd_on_the_device_is_not() {
        let mounted = r#"{"blockdevices":[{"name":"sdb","type":"disk","mountpoint":null,"children":[
            {"name":"sdb1","type":"part","mountpoint":"/srv"}]}]}"#;
        assert_eq!(in_use(mounted).as_deref(), Some("sdb1 is mounted on /srv"));
        let drbd = r#"{"blockdevices":[{"name":"sdb","type":"disk","mountpoint":null,"children":[
            {"name":"drbd0","type":"disk","mountpoint":"/var/log/tomcat10"}]}]}"#;
        assert_eq!(in_use(drbd), None);
    }

    #[test]
    fn a_file_system_tells_how_full_it_is_and_whether_it_takes_writes() {
        let mounts = "/dev/drbd0 /var/log/tomcat10 rw,relatime\n/dev/drbd10 /srv/a \
            rw,relatime,emergency_ro\n/dev/drbd2 /srv/b ro\n";
        let usage = "Filesystem        Used   Avail IUsed IFree\n/dev/drbd0       901 99 10 90\n/dev/drbd10 \
            1 99 95 5\n";
        let found = mounted(mounts, usage);
        let of = |device: &str| (found[device].read_only, found[device].used);
        assert_eq!(
            [of("/dev/drbd0"), of("/dev/drbd10"), of("/dev/drbd2")],
            [(false, Some(90)), (true, Some(95)), (true, None)]
        );
    }

    #[test]
    fn a_disks_partitions_are_named_in_consent() {
        let json = r#"{"blockdevices":[{"name":"sdb","type":"disk","mountpoint":null,"partuuid":null,"children":[
            {"name":"sdb1","type":"part","mountpoint":null,"partuuid":"0f-1"},{"name":"sdb2","type":"part","mountpoint":null,"partuuid":"0f-2"}]}]}"#;
        assert_eq!(
            partition_signatures(json)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["part:0f-1", "part:0f-2"]
        );
    }

    #[test]
    fn what_is_not_understood_is_never_a_blank_device() {
        assert!(in_use("{").is_some());
        assert_eq!(signatures("{\"signatures\": [").len(), 1);
        assert!(signatures("").is_empty());
    }

    #[test]
    fn drbd_metadata_shows_with_its_device_uuid() {
        let json = r#"{"signatures": [{"device": "ubdb", "offset": "0x1ffff03c", "type": "drbd", "uuid": "f44642132f79ec16", "label": null}]}"#;
        assert_eq!(signatures(json)[0].to_string(), "drbd:f44642132f79ec16");
    }
}
