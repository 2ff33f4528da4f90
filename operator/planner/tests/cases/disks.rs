//! Disks, and what is on them.

use hapair_model::{
    Side,
    desired::{Desired, Partition},
    observed::{AtBoot, Device, Host, Mounted, PathFacts, PathKind, Signature, SignatureKind, Silence, User},
};

use super::{Case, between, in_cluster, leg, on_both};
use crate::situations::{Hosts, two_bare_hosts};

/// The device of node2, before anything was made of it.
fn blank(
    goes_wrong: fn(&mut Device),
    named: &'static [&'static str],
    advice: &'static [&'static str],
    cure: fn(&mut Case, &str),
) -> Vec<Case> {
    vec![Case::of(
        two_bare_hosts,
        |_, hosts| goes_wrong(device(&mut hosts.second)),
        named,
        advice,
        cure,
    )]
}

fn device(host: &mut Host) -> &mut Device {
    host.devices.get_mut("logs").unwrap()
}

pub fn not_found() -> Vec<Case> {
    blank(
        |device| device.exists = false,
        &["node2", "/dev/sdb"],
        &["attach the disk"],
        |case, _| device(&mut case.hosts.second).exists = true,
    )
}

pub fn in_use() -> Vec<Case> {
    blank(
        |device| device.in_use = Some("mounted on /srv".into()),
        &["node2", "/dev/sdb", "mounted on /srv"],
        &["name another device", "is unmounted"],
        |case, _| device(&mut case.hosts.second).in_use = None,
    )
}

pub fn too_small() -> Vec<Case> {
    let mut cases = blank(
        |device| device.size = 10 << 20,
        &["node2", "/dev/sdb", "10 MiB", "64 MiB"],
        &["use a larger one"],
        |case, _| device(&mut case.hosts.second).size = 1 << 30,
    );
    // The disk has another volume's partition, and hardly anything beside it.
    cases.push(Case::of(
        two_bare_hosts,
        |desired, hosts| {
            let partition = |disk: &str| Partition {
                disk: disk.into(),
                name: "hapair-logs".into(),
                size_mib: Some(500),
            };
            for side in Side::BOTH {
                desired.volumes[0].disks[side].partition = Some(partition("/dev/sdb"));
            }
            on_both(hosts, |host| {
                let whole = std::mem::take(device(host));
                host.disks.insert(
                    "logs".into(),
                    Device {
                        free: Some(20 << 30),
                        ..whole
                    },
                );
            });
            let whole = hosts.second.disks.get_mut("logs").unwrap();
            whole.partitions = vec!["hapair-database".into()];
            (whole.free, whole.signatures) = (
                Some(50 << 20),
                vec![Signature {
                    kind: SignatureKind::Gpt,
                    uuid: "0f".into(),
                }],
            );
        },
        &[
            "node2",
            "/dev/sdb has 50 MiB left beside its partitions",
            "500 MiB",
        ],
        &["use a larger one"],
        |case, _| case.hosts.second.disks.get_mut("logs").unwrap().free = Some(1 << 30),
    ));
    cases
}

pub fn not_blank() -> Vec<Case> {
    blank(
        |device| {
            device.signatures = vec![Signature {
                kind: "ext4".into(),
                uuid: "0a1b".into(),
            }]
        },
        &["node2", "/dev/sdb", "ext4 (UUID 0a1b)"],
        &["spec.disks[].overwrite"],
        |case, message| {
            let consent = between(message, "overwrite to \"", "\"");
            case.desired.volumes[0].disks.second.overwrite = Some(consent.to_owned());
        },
    )
}

pub fn hidden_files() -> Vec<Case> {
    vec![Case::of(
        two_bare_hosts,
        |_, hosts| hosts.second.hidden_files.extend([("logs".into(), 3)]),
        &["node2", "/var/log/tomcat10", "3 files"],
        &["spec.disks[].hideFiles"],
        |case, message| {
            let number = between(message, "hideFiles to ", ".");
            case.desired.volumes[0].disks.second.hide_files = Some(number.parse().unwrap());
        },
    )]
}

