//! Rules about a host's packages, units, files and names.

use hapair_model::{
    observed::{CorosyncConf, Host, Unit},
    plan::{Content, File, Step},
};

use super::{Judge, configuration_of, is_without_cluster};

/// Files that are the operator's on every host.
const FILES: [&str; 7] = [
    "/etc/corosync/authkey",
    "/etc/corosync/corosync.conf",
    "/etc/pacemaker/authkey",
    "/etc/firewalld/policies/hapair.xml",
    "/usr/sbin/fence_hapair_redfish",
    "/var/lib/hapair/drbd.key",
    "/var/lib/hapair/peer",
];
/// Keys that the hosts of a pair share.
const KEYS: [&str; 3] = [
    "/etc/corosync/authkey",
    "/etc/pacemaker/authkey",
    "/var/lib/hapair/drbd.key",
];
/// Units without which there is no cluster, or no way to the host.
const DAEMONS: [&str; 5] = ["corosync", "pacemaker", "pcsd", "ssh", "sshd"];

impl Judge<'_> {
    pub(super) fn installs_only_what_is_missing(&self, step: &Step) -> bool {
        let Step::InstallPackages { packages, mask, .. } = step else {
            return false;
        };
        let host = self.host();
        packages.iter().all(|name| !host.packages.contains_key(name))
            && mask
                .iter()
                .all(|unit| !host.units.get(unit).is_some_and(Unit::is_active))
    }

    pub(super) fn writes_only_its_own_places(&self, step: &Step) -> bool {
        let Step::WriteFile(file) = step else {
            return false;
        };
        let path = file.path.as_str();
        let declared = self.desired.groups.iter().flat_map(|group| &group.files);
        let volumes = self
            .desired
            .volumes
            .iter()
            .map(|volume| format!("/etc/drbd.d/{}.res", volume.name));
        !path.split('/').any(|part| part == "..")
            && (FILES.contains(&path)
                || is_within_its_folders(path)
                || volumes.into_iter().any(|volume| volume == path)
                || declared.into_iter().any(|file| file.path == path))
    }

    pub(super) fn gives_back_nothing_that_is_declared(&self, step: &Step) -> bool {
        let Step::GiveBack { paths } = step else {
            return false;
        };
        let is_declared = |path: &String| {
            let mut groups = self.desired.groups.iter();
            groups.any(|group| group.files.iter().any(|file| file.path == *path))
        };
        paths
            .iter()
            .all(|path| self.desired.leaving.files.contains(path) && !is_declared(path))
    }

    pub(super) fn keeps_keys(&self, step: &Step) -> bool {
        let Step::WriteFile(file) = step else {
            return false;
        };
        if !KEYS.contains(&file.path.as_str()) || self.hosts.all(|host| is_without_cluster(host)) {
            return true;
        }
        let is_lost = !self.host().shared_keys.contains_key(&file.path);
        is_lost && self.peer().shared_keys.get(&file.path) == Some(&file.content.digest())
    }

    pub(super) fn keeps_members(&self, step: &Step) -> bool {
        match step {
            Step::WriteFile(file) if file.path == "/etc/corosync/corosync.conf" => {
                self.hosts.all(|host| is_without_cluster(host)) || self.fits_the_members(file)
            }
            Step::WriteFile(_) => true,
            Step::PushCib { .. } => self.keeps_nodes(step),
            _ => false,
        }
    }

    /// Whether a corosync.conf fits the cluster that was formed: its live configuration, the daemon that runs,
    /// the file that it started with.
    fn fits_the_members(&self, file: &File) -> bool {
        let (Content::Text(text) | Content::WithDrbdSecret(text)) = &file.content else {
            return false;
        };
        let (wanted, host) = (CorosyncConf::parse(text), self.host());
        let live = self.hosts.iter().find_map(|(_, host)| host.cib.as_ref());
        let nodes = live.and_then(|cib| cib.at(&["configuration", "nodes"]));
        let has_its_id = nodes.into_iter().flat_map(|nodes| &nodes.children).all(|node| {
            let id = node.get("uname").and_then(|name| wanted.nodes.get(name));
            id.map(ToString::to_string).as_deref() == node.id()
        });
        let has_its_name = host
            .corosync_cluster
            .as_ref()
            .is_none_or(|name| *name == wanted.cluster_name);
        // Debian's own file names a single node.
        let present = host
            .corosync_conf
            .as_ref()
            .filter(|present| present.nodes.len() > 1);
        let fits_the_file = present.is_none_or(|present| {
            present.cluster_name == wanted.cluster_name
                && present.nodes.keys().eq(wanted.nodes.keys())
                && (live.is_some() || present.nodes == wanted.nodes)
        });
        has_its_id && has_its_name && fits_the_file
    }

    /// Whether each node of the live configuration is still there, with its id.
    fn keeps_nodes(&self, step: &Step) -> bool {
        let Some((wanted, live)) = configuration_of(step).zip(self.host().cib.as_ref()) else {
            return false;
        };
        let nodes = |cib: &hapair_model::xml::Element| -> Vec<_> {
            let section = cib.at(&["configuration", "nodes"]);
            let nodes = section.into_iter().flat_map(|nodes| nodes.children.clone());
            nodes
                .map(|node| (node.id().map(str::to_owned), node.get("uname").map(str::to_owned)))
                .collect()
        };
        let wanted = nodes(&wanted);
        nodes(live).iter().all(|node| wanted.contains(node))
    }

    pub(super) fn keeps_host_names(&self, step: &Step) -> bool {
        let host = self.host();
        matches!(step, Step::SetHostname { .. })
            && is_without_cluster(host)
            && host.corosync_cluster.is_none()
    }

    pub(super) fn names_only_its_nodes(&self, step: &Step) -> bool {
        let Step::WriteHostsBlock { lines } = step else {
            return false;
        };
        let is_node = |name: &str| self.desired.nodes.any(|node| node.name == name);
        lines
            .iter()
            .all(|line| line.split_whitespace().skip(1).all(is_node))
    }

    pub(super) fn enables_only_the_cluster(&self, step: &Step) -> bool {
        let Step::EnableUnits { units } = step else {
            return false;
        };
        units
            .iter()
            .all(|unit| ["corosync", "pacemaker"].contains(&unit.as_str()))
    }

    pub(super) fn stops_no_daemon_of_the_cluster(&self, step: &Step) -> bool {
        let Step::DisableUnits { units } = step else {
            return false;
        };
        !units.iter().any(|unit| DAEMONS.contains(&unit.as_str()))
    }

    pub(super) fn restarts_nothing_under_pacemaker(&self, step: &Step) -> bool {
        let Step::RestartUnits { units } = step else {
            return false;
        };
        let pacemaker = self.host().units.get("pacemaker");
        units.iter().all(|unit| unit == "corosync") && pacemaker.is_some_and(|unit| !unit.is_active())
    }

    pub(super) fn opens_only_a_managed_firewall(&self, step: &Step) -> bool {
        let (Step::OpenFirewall { firewall } | Step::CloseFirewall { firewall }) = step else {
            return false;
        };
        self.desired.open_firewall && self.host().firewall == Some(*firewall)
    }

    pub(super) fn sets_only_the_declared_password(&self, step: &Step) -> bool {
        let (Step::SetAdminPassword { password, .. } | Step::AuthenticatePcs { password, .. }) = step else {
            return false;
        };
        self.desired.admin_password.as_ref() == Some(password)
    }

    pub(super) fn leaves_only_its_own_hosts(&self) -> bool {
        let record = self.host().owner.as_ref();
        record.is_some_and(|record| record.owner == self.desired.owner.to_string())
    }

    pub(super) fn forgets_nothing_that_runs(&self) -> bool {
        let host: &Host = self.host();
        host.cluster.is_none()
            && ["corosync", "pacemaker"]
                .iter()
                .all(|unit| !host.units.get(*unit).is_some_and(Unit::is_active))
    }
}

/// Whether a path is in a folder that only the operator writes to.
fn is_within_its_folders(path: &str) -> bool {
    let folders = [
        "/etc/hapair/",
        "/usr/lib/ocf/resource.d/hapair/",
        "/usr/lib/drbd/hapair-",
    ];
    let is_drop_in = path.starts_with("/etc/systemd/system/") && path.ends_with(".d/hapair.conf");
    folders.iter().any(|folder| path.starts_with(folder)) || is_drop_in
}
