//! The ground: the whole product with a pair that serves, a client that writes, watchers that watch.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use hapair_e2e::World;
use hapair_lab::{Config, Link};

use crate::{
    client::{Client, PAGES},
    disk,
    watch::{UNIT, Watch},
};

/// How often the operator looks at a pair at rest.
const RESYNC: &str = "--resync-seconds=5";
/// Longer than any convergence.
pub const LONG: Duration = Duration::from_secs(900);

/// The whole product, under attack.
pub struct Ground {
    /// The client.
    pub client: Client,
    /// The watchers. They end before the ground: a namespace in which they start new processes never gets empty.
    pub watch: Watch,
    /// Hosts, API server, operator.
    pub world: World,
    /// The page that is declared, counted up by changes of the spec.
    pub page: u32,
}

impl Ground {
    /// From nothing to a pair that is Ready.
    pub fn make(mut say: impl FnMut(&str) + Send) -> Result<Self> {
        let config = Config { name: "chaos".into(), with_packages: true, ..Config::default() };
        let mut world = World::up(config, &mut say)?;
        std::thread::scope(|scope| {
            let other = scope.spawn(|| prepare(&world, 1));
            prepare(&world, 0)?;
            other.join().map_err(|_| anyhow!("the other host was not prepared"))?
        })?;
        world.start_operator(&[RESYNC])?;
        world.apply(&world.secrets()?)?;
        world.apply(&manifests(&world, 0)?)?;
        say("waiting for the pair");
        world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
        let address = world.floating_address();
        let consoles = [world.lab.console(0), world.lab.console(1)];
        let watch = Watch::start(consoles, &Link::Zero.bridge(), &address);
        let client = Client::start(&address);
        world.wait("the first record", LONG, |_| (client.acknowledged() > 0).then_some(()))?;
        // Each page is compiled when it is first asked for, which is no round's fault.
        world.wait("the records", LONG, |_| client.lost().ok())?;
        Ok(Self { world, client, watch, page: 0 })
    }

    /// Starts the operator (again).
    pub fn start_operator(&mut self) -> Result<()> {
        self.world.start_operator(&[RESYNC])
    }

    /// A change of the spec: another page.
    pub fn change_spec(&mut self) -> Result<()> {
        self.page += 1;
        self.world.apply(&manifests(&self.world, self.page)?)
    }

    /// The node that serves, as the hosts have it: where the floating address is.
    pub fn active(&self) -> Result<usize> {
        let address = self.world.floating_address();
        let holds = |node: &usize| self.world.lab.run(*node, "ip -o address show").is_ok_and(|text| text.contains(&format!("{address}/")));
        self.world.wait("a node that holds the floating address", LONG, |_| (0..2).find(holds))
    }
}

/// Gives a host a disk that can fail, and the watcher of roles.
fn prepare(world: &World, node: usize) -> Result<()> {
    disk::prepare(&world.lab, node)?;
    let unit = format!("cat > /etc/systemd/system/chaos-watch.service <<'END'\n{UNIT}END\nsystemctl enable --now chaos-watch");
    world.lab.run(node, &unit).map(drop)
}

/// The sample with the pages of the client, on the disk that can fail.
fn manifests(world: &World, page: u32) -> Result<String> {
    let mut files = format!("    - {{path: /var/lib/tomcat10/webapps/ROOT/page.html, content: \"page {page}\\n\"}}\n");
    for (name, content) in PAGES {
        files += &format!("    - path: /var/lib/tomcat10/webapps/ROOT/{name}\n      content: |\n        {content}\n");
    }
    let sample = world.sample()?.replace("partition: {disk: /dev/ubdb}", &format!("device: {}", disk::DEVICE));
    ensure!(sample.contains(disk::DEVICE), "the sample's disks are declared otherwise than chaos expects");
    Ok(sample.replace("  files:\n", &format!("  files:\n{files}")))
}
