//! From objects to what is desired: references followed, defaults applied, contradictions found. An illegal
//! spec is something to report, never something half understood.

use std::{collections::BTreeMap, net::IpAddr};

use hapair_crds::{self as crds, HAPair};
use hapair_index::{NotUnderstood, Snapshot};
use hapair_model::{
    Both, Reason, Secret, Side,
    desired::{
        Desired, Disk, FenceDevice, Fencing, FilesystemType, FloatingIp, Group, GroupFile, HttpProbe,
        Leaving, Node, Owner, Partition, Preset, Service, ServiceKind, Tls, Volume,
    },
    plan::{Finding, Subject},
};
use kube::ResourceExt;

use crate::{
    children::Child,
    conflicts::{self, Children},
    delegation,
    sources::Sources,
};

/// corosync's own default is 3000 ms (corosync.conf(5), token).
const TOKEN: u32 = 3000;

/// What is desired as far as it can be understood, and what is wrong with the rest. Nothing is done to the
/// hosts while something is.
pub fn intake(
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
    let asked = Asked {
        standby: intake.asked(crds::annotations::standby(pair)),
        paused: intake.asked(crds::annotations::paused(pair)).unwrap_or(true),
        accepted: intake
            .asked(crds::annotations::accepted_hosts(pair))
            .unwrap_or_default(),
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
    let staying = |object: &dyn Child| !object.is_leaving();
    let volumes: Vec<_> = snapshot
        .volumes
        .iter()
        .filter(|v| staying(v.as_ref()))
        .filter_map(|v| intake.volume(v))
        .collect();
    let floating_ips: Vec<_> = snapshot
        .floating_ips
        .iter()
        .filter(|ip| staying(ip.as_ref()))
        .filter_map(|ip| intake.floating_ip(ip))
        .collect();
    let groups: Vec<_> = snapshot
        .groups
        .iter()
        .filter(|g| staying(g.as_ref()))
        .map(|g| intake.group(g))
        .collect();
    let leaving = Leaving {
        volumes: leaving(&snapshot.volumes),
        floating_ips: leaving(&snapshot.floating_ips),
        groups: leaving(&snapshot.groups),
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
        },
        take_over_from: pair.spec.take_over_from.clone(),
        preferred: pair
            .spec
            .preferred_node
            .as_ref()
            .and_then(|name| nodes.find(|node| node.name == *name)),
        nodes,
        fencing: fencing(pair),
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
        // Those of the cluster are chosen by the planner.
        ids: BTreeMap::new(),
    });
    (desired, intake.findings)
}

fn leaving<K: Child + kube::Resource>(objects: &[std::sync::Arc<K>]) -> Vec<String> {
    objects
        .iter()
        .filter(|object| object.is_leaving() && object.tears_down())
        .map(|object| object.name_any())
        .collect()
}

fn fencing(pair: &HAPair) -> Fencing {
    match pair.spec.fencing.as_ref().map(|fencing| fencing.mode) {
        Some(crds::FencingMode::Disabled) => Fencing::Disabled,
        Some(crds::FencingMode::Required) | None => Fencing::Required,
    }
}

/// What the pair's annotations ask for.
struct Asked {
    /// `None`: it is not understood, and nothing is known of what it asks for.
    standby: Option<BTreeMap<String, bool>>,
    paused: bool,
    accepted: BTreeMap<String, String>,
}

struct Intake<'a> {
    pair: &'a HAPair,
    sources: &'a Sources,
    findings: Vec<Finding>,
}

