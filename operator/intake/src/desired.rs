//! From objects to what is desired: references followed, defaults applied, contradictions found. An illegal
//! spec is something to report, never something half understood.

mod address;
mod fencing;
mod group;
mod nodes;
mod volume;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hapair_crds::{self as crds, HAPair};
use hapair_model::{
    Reason, Secret,
    desired::{Desired, Fencing, Leaving, Owner},
    plan::{Finding, Subject},
};
use kube::ResourceExt;

use crate::{
    children::Child,
    conflicts::{self, Children},
    delegation,
    snapshot::{NotUnderstood, Snapshot},
    sources::Sources,
};

/// corosync's own default is 3000 ms (corosync.conf(5), token).
const TOKEN: u32 = 3000;

/// What is desired as far as it can be understood, and what is wrong with the rest. Nothing is done to the
/// hosts while something is.
pub fn desired(
    pair: &HAPair,
    snapshot: &Snapshot,
    sources: &Sources,
    cluster: &str,
) -> (Option<Desired>, Vec<Finding>) {
    let mut intake = Intake {
        pair,
        sources,
        findings: Vec::new(),
    };
    snapshot
        .unknown
        .iter()
        .for_each(|told| intake.not_understood(told));
    for message in crds::requests::unknown(pair) {
        intake.find(Subject::Pair, Reason::InvalidSpec, message);
    }
    let asked = Asked {
        standby: intake.asked(crds::requests::standby(pair)),
        paused: intake.asked(crds::requests::paused(pair)).unwrap_or(true),
        accepted: intake
            .asked(crds::requests::accepted_hosts(pair))
            .unwrap_or_default(),
        forgotten: intake.asked(crds::requests::forgotten(pair)).unwrap_or_default(),
        lost_legs: intake.asked(crds::requests::lost_legs(pair)).unwrap_or_default(),
    };
    let nodes = intake.nodes(&asked);
    let admin_password = pair.spec.cluster_admin.as_ref().and_then(|admin| {
        intake.secret(
            Subject::Pair,
            "spec.clusterAdmin.secretRef",
            &admin.secret_ref.name,
            "password",
        )
    });
    if admin_password.as_ref().is_some_and(|password| {
        String::from_utf8_lossy(password.expose())
            .trim_end_matches('\n')
            .contains(['\n', '\r'])
    }) {
        let message = "spec.clusterAdmin.secretRef: the password has more than one line".to_owned();
        intake.find(Subject::Pair, Reason::InvalidSpec, message);
    }
    let volumes: Vec<_> = staying(&snapshot.volumes)
        .into_iter()
        .filter_map(|v| intake.volume(v))
        .collect();
    let floating_ips: Vec<_> = staying(&snapshot.floating_ips)
        .into_iter()
        .filter_map(|ip| intake.floating_ip(ip))
        .collect();
    let groups: Vec<_> = staying(&snapshot.groups)
        .into_iter()
        .map(|g| intake.group(g))
        .collect();
    let leaving = Leaving {
        volumes: leaving(&snapshot.volumes),
        floating_ips: leaving(&snapshot.floating_ips),
        groups: leaving(&snapshot.groups),
        files: torn_down(&snapshot.groups)
            .flat_map(|group| group.spec.files.iter().flatten())
            .map(|file| file.path.clone())
            .collect(),
    };
    let children = Children {
        volumes: &volumes,
        floating_ips: &floating_ips,
        groups: &groups,
    };
    intake.findings.extend(conflicts::find(pair, &children));
    intake.findings.extend(delegation::find(pair, &groups));
    let desired = nodes.map(|nodes| Desired {
        name: pair.name_any(),
        owner: Owner {
            cluster: cluster.to_owned(),
            pair: pair.uid().unwrap_or_default(),
            name: format!("{}/{}", pair.namespace().unwrap_or_default(), pair.name_any()),
        },
        take_over_from: pair.spec.take_over_from.clone(),
        preferred: pair
            .spec
            .preferred_node
            .as_ref()
            .and_then(|name| nodes.find(|node| node.name == *name)),
        nodes,
        fencing: fencing_mode(pair),
        admin_password,
        install_packages: pair.spec.packages != Some(crds::Management::Unmanaged),
        open_firewall: pair.spec.firewall != Some(crds::Management::Unmanaged),
        token: pair
            .spec
            .corosync
            .as_ref()
            .and_then(|corosync| u32::try_from(corosync.token?).ok())
            .unwrap_or(TOKEN),
        replication_link: pair
            .spec
            .replication
            .as_ref()
            .and_then(|r| u8::try_from(r.link).ok())
            .unwrap_or(0),
        paused: asked.paused || pair.spec.paused == Some(true),
        volumes,
        floating_ips,
        groups,
        leaving,
        accepted: asked.accepted,
        forgotten: asked.forgotten,
        lost_legs: asked.lost_legs,
        // Those of the cluster are chosen by the planner.
        ids: BTreeMap::new(),
    });
    (desired, intake.findings)
}

