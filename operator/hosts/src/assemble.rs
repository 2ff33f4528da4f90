//! The sections of a probe, put together into a host.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hapair_model::{
    Secret,
    observed::{CorosyncConf, Device, Host, KnownPeer, Question, Signature, SignatureKind},
    xml::Element,
};

use crate::{
    frames::Sections,
    parse::{block, corosync, crm_mon, drbd, packages, system},
};

const CIB: &str = "/var/lib/pacemaker/cib/cib.xml";

/// The status of a command that is not there (sh(1)).
const NOT_FOUND: i32 = 127;

/// What the sections say about the host. A section that is missing, or whose command failed, says nothing.
pub fn host(sections: &Sections) -> Host {
    let text = |name: &str| {
        sections
            .get(name)
            .filter(|section| section.code == 0)
            .map_or("", |section| section.text.as_str())
    };
    let (packages, held) = packages::read(text("packages"));
    let digests = system::digests(text("digests"));
    let mut files = system::files(text("files"));
    files.extend(system::files(text("drbd-files")));
    let mut host = Host {
        name: text("name").trim().into(),
        kernel: text("kernel").trim().into(),
        distribution: system::distribution(text("os")),
        owner: system::record(text("owner")),
        // getent tells with its status that one of several is missing.
        users: sections
            .get("users")
            .map(|section| system::users(&section.text))
            .unwrap_or_default(),
        groups: sections
            .get("groups")
            .map(|section| system::groups(&section.text))
            .unwrap_or_default(),
        packages,
        held,
        install: system::job(text("units"), text("uptime"), text("job-log")),
        units: system::units(text("units"), text("enabled")),
        files,
        paths: system::paths(text("paths")),
        firewall: system::firewall(text("firewall")),
        plain_rules: text("plain-rules").lines().next().map(str::to_owned),
        pending: text("pending").lines().map(str::to_owned).collect(),
        mended_at: text("mended").trim().parse().ok(),
        drbd_config: drbd::config(
            text("drbd-config"),
            text("drbd-ours"),
            text("drbd-disks"),
            text("name").trim(),
        ),
        metadata_elsewhere: block::drbd_devices(text("metadata-elsewhere")),
        hosts_block: text("hosts-block").lines().map(str::to_owned).collect(),
        // safe-file.py, record().
        service_files: text("service-files")
            .lines()
            .map(|record| format!("/{}", record.replace(':', "/")))
            .collect(),
        corosync_conf: sections
            .get("corosync-conf")
            .filter(|section| section.code == 0)
            .map(|section| CorosyncConf::parse(&section.text)),
        corosync_cluster: corosync::cluster_name(text("corosync")),
        cluster: crm_mon::read(text("crm-mon")),
        cib: Element::parse(text("cib")).ok().filter(|cib| cib.name == "cib"),
        cib_on_disk: digests.get(CIB).cloned(),
        drbd_major: drbd::major_version(text("drbd-module")),
        shared_keys: digests,
        filesystems: block::mounted(text("mounts"), text("usage")),
        mount_points: block::mount_points(text("mounts")),
        machine_id: text("machine-id").trim().into(),
        known_peer: KnownPeer::parse(text("peer")),
        at_boot: system::at_boot(text("at-boot")),
        addresses: system::addresses(text("addresses")),
        admin_password: Some(text("admin-password").trim())
            .filter(|digest| !digest.is_empty())
            .map(Secret::new),
        pcs_hosts: system::pcs_hosts(text("pcs-hosts")),
        ..Host::default()
    };
    let mut attached = drbd::attached(text("drbd-attached"));
    for (name, mut resource) in drbd::resources(text("drbd")) {
        resource.attached = attached.remove(&name);
        (resource.generation, resource.ancestors) =
            drbd::generations(text(&format!("drbd-gi.{}", resource.minor))).unwrap_or_default();
        host.resources.insert(name, resource);
    }
    for (name, section) in sections {
        if let Some(volume) = name.strip_prefix("metadata.") {
            let uuid = section.text.trim();
            host.metadata.extend(
                (section.code == 0 && !uuid.is_empty()).then(|| (volume.to_owned(), uuid.to_owned())),
            );
        } else if let Some(volume) = name.strip_prefix("device.") {
            host.devices.insert(
                volume.to_owned(),
                device("device", volume, section.code == 0, sections),
            );
        } else if let Some(volume) = name.strip_prefix("disk.") {
            host.disks.insert(
                volume.to_owned(),
                device("disk", volume, section.code == 0, sections),
            );
        } else if let Some(volume) = name.strip_prefix("hidden-files.") {
            host.hidden_files.extend(
                section
                    .text
                    .trim()
                    .parse()
                    .ok()
                    .map(|number| (volume.to_owned(), number)),
            );
        } else if let Some(volume) = name.strip_prefix("open-files.") {
            let who = section.text.lines().map(str::to_owned).collect();
            host.open_files.insert(volume.to_owned(), who);
        } else if let Some(volume) = name.strip_prefix("volume-record.") {
            host.volume_records
                .extend(drbd::record(&section.text).map(|record| (volume.to_owned(), record)));
        } else if let Some(volume) = name.strip_prefix("kept-record.") {
            host.kept_records
                .extend(drbd::record(&section.text).map(|record| (volume.to_owned(), record)));
        } else if let Some(agent) = name.strip_prefix("agent.") {
            let parameters = if section.code == 0 {
                system::agent_parameters(&section.text)
            } else {
                None
            };
            host.agents.insert(agent.to_owned(), parameters);
        } else if let Some(path) = name.strip_prefix("key.") {
            let bytes = STANDARD
                .decode(section.text.trim())
                .ok()
                .filter(|bytes| section.code == 0 && !bytes.is_empty());
            host.keys
                .extend(bytes.map(|bytes| (path.to_owned(), Secret::new(bytes))));
        } else if let Some(address) = name.strip_prefix("neighbour.")
            && system::answered(&section.text)
        {
            host.taken.push(address.to_owned());
        }
    }
    host
}

