//! What one part of a pair has to say: the row of a table, and the words that it is said in.

use hapair_model::{
    Both, Side,
    desired::Desired,
    observed::{Firewall, Host, HostView, Question},
    plan::{File, Finding, Step},
};

use crate::{
    due::Due,
    elements::Object,
    facts::{Facts, OneHost},
    platform::{Platform, drbd},
};

/// What one part has to say about each question that a turn asks.
pub struct Part {
    /// Packages that it needs on a host.
    pub packages: fn(&Desired, &Platform) -> Vec<&'static str>,
    /// Units that its packages would start, each with its package.
    pub units: fn(&Platform) -> Vec<(&'static str, &'static str)>,
    /// Adds what it has to know of a host, which is asked before anything is known of it.
    pub ask: fn(&Desired, Side, &mut Question),
    /// What of the declaration the hosts have a say in, as they have it.
    pub resolve: fn(&mut Desired, &Both<HostView>),
    /// Files that it keeps on a host.
    pub files: fn(&Desired, Side, &Ground) -> Vec<File>,
    /// Units with files of its own, which systemd has to read again when they are newer than what it knows.
    pub drop_ins: fn(&Desired) -> Vec<String>,
    /// What the firewall of a host has to let in for it.
    pub openings: fn(&Desired, Side) -> Vec<Opening>,
    /// Steps on a host once its files are there, before the cluster first starts and whenever it is needed.
    pub steps: fn(&Facts<'_>, Side, &Due) -> Vec<Step>,
    /// What the cluster's configuration has for it.
    pub objects: fn(&Desired, &Platform) -> Vec<Object>,
    /// Adds what keeps it from being on one host, of a release that is supported.
    pub refuse_one: fn(&OneHost<'_>, &Platform, &mut Vec<Finding>),
    /// Adds what keeps it from being on one host that has all its packages.
    pub refuse_installed: fn(&OneHost<'_>, &mut Vec<Finding>),
    /// Adds what keeps it from being on the two together. Nothing keeps it from either alone.
    pub refuse_both: fn(&Facts<'_>, &mut Vec<Finding>),
    /// What it waits for, once everything is configured.
    pub waits: fn(&Facts<'_>) -> Option<String>,
}

impl Part {
    /// A part that has nothing to say.
    pub const NONE: Self = Self {
        packages: |_, _| Vec::new(),
        units: |_| Vec::new(),
        ask: |_, _, _| {},
        resolve: |_, _| {},
        files: |_, _, _| Vec::new(),
        drop_ins: |_| Vec::new(),
        openings: |_, _| Vec::new(),
        steps: |_, _, _| Vec::new(),
        objects: |_, _| Vec::new(),
        refuse_one: |_, _, _| {},
        refuse_installed: |_, _| {},
        refuse_both: |_, _| {},
        waits: |_| None,
    };
}

/// What the files on a host depend on, beside the declaration.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    /// Its distribution.
    pub platform: Platform,
    /// Its DRBD.
    pub drbd: drbd::Dialect,
    /// The firewall that runs there.
    pub firewall: Option<Firewall>,
}

impl Ground {
    /// That of a host of a supported release.
    pub fn of(host: &Host, platform: Platform) -> Self {
        Self {
            platform,
            drbd: drbd::Dialect::of(host.drbd_major),
            firewall: host.firewall,
        }
    }

    /// Those that a host may have of which nothing is known yet, as far as the files' paths depend on it.
    pub fn all() -> impl Iterator<Item = Self> {
        Platform::all().map(|platform| Self {
            platform,
            drbd: drbd::Dialect::of(None),
            firewall: None,
        })
    }
}

/// One thing to let in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// Its number.
    pub port: u16,
    /// The only address it may come from; `None`: from everywhere.
    pub from: Option<String>,
}

impl Opening {
    /// For one peer.
    pub fn from(address: &str, protocol: &'static str, port: u16) -> Self {
        Self {
            protocol,
            port,
            from: Some(address.to_owned()),
        }
    }

    /// For everyone.
    pub fn from_anywhere(protocol: &'static str, port: u16) -> Self {
        Self {
            protocol,
            port,
            from: None,
        }
    }
}
