//! Secrets and ConfigMaps that a pair and its groups name.

use std::collections::BTreeSet;

use hapair_crds::{FencingDevice, File, HAPair};

use crate::snapshot::Snapshot;

/// Names of the Secrets.
pub fn secrets(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = snapshot
        .pair
        .iter()
        .flat_map(|pair| secrets_of_pair(pair))
        .collect();
    names.extend(
        files(snapshot)
            .filter_map(|file| file.secret_key_ref.as_ref())
            .map(|reference| reference.name.clone()),
    );
    names
}

/// Names of the ConfigMaps.
pub fn config_maps(snapshot: &Snapshot) -> BTreeSet<String> {
    let of_files = files(snapshot).filter_map(|file| file.config_map_key_ref.as_ref());
    let devices = snapshot.pair.iter().flat_map(|pair| devices(pair));
    let of_devices = devices.filter_map(|device| {
        device
            .redfish
            .as_ref()?
            .tls
            .as_ref()?
            .certificate_authority
            .as_ref()
    });
    of_files
        .chain(of_devices)
        .map(|reference| reference.name.clone())
        .collect()
}

fn devices(pair: &HAPair) -> impl Iterator<Item = &FencingDevice> {
    pair.spec
        .nodes
        .iter()
        .filter_map(|node| node.fencing.as_ref())
        .flatten()
}

/// Names of the Secrets that the HAPair itself names: keys to its hosts and to their power.
pub fn secrets_of_pair(pair: &HAPair) -> Vec<String> {
    let mut names = vec![pair.spec.ssh.secret_ref.name.clone()];
    names.extend(
        pair.spec
            .cluster_admin
            .as_ref()
            .map(|admin| admin.secret_ref.name.clone()),
    );
    for device in devices(pair) {
        names.extend(device.ipmi.as_ref().map(|ipmi| ipmi.secret_ref.name.clone()));
        names.extend(
            device
                .redfish
                .as_ref()
                .map(|redfish| redfish.secret_ref.name.clone()),
        );
        names.extend(
            device
                .agent
                .as_ref()
                .and_then(|agent| agent.secret_ref.as_ref())
                .map(|reference| reference.name.clone()),
        );
    }
    names
}

fn files(snapshot: &Snapshot) -> impl Iterator<Item = &File> {
    snapshot
        .groups
        .iter()
        .flat_map(|group| group.spec.files.iter().flatten())
}
