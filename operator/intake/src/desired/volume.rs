//! Volumes, and the disks below them.

use hapair_crds as crds;
use hapair_model::{
    Both, Reason, Side,
    desired::{Disk, FilesystemType, Partition, Volume},
    plan::Subject,
};
use kube::ResourceExt;

use super::Intake;

impl Intake<'_> {
    pub(super) fn volume(&mut self, volume: &crds::ReplicatedVolume) -> Option<Volume> {
        let about = Subject::Volume(volume.name_any());
        let disk = |node: &str| {
            disk(
                &volume.name_any(),
                volume.spec.disks.iter().find(|disk| disk.node == node)?,
            )
        };
        let pair = self.pair;
        let by_name = pair.spec.nodes_by_name();
        let [(_, first), (_, second)] = by_name.as_slice() else {
            return None;
        };
        let (Some(first_disk), Some(second_disk)) = (disk(&first.name), disk(&second.name)) else {
            let message = format!(
                "spec.disks: expected one disk on {} and one on {}",
                first.name, second.name
            );
            self.find(about, Reason::InvalidSpec, message);
            return None;
        };
        if let Some(partition) = [&first_disk, &second_disk]
            .into_iter()
            .find_map(|disk| disk.partition.as_ref())
            && partition.name.len() > LONGEST_PARTITION_NAME
        {
            let message = format!(
                "metadata.name: the partition's name, {}, has more than the {LONGEST_PARTITION_NAME} \
                 characters a partition table has room for",
                partition.name
            );
            self.find(about, Reason::InvalidSpec, message);
            return None;
        }
        let filesystem = &volume.spec.filesystem;
        let copy_from = match volume.spec.initial_data.copy_from.as_ref().map(|from| &from.node) {
            None => None,
            Some(node) if *node == first.name => Some(Side::First),
            Some(node) if *node == second.name => Some(Side::Second),
            Some(node) => {
                self.find(
                    about,
                    Reason::InvalidSpec,
                    format!("spec.initialData.copyFrom.node: {node:?} is none of the pair's nodes"),
                );
                return None;
            }
        };
        let or_root = |name: &Option<String>| name.clone().unwrap_or_else(|| "root".into());
        Some(Volume {
            name: volume.name_any(),
            disks: Both::new(first_disk, second_disk),
            // Chosen by the planner from what the hosts have recorded.
            numbers: None,
            filesystem: match filesystem.type_ {
                crds::FilesystemType::Ext4 => FilesystemType::Ext4,
                crds::FilesystemType::Xfs => FilesystemType::Xfs,
            },
            mount_point: filesystem.mount_point.clone(),
            mount_options: filesystem.mount_options.clone().unwrap_or_default(),
            owner: format!("{}:{}", or_root(&filesystem.owner), or_root(&filesystem.group)),
            mode: filesystem.mode.clone().unwrap_or_else(|| "0755".into()),
            copy_from,
        })
    }
}

/// Room in a GPT for a partition's name, in UTF-16 characters (UEFI specification, GPT partition entry).
const LONGEST_PARTITION_NAME: usize = 36;

fn disk(volume: &str, disk: &crds::Disk) -> Option<Disk> {
    let (overwrite, hide_files) = (disk.overwrite.clone(), disk.hide_files);
    let Some(partition) = &disk.partition else {
        return Some(Disk {
            device: disk.device.clone()?,
            partition: None,
            overwrite,
            hide_files,
        });
    };
    let name = format!("hapair-{volume}");
    Some(Disk {
        device: format!("/dev/disk/by-partlabel/{name}"),
        partition: Some(Partition {
            disk: partition.disk.clone(),
            name,
            size_mib: partition.size.as_deref().and_then(mebibytes),
        }),
        overwrite,
        hide_files,
    })
}

/// A size such as 20Gi in MiB.
fn mebibytes(size: &str) -> Option<u64> {
    let (number, unit) = size.split_at(size.len().checked_sub(2)?);
    let shift = match unit {
        "Mi" => 0,
        "Gi" => 10,
        "Ti" => 20,
        _ => return None,
    };
    Some(number.parse::<u64>().ok()? << shift)
}
