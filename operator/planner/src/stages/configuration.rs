//! pacemaker's start, and changes of the running cluster's configuration.

use hapair_model::{
    Both,
    plan::{Next, Step},
    xml::Element,
};

use super::{platform, settle_down};
use crate::{
    cib, desired_cib,
    facts::{Facts, Member},
    merge, standby,
};

/// pacemaker's start; the first one with the whole configuration already in place.
pub fn start(facts: &Facts<'_>) -> Option<Next> {
    let hosts = &facts.hosts;
    let seed = || {
        merge::seed(
            &standby::allowed(facts),
            &desired_cib::wanted(facts.desired, &platform(hosts.first)),
        )
        .to_string()
    };
    let seed = (!facts.formed).then(seed);
    let steps = Both::from_fn(|side| {
        let unit = hosts[side].units.get("pacemaker").cloned().unwrap_or_default();
        if unit.is_active() && unit.enabled {
            return Vec::new();
        }
        let seed = seed.clone().map(|cib| Step::SeedCib { cib });
        seed.into_iter()
            .chain([Step::EnableUnits {
                units: vec!["pacemaker".into()],
            }])
            .collect()
    });
    Next::stage("start pacemaker", steps)
}

/// One patch of the running cluster's configuration, if it differs from what is declared.
pub fn configure(facts: &Facts<'_>) -> Option<Next> {
    let Some(member) = facts.quorate_member else {
        return Some(Next::Wait("the cluster is electing its DC".into()));
    };
    let (live, host) = (member.cib, facts.hosts[member.side]);
    let mut wanted = desired_cib::wanted(facts.desired, &platform(host).speaking_as(live));
    if settle_down(facts).is_some() {
        // The seed's short one does no harm meanwhile, and a change would make the cluster think again in the
        // middle of its first start.
        wanted.properties.retain(|(name, _)| *name != "dc-deadtime");
    }
    let active = member
        .cluster
        .resources
        .iter()
        .filter(|each| !each.nodes.is_empty());
    let running: Vec<_> = active.map(|each| each.id.as_str()).collect();
    change(
        member,
        &merge::merged(live, &standby::allowed(facts), &wanted, &running),
    )
}

/// What is harmless while something else is wrong: nodes of the running cluster go into standby and come out
/// of it.
pub fn standby_alone(facts: &Facts<'_>) -> Option<Next> {
    let member = facts.quorate_member?;
    change(member, &merge::with_standby(member.cib, &standby::allowed(facts)))
}

fn change(member: Member<'_>, wanted: &Element) -> Option<Next> {
    let push = || Step::PushCib {
        cib: wanted.to_string(),
        planned_on: cib::version(member.cib),
    };
    (*wanted != cib::without_status(member.cib))
        .then(|| Next::stage_on("configure the cluster", member.side, vec![push()]))
        .flatten()
}
