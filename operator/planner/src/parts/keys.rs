//! What makes two hosts one pair: the keys that both hold, and what each remembers of the other. A host that
//! has lost its keys gets them back from its peer, once it is known to be the host that the peer remembers,
//! or a person has said that it is the one to go on with.

use hapair_model::{
    Both, Reason, Secret, Side,
    observed::{Host, HostView, KnownPeer},
    plan::{Content, File, Finding, FollowUp, Keep, Next, Step, Subject},
    reason::with_remedy,
};

use crate::{facts::Facts, names, part::Part};

/// What this part has to say.
pub const PART: Part = Part {
    refuse_both: findings,
    ..Part::NONE
};

/// Random bytes for keys that do not exist yet, drawn by the caller: the planner itself draws nothing.
#[derive(Clone, Debug)]
pub struct FreshKeys {
    /// For `/etc/corosync/authkey`.
    pub corosync: Secret,
    /// For `/etc/pacemaker/authkey`.
    pub pacemaker: Secret,
    /// DRBD's shared secret, a line of text.
    pub drbd: Secret,
}

/// A key that both hosts hold.
struct Key {
    path: &'static str,
    mode: &'static str,
    owner: &'static str,
    /// What has to follow when it is a new one.
    follow_up: Option<FollowUp>,
}

/// The resource files carry DRBD's key, and so are written after it.
const KEYS: [Key; 3] = [
    Key {
        path: names::COROSYNC_KEY,
        mode: "400",
        owner: "root:root",
        follow_up: Some(FollowUp::RestartCorosync),
    },
    Key {
        path: names::PACEMAKER_KEY,
        mode: "400",
        owner: "hacluster:haclient",
        follow_up: None,
    },
    Key {
        path: names::DRBD_KEY,
        mode: "600",
        owner: "root:root",
        follow_up: None,
    },
];

/// Whether a file is one of the keys.
pub fn is_key(path: &str) -> bool {
    KEYS.iter().any(|key| key.path == path)
}

impl Key {
    fn is_shared(&self, hosts: &Both<&Host>) -> bool {
        let digests = hosts
            .as_ref()
            .map(|host| host.shared_keys.get(self.path))
            .complete();
        digests.is_some_and(|digests| digests.first == digests.second)
    }

    fn is_lost(&self, host: &Host) -> bool {
        !host.shared_keys.contains_key(self.path)
    }

    fn file(&self, bytes: &Secret, follow_up: Option<FollowUp>) -> File {
        File {
            path: self.path.into(),
            mode: self.mode.into(),
            owner: self.owner.into(),
            content: Content::Secret(bytes.clone()),
            keep: Keep::Nothing,
            follow_up,
        }
    }
}

/// The keys as they are to be written: new ones on both hosts as long as no cluster was ever formed with
/// them, afterwards the peer's where one is lost. The daemons of a cluster that was formed know no other, so
/// nothing has to be restarted for those.
pub fn files(facts: &Facts<'_>, fresh: &FreshKeys) -> Both<Vec<File>> {
    let new = [&fresh.corosync, &fresh.pacemaker, &fresh.drbd];
    let hosts = &facts.hosts;
    Both::from_fn(|side| {
        let due = KEYS.iter().zip(new).filter(|(key, _)| !key.is_shared(hosts));
        due.filter_map(|(key, new)| match facts.formed {
            false => Some(key.file(new, key.follow_up.clone())),
            true if key.is_lost(hosts[side]) && is_known(facts, side) => {
                Some(key.file(hosts[side.peer()].keys.get(key.path)?, None))
            }
            true => None,
        })
        .collect()
    })
}

/// Whether this host is the one that its peer remembers, or the one that a person has accepted.
fn is_known(facts: &Facts<'_>, side: Side) -> bool {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    hosts[side.peer()].remembers(hosts[side])
        || desired.accepted.get(&desired.nodes[side].name) == Some(&hosts[side].machine_id)
}

/// Keys that have to be read on the hosts that have them, since a peer has lost them.
pub fn to_be_read(observed: &Both<HostView>) -> Vec<String> {
    let hosts = observed.as_ref().map(HostView::host).complete();
    let Some(hosts) = hosts.filter(|hosts| hosts.any(|host| host.is_clustered())) else {
        return Vec::new();
    };
    let lost = KEYS.iter().filter(|key| hosts.any(|host| key.is_lost(host)));
    lost.map(|key| key.path.to_owned()).collect()
}

/// Keys of a formed cluster that are lost, or differ, and cannot be given back.
fn findings(facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    if !facts.formed {
        return;
    }
    let mut say = |message| findings.push(Finding::new(Subject::Pair, Reason::KeysLost, message));
    for key in KEYS.iter().filter(|key| !key.is_shared(hosts)) {
        let path = key.path;
        match hosts.find(|host| key.is_lost(host)) {
            None => say(format!(
                "the hosts hold different keys in {path}, and a cluster was formed already. Nothing was \
                 changed."
            )),
            Some(side) if key.is_lost(hosts[side.peer()]) => {
                say(format!(
                    "both hosts have lost the key {path}, and a cluster was formed already. Nothing was \
                     changed."
                ));
            }
            Some(side) if !is_known(facts, side) => {
                let (node, peer, id) = (
                    &desired.nodes[side].name,
                    &desired.nodes[side.peer()].name,
                    &hosts[side].machine_id,
                );
                let known = hosts[side.peer()]
                    .known_peer
                    .as_ref()
                    .map_or("remembers none", |_| "remembers another");
                let message = format!(
                    "{node} has lost the key {path}, and its machine-id is {id:?}: {peer} {known}. Nothing \
                     was changed"
                );
                let remedy = format!(
                    "if {node} was replaced or installed anew, and is to go on: `kubectl annotate hapair {} hapair.dev/accept-host={node}={id}`. \
                     The operator then copies the keys from {peer}",
                    desired.name
                );
                say(with_remedy(&message, &remedy));
            }
            Some(_) => {}
        }
    }
}

/// Each host remembers the other, while all is well.
pub fn remember(facts: &Facts<'_>) -> Option<Next> {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    // Of two hosts with one machine-id, such as clones of one image, neither can be known by it.
    if hosts.any(|host| host.machine_id.is_empty()) || hosts.first.machine_id == hosts.second.machine_id {
        return None;
    }
    let step = |side: Side| {
        let peer = KnownPeer::of(
            hosts[side.peer()],
            desired.volumes.iter().map(|volume| volume.name.as_str()),
        );
        let content = Content::Text(peer.to_string());
        let file = || File {
            path: names::PEER.into(),
            mode: "600".into(),
            owner: "root:root".into(),
            content,
            keep: Keep::Nothing,
            follow_up: None,
        };
        (hosts[side].known_peer.as_ref() != Some(&peer)).then(|| Step::WriteFile(file()))
    };
    Next::stage(
        "let each host remember the other",
        Both::from_fn(|side| step(side).into_iter().collect()),
    )
}
