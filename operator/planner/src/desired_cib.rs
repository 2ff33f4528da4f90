//! The cluster's configuration as it shall be: every element the operator owns, with every option explicit.
//!
//! The words for a promotable clone's roles are those of the distribution's pacemaker: 2.0 does not know the
//! newer ones, 3.0 warns of the older.

use std::collections::BTreeSet;

use hapair_model::{
    Side,
    desired::{
        Desired, FenceDevice, Fencing, FilesystemType, Group, Node, Service, ServiceKind, Tls, Volume,
    },
    xml::Element,
};

use crate::{
    files, groups, names,
    platform::{Dialect, Platform},
};

/// Everything the operator owns in a CIB.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The schema of a configuration that is new.
    pub schema: &'static str,
    /// Cluster options.
    pub properties: Vec<(&'static str, &'static str)>,
    /// Defaults of resources.
    pub defaults: Vec<(&'static str, &'static str)>,
    /// Per object that the operator owns something for: its key, and its elements.
    pub objects: Vec<Object>,
}

/// What the configuration has for one object of the API.
#[derive(Debug, Default)]
pub struct Object {
    /// `pair`, `volume-<name>`, `ip-<name>` or `group-<name>`.
    pub key: String,
    /// Resources at the top.
    pub resources: Vec<Element>,
    /// Constraints.
    pub constraints: Vec<Element>,
    /// Levels of the fencing topology.
    pub levels: Vec<Element>,
}

/// The configuration as it shall be.
pub fn wanted(desired: &Desired, platform: &Platform) -> Wanted {
    let in_group = |ip: &str| {
        desired
            .groups
            .iter()
            .any(|group| group.floating_ips.iter().any(|name| name == ip))
    };
    let mut objects = vec![pair(desired)];
    objects.extend(desired.volumes.iter().map(|volume| Object {
        key: names::volume(&volume.name),
        resources: vec![drbd_clone(volume, &platform.dialect)],
        ..Object::default()
    }));
    objects.extend(
        desired
            .floating_ips
            .iter()
            .filter(|ip| !in_group(&ip.name))
            .map(|ip| Object {
                key: names::ip(&ip.name),
                resources: vec![address(desired, &ip.name)].into_iter().flatten().collect(),
                ..Object::default()
            }),
    );
    objects.extend(
        desired
            .groups
            .iter()
            .map(|group| group_object(desired, group, platform)),
    );
    Wanted {
        schema: platform.dialect.schema,
        properties: properties(desired.fencing),
        defaults: DEFAULTS.to_vec(),
        objects,
    }
}

/// A recovered node does not pull the service back (stickiness above any preference); a failing service is
/// tried three times, then moves.
const DEFAULTS: [(&str, &str); 3] = [
    ("resource-stickiness", "200"),
    ("migration-threshold", "3"),
    ("failure-timeout", "600s"),
];

/// Preference of a node: below the stickiness, so a tie-break only.
const PREFERENCE: &str = "50";

/// A tie-break against both nodes shooting each other; priority-fencing-delay has to be at least twice as
/// long.
const FENCE_DELAY: &str = "5s";

/// How long a service's start or stop may take, in seconds, where nothing says otherwise: systemd's own limit
/// is 90 s unless a unit has another.
pub const SERVICE_TIMEOUT: u32 = 120;

fn properties(fencing: Fencing) -> Vec<(&'static str, &'static str)> {
    let (enabled, delay) = match fencing {
        Fencing::Required => ("true", "15s"),
        Fencing::Disabled => ("false", "0s"),
    };
    vec![
        ("dc-deadtime", "20s"),
        ("no-quorum-policy", "stop"),
        ("priority-fencing-delay", delay),
        ("start-failure-is-fatal", "true"),
        ("startup-fencing", "true"),
        ("stonith-enabled", enabled),
        ("stonith-timeout", "120s"),
    ]
}

fn pair(desired: &Desired) -> Object {
    let mut object = Object {
        key: names::PAIR.into(),
        ..Object::default()
    };
    let several = desired.nodes.any(|node| node.devices.len() > 1);
    for (side, node) in desired.nodes.iter() {
        for (level, device) in node.devices.iter().enumerate() {
            let id = names::fence(node, level);
            object
                .resources
                .push(fence_device(desired, side, node, level, device));
            // A node cannot be trusted to shoot itself.
            object.constraints.push(
                Element::new("rsc_location")
                    .with("id", format!("{id}-avoids-{}", node.name))
                    .with("rsc", &id)
                    .with("node", &node.name)
                    .with("score", "-INFINITY"),
            );
            if several {
                object.levels.push(
                    Element::new("fencing-level")
                        .with("id", format!("{id}-level"))
                        .with("target", &node.name)
                        .with("index", level + 1)
                        .with("devices", id),
                );
            }
        }
    }
    object
}

