//! Two real hosts on one machine: User-mode Linux kernels with disks, two links and a BMC each, inside one
//! network namespace.
//!
//! Everything a lab runs is a process of its namespace, so that taking a lab down is: end those processes,
//! delete the namespace and the folder. An interrupted run is cleaned up the same way by the next
//! [`Lab::up`].

pub mod bmc;
mod cache;
mod host;
mod images;
mod namespace;
mod network;
mod repository;
mod signals;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

pub use cache::cached;
pub use images::{Images, prepare as prepare_images};
pub use namespace::Namespace;
pub use network::Link;
pub use repository::serve as serve_repository;

/// What a lab is made of. Kept in its folder, so that every later command finds the same one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// The lab's name; its network namespace is `hapair-<name>`.
    pub name: String,
    /// The Debian release on the hosts: `bookworm`, `trixie` or `bullseye`.
    pub debian: String,
    /// Start from an image that already has the HA packages.
    pub with_packages: bool,
    /// Names of the two hosts.
    pub nodes: [String; 2],
    /// First three octets of the /24 of each link.
    pub subnets: [String; 2],
    /// Size of the blank second disk, in MiB.
    pub disk_mib: u64,
    /// Memory of a host, in MiB.
    pub memory_mib: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "lab".into(),
            debian: "bookworm".into(),
            with_packages: false,
            nodes: ["node1".into(), "node2".into()],
            subnets: ["10.77.0".into(), "10.77.1".into()],
            disk_mib: 512,
            memory_mib: 1536,
        }
    }
}

/// Tells one boot of a host from another.
const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

/// Held while a lab is taken down.
static DOWN: Mutex<()> = Mutex::new(());

/// A running lab.
#[derive(Debug)]
pub struct Lab {
    config: Config,
    directory: PathBuf,
    namespace: Namespace,
}

impl Lab {
    /// Brings a lab up from nothing, ending an earlier one of the same name. Returns when both hosts answer
    /// SSH. `say` hears what is being done.
    ///
    /// The calling process is inside the lab's network namespace afterwards, and a signal that ends it takes
    /// the lab down; call it before other threads are started.
    pub fn up(config: Config, mut say: impl FnMut(&str)) -> Result<Self> {
        signals::take_down_with(&config.name)?;
        Self::down(&config.name)?;
        let images = images::prepare(&config, &mut say)?;
        let directory = directory_of(&config.name);
        fs::create_dir_all(directory.join("sock"))
            .with_context(|| format!("make {}", directory.display()))?;
        fs::write(directory.join("config.json"), serde_json::to_vec_pretty(&config)?)?;
        let namespace = Namespace::create(&config.name)?;
        namespace.enter()?;
        let lab = Self {
            config,
            directory,
            namespace,
        };
        network::create(&lab.config)?;
        lab.make_keys()?;
        repository::start(&images.repository, &lab.directory)?;
        for node in 0..2 {
            host::create(&lab, node, &images)?;
            bmc::start(&lab, node)?;
            lab.power_on(node)?;
        }
        say("hosts started, waiting for SSH");
        for node in 0..2 {
            lab.wait_for_ssh(node, Duration::from_secs(300))?;
        }
        Ok(lab)
    }

    /// Finds a lab that is up and enters its network namespace.
    pub fn attach(name: &str) -> Result<Self> {
        let directory = directory_of(name);
        let text = fs::read(directory.join("config.json"))
            .with_context(|| format!("there is no lab {name:?}; start it with: lab up"))?;
        let config: Config = serde_json::from_slice(&text)?;
        let namespace = Namespace::named(name);
        namespace.enter()?;
        Ok(Self {
            config,
            directory,
            namespace,
        })
    }

    /// Ends every process of the lab and removes its namespace and folder. Nothing to do is fine.
    pub fn down(name: &str) -> Result<()> {
        // A signal and the end of the run that it broke may both come here.
        let _one_at_a_time = DOWN.lock().unwrap_or_else(PoisonError::into_inner);
        Namespace::named(name).remove()?;
        let directory = directory_of(name);
        if directory.exists() {
            fs::remove_dir_all(&directory).with_context(|| format!("remove {}", directory.display()))?;
        }
        Ok(())
    }

