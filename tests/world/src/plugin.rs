//! `kubectl hapair`, as a person types it.

use std::{path::Path, process::Output};

use anyhow::{Context, Result, bail};

use crate::{NAMESPACE, World};

impl World {
    /// Runs it as the administrator, and returns what it printed; an error carries what it said.
    pub fn plugin(&self, arguments: &[&str]) -> Result<String> {
        self.plugin_as(&self.cluster.kubeconfig(), arguments)
    }

    /// The same with someone's kubeconfig.
    pub fn plugin_as(&self, kubeconfig: &Path, arguments: &[&str]) -> Result<String> {
        let output = self.plugin_output(kubeconfig, arguments)?;
        if !output.status.success() {
            bail!(
                "kubectl hapair {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What it prints, and its exit status.
    pub fn plugin_tells(&self, arguments: &[&str]) -> Result<(String, Option<i32>)> {
        let output = self.plugin_output(&self.cluster.kubeconfig(), arguments)?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((printed, output.status.code()))
    }

    fn plugin_output(&self, kubeconfig: &Path, arguments: &[&str]) -> Result<Output> {
        let program = std::env::current_exe()?;
        let folder = program.parent().context("the folder of the tests' programs")?;
        let path = format!(
            "{}:{}",
            folder.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        // kubectl takes no flag before a plugin's name.
        let mut command = std::process::Command::new(self.cluster.kubectl(&[]).get_program());
        command
            .env("PATH", path)
            .env("KUBECONFIG", kubeconfig)
            .arg("hapair")
            .args(arguments)
            .args(["-n", NAMESPACE]);
        command.output().context("start kubectl")
    }
}
