//! What people do to a pair, each with where it begins.
#![allow(dead_code, reason = "each test file uses its own part of the scenarios")]

use std::sync::{
    Mutex, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use hapair_crds::requests::REPLACE_DISK;
use hapair_model::Side;
use hapair_simulator::{
    effects::Fault,
    experiment::{End, Experiment, Start, run},
    machine::{BlockDevice, DiskState},
    objects::{changed, of_kind, sample, secrets},
};
use serde_json::{Value, json};

/// Something that people do, from a starting point, after which everything is to be as declared.
pub struct Scenario {
    pub name: &'static str,
    pub start: fn() -> Start,
    pub act: fn(&Experiment),
    /// Whether a pair that is Ready is what it ends in.
    pub ready: bool,
}

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "first convergence on bare hosts",
        start: Start::bare,
        act: declare_everything,
        ready: true,
    },
    Scenario {
        name: "first convergence where one host has its packages",
        start: half_made,
        act: declare_everything,
        ready: true,
    },
    Scenario {
        name: "first convergence over a file system that may be overwritten",
        start: used_disk,
        act: declare_with_consent,
        ready: true,
    },
    Scenario {
        name: "first convergence of a pair without fencing",
        start: Start::bare,
        act: declare_unfenced,
        ready: true,
    },
    Scenario {
        name: "node1 into standby",
        start: at_rest,
        act: |run| run.apply([standby(true)]),
        ready: true,
    },
    Scenario {
        name: "standby of the one node while the other comes out of it",
        start: in_standby,
        act: standby_swapped,
        ready: true,
    },
    Scenario {
        name: "node1 out of standby",
        start: in_standby,
        act: |run| run.apply([standby(false)]),
        ready: true,
    },
    Scenario {
        name: "another page",
        start: at_rest,
        act: another_page,
        ready: true,
    },
    Scenario {
        name: "another floating address",
        start: at_rest,
        act: another_address,
        ready: true,
    },
    Scenario {
        name: "another BMC password",
        start: at_rest,
        act: another_password,
        ready: true,
    },
    Scenario {
        name: "another password of hacluster",
        start: at_rest,
        act: another_admin,
        ready: true,
    },
    Scenario {
        name: "fencing disabled",
        start: at_rest,
        act: |run| run.apply([unfenced()]),
        ready: true,
    },
    Scenario {
        name: "the preference for a node moved",
        start: at_rest,
        act: other_preference,
        ready: true,
    },
    Scenario {
        name: "a second volume in the group",
        start: at_rest,
        act: second_volume,
        ready: true,
    },
    Scenario {
        name: "a second address that stands alone",
        start: at_rest,
        act: second_address,
        ready: true,
    },
    Scenario {
        name: "the second address leaves",
        start: with_second_address,
        act: |run| run.api.delete("floatingips", "second"),
        ready: true,
    },
    Scenario {
        name: "group, volume and address leave",
        start: to_be_torn_down,
        act: children_leave,
        ready: true,
    },
    Scenario {
        name: "group and address are deleted with Retain, and declared under other names",
        start: released,
        act: renamed,
        ready: true,
    },
    Scenario {
        name: "another disk for node2",
        start: with_another_disk,
        act: another_disk,
        ready: true,
    },
    Scenario {
        name: "a blank disk in place of one that has failed under node2",
        start: at_rest,
        act: |run| {
            let uuid = other_disk_in_its_place(run);
            run.apply([replacing(&uuid)]);
        },
        ready: true,
    },
    Scenario {
        name: "a blank disk in place of the one that node2 had before it was restarted",
        start: at_rest,
        act: |run| {
            let uuid = other_disk_in_its_place(run);
            run.shared.world().reboot(Side::Second);
            run.apply([replacing(&uuid)]);
        },
        ready: true,
    },
    Scenario {
        name: "node2 has lost its keys and everything that it remembers",
        start: at_rest,
        act: without_memory,
        ready: true,
    },
    Scenario {
        name: "the pair leaves its hosts",
        start: to_be_torn_down,
        act: everything_leaves,
        ready: false,
    },
    Scenario {
        name: "the pair has left its hosts, and is declared again",
        start: torn_down,
        act: declare_everything,
        ready: true,
    },
    Scenario {
        name: "another HAPair takes the hosts over",
        start: at_rest,
        act: taken_over,
        ready: true,
    },
];

/// Does something with each, on all cores.
pub fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = work(item);
                    done.lock().expect("no panic before").push(result);
                }
            });
        }
    });
    done.into_inner().expect("no panic before")
}

