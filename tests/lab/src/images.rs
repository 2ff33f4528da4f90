//! Disk images, made once and kept in the cache under a key of what they are made from.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::Config;

const RUNNER_SCRIPT: &str = include_str!("../image/runner.sh");
const HOST_INPUTS: [&str; 3] =
    [include_str!("../image/host.sh"), include_str!("../image/lab-seed"), include_str!("../image/lab-seed.service")];

/// What a lab starts from.
#[derive(Debug)]
pub struct Images {
    /// The root in which a host's kernel runs.
    pub runner: PathBuf,
    /// The image of a host's first disk; hosts write to overlays.
    pub host: PathBuf,
    /// The apt repository the hosts install from.
    pub repository: PathBuf,
}

/// Where images and builds are kept between runs: `$HAPAIR_CACHE`, or `~/.cache/hapair`.
pub fn cache_directory() -> PathBuf {
    match std::env::var_os("HAPAIR_CACHE") {
        Some(path) => path.into(),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache/hapair"),
    }
}

/// Builds whatever the cache does not have yet.
pub fn prepare(config: &Config, mut say: impl FnMut(&str)) -> Result<Images> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("image");
    let packages = fs::read_to_string(source.join(format!("packages.{}", config.debian)))
        .with_context(|| format!("no package list for Debian {:?}", config.debian))?;
    let cache = cache_directory().join("lab");

    let runner = cache.join(format!("runner-{}", key(&[RUNNER_SCRIPT])));
    if !runner.exists() {
        say("building the kernel's root (about 20 s)");
        script(&source.join("runner.sh"), &[runner.as_os_str()])?;
    }
    let inputs = [HOST_INPUTS.as_slice(), &[RUNNER_SCRIPT, &packages]].concat();
    let hosts = cache.join(format!("{}-{}", config.debian, key(&inputs)));
    if !hosts.join("packages.raw").exists() {
        say(&format!("building the images of a Debian {} host (about 3 minutes)", config.debian));
        script(&source.join("host.sh"), &[config.debian.as_ref(), runner.as_os_str(), hosts.as_os_str()])?;
    }
    let image = if config.with_packages { "packages.raw" } else { "bare.raw" };
    Ok(Images { host: hosts.join(image), repository: hosts.join("repository"), runner })
}

fn script(path: &Path, arguments: &[&std::ffi::OsStr]) -> Result<()> {
    crate::run(Command::new("bash").arg(path).args(arguments))
}

fn key(inputs: &[&str]) -> String {
    let mut hash = Sha256::new();
    for input in inputs {
        hash.update(input.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