    /// What it is made of.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its folder: disks, keys, consoles, the BMCs' state.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its network namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Which of the two hosts has this name.
    pub fn node(&self, name: &str) -> Result<usize> {
        let position = self.config.nodes.iter().position(|n| n == name);
        position.with_context(|| {
            format!(
                "no host {name:?} in this lab; it has {}",
                self.config.nodes.join(" and ")
            )
        })
    }

    /// A host's address on a link.
    pub fn address(&self, node: usize, link: Link) -> String {
        format!("{}.{}", self.config.subnets[link.number()], 11 + node)
    }

    /// The address at which a host's BMC answers IPMI.
    pub fn bmc_address(&self, node: usize) -> String {
        format!("{}.{}", self.config.subnets[0], 21 + node)
    }

    /// The lab's own address on a link; the package repository is there.
    pub fn gateway(&self, link: Link) -> String {
        format!("{}.1", self.config.subnets[link.number()])
    }

    /// The private key that opens both hosts as root.
    pub fn private_key(&self) -> PathBuf {
        self.directory.join("id")
    }

    /// A host's public key as it stands in known_hosts, without a host name.
    pub fn host_key(&self, node: usize) -> Result<String> {
        let text = fs::read_to_string(
            self.directory
                .join(format!("hostkey-{}.pub", self.config.nodes[node])),
        )?;
        Ok(text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    }

    /// An ssh command to a host, with its key pinned. One connection a host is shared and kept for a minute,
    /// since a new one takes half a second here.
    pub fn ssh(&self, node: usize) -> Command {
        let mut command = Command::new("ssh");
        command.arg("-i").arg(self.private_key());
        for option in [
            "BatchMode=yes",
            "ConnectTimeout=20",
            "LogLevel=ERROR",
            "ServerAliveInterval=5",
            "ControlMaster=auto",
            "ControlPersist=60",
            &format!("ControlPath={}", self.connection(node).display()),
            &format!(
                "UserKnownHostsFile={}",
                self.directory.join("known_hosts").display()
            ),
        ] {
            command.args(["-o", option]);
        }
        command.arg(format!("root@{}", self.address(node, Link::Zero)));
        command
    }

    /// The socket of the connection that is shared.
    fn connection(&self, node: usize) -> PathBuf {
        self.directory
            .join("sock")
            .join(format!("ssh-{}", self.config.nodes[node]))
    }

    /// Ends the connection that is shared: its host has lost its power and will not say so.
    pub(crate) fn disconnect(&self, node: usize) {
        if self.connection(node).exists() {
            let _ = self.ssh(node).args(["-O", "exit"]).output();
        }
    }

    /// Runs a command line on a host and returns what it printed. Errors when it exits with anything but 0.
    pub fn run(&self, node: usize, line: &str) -> Result<String> {
        let output = self.output(node, line)?;
        if !output.status.success() {
            bail!(
                "{}: {line:?} ended with {}: {}{}",
                self.config.nodes[node],
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs a command line on a host and returns everything about its end.
    pub fn output(&self, node: usize, line: &str) -> Result<Output> {
        self.ssh(node).arg(line).output().context("start ssh")
    }

    /// Whether the host's kernel is running.
    pub fn is_on(&self, node: usize) -> Result<bool> {
        host::is_on(self, node)
    }

    /// Gives the host power; nothing to do when it has it.
    pub fn power_on(&self, node: usize) -> Result<()> {
        host::power_on(self, node)
    }

    /// Takes the host's power away in the middle of whatever it does.
    pub fn power_off(&self, node: usize) -> Result<()> {
        host::power_off(self, node)
    }

    /// Cuts a host off a link: its cable is pulled.
    pub fn cut(&self, node: usize, link: Link) -> Result<()> {
        network::set_cable(node, link, false)
    }

    /// Puts the cable back.
    pub fn heal(&self, node: usize, link: Link) -> Result<()> {
        network::set_cable(node, link, true)
    }

    /// The host gets nothing on a link any more, and is still heard.
    pub fn deafen(&self, node: usize, link: Link) -> Result<()> {
        network::deafen(node, link)
    }

    /// Ends what [`Lab::deafen`] did.
    pub fn hear(&self) -> Result<()> {
        network::hear()
    }

    /// The hosts hear nothing of each other any more, on any link; everyone else hears both.
    pub fn separate(&self) -> Result<()> {
        network::separate()
    }

    /// Ends what [`Lab::separate`] did.
    pub fn reunite(&self) -> Result<()> {
        network::reunite()
    }

    /// The host's BMC stops answering.
    pub fn stop_bmc(&self, node: usize) -> Result<()> {
        bmc::stop(self, node)
    }

    /// The host's BMC answers again.
    pub fn start_bmc(&self, node: usize) -> Result<()> {
        bmc::start(self, node)
    }

    /// The file that receives what the host's console shows.
    pub fn console(&self, node: usize) -> PathBuf {
        host::console(self, node)
    }

    /// Waits until the host lets a new connection in.
    pub fn wait_for_ssh(&self, node: usize, limit: Duration) -> Result<()> {
        let deadline = std::time::Instant::now() + limit;
        while std::time::Instant::now() < deadline {
            self.disconnect(node);
            if self.output(node, "true")?.status.success() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        bail!(
            "{} did not answer SSH within {limit:?}; its console is {}",
            self.config.nodes[node],
            host::console(self, node).display()
        )
    }

    /// Which boot of a host this is.
    pub fn boot(&self, node: usize) -> Result<String> {
        self.run(node, BOOT_ID)
    }

    /// Tells a host to restart in good order. Returns which boot that ends, for [`Lab::wait_for_restart`].
    pub fn restart(&self, node: usize) -> Result<String> {
        let boot = self.boot(node)?;
        // The connection may break before the answer.
        let _ = self.output(node, "systemctl reboot");
        Ok(boot)
    }

    /// Waits until a host that was told to restart lets us in again.
    pub fn wait_for_restart(&self, node: usize, boot: &str, limit: Duration) -> Result<()> {
        let deadline = std::time::Instant::now() + limit;
        while std::time::Instant::now() < deadline {
            // A kernel that ended instead of starting anew is given power, as a machine would have it.
            self.power_on(node)?;
            if self
                .output(node, BOOT_ID)
                .is_ok_and(|output| output.status.success() && output.stdout != boot.as_bytes())
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        bail!(
            "{} was not up again within {limit:?}; its console is {}",
            self.config.nodes[node],
            host::console(self, node).display()
        )
    }

    fn make_keys(&self) -> Result<()> {
        let mut known = String::new();
        keygen(&self.private_key())?;
        for (node, name) in self.config.nodes.iter().enumerate() {
            keygen(&self.directory.join(format!("hostkey-{name}")))?;
            known += &format!("{} {}\n", self.address(node, Link::Zero), self.host_key(node)?);
        }
        Ok(fs::write(self.directory.join("known_hosts"), known)?)
    }
}

fn keygen(path: &Path) -> Result<()> {
    run(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f"])
        .arg(path))
}

/// The folder of a running lab. Not below a temporary folder of the shell's: `lab down` in another shell has to find it.
pub fn directory_of(name: &str) -> PathBuf {
    PathBuf::from("/var/tmp/hapair-lab").join(name)
}

/// The program `lab`, which a lab starts for its own services, beside whichever program runs.
fn program() -> Result<PathBuf> {
    let running = std::env::current_exe()?;
    let folders = running.ancestors().skip(1).take(2);
    let found = folders
        .map(|folder| folder.join("lab"))
        .find(|path| path.is_file());
    found.with_context(|| {
        format!(
            "there is no program \"lab\" beside {}; build it first: cargo build --workspace",
            running.display()
        )
    })
}

/// Runs a command to its end; an error carries what it said.
pub fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// Runs a command to its end and returns what it printed; an error carries what it said.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("start {:?}", command.get_program()))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
