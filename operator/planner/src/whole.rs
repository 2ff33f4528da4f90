//! What all the parts say together.

use std::collections::BTreeSet;

use hapair_model::{
    Side,
    desired::Desired,
    plan::{File, Keep},
};

use crate::{
    firewall,
    part::{Ground, Part},
    parts::PARTS,
    platform::Platform,
};

/// Every part.
pub fn parts() -> impl DoubleEndedIterator<Item = &'static Part> {
    std::iter::once(&firewall::PART).chain(&PARTS)
}

/// Packages that the pair needs on each host.
pub fn packages(desired: &Desired, platform: &Platform) -> BTreeSet<&'static str> {
    parts()
        .flat_map(|part| (part.packages)(desired, platform))
        .collect()
}

/// Units that the distribution starts with their packages, each with its package.
pub fn units(platform: &Platform) -> Vec<(&'static str, &'static str)> {
    parts().flat_map(|part| (part.units)(platform)).collect()
}

/// The files one host shall have.
pub fn files(desired: &Desired, side: Side, ground: &Ground) -> Vec<File> {
    parts()
        .flat_map(|part| (part.files)(desired, side, ground))
        .collect()
}

/// The paths of those files on a host of which nothing is known yet.
pub fn paths(desired: &Desired, side: Side) -> BTreeSet<String> {
    all_files(desired, side).map(|file| file.path).collect()
}

/// The paths of those that are the operator's alone. What another one replaced is given back, and must not be
/// removed after that.
pub fn own_paths(desired: &Desired, side: Side) -> BTreeSet<String> {
    all_files(desired, side)
        .filter(|file| file.keep != Keep::Original)
        .map(|file| file.path)
        .collect()
}

fn all_files(desired: &Desired, side: Side) -> impl Iterator<Item = File> {
    Ground::all().flat_map(move |ground| files(desired, side, &ground))
}