pub fn open_files() -> Vec<Case> {
    vec![Case::of(
        two_bare_hosts,
        |_, hosts| {
            // Of tomcat itself, and of rsyslog, which is told to let go, nobody is told.
            let who = ["tomcat10", "rsyslog", "corosync"].map(str::to_owned).to_vec();
            hosts.second.open_files.insert("logs".into(), who);
        },
        &["node2: corosync has files open", "/var/log/tomcat10"],
        &["choose a directory of the volume's own", "write elsewhere"],
        |case, _| case.hosts.second.open_files.clear(),
    )]
}

pub fn unusable_path() -> Vec<Case> {
    let place = |kind, user: &str| PathFacts {
        kind,
        user: user.into(),
        group: "root".into(),
        mode: 0o755,
    };
    let link = Case::at_rest(
        |_, hosts| {
            drop(
                hosts
                    .second
                    .paths
                    .insert("/var/log/tomcat10".into(), place(PathKind::Link, "root")),
            )
        },
        &[
            "node2",
            "spec.filesystem.mountPoint /var/log/tomcat10",
            "symbolic link",
        ],
        &["Name the place that a link leads to"],
        |case, _| drop(case.hosts.second.paths.remove("/var/log/tomcat10")),
    );
    let somebodys = Case::at_rest(
        |_, hosts| {
            let directory = "/var/lib/tomcat10/webapps".to_owned();
            drop(
                hosts
                    .second
                    .paths
                    .insert(directory, place(PathKind::Directory, "tomcat")),
            );
        },
        &[
            "node2",
            "spec.files[0].path",
            "/var/lib/tomcat10/webapps can be written by tomcat",
        ],
        &["declare the directory's owner as the file's"],
        |case, _| case.desired.groups[0].files[0].owner = "tomcat:root".into(),
    );
    vec![link, somebodys]
}

fn numbered(uid: u32) -> User {
    User { uid, gid: uid }
}

pub fn different_ids() -> Vec<Case> {
    let group = Case::at_rest(
        |_, hosts| {
            hosts.first.groups.insert("adm".into(), 4);
            hosts.second.groups.insert("adm".into(), 104);
        },
        &["spec.filesystem.group", "4 on node1 and 104 on node2"],
        &["on node2 `groupmod --gid 4 adm`"],
        Case::as_advised,
    );
    let user = Case::at_rest(
        |_, hosts| {
            hosts.first.users.insert("tomcat".into(), numbered(998));
            hosts.second.users.insert("tomcat".into(), numbered(1001));
        },
        &["node1", "998", "1001 on node2"],
        &["on node2 `usermod --uid 998 tomcat && groupmod --gid 998 $(id -gn tomcat)`"],
        Case::as_advised,
    );
    vec![group, user]
}

/// The disk of node2 was replaced by a blank one.
pub fn leg_missing() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            hosts.second.resources.clear();
            device(&mut hosts.second).signatures.clear();
        },
        &["node2", "/dev/sdb is blank", "expected DRBD's metadata"],
        &["`kubectl hapair replace-disk "],
        Case::as_advised,
    )]
}

pub fn another_disk() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, hosts| {
            desired.volumes[0].disks.second.device = "/dev/sdc".into();
            device(&mut hosts.second).path = "/dev/sdc".into();
        },
        &["node2", "/dev/sdc", "runs on /dev/sdb"],
        &["name the disk that the message shows"],
        |case, message| {
            let disk = between(message, "runs on ", ",").to_owned();
            device(&mut case.hosts.second).path.clone_from(&disk);
            case.desired.volumes[0].disks.second.device = disk;
        },
    )]
}

/// A second volume takes the files of a directory, while the group runs that writes there.
pub fn source_in_use() -> Vec<Case> {
    vec![Case::at_rest(
        |desired, hosts| {
            let mut second = desired.volumes[0].clone();
            (second.name, second.mount_point) = ("data".into(), "/srv/data".into());
            for disk in [&mut second.disks.first, &mut second.disks.second] {
                disk.device = "/dev/sdc".into();
            }
            desired.volumes.push(second);
            desired.groups[0].volumes.push("data".into());
            on_both(hosts, |host| {
                let other = Device {
                    path: "/dev/sdc".into(),
                    ..Device {
                        exists: true,
                        size: 512 << 20,
                        ..Device::default()
                    }
                };
                drop(host.devices.insert("data".into(), other));
            });
        },
        &["spec.initialData.copyFrom", "/srv/data", "group tomcat runs"],
        &["begin with an empty volume"],
        |case, _| case.desired.volumes[1].copy_from = None,
    )]
}