/// Runs a scenario, with a fault or without.
pub fn play(scenario: &Scenario, start: &Start, fault: Option<(usize, Fault)>) -> End {
    run(start, fault, 1, async |experiment| {
        (scenario.act)(experiment);
        let rest = experiment.settle().await;
        experiment.end(rest)
    })
}

fn grown(cell: &'static OnceLock<Start>, start: fn() -> Start, act: fn(&Experiment)) -> Start {
    let grow = || {
        let end = play(
            &Scenario {
                name: "preparation",
                start,
                act,
                ready: true,
            },
            &start(),
            None,
        );
        assert_eq!(end.troubles, Vec::<String>::new());
        Start::after(end)
    };
    cell.get_or_init(grow).clone()
}

/// The sample, everything as declared.
pub fn at_rest() -> Start {
    static CELL: OnceLock<Start> = OnceLock::new();
    grown(&CELL, Start::bare, declare_everything)
}

fn in_standby() -> Start {
    static CELL: OnceLock<Start> = OnceLock::new();
    grown(&CELL, at_rest, |run| run.apply([standby(true)]))
}

fn with_second_address() -> Start {
    static CELL: OnceLock<Start> = OnceLock::new();
    grown(&CELL, at_rest, second_address)
}

fn to_be_torn_down() -> Start {
    static CELL: OnceLock<Start> = OnceLock::new();
    grown(&CELL, at_rest, |run| {
        run.apply(sample().into_iter().map(tearing_down))
    })
}

fn released() -> Start {
    static CELL: OnceLock<Start> = OnceLock::new();
    grown(&CELL, at_rest, |run| {
        for (plural, name) in [("servicegroups", "tomcat"), ("floatingips", "web")] {
            run.api.delete(plural, name);
        }
    })
}

fn torn_down() -> Start {
    static CELL: OnceLock<Start> = OnceLock::new();
    grown(&CELL, to_be_torn_down, everything_leaves)
}

fn half_made() -> Start {
    let mut start = Start::bare();
    let packages = [
        "corosync",
        "curl",
        "drbd-utils",
        "fdisk",
        "fence-agents",
        "ipmitool",
        "pacemaker",
        "pacemaker-cli-utils",
        "pcs",
        "resource-agents",
        "tomcat10",
    ];
    let disk = &mut start.world.machines.second.disk;
    disk.packages.extend(packages.map(str::to_owned));
    disk.enabled.extend(["tomcat10", "drbd"].map(str::to_owned));
    start.world.machines.second.start_unit("tomcat10");
    start
}

const UUID: &str = "6f1c20a4-0000-4000-8000-000000000001";

fn used_disk() -> Start {
    let mut start = Start::bare();
    let device = start
        .world
        .machines
        .first
        .disk
        .devices
        .get_mut("/dev/sdb")
        .expect("the second disk");
    device.signatures.push(hapair_model::observed::Signature {
        kind: "ext4".into(),
        uuid: UUID.into(),
    });
    device.label = Some("old".into());
    start
}

pub fn declare_everything(run: &Experiment) {
    run.apply(secrets().into_iter().chain(sample()));
}

fn declare_with_consent(run: &Experiment) {
    declare_everything(run);
    run.apply([changed("ReplicatedVolume", |spec| {
        spec["disks"][0]["overwrite"] = json!(format!("ext4:{UUID}"))
    })]);
}

fn unfenced() -> Value {
    changed("HAPair", |spec| spec["fencing"] = json!({"mode": "Disabled"}))
}

fn declare_unfenced(run: &Experiment) {
    run.apply(
        secrets()
            .into_iter()
            .chain(sample().into_iter().skip(1))
            .chain([unfenced()]),
    );
}

pub fn standby(on: bool) -> Value {
    changed("HAPair", |spec| spec["nodes"][0]["standby"] = json!(on))
}

fn standby_swapped(run: &Experiment) {
    run.apply([changed("HAPair", |spec| {
        (spec["nodes"][0]["standby"], spec["nodes"][1]["standby"]) = (json!(false), json!(true))
    })]);
}

fn another_page(run: &Experiment) {
    run.apply([changed("ServiceGroup", |spec| {
        spec["files"][0]["content"] = json!("another page of $(NODE_NAME)\n")
    })]);
}

fn another_address(run: &Experiment) {
    run.apply([changed("FloatingIP", |spec| {
        spec["address"] = json!("192.0.2.101/24")
    })]);
}

fn another_password(run: &Experiment) {
    let mut secret = secrets().remove(1);
    secret["data"]["password"] = secrets()[2]["data"]["password"].clone();
    run.apply([secret]);
}