impl Intake<'_> {
    fn find(&mut self, about: Subject, reason: Reason, message: String) {
        self.findings.push(Finding {
            about,
            reason,
            message,
        });
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

    fn nodes(&mut self, asked: &Asked) -> Option<Both<Node>> {
        let pair = self.pair;
        let by_name = pair.spec.nodes_by_name();
        let [(first_at, first), (second_at, second)] = by_name.as_slice() else {
            self.find(
                Subject::Pair,
                Reason::InvalidSpec,
                format!("spec.nodes: expected two nodes, found {}", by_name.len()),
            );
            return None;
        };
        Some(Both::new(
            self.node(1, *first_at, first, asked),
            self.node(2, *second_at, second, asked),
        ))
    }

    fn node(&mut self, id: u32, index: usize, node: &crds::Node, asked: &Asked) -> Node {
        let links = match &node.links {
            Some(links) => links
                .iter()
                .filter_map(|link| Some((u8::try_from(link.number).ok()?, link.address.clone())))
                .collect(),
            None => vec![(0, node.address.clone())],
        };
        let addresses: Vec<String> = std::iter::once(&node.address)
            .chain(links.iter().map(|(_, address): &(u8, String)| address))
            .cloned()
            .collect();
        for address in addresses {
            if address.parse::<IpAddr>().is_err() {
                self.find(
                    Subject::Pair,
                    Reason::InvalidSpec,
                    format!("spec.nodes[{index}]: {address:?} is not an IP address"),
                );
            }
        }
        // Without fencing the devices stay declared, and are not used.
        let wanted = if fencing(self.pair) == Fencing::Disabled {
            &[]
        } else {
            node.fencing.as_deref().unwrap_or_default()
        };
        let devices = wanted.iter().enumerate().filter_map(|(level, device)| {
            self.device(&format!("spec.nodes[{index}].fencing[{level}]"), device)
        });
        let devices = devices.collect();
        Node {
            id,
            name: node.name.clone(),
            address: node.address.clone(),
            links,
            devices,
            set_hostname: node.hostname == Some(crds::Management::Managed),
            standby: asked
                .standby
                .as_ref()
                .and_then(|asked| asked.get(&node.name).copied().or(node.standby)),
        }
    }

    fn device(&mut self, field: &str, device: &crds::FencingDevice) -> Option<FenceDevice> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        if let Some(ipmi) = &device.ipmi {
            let field = format!("{field}.ipmi.secretRef");
            let user = self.text(&field, &ipmi.secret_ref.name, "username")?;
            let password = self.secret(Subject::Pair, &field, &ipmi.secret_ref.name, "password")?;
            let mut parameters = vec![
                pair("ip", &ipmi.address),
                pair("username", &user),
                pair("lanplus", "1"),
                pair("method", "onoff"),
            ];
            parameters.extend(ipmi.port.map(|port| pair("ipport", &port.to_string())));
            parameters.extend(ipmi.cipher_suite.map(|suite| pair("cipher", &suite.to_string())));
            parameters.extend(
                ipmi.privilege_level
                    .map(|level| pair("privlvl", privilege(level))),
            );
            return Some(FenceDevice {
                agent: "fence_ipmilan".into(),
                parameters,
                plug: None,
                password: Some(password),
                tls: Tls::System,
            });
        }
        if let Some(redfish) = &device.redfish {
            let field = format!("{field}.redfish.secretRef");
            let user = self.text(&field, &redfish.secret_ref.name, "username")?;
            let password = self.secret(Subject::Pair, &field, &redfish.secret_ref.name, "password")?;
            let tls = self.tls(&field, redfish.tls.as_ref())?;
            let parameters = vec![
                pair("ip", &redfish.address),
                pair("username", &user),
                pair("systems_uri", &redfish.system),
            ];
            return Some(FenceDevice {
                agent: "fence_redfish".into(),
                parameters,
                plug: None,
                password: Some(password),
                tls,
            });
        }
        let agent = device.agent.as_ref()?;
        let mut parameters: Vec<_> = agent
            .parameters
            .iter()
            .flatten()
            .map(|parameter| pair(&parameter.name, &parameter.value))
            .collect();
        let mut password = None;
        if let Some(reference) = &agent.secret_ref {
            let field = format!("{field}.agent.secretRef");
            parameters.push(pair("username", &self.text(&field, &reference.name, "username")?));
            password = Some(self.secret(Subject::Pair, &field, &reference.name, "password")?);
        }
        Some(FenceDevice {
            agent: agent.name.clone(),
            parameters,
            plug: agent.plug.clone(),
            password,
            tls: Tls::System,
        })
    }

    fn tls(&mut self, field: &str, tls: Option<&crds::FencingTls>) -> Option<Tls> {
        let Some(tls) = tls else { return Some(Tls::System) };
        let Some(reference) = &tls.certificate_authority else {
            return Some(if tls.insecure_skip_verify == Some(true) {
                Tls::Unverified
            } else {
                Tls::System
            });
        };
        let field = field.replace("secretRef", "tls.certificateAuthority");
        let authority = self.sources.config_map(&field, &reference.name, &reference.key);
        authority
            .map(Tls::Authority)
            .map_err(|message| self.find(Subject::Pair, Reason::SourceMissing, message))
            .ok()
    }

    fn text(&mut self, field: &str, name: &str, key: &str) -> Option<String> {
        let secret = self.secret(Subject::Pair, field, name, key)?;
        Some(String::from_utf8_lossy(secret.expose()).trim().to_owned())
    }

    fn volume(&mut self, volume: &crds::ReplicatedVolume) -> Option<Volume> {
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
            minor: 0,
            port: 0,
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

    fn floating_ip(&mut self, ip: &crds::FloatingIP) -> Option<FloatingIp> {
        let text = &ip.spec.address;
        let parsed = text.split_once('/').and_then(|(address, prefix)| {
            Some((address.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?))
        });
        match parsed
            .filter(|(address, prefix)| *prefix >= 1 && *prefix <= if address.is_ipv4() { 32 } else { 128 })
        {
            Some((address, prefix)) => {
                let interface = |node: &str| {
                    ip.spec
                        .interfaces
                        .iter()
                        .flatten()
                        .find(|each| each.node == node)
                        .map(|each| each.name.clone())
                };
                let nodes = self.pair.spec.nodes_by_name();
                let on = |side: Side| {
                    nodes
                        .get(usize::from(side == Side::Second))
                        .and_then(|(_, node)| interface(&node.name))
                };
                Some(FloatingIp {
                    name: ip.name_any(),
                    address,
                    prefix,
                    interfaces: Both::from_fn(on),
                })
            }
            None => {
                let message =
                    format!("spec.address: {text:?} is not an address with a prefix, such as 192.0.2.100/24");
                self.find(Subject::FloatingIp(ip.name_any()), Reason::InvalidSpec, message);
                None
            }
        }
    }

    fn group(&mut self, group: &crds::ServiceGroup) -> Group {
        let names = |list: &Option<Vec<crds::LocalReference>>| {
            list.iter()
                .flatten()
                .map(|reference| reference.name.clone())
                .collect()
        };
        let about = Subject::Group(group.name_any());
        Group {
            name: group.name_any(),
            volumes: names(&group.spec.volumes),
            floating_ips: names(&group.spec.floating_ips),
            services: group.spec.services.iter().flatten().filter_map(service).collect(),
            files: group
                .spec
                .files
                .iter()
                .flatten()
                .enumerate()
                .filter_map(|(at, file)| self.file(&about, at, file))
                .collect(),
            probe: group.spec.probe.as_ref().map(|probe| HttpProbe {
                port: u16::try_from(probe.http.port).unwrap_or_default(),
                path: probe.http.path.clone().unwrap_or_else(|| "/".into()),
            }),
        }
    }

    fn file(&mut self, about: &Subject, at: usize, file: &crds::File) -> Option<GroupFile> {
        let field = format!("spec.files[{at}]");
        let content = match (&file.content, &file.config_map_key_ref, &file.secret_key_ref) {
            (Some(content), _, _) => Ok(Secret::new(content.clone())),
            (None, Some(reference), _) => self.sources.config_map(
                &format!("{field}.configMapKeyRef"),
                &reference.name,
                &reference.key,
            ),
            (None, None, Some(reference))
                if hapair_index::secrets_of_pair(self.pair).contains(&reference.name) =>
            {
                let message = format!(
                    "{field}.secretKeyRef: the Secret {:?} is the pair's own, a key to its hosts or to their \
                     power; no file is made of it",
                    reference.name
                );
                self.find(about.clone(), Reason::NotDelegated, message);
                return None;
            }
            (None, None, Some(reference)) => {
                self.sources
                    .secret(&format!("{field}.secretKeyRef"), &reference.name, &reference.key)
            }
            (None, None, None) => Err(format!(
                "{field}: one of content, configMapKeyRef and secretKeyRef is needed"
            )),
        };
        let content = content
            .map_err(|message| self.find(about.clone(), Reason::SourceMissing, message))
            .ok()?;
        let nodes = self.pair.spec.nodes_by_name();
        let on = |side: Side| match (file.expand, nodes.get(usize::from(side == Side::Second))) {
            (Some(crds::Expansion::Variables), Some((_, node))) => {
                Secret::new(String::from_utf8_lossy(content.expose()).replace("$(NODE_NAME)", &node.name))
            }
            _ => content.clone(),
        };
        let mode = if file.secret_key_ref.is_some() {
            "600"
        } else {
            "644"
        };
        let or_root = |name: &Option<String>| name.clone().unwrap_or_else(|| "root".into());
        Some(GroupFile {
            path: file.path.clone(),
            content: Both::from_fn(on),
            owner: format!("{}:{}", or_root(&file.owner), or_root(&file.group)),
            mode: file.mode.clone().unwrap_or_else(|| mode.into()),
        })
    }
}

