//! The apt repository of the hosts, over HTTP on the lab's bridge.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

/// Starts this program again as the repository's server.
pub(crate) fn start(folder: &Path, lab_directory: &Path) -> Result<()> {
    let log = File::create(lab_directory.join("repository.log"))?;
    let program = crate::program()?;
    Command::new(program)
        .arg("serve-repository")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .context("start the package repository")?;
    Ok(())
}

/// Serves a folder on port 8000 of every address of the namespace, until ended.
pub fn serve(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:8000").await?;
        let router = axum::Router::new().fallback_service(tower_http::services::ServeDir::new(folder));
        Ok(axum::serve(listener, router).await?)
    })
}
