//! The Helm chart on a real API server, with real hosts behind it: from `helm install` to a pair that serves, then an upgrade, a removal and another
//! installation. The operator runs as the installed Deployment says. The service is asked for all the time.

use std::{
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use hapair_lab::Config;
use hapair_world::{NAMESPACE, SYSTEM, World, client::get, root};

use crate::checks::{LONG, configuration_version};

/// What a chart has to be told: where the pairs are.
const VALUES: [&str; 2] = ["--set", "watch.namespaces={web}"];

/// Helm, and the chart twice: as it is, and as an older version.
struct Helm {
    program: PathBuf,
    chart: PathBuf,
    older: PathBuf,
}

impl Helm {
    fn prepare(world: &World) -> Result<Self> {
        let script = root().join("tests/chart/helm");
        let program = PathBuf::from(output(&mut Command::new(script))?.trim()).join("helm");
        let chart = root().join("charts/hapair-operator");
        let folder = world.lab.directory();
        output(Command::new(&program).args(["package", "--version", "0.0.9", "--destination"]).arg(folder).arg(&chart))?;
        Ok(Self { program, chart, older: folder.join("hapair-operator-0.0.9.tgz") })
    }

    fn run(&self, world: &World, arguments: &[&str]) -> Result<String> {
        output(Command::new(&self.program).env("KUBECONFIG", world.cluster.kubeconfig()).args(["-n", SYSTEM]).args(arguments))
    }
}

/// Somebody who asks for the page all the time.
struct Visitor {
    visits: Arc<AtomicU32>,
    misses: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Visitor {
    fn start(address: String) -> Self {
        let (visits, misses, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (visits, misses, stop) = (visits.clone(), misses.clone(), stop.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let count = if get(&address, 8080, "/").is_ok() { &visits } else { &misses };
                    count.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(200));
                }
            })
        };
        Self { visits, misses, stop, thread }
    }

    /// How often the page was there, and how often it was not.
    fn end(self) -> Result<(u32, u32)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the visitor's thread ended")?;
        Ok((self.visits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed)))
    }
}

/// Plays it.
pub fn run(config: Config) -> Result<()> {
    let start = Instant::now();
    let say = |what: &str| println!("{:7.1} s  {what}", start.elapsed().as_secs_f32());
    let mut world = World::ground(config, say)?;
    let helm = Helm::prepare(&world)?;
    let (chart, older) = (helm.chart.display().to_string(), helm.older.display().to_string());

    helm.run(&world, &[&["install", "hapair", older.as_str(), "--create-namespace"], VALUES.as_slice()].concat())?;
    world.wait_for_kinds()?;
    world.start_operator(&[])?;
    world.apply(&world.secrets()?)?;
    world.apply(&world.sample()?)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    say("ok      helm install, kubectl apply: a pair that is Ready");

    let visitor = Visitor::start(world.floating_address());
    let before = configuration_version(&world, 0)?;
    helm.run(&world, &[&["upgrade", "hapair", chart.as_str(), "--set", "operator.resyncSeconds=5"], VALUES.as_slice()].concat())?;
    world.kill_operator()?;
    world.start_operator(&[])?;
    looked_again(&world)?;
    say("ok      helm upgrade from an older chart");

    helm.run(&world, &["uninstall", "hapair"])?;
    world.kill_operator()?;
    let left = world.cluster.run(&["get", "-n", NAMESPACE, "hapairs,harv,hafip,hasg", "-o", "name"])?;
    ensure!(left.lines().count() == 4, "helm uninstall took declarations with it; left: {left}");
    let rights = world.cluster.run(&["get", "-A", "clusterroles,clusterrolebindings,roles,rolebindings", "-o", "name"])?;
    ensure!(!rights.contains("hapair"), "helm uninstall left rights behind: {rights}");
    say("ok      helm uninstall: the operator is gone, what was declared is not");

    helm.run(&world, &[&["install", "hapair", chart.as_str()], VALUES.as_slice()].concat())?;
    world.start_operator(&[])?;
    looked_again(&world)?;
    say("ok      helm install again, over the CRDs that were kept");

    let (visits, misses) = visitor.end()?;
    ensure!(misses == 0 && visits > 20, "the page was there {visits} times, and {misses} times it was not");
    ensure!(configuration_version(&world, 0)? == before, "the cluster's configuration was changed");
    say(&format!("ok      all the while the page was there ({visits} of {visits} times), and nothing was changed on the hosts"));
    Ok(())
}

/// Waits until an operator that was just started has looked twice, and the pair is Ready.
fn looked_again(world: &World) -> Result<()> {
    world.wait("two looks", LONG, |_| (hapair_world::client::metric("hapair_probes_total").ok()? >= 4).then_some(()))?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("start {:?}", command.get_program()))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
