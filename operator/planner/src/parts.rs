//! The parts of a pair. What belongs to one thing stands together in its file: its packages, units and files, what it
//! needs of the firewall, its elements of the cluster's configuration, what keeps it from being, what it waits for.
//!
//! Each is a row of [`PARTS`], and whoever needs the whole folds over the rows. Their order is the one in which
//! their files are written, their steps run and their elements stand in a new configuration.

pub mod address;
pub mod administration;
pub mod cluster;
pub mod fencing;
pub mod firewall;
pub mod keys;
pub mod service;
pub mod volume;

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
    platform::Platform,
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
    pub openings: fn(&Desired, Side) -> Vec<firewall::Opening>,
    /// Steps on a host once its files are there, before the cluster first starts and whenever it is needed.
    pub steps: fn(&Facts<'_>, Side, &Due) -> Vec<Step>,
    /// What the cluster's configuration has for it.
    pub objects: fn(&Desired, &Platform) -> Vec<Object>,
    /// Adds what keeps it from being on one host, of a release that is supported.
    pub refuse_one: fn(&OneHost<'_>, &Platform, &mut Vec<Finding>),
    /// Adds what keeps it from being on the two together. Nothing keeps it from either alone.
    pub refuse_both: fn(&Facts<'_>, &mut Vec<Finding>),
    /// What it waits for, once everything is configured.
    pub waits: fn(&Facts<'_>) -> Option<String>,
}

impl Part {
    /// A part that has nothing to say.
    const NONE: Self = Self {
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
        refuse_both: |_, _| {},
        waits: |_| None,
    };
}

/// Every part.
pub static PARTS: [Part; 8] = [
    firewall::PART,
    keys::PART,
    cluster::PART,
    fencing::PART,
    volume::PART,
    address::PART,
    service::PART,
    administration::PART,
];

/// What the files on a host depend on, beside the declaration.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    /// Its distribution.
    pub platform: Platform,
    /// Its DRBD.
    pub drbd: volume::Dialect,
    /// The firewall that runs there.
    pub firewall: Option<Firewall>,
}

impl Ground {
    /// That of a host of a supported release.
    pub fn of(host: &Host, platform: Platform) -> Self {
        Self {
            platform,
            drbd: volume::Dialect::of(host.drbd_major),
            firewall: host.firewall,
        }
    }

    /// Those that a host may have of which nothing is known yet, as far as the files' paths depend on it.
    pub fn all() -> impl Iterator<Item = Self> {
        Platform::all().map(|platform| Self {
            platform,
            drbd: volume::Dialect::of(None),
            firewall: None,
        })
    }
}