fn fence_device(desired: &Desired, side: Side, node: &Node, level: usize, device: &FenceDevice) -> Element {
    let id = names::fence(node, level);
    let mut parameters = device.parameters.clone();
    parameters.push(match &device.plug {
        Some(plug) => ("pcmk_host_map".into(), format!("{}:{plug}", node.name)),
        None => ("pcmk_host_list".into(), node.name.clone()),
    });
    if device.tls == Tls::Unverified {
        parameters.push(("ssl_insecure".into(), "1".into()));
    }
    // The delay protects one node: the preferred one, or the first.
    if side == desired.preferred.unwrap_or(Side::First) {
        parameters.push(("pcmk_delay_base".into(), FENCE_DELAY.into()));
    }
    if device.password.is_some() {
        let parameter = if device.agent == "fence_ipmilan" {
            "ipmitool_path"
        } else {
            "password_script"
        };
        parameters.push((parameter.into(), files::fence_script(node, level)));
    }
    Element::new("primitive")
        .with("id", &id)
        .with("class", "stonith")
        .with(
            "type",
            if matches!(device.tls, Tls::Authority(_)) {
                names::REDFISH_AGENT
            } else {
                &device.agent
            },
        )
        // A device that could not be started is tried again every minute: a BMC that was away comes back.
        .child(attributes(
            "meta_attributes",
            &id,
            &owned(&[("failure-timeout", "60s")]),
        ))
        .child(attributes("instance_attributes", &id, &parameters))
        .child(operations(
            &id,
            &[("monitor", "60s", "60s", None), ("start", "0s", "60s", None)],
        ))
}

/// The promotable clone of a DRBD resource. Time-outs are the agent's advised ones (ocf:linbit:drbd,
/// meta-data), and promotion waits for a fence.
fn drbd_clone(volume: &Volume, dialect: &Dialect) -> Element {
    let (id, clone) = (names::volume(&volume.name), names::volume_clone(&volume.name));
    let meta = [
        ("promotable", "true"),
        ("promoted-max", "1"),
        ("promoted-node-max", "1"),
        ("clone-max", "2"),
        ("clone-node-max", "1"),
        ("notify", "true"),
        ("interleave", "true"),
        ("priority", "1"),
    ];
    let operations = operations(
        &id,
        &[
            ("start", "0s", "240s", None),
            ("promote", "0s", "200s", None),
            ("demote", "0s", "90s", None),
            ("notify", "0s", "90s", None),
            ("stop", "0s", "100s", None),
            ("monitor", "15s", "30s", Some(dialect.promoted)),
            ("monitor", "20s", "30s", Some(dialect.unpromoted)),
        ],
    );
    let primitive = ocf(&id, "linbit", "drbd")
        .child(attributes(
            "instance_attributes",
            &id,
            &owned(&[("drbd_resource", &volume.name)]),
        ))
        .child(operations);
    Element::new("clone")
        .with("id", &clone)
        .child(attributes("meta_attributes", &clone, &owned(&meta)))
        .child(primitive)
}

