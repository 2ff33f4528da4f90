//! Plans that are broken on purpose, at least one for each rule: every one of them is refused, by the rule that
//! it breaks. The rules themselves are in operator/planner/src/lint.
#![allow(
    clippy::unwrap_used,
    reason = "a situation that cannot be built fails the test"
)]

mod situations;

use hapair_model::{
    Both, Reason, Secret, Side,
    desired::{Desired, Partition},
    observed::{ConnectionState, CorosyncConf, DiskState, Firewall, Record, Resource, Signature, Unit},
    plan::{Content, File, FollowUp, Keep, Next, PackageManager, Stage, Step},
    xml::Element,
};
use hapair_planner::{Purpose, Rule, checked};
use situations::*;

/// A plan, and the situation that it is made in.
struct Case {
    purpose: Purpose,
    desired: Desired,
    hosts: Hosts,
    steps: Both<Vec<Step>>,
}

impl Case {
    /// Of a step on node1, in a pair at rest.
    fn at_rest(step: impl FnOnce(&Hosts) -> Step) -> Self {
        let desired = tomcat_pair();
        let hosts = at_rest(&desired);
        let step = step(&hosts);
        Self::of(desired, hosts, step)
    }

    fn of(desired: Desired, hosts: Hosts, step: Step) -> Self {
        let steps = Both::new(vec![step], Vec::new());
        Self {
            purpose: Purpose::Converge,
            desired,
            hosts,
            steps,
        }
    }

    fn in_teardown(self) -> Self {
        Self {
            purpose: Purpose::Teardown,
            ..self
        }
    }

    fn refusal(&self) -> Option<String> {
        let stage = Stage {
            name: "broken on purpose",
            steps: self.steps.clone(),
        };
        let next = checked(
            self.purpose,
            &self.desired,
            &self.hosts.as_ref(),
            Next::Run(stage),
        );
        next.err().map(|finding| {
            assert_eq!(finding.reason, Reason::PlanRefused);
            finding.message
        })
    }
}

#[test]
fn every_rule_refuses_the_plans_that_break_it() {
    for rule in Rule::ALL {
        let broken = broken(*rule);
        assert!(!broken.is_empty(), "{rule:?} has no plan that breaks it");
        for (at, case) in broken.iter().enumerate() {
            let refusal = case
                .refusal()
                .unwrap_or_else(|| panic!("{rule:?} let plan {at} through: {:?}", case.steps));
            let name = format!("the safety rule {}:", rule.name());
            assert!(
                refusal.contains(&name),
                "plan {at} was to break {rule:?}: {refusal}"
            );
        }
    }
}

fn unfencings_of_unequal_legs() -> Vec<Case> {
    let unfence = |minor: u32| Step::Unfence {
        resource: "logs".into(),
        minor,
    };
    let with = |change: fn(&mut Resource)| {
        let desired = tomcat_pair();
        let mut hosts = at_rest(&desired);
        change(leg(&mut hosts, Side::Second));
        Case::of(desired, hosts, unfence(0))
    };
    vec![
        with(|leg| leg.disk = DiskState::Inconsistent),
        with(|leg| leg.peer_disk = DiskState::Outdated),
        with(|leg| leg.connection = ConnectionState::StandAlone),
        Case::at_rest(|_| unfence(1)),
    ]
}

