//! What a host's firewall has to let in, and the files that say so to each kind of firewall.

use hapair_model::{
    Reason, Side,
    desired::Desired,
    observed::{Firewall, Question},
    plan::{File, Finding, FollowUp, Step},
};

use crate::{
    due::Due,
    facts::Facts,
    files::text,
    part::{Ground, Opening, Part},
    parts::PARTS,
};

/// What this part has to say.
pub const PART: Part = Part {
    ask,
    files,
    drop_ins: |_| vec![Firewall::Nftables.name().to_owned()],
    steps,
    refuse_both,
    ..Part::NONE
};

/// Units that load plain rules of iptables: a firewall that is nobody's to change but its administrator's.
const IPTABLES_UNITS: [&str; 3] = ["netfilter-persistent", "iptables", "ip6tables"];

fn ask(_: &Desired, _: Side, question: &mut Question) {
    let units = ["firewalld", "nftables"].iter().chain(&IPTABLES_UNITS);
    question.units.extend(units.map(|unit| format!("{unit}.service")));
    question.files.extend(PATHS.map(str::to_owned));
}

fn steps(facts: &Facts<'_>, side: Side, due: &Due) -> Vec<Step> {
    let firewall = facts.hosts[side].firewall;
    let due = firewall.filter(|_| due.has(&FollowUp::OpenFirewall));
    due.map(|firewall| Step::OpenFirewall { firewall })
        .into_iter()
        .collect()
}

fn files(desired: &Desired, side: Side, ground: &Ground) -> Vec<File> {
    let Some(firewall) = ground.firewall.filter(|_| desired.open_firewall) else {
        return Vec::new();
    };
    let rules = openings(desired, side);
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

/// What has to be let in, for a person.
fn told(desired: &Desired, side: Side) -> String {
    let one = |rule: &Opening| {
        let from = rule
            .from
            .as_ref()
            .map(|from| format!(" from {from}"))
            .unwrap_or_default();
        format!("{} {}{from}", rule.protocol, rule.port)
    };
    openings(desired, side)
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

fn openings(desired: &Desired, side: Side) -> Vec<Opening> {
    let mut all: Vec<_> = PARTS
        .iter()
        .flat_map(|part| (part.openings)(desired, side))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// A line each: protocol, port, and the address it comes from, or "any".
fn lines(rules: &[Opening]) -> String {
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
fn policy(rules: &[Opening]) -> String {
    let rule = |rule: &Opening| {
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

/// Rules that the operator cannot add to. A pair that was formed gets through them already.
fn refuse_both(facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let (desired, hosts) = (facts.desired, &facts.hosts);
    if facts.formed || !desired.open_firewall {
        return;
    }
    for (side, host) in hosts.iter() {
        if let Some(file) = host.plain_rules.as_ref().filter(|_| host.firewall.is_none()) {
            let message = format!(
                "{}: the rules of iptables in {file} keep something out, and hapair-operator does not change \
                 them. Let in {}, and set spec.firewall to Unmanaged.",
                desired.nodes[side].name,
                told(desired, side)
            );
            findings.push(Finding::about_pair(Reason::FirewallNotManaged, message));
        }
    }
}
