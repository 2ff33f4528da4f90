//! What a host's firewall has to let in, and the files that say so to each kind of firewall.

use hapair_model::{
    Side,
    desired::Desired,
    observed::Firewall,
    plan::{File, FollowUp},
};

use crate::files::text;

/// corosync's port on link 0; knet adds the link's number (corosync.conf(5), mcastport).
const COROSYNC: u16 = 5405;
/// pcsd's port (pcsd(8)).
const PCSD: u16 = 2224;

/// One thing to let in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    protocol: &'static str,
    port: u16,
    /// The only address it may come from; `None`: from everywhere.
    from: Option<String>,
}

/// The files with which this host's firewall lets in what the pair needs.
pub fn files(desired: &Desired, side: Side, firewall: Option<Firewall>) -> Vec<File> {
    let Some(firewall) = firewall.filter(|_| desired.open_firewall) else {
        return Vec::new();
    };
    let rules = rules(desired, side);
    let follow = |file: File| File {
        follow_up: Some(FollowUp::OpenFirewall),
        ..file
    };
    match firewall {
        Firewall::Firewalld => vec![follow(text(POLICY, "644", policy(&rules)))],
        Firewall::Ufw => vec![follow(text(RULES, "644", lines(&rules)))],
        Firewall::Nftables => vec![
            text(NFTABLES, "755", include_str!("../files/nftables").to_owned()),
            text(
                NFTABLES_DROP_IN,
                "644",
                format!("[Service]\nExecStartPost={NFTABLES}\nExecReload={NFTABLES}\n"),
            ),
            follow(text(RULES, "644", lines(&rules))),
        ],
    }
}

/// Units that load plain rules of iptables: a firewall that is nobody's to change but its administrator's.
pub const IPTABLES_UNITS: [&str; 3] = ["netfilter-persistent", "iptables", "ip6tables"];

/// What has to be let in, for a person.
pub fn told(desired: &Desired, side: Side) -> String {
    let one = |rule: &Rule| {
        let from = rule
            .from
            .as_ref()
            .map(|from| format!(" from {from}"))
            .unwrap_or_default();
        format!("{} {}{from}", rule.protocol, rule.port)
    };
    rules(desired, side)
        .iter()
        .map(one)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Where those files may be, whichever firewall it is.
pub const PATHS: [&str; 4] = [POLICY, RULES, NFTABLES, NFTABLES_DROP_IN];

const POLICY: &str = "/etc/firewalld/policies/hapair.xml";
const RULES: &str = "/etc/hapair/firewall.rules";
const NFTABLES: &str = "/etc/hapair/nftables";
/// nftables.service starts with an empty rule set; ours have to come after those of its file, at each start
/// and reload.
const NFTABLES_DROP_IN: &str = "/etc/systemd/system/nftables.service.d/hapair.conf";

fn rules(desired: &Desired, side: Side) -> Vec<Rule> {
    let peer = &desired.nodes[side.peer()];
    let mut rules = Vec::new();
    let mut open = |protocol, port, from: Option<&str>| {
        rules.push(Rule {
            protocol,
            port,
            from: from.map(str::to_owned),
        })
    };
    for (number, address) in &peer.links {
        open("udp", COROSYNC + u16::from(*number), Some(address));
        if desired.admin_password.is_some() {
            open("tcp", PCSD, Some(address));
        }
    }
    for volume in &desired.volumes {
        open(
            "tcp",
            volume.port,
            Some(peer.link(desired.replication_link).unwrap_or(&peer.address)),
        );
    }
    for probe in desired.groups.iter().filter_map(|group| group.probe.as_ref()) {
        open("tcp", probe.port, None);
    }
    rules.sort();
    rules.dedup();
    rules
}

/// A line each: protocol, port, and the address it comes from, or "any".
fn lines(rules: &[Rule]) -> String {
    rules
        .iter()
        .map(|rule| {
            format!(
                "{} {} {}\n",
                rule.protocol,
                rule.port,
                rule.from.as_deref().unwrap_or("any")
            )
        })
        .collect()
}

/// A policy of its own for everything that comes in, before the zones decide (firewalld.policy(5)).
fn policy(rules: &[Rule]) -> String {
    let rule = |rule: &Rule| {
        let source = rule
            .from
            .as_ref()
            .map_or_else(String::new, |from| format!("<source address=\"{from}\"/>"));
        let family = match &rule.from {
            Some(from) if from.contains(':') => " family=\"ipv6\"",
            Some(_) => " family=\"ipv4\"",
            None => "",
        };
        format!(
            "  <rule{family}>{source}<port port=\"{}\" protocol=\"{}\"/><accept/></rule>\n",
            rule.port, rule.protocol
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- Managed by hapair-operator; changes here are \
         undone. -->\n<policy priority=\"-10\" \
         target=\"CONTINUE\">\n  <ingress-zone name=\"ANY\"/>\n  <egress-zone name=\"HOST\"/>\n{}</policy>\n",
        rules.iter().map(rule).collect::<String>()
    )
}