/// Plans that break this rule and no other. There is no wildcard: a new rule does not compile without one.
fn broken(rule: Rule) -> Vec<Case> {
    match rule {
        Rule::FitsThePurpose => vec![
            Case::at_rest(|_| Step::LeaveCluster),
            Case::at_rest(|_| Step::Forget { files: Vec::new() }),
            Case::at_rest(|_| Step::ReloadUnits).in_teardown(),
        ],
        Rule::OverwritesOnlyWhatIsNamed => metadata_over_data(),
        Rule::MakesNoLegTwice => vec![a_leg_made_again()],
        Rule::PartitionsOnlyFreeDisks => partitions_over_data(),
        Rule::RecordsOnlyMetadataThatIsThere => vec![Case::at_rest(|_| Step::RecordMetadata {
            resource: "logs".into(),
            uuid: "somewhere-else".into(),
            minor: 0,
            port: 7789,
        })],
        Rule::BringsUpOnlyDeclaredLegs => legs_that_are_not_ours_to_bring_up(),
        Rule::KeepsDiskNames => disks_by_another_name(),
        Rule::FirstGenerationOnBlankLegs => Side::BOTH
            .map(|holder| {
                let desired = tomcat_pair();
                let mut hosts = prepared(&desired);
                leg(&mut hosts, holder).generation = 0x1234_5678;
                Case::of(desired, hosts, create_first_generation())
            })
            .into(),
        Rule::FirstGenerationOnOneNode => {
            let desired = tomcat_pair();
            let hosts = prepared(&desired);
            let steps = Both::new(vec![create_first_generation()], vec![create_first_generation()]);
            vec![Case {
                steps,
                ..Case::of(desired, hosts, create_first_generation())
            }]
        }
        Rule::MakesNoFilesystemOverData => file_systems_over_data(),
        Rule::UnfencesOnlyEqualLegs => unfencings_of_unequal_legs(),
        Rule::TakesDownNothingThatRuns => take_downs_of_what_runs(),
        Rule::InstallsOnlyWhatIsMissing => vec![
            Case::at_rest(|_| install("corosync", "drbd")),
            Case::at_rest(|_| install("nano", "pacemaker")),
        ],
        Rule::WritesOnlyItsOwnPlaces => ["/etc/passwd", "/etc/hapair/../passwd", "/etc/drbd.d/other.res"]
            .map(|path| Case::at_rest(|_| write(path, "text")))
            .into(),
        Rule::KeepsHostNames => vec![Case::at_rest(|_| Step::SetHostname { name: "other".into() })],
        Rule::NamesOnlyItsNodes => vec![Case::at_rest(|_| Step::WriteHostsBlock {
            lines: vec!["192.0.2.1 login.example.com".into()],
        })],
        Rule::EnablesOnlyTheCluster => vec![Case::at_rest(|_| Step::EnableUnits {
            units: vec!["tomcat10".into()],
        })],
        Rule::StopsNoDaemonOfTheCluster => ["pacemaker", "ssh"]
            .map(|unit| {
                Case::at_rest(|_| Step::DisableUnits {
                    units: vec![unit.into()],
                })
            })
            .into(),
        Rule::RestartsNothingUnderPacemaker => restarts_under_pacemaker(),
        Rule::OpensOnlyAManagedFirewall => firewalls_of_others(),
        Rule::KeepsKeys => new_keys_for_a_cluster(),
        Rule::KeepsMembers => other_members(),
        Rule::SeedsOnlyANewCluster => vec![Case::at_rest(|hosts| Step::SeedCib {
            cib: hosts.first.cib.as_ref().unwrap().to_string(),
        })],
        Rule::IsWellFormed => vec![
            Case::at_rest(|_| Step::PushCib {
                cib: "<cib".into(),
                planned_on: "1.1".into(),
            }),
            Case::of(
                tomcat_pair(),
                with_packages(&tomcat_pair()),
                Step::SeedCib { cib: "<cib".into() },
            ),
        ],
        Rule::StandbyOnlyWithReadyPeer => standbys_without_a_ready_peer(),
        Rule::KeepsFencingOn => {
            let switched_off = |hosts: &Hosts| {
                push(hosts, |cib| {
                    section(cib, "crm_config").children.clear();
                })
            };
            let desired = tomcat_pair();
            let seed = Step::SeedCib {
                cib: "<cib><configuration/></cib>".into(),
            };
            vec![
                Case::at_rest(switched_off),
                Case::of(desired.clone(), with_packages(&desired), seed),
            ]
        }
        Rule::LeavesForeignElements => changes_of_foreign_elements(),
        Rule::StopsBeforeRemoving => vec![Case::at_rest(|hosts| {
            push(hosts, |cib| {
                let resources = &mut section(cib, "resources").children;
                resources.retain(|each| each.id() != Some("volume-logs-clone"));
            })
        })],
        Rule::KeepsSecretsOut => vec![Case::at_rest(|hosts| {
            push(hosts, |cib| {
                let secret = pair("password", "bmc-password");
                section(cib, "crm_config").children.push(secret);
            })
        })],
        Rule::SetsOnlyTheDeclaredPassword => vec![Case::at_rest(|_| Step::SetAdminPassword {
            digest: Secret::new("digest"),
            password: Secret::new("another"),
        })],
        // At rest the spec names the disk that the leg has.
        Rule::DetachesOnlyBesideAGoodLeg => {
            let desired = tomcat_pair();
            let hosts = at_rest(&desired);
            let detach = Step::Detach {
                resource: "logs".into(),
                disk: Some("/dev/sdb".into()),
            };
            // Nobody has said that a disk is gone.
            let mut lost = at_rest(&desired);
            lost.first.resources.get_mut("logs").unwrap().disk = "Diskless".into();
            let gone = Step::Detach {
                resource: "logs".into(),
                disk: None,
            };
            vec![
                Case::of(desired.clone(), hosts, detach),
                Case::of(desired, lost, gone),
            ]
        }
        Rule::GivesBackNothingThatIsDeclared => {
            let mut desired = tomcat_pair();
            let path = desired.groups[0].files[0].path.clone();
            desired.leaving.files.insert(path.clone());
            let give_back = |path: &str| Step::GiveBack {
                paths: vec![path.to_owned()],
            };
            let hosts = at_rest(&desired);
            vec![
                Case::of(desired.clone(), hosts.clone(), give_back(&path)),
                Case::of(desired, hosts, give_back("/etc/passwd")),
            ]
        }
        Rule::LeavesOnlyItsOwnHosts => [Some("elsewhere/shop"), None]
            .map(|owner| {
                let desired = tomcat_pair();
                let mut hosts = at_rest(&desired);
                hosts.first.owner = owner.map(|owner| Record {
                    owner: owner.into(),
                    epoch: 1,
                    name: None,
                });
                Case::of(desired, hosts, Step::LeaveCluster).in_teardown()
            })
            .into(),
        Rule::ForgetsNothingThatRuns => {
            let desired = tomcat_pair();
            let hosts = owned(&desired, at_rest(&desired));
            vec![Case::of(desired, hosts, Step::Forget { files: Vec::new() }).in_teardown()]
        }
    }
}

