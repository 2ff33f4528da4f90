//! Objects that are new to a running pair, and cannot be. They are left out, and the rest of the pair goes on: a
//! mistake in what is added keeps nothing from what is there. What the pair already has is changed as a whole or
//! not at all, and so is a pair that was never formed.

use std::borrow::Cow;

use hapair_model::{
    Both,
    desired::{Desired, Group},
    observed::HostView,
    plan::{Finding, Subject},
    reason::Scope,
};

use crate::{facts::Facts, names, parts::service, refuse};

/// What can be carried out, and what was found: `of_spec` in the declaration itself, the rest on the hosts.
/// `None`: something was found that is not about a newcomer alone.
pub fn left_out<'a>(
    desired: &'a Desired,
    observed: &Both<HostView>,
    of_spec: Vec<Finding>,
) -> (Option<Cow<'a, Desired>>, Vec<Finding>) {
    let mut rest = Cow::Borrowed(desired);
    let mut left_out = Vec::new();
    let facts = Facts::seen(desired, observed);
    if !of_spec.is_empty() {
        match facts.as_ref().and_then(|facts| waiting(facts, &rest, &of_spec)) {
            Some(waiting) => leave_out(&mut rest, &mut left_out, waiting),
            None => return (None, [of_spec, refuse::doubts(desired, observed)].concat()),
        }
    }
    loop {
        let found = refuse::findings(&rest, observed).into_iter();
        let (told, found): (Vec<_>, Vec<_>) = found.partition(|finding| finding.stops == Scope::Nothing);
        if found.is_empty() {
            return (Some(rest), [left_out, told].concat());
        }
        let is_there = |finding: &Finding| rest.has(&finding.about);
        let newcomers = facts.as_ref().filter(|_| found.iter().all(is_there));
        match newcomers.and_then(|facts| waiting(facts, &rest, &found)) {
            Some(waiting) => leave_out(&mut rest, &mut left_out, waiting),
            None => return (None, [left_out, told, found].concat()),
        }
    }
}

/// The findings, and one about each group that needs what they are about; `None`: not all of it is new to the pair.
fn waiting(facts: &Facts<'_>, rest: &Desired, found: &[Finding]) -> Option<Vec<Finding>> {
    let groups = rest.groups.iter().filter_map(|group| {
        let about = Subject::Group(group.name.clone());
        let cause = found.iter().find(|finding| needs(group, &finding.about))?;
        let is_told = found.iter().any(|finding| finding.about == about);
        let message = format!("it waits for {}: {}", cause.about, cause.message);
        (!is_told).then(|| Finding::new(about, cause.reason, message))
    });
    let alone = |finding: Finding| Finding {
        stops: Scope::Object,
        ..finding
    };
    let waiting: Vec<_> = found.iter().cloned().chain(groups).collect();
    let is_free = |finding: &Finding| finding.stops < Scope::Everything && is_new(facts, &finding.about);
    waiting
        .iter()
        .all(is_free)
        .then(|| waiting.into_iter().map(alone).collect())
}

fn needs(group: &Group, object: &Subject) -> bool {
    match object {
        Subject::Volume(name) => group.volumes.contains(name),
        Subject::FloatingIp(name) => group.floating_ips.contains(name),
        Subject::Group(_) | Subject::Pair => false,
    }
}

/// Whether a pair that runs has nothing of it: neither the cluster nor, of a volume, a host.
fn is_new(facts: &Facts<'_>, object: &Subject) -> bool {
    let is_begun = match object {
        Subject::Pair => true,
        Subject::Volume(name) => facts.hosts.any(|host| {
            host.drbd_config.contains_key(name)
                || host.resources.contains_key(name)
                || host.volume_records.contains_key(name)
        }),
        Subject::FloatingIp(_) => false,
        Subject::Group(name) => has_members(facts, name),
    };
    let key = names::key_of(object);
    !is_begun && facts.quorate_member.is_some() && !facts.owns(&key) && !facts.cib_has(&key)
}

/// Whether the cluster runs something that the group declares: what a group before it has left behind.
fn has_members(facts: &Facts<'_>, group: &str) -> bool {
    let groups = facts.desired.groups.iter().filter(|each| each.name == group);
    let mut members = groups.flat_map(|group| service::members(facts.desired, group));
    members.any(|id| facts.cib_has(&id))
}

fn leave_out(rest: &mut Cow<'_, Desired>, left_out: &mut Vec<Finding>, waiting: Vec<Finding>) {
    let rest = rest.to_mut();
    let stays = |object: Subject| waiting.iter().all(|finding| finding.about != object);
    rest.volumes
        .retain(|each| stays(Subject::Volume(each.name.clone())));
    rest.floating_ips
        .retain(|each| stays(Subject::FloatingIp(each.name.clone())));
    rest.groups
        .retain(|each| stays(Subject::Group(each.name.clone())));
    left_out.extend(waiting);
}
