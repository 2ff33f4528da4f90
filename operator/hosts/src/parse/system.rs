//! The system around the cluster: os-release, systemd, ip, stat, pcs' list of hosts.

use std::collections::{BTreeMap, BTreeSet};

use hapair_model::{
    observed::{
        AtBoot, Distribution, FileFacts, Firewall, HostAddress, Job, Limit, PathFacts, PathKind, Record,
        Unit, User,
    },
    xml::Element,
};
use serde::Deserialize;
use serde_json::Value;

/// `KEY=value` lines; quotes around a value are taken off.
fn values(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key, value.trim_matches('"')))
        .collect()
}

/// From /etc/os-release.
pub fn distribution(text: &str) -> Distribution {
    let values = values(text);
    let get = |key: &str| values.get(key).copied().unwrap_or_default();
    Distribution {
        id: get("ID").into(),
        version: get("VERSION_ID").into(),
        like: get("ID_LIKE").split_whitespace().map(str::to_owned).collect(),
    }
}

/// Units by every name they have, from `systemctl show` (blocks of `Property=value`, with a blank line
/// between) and the names of those that are enabled. What was asked for by an alias is printed under the name
/// of what it leads to.
pub fn units(text: &str, enabled: &str) -> BTreeMap<String, Unit> {
    let block = |block: &str| {
        let values = values(block);
        let get = |key: &str| values.get(key).copied().unwrap_or_default();
        let names: Vec<_> = std::iter::once(get("Id"))
            .chain(get("Names").split_whitespace())
            .filter(|name| !name.is_empty())
            .collect();
        let short = |name: &str| name.strip_suffix(".service").unwrap_or(name).to_owned();
        let unit = Unit {
            id: short(get("Id")),
            load: get("LoadState").into(),
            active: get("ActiveState").into(),
            enabled: enabled.lines().any(|line| names.contains(&line)),
            outdated: get("NeedDaemonReload") == "yes",
            start_limit: limit(get("TimeoutStartUSec")),
            stop_limit: limit(get("TimeoutStopUSec")),
            user: Some(get("User").to_owned()).filter(|user| !user.is_empty()),
        };
        names
            .into_iter()
            .map(|name| (short(name), unit.clone()))
            .collect::<Vec<_>>()
    };
    text.split("\n\n").flat_map(block).collect()
}

/// The same text with the states that systemd tells of these units now (org.freedesktop.systemd1(5), ListUnitsByNames: in the order in
/// which they were asked for). Nothing where it did not tell of each.
pub fn with_states(units: &str, asked: &[String], reply: &str) -> Option<String> {
    let reply: Value = serde_json::from_str(reply).ok()?;
    let rows = reply.get("data")?.get(0)?.as_array()?;
    if rows.len() != asked.len() {
        return None;
    }
    let word = |row: &Value, at: usize| Some(row.get(at)?.as_str()?.to_owned());
    let state = |(name, row): (&String, &Value)| {
        let name = if name.contains('.') {
            name.clone()
        } else {
            format!("{name}.service")
        };
        Some((name, (word(row, 2)?, word(row, 3)?)))
    };
    let states: BTreeMap<_, _> = asked.iter().zip(rows).map(state).collect::<Option<_>>()?;
    let block = |block: &str| {
        let values = values(block);
        let named = ["Id", "Names"].into_iter().filter_map(|key| values.get(key));
        let mut names = named.flat_map(|names| names.split_whitespace());
        let Some((load, active)) = names.find_map(|name| states.get(name)) else {
            return block.to_owned();
        };
        let line = |line: &str| match line.split_once('=') {
            Some(("LoadState", _)) => format!("LoadState={load}"),
            Some(("ActiveState", _)) => format!("ActiveState={active}"),
            _ => line.to_owned(),
        };
        block.lines().map(line).collect::<Vec<_>>().join("\n")
    };
    Some(units.split("\n\n").map(block).collect::<Vec<_>>().join("\n\n"))
}

/// Lines of what is brought up at boot and the file that says so, whose name may have blanks.
pub fn at_boot(text: &str) -> Vec<AtBoot> {
    let line = |line: &str| {
        let (what, file) = line.split_once(' ')?;
        Some(AtBoot {
            what: what.into(),
            file: file.into(),
        })
    };
    text.lines().filter_map(line).collect()
}

/// A time span as systemd prints it, such as `1min 30s` or `infinity` (systemd.time(7)); less than a second
/// counts as one.
fn limit(text: &str) -> Limit {
    const UNITS: [(&str, f64); 8] = [
        ("min", 60.0),
        ("ms", 0.001),
        ("us", 0.000_001),
        ("s", 1.0),
        ("h", 3600.0),
        ("d", 86_400.0),
        ("w", 604_800.0),
        ("month", 2_629_800.0),
    ];
    if text == "infinity" {
        return Limit::Endless;
    }
    let seconds = |word: &str| {
        let digits = word.find(|character: char| character.is_ascii_alphabetic())?;
        let (number, unit) = word.split_at(digits);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        Some(number.parse::<f64>().ok()? * factor)
    };
    match text.split_whitespace().map(seconds).sum::<Option<f64>>() {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of seconds, which `as` keeps within bounds"
        )]
        Some(sum) if !text.is_empty() => Limit::Seconds(sum.ceil() as u32),
        _ => Limit::Unknown,
    }
}

