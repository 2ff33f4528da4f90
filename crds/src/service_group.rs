//! `ServiceGroup`: what moves together.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, DeletionPolicy, LocalReference, replicated_volume::Empty};

/// Volumes, floating IPs and services that run on one node together and move together, in this order:
/// volumes, addresses, services.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "hapair.dev",
    version = "v1alpha1",
    kind = "ServiceGroup",
    plural = "servicegroups",
    singular = "servicegroup",
    shortname = "hasg",
    category = "ha",
    namespaced,
    status = "ServiceGroupStatus",
    derive = "PartialEq",
    selectable = ".spec.pairRef.name",
    printcolumn = r#"{"name":"Pair","type":"string","jsonPath":".spec.pairRef.name"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Available","type":"string","jsonPath":".status.conditions[?(@.type==\"Available\")].status"}"#,
    printcolumn = r#"{"name":"Node","type":"string","jsonPath":".status.node"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[x_kube(
    validation = Rule::new("self.pairRef == oldSelf.pairRef").message("a service group cannot move to \
        another pair").field_path(".pairRef"),
    validation = Rule::new("!has(self.probe) || (has(self.floatingIPs) && size(self.floatingIPs) > \
        0)").message("a probe asks through a floating IP; the group has none").field_path(".probe")
)]
pub struct ServiceGroupSpec {
    /// The pair it lives on.
    pub pair_ref: LocalReference,
    /// Its volumes, mounted first, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub volumes: Option<Vec<LocalReference>>,
    /// Its addresses, taken second.
    #[serde(default, rename = "floatingIPs", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub floating_ips: Option<Vec<LocalReference>>,
    /// Its services, started last, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub services: Option<Vec<Service>>,
    /// Files written on both nodes before the services start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["path".into()]))]
    pub files: Option<Vec<File>>,
    /// How to ask whether the service answers. It is what Available means, and pacemaker restarts or moves a
    /// service that fails it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// What deleting the group does to the hosts. When absent: Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
}

/// One service. Exactly one of tomcat, nginx, postgresql, systemd and ocf is set.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.tomcat), has(self.nginx), \
    has(self.postgresql), has(self.systemd), has(self.ocf)].exists_one(x, x)").message("exactly one of tomcat, nginx, \
    postgresql, systemd and ocf is needed"))]
pub struct Service {
    /// Its name within the group.
    #[schemars(
        length(min = 1, max = 40),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,
    /// Apache Tomcat as the distribution packages it: its package and its unit are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tomcat: Option<PresetService>,
    /// nginx as the distribution packages it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nginx: Option<PresetService>,
    /// PostgreSQL as Debian packages it: the cluster `main` of the distribution's version, whose data is below
    /// /var/lib/postgresql.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgresql: Option<PresetService>,
    /// A systemd unit that is already on both hosts, and that the pair delegates. It is disabled in systemd:
    /// the cluster starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub systemd: Option<SystemdService>,
    /// An OCF resource agent that is already on both hosts, and that the pair delegates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ocf: Option<OcfService>,
    /// How long a start may take, in seconds; then it has failed. When absent: 120, or more where the systemd
    /// unit itself allows more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub start_timeout_seconds: Option<i32>,
    /// How long a stop may take, in seconds; then the node is fenced. Not less than the systemd unit itself
    /// allows. When absent: 120, or more where the unit allows more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub stop_timeout_seconds: Option<i32>,
}

/// A service as the distribution packages it: its package and its unit are known.
pub type PresetService = Empty;

/// A systemd unit.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemdService {
    /// The unit, without `.service`.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9@_.-]+$"))]
    pub unit: String,
}

/// An OCF resource agent.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OcfService {
    /// The agent with its provider, for instance heartbeat:pgsql.
    #[schemars(
        length(min = 3, max = 128),
        regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$")
    )]
    pub agent: String,
    /// Its parameters. They end up in the cluster's configuration: no secrets here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub parameters: Option<Vec<crate::AgentParameter>>,
}

/// A file on both nodes. Exactly one of content, configMapKeyRef and secretKeyRef is set.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!self.path.matches('/[.]{1,2}(/|$)')").message("a path is written out, \
    without . and ..").field_path(".path"))]
#[x_kube(validation = Rule::new("[has(self.content), has(self.configMapKeyRef), \
    has(self.secretKeyRef)].exists_one(x, x)").message("exactly one of content, configMapKeyRef and \
        secretKeyRef is needed"))]
pub struct File {
    /// Where it goes, absolute, and not through a symbolic link, below a directory that the pair delegates
    /// (`spec.delegation.paths` of the HAPair). Only root and the file's owner may be able to write to the
    /// directories above it. Not on a volume: that is mounted on one node only.
    #[schemars(length(min = 2, max = 255), regex(pattern = r"^(/[A-Za-z0-9._@+-]+)+$"))]
    pub path: String,
    /// The content itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub content: Option<String>,
    /// A key of a ConfigMap of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<FileKeyReference>,
    /// A key of a Secret of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<FileKeyReference>,
    /// Variables: $(NODE_NAME) in the content becomes the node's name. When absent, the content is taken to
    /// the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expand: Option<Expansion>,
    /// Its owner. When absent: root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-z_][a-z0-9_-]*$"))]
    pub owner: Option<String>,
    /// Its group. When absent: root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-z_][a-z0-9_-]*$"))]
    pub group: Option<String>,
    /// Its permissions, in octal; set-user-ID and set-group-ID are not to be had. When absent: 0644, and 0600
    /// for a Secret's content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 4), regex(pattern = r"^0?[0-7]{3}$"))]
    pub mode: Option<String>,
}

/// A key of a ConfigMap or Secret.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileKeyReference {
    /// The object's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in it.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// What is replaced in a file's content.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(transform = crate::common::leave_to_the_field)]
pub enum Expansion {
    /// $(NODE_NAME).
    Variables,
}

/// How to ask whether the service answers.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// A GET request. A status from 200 to 399 is an answer. One from 400 to 499 is not what is asked for, but it is the service
    /// that says so: it is told, and the group is left where it is. Any other status, and none, is a service that does not
    /// work, which is started anew or moved.
    pub http: HttpProbe,
    /// How long an answer may take, in seconds. When absent: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 20))]
    pub timeout_seconds: Option<i32>,
    /// How many requests in a row may stay without an answer; then the service is hung, and the group is moved. One that answers with a
    /// failure has 15 seconds, whatever this says. When absent: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub failure_threshold: Option<i32>,
}

/// A GET request through the group's first floating IP.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpProbe {
    /// The port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// The path, beginning with a slash. When absent: /.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^/[A-Za-z0-9/._~%?&=+-]*$"))]
    pub path: Option<String>,
    /// The statuses that are an answer, for example `[200, 401]`. Any other is then a service that does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), inner(range(min = 200, max = 599)))]
    pub codes: Option<Vec<i32>>,
}

/// What was observed of the group.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceGroupStatus {
    /// The `metadata.generation` this status is about; -1 while nobody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// Observations, one for each type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The node on which it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub node: Option<String>,
}
