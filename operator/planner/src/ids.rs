//! Users and groups whose numbers have to be the same on both hosts, since what one node writes is read on the other.

use std::fmt::Display;

use hapair_model::{Both, Side, desired::Desired, observed::Host};

/// A user by name that has another number, or another group, on each host. `field` is where it is named.
pub fn of_user(desired: &Desired, hosts: &Both<&Host>, field: &str, user: &str) -> Option<String> {
    let of = |side: Side| hosts[side].users.get(user);
    let (first, second) = (of(Side::First)?, of(Side::Second)?);
    differ(desired, &format!("{field}: user {user}"), first.uid, second.uid).or_else(|| {
        differ(
            desired,
            &format!("{field}: the group of user {user}"),
            first.gid,
            second.gid,
        )
    })
}

/// The same of a group.
pub fn of_group(desired: &Desired, hosts: &Both<&Host>, field: &str, group: &str) -> Option<String> {
    let of = |side: Side| hosts[side].groups.get(group).copied();
    differ(
        desired,
        &format!("{field}: group {group}"),
        of(Side::First)?,
        of(Side::Second)?,
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
