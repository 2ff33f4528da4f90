//! Block devices and what is on them.

use hapair_model::observed::{Device, SignatureKind};

/// The prefix of the names of partitions that are made for volumes.
const OURS: &str = "hapair-";

/// Whether a disk has a partition table with nothing in it but partitions of volumes.
pub fn has_only_our_partitions(disk: &Device) -> bool {
    let table = disk.signatures.iter().all(|signature| {
        matches!(
            signature.kind,
            SignatureKind::Gpt | SignatureKind::ProtectiveMbr | SignatureKind::Partition
        )
    });
    table && !disk.partitions.is_empty() && disk.partitions.iter().all(|name| name.starts_with(OURS))
}

/// Whether a disk has a partition of a volume.
pub fn has_a_partition_of_ours(disk: &Device) -> bool {
    disk.partitions.iter().any(|name| name.starts_with(OURS))
}

/// Whether all that is on a device has no signature.
pub fn holds_mere_data(device: &Device) -> bool {
    matches!(device.signatures.as_slice(), [signature] if signature.kind == SignatureKind::Data)
}

/// Everything on a device in the words of `disks[].overwrite`: `type:uuid`, several in order and joined by
/// `+`.
pub fn all_signatures(device: &Device) -> String {
    let mut found: Vec<_> = device.signatures.iter().map(ToString::to_string).collect();
    found.sort_unstable();
    found.dedup();
    found.join("+")
}