fn metadata_over_data() -> Vec<Case> {
    let desired = tomcat_pair();
    let case = |change: &dyn Fn(&mut Hosts), overwrite: Option<&str>| {
        let mut hosts = with_packages(&desired);
        change(&mut hosts);
        Case::of(desired.clone(), hosts, create_metadata(overwrite))
    };
    let with = |signatures: Vec<Signature>| {
        move |hosts: &mut Hosts| {
            let device = hosts.first.devices.get_mut("logs").unwrap();
            device.signatures.clone_from(&signatures);
        }
    };
    let ext4 = || signature("ext4", "6f1c20a4");
    let unknown = |hosts: &mut Hosts| hosts.first.devices.clear();
    let pending = |hosts: &mut Hosts| {
        with(vec![Signature::data()])(hosts);
        hosts.first.volume_records.insert("logs".into(), record(None));
    };
    vec![
        case(&with(vec![ext4()]), None),
        case(&with(vec![ext4()]), Some("ext4:another")),
        case(&with(vec![ext4(), signature("gpt", "1")]), Some("ext4:6f1c20a4")),
        case(&with(vec![Signature::data()]), None),
        case(&unknown, None),
        case(&pending, None),
        Case::of(desired.clone(), with_first_data(&desired), create_metadata(None)),
    ]
}

fn a_leg_made_again() -> Case {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    hosts.first.resources.clear();
    hosts.first.devices.get_mut("logs").unwrap().signatures.clear();
    hosts
        .first
        .volume_records
        .insert("logs".into(), record(Some("f44642132f79ec16")));
    Case::of(desired, hosts, create_metadata(None))
}

fn partitions_over_data() -> Vec<Case> {
    let mut desired = tomcat_pair();
    desired.volumes[0].disks.first.partition = Some(Partition {
        disk: "/dev/sdb".into(),
        name: "hapair-logs".into(),
        size_mib: None,
    });
    let step = |overwrite: Option<&str>| Step::MakePartition {
        disk: "/dev/sdb".into(),
        name: "hapair-logs".into(),
        size_mib: None,
        overwrite: overwrite.map(str::to_owned),
    };
    let with = |signatures: Vec<Signature>, partitions: &[&str]| {
        let mut hosts = with_packages(&desired);
        let mut disk = hosts.first.devices["logs"].clone();
        disk.signatures = signatures;
        disk.partitions = partitions.iter().map(|name| (*name).to_owned()).collect();
        hosts.first.disks.insert("logs".into(), disk);
        hosts
    };
    let table = || vec![signature("gpt", "1")];
    let unknown = with_packages(&desired);
    vec![
        Case::of(
            desired.clone(),
            with(vec![signature("LVM2_member", "1")], &[]),
            step(None),
        ),
        Case::of(desired.clone(), with(table(), &["hapair-x", "data"]), step(None)),
        Case::of(
            desired.clone(),
            with(table(), &["hapair-x", "data"]),
            step(Some("gpt:1")),
        ),
        Case::of(desired.clone(), unknown, step(None)),
    ]
}

