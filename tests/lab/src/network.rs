//! Bridges and cables: one bridge a link, one tap a host and link. A cut cable is a port of the bridge whose
//! frames are dropped.

use std::{process::Command, str::FromStr};

use anyhow::{Result, bail};

use crate::{Config, run};

/// One of the two networks that connect the hosts. Link 0 also carries SSH, the BMCs and the floating
/// addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Link 0.
    Zero,
    /// Link 1.
    One,
}

impl Link {
    /// Both links.
    pub const ALL: [Self; 2] = [Self::Zero, Self::One];

    /// Its number, as corosync counts them.
    pub fn number(self) -> usize {
        self as usize
    }

    /// The bridge that the hosts' cables of this link end at.
    pub fn bridge(self) -> String {
        format!("link{}", self.number())
    }
}

impl FromStr for Link {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "0" => Ok(Self::Zero),
            "1" => Ok(Self::One),
            other => bail!("no link {other:?}; there are 0 and 1"),
        }
    }
}

/// The tap that is this host's network card on this link.
pub(crate) fn tap(node: usize, link: Link) -> String {
    format!("tap{}-{}", node + 1, link.number())
}

/// Makes the bridges, the lab's own addresses, the BMCs' addresses and the taps.
pub(crate) fn create(config: &Config) -> Result<()> {
    for link in Link::ALL {
        let bridge = link.bridge();
        ip(&["link", "add", &bridge, "type", "bridge"])?;
        ip(&[
            "address",
            "add",
            &format!("{}.1/24", config.subnets[link.number()]),
            "dev",
            &bridge,
        ])?;
        ip(&["link", "set", &bridge, "up"])?;
        for node in 0..2 {
            let tap = tap(node, link);
            ip(&["tuntap", "add", &tap, "mode", "tap"])?;
            ip(&["link", "set", &tap, "master", &bridge, "up"])?;
        }
    }
    for node in 0..2 {
        ip(&[
            "address",
            "add",
            &format!("{}.{}/24", config.subnets[0], 21 + node),
            "dev",
            &Link::Zero.bridge(),
        ])?;
    }
    Ok(())
}

/// Pulls or plugs a cable. The tap itself stays up: the host's network card would not recover from writing to
/// one that is down. Nor is it the bridge's port that is disabled: it would come back by itself when the host
/// starts anew.
pub(crate) fn set_cable(node: usize, link: Link, plugged: bool) -> Result<()> {
    let tap = tap(node, link);
    match plugged {
        false => drop_frames(
            &format!("cut-{tap}"),
            &[("prerouting", &from(&tap)), ("postrouting", &to(&tap))],
        ),
        true => drop_nothing(&format!("cut-{tap}")),
    }
}

/// Deaf, a host gets nothing on a link any more, and is still heard by the others.
pub(crate) fn deafen(node: usize, link: Link) -> Result<()> {
    drop_frames("deaf", &[("postrouting", &to(&tap(node, link)))])
}

/// No host hears another; what the machine itself is (gateway, BMCs, the operator) hears all of them.
pub(crate) fn separate() -> Result<()> {
    drop_frames("apart", &[("forward", "")])
}

/// The hosts hear each other again.
pub(crate) fn reunite() -> Result<()> {
    drop_nothing("apart")
}

/// Everyone hears everything again.
pub(crate) fn hear() -> Result<()> {
    drop_nothing("deaf")
}

fn from(port: &str) -> String {
    format!("iifname \"{port}\"")
}

fn to(port: &str) -> String {
    format!("oifname \"{port}\"")
}

/// Drops, on the bridges, the frames that a table's hooks see and an expression matches.
fn drop_frames(table: &str, hooks: &[(&str, &str)]) -> Result<()> {
    let chains: String = hooks
        .iter()
        .map(|(hook, which)| {
            format!("chain {hook} {{ type filter hook {hook} priority 0; {which} drop; }}\n")
        })
        .collect();
    run(Command::new("nft").arg(format!(
        "add table bridge {table}; delete table bridge {table}; table bridge {table} {{\n{chains}}}"
    )))
}

fn drop_nothing(table: &str) -> Result<()> {
    run(Command::new("nft").arg(format!("add table bridge {table}; delete table bridge {table}")))
}

fn ip(arguments: &[&str]) -> Result<()> {
    run(Command::new("ip").args(arguments))
}
