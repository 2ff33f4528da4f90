//! What the configuration gives to agents, against what these agents say of themselves.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use hapair_model::xml::Element;
use hapair_world::World;

/// Every parameter and operation of the configuration is one that its agent has: a name that no agent knows
/// would have no effect, without a word.
pub fn know_what_they_are_given(world: &mut World) -> Result<()> {
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
        let metadata = Element::parse(
            &world
                .lab
                .run(0, &format!("crm_resource --show-metadata {agent}"))?,
        )?;
        let names = |tag: &str| -> BTreeSet<String> {
            let found = metadata.all().into_iter().filter(|each| each.name == tag);
            found
                .filter_map(|each| each.get("name"))
                .map(str::to_owned)
                .collect()
        };
        let (parameters, actions) = (names("parameter"), names("action"));
        let sets = primitive
            .children
            .iter()
            .filter(|each| each.name == "instance_attributes")
            .flat_map(Element::all);
        for name in sets
            .filter(|each| each.name == "nvpair")
            .filter_map(|each| each.get("name"))
        {
            // These are the fencer's own (man pacemaker-fenced).
            ensure!(
                name.starts_with("pcmk_") || parameters.contains(name),
                "{agent} has no parameter {name}; it has {parameters:?}"
            );
        }
        for name in primitive
            .all()
            .into_iter()
            .filter(|each| each.name == "op")
            .filter_map(|each| each.get("name"))
        {
            let implied = of("class") == "stonith" && ["start", "stop"].contains(&name);
            ensure!(
                implied || actions.contains(name),
                "{agent} has no operation {name}; it has {actions:?}"
            );
        }
    }
    ensure!(
        primitives.len() >= 7,
        "the configuration has only {} primitives",
        primitives.len()
    );
    Ok(())
}
