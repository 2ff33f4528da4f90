//! Two machines, their networks, and the rules that must hold whatever happens to them.

use std::collections::{BTreeMap, BTreeSet};

use hapair_model::{Both, Side, observed::Failure, xml::Element};

use crate::{
    drbd,
    machine::{Connection, Machine, Work},
    pacemaker,
};

/// corosync's port (corosync.conf(5), mcastport), and that of a pair's first volume.
const COROSYNC_PORT: u16 = 5405;
const DRBD_PORT: u16 = 7789;

/// The two machines and everything around them.
#[derive(Clone, Debug)]
pub struct World {
    /// The machines.
    pub machines: Both<Machine>,
    /// Their names in the cluster.
    pub names: Both<String>,
    /// Whether each of corosync's links works.
    pub links: [bool; 2],
    /// Whether the interface of the clients has a link on each machine.
    pub client_links: Both<bool>,
    /// Whether the device that fences each machine works.
    pub bmc_works: Both<bool>,
    /// Whether the two nodes are in one cluster now.
    pub joined: bool,
    /// Ticks since the membership changed or the cluster acted.
    pub since_change: u32,
    /// Ticks until a node is fenced.
    pub fence_timer: u32,
    /// Nodes that were fenced, in order.
    pub fenced: Vec<String>,
    /// Failed operations that the cluster remembers.
    pub failures: Vec<Failure>,
    /// Agents that fail to start, by resource.
    pub agent_trouble: BTreeMap<String, String>,
    /// Packages that cannot be had.
    pub unavailable: BTreeSet<String>,
    /// Records that were acknowledged to a client, by volume.
    pub acknowledged: BTreeMap<String, BTreeSet<u32>>,
    /// A person has asked for the pair to be taken off its hosts.
    pub may_leave: bool,
    /// Whether the node is too busy for the handler that DRBD runs at the end of a resync.
    pub loses_unfencing: bool,
    /// A text that gets lost on its way into the configuration, as some do in pacemaker.
    pub mutilates: Option<&'static str>,
    /// Half seconds since the world began.
    pub ticks: u64,
    /// Rules that were broken.
    pub broken: Vec<String>,
    next_record: u32,
    next_generation: u64,
}

impl World {
    /// The state of a leg's connection, where the leg is up.
    pub fn connection(&self, side: Side, resource: &str) -> Option<Connection> {
        self.machines[side]
            .memory
            .legs
            .get(resource)
            .map(|leg| leg.connection)
    }

    /// Two bare machines.
    pub fn bare() -> Self {
        Self {
            machines: Both::new(Machine::bare("node1"), Machine::bare("node2")),
            names: Both::new("node1".into(), "node2".into()),
            links: [true; 2],
            client_links: Both::new(true, true),
            bmc_works: Both::new(true, true),
            joined: false,
            since_change: 0,
            fence_timer: 0,
            fenced: Vec::new(),
            failures: Vec::new(),
            agent_trouble: BTreeMap::new(),
            unavailable: BTreeSet::new(),
            acknowledged: BTreeMap::new(),
            may_leave: false,
            loses_unfencing: false,
            mutilates: None,
            ticks: 0,
            broken: Vec::new(),
            next_record: 0,
            next_generation: 0x1000,
        }
    }

    /// A generation's UUID that was never there before.
    pub fn fresh_generation(&mut self) -> u64 {
        self.next_generation += 0x10;
        self.next_generation
    }

    /// Whether corosync's packets get through.
    pub fn corosync_works(&self) -> bool {
        let same = |path: &str| {
            let content = |side: Side| self.machines[side].disk.files.get(path).map(|file| &file.content);
            content(Side::First) == content(Side::Second)
        };
        self.links.iter().any(|works| *works)
            && self.machines.all(|machine| machine.lets_in(COROSYNC_PORT))
            && same("/etc/corosync/authkey")
            && same("/etc/pacemaker/authkey")
    }

    /// Whether DRBD's packets get through: it has the second link to itself.
    pub fn replication_works(&self) -> bool {
        let on = Side::BOTH
            .iter()
            .all(|side| self.machines[*side].on && self.machines[*side].booting == 0);
        on && self.links[1] && self.machines.all(|machine| machine.lets_in(DRBD_PORT))
    }

    /// Whether this node's partition has quorum: both are there, or it has met its peer before (two_node,
    /// wait_for_all).
    pub fn is_quorate(&self, side: Side) -> bool {
        self.machines[side].is_clustered() && self.machines[side].memory.met_peer
    }

