//! `HAPair`: two hosts that back each other up.

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Condition, DeletionPolicy, Failover, Management, SecretReference, condition::date_time};

/// Two hosts, outside Kubernetes, that back each other up as a pacemaker cluster. The operator reaches them
/// over SSH and keeps them as declared here. Volumes, floating IPs and service groups name the pair they live
/// on.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "hapair.dev",
    version = "v1alpha1",
    kind = "HAPair",
    plural = "hapairs",
    singular = "hapair",
    shortname = "hap",
    category = "ha",
    namespaced,
    status = "HAPairStatus",
    derive = "PartialEq",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Available","type":"string","jsonPath":".status.conditions[?(@.type==\"Available\")].status"}"#,
    printcolumn = r#"{"name":"Active","type":"string","jsonPath":".status.active"}"#,
    printcolumn = r#"{"name":"Nodes","type":"string","jsonPath":".status.nodesOnline"}"#,
    printcolumn = r#"{"name":"Data","type":"string","jsonPath":".status.data"}"#,
    printcolumn = r#"{"name":"Fencing","type":"string","jsonPath":".status.fencing"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Message","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[x_kube(
    validation = Rule::new("self.nodes.all(n, oldSelf.nodes.exists(o, o.name == \
        n.name))").message("a node's name is its identity in the cluster and cannot be changed; delete the \
            pair and declare another").field_path(".nodes"),
    validation = Rule::new("self.nodes.all(n, oldSelf.nodes.all(o, o.name != n.name || (has(n.links) == \
        has(o.links) && (!has(n.links) || n.links == o.links))))").message("links cannot be changed: \
            corosync takes a link's address only while the whole cluster is stopped").field_path(".nodes"),
    validation = Rule::new("self.nodes.all(n, has(n.links) || oldSelf.nodes.all(o, o.name != n.name || \
        o.address == n.address))").message("a node without links has its address as link 0, which cannot be \
            changed; give the links to move SSH elsewhere").field_path(".nodes"),
    validation = Rule::new("self.nodes.all(n, self.nodes.exists_one(o, o.address == \
        n.address))").message("both nodes have the same address; each host needs its \
            own").field_path(".nodes"),
    validation = Rule::new("self.nodes.all(n, !has(n.links) || n.links.all(l, self.nodes.all(o, o.name == \
        n.name || !has(o.links) || o.links.all(k, k.address != l.address))))").message("both nodes have the \
            same link address; each host needs its own").field_path(".nodes"),
    validation = Rule::new("self.nodes.all(n, self.nodes.all(o, (has(n.links) ? n.links.map(l, l.number) : \
        [0]) == (has(o.links) ? o.links.map(l, l.number) : [0])))").message("both nodes must have the same \
            links, in the same order").field_path(".nodes"),
    validation = Rule::new("!has(self.preferredNode) || self.nodes.exists(n, n.name == \
        self.preferredNode)").message("preferredNode names none of the nodes").field_path(".preferredNode"),
    validation = Rule::new("!has(self.replication) || self.nodes.all(n, has(n.links) ? n.links.exists(l, \
        l.number == self.replication.link) : self.replication.link == 0)").message("replication.link is not \
            one of the nodes' links").field_path(".replication.link"),
    validation = Rule::new("(has(self.replication) ? self.replication.link : 0) == (has(oldSelf.replication) \
        ? oldSelf.replication.link : 0)").message("replication.link cannot be changed while the volumes are \
            connected over it").field_path(".replication"),
    validation = Rule::new("(has(self.fencing) && self.fencing.mode == 'Disabled') || self.nodes.all(n, \
        has(n.fencing) && size(n.fencing) > 0)").message("each node needs a fencing device; to run a pair \
            without protection against split brain, say fencing.mode: Disabled").field_path(".nodes")
)]
pub struct HAPairSpec {
    /// The two hosts. Names are unique and cannot be changed. The order means nothing.
    #[schemars(length(min = 2, max = 2))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub nodes: Vec<Node>,
    /// How the operator logs in to both hosts.
    pub ssh: Ssh,
    /// The account that `pcs` uses between the nodes. When absent, no pcsd authentication is set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_admin: Option<ClusterAdmin>,
    /// Whether a node that no longer answers is powered off before its service is taken over. When absent:
    /// Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fencing: Option<Fencing>,
    /// Whether the operator installs the packages it needs (apt, dnf). When absent: Managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<Management>,
    /// Whether the operator opens the hosts' firewall (firewalld, ufw or nftables, whichever runs; none:
    /// nothing to open) for what the pair needs: corosync, pcsd and DRBD from the other node only, and the
    /// ports of the groups' probes from everywhere. When absent: Managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewall: Option<Management>,
    /// What the pair's ServiceGroups may use of its hosts. Whoever may write a ServiceGroup in this namespace
    /// runs services on the hosts: this is as far as that goes. When absent: files where the presets
    /// serve them from (tomcat's webapps, nginx's html), and no units or agents but those of the presets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<Delegation>,
    /// How corosync notices that a node is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corosync: Option<Corosync>,
    /// Which link carries DRBD's traffic. When absent: link 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication: Option<Replication>,
    /// The node on which the service starts when both could run it. A tie-break only: a recovered node does
    /// not pull the service back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub preferred_node: Option<String>,
    /// Observe and report, but change nothing on the hosts. When absent: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// What deleting the pair does to the hosts. When absent: Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// The owner these hosts are taken over from, exactly as the ManagedElsewhere message shows it. Needed
    /// only when the hosts were managed by another HAPair object or from another Kubernetes cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub take_over_from: Option<String>,
}

