//! Ids in the CIB and paths on the hosts. `<kind>-<name>`, so that an id says what it belongs to.

use hapair_model::{
    desired::{Group, Node, Service},
    observed::LINK_ATTRIBUTE,
    plan::Subject,
};

/// Passwords and wrappers of fencing devices.
pub const FENCE_DIRECTORY: &str = "/etc/hapair/fence";
/// fence_redfish with authorities of the pair's own; pacemaker looks for agents in /usr/sbin.
pub const REDFISH_AGENT: &str = "fence_hapair_redfish";
/// The authorities that signed the BMCs' certificates.
pub const FENCE_AUTHORITIES: &str = "/etc/hapair/fence/authorities.pem";
/// The key with which DRBD's peers recognise each other.
pub const DRBD_KEY: &str = "/var/lib/hapair/drbd.key";
/// corosync's key.
pub const COROSYNC_KEY: &str = "/etc/corosync/authkey";
/// pacemaker's key.
pub const PACEMAKER_KEY: &str = "/etc/pacemaker/authkey";
/// What a host remembers of its peer.
pub const PEER: &str = "/var/lib/hapair/peer";
/// corosync's configuration.
pub const COROSYNC_CONF: &str = "/etc/corosync/corosync.conf";
/// The operator's resource agent.
pub const HTTP_AGENT: &str = "/usr/lib/ocf/resource.d/hapair/http";

/// The operator's resource agent for file systems.
pub const WRITABLE_AGENT: &str = "/usr/lib/ocf/resource.d/hapair/writable";

/// The operator's resource agent for interfaces.
pub const LINK_AGENT: &str = "/usr/lib/ocf/resource.d/hapair/link";

/// DRBD's handlers, which keep a peer with older data from being promoted.
pub const FENCE_PEER: &str = "/usr/lib/drbd/hapair-fence-peer";
/// The handler that takes the constraint of [`FENCE_PEER`] away again.
pub const UNFENCE_PEER: &str = "/usr/lib/drbd/hapair-unfence-peer";

/// The key of what belongs to the pair itself.
pub const PAIR: &str = "pair";

/// How the ids of a group's members begin.
pub const MEMBERS: [&str; 5] = ["filesystem-", "ip-", "service-", "probe-", WRITABLE];
/// How the ids of those begin that notice a file system which has gone read-only.
pub const WRITABLE: &str = "writable-";

pub fn volume(name: &str) -> String {
    format!("volume-{name}")
}

/// The key of an object's elements in the configuration.
pub fn key_of(object: &Subject) -> String {
    match object {
        Subject::Pair => PAIR.to_owned(),
        Subject::Volume(name) => volume(name),
        Subject::FloatingIp(name) => ip(name),
        Subject::Group(name) => group(name),
    }
}

/// The object that a key is of.
pub fn object_of(key: &str) -> Option<Subject> {
    let named = |prefix: &str| key.strip_prefix(prefix).map(str::to_owned);
    let volume = || named("volume-").map(Subject::Volume);
    let ip = || named("ip-").map(Subject::FloatingIp);
    volume()
        .or_else(ip)
        .or_else(|| named("group-").map(Subject::Group))
}

/// The volume that a key names, if it is one's.
pub fn volume_of(key: &str) -> Option<String> {
    key.strip_prefix("volume-").map(str::to_owned)
}

pub fn volume_clone(name: &str) -> String {
    format!("volume-{name}-clone")
}

/// The constraint by which DRBD's handlers keep a peer with older data from being promoted (crm-fence-peer.sh).
pub fn fence_constraint(volume: &str) -> String {
    format!("drbd-fence-by-handler-{volume}-{}", volume_clone(volume))
}

pub fn filesystem(name: &str) -> String {
    format!("filesystem-{name}")
}

pub fn writable(name: &str) -> String {
    format!("{WRITABLE}{name}")
}

pub fn ip(name: &str) -> String {
    format!("ip-{name}")
}

/// What watches the interface of a floating address, and the node attribute that it sets.
pub fn link(ip: &str) -> String {
    format!("{LINK_ATTRIBUTE}{ip}")
}

pub fn link_clone(ip: &str) -> String {
    // Not link-NAME-clone, which is the watch of an address called NAME-clone.
    format!("links-{ip}")
}

pub fn group(name: &str) -> String {
    format!("group-{name}")
}

pub fn service(group: &Group, service: &Service) -> String {
    format!("service-{}-{}", group.name, service.name)
}

/// The provider and the type of an OCF agent, as a manifest names it: without a provider it is heartbeat's.
pub fn agent(agent: &str) -> (&str, &str) {
    agent.split_once(':').unwrap_or(("heartbeat", agent))
}

/// The file of an OCF agent.
pub fn agent_file(name: &str) -> String {
    let (provider, name) = agent(name);
    format!("/usr/lib/ocf/resource.d/{provider}/{name}")
}

pub fn probe(group: &str) -> String {
    format!("probe-{group}")
}

pub fn fence(node: &Node, level: usize) -> String {
    format!("fence-{}-{}", node.name, level + 1)
}

pub fn resource_file(volume: &str) -> String {
    format!("/etc/drbd.d/{volume}.res")
}

/// The transient unit that makes a volume's file system.
pub fn filesystem_job(volume: &str) -> String {
    format!("hapair-filesystem-{volume}")
}

/// The mount unit of a directory, as systemd-escape(1) names it.
pub fn mount_unit(directory: &str) -> String {
    let escaped: String = directory
        .trim_matches('/')
        .chars()
        .map(|each| match each {
            '/' => "-".to_owned(),
            '-' => "\\x2d".to_owned(),
            'A'..='Z' | 'a'..='z' | '0'..='9' | ':' | '_' | '.' => each.to_string(),
            other => other
                .to_string()
                .bytes()
                .map(|byte| format!("\\x{byte:02x}"))
                .collect(),
        })
        .collect();
    format!("{escaped}.mount")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_mount_unit_is_escaped_as_systemd_does() {
        assert_eq!(super::mount_unit("/var/log/tomcat10"), "var-log-tomcat10.mount");
        assert_eq!(super::mount_unit("/srv/my-data@1"), "srv-my\\x2ddata\\x401.mount");
    }
}
