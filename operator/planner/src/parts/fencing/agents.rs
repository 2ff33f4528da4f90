//! Which packages bring a fence agent.

use crate::platform::Platform;

/// An agent with its packages.
struct Agent {
    name: &'static str,
    /// Where each agent has a package of its own.
    split: &'static [&'static str],
    /// Where nearly all are in fence-agents.
    joined: &'static [&'static str],
}

/// The agents whose packages are known. Any other is a person's choice, and so is the package that brings it.
const AGENTS: [Agent; 7] = [
    Agent {
        name: "fence_apc_snmp",
        split: &["fence-agents-apc-snmp"],
        // Debian's fence-agents only recommends it.
        joined: &["fence-agents", "snmp"],
    },
    Agent {
        name: "fence_ipmilan",
        split: &["fence-agents-ipmilan", "ipmitool"],
        joined: &["fence-agents", "ipmitool"],
    },
    agent("fence_pve", &["fence-agents-pve"]),
    agent("fence_redfish", &["fence-agents-redfish"]),
    agent("fence_virsh", &["fence-agents-virsh"]),
    agent("fence_vmware_rest", &["fence-agents-vmware-rest"]),
    Agent {
        name: "fence_xvm",
        split: &["fence-virt"],
        joined: &["fence-virt"],
    },
];

const fn agent(name: &'static str, split: &'static [&'static str]) -> Agent {
    Agent {
        name,
        split,
        joined: &["fence-agents"],
    }
}

/// The packages that bring an agent.
pub fn packages(name: &str, platform: &Platform) -> &'static [&'static str] {
    let agent = AGENTS.iter().find(|agent| agent.name == name);
    agent.map_or(&[], |agent| match platform.splits_fence_agents {
        true => agent.split,
        false => agent.joined,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a release has a package for each agent.
    const SPLITS: [bool; 4] = [false, false, true, true];

    #[test]
    fn each_release_has_its_packages() {
        let of = |agent| {
            let found: Vec<_> = Platform::all()
                .map(|platform| packages(agent, &platform))
                .collect();
            <[_; 4]>::try_from(found).unwrap()
        };
        let ipmi = SPLITS.map(|splits| match splits {
            // Debian 12's fence-agents does not bring ipmitool.
            false => ["fence-agents", "ipmitool"],
            true => ["fence-agents-ipmilan", "ipmitool"],
        });
        assert_eq!(of("fence_ipmilan"), ipmi.each_ref().map(|names| &names[..]));
        let apc = SPLITS.map(|splits| match splits {
            false => &["fence-agents", "snmp"][..],
            true => &["fence-agents-apc-snmp"],
        });
        assert_eq!(of("fence_apc_snmp"), apc);
        assert_eq!(of("fence_xvm"), [&["fence-virt"][..]; 4]);
        assert!(of("fence_of_ones_own").iter().all(|packages| packages.is_empty()));
    }
}