impl HAPairSpec {
    /// The nodes, each with its place in the list, in the order of their names. The list is a map: its order
    /// means nothing, and nothing may follow from it.
    pub fn nodes_by_name(&self) -> Vec<(usize, &Node)> {
        let mut nodes: Vec<_> = self.nodes.iter().enumerate().collect();
        nodes.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
        nodes
    }
}

/// One host of the pair.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its name in the cluster. It must be the host's own name (`uname -n`): the DRBD agent and the fence
    /// handlers rely on that. A host with another name is refused, unless `hostname` is Managed.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub name: String,
    /// The address at which the operator reaches it over SSH; also link 0 when no links are given.
    #[schemars(length(min = 2, max = 45), regex(pattern = r"^[0-9a-fA-F:.]+$"))]
    pub address: String,
    /// How this host is known and reached over SSH.
    pub ssh: NodeSsh,
    /// Its addresses on the corosync links, by link number. When absent: link 0 on `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["number".into()]))]
    pub links: Option<Vec<Link>>,
    /// The devices that can cut this host's power, as levels: the second is tried when the first fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 9))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub fencing: Option<Vec<FencingDevice>>,
    /// Managed: a host that has another name is given this one, as long as there is no cluster on it. When
    /// absent: Unmanaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Management>,
    /// true: the node runs no services. false: it may. When absent, whatever an administrator set stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<bool>,
}

/// How one host is known and reached over SSH.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeSsh {
    /// The host's public keys as known_hosts has them, without the host name: `ssh-ed25519 AAAA…`. Any other
    /// key is refused. Read them on the host's own console, or with ssh-keyscan over a network you trust.
    #[schemars(
        length(min = 1, max = 8),
        inner(
            length(min = 16, max = 2048),
            regex(pattern = r"^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$")
        )
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub host_keys: Vec<String>,
    /// The port. When absent: 22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
}

/// A node's address on one corosync link.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The link's number, 0 to 7.
    #[schemars(range(min = 0, max = 7))]
    pub number: i32,
    /// The node's address on it.
    #[schemars(length(min = 2, max = 45), regex(pattern = r"^[0-9a-fA-F:.]+$"))]
    pub address: String,
}

/// A device that can cut a node's power. Exactly one of its members is set.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.ipmi), has(self.redfish), has(self.agent)].exists_one(x, \
    x)").message("exactly one of ipmi, redfish and agent is needed"))]
