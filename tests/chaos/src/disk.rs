//! The disk below the volume, behind the device mapper, so that it can fail.

use anyhow::Result;
use hapair_lab::Lab;

/// The device that the volume lies on.
pub const DEVICE: &str = "/dev/mapper/spare";

/// How the disk is.
#[derive(Clone, Copy, Debug)]
pub enum Disk {
    /// As it should be.
    Works,
    /// Every read and write is an error.
    Fails,
    /// Every write takes half a second.
    Crawls,
}

impl Disk {
    /// The device mapper's table, of a disk with `$size` sectors.
    fn table(self) -> &'static str {
        match self {
            Self::Works => "0 $size linear /dev/ubdb 0",
            Self::Fails => "0 $size error",
            Self::Crawls => "0 $size delay /dev/ubdb 0 0 /dev/ubdb 0 500",
        }
    }
}

/// Puts the device mapper below the volume's device, now and at each boot.
pub fn prepare(lab: &Lab, node: usize) -> Result<()> {
    let unit = format!(
        "[Unit]\nDescription=The spare disk, behind the device mapper\nBefore=pacemaker.service\n\
         [Service]\nType=oneshot\nRemainAfterExit=yes\n\
         ExecStart=/bin/sh -c 'size=$$(blockdev --getsz /dev/ubdb); dmsetup create spare --table \"{}\"'\n\
         [Install]\nWantedBy=multi-user.target\n",
        Disk::Works.table().replace('$', "$$")
    );
    lab.run(
        node,
        &format!(
            "apt-get update -qq && apt-get install -y -qq dmsetup && cat > \
             /etc/systemd/system/spare-disk.service <<'END'\n{unit}END\n\
             systemctl enable --now spare-disk"
        ),
    )
    .map(drop)
}

/// Makes the disk so.
pub fn set(lab: &Lab, node: usize, disk: Disk) -> Result<()> {
    let table = disk.table();
    lab.run(
        node,
        &format!(
            "size=$(blockdev --getsz /dev/ubdb); modprobe -q dm-delay; dmsetup suspend --noflush --nolockfs \
             spare; \
             dmsetup load spare --table \"{table}\" && dmsetup resume spare"
        ),
    )
    .map(drop)
}