fn group_object(desired: &Desired, group: &Group, platform: &Platform) -> Object {
    let id = names::group(&group.name);
    let mut members: Vec<Element> = Vec::new();
    members.extend(
        group
            .volumes
            .iter()
            .filter_map(|name| desired.volume(name))
            .map(filesystem),
    );
    members.extend(
        group
            .floating_ips
            .iter()
            .filter_map(|name| address(desired, name)),
    );
    members.extend(
        group
            .services
            .iter()
            .map(|each| service(desired, group, each, platform)),
    );
    members.extend(groups::url(desired, group).map(|url| probe(desired, group, &url)));
    // Last: what stands behind a member that is new is stopped for its start.
    members.extend(
        group
            .volumes
            .iter()
            .filter_map(|name| desired.volume(name))
            .map(writable),
    );
    let mut object = Object {
        key: id.clone(),
        ..Object::default()
    };
    if members.is_empty() {
        return object;
    }
    for volume in &group.volumes {
        let clone = names::volume_clone(volume);
        object.constraints.push(
            Element::new("rsc_colocation")
                .with("id", format!("{id}-with-{clone}"))
                .with("rsc", &id)
                .with("with-rsc", &clone)
                .with("with-rsc-role", platform.dialect.promoted)
                .with("score", "INFINITY"),
        );
        object.constraints.push(
            Element::new("rsc_order")
                .with("id", format!("{clone}-before-{id}"))
                .with("first", &clone)
                .with("first-action", "promote")
                .with("then", &id)
                .with("then-action", "start")
                .with("kind", "Mandatory"),
        );
    }
    // Each clone would choose by itself where it is promoted, and a group cannot run where only one of its
    // volumes is.
    for (first, second) in group.volumes.iter().zip(group.volumes.iter().skip(1)) {
        let (first, second) = (names::volume_clone(first), names::volume_clone(second));
        object.constraints.push(
            Element::new("rsc_colocation")
                .with("id", format!("{second}-with-{first}"))
                .with("rsc", &second)
                .with("rsc-role", platform.dialect.promoted)
                .with("with-rsc", &first)
                .with("with-rsc-role", platform.dialect.promoted)
                .with("score", "INFINITY"),
        );
    }
    if let Some(side) = desired.preferred {
        let node = &desired.nodes[side].name;
        object.constraints.push(
            Element::new("rsc_location")
                .with("id", format!("{id}-prefers"))
                .with("rsc", &id)
                .with("node", node)
                .with("score", PREFERENCE),
        );
    }
    let meta = attributes("meta_attributes", &id, &owned(&[("priority", "1")]));
    object.resources.push(
        Element::new("group")
            .with("id", &id)
            .child(meta)
            .children(members),
    );
    object
}

fn filesystem(volume: &Volume) -> Element {
    let id = names::filesystem(&volume.name);
    let device = format!("/dev/drbd{}", volume.minor);
    // A list that means a set: its order in Git mounts nothing anew.
    let options = volume
        .mount_options
        .iter()
        .map(String::as_str)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
        .join(",");
    let mut parameters = vec![
        ("device", device.as_str()),
        ("directory", &volume.mount_point),
        ("fstype", volume.filesystem.name()),
        ("force_unmount", "safe"),
    ];
    parameters.extend((!options.is_empty()).then_some(("options", options.as_str())));
    // Left to itself the agent checks no ext4 (is_fsck_needed): one that has gone read-only after an error
    // would be written to again as it is. e2fsck -a of a clean one ends at once; one that needs a person
    // fails the start. XFS repairs itself from its log, or not at all.
    let is_checked = volume.filesystem == FilesystemType::Ext4;
    parameters.extend(is_checked.then_some(("run_fsck", "force")));
    let start = if is_checked { "900s" } else { "60s" };
    ocf(&id, "heartbeat", "Filesystem")
        .child(attributes("instance_attributes", &id, &owned(&parameters)))
        .child(operations(
            &id,
            &[
                ("start", "0s", start, None),
                ("stop", "0s", "60s", None),
                ("monitor", "20s", "40s", None),
            ],
        ))
}

/// Moves the group when the file system has gone read-only.
fn writable(volume: &Volume) -> Element {
    let id = names::writable(&volume.name);
    ocf(&id, "hapair", "writable")
        .child(attributes(
            "instance_attributes",
            &id,
            &owned(&[("directory", &volume.mount_point)]),
        ))
        .child(operations(
            &id,
            &[
                ("start", "0s", "20s", None),
                ("stop", "0s", "20s", None),
                ("monitor", "20s", "30s", None),
            ],
        ))
}

/// Its neighbours are told of it again at each monitor. An IPv6 address is deprecated from the start, so that
/// the host itself speaks from its own.
fn address(desired: &Desired, name: &str) -> Option<Element> {
    let ip = desired.floating_ip(name)?;
    let id = desired.id(names::ip(name));
    let mut parameters = vec![
        ("ip".to_owned(), ip.address.to_string()),
        ("cidr_netmask".to_owned(), ip.prefix.to_string()),
    ];
    parameters.push(if ip.address.is_ipv6() {
        ("preferred_lft".into(), "0".into())
    } else {
        ("arp_count_refresh".into(), "1".into())
    });
    let common = ip
        .interfaces
        .first
        .clone()
        .filter(|_| ip.interfaces.first == ip.interfaces.second);
    parameters.extend(common.clone().map(|interface| ("nic".to_owned(), interface)));
    let of_nodes = desired
        .nodes
        .iter()
        .filter(|_| common.is_none())
        .filter_map(|(side, node)| {
            let interface = ip.interfaces[side].as_ref()?;
            Some(on_node(&id, &node.name, "nic", interface))
        });
    Some(
        ocf(&id, "heartbeat", "IPaddr2")
            .children(of_nodes)
            .child(attributes("instance_attributes", &id, &parameters))
            .child(operations(
                &id,
                &[
                    ("start", "0s", "20s", None),
                    ("stop", "0s", "20s", None),
                    ("monitor", "10s", "20s", None),
                ],
            )),
    )
}

