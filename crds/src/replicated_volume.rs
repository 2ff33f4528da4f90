//! `ReplicatedVolume`: a file system whose every write is on both hosts.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, DeletionPolicy, LocalReference};

/// A file system on a DRBD resource: every write is on both hosts before it is acknowledged (protocol C). It
/// is mounted on the node that serves. Deleting the object never deletes data.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "hapair.dev",
    version = "v1alpha1",
    kind = "ReplicatedVolume",
    plural = "replicatedvolumes",
    singular = "replicatedvolume",
    shortname = "harv",
    category = "ha",
    namespaced,
    status = "ReplicatedVolumeStatus",
    derive = "PartialEq",
    selectable = ".spec.pairRef.name",
    printcolumn = r#"{"name":"Pair","type":"string","jsonPath":".spec.pairRef.name"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Primary","type":"string","jsonPath":".status.primary"}"#,
    printcolumn = r#"{"name":"Data","type":"string","jsonPath":".status.data"}"#,
    printcolumn = r#"{"name":"Synced","type":"string","jsonPath":".status.synced"}"#,
    printcolumn = r#"{"name":"Used","type":"string","jsonPath":".status.used","priority":1}"#,
    printcolumn = r#"{"name":"Mount","type":"string","jsonPath":".spec.filesystem.mountPoint"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[x_kube(
    validation = Rule::new("self.pairRef == oldSelf.pairRef").message("a volume cannot move to another \
        pair").field_path(".pairRef"),
    validation = Rule::new("self.disks.all(d, oldSelf.disks.exists(o, o.node == d.node))").message("a volume's \
        nodes cannot be changed: the data is on them").field_path(".disks"),
    validation = Rule::new("self.disks.filter(d, !oldSelf.disks.exists(o, o.node == d.node && has(o.device) == \
        has(d.device) && (!has(d.device) || o.device == d.device) && (!has(d.partition) || o.partition == \
        d.partition))).size() <= 1").message("the disk of one node at a time can be changed: it is filled from the \
            other's").field_path(".disks"),
    validation = Rule::new("self.disks.all(d, oldSelf.disks.all(o, o.node != d.node || !has(o.partition) || \
        !has(d.partition) || o.partition == d.partition))").message("a partition is found by its name alone: name \
            another disk as device").field_path(".disks"),
    validation = Rule::new("self.filesystem.type == oldSelf.filesystem.type").message("a file system's type \
        cannot be changed: the data is in it").field_path(".filesystem.type"),
    validation = Rule::new("self.initialData == oldSelf.initialData").message("the volume got its first data \
        once; changing initialData would do nothing").field_path(".initialData"),
    validation = Rule::new("!has(self.initialData.copyFrom) || self.disks.exists(d, d.node == \
        self.initialData.copyFrom.node)").message("initialData.copyFrom names a node without a \
            disk").field_path(".initialData.copyFrom")
)]
pub struct ReplicatedVolumeSpec {
    /// The pair it lives on.
    pub pair_ref: LocalReference,
    /// The block device on each node. Nothing that carries a signature, or does not read as zeroes, is ever
    /// overwritten without `overwrite`. Where one node gets another disk, that is filled from the other node's,
    /// and the old one is left as it is.
    #[schemars(length(min = 2, max = 2))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["node".into()]))]
    pub disks: Vec<Disk>,
    /// The file system on it.
    pub filesystem: Filesystem,
    /// What the new file system holds at first.
    pub initial_data: InitialData,
    /// What deleting the volume does to the hosts. When absent: Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
}

/// One node's leg of the volume. Exactly one of device and partition is set.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.device) != has(self.partition)").message("exactly one of device \
    and partition is needed"))]
pub struct Disk {
    /// The node.
    #[schemars(length(min = 1, max = 63))]
    pub node: String,
    /// The block device there: a blank disk, partition or logical volume, better by a lasting name below
    /// /dev/disk/by-id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 6, max = 255), regex(pattern = r"^/dev/[A-Za-z0-9/._:+-]+$"))]
    pub device: Option<String>,
    /// A partition that the operator makes, and finds again by its name, hapair- and the volume's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// Consent to overwrite what is on the device or disk, exactly as the DeviceNotBlank message shows it,
    /// for instance `ext4:6f1c20a4-…`; `data` for what has no signature. Of a disk with partitions it names
    /// each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub overwrite: Option<String>,
    /// Consent to hide so many files, which the mount point's directory holds on this node before there is a
    /// volume, exactly as the MountPointNotEmpty message shows it. Files of the pair's packages are not
    /// counted, nor what initialData carries over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub hide_files: Option<u32>,
}

