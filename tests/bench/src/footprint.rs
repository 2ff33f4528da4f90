//! `footprint`: what the operator takes: seconds until it is ready, and memory at rest with one pair and with
//! a hundred. One pair is real; the hosts of the others answer each look with what a real host answered once,
//! over SSH connections of their own.

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use hapair_lab::Config;
use hapair_world::{World, client, condition_of, root};

const PAIRS: usize = 100;
/// Four looks at each pair.
const REST: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(900);
/// The port at which a host answers as it did once.
const PORT: u16 = 2222;
const REPLAY: &str = "/run/replay";

fn main() -> Result<()> {
    let config = Config {
        name: "footprint".into(),
        with_packages: true,
        ..Config::default()
    };
    let mut world = World::up(config, |what| eprintln!("  {what}"))?;
    let began = Instant::now();
    world.start_operator(&[])?;
    while client::get("127.0.0.1", 8080, "/readyz").is_err() {
        ensure!(
            began.elapsed() < LONG,
            "the operator is not ready; its log is in {}",
            world.lab.directory().display()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    println!(
        "start of the container → ready: {:.2} s",
        began.elapsed().as_secs_f32()
    );

    world.apply(&world.secrets()?)?;
    let sample = world.sample()?;
    world.apply(&sample)?;
    world.wait_for_condition("hapair/web", "Ready", "True", LONG)?;
    tell(&world, 1)?;

    world.on_both(|node| replay(&world, node))?;
    world.apply(
        &(2..=PAIRS)
            .map(|number| another(&sample, number))
            .collect::<String>(),
    )?;
    world.wait("a status of each pair", LONG, |world| {
        let pairs = world.object("hapairs").ok()?;
        let known = pairs["items"]
            .as_array()?
            .iter()
            .filter(|pair| condition_of(pair, "HostsReachable").is_some_and(|(status, ..)| status == "True"));
        (known.count() == PAIRS).then_some(())
    })?;
    tell(&world, PAIRS)
}

/// Memory after a rest: the operator's own, and what its ssh clients have to themselves.
fn tell(world: &World, pairs: usize) -> Result<()> {
    let looks = client::metric("hapair_observe_seconds_count")?;
    std::thread::sleep(REST);
    let looks = client::metric("hapair_observe_seconds_count")? - looks;
    let (mut operator, mut clients, mut number) = (0, 0, 0);
    for process in world.operator_processes()? {
        // One that has just ended is nothing to count.
        let Ok(name) = fs::read_to_string(format!("/proc/{process}/comm")) else {
            continue;
        };
        let memory = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
        match name.trim() {
            "hapair-operator" => operator += kilobytes(&memory, "Rss:"),
            "ssh" => (clients, number) = (clients + kilobytes(&memory, "Pss:"), number + 1),
            _ => {}
        }
    }
    ensure!(operator > 0, "the operator's process was not found");
    println!(
        "{pairs} pair(s), {looks} looks in {} s: operator {:.1} MB resident, {number} ssh clients {:.1} MB \
         (their part of what they share)",
        REST.as_secs(),
        f64::from(operator) / 1000.0,
        f64::from(clients) / 1000.0
    );
    Ok(())
}

fn kilobytes(memory: &str, field: &str) -> u32 {
    let line = memory.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
        .unwrap_or(0)
}

/// A host that answers each look with a real host's answer of another day.
fn replay(world: &World, node: usize) -> Result<()> {
    let answer = fs::read_to_string(root().join("operator/hosts/fixtures/probes/serving"))?;
    world.lab.run(node, &format!("mkdir -p {REPLAY}"))?;
    world.on_host_with_input(node, &format!("head -c -1 > {REPLAY}/answer"), &answer)?;
    let mut line = format!("cat > {REPLAY}/config <<'END'\n");
    let force = format!("ForceCommand cat > /dev/null; echo root; cat {REPLAY}/answer");
    for setting in [
        &format!("Port {PORT}"),
        "HostKey /etc/ssh/ssh_host_ed25519_key",
        "MaxStartups 1000",
        &force,
    ] {
        let _ = writeln!(line, "{setting}");
    }
    line += &format!("END\n/usr/sbin/sshd -f {REPLAY}/config");
    world.lab.run(node, &line).map(drop)
}

/// The sample once more, under other names, at the port of the replay.
fn another(sample: &str, number: usize) -> String {
    let mut text = sample.replace("ssh: {hostKeys", &format!("ssh: {{port: {PORT}, hostKeys"));
    for name in ["web", "logs", "tomcat"] {
        text = text.replace(
            &format!("  name: {name}\n"),
            &format!("  name: {name}-{number}\n"),
        );
        text = text.replace(
            &format!("{{name: {name}}}"),
            &format!("{{name: {name}-{number}}}"),
        );
    }
    text + "---\n"
}