fn legs_that_are_not_ours_to_bring_up() -> Vec<Case> {
    let bring_up = |resource: &str| Step::BringUp {
        resource: resource.into(),
    };
    let desired = tomcat_pair();
    let mut down = at_rest(&desired);
    down.first.resources.clear();
    let mut other_disk = at_rest(&desired);
    let config = other_disk.first.drbd_config.entry("logs".into()).or_default();
    config.disks = ["/dev/sdz".to_owned()].into();
    vec![
        Case::at_rest(|_| bring_up("someones")),
        Case::of(desired.clone(), down, bring_up("logs")),
        Case::of(desired, other_disk, bring_up("logs")),
    ]
}

fn file_systems_over_data() -> Vec<Case> {
    let step = || Step::MakeFilesystem {
        resource: "logs".into(),
        minor: 0,
        filesystem: "ext4",
        mount_point: "/var/log/tomcat10".into(),
        owner: "tomcat:adm".into(),
        mode: "2770".into(),
        copy: false,
    };
    let desired = tomcat_pair();
    let mut unknown = prepared(&desired);
    unknown.first.devices.clear();
    vec![
        Case::at_rest(|_| step()),
        Case::of(desired.clone(), with_first_data(&desired), step()),
        Case::of(desired, unknown, step()),
    ]
}

fn take_downs_of_what_runs() -> Vec<Case> {
    let step = || Step::TakeDown {
        resource: "logs".into(),
    };
    let desired = tomcat_pair();
    let mut primary = at_rest(&desired);
    for host in [&mut primary.first, &mut primary.second] {
        host.cib = None;
        host.resources.get_mut("logs").unwrap().role = "Secondary".into();
    }
    leg(&mut primary, Side::Second).role = "Primary".into();
    vec![
        Case::at_rest(|_| step()),
        Case::of(desired, primary, step()),
        Case::at_rest(|_| step()).in_teardown(),
    ]
}

fn restarts_under_pacemaker() -> Vec<Case> {
    let restart = |unit: &str| Step::RestartUnits {
        units: vec![unit.into()],
    };
    let desired = tomcat_pair();
    let mut unknown = with_packages(&desired);
    unknown.first.units.remove("pacemaker");
    vec![
        Case::at_rest(|_| restart("corosync")),
        Case::of(desired.clone(), unknown, restart("corosync")),
        Case::of(desired.clone(), with_packages(&desired), restart("ssh")),
    ]
}

fn firewalls_of_others() -> Vec<Case> {
    let open = || Step::OpenFirewall {
        firewall: Firewall::Ufw,
    };
    let with = |managed: bool, firewall: Option<Firewall>| {
        let mut desired = tomcat_pair();
        desired.open_firewall = managed;
        let mut hosts = at_rest(&desired);
        hosts.first.firewall = firewall;
        Case::of(desired, hosts, open())
    };
    vec![
        with(false, Some(Firewall::Ufw)),
        with(true, Some(Firewall::Nftables)),
        with(true, None),
    ]
}

fn new_keys_for_a_cluster() -> Vec<Case> {
    let step = || write("/etc/corosync/authkey", "key");
    let desired = tomcat_pair();
    let mut lost = at_rest(&desired);
    lost.first.shared_keys.clear();
    vec![Case::at_rest(|_| step()), Case::of(desired, lost, step())]
}

fn other_members() -> Vec<Case> {
    let desired = tomcat_pair();
    let live = at_rest(&desired);
    let mut cases = Vec::new();
    for hosts in [live.clone(), without_daemons(live.clone())] {
        for change in [swapped, renamed, in_another_cluster] {
            cases.push(Case::of(
                desired.clone(),
                hosts.clone(),
                corosync_conf(&desired, change),
            ));
        }
    }
    let secret = File {
        content: Content::Secret(Secret::new("totem {}")),
        ..file("/etc/corosync/corosync.conf", "")
    };
    cases.push(Case::at_rest(|_| Step::WriteFile(secret)));
    cases.push(Case::at_rest(|hosts| {
        push(hosts, |cib| {
            let node = &mut section(cib, "nodes").children[0];
            node.attributes.insert("id".into(), "3".into());
        })
    }));
    cases
}

