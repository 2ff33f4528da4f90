//! pcs for the administrator: the password of hacluster, and pcsd's authentication. Nothing of the service depends
//! on it.

use hapair_model::{
    Both, Secret, Side,
    desired::Desired,
    digest,
    plan::{Next, Step},
};

use crate::{
    facts::Facts,
    part::{Opening, Part},
};

/// What this part has to say.
pub const PART: Part = Part {
    packages: |_, _| vec!["pcs"],
    units: |_| vec![("pcsd", "pcs")],
    ask: |_, _, question| question.units.push("pcsd.service".into()),
    openings,
    ..Part::NONE
};

/// pcsd's port (pcsd(8)).
const PCSD: u16 = 2224;

fn openings(desired: &Desired, side: Side) -> Vec<Opening> {
    let links = desired.nodes[side.peer()].links.iter();
    let wanted = links.filter(|_| desired.admin_password.is_some());
    wanted
        .map(|(_, address)| Opening::from(address, "tcp", PCSD))
        .collect()
}

/// pcs for the administrator: after the service, since nothing of it depends on pcs.
pub fn administer(facts: &Facts<'_>) -> Option<Next> {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    let password = desired.admin_password.as_ref()?;
    let known_as = Secret::new(digest(
        format!(
            "{}:{}",
            desired.owner.pair,
            String::from_utf8_lossy(password.expose())
        )
        .as_bytes(),
    ));
    let steps = Both::from_fn(|side| {
        let host = hosts[side];
        let runs = host
            .units
            .get("pcsd")
            .is_some_and(|unit| unit.is_active() && unit.enabled);
        if runs && host.admin_password.as_ref() == Some(&known_as) {
            return Vec::new();
        }
        vec![Step::SetAdminPassword {
            digest: known_as.clone(),
            password: password.clone(),
        }]
    });
    Next::stage("set the administrator's password", steps).or_else(|| {
        let nodes: Vec<_> = desired
            .nodes
            .iter()
            .map(|(_, node)| (node.name.clone(), node.first_address().to_owned()))
            .collect();
        let side = [Side::First, Side::Second].into_iter().find(|side| {
            nodes
                .iter()
                .any(|(name, _)| !hosts[*side].pcs_hosts.contains(name))
        })?;
        Next::stage_on(
            "log pcs in on both nodes",
            side,
            vec![Step::AuthenticatePcs {
                nodes,
                password: password.clone(),
            }],
        )
    })
}
