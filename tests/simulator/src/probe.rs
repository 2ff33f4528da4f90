//! What a machine says about itself: the probe, as the parsers hand it on.

use std::collections::BTreeMap;

use hapair_model::{
    Secret, Side, digest,
    observed::{
        Attached, Cluster, ClusterNode, ClusterResource, ConnectionState, CorosyncConf, Device, Distribution,
        DrbdConfig, FileFacts, Host, HostAddress, Job, KnownPeer, Mounted, PathFacts, PathKind, Question,
        ReplicationState, Resource, Role, Signature, Unit,
    },
    plan::FollowUp,
    xml::Element,
};

use crate::{
    machine::{BlockDevice, Connection, Machine, StoredFile},
    pacemaker,
    world::World,
};

/// The status that the service answers with.
const ANSWER: u16 = 200;

fn file_of_root() -> PathFacts {
    PathFacts {
        kind: PathKind::File,
        user: "root".into(),
        group: "root".into(),
        mode: 0o755,
    }
}

/// What the machine on this side says.
pub fn at(world: &World, side: Side, question: &Question) -> Host {
    let machine = &world.machines[side];
    let disk = &machine.disk;
    let installing = machine
        .memory
        .jobs
        .contains_key("hapair-packages")
        .then_some(Job::Running);
    let failed = machine.memory.failed_installation.map(|ticks| Job::Failed {
        message: "no candidate".into(),
        age: u64::from(ticks / 2),
        times: 1,
    });
    Host {
        name: disk.hostname.clone(),
        kernel: "6.1.0-simulated".into(),
        machine_id: match side {
            Side::First => "1".repeat(32),
            Side::Second => "2".repeat(32),
        },
        distribution: Distribution {
            id: "debian".into(),
            like: Vec::new(),
            version: "12".into(),
        },
        owner: disk.owner.clone(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        packages: question
            .packages
            .iter()
            .filter(|name| disk.packages.contains(*name))
            .map(|name| (name.clone(), "1".into()))
            .collect(),
        held: disk.held.iter().cloned().collect(),
        install: installing.or(failed),
        units: question
            .units
            .iter()
            .map(|name| name.trim_end_matches(".service"))
            .map(|name| (name.to_owned(), unit(machine, name)))
            .collect(),
        files: question
            .files
            .iter()
            .filter_map(|path| Some((path.clone(), facts(disk.files.get(path)?))))
            .collect(),
        // Every agent is there.
        paths: question
            .paths
            .iter()
            .filter(|path| path.starts_with("/usr/lib/ocf/"))
            .map(|path| (path.clone(), file_of_root()))
            .collect(),
        pending: disk.pending.iter().cloned().collect(),
        // Its failures have no times.
        mended_at: None,
        hosts_block: disk.hosts_block.clone(),
        corosync_conf: disk
            .files
            .get("/etc/corosync/corosync.conf")
            .map(|file| CorosyncConf::parse(&String::from_utf8_lossy(&file.content))),
        corosync_cluster: machine.runs("corosync").then(|| cluster_name(machine)).flatten(),
        cluster: machine.is_clustered().then(|| cluster(world, side)),
        cib: if machine.is_clustered() {
            disk.cib.clone()
        } else {
            None
        },
        cib_on_disk: disk.cib.as_ref().map(|cib| digest(cib.to_string().as_bytes())),
        firewall: disk.firewall.as_ref().map(|filter| filter.kind),
        plain_rules: None,
        at_boot: Vec::new(),
        devices: question
            .devices
            .iter()
            .map(|place| (place.volume.clone(), device(machine, &place.volume, &place.path)))
            .collect(),
        disks: question
            .disks
            .iter()
            .map(|place| (place.volume.clone(), device(machine, "", &place.path)))
            .collect(),
        hidden_files: BTreeMap::new(),
        open_files: BTreeMap::new(),
        drbd_major: Some(8),
        resources: machine
            .memory
            .legs
            .keys()
            .map(|name| (name.clone(), resource(world, side, name)))
            .collect(),
        drbd_config: drbd_config(machine),
        agents: BTreeMap::new(),
        filesystems: machine
            .memory
            .legs
            .values()
            .filter(|leg| leg.primary)
            .map(|leg| (format!("/dev/drbd{}", leg.minor), Mounted::default()))
            .collect(),
        service_files: disk.originals.keys().cloned().collect(),
        mount_points: BTreeMap::new(),
        volume_records: disk.volume_records.clone(),
        kept_records: disk.kept_records.clone(),
        metadata: metadata(machine),
        metadata_elsewhere: BTreeMap::new(),
        shared_keys: keys(machine),
        keys: question
            .keys
            .iter()
            .filter_map(|path| Some((path.clone(), Secret::new(disk.files.get(path)?.content.clone()))))
            .collect(),
        known_peer: disk
            .files
            .get("/var/lib/hapair/peer")
            .and_then(|file| KnownPeer::parse(&String::from_utf8_lossy(&file.content))),
        addresses: addresses(world, side),
        probes: question
            .probes
            .iter()
            .map(|probe| (probe.url.clone(), answer(world, side, &probe.url)))
            .collect(),
        taken: Vec::new(),
        admin_password: disk.admin_password.clone().map(Secret::new),
        pcs_hosts: disk.pcs_hosts.iter().cloned().collect(),
    }
}

fn unit(machine: &Machine, name: &str) -> Unit {
    let package = match name {
        "pcsd" => "pcs",
        "drbd" => "drbd-utils",
        "corosync" | "pacemaker" | "tomcat10" | "nginx" => name,
        job if machine.memory.jobs.contains_key(job) => {
            return Unit {
                load: "loaded".into(),
                active: "active".into(),
                ..Unit::default()
            };
        }
        _ => {
            return Unit {
                load: "not-found".into(),
                active: "inactive".into(),
                ..Unit::default()
            };
        }
    };
    let runs = machine.runs(name)
        || name == "tomcat10"
            && machine
                .memory
                .resources
                .keys()
                .any(|id| id.starts_with("service-"));
    Unit {
        load: if machine.disk.packages.contains(package) {
            "loaded"
        } else {
            "not-found"
        }
        .into(),
        active: if runs { "active" } else { "inactive" }.into(),
        enabled: machine.disk.enabled.contains(name),
        ..Unit::default()
    }
}

fn facts(file: &StoredFile) -> FileFacts {
    FileFacts {
        digest: digest(&file.content),
        mode: file.mode.clone(),
        owner: file.owner.clone(),
    }
}

fn cluster_name(machine: &Machine) -> Option<String> {
    let text = String::from_utf8_lossy(machine.memory.corosync.as_deref()?).into_owned();
    text.split("cluster_name: ")
        .nth(1)?
        .lines()
        .next()
        .map(str::to_owned)
}

fn cluster(world: &World, side: Side) -> Cluster {
    let members = if world.joined {
        vec![Side::First, Side::Second]
    } else {
        vec![side]
    };
    let empty = Element::new("cib");
    let cib = world.machines[side].disk.cib.as_ref().unwrap_or(&empty);
    let node = |each: Side| ClusterNode {
        online: members.contains(&each),
        standby: pacemaker::is_standby(cib, &world.names[each]),
        unclean: each != side && world.machines[side].memory.peer_unclean,
        pending: false,
        maintenance: false,
        links_down: pacemaker::links_down(world, cib, each),
    };
    let mut resources = Vec::new();
    let known = pacemaker::primitives(cib);
    for id in &known {
        let active: Vec<_> = members
            .iter()
            .filter_map(|each| Some((*each, *world.machines[*each].memory.resources.get(id)?)))
            .collect();
        if active.is_empty() {
            resources.push(ClusterResource {
                id: id.clone(),
                role: "Stopped".into(),
                ..ClusterResource::default()
            });
        }
        for (each, role) in active {
            let nodes = vec![world.names[each].clone()];
            resources.push(ClusterResource {
                id: id.clone(),
                role: role.into(),
                nodes,
                ..ClusterResource::default()
            });
        }
    }
    for each in &members {
        for (id, role) in world.machines[*each]
            .memory
            .resources
            .iter()
            .filter(|(id, _)| !known.contains(id))
        {
            let nodes = vec![world.names[*each].clone()];
            resources.push(ClusterResource {
                id: id.clone(),
                role: (*role).into(),
                nodes,
                orphaned: true,
                ..ClusterResource::default()
            });
        }
    }
    Cluster {
        quorate: world.is_quorate(side),
        has_dc: world.since_change >= 3,
        nodes: Side::BOTH
            .iter()
            .map(|each| (world.names[*each].clone(), node(*each)))
            .collect(),
        resources,
        failures: world.failures.clone(),
        fencing: Vec::new(),
        maintenance: false,
        bans: pacemaker::bans(cib, &world.names),
        given_up: Vec::new(),
    }
}

fn device(machine: &Machine, volume: &str, path: &str) -> Device {
    let Some(device) = machine.disk.devices.get(path) else {
        return Device::default();
    };
    let in_cib = |cib: &Element| {
        cib.all()
            .iter()
            .any(|each| each.id() == Some(&format!("volume-{volume}")))
    };
    let gets_another = machine
        .disk
        .pending
        .contains(&FollowUp::Attach(volume.to_owned()).mark())
        || machine.attached(volume).is_some_and(|attached| attached != path);
    let hidden = machine.memory.legs.contains_key(volume)
        && !gets_another
        && machine.is_clustered()
        && machine.disk.cib.as_ref().is_some_and(in_cib);
    let mut seen = Device {
        exists: true,
        path: path.into(),
        size: device.size,
        ..Device::default()
    };
    if !hidden {
        seen.partitions.clone_from(&device.partitions);
        seen.in_use.clone_from(&device.in_use);
        seen.signatures = signatures(device);
        seen.label.clone_from(&device.label);
    }
    seen
}

/// The metadata below the legs that are up.
fn metadata(machine: &Machine) -> BTreeMap<String, String> {
    let legs = machine.memory.legs.keys();
    legs.filter_map(|name| Some((name.clone(), machine.metadata(name)?.printed_uuid().to_owned())))
        .collect()
}

fn signatures(device: &BlockDevice) -> Vec<Signature> {
    let drbd = device.metadata.as_ref().map(|metadata| Signature {
        kind: "drbd".into(),
        uuid: metadata.printed_uuid().into(),
    });
    device.signatures.iter().cloned().chain(drbd).collect()
}

/// The size of each leg, and more than a resync has ticks.
const SIZE: u64 = 1000;

fn resource(world: &World, side: Side, name: &str) -> Resource {
    let leg = &world.machines[side].memory.legs[name];
    let connected = leg.connection == Connection::Connected;
    let peer = world.machines[side.peer()]
        .memory
        .legs
        .get(name)
        .filter(|_| connected);
    let machine = &world.machines[side];
    let metadata = machine.metadata(name);
    let role = |primary: bool| if primary { Role::Primary } else { Role::Secondary };
    let replication = match (leg.resync > 0, peer.is_some_and(|peer| peer.resync > 0)) {
        (true, _) => ReplicationState::SyncTarget,
        (_, true) => ReplicationState::SyncSource,
        _ if connected => ReplicationState::Established,
        _ => ReplicationState::Off,
    };
    Resource {
        minor: leg.minor,
        role: role(leg.primary),
        connection: match leg.connection {
            Connection::Connecting => ConnectionState::Connecting,
            Connection::Connected => ConnectionState::Connected,
            Connection::StandAlone | Connection::Configured => ConnectionState::StandAlone,
        },
        peer_role: peer.map_or_else(|| Role::Unknown, |peer| role(peer.primary)),
        disk: leg.disk.name().into(),
        peer_disk: peer.map_or("DUnknown", |peer| peer.disk.name()).into(),
        replication,
        attached: machine.attached(name).map(|path| Attached {
            name: path.into(),
            path: path.into(),
        }),
        suspended: leg.frozen.then(|| "fencing".into()),
        size: SIZE,
        out_of_sync: u64::from(leg.resync + peer.map_or(0, |peer| peer.resync)).min(SIZE),
        generation: metadata.map_or(0, |metadata| metadata.current),
        ancestors: metadata
            .into_iter()
            .flat_map(|metadata| {
                [metadata.bitmap]
                    .into_iter()
                    .chain(metadata.history.iter().copied())
            })
            .collect(),
    }
}

fn drbd_config(machine: &Machine) -> BTreeMap<String, DrbdConfig> {
    let files = machine.disk.files.iter().filter_map(|(path, file)| {
        let name = path.strip_prefix("/etc/drbd.d/")?.strip_suffix(".res")?;
        let text = String::from_utf8_lossy(&file.content).into_owned();
        let number = |key: &str, end: char| {
            text.split(key)
                .nth(1)
                .and_then(|rest| rest.split(end).next())
                .and_then(|n| n.trim().parse::<u32>().ok())
        };
        let port = text
            .split("address ipv4 ")
            .nth(1)
            .and_then(|rest| rest.split([':', ';']).nth(1))
            .and_then(|port| port.parse().ok());
        let own = text
            .split(&format!("  on {} {{", machine.disk.hostname))
            .nth(1)
            .unwrap_or_default();
        let disks = own
            .split("    disk ")
            .nth(1)
            .and_then(|rest| rest.split(';').next())
            .map(str::to_owned)
            .into_iter()
            .collect();
        let ours = text.starts_with("# Managed by hapair-operator");
        Some((
            name.to_owned(),
            DrbdConfig {
                minors: number("minor ", ';').into_iter().collect(),
                ports: port.into_iter().collect(),
                disks,
                ours,
            },
        ))
    });
    files.collect()
}

fn keys(machine: &Machine) -> BTreeMap<String, String> {
    let paths = [
        "/etc/corosync/authkey",
        "/etc/pacemaker/authkey",
        "/var/lib/hapair/drbd.key",
    ];
    paths
        .iter()
        .filter_map(|path| {
            Some((
                (*path).to_owned(),
                digest(&machine.disk.files.get(*path)?.content),
            ))
        })
        .collect()
}

/// The addresses on this machine's interfaces.
pub fn addresses(world: &World, side: Side) -> Vec<HostAddress> {
    let on = |interface: &str, address: String| HostAddress {
        address: format!("{address}/24"),
        interface: interface.to_owned(),
    };
    let number = match side {
        Side::First => 11,
        Side::Second => 12,
    };
    let mut all = vec![
        on("eth0", format!("192.0.2.{number}")),
        on("eth1", format!("198.51.100.{number}")),
    ];
    let machine = &world.machines[side];
    for id in &machine.memory.addresses {
        all.extend(floating_address(machine, id).map(|address| on("eth0", address)));
    }
    all
}

fn floating_address(machine: &Machine, id: &str) -> Option<String> {
    let cib = machine.disk.cib.as_ref()?;
    let primitive = cib.all().into_iter().find(|each| each.id() == Some(id))?;
    primitive
        .all()
        .into_iter()
        .find(|each| each.get("name") == Some("ip"))?
        .get("value")
        .map(str::to_owned)
}

/// What the service answers at this URL, asked from this side.
fn answer(world: &World, side: Side, url: &str) -> u16 {
    let asked = |address: &str| {
        url.strip_prefix("http://")
            .and_then(|rest| rest.strip_prefix(address))
            .is_some_and(|rest| rest.starts_with(':'))
    };
    let has_it = |each: Side| {
        addresses(world, each)
            .iter()
            .any(|each| asked(each.without_prefix()))
    };
    if Side::BOTH
        .into_iter()
        .any(|each| has_it(each) && serves(world, each, side))
    {
        ANSWER
    } else {
        0
    }
}

/// Whether the service on the one machine can be had from the other: it runs, with its check if it has one,
/// and the way there works. There is one group in each scenario, under whatever name.
pub fn serves(world: &World, there: Side, from: Side) -> bool {
    let cib = world.machines[from].disk.cib.as_ref();
    let mut checks = cib
        .map(pacemaker::primitives)
        .into_iter()
        .flatten()
        .filter(|id| id.starts_with("probe-"));
    let resources = &world.machines[there].memory.resources;
    let runs = resources.keys().any(|each| each.starts_with("service-"))
        && checks.all(|id| resources.contains_key(&id));
    let reachable = there == from || world.links[0];
    let machine = &world.machines[there];
    world.machines[from].is_clustered() && reachable && machine.on && machine.booting == 0 && runs
}
