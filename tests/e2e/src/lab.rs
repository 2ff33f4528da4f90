//! The ground to try things on, left running.

use anyhow::Result;
use hapair_lab::Config;
use hapair_world::{NAMESPACE, World};

/// Brings everything up, says how to use it, and leaves it: its network namespace is what ends it.
pub fn run(config: Config) -> Result<()> {
    let mut world = World::up(config, |what| eprintln!("{what}"))?;
    world.start_operator(&[])?;
    world.apply(&world.secrets()?)?;
    let sample = world.lab.directory().join("tomcat.yaml");
    std::fs::write(&sample, world.sample()?)?;
    let kubectl = world.cluster.kubectl(&[]);
    let folder = std::path::Path::new(kubectl.get_program())
        .parent()
        .unwrap_or(std::path::Path::new(""))
        .display()
        .to_string();
    println!(
        "The lab is up. A shell in its network:\n\n    ip netns exec {} bash\n",
        world.lab.namespace().name()
    );
    println!(
        "    export KUBECONFIG={} PATH={folder}:$PATH",
        world.cluster.kubeconfig().display()
    );
    println!("    kubectl apply -n {NAMESPACE} -f {}", sample.display());
    println!("    kubectl get -n {NAMESPACE} hapairs,harv,hafip,hasg --watch\n\nmake lab-down ends it.");
    std::mem::forget(world);
    Ok(())
}
