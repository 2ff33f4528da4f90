//! Every version of an object that the API server has had, from one moment to another.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Stdio},
};

use anyhow::{Context, Result};
use serde_json::{Deserializer, Value};

use crate::{NAMESPACE, World};

/// A recording under way.
pub struct Recording {
    watch: Child,
    file: PathBuf,
}

impl Recording {
    /// Starts with the version that is there now.
    pub fn start(world: &World, what: &str) -> Result<Self> {
        let file = world.lab.directory().join("recording.json");
        let arguments = ["get", "-n", NAMESPACE, what, "-o", "json", "--watch"];
        let watch = world
            .cluster
            .kubectl(&arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&file)?)
            .spawn()
            .context("start kubectl")?;
        let recording = Self { watch, file };
        world.wait(
            "the first version of the recording",
            std::time::Duration::from_secs(20),
            |_| recording.versions().ok().filter(|versions| !versions.is_empty()),
        )?;
        Ok(recording)
    }

    /// What was recorded so far.
    pub fn versions(&self) -> Result<Vec<Value>> {
        let text = fs::read_to_string(&self.file)?;
        // The last one may be half written.
        Ok(Deserializer::from_str(&text)
            .into_iter()
            .map_while(Result::ok)
            .collect())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.watch.kill();
        let _ = self.watch.wait();
    }
}