pub struct FencingDevice {
    /// A BMC that speaks IPMI 2.0 (the agent fence_ipmilan).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipmi: Option<IpmiFencing>,
    /// A BMC that speaks Redfish (the agent fence_redfish).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redfish: Option<RedfishFencing>,
    /// Any other fence agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentFencing>,
}

/// A BMC that speaks IPMI 2.0.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IpmiFencing {
    /// The BMC's address or host name.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[A-Za-z0-9:._-]+$"))]
    pub address: String,
    /// Its UDP port. When absent: 623.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// The cipher suite. When absent, ipmitool chooses, which some BMCs answer only after seconds; 3 and 17
    /// are common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 17))]
    pub cipher_suite: Option<i32>,
    /// The privilege level that is asked for. Operator is enough to switch the power, for a user that has no
    /// more. When absent: Administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privilege_level: Option<PrivilegeLevel>,
    /// A Secret of type kubernetes.io/basic-auth with the BMC's user.
    pub secret_ref: SecretReference,
}

/// A privilege level of IPMI.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(transform = crate::common::leave_to_the_field)]
pub enum PrivilegeLevel {
    /// May do everything.
    Administrator,
    /// May do everything but configure the BMC's own access.
    Operator,
}

/// A BMC that speaks Redfish.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedfishFencing {
    /// The BMC's address or host name.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[A-Za-z0-9:._-]+$"))]
    pub address: String,
    /// The path of the host among the BMC's systems, for instance /redfish/v1/Systems/1.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^/[A-Za-z0-9/._-]+$"))]
    pub system: String,
    /// How its certificate is verified. When absent: by the authorities that the hosts trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<FencingTls>,
    /// A Secret of type kubernetes.io/basic-auth with the BMC's user.
    pub secret_ref: SecretReference,
}

/// How a device's certificate is verified. Exactly one of its members is set.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.certificateAuthority) != \
    has(self.insecureSkipVerify)").message("exactly one of certificateAuthority and insecureSkipVerify is \
        needed"))]
pub struct FencingTls {
    /// The authority that signed it, or the certificate itself, in PEM, in a ConfigMap of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<crate::FileKeyReference>,
    /// true: it is not verified. Whoever can answer at the device's address gets its password, and can say
    /// that a node is off which is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure_skip_verify: Option<bool>,
}

/// Any fence agent, by name.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.parameters) || self.parameters.all(p, !(p.name in ['password', \
    'passwd', 'password_script', 'passwd_script']))").message("a password goes into the Secret that \
        secretRef names").field_path(".parameters"))]
#[x_kube(validation = Rule::new("!has(self.plug) || !has(self.parameters) || self.parameters.all(p, !(p.name \
    in ['plug', 'port', 'pcmk_host_map']))").message("plug stands for these \
        parameters").field_path(".parameters"))]
pub struct AgentFencing {
    /// The agent, for instance fence_vmware_rest, fence_pve, fence_virsh or fence_apc_snmp.
    #[schemars(length(min = 7, max = 63), regex(pattern = r"^fence_[a-z0-9_]+$"))]
    pub name: String,
    /// Its parameters. They end up in the cluster's configuration: no secrets here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub parameters: Option<Vec<AgentParameter>>,
    /// What the device calls this host: the outlet, the virtual machine's name or number. When absent: the
    /// node's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9._/+@-]+$"))]
    pub plug: Option<String>,
    /// A Secret of type kubernetes.io/basic-auth with the device's user. The password reaches the agent
    /// through a file that only root can read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
}

/// One parameter of an agent.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentParameter {
    /// Its name.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// Its value.
    #[schemars(length(max = 1024))]
    pub value: String,
}

/// How the operator logs in.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ssh {
    /// The user on the hosts. When it is not root it needs sudo without a password. When absent: root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-z_][a-z0-9_-]*$"))]
    pub user: Option<String>,
    /// A Secret of type kubernetes.io/ssh-auth with the private key.
    pub secret_ref: SecretReference,
}

/// The account that `pcs` uses between the nodes.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterAdmin {
    /// A Secret of type kubernetes.io/basic-auth with the password of the user hacluster.
    pub secret_ref: SecretReference,
}