/// Objects that are not being deleted, the oldest first: of two that claim the same thing the newer one is told.
fn staying<K: Child + kube::Resource>(objects: &[Arc<K>]) -> Vec<&Arc<K>> {
    let mut staying: Vec<_> = objects.iter().filter(|object| !object.is_leaving()).collect();
    staying.sort_by_key(|object| (object.creation_timestamp(), object.name_any()));
    staying
}

/// Objects that are being taken off the hosts.
fn torn_down<K: Child + kube::Resource>(objects: &[Arc<K>]) -> impl Iterator<Item = &Arc<K>> {
    objects
        .iter()
        .filter(|object| object.is_leaving() && object.tears_down())
}

fn leaving<K: Child + kube::Resource>(objects: &[Arc<K>]) -> Vec<String> {
    torn_down(objects).map(|object| object.name_any()).collect()
}

fn fencing_mode(pair: &HAPair) -> Fencing {
    match pair.spec.fencing.as_ref().map(|fencing| fencing.mode) {
        Some(crds::FencingMode::Disabled) => Fencing::Disabled,
        Some(crds::FencingMode::Required) | None => Fencing::Required,
    }
}

/// What the pair's requests ask for.
struct Asked {
    /// `None`: it is not understood, and nothing is known of what it asks for.
    standby: Option<BTreeMap<String, bool>>,
    paused: bool,
    accepted: BTreeMap<String, String>,
    forgotten: BTreeSet<String>,
    lost_legs: BTreeSet<String>,
}

struct Intake<'a> {
    pair: &'a HAPair,
    sources: &'a Sources,
    findings: Vec<Finding>,
}

impl Intake<'_> {
    fn find(&mut self, about: Subject, reason: Reason, message: String) {
        self.findings.push(Finding::new(about, reason, message));
    }

    fn asked<T>(&mut self, annotation: Result<T, String>) -> Option<T> {
        annotation
            .map_err(|message| self.find(Subject::Pair, Reason::InvalidSpec, message))
            .ok()
    }

    /// The API server keeps what newer resource definitions allow; passed over it would be a promise that
    /// nobody keeps.
    fn not_understood(&mut self, told: &NotUnderstood) {
        let about = match told.kind.as_str() {
            "ReplicatedVolume" => Subject::Volume(told.name.clone()),
            "FloatingIP" => Subject::FloatingIp(told.name.clone()),
            "ServiceGroup" => Subject::Group(told.name.clone()),
            _ => Subject::Pair,
        };
        let (version, path) = (env!("CARGO_PKG_VERSION"), &told.what.path);
        let message = match &told.what.value {
            Some(why) => {
                format!(
                    "{path}: hapair-operator {version} does not know this value ({why}); upgrade the \
                     operator, or choose another"
                )
            }
            None => format!(
                "{path}: hapair-operator {version} does not know this field; upgrade the operator, or leave \
                 the field out"
            ),
        };
        self.find(about, Reason::InvalidSpec, message);
    }

    fn secret(&mut self, about: Subject, field: &str, name: &str, key: &str) -> Option<Secret> {
        match self.sources.secret(field, name, key) {
            Ok(secret) => Some(secret),
            Err(message) => {
                self.find(about, Reason::SourceMissing, message);
                None
            }
        }
    }
}
