//! What a step makes of a host; operator/hosts/tests/meaning.rs compares it with what the scripts do.

use hapair_model::{
    digest,
    observed::{
        CorosyncConf, DrbdConfig, FileFacts, Host, JUST_CREATED, KnownPeer, Resource, Signature, Unit,
        VolumeRecord,
    },
    plan::{Content, File, FollowUp, Step},
    xml::Element,
};

fn mark(file: &File, host: &mut Host) {
    let mark = file.follow_up.as_ref().map(FollowUp::mark);
    host.pending
        .extend(mark.filter(|mark| !host.pending.contains(mark)));
}

/// The marks that a step takes away, as its script does.
fn follow(step: &Step, host: &mut Host) {
    let done: Vec<FollowUp> = match step {
        Step::ReloadCorosync => vec![FollowUp::ReloadCorosync],
        Step::RestartUnits { .. } => vec![FollowUp::ReloadCorosync, FollowUp::RestartCorosync],
        Step::EnableUnits { units } => {
            let idle = |unit: &String| !host.units.get(unit).is_some_and(Unit::is_active);
            if units.iter().any(idle) {
                vec![FollowUp::ReloadCorosync, FollowUp::RestartCorosync]
            } else {
                Vec::new()
            }
        }
        Step::BringUp { resource } => vec![FollowUp::Adjust(resource.clone())],
        Step::OpenFirewall { .. } => vec![FollowUp::OpenFirewall],
        Step::CleanUp { resource } => {
            assert!(
                host.cib
                    .as_ref()
                    .unwrap()
                    .to_string()
                    .contains(&format!("id=\"{resource}\"")),
                "there is no {resource} to clean up"
            );
            let volume = resource.strip_prefix("volume-").unwrap_or_default();
            vec![
                FollowUp::CleanUp(resource.clone()),
                FollowUp::Adjust(volume.to_owned()),
            ]
        }
        _ => Vec::new(),
    };
    host.pending
        .retain(|mark| !done.iter().any(|each| each.mark() == *mark));
    let starts_pacemaker =
        matches!(step, Step::EnableUnits { units } if units.iter().any(|unit| unit == "pacemaker"));
    host.pending
        .retain(|mark| !(starts_pacemaker && mark.starts_with("clean-up-")));
}

/// What a host looks like after a step, as far as these tests need it.
pub fn carry_out(step: &Step, host: &mut Host) {
    follow(step, host);
    match step {
        Step::SetHostname { name } => host.name = name.clone(),
        Step::HoldPackages { packages } => host.held.extend(packages.clone()),
        Step::WriteHostsBlock { lines } => host.hosts_block = lines.clone(),
        Step::WriteFile(file) if file.path.ends_with("authkey") || file.path.ends_with("drbd.key") => {
            mark(file, host);
            host.shared_keys.insert(file.path.clone(), file.content.digest());
        }
        Step::WriteFile(file) => {
            let facts = FileFacts {
                digest: file.content.digest(),
                mode: file.mode.trim_start_matches('0').into(),
                owner: file.owner.clone(),
            };
            host.files.insert(file.path.clone(), facts);
            if let Content::Text(text) = &file.content {
                match file.path.as_str() {
                    "/etc/corosync/corosync.conf" => host.corosync_conf = Some(CorosyncConf::parse(text)),
                    "/var/lib/hapair/peer" => host.known_peer = KnownPeer::parse(text),
                    _ => {}
                }
            }
            mark(file, host);
            if let Some(FollowUp::Adjust(resource)) = &file.follow_up {
                host.drbd_config.insert(
                    resource.clone(),
                    DrbdConfig {
                        minors: vec![0],
                        ports: vec![7789],
                        disks: vec!["/dev/sdb".into()],
                        ours: true,
                    },
                );
            }
        }
        Step::EnableUnits { units } => {
            for unit in units {
                host.units.insert(
                    unit.clone(),
                    Unit {
                        load: "loaded".into(),
                        active: "active".into(),
                        enabled: true,
                        ..Unit::default()
                    },
                );
            }
            if units.iter().any(|unit| unit == "corosync") {
                host.corosync_cluster = Some("web".into());
            }
        }
        Step::CreateMetadata {
            resource,
            minor,
            port,
            ..
        } => {
            let uuid = "f44642132f79ec16".to_owned();
            let record = VolumeRecord {
                device_uuid: Some(uuid.clone()),
                zeroes: true,
                minor: *minor,
                port: *port,
            };
            let signature = Signature {
                kind: "drbd".into(),
                uuid,
            };
            host.devices.get_mut(resource).unwrap().signatures.push(signature);
            host.volume_records.insert(resource.clone(), record);
        }
        Step::RecordMetadata {
            resource,
            uuid,
            minor,
            port,
        } => {
            let record = VolumeRecord {
                device_uuid: Some(uuid.clone()),
                zeroes: false,
                minor: *minor,
                port: *port,
            };
            host.volume_records.insert(resource.clone(), record);
        }
        Step::BringUp { resource } if host.resources.contains_key(resource) => {}
        Step::BringUp { resource } => {
            let leg = Resource {
                minor: host.volume_records[resource].minor,
                role: "Secondary".into(),
                peer_role: "Secondary".into(),
                connection: "Connected".into(),
                disk: "Inconsistent".into(),
                peer_disk: "Inconsistent".into(),
                replication: "Established".into(),
                attached: None,
                suspended: None,
                done: None,
                generation: JUST_CREATED,
                ancestors: Vec::new(),
            };
            host.resources.insert(resource.clone(), leg);
        }
        Step::SeedCib { cib } | Step::PushCib { cib, .. } => {
            host.cib_on_disk = Some(digest(cib.as_bytes()));
            host.cib = Some(Element::parse(cib).unwrap());
        }
        Step::SetAdminPassword { digest, .. } => {
            host.admin_password = Some(digest.clone());
            host.units.insert(
                "pcsd".into(),
                Unit {
                    load: "loaded".into(),
                    active: "active".into(),
                    enabled: true,
                    ..Unit::default()
                },
            );
        }
        Step::AuthenticatePcs { nodes, .. } => {
            host.pcs_hosts = nodes.iter().map(|(name, _)| name.clone()).collect()
        }
        Step::TakeDown { resource } => {
            host.resources.remove(resource);
            host.files.remove(&format!("/etc/drbd.d/{resource}.res"));
            host.drbd_config.remove(resource);
        }
        Step::ReloadUnits
        | Step::ReloadCorosync
        | Step::RestartUnits { .. }
        | Step::CleanUp { .. }
        | Step::OpenFirewall { .. }
        | Step::DisableUnits { .. } => {}
        other => panic!("these tests do not carry out {other:?}"),
    }
}
