//! The ground of a round: a pair that serves, a client that writes, watchers that watch.

use std::time::Duration;

use anyhow::{Result, ensure};
use hapair_lab::{Config, Link};
use hapair_world::World;

use crate::{
    client::{Client, PAGES},
    disk,
    watch::{UNIT, Watch},
};

/// How often the operator looks at a pair at rest.
const RESYNC: &str = "--resync-seconds=5";
/// Longer than any convergence.
pub const LONG: Duration = Duration::from_secs(900);

/// A pair under attack.
pub struct Ground<'a> {
    /// The client.
    pub client: Client,
    /// The watchers. They end before the world: a namespace in which they start new processes never gets
    /// empty.
    pub watch: Watch,
    /// Hosts, API server, operator.
    pub world: &'a mut World,
    /// The page that is declared, counted up by changes of the spec.
    pub page: u32,
    manifests: String,
}

/// A world of its own, for every fault: below its volume is a disk that can fail. Returns it with the
/// manifests of its pair.
pub fn world(lab: &str, debian: &str, say: impl FnMut(&str) + Send) -> Result<(World, String)> {
    let config = Config {
        name: lab.into(),
        debian: debian.into(),
        with_packages: true,
        ..Config::default()
    };
    let world = World::up(config, say)?;
    world.on_both(|node| disk::prepare(&world.lab, node))?;
    world.apply(&world.secrets()?)?;
    let manifests = world.sample()?.replace(
        "partition: {disk: /dev/ubdb}",
        &format!("device: {}", disk::DEVICE),
    );
    ensure!(
        manifests.contains(disk::DEVICE),
        "the sample's disks are declared otherwise than chaos expects"
    );
    Ok((world, manifests))
}

impl<'a> Ground<'a> {
    /// Declares the pair with the client's pages, waits until it is Ready, and starts what looks at it. Its
    /// Secrets are there.
    pub fn prepare(world: &'a mut World, manifests: String) -> Result<Self> {
        world.on_both(|node| watch_roles(world, node))?;
        world.kill_operator()?;
        world.start_operator(&[RESYNC])?;
        world.apply(&with_pages(&manifests, 0))?;
        wait_until_ready(world)?;
        let address = world.floating_address();
        let consoles = [world.lab.console(0), world.lab.console(1)];
        let watch = Watch::start(consoles, &Link::Zero.bridge(), &address);
        let client = Client::start(&address);
        let ground = Self {
            world,
            client,
            watch,
            page: 0,
            manifests,
        };
        ground.compile_pages()?;
        Ok(ground)
    }

    /// Each page is compiled when it is first asked for on a node, which is no round's fault: each node serves once.
    fn compile_pages(&self) -> Result<()> {
        let client = &self.client;
        self.world.wait("the first record", LONG, |_| {
            (client.acknowledged() > 0).then_some(())
        })?;
        for _ in 0..2 {
            self.world.wait("the records", LONG, |_| client.lost().ok())?;
            self.wait_until_ready()?;
            let before = self.active()?;
            self.world.plugin(&["switchover"])?;
            self.wait_for_a_record_elsewhere(before)?;
        }
        self.wait_until_ready()
    }

    /// Waits until another node than this one serves, and has acknowledged something since.
    pub fn wait_for_a_record_elsewhere(&self, before: usize) -> Result<()> {
        let acknowledged = self.client.acknowledged();
        self.world.wait("a record on the other node", LONG, |_| {
            (self.active().ok()? != before && self.client.acknowledged() > acknowledged).then_some(())
        })
    }

    /// Waits until the pair is Ready, as it is declared now.
    pub fn wait_until_ready(&self) -> Result<()> {
        wait_until_ready(self.world)
    }

    /// Starts the operator (again).
    pub fn start_operator(&mut self) -> Result<()> {
        self.world.start_operator(&[RESYNC])
    }

    /// A change of the spec: another page.
    pub fn change_spec(&mut self) -> Result<()> {
        self.page += 1;
        self.world.apply(&with_pages(&self.manifests, self.page))
    }

    /// The node that serves, as the hosts have it: where the floating address is.
    pub fn active(&self) -> Result<usize> {
        let address = self.world.floating_address();
        let holds = |node: &usize| {
            self.world
                .lab
                .run(*node, "ip -o address show")
                .is_ok_and(|text| text.contains(&format!("{address}/")))
        };
        self.world
            .wait("a node that holds the floating address", LONG, |_| {
                (0..2).find(holds)
            })
    }
}

fn wait_until_ready(world: &World) -> Result<()> {
    world.wait("Ready, as declared now", LONG, |world| {
        let pair = world.object("hapair/web").ok()?;
        let current = pair["status"]["observedGeneration"] == pair["metadata"]["generation"];
        (current && hapair_world::condition_of(&pair, "Ready")?.0 == "True").then_some(())
    })
}

/// Gives a host the watcher of roles. It has to be on the disk before the first round cuts the power.
fn watch_roles(world: &World, node: usize) -> Result<()> {
    let unit = format!(
        "cat > /etc/systemd/system/chaos-watch.service <<'END'\n{UNIT}END\nsystemctl enable --now \
         chaos-watch\nsync"
    );
    world.lab.run(node, &unit).map(drop)
}

/// The directory above the pages is tomcat's.
const OWNER: &str = "owner: tomcat, group: tomcat";

/// The manifests with the pages of the client, and one that counts.
fn with_pages(manifests: &str, page: u32) -> String {
    let mut files = format!(
        "    - {{path: /var/lib/tomcat10/webapps/ROOT/page.html, content: \"page {page}\\n\", {OWNER}}}\n"
    );
    for (name, content) in PAGES {
        files += &format!(
            "    - {{path: /var/lib/tomcat10/webapps/ROOT/{name}, content: {}, {OWNER}}}\n",
            serde_json::Value::from(content)
        );
    }
    manifests.replace("  files:\n", &format!("  files:\n{files}"))
}