fn standbys_without_a_ready_peer() -> Vec<Case> {
    let mut desired = tomcat_pair();
    desired.nodes.first.standby = Some(true);
    let case = |change: fn(&mut Hosts)| {
        let mut hosts = at_rest(&tomcat_pair());
        change(&mut hosts);
        let step = into_standby(&hosts);
        Case::of(desired.clone(), hosts, step)
    };
    vec![
        case(|hosts| leg(hosts, Side::Second).disk = "Inconsistent".into()),
        case(|hosts| leg(hosts, Side::Second).connection = "StandAlone".into()),
        case(|hosts| drop(hosts.second.resources.remove("logs"))),
        case(|hosts| {
            let nodes = &mut hosts.first.cluster.as_mut().unwrap().nodes;
            nodes.get_mut("node2").unwrap().standby = true;
        }),
    ]
}

fn changes_of_foreign_elements() -> Vec<Case> {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    let foreign = Element::new("primitive")
        .with("id", "theirs")
        .with("class", "systemd")
        .with("type", "postgresql");
    let live = hosts.first.cib.as_mut().unwrap();
    section(live, "resources").children.push(foreign);
    let gone = push(&hosts, |cib| {
        section(cib, "resources")
            .children
            .retain(|each| each.id() != Some("theirs"));
    });
    let changed = push(&hosts, |cib| {
        let mut resources = section(cib, "resources").children.iter_mut();
        let theirs = resources.find(|each| each.id() == Some("theirs")).unwrap();
        theirs.attributes.insert("type".into(), "mysql".into());
    });
    [gone, changed]
        .map(|step| Case::of(desired.clone(), hosts.clone(), step))
        .into()
}

/// What the rules must not forbid: each is on the way of an ordinary pair.
#[test]
fn what_is_safe_is_let_through() {
    let mut desired = tomcat_pair();
    desired.nodes.first.standby = Some(true);
    let hosts = at_rest(&tomcat_pair());
    let standby = into_standby(&hosts);
    assert_eq!(Case::of(desired, hosts, standby).refusal(), None);

    let desired = tomcat_pair();
    let mut stopped = at_rest(&desired);
    for host in [&mut stopped.first, &mut stopped.second] {
        host.cib = None;
        host.resources.get_mut("logs").unwrap().role = "Secondary".into();
    }
    let down = Step::TakeDown {
        resource: "logs".into(),
    };
    assert_eq!(Case::of(desired.clone(), stopped, down).refusal(), None);

    let longer_token = |text: &str| text.replace("token: 3000", "token: 10000");
    for hosts in [at_rest(&desired), without_daemons(at_rest(&desired))] {
        let step = corosync_conf(&desired, longer_token);
        assert_eq!(Case::of(desired.clone(), hosts, step).refusal(), None);
    }
    let new = corosync_conf(&desired, swapped);
    assert_eq!(
        Case::of(desired.clone(), with_packages(&desired), new).refusal(),
        None
    );

    let mut consented = with_packages(&desired);
    consented.first.devices.get_mut("logs").unwrap().signatures = vec![signature("ext4", "6f1c20a4")];
    let step = create_metadata(Some("ext4:6f1c20a4"));
    assert_eq!(Case::of(desired, consented, step).refusal(), None);
}

#[test]
fn a_password_that_is_an_ordinary_word_holds_nothing_up() {
    for word in ["admin", "root", "password", "secret", "hacluster", "admin\n"] {
        let mut desired = tomcat_pair();
        for node in [&mut desired.nodes.first, &mut desired.nodes.second] {
            node.devices[0].password = Some(Secret::new(word));
        }
        let hosts = at_rest(&desired);
        let step = push(&hosts, |cib| {
            cib.attributes.insert("update-user".into(), "root".into());
        });
        assert_eq!(Case::of(desired, hosts, step).refusal(), None, "{word:?}");
    }
}

fn leg(hosts: &mut Hosts, side: Side) -> &mut hapair_model::observed::Resource {
    hosts[side].resources.get_mut("logs").unwrap()
}

fn owned(desired: &Desired, hosts: Hosts) -> Hosts {
    hosts.map(|mut host| {
        host.owner = Some(Record {
            owner: desired.owner.to_string(),
            epoch: 1,
            name: None,
        });
        host
    })
}

/// The cluster was formed, and runs on neither host.
fn without_daemons(hosts: Hosts) -> Hosts {
    hosts.map(|mut host| {
        (host.cib, host.cluster, host.corosync_cluster) = (None, None, None);
        host.corosync_conf = Some(CorosyncConf {
            cluster_name: "web".into(),
            nodes: [("node1".into(), 1), ("node2".into(), 2)].into(),
        });
        host.units.insert("pacemaker".into(), Unit::default());
        host
    })
}

