//! The script that opens nftables, run against the kernel's packet filter, in a network namespace of its own
//! (root needed).
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::{fs, path::Path, process::Command};

/// What an administrator has: everything is dropped but SSH.
const RULES_OF_AN_ADMINISTRATOR: &str = "table inet filter { chain input { type filter hook input priority \
    filter; policy drop; \
                                         tcp dport 22 accept comment \"mine\"; }; chain output { type filter \
                                         hook output priority filter; }; }";

/// Runs the script with each of these rule files in turn, and returns what the input chain holds after each.
fn chain_after<const N: usize>(rules: [&str; N]) -> [String; N] {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../planner/files/nftables");
    let mut line = format!("nft '{RULES_OF_AN_ADMINISTRATOR}'");
    for (number, text) in rules.iter().enumerate() {
        let path = folder.path().join(number.to_string());
        fs::write(&path, text).unwrap();
        line += &format!(
            " && sh {} {} && nft list chain inet filter input && echo ==",
            script.display(),
            path.display()
        );
    }
    let output = Command::new("unshare")
        .args(["--net", "sh", "-c", &line])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut chains = text.split("==\n").map(str::to_owned);
    [(); N].map(|()| chains.next().unwrap())
}

#[test]
fn the_firewall_lets_in_what_the_rules_name_and_keeps_what_an_administrator_wrote() {
    let rules = "udp 5405 192.0.2.12\ntcp 2224 2001:db8::2\ntcp 8080 any\n";
    let [first, again, fewer, none] = chain_after([rules, rules, "tcp 8080 any\n", ""]);
    for wanted in [
        "ip saddr 192.0.2.12 udp dport 5405 accept comment \"hapair\"",
        "ip6 saddr 2001:db8::2 tcp dport 2224 accept comment \"hapair\"",
        "tcp dport 8080 accept comment \"hapair\"",
        "tcp dport 22 accept comment \"mine\"",
    ] {
        assert!(first.contains(wanted), "{first}");
    }
    assert_eq!(first, again, "applied again, nothing is there twice");
    assert_eq!(fewer.matches("hapair").count(), 1, "{fewer}");
    assert!(!none.contains("hapair") && none.contains("mine"), "{none}");
}