    /// The id of the constraint by which hapair-fence-peer forbids a clone's promotion.
    pub fn ban_id(resource: &str) -> String {
        format!("drbd-fence-by-handler-{resource}-volume-{resource}-clone")
    }

    /// The promoted role is for this side alone from now on.
    pub fn forbid_promotion(&mut self, side: Side, resource: &str) {
        let clone = format!("volume-{resource}-clone");
        let name = self.names[side].clone();
        self.change_cib(side, |cib| {
            let constraints = cib.first_mut("configuration").first_mut("constraints");
            constraints
                .children
                .retain(|each| each.id() != Some(&Self::ban_id(resource)));
            let ban = Element::new("rsc_location")
                .with("id", Self::ban_id(resource))
                .with("rsc", &clone)
                .with("only", &name);
            constraints.children.push(ban);
        });
    }

    /// The peer has caught up: hapair-unfence-peer takes the constraint away.
    pub fn allow_promotion(&mut self, resource: &str) {
        let id = Self::ban_id(resource);
        for side in Side::BOTH {
            let has = self.machines[side]
                .disk
                .cib
                .as_ref()
                .is_some_and(|cib| cib.all().iter().any(|each| each.id() == Some(&id)));
            if has && self.machines[side].is_clustered() {
                self.change_cib(side, |cib| {
                    cib.first_mut("configuration")
                        .first_mut("constraints")
                        .children
                        .retain(|each| each.id() != Some(&id));
                });
            }
        }
    }

    /// Changes the live configuration as seen from this side.
    pub fn change_cib(&mut self, side: Side, change: impl FnOnce(&mut Element)) {
        let Some(cib) = self.machines[side].disk.cib.as_mut() else {
            return;
        };
        change(cib);
        let (_, epoch) = pacemaker::version(cib);
        cib.attributes.insert("epoch".into(), (epoch + 1).to_string());
        if self.joined {
            self.machines[side.peer()].disk.cib = self.machines[side].disk.cib.clone();
        }
    }

    /// The node leaves the cluster in order: its services stop, its volumes go down.
    pub fn stop_cluster(&mut self, side: Side) {
        if self.machines[side].memory.active.remove("pacemaker") {
            let memory = &self.machines[side].memory;
            let ours = |name: &&String| memory.resources.contains_key(&format!("volume-{name}"));
            let (names, down): (Vec<_>, Vec<_>) = (
                memory.legs.keys().cloned().collect(),
                memory.legs.keys().filter(ours).cloned().collect(),
            );
            names
                .iter()
                .for_each(|name| drbd::demote(&mut self.machines[side], name));
            down.iter().for_each(|name| drbd::down(self, side, name));
            let memory = &mut self.machines[side].memory;
            memory.resources.clear();
            memory.addresses.clear();
        }
        let machine = &mut self.machines[side];
        machine.left_in_order = true;
        machine.memory.active.remove("corosync");
        machine.memory.corosync = None;
        machine.memory.met_peer = false;
        machine.memory.peer_unclean = false;
    }

    /// An orderly restart of the machine.
    pub fn reboot(&mut self, side: Side) {
        self.stop_cluster(side);
        pacemaker::tick(self);
        self.machines[side].cut_power();
        self.machines[side].start();
    }

    /// Half a second passes.
    pub fn tick(&mut self) {
        self.ticks += 1;
        for side in Side::BOTH {
            self.boot(side);
            self.jobs(side);
        }
        drbd::tick(self);
        pacemaker::tick(self);
        self.write_a_record();
        self.check();
    }

    fn boot(&mut self, side: Side) {
        let machine = &mut self.machines[side];
        if machine.on && machine.booting > 0 {
            machine.booting -= 1;
            if machine.booting == 0 {
                machine.boot();
                if machine.runs("corosync") && machine.memory.corosync.is_none() {
                    self.broken.push(format!(
                        "corosync runs on {} as its package brings it: a cluster of one",
                        self.names[side]
                    ));
                }
            }
        }
    }

    fn jobs(&mut self, side: Side) {
        if let Some(age) = &mut self.machines[side].memory.failed_installation {
            *age += 1;
        }
        let ready: Vec<_> = self.machines[side]
            .memory
            .jobs
            .iter_mut()
            .filter_map(|(name, job)| {
                job.left = job.left.saturating_sub(1);
                (job.left == 0).then(|| name.clone())
            })
            .collect();
        for name in ready {
            let Some(job) = self.machines[side].memory.jobs.remove(&name) else {
                continue;
            };
            match job.work {
                Work::Packages(packages) => self.install(side, &packages),
                Work::Filesystem { resource } => self.finish_filesystem(side, &resource),
            }
        }
    }