/// The names of an OCF agent's parameters, from its metadata; `None` when that is none.
pub fn agent_parameters(metadata: &str) -> Option<BTreeSet<String>> {
    let metadata = Element::parse(metadata)
        .ok()
        .filter(|element| element.name == "resource-agent")?;
    let parameters = metadata.all().into_iter().filter(|each| each.name == "parameter");
    Some(
        parameters
            .filter_map(|each| each.get("name"))
            .map(str::to_owned)
            .collect(),
    )
}

/// The package installation, from its unit among those of `systemctl show`, the time since boot, and the end
/// of its log.
pub fn job(units: &str, uptime: &str, log: &str) -> Option<Job> {
    let values = values(
        units
            .split("\n\n")
            .find(|block| block.lines().any(|line| line == "Id=hapair-packages.service"))?,
    );
    match values.get("ActiveState").copied() {
        Some("active" | "activating" | "deactivating" | "reloading") => Some(Job::Running),
        Some("failed") => {
            let now = uptime
                .split('.')
                .next()
                .and_then(|now| now.parse::<u64>().ok())
                .unwrap_or_default();
            let ended = values
                .get("InactiveEnterTimestampMonotonic")
                .and_then(|at| at.parse::<u64>().ok())
                .unwrap_or_default();
            Some(Job::Failed {
                message: log.trim().to_owned(),
                age: now.saturating_sub(ended / 1_000_000),
                times: 1,
            })
        }
        _ => None,
    }
}

/// The firewall that runs: the name the probe found.
pub fn firewall(text: &str) -> Option<Firewall> {
    [Firewall::Firewalld, Firewall::Ufw, Firewall::Nftables]
        .into_iter()
        .find(|each| each.name() == text.trim())
}

/// Files, from lines of sha256sum and lines of `mode user:group path`. A file counts only with both.
pub fn files(text: &str) -> BTreeMap<String, FileFacts> {
    let digests = digests(text);
    let line = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (mode, owner, path) = (words.next()?, words.next()?, words.next()?);
        Some((
            path.to_owned(),
            FileFacts {
                digest: digests.get(path)?.clone(),
                mode: mode.into(),
                owner: owner.into(),
            },
        ))
    };
    text.lines().filter_map(line).collect()
}

/// Paths, from lines of `type mode user group path`, where the type and the mode are the hexadecimal
/// `st_mode` (stat(1), `%f`).
pub fn paths(text: &str) -> BTreeMap<String, PathFacts> {
    let line = |line: &str| {
        let mut words = line.splitn(4, ' ');
        let (mode, user, group, path) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let mode = u32::from_str_radix(mode, 16).ok()?;
        // inode(7), S_IFMT.
        let kind = match mode & 0o170_000 {
            0o040_000 => PathKind::Directory,
            0o100_000 => PathKind::File,
            0o120_000 => PathKind::Link,
            _ => PathKind::Other,
        };
        Some((
            path.to_owned(),
            PathFacts {
                kind,
                user: user.to_owned(),
                group: group.to_owned(),
                mode: mode & 0o7777,
            },
        ))
    };
    text.lines().filter_map(line).collect()
}

/// Lines of sha256sum, by path.
pub fn digests(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, path)| (path.to_owned(), digest.to_owned()))
        .collect()
}

/// The record of who manages the host: `owner epoch`.
pub fn record(text: &str) -> Option<Record> {
    let mut words = text.split_whitespace();
    Some(Record {
        owner: words.next()?.to_owned(),
        epoch: words.next()?.parse().ok()?,
        name: words.next().map(str::to_owned),
    })
}

#[derive(Deserialize)]
struct Interface {
    ifname: Option<String>,
    #[serde(default)]
    addr_info: Vec<Address>,
}

#[derive(Deserialize)]
struct Address {
    local: Option<String>,
    prefixlen: Option<u8>,
}

/// Addresses on interfaces, from `ip -json address`.
pub fn addresses(json: &str) -> Vec<HostAddress> {
    let interfaces: Vec<Interface> = serde_json::from_str(json).unwrap_or_default();
    let of = |interface: Interface| {
        let name = interface.ifname.unwrap_or_default();
        let address = |a: Address| {
            Some(HostAddress {
                address: format!("{}/{}", a.local?, a.prefixlen?),
                interface: name.clone(),
            })
        };
        interface
            .addr_info
            .into_iter()
            .filter_map(address)
            .collect::<Vec<_>>()
    };
    interfaces.into_iter().flat_map(of).collect()
}

#[derive(Deserialize)]
struct Neighbour {
    lladdr: Option<String>,
}

