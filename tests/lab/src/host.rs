//! One host: a User-mode Linux kernel as a process, an overlay over the image, a blank disk, a seed.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::{Pid, getpgid},
};

use crate::{Lab, Link, images::Images, network};

/// Prepares the disks and the seed of a host that has never run.
pub(crate) fn create(lab: &Lab, node: usize, images: &Images) -> Result<()> {
    let name = &lab.config.nodes[node];
    File::create(lab.directory.join(format!("{name}.disk")))?.set_len(lab.config.disk_mib << 20)?;
    write_seed(lab, node)?;
    let launch = Launch {
        runner: images.runner.clone(),
        base: images.host.clone(),
    };
    fs::write(
        lab.directory.join("launch"),
        format!("{}\n{}\n", launch.runner.display(), launch.base.display()),
    )?;
    Ok(())
}

/// The file that receives what the host's console shows.
pub(crate) fn console(lab: &Lab, node: usize) -> PathBuf {
    lab.directory.join(format!("{}.console", lab.config.nodes[node]))
}

pub(crate) fn is_on(lab: &Lab, node: usize) -> Result<bool> {
    Ok(kernel(lab, node)?.is_some())
}

pub(crate) fn power_on(lab: &Lab, node: usize) -> Result<()> {
    if is_on(lab, node)? {
        return Ok(());
    }
    let name = &lab.config.nodes[node];
    let launch = Launch::read(&lab.directory)?;
    let log = File::options()
        .create(true)
        .append(true)
        .open(console(lab, node))?;
    Command::new("unshare")
        .args(["--mount", "--"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("launch-host"))
        .args([&launch.runner, &lab.directory, &launch.base])
        .arg(format!("mem={}M", lab.config.memory_mib))
        .args(["seccomp=on", "uml_dir=/lab/sock/", &format!("umid={name}")])
        .args([
            format!("ubda=/lab/{name}.cow,/lab/base.raw"),
            format!("ubdb=/lab/{name}.disk"),
            format!("ubdcr=/lab/{name}.seed"),
        ])
        .args(Link::ALL.map(|link| {
            format!(
                "vec{}:transport=tap,ifname={},depth=128,gro=1",
                link.number(),
                network::tap(node, link)
            )
        }))
        .args([
            "root=/dev/ubda",
            "rw",
            "con=null",
            "con0=null,fd:2",
            "con1=null,fd:2",
        ])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .context("start the host's kernel")?;
    Ok(())
}

pub(crate) fn power_off(lab: &Lab, node: usize) -> Result<()> {
    while let Some(pid) = kernel(lab, node)? {
        // Gone between the look and the kill is what was wanted.
        let _ = killpg(pid, Signal::SIGKILL);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    lab.disconnect(node);
    let _ = fs::remove_dir_all(lab.directory.join("sock").join(&lab.config.nodes[node]));
    Ok(())
}

/// The process group of the host's kernel, if it runs.
///
/// Found by its own command line among the lab's processes: it begins with the kernel's path, so a shell that
/// merely mentions it is not taken.
fn kernel(lab: &Lab, node: usize) -> Result<Option<Pid>> {
    let wanted = format!("umid={}", lab.config.nodes[node]);
    for pid in lab.namespace.processes()? {
        let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else {
            continue;
        };
        let mut words = line.split(|byte| *byte == 0);
        let is_kernel = words
            .next()
            .is_some_and(|program| program.ends_with(b"linux.uml"));
        if is_kernel && words.any(|word| word == wanted.as_bytes()) && !is_dead(pid) {
            return Ok(getpgid(Some(pid)).ok());
        }
    }
    Ok(None)
}

fn is_dead(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |text| text.contains(") Z "))
}

/// Runner and image of this lab's hosts, kept for later power cycles.
struct Launch {
    runner: PathBuf,
    base: PathBuf,
}

impl Launch {
    fn read(directory: &Path) -> Result<Self> {
        let text = fs::read_to_string(directory.join("launch"))
            .context("the lab has not been created whole; run: lab up")?;
        let mut lines = text.lines().map(PathBuf::from);
        match (lines.next(), lines.next()) {
            (Some(runner), Some(base)) => Ok(Self { runner, base }),
            _ => anyhow::bail!("{} is damaged; run: lab up", directory.join("launch").display()),
        }
    }
}

fn write_seed(lab: &Lab, node: usize) -> Result<()> {
    let name = &lab.config.nodes[node];
    let links: String = Link::ALL
        .iter()
        .map(|link| format!("vec{} {}/24\n", link.number(), lab.address(node, *link)))
        .collect();
    let hosts = format!(
        "127.0.0.1 localhost\n{} repository.lab\n",
        lab.gateway(Link::Zero)
    );
    let key = lab.directory.join(format!("hostkey-{name}"));
    let mut seed = tar::Builder::new(File::create(lab.directory.join(format!("{name}.seed")))?);
    let files: [(&str, u32, Vec<u8>); 6] = [
        ("etc/hostname", 0o644, format!("{name}\n").into_bytes()),
        ("etc/lab-links", 0o644, links.into_bytes()),
        ("etc/hosts", 0o644, hosts.into_bytes()),
        ("etc/ssh/ssh_host_ed25519_key", 0o600, fs::read(&key)?),
        (
            "etc/ssh/ssh_host_ed25519_key.pub",
            0o644,
            fs::read(key.with_extension("pub"))?,
        ),
        (
            "root/.ssh/authorized_keys",
            0o600,
            fs::read(lab.private_key().with_extension("pub"))?,
        ),
    ];
    for (path, mode, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        seed.append_data(&mut header, path, content.as_slice())?;
    }
    seed.into_inner()?.sync_all()?;
    Ok(())
}
