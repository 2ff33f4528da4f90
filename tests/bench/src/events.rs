//! Things that happen on a host, made by the tools of the field, and what the pair's status says of them.

/// Something that happens on node2, which does not serve, and its end.
pub struct Event {
    /// As it is printed.
    pub name: &'static str,
    /// The line that makes it, quick enough for the time it takes not to count.
    pub line: &'static str,
    /// What has to come to its end before it has happened. The clock starts then.
    pub until: &'static str,
    /// The object whose condition tells of it.
    pub object: &'static str,
    /// The condition.
    pub condition: &'static str,
    /// Its reason then; `None` when the condition is True.
    pub reason: Option<&'static str>,
}

const fn event(
    name: &'static str,
    line: &'static str,
    condition: &'static str,
    reason: Option<&'static str>,
) -> Event {
    Event {
        name,
        line,
        until: "",
        object: PAIR,
        condition,
        reason,
    }
}

/// The same, told by the volume: the pair is as before only once the cluster has taken DRBD's constraint away.
const fn of_volume(
    name: &'static str,
    line: &'static str,
    until: &'static str,
    reason: Option<&'static str>,
) -> Event {
    Event {
        name,
        line,
        until,
        object: VOLUME,
        condition: "Connected",
        reason,
    }
}

/// The sample's pair.
const PAIR: &str = "hapair/web";
/// Its volume.
const VOLUME: &str = "harv/logs";
/// What is watched.
pub const OBJECTS: [&str; 2] = [PAIR, VOLUME];

/// Ten kinds, each followed by what undoes it.
pub const EVENTS: &[Event] = &[
    event(
        "maintenance mode",
        "crm_attribute --name maintenance-mode --update true",
        "RedundancyHealthy",
        Some("Maintenance"),
    ),
    event(
        "its end",
        "crm_attribute --name maintenance-mode --delete",
        "RedundancyHealthy",
        None,
    ),
    event(
        "a node's maintenance mode",
        "crm_attribute --node node2 --name maintenance --update true",
        "RedundancyHealthy",
        Some("Maintenance"),
    ),
    event(
        "its end",
        "crm_attribute --node node2 --name maintenance --delete",
        "RedundancyHealthy",
        None,
    ),
    event(
        "a ban",
        "crm_resource --ban --resource group-tomcat --node node2",
        "RedundancyHealthy",
        Some("Banned"),
    ),
    event(
        "its end",
        "crm_resource --clear --resource group-tomcat",
        "RedundancyHealthy",
        None,
    ),
    of_volume(
        "DRBD disconnected",
        "drbdadm disconnect logs",
        "",
        Some("Disconnected"),
    ),
    // The two legs may miss each other for ten seconds (drbd.conf(5), connect-int).
    of_volume(
        "DRBD connected",
        "drbdadm connect logs",
        "until grep -q cs:Connected /proc/drbd; do sleep 0.02; done",
        None,
    ),
    event(
        "the address on both hosts",
        "ip address add 10.77.0.100/32 dev lo",
        "Ready",
        Some("AssignedTwice"),
    ),
    event(
        "its end",
        "ip address delete 10.77.0.100/32 dev lo",
        "Ready",
        None,
    ),
];
