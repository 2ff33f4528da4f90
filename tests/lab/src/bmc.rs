//! A host's BMC: `ipmi_sim` (Debian's openipmi), a real IPMI endpoint whose power switch kills and starts the
//! host.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::Lab;

/// The user that may switch power.
pub const USER: &str = "admin";
/// Its password.
pub const PASSWORD: &str = "bmc-secret";

pub(crate) fn start(lab: &Lab, node: usize) -> Result<()> {
    let name = &lab.config.nodes[node];
    let directory = lab.directory.join(format!("bmc-{name}"));
    fs::create_dir_all(directory.join("state"))?;

    let switch = directory.join("switch");
    let program = crate::program()?;
    fs::write(
        &switch,
        format!(
            "#!/bin/sh\nexec '{}' --name '{}' bmc '{name}' \"$@\"\n",
            program.display(),
            lab.config.name
        ),
    )?;
    fs::set_permissions(&switch, fs::Permissions::from_mode(0o755))?;

    let users = "allowed_auths_callback none md2 md5 straight\n    allowed_auths_user none md2 md5 \
        straight\n    \
                 allowed_auths_operator none md2 md5 straight\n    allowed_auths_admin none md2 md5 straight";
    let lan = format!(
        "name \"{name}\"\nset_working_mc 0x20\n  startlan 1\n    addr {} 623\n    priv_limit \
         admin\n    {users}\n    guid a123456789abcdefa12345678\
         9abcd{node:02x}\n  endlan\n  chassis_control \"{} 0x20\"\n  user 1 true \"\" \"\" user 10 none md2 \
         md5 straight\n  \
         user 2 true \"{USER}\" \"{PASSWORD}\" admin 10 none md2 md5 straight\n",
        lab.bmc_address(node),
        switch.display(),
    );
    fs::write(directory.join("lan.conf"), lan)?;
    fs::write(
        directory.join("sim.emu"),
        "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n",
    )?;
    let log = fs::File::create(directory.join("log"))?;
    let child = Command::new("ipmi_sim")
        .current_dir(&directory)
        .args(["-n", "-c", "lan.conf", "-f", "sim.emu", "-s", "state/"])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .context("start ipmi_sim (package openipmi)")?;
    Ok(fs::write(directory.join("pid"), child.id().to_string())?)
}

pub(crate) fn stop(lab: &Lab, node: usize) -> Result<()> {
    let file = lab
        .directory
        .join(format!("bmc-{}", lab.config.nodes[node]))
        .join("pid");
    let pid = fs::read_to_string(&file)
        .context("the BMC was never started")?
        .parse()?;
    Ok(kill(Pid::from_raw(pid), Signal::SIGKILL)?)
}