/// Whether another machine answered, from `ip -json neighbour show ADDRESS`: only one that did has a
/// link-layer address there.
pub fn answered(json: &str) -> bool {
    let neighbours: Vec<Neighbour> = serde_json::from_str(json).unwrap_or_default();
    neighbours.iter().any(|neighbour| neighbour.lladdr.is_some())
}

#[derive(Deserialize)]
struct KnownHosts {
    known_hosts: BTreeMap<String, Value>,
}

/// The hosts pcs is logged in on, from its list of them.
pub fn pcs_hosts(json: &str) -> Vec<String> {
    let parsed: Result<KnownHosts, _> = serde_json::from_str(json);
    parsed.map_or_else(|_| Vec::new(), |list| list.known_hosts.into_keys().collect())
}

/// The numbers of users, from `getent passwd`: lines of a name, a password, two numbers and more, with colons between
/// (passwd(5)).
pub fn users(text: &str) -> BTreeMap<String, User> {
    let user = |line: &str| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?.parse().ok()?);
        let gid = fields.next()?.parse().ok()?;
        Some((name.to_owned(), User { uid, gid }))
    };
    text.lines().filter_map(user).collect()
}

/// The numbers of groups, from `getent group`: lines of a name, a password, a number and more (group(5)).
pub fn groups(text: &str) -> BTreeMap<String, u32> {
    let group = |line: &str| {
        let mut fields = line.split(':');
        Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
    };
    text.lines().filter_map(group).collect()
}

#[cfg(test)]
mod tests {
    use hapair_model::observed::LoadState;

    use super::*;

    #[test]
    fn units_are_told_apart_by_blank_lines() {
        let text = "Id=corosync.service\nLoadState=loaded\nActiveState=active\nUser=\n\nId=nosuch.service\nLoadState=not-found\n\
                    ActiveState=inactive\nUser=app\n";
        let units = units(text, "ssh.service\ncorosync.service\n");
        assert!(units["corosync"].is_active() && units["corosync"].enabled && !units["nosuch"].enabled);
        assert_eq!(units["nosuch"].load, LoadState::NotFound);
        assert_eq!(units["nosuch"].user.as_deref(), Some("app"));
        assert_eq!(units["corosync"].user, None);
    }

    #[test]
    fn a_unit_is_found_by_the_alias_it_was_asked_for_by() {
        let text = "Id=mariadb.service\nNames=mariadb.service mysql.service \
            mysqld.service\nLoadState=loaded\nActiveState=active\n";
        let units = units(text, "mariadb.service\n");
        assert!(units["mysql"].is_active() && units["mysql"].enabled && units["mariadb"].is_active());
    }

    #[test]
    fn states_are_laid_over_units_by_the_names_that_were_asked_for() {
        let text = "Id=mariadb.service\nNames=mariadb.service mysql.service\nLoadState=loaded\nActiveState=active\nUser=mysql\n\n\
                    Id=ssh.service\nNames=ssh.service\nLoadState=loaded\nActiveState=active\n";
        let reply = r#"{"data":[[["mariadb.service","","loaded","failed","failed"],["ssh.service","","loaded","active","running"]]]}"#;
        let asked = ["mysql".to_owned(), "ssh.service".to_owned()];
        let now = units(&with_states(text, &asked, reply).unwrap(), "");
        assert!(!now["mysql"].is_active() && !now["mariadb"].is_active() && now["ssh"].is_active());
        assert_eq!(now["mysql"].user.as_deref(), Some("mysql"));
        assert_eq!(with_states(text, &asked[..1], reply), None);
        assert_eq!(with_states(text, &asked, "Failed to connect to bus"), None);
    }

    #[test]
    fn a_time_span_of_systemds_is_read_in_seconds() {
        let spans = [
            "1min 30s", "15min", "1h", "500ms", "1d 2h", "infinity", "", "soon",
        ];
        let seconds = [90, 900, 3600, 1, 93_600].map(Limit::Seconds);
        let expected = seconds
            .into_iter()
            .chain([Limit::Endless, Limit::Unknown, Limit::Unknown]);
        assert_eq!(spans.map(limit).to_vec(), expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_failed_installation_tells_its_age() {
        let units = "Id=corosync.service\nActiveState=active\n\nId=hapair-packages.service\nActiveState=failed\n\
                     InactiveEnterTimestampMonotonic=30000000\n";
        assert_eq!(
            job(units, "95.20 180.1", "E: no such package\n"),
            Some(Job::Failed {
                message: "E: no such package".into(),
                age: 65,
                times: 1
            })
        );
    }

    #[test]
    fn an_address_is_answered_for_only_with_a_link_layer_address() {
        assert!(answered(
            r#"[{"dst":"10.0.0.1","dev":"eth0","lladdr":"02:00:00:00:00:01","state":["REACHABLE"]}]"#
        ));
        assert!(!answered(
            r#"[{"dst":"10.0.0.1","dev":"eth0","state":["FAILED"]}]"#
        ));
    }
}
