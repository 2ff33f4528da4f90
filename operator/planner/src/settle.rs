//! Numbers that are chosen once: a volume's minor and port. What the hosts have recorded counts; the rest get the lowest that are free.

use hapair_model::{Both, desired::Desired, observed::HostView};

/// DRBD's first port (drbd.conf(5) suggests 7788 and up; 7789 is what most pairs use).
const FIRST_PORT: u16 = 7789;

/// The declared state with every volume's numbers as the hosts have them.
pub fn settle(mut desired: Desired, observed: &Both<HostView>) -> Desired {
    let mut taken: Vec<u32> = Vec::new();
    let recorded = |volume: &str| {
        let hosts = observed.iter().filter_map(|(_, view)| view.host());
        hosts.filter_map(|host| host.volume_records.get(volume)).map(|record| (record.minor, record.port)).next()
    };
    for volume in &mut desired.volumes {
        if let Some((minor, port)) = recorded(&volume.name) {
            (volume.minor, volume.port) = (minor, port);
            taken.push(minor);
        }
    }
    for volume in &mut desired.volumes {
        if recorded(&volume.name).is_none() {
            volume.minor = (0..).find(|minor| !taken.contains(minor)).unwrap_or_default();
            volume.port = FIRST_PORT + u16::try_from(volume.minor).unwrap_or_default();
            taken.push(volume.minor);
        }
    }
    desired
}
