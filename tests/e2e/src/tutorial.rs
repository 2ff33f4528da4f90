//! docs/tutorial.md, run as it stands: each block of `sh` in the order of the page, and what it printed into
//! the block of `text` below it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use hapair_lab::{Config, Link, bmc};
use hapair_world::{NAMESPACE, World, root};

use crate::chart::helm_programs;

const PAGE: &str = "docs/tutorial.md";
/// The block that a reader changes.
const VALUES: &str = "# your values\n";

/// Quotes what some of its commands printed, under marks that name them.
const QUOTING: &str = "README.md";

/// A part of the page.
enum Part {
    /// What is copied as it is.
    Words(String),
    /// Commands.
    Commands(String),
    /// What the commands before it printed.
    Output,
}

/// Runs it, and writes what was printed into the page.
pub fn run(config: Config) -> Result<()> {
    let start = Instant::now();
    let say = |what: &str| println!("{:7.1} s  {what}", start.elapsed().as_secs_f32());
    let page = root().join(PAGE);
    let parts = parts(&fs::read_to_string(&page)?)?;
    let helm = helm_programs()?;
    let mut world = World::ground(config, say)?;
    // A reader has none of this name yet.
    world.cluster.run(&["delete", "namespace", NAMESPACE])?;
    let shell = Shell::prepare(&world, &helm)?;
    let (mut written, mut printed) = (String::new(), String::new());
    let mut quoting = fs::read_to_string(root().join(QUOTING))?;
    for part in parts {
        match part {
            Part::Words(words) => written += &words,
            Part::Output => written += &format!("```text\n{printed}```\n"),
            Part::Commands(commands) => {
                if let Some(values) = commands.strip_prefix(VALUES) {
                    shell.give_values(&world, values)?;
                } else {
                    printed = shell.run(&commands)?;
                    quoting = quote(&quoting, &commands, &printed)?;
                    say(&format!(
                        "ok      {}",
                        commands.lines().next().unwrap_or_default()
                    ));
                    stand_for_the_kubelet(&mut world, &commands)?;
                }
                written += &format!("```sh\n{commands}```\n");
            }
        }
    }
    fs::write(&page, written)?;
    fs::write(root().join(QUOTING), quoting)?;
    say(&format!("{PAGE} and {QUOTING} have what was printed"));
    Ok(())
}

fn parts(page: &str) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find("```") {
        let (words, block) = rest.split_at(start);
        let end = block[3..].find("```\n").context("a block does not end")? + 3;
        let (language, body) = block[3..end]
            .split_once('\n')
            .context("a block without an end of its first line")?;
        parts.push(Part::Words(words.to_owned()));
        parts.push(match language {
            "sh" => Part::Commands(body.to_owned()),
            "text" => Part::Output,
            other => bail!("{PAGE}: a block of {other:?}"),
        });
        rest = &block[end + 4..];
    }
    parts.push(Part::Words(rest.to_owned()));
    Ok(parts)
}

/// The page with what a command printed in the block under its mark, where there is one.
fn quote(page: &str, commands: &str, printed: &str) -> Result<String> {
    let mark = format!("<!-- printed: {} -->\n```text\n", commands.trim());
    let Some((before, rest)) = page.split_once(&mark) else {
        return Ok(page.to_owned());
    };
    let (_, after) = rest
        .split_once("```\n")
        .with_context(|| format!("{QUOTING}: the block of {commands:?} does not end"))?;
    Ok(format!("{before}{mark}{printed}```\n{after}"))
}

/// The lab has no nodes, so what a Deployment asks for is done here.
fn stand_for_the_kubelet(world: &mut World, commands: &str) -> Result<()> {
    if commands.contains("helm install") {
        world.wait_for_kinds()?;
        world.start_operator(&[])?;
    } else if commands.contains("helm uninstall") {
        world.kill_operator()?;
    }
    Ok(())
}

/// A reader's terminal: one folder, with what was exported before.
struct Shell {
    folder: PathBuf,
    path: String,
}

impl Shell {
    fn prepare(world: &World, helm: &Path) -> Result<Self> {
        let folder = world.lab.directory().join("tutorial");
        fs::create_dir_all(&folder)?;
        symlink(root().join("charts"), folder.join("charts"))?;
        fs::copy(world.cluster.kubeconfig(), folder.join("kubeconfig"))?;
        let parent = |path: &Path| {
            path.parent()
                .map(|folder| folder.display().to_string())
                .unwrap_or_default()
        };
        let kubectl = parent(Path::new(world.cluster.kubectl(&[]).get_program()));
        let plugin = parent(&std::env::current_exe()?);
        let path = format!(
            "{kubectl}:{plugin}:{}:{}",
            helm.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        fs::write(
            folder.join("exported"),
            format!("export KUBECONFIG={}\n", folder.join("kubeconfig").display()),
        )?;
        Ok(Self { folder, path })
    }

    /// Exports the lab's values under exactly the names of the page.
    fn give_values(&self, world: &World, page: &str) -> Result<()> {
        let (zero, one) = (
            |node| world.lab.address(node, Link::Zero),
            |node| world.lab.address(node, Link::One),
        );
        let values = [
            ("NODE1", zero(0)),
            ("NODE2", zero(1)),
            ("LINK1", one(0)),
            ("LINK2", one(1)),
            ("BMC1", world.lab.bmc_address(0)),
            ("BMC2", world.lab.bmc_address(1)),
            ("BMC_USER", bmc::USER.into()),
            ("BMC_PASSWORD", bmc::PASSWORD.into()),
            ("ADDRESS", format!("{}/24", world.floating_address())),
            ("DISK", "/dev/ubdb".into()),
            ("KEY", world.lab.private_key().display().to_string()),
            ("IMAGE", "hapair-operator".into()),
        ];
        let asked = page
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
            .map(|(name, _)| name);
        ensure!(
            asked.eq(values.iter().map(|(name, _)| *name)),
            "the values of {PAGE} have other names than those that are given here"
        );
        let mut exports = fs::read_to_string(self.folder.join("exported"))?;
        exports.extend(values.map(|(name, value)| format!("export {name}='{value}'\n")));
        Ok(fs::write(self.folder.join("exported"), exports)?)
    }

    /// What the commands printed, both ways.
    fn run(&self, commands: &str) -> Result<String> {
        let script =
            format!("set -euo pipefail\nexec 2>&1\n. ./exported\n{commands}\ndeclare -px > exported\n");
        let mut command = Command::new("bash");
        command
            .args(["-c", &script])
            .current_dir(&self.folder)
            .env("PATH", &self.path)
            .stdin(Stdio::null());
        let output = command.output().context("start bash")?;
        let text: String = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect();
        ensure!(
            output.status.success(),
            "{PAGE}: this failed:\n{commands}\nIt said:\n{text}"
        );
        Ok(text)
    }
}
