//! Secrets and ConfigMaps that a pair and its groups name.

use std::collections::BTreeSet;

use hapair_crds::{File, HAPair};

use crate::Snapshot;

/// Names of the Secrets.
pub fn secrets(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = snapshot.pair.iter().flat_map(|pair| of_pair(pair)).collect();
    names.extend(files(snapshot).filter_map(|file| file.secret_key_ref.as_ref()).map(|reference| reference.name.clone()));
    names
}

/// Names of the ConfigMaps.
pub fn config_maps(snapshot: &Snapshot) -> BTreeSet<String> {
    files(snapshot).filter_map(|file| file.config_map_key_ref.as_ref()).map(|reference| reference.name.clone()).collect()
}

fn of_pair(pair: &HAPair) -> Vec<String> {
    let mut names = vec![pair.spec.ssh.secret_ref.name.clone()];
    names.extend(pair.spec.cluster_admin.as_ref().map(|admin| admin.secret_ref.name.clone()));
    for device in pair.spec.nodes.iter().filter_map(|node| node.fencing.as_ref()).flatten() {
        names.extend(device.ipmi.as_ref().map(|ipmi| ipmi.secret_ref.name.clone()));
        names.extend(device.redfish.as_ref().map(|redfish| redfish.secret_ref.name.clone()));
    }
    names
}

fn files(snapshot: &Snapshot) -> impl Iterator<Item = &File> {
    snapshot.groups.iter().flat_map(|group| group.spec.files.iter().flatten())
}