    /// An installation begins: its units are masked first, since Debian enables what it unpacks.
    pub fn unpack(&mut self, side: Side, mask: &[String]) {
        let disk = &mut self.machines[side].disk;
        disk.pending
            .extend(mask.iter().map(|unit| format!("unmask-{unit}")));
        disk.masked.extend(mask.iter().cloned());
        disk.enabled.extend(mask.iter().cloned());
    }

    /// It ends: what it has masked is disabled, and masked no more. apt installs all or nothing.
    fn install(&mut self, side: Side, packages: &[String]) {
        if packages.iter().any(|package| self.unavailable.contains(package)) {
            self.machines[side].memory.failed_installation = Some(0);
            return;
        }
        self.machines[side].memory.failed_installation = None;
        let disk = &mut self.machines[side].disk;
        disk.packages.extend(packages.iter().cloned());
        for unit in disk
            .pending
            .iter()
            .filter_map(|mark| mark.strip_prefix("unmask-"))
        {
            disk.enabled.remove(unit);
            disk.masked.remove(unit);
        }
        disk.pending.retain(|mark| !mark.starts_with("unmask-"));
    }

    /// The job behind make-filesystem ends: the content is complete on every leg that is connected.
    fn finish_filesystem(&mut self, side: Side, resource: &str) {
        drbd::demote(&mut self.machines[side], resource);
        self.label(side, resource, "hapair");
    }

    /// Writes the file system's label, through DRBD.
    pub fn label(&mut self, side: Side, resource: &str, label: &str) {
        let connected = self.machines[side]
            .memory
            .legs
            .get(resource)
            .is_some_and(|leg| leg.connection == Connection::Connected);
        for side in if connected {
            vec![side, side.peer()]
        } else {
            vec![side]
        } {
            let device = self.machines[side]
                .memory
                .legs
                .get(resource)
                .map(|leg| leg.device.clone());
            if let Some(device) = device.and_then(|path| self.machines[side].device_mut(&path)) {
                device.label = Some(label.to_owned());
            }
        }
    }

    /// A client appends a record to every mounted volume; it is acknowledged once protocol C has it.
    fn write_a_record(&mut self) {
        for side in Side::BOTH {
            let mounted: Vec<_> = self.machines[side]
                .memory
                .resources
                .keys()
                .filter_map(|id| id.strip_prefix("filesystem-"))
                .map(str::to_owned)
                .collect();
            for volume in mounted {
                let Some(leg) = self.machines[side]
                    .memory
                    .legs
                    .get(&volume)
                    .filter(|leg| leg.primary && !leg.frozen)
                    .cloned()
                else {
                    continue;
                };
                self.next_record += 1;
                let record = self.next_record;
                let everywhere = if leg.connection == Connection::Connected {
                    vec![side, side.peer()]
                } else {
                    vec![side]
                };
                for side in everywhere {
                    if let Some(records) = self.machines[side].records_mut(&volume) {
                        records.insert(record);
                    }
                }
                self.acknowledged.entry(volume).or_default().insert(record);
            }
        }
    }

    /// The rules that must hold at every moment.
    fn check(&mut self) {
        let mut broken = Vec::new();
        let names: BTreeSet<String> = Side::BOTH
            .iter()
            .flat_map(|side| self.machines[*side].memory.legs.keys().cloned())
            .collect();
        for name in names {
            let primary = |side: Side| {
                self.machines[side]
                    .memory
                    .legs
                    .get(&name)
                    .is_some_and(|leg| leg.primary && !leg.frozen)
            };
            if primary(Side::First) && primary(Side::Second) {
                broken.push(format!("{name} is Primary on both nodes"));
            }
            for side in Side::BOTH.into_iter().filter(|side| primary(*side)) {
                let device = &self.machines[side].memory.legs[&name].device;
                let records = &self.machines[side].disk.devices[device].records;
                let mounted = self.machines[side]
                    .memory
                    .resources
                    .contains_key(&format!("filesystem-{name}"));
                let acknowledged = self.acknowledged.get(&name).filter(|_| mounted);
                if let Some(lost) = acknowledged.and_then(|all| all.difference(records).next()) {
                    broken.push(format!(
                        "the acknowledged record {lost} is not on {}, which serves {name}",
                        self.names[side]
                    ));
                }
            }
        }
        for id in self
            .machines
            .first
            .memory
            .addresses
            .intersection(&self.machines.second.memory.addresses)
        {
            broken.push(format!("{id} is on both nodes"));
        }
        self.broken.extend(broken);
    }
}
