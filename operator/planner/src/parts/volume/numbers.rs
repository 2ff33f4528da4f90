//! A volume's minor number and port. Those that the hosts have recorded count. A new volume gets the lowest number
//! that nothing on either host has: no declared volume, none that was left behind, no resource of someone else.

use std::collections::BTreeSet;

use hapair_model::{
    Both,
    desired::{Desired, Numbers},
    observed::HostView,
};

/// DRBD's first port (drbd.conf(5) suggests 7788 and up; 7789 is what most pairs use).
const FIRST_PORT: u16 = 7789;

/// Gives every volume its numbers.
pub fn resolve(desired: &mut Desired, observed: &Both<HostView>) {
    let Taken {
        mut minors,
        mut ports,
    } = taken(observed);
    for volume in &mut desired.volumes {
        let numbers = known(&volume.name, observed).unwrap_or_else(|| Numbers {
            minor: (0..).find(|minor| !minors.contains(minor)).unwrap_or_default(),
            port: (FIRST_PORT..)
                .find(|port| !ports.contains(port))
                .unwrap_or_default(),
        });
        minors.insert(numbers.minor);
        ports.insert(numbers.port);
        volume.numbers = Some(numbers);
    }
}

struct Taken {
    minors: BTreeSet<u32>,
    ports: BTreeSet<u16>,
}

fn taken(observed: &Both<HostView>) -> Taken {
    let mut taken = Taken {
        minors: BTreeSet::new(),
        ports: BTreeSet::new(),
    };
    for host in observed.iter().filter_map(|(_, view)| view.host()) {
        taken
            .minors
            .extend(host.volume_records.values().map(|record| record.minor));
        taken
            .minors
            .extend(host.drbd_config.values().flat_map(|config| &config.minors));
        taken
            .minors
            .extend(host.resources.values().map(|resource| resource.minor));
        taken
            .ports
            .extend(host.volume_records.values().map(|record| record.port));
        taken
            .ports
            .extend(host.drbd_config.values().flat_map(|config| &config.ports));
    }
    taken
}

/// A volume's numbers by its record, or by its file when the metadata is not made yet.
fn known(volume: &str, observed: &Both<HostView>) -> Option<Numbers> {
    let hosts = || observed.iter().filter_map(|(_, view)| view.host());
    let recorded = hosts()
        .find_map(|host| host.volume_records.get(volume))
        .map(|record| Numbers {
            minor: record.minor,
            port: record.port,
        });
    recorded.or_else(|| {
        let config = hosts()
            .filter_map(|host| host.drbd_config.get(volume))
            .find(|config| config.ours)?;
        Some(Numbers {
            minor: *config.minors.first()?,
            port: *config.ports.first()?,
        })
    })
}