/// What the services answered, by the URLs that were asked.
pub fn answers(sections: &Sections, question: &Question) -> BTreeMap<String, u16> {
    let answer = |group: &str| {
        Some(
            sections
                .get(&format!("answer.{group}"))?
                .text
                .trim()
                .parse()
                .unwrap_or_default(),
        )
    };
    question
        .probes
        .iter()
        .filter_map(|probe| Some((probe.url.clone(), answer(&probe.group)?)))
        .collect()
}

fn device(kind: &str, volume: &str, exists: bool, sections: &Sections) -> Device {
    let get = |what: &str| sections.get(&format!("{kind}{what}.{volume}"));
    let text = |what: &str| {
        get(what)
            .filter(|section| section.code == 0)
            .map_or("", |section| section.text.as_str())
    };
    // A look at the signatures that failed must never read as a blank device.
    let mut signatures = match get("-signatures") {
        Some(section) if section.code != 0 => block::signatures("unreadable"),
        Some(section) => block::named(block::signatures(&section.text), text("-table").trim()),
        None => Vec::new(),
    };
    signatures.extend(block::partition_signatures(text("-use")));
    match get("-content") {
        // Without python3, which comes with the packages, it was not looked at; the step that makes metadata
        // looks again.
        Some(section) if section.code == NOT_FOUND => {}
        Some(section) if section.code != 0 => signatures.extend(block::signatures("unreadable")),
        Some(section) if section.text.trim() == SignatureKind::Data.as_str() => {
            signatures.push(Signature::data())
        }
        _ => {}
    }
    let (size, path) = text("").split_once('\n').unwrap_or_default();
    Device {
        exists,
        path: path.trim().to_owned(),
        size: size.trim().parse().unwrap_or_default(),
        partitions: block::partitions(text("-use")),
        in_use: if exists { block::in_use(text("-use")) } else { None },
        signatures,
        label: block::export(text("-label"), "LABEL").map(str::to_owned),
        free: text("-free").trim().parse().ok(),
    }
}
