//! What the configuration and the documentation give to agents, against what these agents say of themselves.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use hapair_model::xml::Element;
use hapair_world::World;

/// What the operator gives to fence_redfish, which no host of the lab is fenced by.
const REDFISH: &str = "{name: fence_redfish, secretRef: …, parameters: [{name: systems_uri}, {name: ip}, {name: ssl_insecure}]}";

/// Debian 13 has each agent in a package of its own, and the operator installs what the pair needs.
const INSTALL: &str = "test -x /usr/sbin/fence_pve || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                       fence-agents-apc-snmp fence-agents-pve fence-agents-redfish fence-agents-virsh fence-agents-vmware-rest fence-virt";

/// Every parameter and operation is one that its agent has: a name that no agent knows would have no effect, without a word.
pub fn know_what_they_are_given(world: &mut World) -> Result<()> {
    configured(world)?;
    documented(world)
}

fn configured(world: &World) -> Result<()> {
    let configuration = Element::parse(&world.lab.run(0, "cibadmin --query --local --scope resources")?)?;
    let primitives: Vec<_> = configuration
        .all()
        .into_iter()
        .filter(|each| each.name == "primitive")
        .collect();
    for primitive in &primitives {
        let of = |attribute: &str| primitive.get(attribute).unwrap_or_default().to_owned();
        let agent = match of("class").as_str() {
            "ocf" => format!("ocf:{}:{}", of("provider"), of("type")),
            "systemd" => continue,
            class => format!("{class}:{}", of("type")),
        };
        let known = Known::asked(world, &agent)?;
        let sets = primitive
            .children
            .iter()
            .filter(|each| each.name == "instance_attributes")
            .flat_map(Element::all);
        known.parameters(names(sets, "nvpair"))?;
        known.operations(names(primitive.all(), "op"))?;
    }
    ensure!(
        primitives.len() >= 7,
        "the configuration has only {} primitives",
        primitives.len()
    );
    Ok(())
}

/// The agents of the guide for virtual machines and power strips, as far as the host has them.
fn documented(world: &World) -> Result<()> {
    world.lab.run(0, INSTALL)?;
    let guide = include_str!("../../../../docs/how-to.md");
    let rows = guide.lines().filter(|line| line.contains("`{name: fence_"));
    let mut compared = Vec::new();
    for row in rows.chain([REDFISH]) {
        let mut words = row
            .split("{name: ")
            .skip(1)
            .filter_map(|rest| rest.split([',', '}']).next());
        let agent = words.next().context("a row names its agent first")?;
        let from_secret = row
            .contains("secretRef")
            .then_some(["username", "password_script"]);
        let given = words.chain(from_secret.into_iter().flatten());
        if world.lab.run(0, &format!("test -x /usr/sbin/{agent}")).is_ok() {
            Known::asked(world, &format!("stonith:{agent}"))?.parameters(given.map(str::to_owned))?;
            compared.push(agent);
        }
    }
    println!("           the guide's {}", compared.join(", "));
    ensure!(
        compared.len() >= 4,
        "only {compared:?} of the guide's agents are on the host"
    );
    Ok(())
}

/// What an agent says of itself.
struct Known {
    agent: String,
    metadata: Element,
}

impl Known {
    fn asked(world: &World, agent: &str) -> Result<Self> {
        let command = format!("crm_resource --show-metadata {agent}");
        Ok(Self {
            agent: agent.to_owned(),
            metadata: Element::parse(&world.lab.run(0, &command)?)?,
        })
    }

    fn parameters(&self, given: impl Iterator<Item = String>) -> Result<()> {
        // These are the fencer's own (man pacemaker-fenced).
        self.has("parameter", given.filter(|name| !name.starts_with("pcmk_")))
    }

    fn operations(&self, given: impl Iterator<Item = String>) -> Result<()> {
        let is_device = self.agent.starts_with("stonith:");
        self.has(
            "action",
            given.filter(|name| !(is_device && ["start", "stop"].contains(&name.as_str()))),
        )
    }

    fn has(&self, kind: &str, mut given: impl Iterator<Item = String>) -> Result<()> {
        let has: BTreeSet<_> = names(self.metadata.all(), kind).collect();
        match given.find(|name| !has.contains(name)) {
            None => Ok(()),
            Some(unknown) => bail!("{} has no {kind} {unknown}; it has {has:?}", self.agent),
        }
    }
}

/// The names of what is of a kind.
fn names<'a>(all: impl IntoIterator<Item = &'a Element>, kind: &str) -> impl Iterator<Item = String> {
    all.into_iter()
        .filter(move |each| each.name == kind)
        .filter_map(|each| each.get("name"))
        .map(str::to_owned)
}
