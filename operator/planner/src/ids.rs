//! Users and groups whose numbers have to be the same on both hosts, since what one node writes is read on the other.

use std::fmt::Display;

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::{Host, Role},
    reason::with_remedy,
};

/// A user by name that has another number, or another group, on each host. `field` is where it is named.
pub fn of_user(desired: &Desired, hosts: &Both<&Host>, field: &str, user: &str) -> Option<String> {
    let of = |side: Side| hosts[side].users.get(user);
    let (first, second) = (of(Side::First)?, of(Side::Second)?);
    let other_user = differ(desired, &format!("{field}: user {user}"), first.uid, second.uid);
    let other_group = || {
        let what = format!("{field}: the group of user {user}");
        differ(desired, &what, first.gid, second.gid)
    };
    let stays = of(kept(hosts))?;
    let user_command = (first.uid != second.uid).then(|| format!("usermod --uid {} {user}", stays.uid));
    let group_command =
        (first.gid != second.gid).then(|| format!("groupmod --gid {} $(id -gn {user})", stays.gid));
    let commands: Vec<_> = user_command.into_iter().chain(group_command).collect();
    let message = other_user.or_else(other_group)?;
    Some(with_remedy(
        &message,
        &given(desired, kept(hosts), &commands.join(" && ")),
    ))
}

/// The same of a group.
pub fn of_group(desired: &Desired, hosts: &Both<&Host>, field: &str, group: &str) -> Option<String> {
    let of = |side: Side| hosts[side].groups.get(group).copied();
    let (first, second) = (of(Side::First)?, of(Side::Second)?);
    let message = differ(desired, &format!("{field}: group {group}"), first, second)?;
    let command = format!("groupmod --gid {} {group}", of(kept(hosts))?);
    Some(with_remedy(&message, &given(desired, kept(hosts), &command)))
}

/// A user or group that the services' units or files name, and that only the peer has: nothing could be started as it.
pub fn missing(node: &str, host: &Host, peer: &Host) -> Option<String> {
    let user = peer
        .users
        .iter()
        .find(|(name, _)| !host.users.contains_key(*name));
    let group = peer
        .groups
        .iter()
        .find(|(name, _)| !host.groups.contains_key(*name));
    let told = |kind: &str, name: &str, command: String| {
        let what = format!("{node} has no {kind} {name}, and the other node has");
        with_remedy(&what, &format!("on {node} `{command}`"))
    };
    let user =
        user.map(|(name, ids)| told("user", name, format!("useradd --system --uid {} {name}", ids.uid)));
    let group =
        || group.map(|(name, gid)| told("group", name, format!("groupadd --system --gid {gid} {name}")));
    user.or_else(group)
}

/// The host whose numbers stay: the one that writes the data.
fn kept(hosts: &Both<&Host>) -> Side {
    let writes = |host: &&Host| host.resources.values().any(|leg| leg.role == Role::Primary);
    hosts.find(writes).unwrap_or(Side::First)
}

/// How the other host is given these numbers.
fn given(desired: &Desired, kept: Side, command: &str) -> String {
    let nodes = desired.nodes.as_ref().map(|node| node.name.as_str());
    let (kept, other) = (nodes[kept], nodes[kept.peer()]);
    format!(
        "give {other} the numbers of {kept}, with what runs under them on {other} stopped: on {other} `{command}`. Then correct the owner of \
         its files there, but for those on the volume. Where {other} has such a number for somebody else, both hosts need one that is \
         free on both, and the volume's files go with it"
    )
}

/// Something that has to be the same on both hosts, and is not.
pub fn differ<T: Display + PartialEq>(desired: &Desired, what: &str, first: T, second: T) -> Option<String> {
    let nodes = &desired.nodes;
    (first != second).then(|| {
        format!(
            "{what} is {first} on {} and {second} on {}: what one node writes would belong to somebody else on the other",
            nodes.first.name, nodes.second.name
        )
    })
}
