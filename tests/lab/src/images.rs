//! Disk images, made once and kept in the cache under a key of what they are made from.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{Config, cache::cached};

const RUNNER_SCRIPT: &str = include_str!("../image/runner.sh");
const HOST_INPUTS: [&str; 3] = [
    include_str!("../image/host.sh"),
    include_str!("../image/lab-seed"),
    include_str!("../image/lab-seed.service"),
];

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

/// Builds whatever the cache does not have yet.
pub fn prepare(config: &Config, mut say: impl FnMut(&str)) -> Result<Images> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("image");
    let packages = fs::read_to_string(source.join(format!("packages.{}", config.debian)))
        .with_context(|| format!("no package list for Debian {:?}", config.debian))?;
    let runner = cached("lab/runner", &[RUNNER_SCRIPT.as_bytes()], |directory| {
        say("building the kernel's root (about 20 s)");
        script(&source.join("runner.sh"), &[directory.as_os_str()])
    })?;
    let inputs = [HOST_INPUTS.as_slice(), &[RUNNER_SCRIPT, &packages]].concat();
    let inputs: Vec<_> = inputs.iter().map(|input| input.as_bytes()).collect();
    let kind = if config.with_packages { "packages" } else { "bare" };
    let made = cached(&format!("lab/{}-{kind}", config.debian), &inputs, |directory| {
        say(&format!(
            "building the image of a Debian {} host (about 3 minutes)",
            config.debian
        ));
        script(
            &source.join("host.sh"),
            &[
                config.debian.as_ref(),
                runner.as_os_str(),
                directory.as_os_str(),
                kind.as_ref(),
            ],
        )
    })?;
    Ok(Images {
        host: made.join("host.raw"),
        repository: made.join("repository"),
        runner,
    })
}

fn script(path: &Path, arguments: &[&std::ffi::OsStr]) -> Result<()> {
    crate::run(Command::new("bash").arg(path).args(arguments))
}