pub fn lost_disk() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            leg(hosts, Side::Second).disk = "Diskless".into();
            leg(hosts, Side::First).peer_disk = "Diskless".into();
        },
        &["volume logs", "node2 has lost its disk"],
        &[
            "Once it answers again, or a blank disk is in its place",
            "`kubectl hapair replace-disk ",
        ],
        Case::as_advised,
    )]
}

fn mounted(
    named: &'static [&'static str],
    advice: &'static [&'static str],
    mounted: Mounted,
    cure: fn(&mut Case, &str),
) -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| hosts.first.filesystems.extend([("/dev/drbd0".into(), mounted)]),
        named,
        advice,
        cure,
    )]
}

pub fn read_only() -> Vec<Case> {
    let read_only = Mounted {
        read_only: true,
        used: Some(10),
    };
    mounted(
        &["volume logs", "/var/log/tomcat10 on node1"],
        &[
            "on node1 `pcs resource disable group-tomcat --wait=120 && fsck -f -y /dev/drbd0; pcs resource enable group-tomcat`",
        ],
        read_only,
        Case::as_advised,
    )
}

pub fn full() -> Vec<Case> {
    let full = Mounted {
        read_only: false,
        used: Some(100),
    };
    mounted(
        &["volume logs", "/var/log/tomcat10 on node1"],
        &["remove what is not needed"],
        full,
        |case, _| case.hosts.first.filesystems.clear(),
    )
}

/// The mount point and the address, before there is a cluster and with one.
pub fn set_at_boot() -> Vec<Case> {
    let goes_wrong = |what: &str, file: &str| {
        let at_boot = AtBoot {
            what: what.into(),
            file: file.into(),
        };
        move |_: &mut _, hosts: &mut Hosts| hosts.second.at_boot.push(at_boot)
    };
    let cure: fn(&mut Case, &str) = |case, _| case.hosts.second.at_boot.clear();
    let mount = || goes_wrong("/var/log/tomcat10", "/etc/fstab");
    let address = || goes_wrong("192.0.2.100", "/etc/network/interfaces");
    let (mount_words, address_words): (&'static [_], &'static [_]) = (
        &["node2", "/etc/fstab", "/var/log/tomcat10"],
        &["node2", "/etc/network/interfaces", "192.0.2.100"],
    );
    vec![
        Case::at_rest(mount(), mount_words, &["on node2 remove"], cure),
        Case::at_rest(address(), address_words, &["on node2 remove"], cure),
        Case::of(two_bare_hosts, mount(), mount_words, &["remove"], cure),
        Case::of(two_bare_hosts, address(), address_words, &["remove"], cure),
    ]
}

pub fn resyncing() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            let target = leg(hosts, Side::Second);
            (target.disk, target.replication) = ("Inconsistent".into(), "SyncTarget".into());
            let source = leg(hosts, Side::First);
            (source.peer_disk, source.replication) = ("Inconsistent".into(), "SyncSource".into());
        },
        &["volume logs", "node2 is Inconsistent"],
        &["wait"],
        Case::is_well,
    )]
}

pub fn split_brain() -> Vec<Case> {
    let split = |role: &'static str| {
        Case::at_rest(
            move |_, hosts| {
                for (side, generation) in [(Side::First, 2), (Side::Second, 4_000)] {
                    let leg = leg(hosts, side);
                    (leg.connection, leg.generation, leg.peer_disk) =
                        ("StandAlone".into(), generation, "DUnknown".into());
                }
                leg(hosts, Side::First).role = role.into();
            },
            &["volume logs", "diverged"],
            &[
                "on node2 `drbdadm disconnect logs 2>/dev/null; drbdadm connect --discard-my-data logs`, then on node1 `drbdadm adjust logs`",
            ],
            Case::as_advised,
        )
    };
    vec![split("Primary"), split("Secondary")]
}

pub fn different_blocks() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            on_both(hosts, |host| {
                host.resources.get_mut("logs").unwrap().out_of_sync = 24
            })
        },
        &["volume logs", "24 KiB"],
        &["on node2 `drbdadm disconnect logs", "drbdadm connect logs"],
        Case::as_advised,
    )]
}

