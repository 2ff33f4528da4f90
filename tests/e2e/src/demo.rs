//! The demo: what the project is for, in ten minutes, on real hosts, with the time of each act.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hapair_lab::Config;
use hapair_world::{NAMESPACE, World};

const LONG: Duration = Duration::from_secs(600);

pub fn run(config: Config) -> Result<()> {
    let mut stage = Stage {
        start: Instant::now(),
        world: None,
    };
    stage.scene(
        "Two hosts with kernels, disks, links and BMCs of their own; a Kubernetes API server; the operator",
    );
    let start = stage.start;
    let mut world = World::up(config, |what| {
        println!("  {:7.1} s  {what}", start.elapsed().as_secs_f32())
    })?;
    world.start_operator(&[])?;
    stage.world = Some(world);
    stage.first_apply()?;
    stage.standby()?;
    stage.restart()?;
    stage.power_cut()?;
    println!("\nAll of it in {:.0} s.", stage.start.elapsed().as_secs_f32());
    Ok(())
}

struct Stage {
    start: Instant,
    world: Option<World>,
}

impl Stage {
    fn world(&self) -> &World {
        self.world.as_ref().expect("the first scene brings it up")
    }

    fn scene(&self, title: &str) {
        println!("\n── {title} ──");
    }

    fn say(&self, what: &str) {
        println!("  {:7.1} s  {what}", self.start.elapsed().as_secs_f32());
    }

    fn first_apply(&self) -> Result<()> {
        let world = self.world();
        self.scene("kubectl apply -f config/samples");
        world.apply(&world.secrets()?)?;
        let began = Instant::now();
        world.apply(&world.sample()?)?;
        self.follow("Available")?;
        self.say(&format!(
            "Available {:.1} s after kubectl apply",
            began.elapsed().as_secs_f32()
        ));
        world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
        self.say(&format!(
            "Ready {:.1} s after kubectl apply",
            began.elapsed().as_secs_f32()
        ));
        self.show()?;
        self.expect_page("node1")?;
        world
            .lab
            .run(0, "echo 'node1 was here' > /var/log/tomcat10/demo.log")?;
        Ok(())
    }

    fn standby(&self) -> Result<()> {
        let world = self.world();
        self.scene("node1 is set to standby in the manifest: node2 takes over, with the logs");
        let sample = world.sample()?;
        let standby = sample.replacen("standby: false", "standby: true", 1);
        let began = Instant::now();
        world.apply(&standby)?;
        self.move_to("node2", began)?;
        let log = world.lab.run(
            1,
            "cat /var/log/tomcat10/demo.log; ls /var/log/tomcat10 | head -20",
        )?;
        ensure!(
            log.contains("node1 was here"),
            "node2 does not have node1's log: {log}"
        );
        self.say(&format!("node2 has the logs:\n{}", indent(&log)));
        self.scene("node1 is back: the service stays where it is");
        world.apply(&sample)?;
        world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
        self.expect_page("node2")
    }

    fn restart(&self) -> Result<()> {
        let world = self.world();
        self.scene("node2 is restarted: node1 takes over");
        let began = Instant::now();
        let boot = world.lab.restart(1)?;
        self.move_to("node1", began)?;
        world.lab.wait_for_restart(1, &boot, LONG)?;
        world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
        self.say(&format!(
            "both nodes are back and UpToDate after {:.1} s",
            began.elapsed().as_secs_f32()
        ));
        self.show()
    }

    fn power_cut(&self) -> Result<()> {
        let world = self.world();
        self.scene("node1's power is cut, without a word to the cluster: it is fenced, and node2 takes over");
        let began = Instant::now();
        world.lab.power_off(0)?;
        self.move_to("node2", began)?;
        let fenced = world.lab.run(1, "stonith_admin --history node1 2>&1 | tail -3")?;
        self.say(&format!("the cluster's record of fencing:\n{}", indent(&fenced)));
        self.scene("node1 has power again (its fencing device gave it back): both are UpToDate");
        world.lab.power_on(0)?;
        world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
        self.say(&format!(
            "Ready again {:.1} s after the cut",
            began.elapsed().as_secs_f32()
        ));
        self.show()?;
        self.expect_page("node2")
    }

    fn move_to(&self, node: &str, began: Instant) -> Result<()> {
        let wanted = format!("<h1>{node}</h1>");
        self.world()
            .wait(&format!("{node}'s page on the floating address"), LONG, |world| {
                world.page().filter(|page| page.contains(&wanted))
            })?;
        self.say(&format!(
            "{node}'s page after {:.1} s",
            began.elapsed().as_secs_f32()
        ));
        Ok(())
    }

    fn expect_page(&self, node: &str) -> Result<()> {
        let page = self.world().page().unwrap_or_default();
        self.say(&format!(
            "curl http://{}:8080/ → {}",
            self.world().floating_address(),
            page.trim()
        ));
        ensure!(
            page.contains(&format!("<h1>{node}</h1>")),
            "expected {node}'s page, not {page:?}"
        );
        Ok(())
    }

    /// Shows the pair's Ready message whenever it changes, until the condition holds.
    fn follow(&self, type_: &str) -> Result<()> {
        let mut last = String::new();
        self.world().wait(type_, LONG, |world| {
            let object = world.object("hapair/web").ok()?;
            if let Some((status, reason, message)) = hapair_world::condition_of(&object, "Ready") {
                let line = format!("Ready={status} {reason}: {message}");
                if line != last {
                    self.say(&line);
                    last = line;
                }
            }
            (hapair_world::condition_of(&object, type_)?.0 == "True").then_some(())
        })
    }

    fn show(&self) -> Result<()> {
        println!(
            "\n{}",
            self.world()
                .cluster
                .run(&["get", "-n", NAMESPACE, "hapairs,harv,hafip,hasg"])?
        );
        Ok(())
    }
}

fn indent(text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|line| format!("               {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
