//! From hosts with the packages to the page on the floating address, by an expert's script and by
//! the operator, in turns, on identical fresh hosts, without fencing. Figures of one machine say little; the
//! ratio of the two does.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use hapair_lab::{Config, Lab};
use hapair_world::{ADMIN_PASSWORD, World, client};

/// Neither may take longer.
const LIMIT: Duration = Duration::from_secs(600);
const DISK: &str = "/dev/ubdb";

/// Times the two, so often each.
pub fn run(rounds: usize) -> Result<()> {
    let (mut expert, mut operator) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        expert.push(time_expert()?);
        println!("round {round}: expert's script {:6.1} s", expert[round - 1]);
        operator.push(time_operator()?);
        println!("round {round}: operator        {:6.1} s", operator[round - 1]);
    }
    let (expert, operator) = (median(expert), median(operator));
    println!("median: expert's script {expert:.1} s, operator {operator:.1} s");
    println!("ratio {:.2}", operator / expert);
    Ok(())
}

fn config() -> Config {
    Config {
        name: "bench".into(),
        with_packages: true,
        ..Config::default()
    }
}

/// Seconds from the script's start to the page.
fn time_expert() -> Result<f32> {
    let world = Ground(Lab::up(config(), |what| eprintln!("  {what}"))?);
    let lab = &world.0;
    let ssh_config = write_ssh_config(lab)?;
    let [link0, link1] = lab.config().subnets.clone();
    let began = Instant::now();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("expert");
    let output = Command::new("bash")
        .arg(script)
        .arg(ssh_config)
        .args([&link0, &link1, ADMIN_PASSWORD, DISK])
        .output()?;
    if !output.status.success() {
        bail!(
            "the expert's script ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    wait_for_page(&format!("{link0}.100"), began)
}

/// Seconds from `kubectl apply` to the page.
fn time_operator() -> Result<f32> {
    let mut world = World::up(config(), |what| eprintln!("  {what}"))?;
    world.start_operator(&[])?;
    world.apply(&world.secrets()?)?;
    let sample = world
        .sample()?
        .replace("fencing: {mode: Required}", "fencing: {mode: Disabled}");
    let began = Instant::now();
    world.apply(&sample)?;
    wait_for_page(&world.floating_address(), began)
}

fn wait_for_page(address: &str, began: Instant) -> Result<f32> {
    while began.elapsed() < LIMIT {
        if client::get(address, 8080, "/").is_ok_and(|page| page.contains("<h1>node")) {
            return Ok(began.elapsed().as_secs_f32());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("no page at {address} within {} s", LIMIT.as_secs())
}

/// The hosts under their names, for the expert's ssh; one connection to each is kept, as experts do.
fn write_ssh_config(lab: &Lab) -> Result<std::path::PathBuf> {
    let folder = lab.directory();
    let hosts: String = (0..2)
        .map(|node| {
            format!(
                "Host {}\n  HostName {}\n",
                lab.config().nodes[node],
                lab.address(node, hapair_lab::Link::Zero)
            )
        })
        .collect();
    let shared = format!(
        "Host *\n  User root\n  IdentityFile {}\n  UserKnownHostsFile {}\n  BatchMode yes\n  ControlMaster \
         auto\n  ControlPath {}/c-%n\n  \
         ControlPersist 10\n",
        lab.private_key().display(),
        folder.join("known_hosts").display(),
        folder.display()
    );
    let path = folder.join("ssh_config");
    fs::write(&path, hosts + &shared)?;
    Ok(path)
}

fn median(mut seconds: Vec<f32>) -> f32 {
    seconds.sort_by(f32::total_cmp);
    seconds[seconds.len() / 2]
}

/// A lab that ends with its owner.
struct Ground(Lab);

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = Lab::down(&self.0.config().name);
    }
}