/// Fencing of the pair.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fencing {
    /// Required, or Disabled: then a cut network can leave both nodes serving, and the status says so.
    pub mode: FencingMode,
}

/// Whether nodes are fenced.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(transform = crate::common::leave_to_the_field)]
pub enum FencingMode {
    /// Nothing is taken over from a node before its power is off.
    Required,
    /// The pair runs without protection against split brain.
    Disabled,
}

/// What ServiceGroups may use of the hosts.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.paths) || self.paths.all(p, !p.matches('/[.]{1,2}(/|$)'))").message("a path is written \
    out, without . and ..").field_path(".paths"))]
pub struct Delegation {
    /// Directories below which `spec.files` may lie. When absent: the directories that the
    /// presets serve files from, tomcat's webapps and nginx's html.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 64),
        inner(length(min = 2, max = 255), regex(pattern = r"^(/[A-Za-z0-9._@+-]+)+$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub paths: Option<Vec<String>>,
    /// systemd units that may be services, without `.service`. A name that ends with `@` stands for all its
    /// instances. When absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 64),
        inner(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9@_.-]+$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub units: Option<Vec<String>>,
    /// OCF resource agents that may be services, each with its provider, for instance heartbeat:pgsql. An
    /// agent runs as root, and many run what a parameter says: to delegate one is to delegate root on the
    /// hosts. When absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 64),
        inner(
            length(min = 3, max = 128),
            regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$")
        )
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub agents: Option<Vec<String>>,
}

/// How corosync notices that a node is lost (corosync.conf(5)).
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Corosync {
    /// Milliseconds without a word after which a node is taken for lost, and fenced. More for machines that
    /// stand still now and then: virtual machines that are moved, copied or backed up while they run need
    /// 10000. When absent: 3000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1000, max = 120_000))]
    pub token: Option<i32>,
}

/// What carries DRBD's traffic.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replication {
    /// The number of the link.
    #[schemars(range(min = 0, max = 7))]
    pub link: i32,
}

/// What was observed of the pair.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HAPairStatus {
    /// The `metadata.generation` this status is about; -1 while nobody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// Observations, one for each type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The node that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub active: Option<String>,
    /// How many nodes are online in the cluster, as `2/2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 15))]
    pub nodes_online: Option<String>,
    /// DRBD's disk states on the two nodes, in the order of their names, the worst of all volumes, as
    /// `UpToDate/UpToDate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub data: Option<String>,
    /// Ready, NotReady, Disabled or Unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub fencing: Option<String>,
    /// Resources that the cluster still runs, and that nothing declares any more: their objects were deleted
    /// with `deletionPolicy: Retain`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub released: Vec<String>,
    /// What declared those resources, until they are gone or declared again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["kind".into(), "name".into()]))]
    pub retained: Vec<Retained>,
    /// The last move of a service group from one node to the other that the operator has seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failover: Option<Failover>,
    /// What the operator has put back last, since somebody had changed it on the hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_put_back: Option<PutBack>,
    /// What was seen of each node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub nodes: Vec<NodeStatus>,
}

/// Something that was not as declared any more, and was put back.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PutBack {
    /// When.
    #[schemars(schema_with = "date_time")]
    pub time: Timestamp,
    /// What.
    #[schemars(length(max = 1024))]
    pub what: String,
}

/// An object that was deleted with `deletionPolicy: Retain`.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Retained {
    /// Its kind.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Which of `released` are its.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub released: Vec<String>,
    /// The object as JSON, without its status. `kubectl hapair manifest` shows it. Absent where it is longer than 32 KiB, all that is
    /// kept is longer than 256 KiB, or the operator did not understand all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32768))]
    pub manifest: Option<String>,
}

/// What was seen of one node.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Whether it answers over SSH.
    pub reachable: bool,
    /// Its state in the cluster as its peers see it: Online, Standby, Pending, Unclean, Offline or Unknown.
    #[schemars(length(min = 1, max = 63))]
    pub state: String,
}
