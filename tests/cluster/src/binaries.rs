//! Kubernetes' own programs, built from its Go modules.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use hapair_lab::cached;

const PROGRAMS: [&str; 3] = ["kube-apiserver", "kube-controller-manager", "kubectl"];
/// How they are compiled: without optimisation, which is a quarter of the compiler's work; a test's API server has little to do.
const FLAGS: [&str; 3] = ["-trimpath", "-gcflags=all=-N -l", "-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3"];

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Builds them, unless the cache has them for these modules.
    pub fn prepare(mut say: impl FnMut(&str)) -> Result<Self> {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
        let directory = cached("kubernetes", &[&fs::read(modules.join("go.sum"))?, FLAGS.concat().as_bytes()], |directory| {
            say("building the Kubernetes API server from source (about 7 minutes, once)");
            let output = Command::new("go")
                .current_dir(&modules)
                .arg("build")
                .args(FLAGS)
                .arg("-o")
                .arg(directory)
                .args(PROGRAMS.map(|program| format!("k8s.io/kubernetes/cmd/{program}")))
                .output()
                .context("start go")?;
            if !output.status.success() {
                bail!("go build: {}", String::from_utf8_lossy(&output.stderr));
            }
            Ok(())
        })?;
        Ok(Self(directory))
    }

    /// A program's path.
    pub fn path(&self, program: &str) -> PathBuf {
        self.0.join(program)
    }
}
