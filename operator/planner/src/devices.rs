//! Block devices and what is on them.

use hapair_model::observed::Device;

/// Everything on a device in the words of `disks[].overwrite`: `type:uuid`, several in order and joined by `+`.
pub fn all_signatures(device: &Device) -> String {
    let mut found: Vec<_> = device.signatures.iter().map(ToString::to_string).collect();
    found.sort_unstable();
    found.dedup();
    found.join("+")
}
