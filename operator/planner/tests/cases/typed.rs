//! What a person types who only reads the advice, and what it makes of the pair. Only whole commands are understood: one
//! without its names fails, and so does one that is not here.

use hapair_model::{
    Side,
    observed::{Cluster, ConnectionState, HostAddress, LoadState, Role, User},
    plan::Next,
    reason::remedy_of,
    xml::Element,
};

use super::{Case, in_cluster, leg, on_both};
use crate::situations::{Hosts, at_rest, carry_out_next, plan_of, tomcat_pair};

/// The pair when nothing is wrong.
fn well() -> Hosts {
    at_rest(&tomcat_pair())
}

impl Case {
    /// Types the commands of the message's own remedy: those of the first sentence that has any.
    pub fn as_advised(&mut self, message: &str) {
        let remedy = remedy_of(message).1;
        let remedy = remedy.unwrap_or_else(|| panic!("{message:?} has no remedy of its own"));
        let sentence = remedy.split(". ").find(|sentence| sentence.contains('`'));
        let sentence = sentence.unwrap_or_else(|| panic!("{remedy:?} has no command"));
        let parts: Vec<_> = sentence.split('`').collect();
        for part in parts.chunks_exact(2) {
            let node = part[0].trim_end().rsplit(' ').next();
            let on = node.and_then(|node| self.desired.side(node));
            for line in part[1].split("&&").flat_map(|lines| lines.split(';')) {
                let words = line.split_whitespace().filter(|word| *word != "2>/dev/null");
                self.types(on, &words.collect::<Vec<_>>());
            }
        }
    }

    fn types(&mut self, on: Option<Side>, words: &[&str]) {
        match *words {
            ["pcs", ref rest @ ..] => self.pcs(rest),
            ["kubectl", "hapair", "unstandby", node] => {
                let side = self.desired.side(node).unwrap();
                self.desired.nodes[side].standby = Some(false);
                in_cluster(&mut self.hosts, |cluster| {
                    cluster.nodes.get_mut(node).unwrap().standby = false;
                });
            }
            ["kubectl", "hapair", "replace-disk", uuid] => self.replace_disk(uuid),
            ["kubectl", "hapair", "pause", "web"] => self.desired.paused = true,
            ["kubectl", "hapair", "resume", "web"] => self.desired.paused = false,
            _ => {
                let on = on.unwrap_or_else(|| panic!("on which node is {words:?} to be typed?"));
                match *words {
                    ["drbdadm", ref rest @ ..] => self.drbdadm(on, rest),
                    _ => self.on_host(on, words),
                }
            }
        }
    }

    /// The operator does what it plans then, and the resync is over.
    fn replace_disk(&mut self, uuid: &str) {
        self.desired.lost_legs = [uuid.to_owned()].into();
        while matches!(plan_of(&self.desired, &self.hosts).next, Next::Run(_)) {
            carry_out_next(&self.desired, &mut self.hosts);
        }
        let well = well();
        for side in Side::BOTH {
            if let Some(leg) = self.hosts[side].resources.get_mut("logs") {
                *leg = well[side].resources["logs"].clone();
            }
        }
    }

    fn pcs(&mut self, words: &[&str]) {
        let cluster = |case: &mut Self, change: &dyn Fn(&mut Cluster)| in_cluster(&mut case.hosts, change);
        match *words {
            ["property", "set", "maintenance-mode=false"] => {
                cluster(self, &|cluster| cluster.maintenance = false)
            }
            ["property", "set", option] => self.set(option.split_once('=').unwrap()),
            ["node", "unmaintenance", node] => cluster(self, &|cluster| {
                cluster.nodes.get_mut(node).unwrap().maintenance = false
            }),
            ["resource", "manage", id] => cluster(self, &|cluster| {
                let mut resources = cluster.resources.iter_mut();
                resources.find(|each| each.id == id).unwrap().unmanaged = false;
            }),
            ["resource", "clear", id, node] => cluster(self, &|cluster| {
                let is_it = format!("cli-ban-{id}-on-{node}");
                cluster.bans.retain(|ban| ban.id != is_it);
            }),
            ["constraint", "delete", id] => cluster(self, &|cluster| cluster.bans.retain(|ban| ban.id != id)),
            ["resource", "cleanup", id] => {
                let runs = well().first.cluster.unwrap();
                let mut runs = runs.resources.into_iter();
                let again = runs.find(|each| each.id == id).unwrap();
                cluster(self, &|cluster| {
                    cluster.failures.retain(|failure| failure.resource != id);
                    cluster.resources.retain(|each| each.id != id);
                    cluster.resources.push(again.clone());
                })
            }
            ["resource", "disable", "group-tomcat", "--wait=120"] => {}
            ["resource", "enable", "group-tomcat"] => {
                let well = well().first.cib;
                on_both(&mut self.hosts, |host| host.cib.clone_from(&well));
            }
            ["stonith", "confirm", node] => cluster(self, &|cluster| {
                cluster.fencing.clear();
                cluster.nodes.get_mut(node).unwrap().unclean = false;
            }),
            _ => panic!("pcs {words:?} is not known here"),
        }
    }