fn signature(kind: &str, uuid: &str) -> Signature {
    Signature {
        kind: kind.into(),
        uuid: uuid.into(),
    }
}

/// The resource's file for a leg that runs under another name of its disk, with the peer's right.
fn disks_by_another_name() -> Vec<Case> {
    let desired = tomcat_pair();
    let mut hosts = at_rest(&desired);
    for side in Side::BOTH {
        leg(&mut hosts, side).attached = Some(hapair_model::observed::Attached {
            name: "/dev/sdb1".into(),
            path: "/dev/sdb1".into(),
        });
    }
    let file = |first: &str, second: &str| {
        let section = |node: &str, disk: &str| format!("  on {node} {{\n    disk {disk};\n  }}\n");
        let sections = section("node1", first) + &section("node2", second);
        write(
            "/etc/drbd.d/logs.res",
            &format!("resource logs {{\n{sections}}}\n"),
        )
    };
    let other = "/dev/disk/by-partlabel/hapair-logs";
    vec![
        Case::of(desired.clone(), hosts.clone(), file(other, "/dev/sdb1")),
        Case::of(
            desired,
            hosts,
            write("/etc/drbd.d/logs.res", "resource logs {\n}\n"),
        ),
    ]
}

fn record(device_uuid: Option<&str>) -> hapair_model::observed::VolumeRecord {
    hapair_model::observed::VolumeRecord {
        device_uuid: device_uuid.map(str::to_owned),
        zeroes: false,
        minor: 0,
        port: 7789,
    }
}

fn create_metadata(overwrite: Option<&str>) -> Step {
    Step::CreateMetadata {
        resource: "logs".into(),
        device: "/dev/sdb".into(),
        overwrite: overwrite.map(str::to_owned),
        minor: 0,
        port: 7789,
    }
}

fn create_first_generation() -> Step {
    Step::CreateFirstGeneration {
        resource: "logs".into(),
        minor: 0,
        skip_sync: true,
    }
}

fn install(package: &str, mask: &str) -> Step {
    Step::InstallPackages {
        manager: PackageManager::Apt,
        packages: vec![package.into()],
        mask: vec![mask.into()],
    }
}

fn file(path: &str, content: &str) -> File {
    File {
        path: path.into(),
        mode: "400".into(),
        owner: "root:root".into(),
        content: Content::Text(content.into()),
        keep: Keep::Nothing,
        follow_up: None::<FollowUp>,
    }
}

fn write(path: &str, content: &str) -> Step {
    Step::WriteFile(file(path, content))
}

/// The pair's own corosync.conf, changed.
fn corosync_conf(desired: &Desired, change: fn(&str) -> String) -> Step {
    let plan = plan_of(desired, &with_packages(desired));
    let steps = &stage_of(&plan).steps.first;
    let mut files = steps.iter().filter_map(|step| match step {
        Step::WriteFile(file) => Some(file),
        _ => None,
    });
    let file = files
        .find(|file| file.path == "/etc/corosync/corosync.conf")
        .unwrap();
    let Content::Text(text) = &file.content else {
        panic!("corosync.conf is no secret")
    };
    Step::WriteFile(File {
        content: Content::Text(change(text)),
        ..file.clone()
    })
}

fn swapped(text: &str) -> String {
    text.replace("nodeid: 1", "nodeid: 3")
        .replace("nodeid: 2", "nodeid: 1")
        .replace("nodeid: 3", "nodeid: 2")
}

fn renamed(text: &str) -> String {
    text.replace("name: node2", "name: node3")
}

fn in_another_cluster(text: &str) -> String {
    text.replace("cluster_name: web", "cluster_name: shop")
}

/// The live configuration, changed.
fn push(hosts: &Hosts, change: impl FnOnce(&mut Element)) -> Step {
    let mut cib = hosts.first.cib.clone().unwrap();
    change(&mut cib);
    Step::PushCib {
        cib: cib.to_string(),
        planned_on: "1.1".into(),
    }
}

fn section<'a>(cib: &'a mut Element, name: &str) -> &'a mut Element {
    cib.first_mut("configuration").first_mut(name)
}

fn pair(name: &str, value: &str) -> Element {
    Element::new("nvpair")
        .with("id", name)
        .with("name", name)
        .with("value", value)
}

fn into_standby(hosts: &Hosts) -> Step {
    push(hosts, |cib| {
        let attributes = Element::new("instance_attributes")
            .with("id", "nodes-1")
            .child(pair("standby", "on"));
        section(cib, "nodes").children[0].children.push(attributes);
    })
}