fn another_admin(run: &Experiment) {
    let mut secret = secrets().remove(3);
    secret["data"]["password"] = secrets()[2]["data"]["password"].clone();
    run.apply([secret]);
}

fn other_preference(run: &Experiment) {
    run.apply([changed("HAPair", |spec| spec["preferredNode"] = json!("node2"))]);
}

fn with_another_disk() -> Start {
    let mut start = at_rest();
    let disk = BlockDevice {
        size: 512 << 20,
        ..BlockDevice::default()
    };
    let devices = &mut start.world.machines.second.disk.devices;
    devices.insert("/dev/sdc".into(), disk);
    start
}

fn another_disk(run: &Experiment) {
    run.apply([changed("ReplicatedVolume", |spec| {
        spec["disks"][1] = json!({"node": "node2", "device": "/dev/sdc"});
    })]);
}

/// The disk below node2's leg is gone, and a blank one is there. Returns the metadata that the leg had.
fn other_disk_in_its_place(run: &Experiment) -> String {
    let mut world = run.shared.world();
    let machine = &mut world.machines[Side::Second];
    let legs = machine.memory.legs.values_mut();
    legs.for_each(|leg| leg.disk = DiskState::Diskless);
    let disk = &mut machine.disk;
    disk.devices.remove("/dev/disk/by-partlabel/hapair-logs");
    if let Some(whole) = disk.devices.get_mut("/dev/sdb") {
        whole.signatures.clear();
        whole.partitions.clear();
    }
    let record = disk.volume_records.get("logs");
    let uuid = record.and_then(|record| record.device_uuid.clone());
    uuid.unwrap_or_default()
}

fn replacing(uuid: &str) -> Value {
    let mut pair = of_kind("HAPair");
    pair["metadata"]["annotations"] = json!({REPLACE_DISK.annotation: uuid});
    pair
}

/// node2's own disk was emptied, but for the packages; the disk with the data is as it was.
fn without_memory(run: &Experiment) {
    let mut world = run.shared.world();
    world.stop_cluster(Side::Second);
    let machine = &mut world.machines[Side::Second];
    machine.memory.legs.clear();
    let disk = &mut machine.disk;
    disk.files.clear();
    disk.volume_records.clear();
    disk.hosts_block.clear();
    disk.enabled.clear();
    disk.pcs_hosts.clear();
    (disk.owner, disk.cib, disk.admin_password) = (None, None, None);
}

fn renamed(run: &Experiment) {
    let named = |mut object: Value, name: &str| {
        object["metadata"]["name"] = json!(name);
        object
    };
    let group = changed("ServiceGroup", |spec| {
        spec["floatingIPs"] = json!([{"name": "front"}])
    });
    run.apply([named(of_kind("FloatingIP"), "front"), named(group, "shop")]);
}

fn second_volume(run: &Experiment) {
    let mut volume = changed("ReplicatedVolume", |spec| {
        spec["filesystem"]["mountPoint"] = json!("/srv/data");
        spec["initialData"] = json!({"empty": {}});
        for disk in spec["disks"].as_array_mut().into_iter().flatten() {
            disk["partition"]["size"] = json!("100Mi");
        }
    });
    volume["metadata"]["name"] = json!("data");
    let group = changed("ServiceGroup", |spec| {
        spec["volumes"] = json!([{"name": "logs"}, {"name": "data"}])
    });
    run.apply([volume, group]);
}

fn second_address(run: &Experiment) {
    let mut ip = changed("FloatingIP", |spec| {
        spec["address"] = json!("192.0.2.102/24");
        spec["deletionPolicy"] = json!("Teardown");
    });
    ip["metadata"]["name"] = json!("second");
    run.apply([ip]);
}

fn tearing_down(mut object: Value) -> Value {
    object["spec"]["deletionPolicy"] = json!("Teardown");
    object
}

fn children_leave(run: &Experiment) {
    for (plural, name) in [
        ("servicegroups", "tomcat"),
        ("replicatedvolumes", "logs"),
        ("floatingips", "web"),
    ] {
        run.api.delete(plural, name);
    }
}

fn everything_leaves(run: &Experiment) {
    run.shared.world().may_leave = true;
    run.api.delete("hapairs", "web");
}

fn taken_over(run: &Experiment) {
    run.api.forget("hapairs", "web");
    let mut pair = of_kind("HAPair");
    pair["spec"]["takeOverFrom"] = json!("cluster/uid-5");
    run.apply([pair]);
}
