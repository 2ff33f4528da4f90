//! Programs built from their Go modules: Kubernetes' own, and what others need.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use hapair_lab::{cached, run};

const PROGRAMS: [&str; 3] = [
    "k8s.io/kubernetes/cmd/kube-apiserver",
    "k8s.io/kubernetes/cmd/kube-controller-manager",
    "k8s.io/kubernetes/cmd/kubectl",
];
const VERSION: &str = "-X k8s.io/component-base/version.gitVersion=v1.36.3";

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Builds them, unless the cache has them for these modules.
    pub fn prepare(mut say: impl FnMut(&str)) -> Result<Self> {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
        let building = || say("building the Kubernetes API server from source (about 7 minutes, once)");
        build_go("kubernetes", &modules, VERSION, &PROGRAMS, building).map(Self)
    }

    /// A program's path.
    pub fn path(&self, program: &str) -> PathBuf {
        self.0.join(program)
    }
}

/// Builds programs of a Go module into a directory of the cache, unless they are there for its `go.sum` and
/// `main.go`. Returns the directory.
///
/// They are compiled without optimisation, which is a quarter of the compiler's work: in a test they have
/// little to do.
pub fn build_go(
    name: &str,
    modules: &Path,
    linked: &str,
    programs: &[&str],
    building: impl FnOnce(),
) -> Result<PathBuf> {
    let flags = [
        "-trimpath".to_owned(),
        "-gcflags=all=-N -l".to_owned(),
        format!("-ldflags=-s -w {linked}"),
    ];
    let mut inputs = vec![fs::read(modules.join("go.sum"))?, flags.concat().into_bytes()];
    // Where only others' programs are built, there is none of our own.
    inputs.extend(fs::read(modules.join("main.go")));
    let inputs: Vec<_> = inputs.iter().map(Vec::as_slice).collect();
    cached(name, &inputs, |directory| {
        building();
        run(Command::new("go")
            .current_dir(modules)
            .arg("build")
            .args(&flags)
            .arg("-o")
            .arg(directory)
            .args(programs))
    })
}
