//! Rules about disks and the data on them.

use hapair_model::{
    observed::{
        ConnectionState, Device, DiskState, Host, JUST_CREATED, ReplicationState, Role, SignatureKind as Kind,
    },
    plan::{Content, FollowUp, Step},
};

use super::{Judge, Purpose, has};

impl Judge<'_> {
    pub(super) fn overwrites_only_what_is_named(&self, step: &Step) -> bool {
        let Step::CreateMetadata {
            resource, overwrite, ..
        } = step
        else {
            return false;
        };
        let host = self.host();
        let Some(device) = host.devices.get(resource) else {
            return false;
        };
        // An earlier run of the same step was cut off: what is there now is what it wrote. Data without a
        // signature never comes from it.
        let is_ours = is_pending(host, resource) && (!is_mere_data(device) || overwrite.is_some());
        let is_down = host
            .resources
            .get(resource)
            .is_none_or(|leg| leg.disk.is_without_disk() && gets_another_disk(host, resource));
        is_down && (is_ours || device.signatures.is_empty() || is_named(device, overwrite.as_deref()))
    }

    pub(super) fn unfences_only_equal_legs(&self, step: &Step) -> bool {
        let Step::Unfence { resource, minor } = step else {
            return false;
        };
        self.hosts.all(|host| {
            host.resources.get(resource).is_some_and(|leg| {
                leg.minor == *minor
                    && leg.connection == ConnectionState::Connected
                    && leg.replication == ReplicationState::Established
                    && leg.disk == DiskState::UpToDate
                    && leg.peer_disk == DiskState::UpToDate
            })
        })
    }

    pub(super) fn makes_no_leg_twice(&self, step: &Step) -> bool {
        let Step::CreateMetadata { resource, .. } = step else {
            return false;
        };
        let was_made =
            self.host().volume_records.contains_key(resource) && !is_pending(self.host(), resource);
        !(was_made && self.is_configured(resource)) || gets_another_disk(self.host(), resource)
    }

    pub(super) fn detaches_only_beside_a_good_leg(&self, step: &Step) -> bool {
        let Step::Detach { resource, disk } = step else {
            return false;
        };
        let mut volumes = self.desired.volumes.iter();
        let declared = volumes.find(|volume| volume.name == *resource);
        let declared = declared.map(|volume| &volume.disks[self.side].device);
        let leg = self.host().resources.get(resource);
        let peers = self.peer().resources.get(resource);
        let path = self.host().devices.get(resource).map(|device| &device.path);
        let is_declared = |disk: &String| Some(disk) == declared || Some(disk) == path;
        let is_replaced = match (disk, leg) {
            (Some(disk), Some(leg)) => leg.attached.as_ref().is_some_and(|attached| {
                leg.role == Role::Secondary
                    && attached.name == *disk
                    && !self.carries_its_own_metadata(resource)
                    && !is_declared(&attached.name)
                    && !is_declared(&attached.path)
            }),
            (Some(_), None) => false,
            (None, leg) => {
                leg.is_none_or(|leg| leg.disk == DiskState::Diskless)
                    && (self.is_given_up(resource)
                        || self
                            .host()
                            .drbd_config
                            .get(resource)
                            .is_some_and(|config| !config.disks.iter().any(is_declared)))
            }
        };
        let is_joined = leg.is_none_or(|leg| {
            leg.connection == ConnectionState::Connected && leg.peer_disk == DiskState::UpToDate
        });
        // Its own disk knows what it has missed.
        let has_returned = disk.is_none() && leg.is_some() && self.carries_its_own_metadata(resource);
        let is_filled = is_joined && peers.is_some_and(|peers| peers.disk == DiskState::UpToDate);
        is_replaced
            && declared.is_some()
            && (has_returned || is_filled)
            && !gets_another_disk(self.peer(), resource)
    }

    /// Whether a person has said that the leg's disk is gone for good.
    fn is_given_up(&self, volume: &str) -> bool {
        self.made(volume)
            .is_some_and(|uuid| self.desired.lost_legs.contains(uuid))
    }

    /// Whether the declared device carries the metadata that the leg was made with.
    fn carries_its_own_metadata(&self, volume: &str) -> bool {
        let device = self.host().devices.get(volume);
        let signatures = device.into_iter().flat_map(|device| &device.signatures);
        let mut metadata = signatures.filter(|each| each.kind == Kind::Drbd);
        metadata.any(|each| Some(&each.uuid) == self.made(volume))
    }

    /// The metadata that this host's leg was made with, by its own record or its peer's.
    fn made(&self, volume: &str) -> Option<&String> {
        let record = self.host().volume_records.get(volume);
        let own = record.and_then(|record| record.device_uuid.as_ref());
        own.or_else(|| self.peer().known_peer.as_ref()?.legs.get(volume))
    }

    pub(super) fn partitions_only_free_disks(&self, step: &Step) -> bool {
        let Step::MakePartition {
            disk,
            name,
            overwrite,
            ..
        } = step
        else {
            return false;
        };
        let mut volumes = self.desired.volumes.iter();
        let volume = volumes.find(|volume| {
            let partition = volume.disks[self.side].partition.as_ref();
            partition.is_some_and(|partition| partition.disk == *disk && partition.name == *name)
        });
        let Some(device) = volume.and_then(|volume| self.host().disks.get(&volume.name)) else {
            return false;
        };
        let is_volumes = |name: &String| name.starts_with("hapair-");
        let only_tables = device
            .signatures
            .iter()
            .all(|signature| [Kind::Gpt, Kind::ProtectiveMbr, Kind::Partition].contains(&signature.kind));
        let shared = only_tables && !device.partitions.is_empty() && device.partitions.iter().all(is_volumes);
        let named = is_named(device, overwrite.as_deref()) && !device.partitions.iter().any(is_volumes);
        device.signatures.is_empty() || shared || named
    }

    pub(super) fn records_only_metadata_that_is_there(&self, step: &Step) -> bool {
        let Step::RecordMetadata { resource, uuid, .. } = step else {
            return false;
        };
        let host = self.host();
        let signatures = host.devices.get(resource).map(|device| &device.signatures);
        let is_on_device = signatures
            .into_iter()
            .flatten()
            .any(|signature| signature.kind == Kind::Drbd && signature.uuid == *uuid);
        is_on_device || host.metadata.get(resource) == Some(uuid)
    }

    pub(super) fn brings_up_only_declared_legs(&self, step: &Step) -> bool {
        let Step::BringUp { resource } = step else {
            return false;
        };
        let Some(volume) = self
            .desired
            .volumes
            .iter()
            .find(|volume| volume.name == *resource)
        else {
            return false;
        };
        let host = self.host();
        let Some(leg) = host.resources.get(resource) else {
            return !self.is_configured(resource);
        };
        // There is nothing to detach. A disk that has failed is not attached again by itself.
        if leg.disk == DiskState::Diskless {
            return self.carries_its_own_metadata(resource) && gets_another_disk(host, resource);
        }
        let declared = volume.disks[self.side].device.as_str();
        let path = host
            .devices
            .get(resource)
            .map_or("", |device| device.path.as_str());
        // Without the file there is nothing to compare with. The script tries the new file on the running leg
        // first, and stops where that would detach it.
        host.drbd_config
            .get(resource)
            .map(|config| &config.disks)
            .filter(|disks| !disks.is_empty())
            .is_none_or(|disks| disks.iter().any(|disk| disk == declared || disk == path))
    }

    pub(super) fn keeps_disk_names(&self, step: &Step) -> bool {
        let Step::WriteFile(file) = step else {
            return false;
        };
        let volume = file
            .path
            .strip_prefix("/etc/drbd.d/")
            .and_then(|name| name.strip_suffix(".res"));
        let leg = volume.and_then(|volume| self.host().resources.get(volume));
        let Some(attached) = leg.and_then(|leg| leg.attached.as_ref()) else {
            return true;
        };
        let (Content::Text(text) | Content::WithDrbdSecret(text)) = &file.content else {
            return false;
        };
        // The section of this node.
        let begin = format!("on {} {{", self.desired.nodes[self.side].name);
        let section = text.lines().skip_while(|line| line.trim() != begin);
        let mut section = section.take_while(|line| line.trim() != "}");
        section.any(|line| line.trim() == format!("disk {};", attached.name))
    }

    pub(super) fn first_generation_on_blank_legs(&self, step: &Step) -> bool {
        let Step::CreateFirstGeneration { resource, .. } = step else {
            return false;
        };
        let is_blank = |host: &Host| {
            let leg = host.resources.get(resource);
            leg.is_some_and(|leg| leg.generation == JUST_CREATED)
        };
        self.hosts.all(|host| is_blank(host))
    }

    pub(super) fn first_generation_on_one_node(&self, step: &Step) -> bool {
        let Step::CreateFirstGeneration { resource, .. } = step else {
            return false;
        };
        let is_same = |step: &Step| matches!(step, Step::CreateFirstGeneration { resource: other, .. } if other == resource);
        !self.stage.steps[self.side.peer()].iter().any(is_same)
    }

    pub(super) fn makes_no_filesystem_over_data(&self, step: &Step) -> bool {
        let Step::MakeFilesystem { resource, .. } = step else {
            return false;
        };
        let Some(device) = self.host().devices.get(resource) else {
            return false;
        };
        !self.is_configured(resource) && device.label.as_deref() != Some("hapair")
    }

    pub(super) fn takes_down_nothing_that_runs(&self, step: &Step) -> bool {
        let Step::TakeDown { resource } = step else {
            return false;
        };
        let is_primary = |host: &Host| {
            let leg = host.resources.get(resource);
            leg.is_some_and(|leg| leg.role == Role::Primary)
        };
        match self.purpose {
            Purpose::Converge => !self.is_configured(resource) && !self.hosts.any(|host| is_primary(host)),
            // The other host may be another pair's by now.
            Purpose::Teardown => self.host().cib.is_none() && !is_primary(self.host()),
        }
    }

    /// Whether a live configuration has the volume.
    fn is_configured(&self, volume: &str) -> bool {
        let id = format!("volume-{volume}");
        self.hosts
            .any(|host| host.cib.as_ref().is_some_and(|cib| has(cib, &id)))
    }
}

/// Whether a leg has given its disk up for another one.
fn gets_another_disk(host: &Host, volume: &str) -> bool {
    host.pending.contains(&FollowUp::Attach(volume.to_owned()).mark())
}

/// Whether the host's record says that metadata was about to be made.
fn is_pending(host: &Host, volume: &str) -> bool {
    let record = host.volume_records.get(volume);
    record.is_some_and(|record| record.device_uuid.is_none())
}

/// Whether all that is on the device has no signature.
fn is_mere_data(device: &Device) -> bool {
    device.signatures.len() == 1 && device.signatures[0].kind == Kind::Data
}

/// Whether the consent names everything that is on the device, and nothing else.
fn is_named(device: &Device, overwrite: Option<&str>) -> bool {
    let mut found: Vec<_> = device.signatures.iter().map(ToString::to_string).collect();
    let mut named: Vec<_> = overwrite
        .into_iter()
        .flat_map(|text| text.split('+'))
        .map(str::to_owned)
        .collect();
    found.sort_unstable();
    found.dedup();
    named.sort_unstable();
    named == found
}