/// As fence_ipmilan spells it.
fn privilege(level: crds::PrivilegeLevel) -> &'static str {
    match level {
        crds::PrivilegeLevel::Administrator => "administrator",
        crds::PrivilegeLevel::Operator => "operator",
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

/// The fields that name presets.
fn preset(service: &crds::Service) -> Option<Preset> {
    let fields = [
        (&service.tomcat, Preset::Tomcat),
        (&service.nginx, Preset::Nginx),
        (&service.postgresql, Preset::Postgresql),
    ];
    let declared = fields.into_iter().find(|(field, _)| field.is_some())?;
    Some(declared.1)
}

fn service(service: &crds::Service) -> Option<Service> {
    let kind = match (preset(service), &service.systemd, &service.ocf) {
        (Some(preset), _, _) => ServiceKind::Preset(preset),
        (None, Some(systemd), _) => {
            ServiceKind::Systemd(systemd.unit.trim_end_matches(".service").to_owned())
        }
        (None, None, Some(ocf)) => ServiceKind::Ocf {
            agent: ocf.agent.clone(),
            parameters: ocf
                .parameters
                .iter()
                .flatten()
                .map(|parameter| (parameter.name.clone(), parameter.value.clone()))
                .collect(),
        },
        (None, None, None) => return None,
    };
    let seconds = |limit: Option<i32>| limit.and_then(|limit| u32::try_from(limit).ok());
    let (start_timeout, stop_timeout) = (
        seconds(service.start_timeout_seconds),
        seconds(service.stop_timeout_seconds),
    );
    Some(Service {
        name: service.name.clone(),
        kind,
        start_timeout,
        stop_timeout,
    })
}
