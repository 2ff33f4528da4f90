//! What is made once and kept between runs, under a key of what it is made from.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The directory in the cache that belongs to these inputs; it is made now if it is not there. What does not
/// come to its end leaves nothing that counts.
///
/// The cache is `$HAPAIR_CACHE`, or `~/.cache/hapair`.
pub fn cached(name: &str, inputs: &[&[u8]], make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let made = directory().join(format!("{name}-{}", key(inputs)));
    if made.exists() {
        return Ok(made);
    }
    fs::create_dir_all(made.parent().context("a cached thing is in a folder")?)?;
    let lock = File::create(made.with_extension("lock"))?;
    lock.lock()?;
    // Whoever had the lock before has made it.
    if !made.exists() {
        let unfinished = made.with_extension("unfinished");
        fs::create_dir_all(&unfinished)?;
        make(&unfinished)?;
        fs::rename(&unfinished, &made).with_context(|| format!("keep {}", made.display()))?;
    }
    Ok(made)
}

fn directory() -> PathBuf {
    match std::env::var_os("HAPAIR_CACHE") {
        Some(path) => path.into(),
        None => {
            PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache/hapair")
        }
    }
}

fn key(inputs: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for input in inputs {
        hash.update(input);
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
