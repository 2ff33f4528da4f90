//! The status of a ReplicatedVolume, and what of it the pair's has.

use hapair_model::{
    Reason, Side,
    desired::Volume,
    observed::{DiskState, Host, Mounted, Resource, Role},
    plan::Subject,
    reason::with_remedy,
    report::{Condition, VolumeReport},
};

use super::{
    by_hand,
    problem::{legs, volume_problem},
    state,
};
use crate::{at_boot, view::View};

/// The volume's status.
pub fn report(view: &View<'_>, volume: &Volume) -> VolumeReport {
    let about = Subject::Volume(volume.name.clone());
    let problem = volume_problem(view, volume);
    let legs = legs(view, volume);
    let known = legs.any(Option::is_some);
    let split = state::is_split(legs.clone());
    let connected = legs
        .iter()
        .filter_map(|(_, leg)| *leg)
        .all(Resource::is_connected);
    let up_to_date = view
        .disks(&volume.name)
        .all(|disk| *disk == Some(&DiskState::UpToDate));
    let (reason, message) = problem
        .clone()
        .unwrap_or((Reason::Healthy, "both nodes have the newest data".into()));
    let mut conditions = view.verdict(
        &about,
        view.finding(&about),
        problem.into_iter().chain(pairs_problem(view, volume)),
    );
    conditions.push(writable(view, volume));
    conditions.push(Condition::new(
        "UpToDate",
        known.then_some(up_to_date),
        reason,
        message.clone(),
    ));
    let (reason, message) = match connected {
        true if known => (Reason::Healthy, "the two legs are connected".into()),
        _ => (
            if known {
                Reason::Disconnected
            } else {
                Reason::NotObserved
            },
            message,
        ),
    };
    conditions.push(Condition::new(
        "Connected",
        known.then_some(connected),
        reason,
        message,
    ));
    let (status, reason, message) = match split.filter(|_| known) {
        Some(true) => (Some(true), Reason::SplitBrain, "the two legs hold diverged data"),
        Some(false) => (
            Some(false),
            Reason::Healthy,
            "the legs' data has not diverged, as far as is seen",
        ),
        None if known => (
            None,
            Reason::NotObserved,
            "the legs are not connected, and what data both of them hold is not seen",
        ),
        None => (None, Reason::NotObserved, "no leg is seen"),
    };
    conditions.push(Condition::new("SplitBrain", status, reason, message.into()));
    VolumeReport {
        conditions,
        primary: primary(view, &volume.name),
        data: data(view, &volume.name),
        // Coarse, so that a long resync does not write a status every second.
        synced: legs
            .iter()
            .find_map(|(_, leg)| leg.filter(|leg| leg.replication.is_resync())?.in_sync())
            .map(|percent| format!("{}%", percent / 5 * 5)),
        used: mounted(view, volume).and_then(|(_, mounted)| mounted.used),
        read_only: mounted(view, volume).map(|(_, mounted)| mounted.read_only),
        minor: volume.numbers.map(|numbers| numbers.minor),
        port: volume.numbers.map(|numbers| numbers.port),
    }
}

/// The volume's file system, and where it is mounted.
fn mounted<'a>(view: &View<'a>, volume: &Volume) -> Option<(Side, &'a Mounted)> {
    let device = format!("/dev/drbd{}", volume.minor());
    let mounted = |(side, host): (Side, &Option<&'a Host>)| Some((side, (*host)?.filesystems.get(&device)?));
    view.hosts.iter().find_map(mounted)
}

/// What of a volume counts for the pair as a whole, whether the other node could take it over or not.
pub fn pairs_problem(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    filesystem_problem(view, volume)
        .or_else(|| mounted_outside(view, volume))
        .or_else(|| at_boot::problem(view, &volume.mount_point))
}

/// What somebody else has mounted on the volume's directory, or of the volume.
pub fn mounted_outside(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    let device = format!("/dev/drbd{}", volume.minor());
    view.hosts.iter().find_map(|(side, host)| {
        let node = &view.desired.nodes[side].name;
        let is_it = |directory: &str, source: &str| (directory == volume.mount_point) != (source == device);
        let mut mounts = (*host)?.mount_points.iter();
        let (directory, source) = mounts.find(|(directory, source)| is_it(directory, source))?;
        let message = format!(
            "{node} has {source} mounted on {directory}, and volume {} is {device} on {}",
            volume.name, volume.mount_point
        );
        let remedy =
            format!("ask who mounted it. When nobody needs it there: on {node} `umount {directory}`");
        Some((Reason::MountedOutside, with_remedy(&message, &remedy)))
    })
}

/// Why the volume's file system takes no writes.
fn filesystem_problem(view: &View<'_>, volume: &Volume) -> Option<(Reason, String)> {
    let (side, mounted) = mounted(view, volume)?;
    let (name, node) = (&volume.name, &view.desired.nodes[side].name);
    let at = format!("volume {name}: {} on {node}", volume.mount_point);
    if mounted.read_only {
        let message = format!("{at} has gone read-only");
        let remedy = by_hand::check(view.desired, volume, node);
        return Some((Reason::FilesystemReadOnly, with_remedy(&message, &remedy)));
    }
    (mounted.used == Some(100)).then(|| (Reason::FilesystemFull, format!("{at} is full")))
}

fn writable(view: &View<'_>, volume: &Volume) -> Condition {
    match (mounted(view, volume), filesystem_problem(view, volume)) {
        (None, _) => Condition::new(
            "Writable",
            None,
            Reason::NotObserved,
            "it is not mounted on any reachable host".into(),
        ),
        (Some(_), Some((reason, message))) => Condition::new("Writable", Some(false), reason, message),
        (Some((_, Mounted { used: Some(used), .. })), None) => Condition::new(
            "Writable",
            Some(true),
            Reason::Healthy,
            format!("less than {} percent are used", used / 5 * 5 + 5),
        ),
        (Some(_), None) => Condition::new("Writable", Some(true), Reason::Healthy, "it takes writes".into()),
    }
}

/// The disk states of the first and the second node.
pub fn data(view: &View<'_>, volume: &str) -> Option<String> {
    let disks = view.disks(volume);
    disks.any(Option::is_some).then(|| {
        let disks = disks.map(|disk| disk.map_or("Unknown", DiskState::as_str));
        format!("{}/{}", disks.first, disks.second)
    })
}

/// The node on which DRBD is Primary.
pub fn primary(view: &View<'_>, volume: &str) -> Option<String> {
    let side = view.hosts.find(|host| {
        host.and_then(|host| host.resources.get(volume))
            .is_some_and(|leg| leg.role == Role::Primary)
    })?;
    Some(view.desired.nodes[side].name.clone())
}