    /// An option of the cluster.
    fn set(&mut self, (name, value): (&str, &str)) {
        let runs = well();
        on_both(&mut self.hosts, |host| {
            let text = host.cib.as_ref().unwrap().to_string();
            let option = format!("name=\"{name}\" value=\"");
            let (before, rest) = text.split_once(&option).unwrap();
            let (_, after) = rest.split_once('"').unwrap();
            host.cib = Some(Element::parse(&format!("{before}{option}{value}\"{after}")).unwrap());
            if name == "stop-all-resources" {
                host.cluster.clone_from(&runs.first.cluster);
            }
        });
    }

    fn drbdadm(&mut self, on: Side, words: &[&str]) {
        match *words {
            ["primary", "--force", "logs"] => {
                leg(&mut self.hosts, on).disk = well()[on].resources["logs"].disk.clone();
            }
            _ => self.connection(on, words),
        }
    }

    /// Legs connect once neither stands alone, and diverged ones only where one gives its data up. The resync is over then.
    fn connection(&mut self, on: Side, words: &[&str]) {
        let discards = match *words {
            ["connect", "logs"] | ["adjust", "logs"] => false,
            ["connect", "--discard-my-data", "logs"] => true,
            ["disconnect", "logs"] => {
                leg(&mut self.hosts, on).connection = ConnectionState::StandAlone;
                return;
            }
            ["secondary", "logs"] => return leg(&mut self.hosts, on).role = Role::Secondary,
            ["resume-io", "logs"] => return leg(&mut self.hosts, on).suspended = None,
            _ => panic!("drbdadm {words:?} is not known here"),
        };
        leg(&mut self.hosts, on).connection = ConnectionState::Connecting;
        if discards {
            let kept = leg(&mut self.hosts, on.peer()).generation;
            leg(&mut self.hosts, on).generation = kept;
        }
        let [first, second] = Side::BOTH.map(|side| leg(&mut self.hosts, side).clone());
        let stands_alone = [&first, &second].map(|leg| leg.connection == ConnectionState::StandAlone);
        if stands_alone == [false, false] && first.generation == second.generation {
            let well = well();
            for side in Side::BOTH {
                *leg(&mut self.hosts, side) = well[side].resources["logs"].clone();
            }
        }
    }

    fn on_host(&mut self, on: Side, words: &[&str]) {
        let host = &mut self.hosts[on];
        match *words {
            ["hostnamectl", "set-hostname", name] => host.name = name.to_owned(),
            ["usermod", "--uid", uid, user] => {
                host.users.get_mut(user).unwrap().uid = uid.parse().unwrap();
            }
            ["groupmod", "--gid", gid, "$(id", "-gn", user] => {
                let user = user.trim_end_matches(')');
                host.users.get_mut(user).unwrap().gid = gid.parse().unwrap();
            }
            ["groupmod", "--gid", gid, group] => {
                host.groups.insert(group.to_owned(), gid.parse().unwrap());
            }
            ["systemctl", "disable", "--now", unit] => drop(host.units.remove(unit)),
            ["systemctl", "reset-failed", "hapair-packages"] => host.install = None,
            ["ip", "address", "del", address, "dev", interface] => {
                let is_it = |each: &HostAddress| {
                    each.interface == interface && address.split_once('/').unwrap().0 == each.without_prefix()
                };
                host.addresses.retain(|each| !is_it(each));
            }
            ["umount", directory] => drop(host.mount_points.remove(directory)),
            ["systemctl", "unmask", unit] => host.units.get_mut(unit).unwrap().load = LoadState::Loaded,
            ["useradd", "--system", "--uid", uid, name] => {
                let uid = uid.parse().unwrap();
                host.users.insert(name.to_owned(), User { uid, gid: uid });
            }
            ["fsck", "-f", "-y", device] => drop(host.filesystems.remove(device)),
            _ => panic!("{words:?} is not known here"),
        }
    }
}
