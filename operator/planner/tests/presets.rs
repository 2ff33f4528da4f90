//! What a preset means on each distribution.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Reason, Side,
    desired::{Desired, Preset, ServiceKind},
    observed::{Distribution, Host, Unit},
    plan::{Finding, Step},
};
use situations::*;

const DISTRIBUTIONS: [(&str, &str); 4] = [
    ("debian", "11"),
    ("debian", "12"),
    ("debian", "13"),
    ("rhel", "9"),
];

fn declared(preset: Preset) -> Desired {
    let mut desired = tomcat_pair();
    desired.groups[0].services[0].kind = ServiceKind::Preset(preset);
    desired
}

fn on(hosts: Hosts, (id, version): (&str, &str)) -> Hosts {
    hosts.map(|host| Host {
        distribution: Distribution {
            id: id.into(),
            version: version.into(),
            like: Vec::new(),
        },
        ..host
    })
}

/// The packages that are installed for a preset and the units that are kept from starting meanwhile, beside the
/// cluster's.
fn installed(preset: Preset, distribution: (&str, &str)) -> (Vec<String>, Vec<String>) {
    let plan = plan_of(
        &declared(preset),
        &on(two_bare_hosts(&tomcat_pair()), distribution),
    );
    let stage = stage_of(&plan);
    let [Step::InstallPackages { packages, mask, .. }] = &stage.steps.first[..] else {
        panic!("{stage:?}")
    };
    let of_the_cluster = |name: &&String| {
        let cluster = "corosync curl drbd fence ipmitool pacemaker pcs resource-agents";
        cluster.split(' ').any(|each| name.starts_with(each))
    };
    let without = |names: &[String]| {
        names
            .iter()
            .filter(|name| !of_the_cluster(name))
            .cloned()
            .collect()
    };
    (without(packages), without(mask))
}

/// The same in a line, `packages: units`; `refused` where no distribution's package could be run by a pair.
fn told(preset: Preset, distribution: (&str, &str)) -> String {
    let plan = plan_of(
        &declared(preset),
        &on(two_bare_hosts(&tomcat_pair()), distribution),
    );
    let is_refused = |finding: &Finding| {
        finding.reason == Reason::UnitNotFound && finding.message.contains(&preset.to_string())
    };
    if plan.findings.iter().any(is_refused) {
        return "refused".into();
    }
    let (packages, units) = installed(preset, distribution);
    format!("{}: {}", packages.join(" "), units.join(" "))
}

#[test]
fn each_distribution_has_its_packages_and_units() {
    let expected = [
        (
            Preset::Tomcat,
            [
                "tomcat9: tomcat9",
                "tomcat10: tomcat10",
                "tomcat10: tomcat10",
                "tomcat: tomcat",
            ],
        ),
        (Preset::Nginx, ["nginx: nginx"; 4]),
        (
            Preset::Postgresql,
            [
                "postgresql-13: postgresql postgresql@13-main",
                "postgresql-15: postgresql postgresql@15-main",
                "postgresql-17: postgresql postgresql@17-main",
                "refused",
            ],
        ),
    ];
    assert_eq!(expected.map(|(preset, _)| preset), Preset::ALL);
    for (preset, lines) in expected {
        let found = DISTRIBUTIONS.map(|distribution| told(preset, distribution));
        assert_eq!(found, lines, "{preset}");
    }
}

#[test]
fn whatever_would_start_a_service_by_itself_is_disabled() {
    for preset in Preset::ALL {
        let declared = declared(*preset);
        let mut hosts = on(with_packages(&declared), ("debian", "12"));
        let (packages, units) = installed(*preset, ("debian", "12"));
        for host in [&mut hosts.first, &mut hosts.second] {
            let packages = packages.iter().map(|name| (name.clone(), "1".to_owned()));
            host.packages.extend(packages);
        }
        for unit in &units {
            let enabled = Unit {
                load: "loaded".into(),
                enabled: true,
                ..Unit::default()
            };
            hosts[Side::First].units.insert(unit.clone(), enabled);
        }
        let plan = plan_of(&declared, &hosts);
        let stage = stage_of(&plan);
        let disabled = stage.steps.first.iter().any(
            |step| matches!(step, Step::DisableUnits { units: disabled } if units.iter().all(|unit| disabled.contains(unit))),
        );
        assert!(disabled, "{preset}: {stage:?}");
    }
}