/// A partition of its own for the volume.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Partition {
    /// The disk: blank, or with nothing but partitions of other volumes. A blank one gets a partition table
    /// (GPT).
    #[schemars(length(min = 6, max = 255), regex(pattern = r"^/dev/[A-Za-z0-9/._:+-]+$"))]
    pub disk: String,
    /// The partition's size, for instance 20Gi. When absent: all that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 12), regex(pattern = r"^[1-9][0-9]{0,7}(Mi|Gi|Ti)$"))]
    pub size: Option<String>,
}

/// The file system of a volume.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.mountOptions) || self.mountOptions.all(o, o != \
    'ro')").message("a volume is written to").field_path(".mountOptions"))]
#[x_kube(validation = Rule::new("!self.mountPoint.matches('/[.]{1,2}(/|$)')").message("a path is written \
    out, without . and ..").field_path(".mountPoint"))]
#[x_kube(validation = Rule::new("!(self.mountPoint in ['/etc', '/home', '/tmp', '/usr', '/usr/local', '/usr/share', '/var', \
    '/var/cache', '/var/lib', '/var/log', '/var/tmp']) && \
    !self.mountPoint.matches('^/(bin|boot|dev|lib|lib64|proc|root|run|sbin|sys)(/|$)')").message("the directory holds what the \
    host needs, which would be covered; mount a directory of the volume's own").field_path(".mountPoint"))]
pub struct Filesystem {
    /// ext4 or xfs.
    #[serde(rename = "type")]
    pub type_: FilesystemType,
    /// The directory it is mounted on, absolute and without a trailing slash.
    #[schemars(length(min = 2, max = 255), regex(pattern = r"^(/[A-Za-z0-9._@+-]+)+$"))]
    pub mount_point: String,
    /// Options of mount(8) beside the defaults, for instance noatime. Changing them mounts it anew, and so
    /// interrupts the service. Read-only is not one of them: a file system that goes read-only is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 16),
        inner(length(min = 1, max = 64), regex(pattern = r"^[a-z][A-Za-z0-9_=.:-]*$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub mount_options: Option<Vec<String>>,
    /// The owner of its root directory. When absent: root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-z_][a-z0-9_-]*$"))]
    pub owner: Option<String>,
    /// The group of its root directory. When absent: root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-z_][a-z0-9_-]*$"))]
    pub group: Option<String>,
    /// The mode of its root directory, in octal. When absent: 0755.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 4), regex(pattern = r"^[0-7]{3,4}$"))]
    pub mode: Option<String>,
}

/// File systems a volume can have.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = crate::common::leave_to_the_field)]
pub enum FilesystemType {
    /// ext4.
    Ext4,
    /// XFS.
    Xfs,
}

/// What a new volume holds at first. Exactly one of its members is set.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.copyFrom) != has(self.empty)").message("exactly one of copyFrom \
    and empty is needed"))]
pub struct InitialData {
    /// What the mount point's directory holds on this node when the volume is made, with owners and modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_from: Option<CopyFrom>,
    /// Nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<Empty>,
}

/// The node whose directory is copied.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyFrom {
    /// The node.
    #[schemars(length(min = 1, max = 63))]
    pub node: String,
}

/// A choice that needs no further words.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
pub struct Empty {}

/// What was observed of the volume.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicatedVolumeStatus {
    /// The `metadata.generation` this status is about; -1 while nobody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// Observations, one for each type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The node on which DRBD is Primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub primary: Option<String>,
    /// DRBD's disk states on the pair's two nodes, in the order of their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub data: Option<String>,
    /// How much of the volume is the same on both nodes while a resync runs, in steps of five percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 7))]
    pub synced: Option<String>,
    /// How full its file system is, in steps of five percent: space, or inodes if there is less left of them.
    /// Seen while it is mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 7))]
    pub used: Option<String>,
    /// DRBD's minor number, chosen once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1048575))]
    pub minor: Option<i32>,
    /// DRBD's TCP port, chosen once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
}