/// A parameter that counts on one node only.
fn on_node(id: &str, node: &str, name: &str, value: &str) -> Element {
    let set = format!("{id}-on-{node}");
    let expression = Element::new("expression")
        .with("id", format!("{set}-uname"))
        .with("attribute", "#uname")
        .with("operation", "eq")
        .with("value", node);
    Element::new("instance_attributes")
        .with("id", &set)
        .child(
            Element::new("rule")
                .with("id", format!("{set}-rule"))
                .with("score", "INFINITY")
                .child(expression),
        )
        .child(nvpair(&format!("{set}-{name}"), name, value))
}

fn service(desired: &Desired, group: &Group, service: &Service, platform: &Platform) -> Element {
    let id = desired.id(names::service(group, service));
    let seconds = |limit: Option<u32>| format!("{}s", limit.unwrap_or(SERVICE_TIMEOUT));
    let (start, stop) = (seconds(service.start_timeout), seconds(service.stop_timeout));
    let limits = [
        ("start", "0s", start.as_str(), None),
        ("stop", "0s", stop.as_str(), None),
        ("monitor", "10s", "60s", None),
    ];
    match &service.kind {
        ServiceKind::Ocf { agent, parameters } => {
            let (provider, agent) = agent.split_once(':').unwrap_or(("heartbeat", agent));
            ocf(&id, provider, agent)
                .child(attributes("instance_attributes", &id, parameters))
                .child(operations(&id, &limits))
        }
        kind @ (ServiceKind::Tomcat | ServiceKind::Systemd(_)) => {
            let unit = platform.unit(kind).unwrap_or_default();
            Element::new("primitive")
                .with("id", &id)
                .with("class", "systemd")
                .with("type", unit)
                .child(operations(&id, &limits))
        }
    }
}

/// Asks the service on the node itself, so that a hung one is restarted or moved.
fn probe(desired: &Desired, group: &Group, url: &str) -> Element {
    let id = desired.id(names::probe(&group.name));
    ocf(&id, "hapair", "http")
        .child(attributes("instance_attributes", &id, &owned(&[("url", url)])))
        .child(operations(
            &id,
            &[
                ("start", "0s", "120s", None),
                ("stop", "0s", "20s", None),
                ("monitor", "10s", "30s", None),
            ],
        ))
}

fn ocf(id: &str, provider: &str, agent: &str) -> Element {
    Element::new("primitive")
        .with("id", id)
        .with("class", "ocf")
        .with("provider", provider)
        .with("type", agent)
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A set of attributes named after what it belongs to.
pub fn attributes(kind: &str, id: &str, pairs: &[(String, String)]) -> Element {
    let set = format!("{id}-{kind}");
    let nvpairs = pairs
        .iter()
        .map(|(name, value)| nvpair(&format!("{set}-{name}"), name, value));
    Element::new(kind).with("id", &set).children(nvpairs)
}

/// A name and a value.
pub fn nvpair(id: &str, name: &str, value: &str) -> Element {
    Element::new("nvpair")
        .with("id", id)
        .with("name", name)
        .with("value", value)
}

/// Operations: name, interval, time-out, role. A monitor that failed to end is a failure; so is a stop, and
/// then fencing is the answer.
fn operations(id: &str, list: &[(&str, &str, &str, Option<&str>)]) -> Element {
    let operation = |(name, interval, timeout, role): &(&str, &str, &str, Option<&str>)| {
        let operation = Element::new("op")
            .with("id", format!("{id}-{name}-{interval}"))
            .with("name", name)
            .with("interval", interval)
            .with("timeout", timeout);
        match role {
            Some(role) => operation.with("role", role),
            None => operation,
        }
    };
    Element::new("operations").children(list.iter().map(operation))
}