pub fn two_primaries() -> Vec<Case> {
    vec![Case::at_rest(
        |_, hosts| {
            on_both(hosts, |host| {
                let leg = host.resources.get_mut("logs").unwrap();
                (leg.role, leg.connection) = ("Primary".into(), "Connecting".into());
            })
        },
        &["volume logs", "both legs are Primary"],
        &["stop the service at once on the node whose data shall be given up"],
        Case::is_well,
    )]
}

pub fn frozen() -> Vec<Case> {
    vec![
        Case::at_rest(
            |_, hosts| leg(hosts, Side::First).suspended = Some("fencing".into()),
            &["logs", "fencing", "node1"],
            &["FencingReady"],
            |case, _| leg(&mut case.hosts, Side::First).suspended = None,
        ),
        Case::at_rest(
            |_, hosts| leg(hosts, Side::First).suspended = Some("user".into()),
            &["logs", "user", "node1"],
            &["On node1 `drbdadm resume-io logs`"],
            Case::as_advised,
        ),
    ]
}

pub fn disconnected() -> Vec<Case> {
    let apart = Case::at_rest(
        |_, hosts| {
            for side in Side::BOTH {
                leg(hosts, side).connection = "Connecting".into();
            }
            leg(hosts, Side::First).peer_disk = "Outdated".into();
            leg(hosts, Side::Second).peer_disk = "DUnknown".into();
        },
        &["volume logs", "node2 is not connected"],
        &["replication link"],
        Case::is_well,
    );
    let alone = Case::at_rest(
        |_, hosts| {
            for (side, connection) in [(Side::First, "Connecting"), (Side::Second, "StandAlone")] {
                let leg = leg(hosts, side);
                (leg.connection, leg.peer_disk) = (connection.into(), "DUnknown".into());
            }
        },
        &["volume logs", "node2 is StandAlone"],
        &["on node2 `drbdadm connect logs`"],
        Case::as_advised,
    );
    vec![apart, alone]
}

/// On the other node, where the volume would be mounted; and of the volume, where it runs.
pub fn mounted_outside() -> Vec<Case> {
    let mounted = |side: Side, directory: &'static str, device: &'static str| {
        move |_: &mut Desired, hosts: &mut Hosts| {
            hosts[side].mount_points.insert(directory.into(), device.into());
        }
    };
    vec![
        Case::at_rest(
            mounted(Side::Second, "/var/log/tomcat10", "/dev/sdc1"),
            &["node2", "/dev/sdc1", "/var/log/tomcat10"],
            &["on node2 `umount /var/log/tomcat10`"],
            Case::as_advised,
        ),
        Case::at_rest(
            mounted(Side::First, "/mnt", "/dev/drbd0"),
            &["node1", "/dev/drbd0", "/mnt"],
            &["on node1 `umount /mnt`"],
            Case::as_advised,
        ),
    ]
}

/// The Primary has gone, and what is left has older data; or DRBD's constraint was left.
pub fn stale() -> Vec<Case> {
    let older = Case::at_rest(
        |_, hosts| {
            for side in Side::BOTH {
                leg(hosts, side).role = "Secondary".into();
            }
            leg(hosts, Side::First).peer_disk = "Outdated".into();
            leg(hosts, Side::Second).disk = "Outdated".into();
        },
        &["volume logs", "node2 is Outdated"],
        &["bring the other node back"],
        Case::is_well,
    );
    let left = super::cluster::ban(
        "drbd-fence-by-handler-logs-volume-logs-clone",
        &["drbd-fence-by-handler-logs", "node2"],
        &[
            "only if both legs are UpToDate: `pcs constraint delete drbd-fence-by-handler-logs-volume-logs-clone`",
        ],
    );
    let mut alone = Case::at_rest(
        |_, hosts| {
            let leg = leg(hosts, Side::First);
            (leg.role, leg.connection) = ("Secondary".into(), "Connecting".into());
            (leg.disk, leg.peer_disk) = ("Consistent".into(), "DUnknown".into());
            in_cluster(hosts, |cluster| {
                cluster.nodes.get_mut("node2").unwrap().online = false
            });
        },
        &[
            "volume logs",
            "node1 is Consistent",
            "node2 may have written later",
        ],
        &["on node1 `drbdadm primary --force logs && drbdadm secondary logs`"],
        Case::as_advised,
    );
    alone.silence = Some(Silence::Unreachable("no route to host".into()));
    vec![older, left, alone]
}
